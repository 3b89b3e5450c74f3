"""Reads everything once and makes one sample of it.

This runs at every tick on the thread of the screen, so nothing in it waits: what is slow (Windows, the WSL version, a
fallback for the kernel log) runs elsewhere and is asked for its latest.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import KernelLog, Mark, Sample
from wsltop.core.text import clean
from wsltop.guest.buddyinfo import BuddyinfoSource
from wsltop.guest.identity import IdentitySource
from wsltop.guest.kernel_log import open_kernel_log
from wsltop.guest.meminfo import MeminfoSource
from wsltop.guest.own import OwnUseSource
from wsltop.guest.pressure import PressureSource
from wsltop.guest.reporting import ReportingSource
from wsltop.guest.stat import StatSource
from wsltop.guest.vmstat import VmstatSource
from wsltop.guest.zoneinfo import ZoneinfoSource
from wsltop.host.source import HostSource
from wsltop.survey import Survey

if TYPE_CHECKING:
    from wsltop.control.hogs import HogPool

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


class Sampler:
    """Takes samples of this machine.

    Args:
        host: the started source of the host's figures.
        hogs: the pool whose hogs are part of the sample; without one there are none.
        root: where ``proc``, ``sys`` and ``dev`` are.
        clock: stamps the samples.
        drive: where the user says that Windows' system drive is mounted.
    """

    def __init__(
        self,
        host: HostSource,
        hogs: HogPool | None = None,
        *,
        root: Path = Path("/"),
        clock: Clock = SYSTEM_CLOCK,
        drive: Path | None = None,
    ) -> None:
        self.host = host
        self.interval: float | None = None
        """Seconds between the last sample and the next, as its user intends."""
        self.identity = IdentitySource(root)
        self._hogs = hogs
        self._clock = clock
        self._meminfo = MeminfoSource(root)
        self._buddyinfo = BuddyinfoSource(root)
        self._zoneinfo = ZoneinfoSource(root)
        self._vmstat = VmstatSource(root)
        self._stat = StatSource(root)
        self._reporting = ReportingSource(root)
        self._kernel_log = open_kernel_log(root)
        self._pressure = PressureSource(root)
        self._own = OwnUseSource(root)
        self._marks: list[Mark] = []
        self.survey = Survey(root, drive=drive)

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
        surroundings = self.survey.surroundings(monotonic)
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
            pressure=self._pressure.read(),
            cpu=cpu,
            kernel_log=kernel_log,
            host=self.host.read(),
            hogs=hogs,
            hogs_ended=() if self._hogs is None else self._hogs.ended(),
            own=own,
            marks=self.take_marks(),
            surroundings=surroundings,
            census=self.survey.census(monotonic, meminfo, cpu, self.host.pids),
        )

    def mark(self, text: str, *, level: int = 6) -> None:
        """Let the next sample tell what has just been done."""
        now, monotonic = self._clock.time(), self._clock.monotonic()
        self._marks.append(Mark(time=now, monotonic=monotonic, text=clean(text), level=level))

    def take_marks(self) -> tuple[Mark, ...]:
        """What was marked since the last sample, each told once."""
        marks, self._marks = tuple(self._marks), []
        return marks

    def attend(self, wanted: bool) -> None:
        """Count the processes with every sample, with their PSS, as long as somebody looks at them."""
        self.survey.attentive = wanted

    def close(self) -> None:
        """Let go of every file; the host and the hogs belong to whoever made them."""
        for source in (
            self._meminfo,
            self._buddyinfo,
            self._zoneinfo,
            self._vmstat,
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
