"""The idle rules of WSL's init, one object for each generation of WSL, and the choice of the one that applies.

Read in the sources of every tag from 2.5.8 to 2.9.4 and of what came after (microsoft/WSL, src/linux/init/main.cpp and
util.cpp). Pure: no clock, no file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.wslconfig.effective import Mode
from wsltop.core.wslconfig.grammar import parse_version
from wsltop.model.sample import USER_HZ, CpuTimes, ProcessCpu, Reading, known

Metric = Literal["user", "busy"]
"""What counts as busy: the user column alone (up to 2.9.4), or all but idle and iowait (later)."""
Ticks = tuple[int, int]
"""Busy ticks by a metric, and the ticks of all columns."""
Dropped = Literal[1, 3]
"""What was written to drop_caches: 1 the page cache, 3 slab too."""


class WindowRule(Struct, frozen=True, kw_only=True):
    """One idle test: the busy ticks of the last ``looks`` periods against a limit."""

    name: str
    looks: int
    period: int
    """Seconds between two looks of WSL."""
    allowance: int
    """Up to 2.9.4: the periods whose 0.5 % may be used up. 0: 5 per mille of the ticks that were counted (later)."""

    @property
    def seconds(self) -> int:
        """Length of the window."""
        return self.looks * self.period

    @property
    def limit_share(self) -> float:
        """The limit as a share of all CPUs: 0.005, but 0.00525 for 10 minutes up to 2.9.4 (21 periods for 20)."""
        return 0.005 * (self.allowance / self.looks if self.allowance else 1)

    def limit(self, cpus: int, total: float) -> float:
        """Busy ticks allowed; ``total``, the ticks of all columns, counts after 2.9.4 only."""
        if self.allowance:
            return reclaim_threshold(cpus, self.period) * self.allowance
        return total * 5 / 1000

    def idle(self, busy: float, total: float, cpus: int) -> bool:
        """Whether WSL takes the window for idle: under the limit up to 2.9.4, at most the limit later (``IsIdle``)."""
        if self.allowance:
            return busy < reclaim_threshold(cpus, self.period) * self.allowance
        return total == 0 or busy * 1000 <= total * 5


def reclaim_threshold(cpus: int, period: int = 30) -> int:
    """``ReclaimThreshold`` up to 2.9.4: 0.5 % of all CPUs over one period, in whole ticks (15 per CPU)."""
    return cpus * USER_HZ * period // 200


class IdleRule(Struct, frozen=True, kw_only=True):
    """One generation of the rule: all that wsltop knows of it, so that nothing else asks which one it is."""

    id: str
    """The first release that has it: ``2.8.7``."""
    label: str
    """For people, short, where two rules are possible."""
    period: int
    """Seconds between two looks."""
    metric: Metric
    drops: Dropped
    """What dropCache writes to drop_caches."""
    tests: Mapping[Mode, tuple[WindowRule, ...]]
    """The idle tests of each mode, the last period first; both must pass. Empty: the mode reclaims nothing."""
    baseline: int
    """Seconds from the start of the thread that its first look takes only to learn the counters."""
    rearmed_by: Literal["any test", "window"]
    """Which test must fail before dropCache drops again: any of them, or only the long one."""
    looks_when_disabled: bool
    """Whether its thread runs in the mode ``disabled`` too: up to 2.9.4 it goes on compacting."""
    probe: float
    """Seconds from a look to the compaction that it starts."""
    work: float
    """Seconds by which its own work may delay the next look."""
    ends_on_error: bool
    """Whether a failed write ends the thread until the VM restarts."""
    gradual_swaps: bool
    """Whether gradual names no swappiness, so that programs may be swapped out."""
    quicker_mode: Mapping[Mode, Mode]
    """For a mode, another one that needs less idle time."""
    does: Mapping[Mode, tuple[str, ...]]
    """What is written when the gate opens, as clauses; first the reclaim, then the compaction."""
    assumed: str = ""
    """Why this rule is only assumed for the version at hand; empty when it was read in that version's source."""

    @property
    def counts_niced(self) -> bool:
        """Whether CPU time of processes with a nice value above 0 counts."""
        return self.metric == "busy"

    def windows(self, mode: Mode) -> tuple[WindowRule, ...]:
        """The idle tests, the last period first; none when the mode is ``disabled``."""
        return self.tests[mode]

    def earliest(self, mode: Mode) -> int:
        """Seconds from boot to the first look that can find the gate open; 0 when the mode is ``disabled``."""
        windows = self.windows(mode)
        return windows[-1].seconds + self.baseline if windows else 0

    def looks(self, mode: Mode) -> bool:
        """Whether WSL's thread runs at all in this mode."""
        return mode != "disabled" or self.looks_when_disabled

    def compacts(self, mode: Mode) -> bool:
        """Whether WSL compacts in this mode: wherever its thread runs."""
        return self.looks(mode)

    def ticks(self, cpu: CpuTimes) -> Ticks:
        """Busy and total ticks since boot, as the rule counts them.

        ``user``: ``GetUserCpuTime``, the first number of the line. ``busy``: ``ReadCpuBusyIdle``; iowait is idle,
        missing irq, softirq and steal are 0, guest is ignored.
        """
        idle = cpu.idle + (cpu.iowait or 0)
        busy = cpu.user + cpu.nice + cpu.system + (cpu.irq or 0) + (cpu.softirq or 0) + (cpu.steal or 0)
        return (cpu.user if self.metric == "user" else busy), busy + idle

    def ticks_of(self, process: ProcessCpu) -> int:
        """The ticks of a process that the rule counts."""
        if self.metric == "user":
            return 0 if process.nice > 0 else max(process.user, 0)
        return max(process.user, 0) + max(process.system, 0)


