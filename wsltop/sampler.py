"""Reads everything once per tick and makes one sample of it; the slow sources every few seconds."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.core.holders import attribute_memory, cpu_between
from wsltop.guest.cgroups import CgroupSource
from wsltop.guest.files import KernelFile, is_there
from wsltop.guest.identity import IdentitySource, identify_guest, read_distro, read_init_began
from wsltop.guest.kernel_files import (
    BuddyinfoSource,
    DentrySource,
    MeminfoSource,
    PressureSource,
    ReportingSource,
    StatSource,
    VmstatSource,
    ZoneinfoSource,
    read_arc,
    read_huge_pages,
    read_init_on_alloc,
    read_slabs,
)
from wsltop.guest.kernel_log import open_kernel_log
from wsltop.guest.mounts import MountsSource
from wsltop.guest.processes import OwnUseSource, ProcessSource, hides_others, see_pids
from wsltop.host.failure import find_interop_fault
from wsltop.host.interop import Windows
from wsltop.host.source import HostSource
from wsltop.host.wslconfig_file import find_wslconfig
from wsltop.model.sample import (
    Census,
    CpuTimes,
    KernelLog,
    Mark,
    Meminfo,
    ProcessCpu,
    ProcessTable,
    ProcessUse,
    Reading,
    Sample,
    Surroundings,
    Unavailable,
    WslconfigFile,
    known,
)
from wsltop.model.text import clean

if TYPE_CHECKING:
    from wsltop.hogs.pool import Hogs
SURROUNDINGS_EVERY: Final = 30.0
"""Seconds; settings and mounts change seldom."""
SHARED_CHANGED: Final = 32 * 1024 * 1024
"""Bytes by which shared memory must change for the mounts to be read at once: a file in a tmpfs came or went; and
unmapped anonymous memory for huge pages: a part of them was given up or joined again."""
CENSUS_EVERY: Final = 10.0
"""Seconds; the gate's shortest window, and long enough for CPU ticks of 10 ms to mean something."""
SHARE: Final = 0.0025
"""Share of a core that counting processes may take while they are shown, half of what the whole screen may: hundreds of
them are counted every second or two, thousands less often."""
BIGGEST: Final = 15
"""Processes kept by memory: those that the screen shows. A recording carries them."""
BUSIEST: Final = 8
"""Processes kept by CPU."""
FAMILIES: Final = 16
"""Families kept, by memory."""
NOT_ASKED: Final = Unavailable("there is no Windows here")


