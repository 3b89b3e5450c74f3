"""Looks at what is around the figures, every few seconds: settings, mounts, control groups, processes.

Nothing here waits: the one thing that may take long, a file on Windows' side, is read by a thread of its own.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from wsltop.core.cpu import CpuTimes
from wsltop.core.gate.blockers import ProcessCpu
from wsltop.core.holders import hold
from wsltop.core.processes import ProcessTable, cpu_between
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Meminfo
from wsltop.core.surroundings import Census, Surroundings
from wsltop.core.wslconfig import WslconfigFile
from wsltop.guest.cgroups import CgroupSource
from wsltop.guest.files import KernelFile
from wsltop.guest.flavor import identify_guest
from wsltop.guest.mounts import MountsSource
from wsltop.guest.namespace import hides_others, see_pids
from wsltop.guest.processes import ProcessSource
from wsltop.host.drives import Windows
from wsltop.host.wsl import find_interop_fault, is_there
from wsltop.host.wslconfig_file import find_wslconfig

SURROUNDINGS_EVERY: Final = 30.0
"""Seconds; settings and mounts change when somebody changes them."""
CENSUS_EVERY: Final = 10.0
"""Seconds; the gate's shortest window, and long enough for CPU ticks of 10 ms to mean something."""
SHARE: Final = 0.005
"""Of a core, that counting may take while somebody looks: a few hundred processes at each sample, thousands seldom."""
BIGGEST: Final = 15
"""Processes kept by memory: those that the screen shows. A recording carries them."""
BUSIEST: Final = 8
"""Processes kept by CPU."""
FAMILIES: Final = 16
"""Families kept, by memory."""
NOT_ASKED: Final = Unavailable("there is no Windows here")


class Survey:
    """Keeps the newest surroundings and census.

    Args:
        root: where ``proc``, ``sys`` and ``etc`` are.
        environ: the environment of this process.
        drive: where the user says that Windows' system drive is mounted.
        clock: seconds of CPU that this thread has used.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        environ: Mapping[str, str] = os.environ,
        drive: Path | None = None,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.attentive = False
        """Whether somebody looks at the processes: then a census is made, with PSS, as often as it may cost."""
        self._clock = clock
        self._affordable = -math.inf
        """From when on another census for somebody who looks costs no more than its share."""
        self._root = root
        self._environ = dict(environ)
        self._flavor = identify_guest(root, environ).flavor
        self._windows = Windows(root=root, environ=self._environ, drive=drive)
        self._asks_windows = drive is not None or self._flavor == "wsl2"
        self._view = see_pids(root, environ)
        self._processes = ProcessSource(root)
        self._mounts = MountsSource(root)
        self._cmdline = KernelFile(root / "proc/cmdline")
        distro = environ.get("WSL_DISTRO_NAME", "")
        self._cgroups = CgroupSource(root, distro=distro, first_namespace=self._view == "initial")
        self._wslconfig: Reading[WslconfigFile] = NOT_ASKED
        self._reader: threading.Thread | None = None
        self._surroundings = Surroundings(flavor=self._flavor)
        self._surveyed: float | None = None
        self._census: Reading[Census] = Unavailable("the processes have not been counted yet")
        self._table: ProcessTable | None = None
        self._table_cpu: CpuTimes | None = None
        self._counted: float | None = None

    def surroundings(self, monotonic: float) -> Surroundings:
        """The newest surroundings, looked at again when they are old."""
        if self._surveyed is None or monotonic - self._surveyed >= SURROUNDINGS_EVERY:
            self._surveyed = monotonic
            self._read_wslconfig()
            self._surroundings = Surroundings(
                flavor=self._flavor,
                mounts=self._mounts.read(),
                groups=self._cgroups.read(monotonic),
                cmdline=self._cmdline.read(),
                reclaim_file=is_there(self._root / "sys/fs/cgroup/memory.reclaim"),
                page_reporting=is_there(self._root / "sys/module/page_reporting"),
                interop_fault=find_interop_fault(self._root, self._environ),
            )
        if self._surroundings.wslconfig != self._wslconfig:
            self._surroundings = replace(self._surroundings, wslconfig=self._wslconfig)
        return self._surroundings

    def census(
        self, monotonic: float, meminfo: Reading[Meminfo], cpu: Reading[CpuTimes], own: tuple[int, ...]
    ) -> Reading[Census]:
        """The newest census, counted again when it is old, or when somebody looks."""
        due = self._counted is None or monotonic - self._counted >= CENSUS_EVERY
        if not self.attentive:
            self._affordable = -math.inf
        if due or (self.attentive and monotonic >= self._affordable):
            began = self._clock()
            self._census = self._count(monotonic, meminfo, cpu, own, fresh=due)
            if due:
                self._counted = monotonic
            if self.attentive:
                self._affordable = monotonic + (self._clock() - began) / SHARE
        return self._census

    def wait(self, timeout: float) -> None:
        """Wait for what Windows' side is asked, for those who sample once only."""
        if self._reader is not None:
            self._reader.join(timeout)

    def close(self) -> None:
        """Let go of every file."""
        for source in (self._processes, self._mounts, self._cmdline, self._cgroups):
            source.close()

    def _count(
        self,
        monotonic: float,
        meminfo: Reading[Meminfo],
        cpu: Reading[CpuTimes],
        own: tuple[int, ...],
        *,
        fresh: bool,
    ) -> Reading[Census]:
        table = self._processes.read(monotonic, own, pss=self.attentive)
        if isinstance(table, Unavailable):
            return table
        mounts = self._surroundings.mounts
        holders = hold(
            table,
            meminfo,
            self._view,
            groups=self._surroundings.groups
            if isinstance(self._surroundings.groups, Unavailable)
            else self._surroundings.groups.groups,
            tmpfs=() if isinstance(mounts, Unavailable) else mounts.tmpfs,
            hidden=hides_others(self._root),
        )
        holders = replace(holders, processes=holders.processes[:BIGGEST], families=holders.families[:FAMILIES])
        before, since = self._table, self._table_cpu
        until = None if isinstance(cpu, Unavailable) else cpu
        if not fresh and not isinstance(self._census, Unavailable):
            # Between two full counts only memory is told anew: a second is too short for CPU ticks.
            return replace(self._census, read_at=monotonic, holders=holders)
        self._table, self._table_cpu = table, until
        busy = () if before is None else keep_busiest(cpu_between(before.processes, table.processes))
        return Census(read_at=monotonic, holders=holders, since=since, until=until, busy=busy)

    def _read_wslconfig(self) -> None:
        """Look for ``.wslconfig`` without waiting for the drive, which may answer late or never."""
        if not self._asks_windows or (self._reader is not None and self._reader.is_alive()):
            return
        if isinstance(self._wslconfig, Unavailable):
            self._wslconfig = Unavailable("Windows' drive has not answered yet")
        self._reader = threading.Thread(target=self._find_wslconfig, name="wslconfig", daemon=True)
        self._reader.start()

    def _find_wslconfig(self) -> None:
        mounts = self._windows.mounts()
        if not mounts:
            self._wslconfig = Unavailable("no Windows drive is mounted")
            return
        self._wslconfig = find_wslconfig(mounts[0], self._environ)


def keep_busiest(processes: tuple[ProcessCpu, ...]) -> tuple[ProcessCpu, ...]:
    """The busiest processes, and all of our own."""
    ranked = sorted(processes, key=lambda use: use.user + use.system, reverse=True)
    return tuple(use for place, use in enumerate(ranked) if place < BUSIEST or use.own)
