"""How this process may become root, found without asking anybody.

Only files are looked at: whether sudo wants a password is learned when an action is performed, because even
``sudo -n -v`` writes to the log of a machine and may mail its administrator. Programs are taken from fixed places,
never from PATH.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct, field

from wsltop.child import ENVIRONMENT
from wsltop.host.interop import WSL_EXE, Windows
from wsltop.model.sample import Reading, Unavailable

Way = Literal["direct", "sudo", "wsl", "hog", "paste"]
"""Who does it: this process, sudo, wsl.exe as root, a hog, or the user with a command to paste."""
PLACES: Final = ("usr/bin", "bin", "run/wrappers/bin", "run/current-system/sw/bin")
"""Where programs are; the last two are NixOS's."""
DISTRO: Final = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")
"""The names that WSL lets a distribution have (LxssUserSession.cpp), except one that would look like an option."""


class Start(Struct, frozen=True, kw_only=True):
    """How to start a program that writes its input to a file."""

    argv: tuple[str, ...]
    directory: str = "/"
    environment: dict[str, str] = field(default_factory=ENVIRONMENT.copy)
    runtime: str = ""
    """The user's runtime directory, for a program of Windows."""


class RootAccess(Struct, frozen=True, kw_only=True):
    """The ways to root that there seem to be."""

    uid: int
    tee: Path | None
    sudo: Path | None
    distro: Reading[str]
    """The name by which Windows knows this distribution."""
    windows: Windows

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways that may work, the best first; ``wsl`` is used only when the user names it."""
        if self.uid == 0:
            return ("direct",)
        sudo: tuple[Way, ...] = ("sudo",) if self.sudo is not None and self.tee is not None else ()
        wsl: tuple[Way, ...] = () if isinstance(self.start_wsl("/"), Unavailable) else ("wsl",)
        return (*sudo, *wsl, "paste")

    def start_sudo(self, path: str) -> Reading[Start]:
        """Start ``tee`` on ``path`` through sudo, which never asks (``-n``)."""
        if self.sudo is None:
            return Unavailable("there is no sudo here")
        if self.tee is None:
            return Unavailable("there is no tee here", "Install the package coreutils.")
        return Start(argv=(str(self.sudo), "-n", "--", str(self.tee), path))

    def start_wsl(self, path: str) -> Reading[Start]:
        """Start ``tee`` on ``path`` as root through Windows, which asks for no password.

        ``env`` gives tee the language whose messages we know.
        """
        if isinstance(self.distro, Unavailable):
            return self.distro
        writer = ("/usr/bin/env", "LC_ALL=C", "/usr/bin/tee" if self.tee is None else str(self.tee), path)
        launch = self.windows.prepare(WSL_EXE, "-u", "root", "-d", self.distro, "-e", *writer)
        if isinstance(launch, Unavailable):
            return launch
        return Start(
            argv=launch.command, directory=launch.directory, environment=launch.environment, runtime=launch.runtime
        )


def find_root_access(
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    drive: Path | None = None,
    uid: int | None = None,
) -> RootAccess:
    """Look which ways there are.

    Args:
        root: where the file system is.
        environ: names the distribution; nothing else is taken from it but what a program of Windows needs.
        drive: where the user says that Windows' system drive is mounted.
        uid: the effective user; by default this process's.
    """
    return RootAccess(
        uid=os.geteuid() if uid is None else uid,
        tee=find_program(root, "tee"),
        sudo=find_program(root, "sudo"),
        distro=find_distro(environ),
        windows=Windows(root=root, environ=environ, drive=drive),
    )


def find_program(root: Path, name: str) -> Path | None:
    """A program in one of the fixed places."""
    paths = (root / place / name for place in PLACES)
    return next((path for path in paths if os.access(path, os.X_OK) and path.is_file()), None)


def find_distro(environ: Mapping[str, str]) -> Reading[str]:
    """The distribution's name as WSL tells it to its programs, if it is one."""
    name = environ.get("WSL_DISTRO_NAME", "")
    if not name:
        return Unavailable("the name of this distribution is not known: WSL_DISTRO_NAME is not set")
    if not DISTRO.fullmatch(name):
        return Unavailable("WSL_DISTRO_NAME is not the name of a distribution")
    return name
