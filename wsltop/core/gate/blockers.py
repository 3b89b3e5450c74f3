"""Who keeps the gate shut: shares of processes in the unit of the limit, and what nobody visible accounts for.

Pure; the processes are read elsewhere. Imports msgspec and ``core``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from wsltop.core.cpu import CpuTimes
from wsltop.core.gate.rules import Algorithm, split
from wsltop.core.text import clean

ELSEWHERE: Final = (
    "not visible from this distro: other distros, WSLg, mini_init and kernel threads live in other PID namespaces; "
    "processes that ended in between are here too"
)
"""Why the visible processes do not add up to the whole."""


class ProcessCpu(Struct, frozen=True, kw_only=True):
    """CPU ticks of one process between two samples (``/proc/<pid>/stat``)."""

    pid: int
    name: str
    user: int
    """Ticks in user mode (utime), niced or not."""
    system: int
    """Ticks in the kernel (stime)."""
    nice: int = 0
    """Above 0, user time goes to the nice column, which A-C do not count (``account_user_time``)."""
    own: bool = False
    """wsltop itself or one of its processes."""


class Blocker(Struct, frozen=True, kw_only=True):
    """Processes of one name and their share of all CPUs, 0 to 1."""

    name: str
    share: float
    pids: tuple[int, ...]


class Blockers(Struct, frozen=True, kw_only=True):
    """Who used the CPU, in the columns that the rule counts."""

    total: float
    """Share of all CPUs in use in the whole VM."""
    visible: tuple[Blocker, ...]
    """Biggest first; processes that used nothing and wsltop's own are left out."""
    own: float
    elsewhere: float
    """``total`` less what is visible and ours; not below 0, as processes and the whole are read at two moments."""
    reason: str = ELSEWHERE


def counted(algorithm: Algorithm, process: ProcessCpu) -> int:
    """The ticks of a process that the rule counts: un-niced user time (A-C), or all (D)."""
    if algorithm.metric == "user":
        return 0 if process.nice > 0 else max(process.user, 0)
    return max(process.user, 0) + max(process.system, 0)


def blockers(
    algorithm: Algorithm, before: CpuTimes, after: CpuTimes, processes: Iterable[ProcessCpu]
) -> Blockers | None:
    """Split the CPU use between two samples by process name.

    ``None`` when no CPU time passed, or counters went back: then nothing is known.
    """
    busy_before, total_before = split(algorithm.metric, before)
    busy_after, total_after = split(algorithm.metric, after)
    capacity, busy = total_after - total_before, busy_after - busy_before
    if capacity <= 0 or busy < 0:
        return None
    own = 0
    ticks: dict[str, int] = {}
    pids: dict[str, list[int]] = {}
    for process in processes:
        used = counted(algorithm, process)
        if process.own:
            own += used
        elif used:
            name = clean(process.name)
            ticks[name] = ticks.get(name, 0) + used
            pids.setdefault(name, []).append(process.pid)
    visible = sorted(ticks.items(), key=lambda item: (-item[1], item[0]))
    rest = busy - own - sum(ticks.values())
    return Blockers(
        total=min(1.0, busy / capacity),
        visible=tuple(
            Blocker(name=name, share=min(1.0, used / capacity), pids=tuple(pids[name])) for name, used in visible
        ),
        own=min(1.0, own / capacity),
        elsewhere=min(1.0, max(0.0, rest / capacity)),
    )
