"""Windows programs from inside WSL: where they are, whether they can be started, and why one failed."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from wsltop.guest.identity import Guest, identify_guest
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.text import clean

BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def ascii_bytes(line: bytes) -> bytes:
    """The ASCII text of a line that may be UTF-16 of either order, with or without byte order mark and CR.

    Only for text that is ASCII by agreement: then UTF-16 is the same bytes with NULs between, and dropping those
    is right whatever the alignment, also after the stream was cut at its ``\\n`` bytes.
    """
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        line = line.removeprefix(mark)
    return line.replace(b"\0", b"").strip()


def decode_text(raw: bytes) -> str:
    """Text from a whole output: by its byte order mark, else UTF-16 by its NULs, else UTF-8, else as Latin-1.

    Latin-1 stands in for every code page of Windows (437, 850, 866, 932 and so on): ASCII is the same in all, and
    in the double-byte ones neither a quote nor a digit is ever the second byte of a character.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    if raw.count(0) * 4 >= len(raw) > 1:
        odd = raw[1::2].count(0) > raw[0::2].count(0)
        return raw.decode("utf-16-le" if odd else "utf-16-be", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


INTEROP_DISABLED: Final = Unavailable(
    "interop is disabled: WSL does not start Windows programs",
    "Set enabled=true under [interop] in /etc/wsl.conf, then run: wsl.exe --shutdown (from Windows).",
)
BINFMT_LOST: Final = Unavailable(
    "the binfmt_misc entry for Windows programs is lost",
    "Run from Windows: wsl.exe --shutdown; or: echo :WSLInterop:M::MZ::/init:PF | sudo tee "
    "/proc/sys/fs/binfmt_misc/register",
)


def explain_guest(guest: Guest) -> Unavailable | None:
    """Why no host can be asked from ``guest``; ``None`` on WSL 2."""
    if guest.flavor == "wsl2":
        return None
    if guest.flavor == "wsl1":
        return Unavailable(
            f"this is WSL 1 ({guest.release}): it has no virtual machine, Linux runs in Windows' own memory",
            "Convert the distribution from Windows with: wsl.exe --set-version NAME 2",
        )
    return Unavailable(
        f"not WSL (kernel {guest.release or 'unknown'})",
        "Try --host process:NAME to watch a process of this machine.",
    )


def find_interop_fault(root: Path, environ: Mapping[str, str]) -> Unavailable | None:
    """What is visibly wrong with interop. ``None`` proves nothing: only starting a program does."""
    if identify_guest(root, environ).flavor != "wsl2":
        return None  # the user named a drive: nothing is known of this place
    if wsl_setting(root, "interop", "enabled") in {"false", "0", "no", "off"}:
        return INTEROP_DISABLED
    if is_binfmt_lost(root / "proc/sys/fs/binfmt_misc"):
        return BINFMT_LOST
    named = environ.get("WSL_INTEROP", "")
    socket_there = bool(named) and is_there(root / named.lstrip("/"))
    sockets = list_directory(root / "run/WSL")
    if not socket_there and not any(path.name.endswith("_interop") for path in sockets):
        return INTEROP_DISABLED
    return None


def is_binfmt_lost(directory: Path) -> bool:
    """True when binfmt_misc is mounted and no enabled entry hands programs to WSL's ``/init``."""
    if not is_there(directory / "status"):
        return False  # not mounted here: nothing is known
    if read_small(directory / "status").startswith("disabled"):
        return True
    texts = [read_small(path) for path in list_directory(directory) if path.name not in {"status", "register"}]
    return not any(text.startswith("enabled") and "interpreter /init" in text for text in texts)


def wsl_setting(root: Path, section: str, key: str) -> str | None:
    """A value of ``/etc/wsl.conf`` in lower case, ``None`` where it is not set; names in any case, as WSL reads it."""
    import configparser  # takes longer to load than the file to read, and is asked for seldom

    parser = configparser.ConfigParser(
        strict=False, interpolation=None, inline_comment_prefixes=("#",), allow_no_value=True
    )
    try:
        parser.read_string(read_small(root / "etc/wsl.conf"))
    except configparser.Error:
        return None
    for name in parser.sections():
        if name.strip().lower() == section:
            value = parser.get(name, key, fallback=None)
            return None if value is None else value.strip().strip('"').lower()
    return None


def read_small(path: Path) -> str:
    """The first 64 KiB of a file as text, empty when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(64 * 1024).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def is_there(path: Path) -> bool:
    """Whether ``path`` exists, as far as we may look; an impossible name does not."""
    try:
        return path.exists()
    except OSError:
        return False


def list_directory(directory: Path) -> list[Path]:
    """What a directory holds, sorted; nothing when it cannot be read."""
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


SYSTEM: Final = "Windows/System32"
POWERSHELL: Final = f"{SYSTEM}/WindowsPowerShell/v1.0/powershell.exe"
TASKLIST: Final = f"{SYSTEM}/tasklist.exe"
CLIP: Final = f"{SYSTEM}/clip.exe"
WSL_EXE: Final = f"{SYSTEM}/wsl.exe"
ROOT_OF_DRIVE: Final = re.compile(r"([A-Za-z]):\\{0,2}")
NAMED_PATH: Final = re.compile(r"(?:^|[;,])path=([A-Za-z]):\\{0,2}(?=[;,]|$)")
VIRTIOFS_TAG: Final = re.compile(r"drvfs(?:[a-z]*([A-Z]))?.*")
OCTAL: Final = re.compile(r"\\([0-7]{3})")
PASSED_ON: Final = ("WSL_INTEROP", "WSL_DISTRO_NAME", "PATH", "LD_LIBRARY_PATH")
"""WSL's init needs the first two to reach Windows and to translate the working directory; the others may be needed to
run Python, which ties the child to us. ``WSLENV`` stays behind: it would carry variables of the user's shell into
PowerShell, ``PSModulePath`` for one."""


class Launch(Struct, frozen=True, kw_only=True):
    """How to start one program of Windows."""

    command: tuple[str, ...]
    """The absolute path first."""
    directory: str
    """A directory on a drive of Windows: started in a directory of Linux a program can take ten seconds."""
    environment: dict[str, str]

    @property
    def name(self) -> str:
        """The program's file name, for messages."""
        return self.command[0].rsplit("/", 1)[-1]


class Windows(Struct, frozen=True, kw_only=True):
    """The Windows around this guest."""

    root: Path
    environ: Mapping[str, str]
    drive: Path | None = None
    """Where the user says that the system drive is mounted."""

    def prepare(self, program: str, *arguments: str, own_socket: bool = True) -> Reading[Launch]:
        """How to start ``program``, a path below the system drive.

        Without ``own_socket`` the child is not told of ``WSL_INTEROP``: WSL's init then looks for a socket itself,
        which is the way out when the session that the variable names is gone.
        """
        path = self.find(program)
        if isinstance(path, Unavailable):
            return path
        directory = path[0] / SYSTEM
        environment = {name: self.environ[name] for name in PASSED_ON if name in self.environ}
        if not own_socket:
            environment.pop("WSL_INTEROP", None)
        return Launch(
            command=(str(path[1]), *arguments),
            directory=str(directory if directory.is_dir() else path[0]),
            environment=environment,
        )

    def find(self, program: str) -> Reading[tuple[Path, Path]]:
        """The mount of the system drive, and the absolute path of ``program`` below it."""
        mounts = self.mounts()
        for mount in mounts:
            path = find_below(mount, program)
            if path is not None:
                return mount, path
        if self.drive is not None:
            return Unavailable(
                f"{self.drive} has no {program}", "Give --drive the directory where Windows' system drive is mounted."
            )
        if mounts:
            where = ", ".join(str(mount) for mount in mounts)
            return Unavailable(
                f"no Windows drive has {program} (looked below {where})",
                "Mount Windows' system drive, or say where it is with --drive DIR.",
            )
        return explain_no_drive(self.root)

    def mounts(self) -> list[Path]:
        """Where drives of Windows are mounted, the likely system drive first."""
        if self.drive is not None:
            return [self.drive.absolute()]
        text = read_small(self.root / "proc/self/mounts") or read_small(self.root / "proc/mounts")
        return [self.root / target.lstrip("/") for target in find_drives(text)]


def explain_no_drive(root: Path) -> Unavailable:
    """Why there is no path to any program of Windows."""
    if wsl_setting(root, "automount", "enabled") in {"false", "0", "no", "off"}:
        return Unavailable(
            "no Windows drive is mounted: automount is off in /etc/wsl.conf",
            "Run: sudo mkdir -p /mnt/c && sudo mount -t drvfs C: /mnt/c",
        )
    return Unavailable(
        "no Windows drive is mounted",
        "Run: sudo mount -t drvfs C: /mnt/c; or say where the drive is with --drive DIR.",
    )


def find_drives(mounts: str) -> list[str]:
    """Mount points of whole drives of Windows in the text of ``/proc/self/mounts``: C first, then by letter.

    Shares of the network and folders are left out: a program from there is not Windows' own.
    """
    found: dict[str, str] = {}
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) >= 4 and fields[1].startswith("/"):
            source, target, kind, options = (unescape(field) for field in fields[:4])
            letter = drive_letter(source, target, kind, options)
            if letter is not None:
                found.setdefault(target, letter)
    return sorted(found, key=lambda target: (found[target] != "c", found[target], len(target), target))


