"""The machine that is looked at: this one, or the one whose file system is below ``--root``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from wsltop.clock import SYSTEM_CLOCK, RootClock, SystemClock
from wsltop.host.interop import Windows

if TYPE_CHECKING:
    from wsltop.hogs.pool import Hogs
    from wsltop.host.source import HostSource
    from wsltop.sampler import Sampler

HERE = Path("/")
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
"""What a program that is started below another root gets of our own environment: it runs on this machine."""


class System(Struct, frozen=True, kw_only=True):
    """Where everything about the guest is read, and how its time goes.

    What wsltop is itself stays real whatever the root: its own use, its hogs, the floor that they keep.
    """

    root: Path = HERE
    """Absolute; ``proc``, ``sys``, ``dev/kmsg``, ``etc``, ``run`` and the drives of Windows are below it."""
    drive: Path | None = None
    """Where the user says that Windows' system drive is mounted."""
    environ: Mapping[str, str] = os.environ
    """The environment of a process in that guest."""
    clock: SystemClock = SYSTEM_CLOCK

    @property
    def windows(self) -> Windows:
        """The Windows around the guest."""
        return Windows(root=self.root, environ=dict(self.environ), drive=self.drive)

    def open_host(self, choice: str, interval: float) -> HostSource:
        """The source of Windows' figures, not yet started.

        Raises:
            UsageError: there is no such source.
        """
        from wsltop.host.choose import open_host

        return open_host(
            choice, interval=interval, drive=self.drive, root=self.root, environ=self.environ, clock=self.clock
        )

    def open_sampler(self, host: HostSource, hogs: Hogs | None = None) -> Sampler:
        """What takes samples of the machine; close it afterwards."""
        from wsltop.sampler import Sampler

        return Sampler(host, hogs, root=self.root, clock=self.clock, drive=self.drive, environ=self.environ)


def open_system(root: Path = HERE, drive: Path | None = None) -> System:
    """This machine, or the one below ``root``, whose environment is in its ``/proc/self/environ``."""
    root = root.absolute()
    if root == HERE:
        return System(drive=drive)
    return System(root=root, drive=drive, environ=read_environ(root), clock=RootClock(root))


def read_environ(root: Path) -> dict[str, str]:
    """The environment of a process in the guest below ``root``, for a program that runs on this machine."""
    environ = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        data = (root / "proc/self/environ").read_bytes()
    except OSError:
        return environ
    for entry in data.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals:
            environ[os.fsdecode(name)] = os.fsdecode(value)
    return environ
