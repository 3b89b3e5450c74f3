"""Programs of Windows from inside WSL: where they are, and how each is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from wsltop.guest.files import list_directory
from wsltop.host.drives import find_mounts
from wsltop.host.failure import NO_EXEC_BIT, wsl_flag
from wsltop.host.runtime import runtime_base
from wsltop.model.sample import Reading, Unavailable

SYSTEM: Final = "Windows/System32"
POWERSHELL: Final = f"{SYSTEM}/WindowsPowerShell/v1.0/powershell.exe"
TASKLIST: Final = f"{SYSTEM}/tasklist.exe"
CMD: Final = f"{SYSTEM}/cmd.exe"
CLIP: Final = f"{SYSTEM}/clip.exe"
WSL_EXE: Final = f"{SYSTEM}/wsl.exe"
PASSED_ON: Final = ("WSL_INTEROP", "WSL_DISTRO_NAME")
"""WSL's relay needs them to reach Windows and to translate the working directory. ``WSLENV`` stays behind: it would
carry variables of the user's shell into PowerShell, ``PSModulePath`` for one."""


class Launch(Struct, frozen=True, kw_only=True):
    """How to start one program of Windows."""

    command: tuple[str, ...]
    """The absolute path first."""
    directory: str
    """A directory on a drive of Windows: started in a directory of Linux a program can take ten seconds."""
    environment: dict[str, str]
    runtime: str = ""
    """The user's runtime directory, where a running program is marked; empty where there is none."""

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
        if not os.access(path[1], os.X_OK):
            return NO_EXEC_BIT
        directory = path[0] / SYSTEM
        environment = {name: self.environ[name] for name in PASSED_ON if name in self.environ}
        if not own_socket:
            environment.pop("WSL_INTEROP", None)
        return Launch(
            command=(str(path[1]), *arguments),
            directory=str(directory if directory.is_dir() else path[0]),
            environment=environment,
            runtime=self.runtime,
        )

    @property
    def runtime(self) -> str:
        """The user's runtime directory; empty where there is none."""
        return runtime_base(self.root, self.environ)

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
        return find_mounts(self.root)


def explain_no_drive(root: Path) -> Unavailable:
    """Why there is no path to any program of Windows."""
    if wsl_flag(root, "automount", "enabled") is False:
        return Unavailable(
            "no Windows drive is mounted: automount is off in /etc/wsl.conf",
            "Run: sudo mkdir -p /mnt/c && sudo mount -t drvfs C: /mnt/c",
        )
    return Unavailable(
        "no Windows drive is mounted",
        "Run: sudo mount -t drvfs C: /mnt/c; or say where the drive is with --drive DIR.",
    )


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
