"""CPU time, wakeups and resident memory of a process and all its descendants, from ``/proc``.

CPU time is the first field of ``/proc/PID/task/TID/schedstat`` (nanoseconds on a CPU, exact, where the ticks of
``stat`` would be 10 ms); wakeups are the voluntary context switches of ``status``: how often a thread went to sleep.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench.failure import CannotMeasure

PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


class Usage(NamedTuple):
    """What has been used since the start."""

    nanoseconds: int
    wakeups: int


class Meter:
    """Adds up a process and its descendants; read it now and then, so that a thread that ends is counted."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._threads: dict[Path, Usage] = {}
        if not (PROC / "self/schedstat").exists():
            raise CannotMeasure("this kernel has no /proc/PID/schedstat (CONFIG_SCHED_INFO): no exact CPU time")

    def read(self) -> Usage:
        """The sum over all threads, those that have ended included as far as they were seen."""
        for pid in tree(self.pid):
            for thread in threads(pid):
                try:
                    self._threads[thread] = Usage(run_time(thread), wakeups(thread))
                except OSError:  # it has just ended
                    continue
        return Usage(
            sum(usage.nanoseconds for usage in self._threads.values()),
            sum(usage.wakeups for usage in self._threads.values()),
        )


def run_time(thread: Path) -> int:
    """Nanoseconds that a thread has run."""
    return int((thread / "schedstat").read_text().split()[0])


def wakeups(thread: Path) -> int:
    """How often a thread went to sleep by itself."""
    lines = (thread / "status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:")), 0)


def threads(pid: int) -> list[Path]:
    """The folders of a process's threads."""
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def tree(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    for thread in threads(pid):
        try:
            children = (thread / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def resident(pid: int) -> int:
    """Resident bytes of one process; 0 when it is gone."""
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def resident_tree(pid: int) -> int:
    """Resident bytes of a process and its descendants; what they share counts for each."""
    return sum(resident(one) for one in tree(pid))