def _ring(looks: int, name: str) -> tuple[WindowRule, ...]:
    """The tests up to 2.9.4: the last look, and a ring of looks."""
    return (
        WindowRule(name="30 s", looks=1, period=30, allowance=1),
        WindowRule(name=name, looks=looks, period=30, allowance=looks + 1),
    )


_ROLLING: Final = (
    WindowRule(name="10 s", looks=1, period=10, allowance=0),
    WindowRule(name="2 min", looks=12, period=10, allowance=0),
)
_COMPACTS_ALWAYS: Final = "compacts every 30 s when the second after that is quiet"
_COMPACTS_AFTER_USE: Final = "compacts every 30 s after CPU use, when the second after that is quiet"


def _does_until_2_9_4(compaction: str) -> Mapping[Mode, tuple[str, ...]]:
    return {
        "dropCache": ("drops the file cache once each time the VM comes to rest", compaction),
        "gradual": (
            "gives back 3 % of the memory in use every 30 s while the VM is idle, down to 1 GiB",
            "memory of programs may go to swap",
            compaction,
        ),
        "disabled": ("gives no file cache back", f"{compaction}, even so"),
    }


RULE_2_5_8: Final = IdleRule(
    id="2.5.8",
    label="to 2.9.4",
    period=30,
    metric="user",
    drops=1,
    # The ring starts poisoned with LLONG_MIN, except its first place: no look passes before it has been filled.
    tests={"dropCache": _ring(20, "10 min"), "gradual": _ring(6, "3 min"), "disabled": ()},
    baseline=0,
    rearmed_by="any test",
    looks_when_disabled=True,
    probe=1.0,
    work=0.0,
    ends_on_error=True,
    gradual_swaps=True,
    quicker_mode={"dropCache": "gradual"},
    # A shadowed variable: the end of the last probe is never kept, so compaction is always due.
    does=_does_until_2_9_4(_COMPACTS_ALWAYS),
)
"""2.5.8 to 2.6.3, 2.7.0 and 2.7.1; main.cpp."""
RULE_2_7_2: Final = replace(RULE_2_5_8, id="2.7.2", does=_does_until_2_9_4(_COMPACTS_AFTER_USE))
"""2.7.2 to 2.7.11 and 2.8.0 to 2.8.6; main.cpp."""
RULE_2_8_7: Final = replace(RULE_2_7_2, id="2.8.7")
"""2.8.7 to 2.9.4; the same in util.cpp."""
RULE_POST_2_9_4: Final = IdleRule(
    id="2.9.5",
    label="from 2.9.5",
    period=10,
    metric="busy",
    drops=3,
    tests={"dropCache": _ROLLING, "gradual": _ROLLING, "disabled": ()},
    baseline=10,
    rearmed_by="window",
    looks_when_disabled=False,
    probe=0.0,
    # Ours, an allowance and not a measurement: it sleeps 10 s after its own drop and compaction.
    work=2.0,
    ends_on_error=False,
    gradual_swaps=False,
    quicker_mode={},
    does={
        "dropCache": ("drops file cache and slab once each time the VM comes to rest", "then compacts"),
        "gradual": (
            "gives back file cache every 10 s while the VM is idle, 1/32 of the RAM at a time, down to 128 MiB",
            "memory of programs stays",
            "compacts after each time",
        ),
        "disabled": ("does nothing: it gives no file cache back and does not compact",),
    },
)
"""After 2.9.4; a rewrite in util.cpp."""
DROP_LINE: Final = re.compile(r"mini_init \(\d+\): drop_caches: (\d+)")
"""The kernel's own line (fs/drop_caches.c) with WSL's init as the writer; any other name is not WSL."""


