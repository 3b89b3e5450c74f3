"""Real processes and real memory, looked at from outside."""

from __future__ import annotations

import os
from pathlib import Path

from tests.waiting import wait_until
from wsltop.hogs.pool import HogPool
from wsltop.model.sample import Hog, HogEnded

PAGE = os.sysconf("SC_PAGE_SIZE")
OVERHEAD = 24 * 1024**2
"""What an interpreter may take beside the pages that were asked for."""


def settle(pool: HogPool, seconds: float = 8.0) -> tuple[Hog, ...]:
    """Wait until nothing starts, fills or ends."""
    pool.read()
    wait_until(lambda: (bool(pool.read()) and not pool.busy) or not pool.pids, seconds)
    return pool.read()


def wait_for_end(pool: HogPool, seconds: float = 4.0) -> tuple[HogEnded, ...]:
    """Wait until a hog has ended; what the pool tells about it."""
    told: list[HogEnded] = []

    def heard() -> bool:
        pool.read()
        told.extend(pool.ended())
        return bool(told)

    wait_until(heard, seconds)
    return tuple(told)


def available() -> int:
    """MemAvailable in bytes."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def on_processor_lists() -> int:
    """Bytes of free pages on the lists of the CPUs, which MemFree and MemAvailable leave out.

    Since Linux 6.7 they grow with what is freed, up to an eighth of a zone, and shrink again over seconds
    (mm/page_alloc.c, decay_pcp_high): right after a hog has ended, much of its memory is here.
    """
    try:
        lines = Path("/proc/zoneinfo").read_text().splitlines()
    except OSError:
        return 0  # some sandboxes have no such file
    return PAGE * sum(int(line.split()[1]) for line in lines if line.split()[:1] == ["count:"])


def stat_fields(pid: int) -> list[str]:
    """``/proc/PID/stat`` from the third field (the state) on, or nothing when there is no such process."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ProcessLookupError):
        return []


def is_hog(pid: int) -> bool:
    """Whether the pid is a live hog: a zombie that nobody reaps holds no memory."""
    try:
        name = (Path("/proc") / str(pid) / "comm").read_text().strip()
    except (OSError, ProcessLookupError):
        return False
    return name == "wsltop-hog" and stat_fields(pid)[:1] not in ([], ["Z"], ["X"])


def cpu_seconds(pid: int) -> float:
    """utime + stime of a process."""
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
