"""The idle rules of WSL's init as data, and the predicates that both the live gate and the simulation use.

Sources, all in github.com/microsoft/WSL: A and B are ``ConfigureMemoryReduction`` in src/linux/init/main.cpp
(tags 2.5.8 to 2.7.1, and 2.7.2 on), C is ``StartMemoryReductionThread`` in src/linux/init/util.cpp (tags 2.8.7 to
2.9.4), D is its rewrite (commits 49f841cc5 and 88f76dd7d, after 2.9.4). Imports msgspec and ``core``.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from wsltop.core.cpu import USER_HZ, CpuTimes
from wsltop.core.wslconfig.reclaim import Mode

Metric = Literal["user", "busy"]
"""What counts as busy: the user column alone (A-C), or all but idle and iowait (D)."""

Ticks = tuple[int, int]
"""Busy ticks by a metric, and the ticks of all columns."""


def split(metric: Metric, cpu: CpuTimes) -> Ticks:
    """Busy and total ticks since boot, as the metric counts them.

    ``user``: ``GetUserCpuTime``, the first number of the line. ``busy``: ``ReadCpuBusyIdle``; iowait is idle, missing
    irq, softirq and steal are 0, guest is ignored.
    """
    idle = cpu.idle + (cpu.iowait or 0)
    busy = cpu.user + cpu.nice + cpu.system + (cpu.irq or 0) + (cpu.softirq or 0) + (cpu.steal or 0)
    return (cpu.user if metric == "user" else busy), busy + idle


class WindowRule(Struct, frozen=True, kw_only=True):
    """One idle test: the busy ticks of the last ``looks`` periods against a limit."""

    name: str
    looks: int
    period: int
    """Seconds between two looks of WSL."""
    allowance: int
    """A-C: the periods whose 0.5 % may be used up. 0: 5 per mille of the ticks that were counted (D)."""

    @property
    def seconds(self) -> int:
        """Length of the window."""
        return self.looks * self.period

    @property
    def limit_share(self) -> float:
        """The limit as a share of all CPUs: 0.005, but 0.00525 for the 10 minutes of A-C (21 periods for 20)."""
        return 0.005 * (self.allowance / self.looks if self.allowance else 1)

    def limit(self, cpus: int, total: float) -> float:
        """Busy ticks allowed; ``total``, the ticks of all columns, counts in D only."""
        if self.allowance:
            return reclaim_threshold(cpus, self.period) * self.allowance
        return total * 5 / 1000

    def idle(self, busy: float, total: float, cpus: int) -> bool:
        """Whether WSL takes the window for idle: strictly under the limit in A-C, up to it in D (``IsIdle``)."""
        if self.allowance:
            return busy < reclaim_threshold(cpus, self.period) * self.allowance
        return total == 0 or busy * 1000 <= total * 5


def reclaim_threshold(cpus: int, period: int = 30) -> int:
    """``ReclaimThreshold`` of A-C: 0.5 % of all CPUs over one period, in whole ticks (15 per CPU)."""
    return cpus * USER_HZ * period // 200


def compaction_due(ticks_since_probe: float, cpus: int) -> bool:
    """First condition of A-C's compaction: more than 10 ms per CPU of user time since the end of the last probe."""
    return ticks_since_probe > cpus


def probe_quiet(ticks_in_probe: float, cpus: int) -> bool:
    """Second condition of A-C's compaction: less than 1 % user time in the second after the look."""
    return ticks_in_probe < cpus


class Algorithm(Struct, frozen=True, kw_only=True):
    """One generation of the rule."""

    id: Literal["A", "B", "C", "D"]
    releases: str
    source: str
    period: int
    """Seconds between two looks."""
    metric: Metric
    drops: Literal[1, 3]
    """What dropCache writes to drop_caches: 1 the page cache, 3 slab too."""
    forgets_probe: bool = False
    """A's shadowed variable: the end of the last probe is never kept, so compaction is always due."""
    rolling: bool = False
    """D: a busy period alone delays, only the window re-arms; compaction belongs to the reclaim."""
    assumed: str = ""
    """Why this algorithm is only assumed for the version at hand; empty when it was read in that version's source."""

    def windows(self, mode: Mode) -> tuple[WindowRule, ...]:
        """Both tests, the last period first; none when the mode is ``disabled``."""
        if mode == "disabled":
            return ()
        if self.rolling:
            return (
                WindowRule(name="10 s", looks=1, period=10, allowance=0),
                WindowRule(name="2 min", looks=12, period=10, allowance=0),
            )
        looks, name = (6, "3 min") if mode == "gradual" else (20, "10 min")
        return (
            WindowRule(name="30 s", looks=1, period=30, allowance=1),
            WindowRule(name=name, looks=looks, period=30, allowance=looks + 1),
        )

    def earliest(self, mode: Mode) -> int:
        """Seconds from boot to the first look that can find the gate open; 0 when the mode is ``disabled``.

        The ring of A-C starts poisoned with LLONG_MIN, except its first place. D spends its first look on a baseline.
        """
        rules = self.windows(mode)
        return rules[-1].seconds + (self.period if self.rolling else 0) if rules else 0


A: Final = Algorithm(
    id="A",
    releases="2.5.8-2.6.3, 2.7.0, 2.7.1",
    source="src/linux/init/main.cpp",
    period=30,
    metric="user",
    drops=1,
    forgets_probe=True,
)
B: Final = Algorithm(
    id="B",
    releases="2.7.2-2.7.11, 2.8.0-2.8.6",
    source="src/linux/init/main.cpp",
    period=30,
    metric="user",
    drops=1,
)
C: Final = Algorithm(
    id="C",
    releases="2.8.7-2.9.4",
    source="src/linux/init/util.cpp",
    period=30,
    metric="user",
    drops=1,
)
D: Final = Algorithm(
    id="D",
    releases="after 2.9.4",
    source="src/linux/init/util.cpp",
    period=10,
    metric="busy",
    drops=3,
    rolling=True,
)