def rules_for(version: Reading[str], observed: Dropped | None = None) -> tuple[IdleRule, ...]:
    """The rule of this WSL; more than one where that cannot be decided.

    The ranges come from comparing the function in every tag from 2.5.8 to 2.9.4. ``observed`` is what WSL's init was
    seen writing to drop_caches; it decides only where the version is unknown or its rule is itself an assumption.
    """
    text = known(version)
    parsed = None if text is None else parse_version(text)
    if parsed is None or len(parsed) < 3:
        why = "the version of WSL is unknown"
        if observed is not None:
            return (_seen(observed, why),)
        return replace(RULE_2_8_7, assumed=why), replace(RULE_POST_2_9_4, assumed=why)
    found = _by_version(parsed[:3])
    if found.assumed and observed is not None and found.drops != observed:
        return (_seen(observed, found.assumed),)
    return (found,)


def _seen(observed: Dropped, why: str) -> IdleRule:
    nearest = RULE_POST_2_9_4 if observed == 3 else RULE_2_8_7
    return replace(nearest, assumed=f"{why}; init was seen writing {observed} to drop_caches")


def _by_version(version: tuple[int, ...]) -> IdleRule:
    line, patch = version[:2], version[2]
    if version < (2, 0, 0):
        return replace(RULE_2_5_8, assumed="before 2.0.0 there was no autoMemoryReclaim, and the source is closed")
    if version < (2, 5, 8):
        return replace(RULE_2_5_8, assumed="the source before 2.5.8 is closed; this is the nearest rule known")
    if version <= (2, 6, 3) or (line == (2, 7) and patch <= 1):
        return RULE_2_5_8
    if line == (2, 6):
        return replace(RULE_2_5_8, assumed="a release newer than the sources read; the 2.6 line had this rule")
    if line == (2, 7):
        newer = "a release newer than the sources read; the 2.7 line kept it"
        return RULE_2_7_2 if patch <= 11 else replace(RULE_2_7_2, assumed=newer)
    if line == (2, 8):
        return RULE_2_7_2 if patch <= 6 else RULE_2_8_7
    if version <= (2, 9, 4):
        return RULE_2_8_7
    if version < (2, 9, 8):
        unsure = "the new rule came after 2.9.4; which release carried it first is not certain"
        return replace(RULE_POST_2_9_4, assumed=unsure)
    return RULE_POST_2_9_4


def effective_mode(mode: Mode, reclaim_file: bool | None) -> Mode:
    """What a mode becomes: without a writable ``/sys/fs/cgroup/memory.reclaim``, gradual falls back to dropCache.

    ``reclaim_file`` says whether that file exists; ``None`` when it is not known.
    """
    return "dropCache" if mode == "gradual" and reclaim_file is False else mode


FALLS_BACK: Final = re.compile(r"WSL .*falling back to (?:autoMemoryReclaim = dropcache|drop_caches)")
"""What init says when memory.reclaim cannot be written."""


def dropped_by_init(line: str) -> Dropped | None:
    """What WSL's init wrote to drop_caches, when this line of the kernel log says that it did."""
    match = DROP_LINE.search(line)
    value = int(match[1]) & 3 if match else 0
    return 1 if value == 1 else 3 if value == 3 else None


def dropped_by_counters(before: Mapping[str, int], after: Mapping[str, int]) -> Dropped | None:
    """What was written to drop_caches between two readings of ``/proc/vmstat``.

    ``drop_pagecache`` and ``drop_slab`` go up by one per write (fs/drop_caches.c). The counters do not name the
    writer: only a drop at idle that wsltop did not ask for can be WSL's.
    """
    if not {"drop_pagecache", "drop_slab"} <= before.keys() & after.keys():
        return None
    cache = after["drop_pagecache"] - before["drop_pagecache"]
    slab = after["drop_slab"] - before["drop_slab"]
    if cache <= 0 or slab < 0:
        return None
    return 3 if slab else 1