class SlowSources:
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
        """Whether the processes are shown: then they are counted, with PSS, as often as ``SHARE`` allows."""
        self._clock = clock
        self._affordable = -math.inf
        """Monotonic time from which another census is within ``SHARE``."""
        self._root = root
        self._environ = dict(environ)
        self._flavor = identify_guest(root, environ).flavor
        self._windows = Windows(root=root, environ=self._environ, drive=drive)
        self._asks_windows = drive is not None or self._flavor == "wsl2"
        self._view = see_pids(root, environ)
        self._processes = ProcessSource(root)
        self._mounts = MountsSource(root)
        self._cmdline = KernelFile(root / "proc/cmdline")
        distro = known(read_distro(root, environ)) or ""  # a service has no WSL_DISTRO_NAME
        self._cgroups = CgroupSource(root, distro=distro, first_namespace=self._view == "initial")
        self._init_on_alloc = read_init_on_alloc(root)
        self._wslconfig: Reading[WslconfigFile] = NOT_ASKED
        self._reader: threading.Thread | None = None
        self._surroundings = Surroundings(flavor=self._flavor)
        self._surveyed: float | None = None
        self._shared: int | None = None
        """Shared memory when the mounts were read last, bytes."""
        self._unmapped: int | None = None
        """Unmapped anonymous memory when the huge pages were read last, bytes."""
        self.listed: tuple[tuple[ProcessUse, ...], tuple[ProcessCpu, ...]] = ((), ())
        """All processes that hold memory, biggest first, and what they computed between the last two full countings,
        while they are shown: a census keeps the biggest alone."""
        self._census: Reading[Census] = Unavailable("the processes have not been counted yet")
        self._table: ProcessTable | None = None
        self._table_cpu: CpuTimes | None = None
        self._counted: float | None = None

    def surroundings(self, monotonic: float, meminfo: Reading[Meminfo] | None = None) -> Surroundings:
        """The newest surroundings, read again when they are old.

        The mounts also when shared memory has changed, and huge pages when anonymous memory was unmapped: a part of
        them that was unmapped since would be taken for other kernel memory.
        """
        shared = None if meminfo is None or isinstance(meminfo, Unavailable) else meminfo.shmem
        if shared is not None and self._shared is not None and abs(shared - self._shared) >= SHARED_CHANGED:
            self._surroundings = replace(self._surroundings, mounts=self._mounts.read())
            self._shared = shared
        unmapped = None if meminfo is None or isinstance(meminfo, Unavailable) else meminfo.unmapped_anonymous
        if unmapped is not None and self._unmapped is not None and abs(unmapped - self._unmapped) >= SHARED_CHANGED:
            self._surroundings = replace(self._surroundings, huge_pages=read_huge_pages(self._root))
            self._unmapped = unmapped
        if self._surveyed is None or monotonic - self._surveyed >= SURROUNDINGS_EVERY:
            if self._surveyed is not None or self._reader is None:
                self._read_wslconfig()
            self._surveyed, self._shared, self._unmapped = monotonic, shared, unmapped
            self._surroundings = Surroundings(
                flavor=self._flavor,
                mounts=self._mounts.read(),
                groups=self._cgroups.read(monotonic),
                cmdline=self._cmdline.read(),
                reclaim_file=is_there(self._root / "sys/fs/cgroup/memory.reclaim"),
                huge_pages=read_huge_pages(self._root),
                init_on_alloc=self._init_on_alloc,
                page_reporting=is_there(self._root / "sys/module/page_reporting"),
                init_began=read_init_began(self._root),
                zfs_arc=read_arc(self._root),
                slab_caches=read_slabs(self._root, PAGE_SIZE),
                interop_fault=find_interop_fault(self._root, self._environ),
            )
        if self._surroundings.wslconfig != self._wslconfig:
            self._surroundings = replace(self._surroundings, wslconfig=self._wslconfig)
        return self._surroundings

    def census(
        self, monotonic: float, meminfo: Reading[Meminfo], cpu: Reading[CpuTimes], own: tuple[int, ...]
    ) -> Reading[Census]:
        """The newest census, counted again when it is old, or while the processes are shown."""
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
        """Wait until ``.wslconfig`` has been read from Windows' drive, so that the first sample carries it."""
        if self._reader is None:
            self._read_wslconfig()
        if self._reader is not None:
            self._reader.join(timeout)

    def close(self) -> None:
        """Close every file."""
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
        holders = attribute_memory(
            table,
            meminfo,
            self._view,
            groups=self._surroundings.groups
            if isinstance(self._surroundings.groups, Unavailable)
            else self._surroundings.groups.groups,
            tmpfs=() if isinstance(mounts, Unavailable) else mounts.tmpfs,
            hidden=hides_others(self._root),
        )
        holding = tuple(use for use in holders.processes if use.rss) if self.attentive else ()
        holders = replace(holders, processes=holders.processes[:BIGGEST], families=holders.families[:FAMILIES])
        before, since = self._table, self._table_cpu
        until = known(cpu)
        if not fresh and not isinstance(self._census, Unavailable):
            # Between two full counts only memory is counted again: a second is too short for CPU ticks.
            self.listed = holding, self.listed[1]
            return replace(self._census, read_at=monotonic, holders=holders)
        self._table, self._table_cpu = table, until
        used = () if before is None else cpu_between(before.processes, table.processes)
        self.listed = holding, used
        return Census(read_at=monotonic, holders=holders, since=since, until=until, busy=keep_busiest(used))

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


PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