def drive_letter(source: str, target: str, kind: str, options: str) -> str | None:
    """The letter, in lower case, of the drive that a mount shows whole; ``None`` for any other mount."""
    if kind not in {"9p", "drvfs", "virtiofs"}:
        return None
    match = ROOT_OF_DRIVE.fullmatch(source) or NAMED_PATH.search(options)
    if match is not None:
        return match[1].lower()
    if kind == "virtiofs" and (tag := VIRTIOFS_TAG.fullmatch(source)):
        last = target.rsplit("/", 1)[-1]
        return (tag[1] or (last if len(last) == 1 else "?")).lower()
    return None


def unescape(field: str) -> str:
    r"""Undo the kernel's octal escapes (``\040`` is a blank, ``\134`` a backslash); mounts(5)."""
    return OCTAL.sub(lambda match: chr(int(match[1], 8)), field)


def find_below(mount: Path, program: str) -> Path | None:
    """The file ``program`` below ``mount``, in whatever case Windows spells it; ``None`` if it is not there."""
    direct = mount / program
    try:
        if direct.is_file():
            return direct
    except OSError:
        return None  # a drive that is gone answers with an error
    path = mount
    for part in program.split("/"):
        same = [entry for entry in list_directory(path) if entry.name.casefold() == part.casefold()]
        if not same:
            return None
        path = same[0]
    return path if os.access(path, os.F_OK) and path.is_file() else None


