"""WSL's loop itself, on a recorded or invented sequence of counters: when it would act, tick by tick.

The live gate and this share the predicates of ``rules`` and ``intent``; here are WSL's own timer, ring and flags. The
sequence has to be dense (1 s): a look happens at the first sample at or after its time, which is also how a timer
fires that came due while the machine was suspended. Imports msgspec and ``core``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.gate.rules import Algorithm, Memory, compaction_due, gradual_request, probe_quiet, rests, split
from wsltop.core.wslconfig.effective import Mode
from wsltop.model.sample import CpuTimes
from wsltop.model.units import GIB

Step = tuple[float, CpuTimes]
"""Seconds since boot, and the counters then."""
LIKE_8_GIB: Final = Memory(total=8 * GIB, in_use=2 * GIB, cache=GIB)


class Action(Struct, frozen=True):
    """Something that WSL writes."""

    kind: Literal["drop", "reclaim", "compact"]
    amount: int
    """What is written: 1 or 3 to drop_caches, bytes to memory.reclaim, 1 to compact_memory."""


def simulate(
    algorithm: Algorithm, mode: Mode, steps: Sequence[Step], memory: Memory = LIKE_8_GIB, start: float = 0.0
) -> list[tuple[float, Action]]:
    """The actions of WSL's thread, started ``start`` seconds after boot, with their times.

    ``memory`` is what gradual sees at first; each request is taken as granted in full.
    """
    if not steps:
        return []
    if algorithm.rolling:
        return [] if mode == "disabled" else list(_Rolling(algorithm, mode, memory).run(steps, start))
    return list(_Ring(algorithm, mode, memory).run(steps, start))


class _Ring:
    """A-C: the ring of absolute counters, poisoned at first, and the compaction probe."""

    def __init__(self, algorithm: Algorithm, mode: Mode, memory: Memory) -> None:
        self.algorithm = algorithm
        self.mode = mode
        self.memory = memory
        self.rules = algorithm.windows(mode)
        length = self.rules[-1].looks if self.rules else 1
        # LLONG_MIN in all places but the first, which is 0: the counter at boot.
        self.ring: list[int | None] = [0] + [None] * (length - 1)
        self.index = 0
        self.idling = False
        self.probed = 0

    def run(self, steps: Sequence[Step], start: float) -> Iterator[tuple[float, Action]]:
        look = start + self.algorithm.period
        probe: tuple[float, int] | None = None
        for time, cpu in steps:
            used = cpu.user
            if probe is not None and time >= probe[0]:
                before, probe = probe[1], None
                if not self.algorithm.forgets_probe:
                    self.probed = used
                if probe_quiet(used - before, cpu.cpus):
                    yield time, Action("compact", 1)
            if time >= look:
                look = time + self.algorithm.period
                yield from ((time, action) for action in self.look(used, cpu.cpus))
                if compaction_due(used - self.probed, cpu.cpus):
                    probe = time + 1, used

    def look(self, used: int, cpus: int) -> Iterator[Action]:
        if not self.rules:
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
        recent, window = self.rules
        return window.idle(used - oldest, 0, cpus) and recent.idle(used - previous, 0, cpus)

    def act(self) -> Iterator[Action]:
        if self.mode == "gradual":
            request = gradual_request(self.algorithm, self.memory, resting=self.idling)
            self.idling = rests(request, self.memory) if request else self.idling
            if request:
                self.memory = replace(self.memory, in_use=self.memory.in_use - request)
                yield Action("reclaim", request)
        elif not self.idling:
            self.idling = True
            yield Action("drop", self.algorithm.drops)


class _Rolling:
    """D: differences in a ring of 12, and two flags for the idle period."""

    def __init__(self, algorithm: Algorithm, mode: Mode, memory: Memory) -> None:
        self.algorithm = algorithm
        self.mode = mode
        self.memory = memory
        self.recent, self.window = algorithm.windows(mode)
        self.previous: tuple[int, int] | None = None
        self.samples: list[tuple[int, int]] = []
        self.dropped = self.compacted = False

    def run(self, steps: Sequence[Step], start: float) -> Iterator[tuple[float, Action]]:
        look = start + self.algorithm.period
        for time, cpu in steps:
            if time >= look:
                look = time + self.algorithm.period
                busy, total = split(self.algorithm.metric, cpu)
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
        request = gradual_request(self.algorithm, self.memory) if self.mode == "gradual" else 0
        reclaimed = False
        if request:
            reclaimed = True
            self.memory = replace(self.memory, cache=self.memory.cache - request)
            yield Action("reclaim", request)
        elif self.mode == "dropCache" and not self.dropped:
            reclaimed = self.dropped = True
            yield Action("drop", self.algorithm.drops)
        if reclaimed or not self.compacted:
            self.compacted = True
            yield Action("compact", 1)