class Sampler:
    """Takes samples of this machine.

    Args:
        host: the started source of the host's figures.
        hogs: the pool whose hogs are part of the sample; without one there are none.
        root: where ``proc``, ``sys`` and ``dev`` of the guest are; what wsltop itself uses is read from the real ones.
        clock: stamps the samples.
        drive: where the user says that Windows' system drive is mounted.
        environ: the environment of a process in the guest.
    """

    def __init__(
        self,
        host: HostSource,
        hogs: Hogs | None = None,
        *,
        root: Path = Path("/"),
        clock: Clock = SYSTEM_CLOCK,
        drive: Path | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.host = host
        self.interval: float | None = None
        """Seconds between the last sample and the next, as its user intends."""
        self.identity = IdentitySource(root, environ)
        self._hogs = hogs
        self._clock = clock
        self._meminfo = MeminfoSource(root)
        self._buddyinfo = BuddyinfoSource(root)
        self._zoneinfo = ZoneinfoSource(root)
        self._vmstat = VmstatSource(root)
        self._dentries = DentrySource(root)
        self._stat = StatSource(root)
        self._reporting = ReportingSource(root)
        self._kernel_log = open_kernel_log(root)
        self._pressure = PressureSource(root)
        self._own = OwnUseSource()
        self._marks: list[Mark] = []
        self.survey = SlowSources(root, environ=environ, drive=drive)
        self._real = root == Path("/")

    def sample(self) -> Sample:
        """Read everything once."""
        monotonic = self._clock.monotonic()
        # Free memory and its blocks are read side by side: they must tell of the same moment.
        meminfo = self._meminfo.read()
        free_blocks = self._buddyinfo.read()
        kernel_log = self._read_log()
        hogs = () if self._hogs is None else self._hogs.read()
        cpu = self._stat.read()
        own = self._own.read(monotonic, self.host.pids)
        surroundings = self.survey.surroundings(monotonic, meminfo)
        return Sample(
            time=self._clock.time(),
            monotonic=monotonic,
            interval=self.interval,
            page_size=PAGE_SIZE,
            identity=self.identity.read(),
            meminfo=meminfo,
            free_blocks=free_blocks,
            zones=self._zoneinfo.read(),
            reporting=self._reporting.read(),
            counters=self._vmstat.read(),
            dentries=self._dentries.read(),
            pressure=self._pressure.read(),
            cpu=cpu,
            kernel_log=kernel_log,
            host=self.host.read(),
            hogs=hogs,
            hogs_ended=() if self._hogs is None else self._hogs.ended(),
            own=own,
            marks=self.take_marks(),
            surroundings=surroundings,
            # The same numbers below another root are other processes.
            census=self.survey.census(monotonic, meminfo, cpu, self.host.pids if self._real else ()),
        )

    @property
    def behind(self) -> bool:
        """Whether there is more of the kernel log than the last sample could carry."""
        return self._kernel_log.behind

    def wait(self, timeout: float) -> None:
        """Wait, at most so many seconds for each, until the first sample can tell what is asked in the background."""
        self.identity.wait(timeout)
        self._kernel_log.wait(timeout)
        self.survey.wait(timeout)

    def mark(self, text: str, *, level: int = 6) -> None:
        """Add to the next sample a mark: what has just been done."""
        now, monotonic = self._clock.time(), self._clock.monotonic()
        self._marks.append(Mark(time=now, monotonic=monotonic, text=clean(text), level=level))

    def take_marks(self) -> tuple[Mark, ...]:
        """The marks since the last sample; each is returned once."""
        marks, self._marks = tuple(self._marks), []
        return marks

    def attend(self, wanted: bool) -> None:
        """Count the processes at every sample, with their PSS, while they are shown."""
        self.survey.attentive = wanted

    def processes(self) -> tuple[tuple[ProcessUse, ...], tuple[ProcessCpu, ...]]:
        """All visible processes that hold memory, biggest first, and what they computed lately."""
        return self.survey.listed

    def close(self) -> None:
        """Close every file; the host and the hogs are closed by their owner."""
        for source in (
            self._meminfo,
            self._buddyinfo,
            self._zoneinfo,
            self._vmstat,
            self._dentries,
            self._stat,
            self._reporting,
            self._kernel_log,
            self._pressure,
            self._own,
            self.survey,
            self.identity,
        ):
            source.close()

    def _read_log(self) -> Reading[KernelLog]:
        log = self._kernel_log.read()
        if not isinstance(log, Unavailable):
            for record in log.records:
                self.identity.note(record)  # WSL names its version when it boots
        return log
