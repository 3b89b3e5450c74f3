r"""Finds Windows' programs below the mounts of its drives, and how to start them.

Only absolute paths below such a mount are used, never ``PATH`` (it may be without Windows, and is the user's to
change) and never the working directory. A drive is recognized in ``/proc/self/mounts``, so that a changed
``automount.root`` and a Windows on another letter than C are found as well::

    C:\134 /mnt/c 9p rw,noatime,aname=drvfs;path=C:\;uid=1000;symlinkroot=/mnt/,trans=fd …      WSL 2
    drvfs  /mnt/c 9p rw,relatime,aname=drvfs;path=C:\;uid=1000,trans=virtio …                   WSL 2, older
    drvfsaC /mnt/c virtiofs rw,noatime …                                                        WSL 2, virtiofs=true
    C: /mnt/c drvfs rw,noatime,uid=1000 …                                                       WSL 1
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from wsltop.core.reading import Reading, Unavailable
from wsltop.host.wsl import list_directory, read_small, wsl_setting

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
