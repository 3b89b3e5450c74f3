"""The idle rules of WSL's init, one for each generation of WSL, and the choice of the one that applies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.wslconfig.effective import Mode
from wsltop.core.wslconfig.keys import parse_version
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import USER_HZ, CpuTimes
from wsltop.model.units import GIB, MIB

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
DROP_LINE: Final = re.compile(r"mini_init \(\d+\): drop_caches: (\d+)")
"""The kernel's own line (fs/drop_caches.c) with WSL's init as the writer; any other name is not WSL."""
Dropped = Literal[1, 3]
"""What was written to drop_caches: 1 the page cache, 3 slab too."""


def algorithms_for(version: Reading[str], observed: Dropped | None = None) -> tuple[Algorithm, ...]:
    """The rule of this WSL; more than one where that cannot be decided.

    The ranges come from comparing the function in every tag from 2.5.8 to 2.9.4. ``observed`` is what WSL's init was
    seen writing to drop_caches; it decides only where the version is unknown or its rule is itself an assumption.
    """
    parsed = None if isinstance(version, Unavailable) else parse_version(version)
    if parsed is None or len(parsed) < 3:
        why = "the version of WSL is unknown"
        if observed is not None:
            return (_seen(observed, why),)
        return replace(C, assumed=why), replace(D, assumed=why)
    found = _by_version(parsed[:3])
    if found.assumed and observed is not None and found.drops != observed:
        return (_seen(observed, found.assumed),)
    return (found,)


def _seen(observed: Dropped, why: str) -> Algorithm:
    nearest = D if observed == 3 else C
    return replace(nearest, assumed=f"{why}; init was seen writing {observed} to drop_caches")


def _by_version(version: tuple[int, ...]) -> Algorithm:
    line, patch = version[:2], version[2]
    if version < (2, 0, 0):
        return replace(A, assumed="before 2.0.0 there was no autoMemoryReclaim, and the source is closed")
    if version < (2, 5, 8):
        return replace(A, assumed="the source before 2.5.8 is closed; this is the nearest rule known")
    if version <= (2, 6, 3) or (line == (2, 7) and patch <= 1):
        return A
    if line == (2, 6):
        return replace(A, assumed="a release newer than the sources read; the 2.6 line had this rule")
    if line == (2, 7):
        return B if patch <= 11 else replace(B, assumed="a release newer than the sources read; the 2.7 line kept it")
    if line == (2, 8):
        return B if patch <= 6 else C
    if version <= (2, 9, 4):
        return C
    if version < (2, 9, 8):
        return replace(D, assumed="the new rule came after 2.9.4; which release carried it first is not certain")
    return D


def effective_mode(mode: Mode, reclaim_file: bool | None) -> Mode:
    """What a mode becomes: without a writable ``/sys/fs/cgroup/memory.reclaim``, gradual falls back to dropCache.

    ``reclaim_file`` says whether that file exists; ``None`` when it is not known.
    """
    return "dropCache" if mode == "gradual" and reclaim_file is False else mode


def dropped_by_init(line: str) -> Dropped | None:
    """What WSL's init wrote to drop_caches, when this line of the kernel log says that it did."""
    match = DROP_LINE.search(line)
    value = int(match[1]) & 3 if match else 0
    return 1 if value == 1 else 3 if value == 3 else None


def dropped_by_counters(before: Mapping[str, int], after: Mapping[str, int]) -> Dropped | None:
    """What somebody wrote to drop_caches between two readings of ``/proc/vmstat``.

    ``drop_pagecache`` and ``drop_slab`` go up by one per write (fs/drop_caches.c). The counters do not name the
    writer: only a drop at idle that nobody asked for is WSL's.
    """
    if not {"drop_pagecache", "drop_slab"} <= before.keys() & after.keys():
        return None
    cache = after["drop_pagecache"] - before["drop_pagecache"]
    slab = after["drop_slab"] - before["drop_slab"]
    if cache <= 0 or slab < 0:
        return None
    return 3 if slab else 1


LOW: Final = GIB
"""A-C: ``MemoryLow``; gradual rests once its target falls under this."""
HIGH: Final = 1.1 * GIB
"""A-C: ``MemoryHigh``; above this, gradual starts again."""
FLOOR: Final = 128 * MIB
"""D: cache that gradual leaves (``c_floorBytes``)."""
MIN_STEP: Final = 256 * MIB
MAX_STEP: Final = 1024 * MIB


class Memory(Struct, frozen=True, kw_only=True):
    """The figures that gradual looks at, in bytes."""

    total: int
    """MemTotal."""
    in_use: int
    """MemTotal less MemFree, page cache included: what A-C measure (``GetMemoryInUse``)."""
    cache: int
    """Active(file) + Inactive(file) + SReclaimable: what D measures (``GetReclaimableCacheBytes``)."""


def gradual_request(algorithm: Algorithm, memory: Memory, *, resting: bool = False) -> int:
    """Bytes that gradual asks of ``memory.reclaim`` in one idle look; 0 for none.

    A-C: 3 % of the memory in use while above 1 GiB; ``resting`` says that the target has been under 1 GiB in this
    idle period, and then it takes more than 1.1 GiB to start again. D: what is above 128 MiB of cache, at most 1/32
    of the RAM, clamped to 256 MiB..1 GiB.
    """
    if algorithm.rolling:
        step = min(max(memory.total // 32, MIN_STEP), MAX_STEP)
        return min(max(memory.cache - FLOOR, 0), step)
    if memory.in_use <= LOW or (resting and memory.in_use <= HIGH):
        return 0
    return int(memory.in_use - memory.in_use * 0.97)


def rests(request: int, memory: Memory) -> bool:
    """Whether A-C's gradual rests after this request: its target is under 1 GiB."""
    return memory.in_use - request < LOW


def describe(algorithm: Algorithm, mode: Mode) -> tuple[str, ...]:
    """What will be written when the gate opens, as clauses; first the reclaim, then the compaction."""
    if algorithm.rolling:
        return _describe_rolling(mode)
    compaction = (
        "compacts at any look, every 30 s, when the next second is quiet"
        if algorithm.forgets_probe
        else "compacts at a look when there was CPU use since the last check and the next second is quiet"
    )
    if mode == "disabled":
        return "reclaims no cache", f"{compaction}, even so"
    if mode == "gradual":
        return (
            "asks memory.reclaim for 3 % of the memory in use, every 30 s while idle and above 1 GiB",
            "names no swappiness, so anonymous memory can go to swap",
            compaction,
        )
    return "writes 1 to drop_caches: page cache, not slab; once per idle period", compaction


def _describe_rolling(mode: Mode) -> tuple[str, ...]:
    if mode == "disabled":
        return ("runs no thread: neither reclaim nor compaction",)
    if mode == "gradual":
        return (
            "asks memory.reclaim for the cache above 128 MiB, at most RAM/32 (256 MiB to 1 GiB) every 10 s while idle",
            "says swappiness=0, so anonymous memory stays",
            "compacts after each reclaim, and once per idle period",
        )
    return "writes 3 to drop_caches: page cache and slab; once per idle period", "then compacts"