STALE_SOCKET: Final = Unavailable(
    "the WSL_INTEROP of this shell is stale: its session is gone",
    "Open a new WSL terminal, or run: unset WSL_INTEROP",
)
NO_ANSWER: Final = Unavailable(
    "timed out: Windows does not answer interop",
    "Wait for Windows to be less busy; if it lasts, run from Windows: wsl.exe --shutdown",
)
BLOCKED: Final = Unavailable(
    "blocked by policy: Windows denies access to the program",
    "Ask the administrator to allow powershell.exe or tasklist.exe, or use --host none.",
)
CONSTRAINED: Final = Unavailable(
    "blocked by policy: PowerShell's language mode does not let the script run",
    "Use --host tasklist, or ask the administrator for Constrained Language Mode instead of a stricter one.",
)
FLOODED: Final = Unavailable(
    "it prints far more than an answer, and was ended", "Try --host tasklist or --host powershell."
)
SIGNS: Final = (
    (re.compile(r"Exec format error|\[Errno 8\]|MZ\S*: not found|cannot execute binary file"), BINFMT_LOST),
    (re.compile(r"accept4? failed 110|connect failed 110|Accept\w* failed 110|timed out", re.I), NO_ANSWER),
    (re.compile(r"UtilConnect\w*:\d+: |connect failed (?:2|104|111)\b", re.I), STALE_SOCKET),
    (re.compile(r"\w+InConstrainedLanguage|InDataSection|ScriptsNotAllowed|language mode", re.I), CONSTRAINED),
    (
        re.compile(
            r"\[Errno 13\]|\[Errno 1\] |Permission denied|Access is denied|0x80070005|failed 5\b|error 1260\b"
            r"|group policy|system administrator|UnauthorizedAccess",
            re.I,
        ),
        BLOCKED,
    ),
)
NOISE: Final = re.compile(r"^\s*(?:<\d>)?.*(?:Failed to translate|CLIXML|UNC paths are not supported).*$", re.M)


def explain_end(program: str, code: int | None, errors: bytes, fault: Unavailable | None = None) -> Unavailable:
    """Why ``program`` ended.

    Args:
        program: its file name.
        code: its exit code, negative for a signal, ``None`` if it could not be ended.
        errors: the end of what it wrote to standard error.
        fault: what is visibly wrong with interop, if anything.
    """
    text = NOISE.sub("", decode_text(errors))
    for sign, reason in SIGNS:
        if sign.search(text):
            return reason
    if fault is not None:
        return fault
    last = telling_line(text)
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    return Unavailable(f"{program} {how}" + (f": {last}" if last else ""), "Try to run it by hand from this shell.")


def suspect_interop(code: int | None, errors: bytes) -> Unavailable | None:
    """Interop is likely disabled when a program that never answered ends as WSL's init does then: 1, silently."""
    return INTEROP_DISABLED if code == 1 and not errors.strip(b"\0\r\n ") else None


def telling_line(text: str) -> str:
    """The first line that says something, of a Python traceback the last; safe to show, 120 characters at most."""
    lines = [line for line in (clean(line).strip() for line in text.splitlines()) if line]
    if not lines:
        return ""
    line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    return line if len(line) <= 120 else line[:119] + "…"
