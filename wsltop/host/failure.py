"""Why a program of Windows did not answer: what can be seen before, what it wrote, how it ended."""

from __future__ import annotations

import codecs
import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wsltop.core.wslconfig.grammar import parse, parse_wsl_bool
from wsltop.guest.files import is_there, list_directory, read_small
from wsltop.guest.identity import Guest, identify_guest
from wsltop.model.sample import Unavailable
from wsltop.model.text import clean, write_as_root

BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NO_EXEC_BIT: Final = Unavailable(
    "no program on the Windows drive may be run: the drive is mounted without the x bit",
    "Let fmask or umask in options under [automount] in /etc/wsl.conf keep the x bit (fmask=11, not 111), then run: "
    "wsl.exe --shutdown (from Windows).",
)
"""The mount options of the drive take the bit from every file (mame/wsl2-ssh-agent#15)."""
INTEROP_DISABLED: Final = Unavailable(
    "interop is disabled: WSL does not start Windows programs",
    "Set enabled=true under [interop] in /etc/wsl.conf, then run: wsl.exe --shutdown (from Windows).",
)
BINFMT_LOST: Final = Unavailable(
    "the binfmt_misc entry for Windows programs is lost",
    "Run from Windows: wsl.exe --shutdown; or: "
    + write_as_root(":WSLInterop:M::MZ::/init:PF", "/proc/sys/fs/binfmt_misc/register"),
)
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
REFUSED: Final = Unavailable(
    "Windows refused to start it: a policy or an antivirus forbids it, or 'Run as administrator' is set on it",
    "Start it once from Windows to see the reason; or use --host none.",
)
CONSTRAINED: Final = Unavailable(
    "blocked by policy: PowerShell's language mode does not let the script run",
    "Use --host tasklist, or ask the administrator for Constrained Language Mode instead of a stricter one.",
)
MODULES: Final = Unavailable(
    "PowerShell cannot load its own commands: PSModulePath names modules of another PowerShell",
    "Open WSL from Windows Terminal instead of PowerShell 7, or use --host tasklist.",
)
SIGNS: Final = (
    (re.compile(r"accept4? failed 110|connect failed 110|Accept\w* failed 110|timed out", re.I), NO_ANSWER),
    (re.compile(r"UtilConnect\w*:\d+: |connect failed (?:2|104|111)\b", re.I), STALE_SOCKET),
    (re.compile(r"\w+InConstrainedLanguage|InDataSection|ScriptsNotAllowed|language mode", re.I), CONSTRAINED),
    (
        re.compile(r"CouldNotAutoloadMatchingModule|command was found in the module", re.I),
        MODULES,
    ),
    (re.compile(r"\.exe: Invalid argument\s*$", re.I | re.M), REFUSED),
    (
        re.compile(
            r"Permission denied|Access is denied|0x80070005|failed 5\b|error 1260\b"
            r"|group policy|system administrator|UnauthorizedAccess",
            re.I,
        ),
        BLOCKED,
    ),
)
"""Words of WSL's relay and of PowerShell that have one known cause."""
NOISE: Final = re.compile(r"^\s*(?:<\d>)?.*(?:Failed to translate|CLIXML|UNC paths are not supported).*$", re.M)
ENDINGS: Final = {
    0: "ended before it printed anything",
    45: "ended with code 45 before it printed anything: Windows is short of memory (0xC000012D, commit limit)",
    66: "ended with code 66 before it printed anything: Windows could not initialize it (0xC0000142)",
}
"""The exit code is the low byte of Windows': 0xFFFF0000, by which PowerShell says that it cannot start, becomes 0."""


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
    if wsl_flag(root, "interop", "enabled") is False:
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


def wsl_flag(root: Path, section: str, key: str) -> bool | None:
    """A switch of ``/etc/wsl.conf``, as WSL reads it; ``None`` where it is not set or its value is invalid.

    WSL takes 0, 1, true and false in any case, and the first line of a key counts, even if its value is invalid
    (stringshared.h, configfile.cpp).
    """
    entry = parse(read_small(root / "etc/wsl.conf")).first(f"{section}.{key}")
    return None if entry is None else parse_wsl_bool(entry.value)


def explain_exec(name: str, error: OSError) -> Unavailable:
    """Why the kernel did not start the program ``name``."""
    if error.errno == errno.ENOEXEC:
        return BINFMT_LOST
    if error.errno in (errno.EACCES, errno.EPERM):
        return BLOCKED
    if error.errno == errno.EINVAL:
        return REFUSED
    return Unavailable(
        f"cannot start {name}: {error.strerror or os.strerror(error.errno or 0)}",
        "Free some memory, or look whether the Windows drive is still mounted.",
    )


def explain_end(
    program: str, code: int | None, errors: bytes, fault: Unavailable | None = None, *, printed: bool = False
) -> Unavailable:
    """Why ``program``, which was started, ended.

    What it wrote comes first. A fault of interop explains only silence and a refusal, which WSL's relay words as the
    kernel does; and it is never the binfmt_misc entry: without that the program would not have been started.

    Args:
        program: its file name.
        code: its exit code, negative for a signal, ``None`` if it only closed its output.
        errors: the end of what it wrote to standard error.
        fault: what is visibly wrong with interop, if anything.
        printed: whether it wrote anything to standard output.
    """
    text = NOISE.sub("", decode_text(errors))
    fault = None if fault == BINFMT_LOST else fault
    for sign, reason in SIGNS:
        if sign.search(text):
            return fault if fault is not None and reason == BLOCKED else reason
    line = telling_line(text)
    if fault is not None and not line:
        return fault
    if code is None:
        how = "closed its output"
    elif code < 0:
        how = f"was killed by signal {-code}"
    else:
        how = f"ended with code {code}"
        if not line and not printed:
            how = ENDINGS.get(code, how)
    return Unavailable(f"{program} {how}" + (f": {line}" if line else ""), "Try to run it by hand from this shell.")


def suspect_interop(code: int | None, errors: bytes) -> Unavailable | None:
    """Interop is likely disabled when a program that never answered ends as WSL's init does then: 1, silently."""
    return INTEROP_DISABLED if code == 1 and not errors.strip(b"\0\r\n ") else None


def telling_line(text: str) -> str:
    """The first line that says something; safe to show, 120 characters at most."""
    lines = [line for line in (clean(line).strip() for line in text.splitlines()) if line]
    if not lines:
        return ""
    return lines[0] if len(lines[0]) <= 120 else lines[0][:119] + "…"


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
