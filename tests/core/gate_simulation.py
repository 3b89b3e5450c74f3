"""WSL's loop itself, on a recorded or invented sequence of counters: when it would act, tick by tick.

The oracle of the live gate: both share the windows of ``rules``; here are WSL's own timer, ring and flags. The sequence
has to be dense (1 s): a look happens at the first sample at or after its time, which is also how a timer fires that
came due while the machine was suspended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.gate.rules import RULE_2_5_8, IdleRule
from wsltop.core.wslconfig.effective import Mode
from wsltop.model.sample import CpuTimes
from wsltop.model.text import GIB, MIB

Step = tuple[float, CpuTimes]
"""Seconds since boot, and the counters then."""
LOW: Final = GIB
"""Up to 2.9.4 ``MemoryLow``: gradual rests once its target falls under this."""
HIGH: Final = 1.1 * GIB
"""``MemoryHigh``: above this, gradual starts again."""
FLOOR: Final = 128 * MIB
"""After 2.9.4: cache that gradual leaves (``c_floorBytes``)."""
MIN_STEP: Final = 256 * MIB
MAX_STEP: Final = 1024 * MIB


class Memory(Struct, frozen=True, kw_only=True):
    """The figures that gradual looks at, in bytes."""

    total: int
    """MemTotal."""
    in_use: int
    """MemTotal less MemFree, page cache included: measured up to 2.9.4 (``GetMemoryInUse``)."""
    cache: int
    """Active(file) + Inactive(file) + SReclaimable: measured later (``GetReclaimableCacheBytes``)."""


def ring_request(memory: Memory, *, resting: bool) -> int:
    """Up to 2.9.4: 3 % of the memory in use while above 1 GiB; after a rest it takes more than 1.1 GiB to start."""
    if memory.in_use <= LOW or (resting and memory.in_use <= HIGH):
        return 0
    return int(memory.in_use - memory.in_use * 0.97)


def rolling_request(memory: Memory) -> int:
    """After 2.9.4: what is above 128 MiB of cache, at most 1/32 of the RAM, clamped to 256 MiB to 1 GiB."""
    step = min(max(memory.total // 32, MIN_STEP), MAX_STEP)
    return min(max(memory.cache - FLOOR, 0), step)


LIKE_8_GIB: Final = Memory(total=8 * GIB, in_use=2 * GIB, cache=GIB)


class Action(Struct, frozen=True):
    """Something that WSL writes."""

    kind: Literal["drop", "reclaim", "compact"]
    amount: int
    """What is written: 1 or 3 to drop_caches, bytes to memory.reclaim, 1 to compact_memory."""


def simulate(
    rule: IdleRule, mode: Mode, steps: Sequence[Step], memory: Memory = LIKE_8_GIB, start: float = 0.0
) -> list[tuple[float, Action]]:
    """The actions of WSL's thread, started ``start`` seconds after boot, with their times.

    ``memory`` is what gradual sees at first; each request is taken as granted in full.
    """
    if not steps:
        return []
    if not rule.looks(mode):
        return []
    loop = _Ring if rule.rearmed_by == "any test" else _Rolling
    return list(loop(rule, mode, memory).run(steps, start))


class _Ring:
    """Up to 2.9.4: the ring of absolute counters, poisoned at first, and the compaction probe."""

    def __init__(self, rule: IdleRule, mode: Mode, memory: Memory) -> None:
        self.rule = rule
        self.mode = mode
        self.memory = memory
        self.tests = rule.windows(mode)
        length = self.tests[-1].looks if self.tests else 1
        # LLONG_MIN in all places but the first, which is 0: the counter at boot.
        self.ring: list[int | None] = [0] + [None] * (length - 1)
        self.index = 0
        self.idling = False
        self.probed = 0

    def run(self, steps: Sequence[Step], start: float) -> Iterator[tuple[float, Action]]:
        look = start + self.rule.period
        probe: tuple[float, int] | None = None
        for time, cpu in steps:
            used = cpu.user
            if probe is not None and time >= probe[0]:
                before, probe = probe[1], None
                if self.rule.id != RULE_2_5_8.id:  # whose shadowed variable forgets the probe
                    self.probed = used
                if used - before < cpu.cpus:
                    yield time, Action("compact", 1)
            if time >= look:
                look = time + self.rule.period
                yield from ((time, action) for action in self.look(used, cpu.cpus))
                if used - self.probed > cpu.cpus:
                    probe = time + 1, used

    def look(self, used: int, cpus: int) -> Iterator[Action]:
        if not self.tests:
            return
        last = (self.index + 1) % len(self.ring)
        if self.idle(self.ring[self.index], self.ring[last], used, cpus):
            yield from self.act()
        else:
            self.idling = False
        self.index = last
        self.ring[last] = used

    def idle(self, previous: int | None, oldest: int | None, used: int, cpus: int) -> bool:
        if previous is None or oldest is None:
            return False
        recent, window = self.tests
        return window.idle(used - oldest, 0, cpus) and recent.idle(used - previous, 0, cpus)

    def act(self) -> Iterator[Action]:
        if self.mode == "gradual":
            request = ring_request(self.memory, resting=self.idling)
            self.idling = self.memory.in_use - request < LOW if request else self.idling
            if request:
                self.memory = replace(self.memory, in_use=self.memory.in_use - request)
                yield Action("reclaim", request)
        elif not self.idling:
            self.idling = True
            yield Action("drop", self.rule.drops)


class _Rolling:
    """After 2.9.4: differences in a ring of 12, and two flags for the idle period."""

    def __init__(self, rule: IdleRule, mode: Mode, memory: Memory) -> None:
        self.rule = rule
        self.mode = mode
        self.memory = memory
        self.recent, self.window = rule.windows(mode)
        self.previous: tuple[int, int] | None = None
        self.samples: list[tuple[int, int]] = []
        self.dropped = self.compacted = False

    def run(self, steps: Sequence[Step], start: float) -> Iterator[tuple[float, Action]]:
        look = start + self.rule.period
        for time, cpu in steps:
            if time >= look:
                look = time + self.rule.period
                busy, total = self.rule.ticks(cpu)
                for action in self.look(busy, total - busy, cpu.cpus):
                    yield time, action

    def look(self, busy: int, idle: int, cpus: int) -> Iterator[Action]:
        previous, self.previous = self.previous, (busy, idle)
        if previous is None:
            return
        if busy < previous[0] or idle < previous[1]:
            self.samples.clear()
            self.dropped = self.compacted = False
            return
        spent = busy - previous[0]
        self.samples = [*self.samples[-self.window.looks + 1 :], (spent, spent + idle - previous[1])]
        window = [sum(column) for column in zip(*self.samples, strict=True)]
        if len(self.samples) < self.window.looks or not self.window.idle(window[0], window[1], cpus):
            self.dropped = self.compacted = False
        elif self.recent.idle(*self.samples[-1], cpus):
            yield from self.act()

    def act(self) -> Iterator[Action]:
        request = rolling_request(self.memory) if self.mode == "gradual" else 0
        reclaimed = False
        if request:
            reclaimed = True
            self.memory = replace(self.memory, cache=self.memory.cache - request)
            yield Action("reclaim", request)
        elif self.mode == "dropCache" and not self.dropped:
            reclaimed = self.dropped = True
            yield Action("drop", self.rule.drops)
        if reclaimed or not self.compacted:
            self.compacted = True
            yield Action("compact", 1)
