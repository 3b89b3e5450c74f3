"""``/proc/PID/smaps_rollup``: the PSS of the biggest processes, a few at a time.

The kernel walks every page table of the process for it: 12 ms per GiB in small pages were measured. So only the biggest
are asked, at most two per call, and the time that it took is paid back by not asking for a while.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from wsltop.core.processes import PSS_NOT_READ, ProcessUse, Pss
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.units import KIB, MIB
from wsltop.guest.proc_table import ProcFiles

PER_CALL: Final = 2
SHARE: Final = 0.002
"""Share of one core that reading PSS may take over time."""
FRESH: Final = 60.0
"""Seconds for which a PSS is good if the RSS stands still."""
DENIED_FOR: Final = 300.0
"""Seconds after which a refused process is asked again."""
MOVED: Final = 8
"""A PSS is read again once the RSS has moved by one part in this many."""
LONGEST: Final = 0.05
"""Seconds that one reading may take; a process for which more is expected keeps its estimate."""
FIRST_PACE: Final = 0.012 / 1024**3
"""Seconds per byte of RSS, until it has been measured here."""

FIELD: Final = re.compile(rb"^(Rss|Pss|Pss_Anon|Pss_File|Pss_Shmem): +([0-9]{1,15}) kB$", re.MULTILINE)


def parse_rollup(data: bytes, use: ProcessUse, now: float) -> Reading[Pss]:
    """Parse ``smaps_rollup`` (fs/proc/task_mmu.c); the parts of PSS are there since Linux 5.4."""
    size = {name.decode(): int(number) * KIB for name, number in FIELD.findall(data)}
    if "Pss" not in size:
        return Unavailable("smaps_rollup has no Pss")
    return Pss(
        total=size["Pss"],
        anonymous=size.get("Pss_Anon"),
        file=size.get("Pss_File"),
        shared=size.get("Pss_Shmem"),
        read_at=now,
        rss=use.rss,
        rss_anon=use.rss_anon,
    )


class PssSource:
    """Keeps the PSS of the biggest processes.

    Args:
        files: where processes are read.
        clock: measures what a reading costs, in seconds of CPU.
    """

    def __init__(self, files: ProcFiles, clock: Callable[[], float] = time.thread_time) -> None:
        self._files = files
        self._clock = clock
        self._known: dict[tuple[int, int], tuple[float, Reading[Pss]]] = {}
        """When it was asked, and the answer, by pid and start."""
        self._free_at = float("-inf")
        self._pace = FIRST_PACE

    def refresh(self, biggest: Sequence[ProcessUse], now: float) -> dict[int, Reading[Pss]]:
        """Read the PSS of those processes that need it most; the new answers by pid."""
        present = {(use.pid, use.started) for use in biggest}
        self._known = {key: known for key, known in self._known.items() if key in present}
        due = [(urgency, use) for use in biggest if use.rss and (urgency := self._urgency(use, now)) is not None]
        due.sort(key=lambda item: item[0])
        fresh: dict[int, Reading[Pss]] = {}
        for _, use in due[:PER_CALL]:
            if now < self._free_at:
                break
            answer = self._read(use, now)
            self._known[use.pid, use.started] = (now, answer)
            fresh[use.pid] = answer
        return fresh

    def of(self, pid: int, started: int) -> Reading[Pss]:
        """The last answer for a process."""
        known = self._known.get((pid, started))
        return PSS_NOT_READ if known is None else known[1]

    def _urgency(self, use: ProcessUse, now: float) -> tuple[int, float] | None:
        """The lower the sooner: never asked, moved on, old. ``None``: not now."""
        known = self._known.get((use.pid, use.started))
        if known is None:
            return 0, -use.rss
        asked, answer = known
        if isinstance(answer, Unavailable):
            return (2, asked) if now - asked >= DENIED_FOR else None
        if abs(use.rss - answer.rss) > max(MIB, answer.rss // MOVED):
            return 1, asked
        return (2, asked) if now - asked >= FRESH else None

    def _read(self, use: ProcessUse, now: float) -> Reading[Pss]:
        if use.rss * self._pace > LONGEST:
            return Unavailable(f"reading its PSS would take about {use.rss * self._pace * 1000:.0f} ms")
        began = self._clock()
        try:
            data = self._files.read(use.pid, "smaps_rollup")
        except PermissionError:
            return Unavailable("the process belongs to another user", "Run wsltop as root to see its PSS.")
        except FileNotFoundError:
            return Unavailable("this kernel has no smaps_rollup for it")
        except OSError as error:
            return Unavailable(f"its PSS cannot be read: {error.strerror or error}")
        took = max(0.0, self._clock() - began)
        self._free_at = now + took / SHARE
        if use.rss >= 64 * MIB:
            self._pace = (self._pace + took / use.rss) / 2
        return parse_rollup(data, use, now)
