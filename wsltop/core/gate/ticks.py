"""The CPU ticks of the last minutes, for sliding windows at any sampling interval. Bounded, pure, no clock.

The counters are cumulative since boot, so the sum of an interval is known however long it was; only its distribution
is not. Hence every answer has an estimate and the bounds that cannot be wrong.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final, Literal, NamedTuple

from wsltop.model.sample import USER_HZ

COARSE: Final = 90.0
"""Seconds. In a longer interval nothing is interpolated: it counts as not watched."""
MIN_STEP: Final = 0.1
"""Seconds. Of samples that come faster, the middle one is given up, so that the history stays bounded."""
SLEPT: Final = 5.0
"""Seconds of CPU time that must be missing before an interval is taken for a suspended machine."""
Link = Literal["first", "steady", "resumed", "broken", "ignored"]
"""How a sample joins the one before it."""


class Span(NamedTuple):
    """Ticks from some moment until the last sample."""

    low: float
    high: float
    estimate: float | None
    """Interpolated; ``None`` when the moment was not watched."""
    total: float
    """Ticks of all columns; the capacity of the CPUs where they were not counted."""
    watched: float
    """Seconds."""


class _Cut(NamedTuple):
    low: float
    high: float
    estimate: float | None
    total: float
    known_from: float


class TickHistory:
    """Points of (active seconds since boot, busy ticks, all ticks), oldest first, at least ``keep`` seconds deep.

    Active time is CLOCK_MONOTONIC less the time in which the machine was suspended: no CPU ran then, WSL's timer
    neither, so the windows reach back over it.
    """

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self.capacity = float(USER_HZ)
        """Ticks per second of all CPUs."""
        self.clock: float | None = None
        """The last sample on the monotonic clock."""
        self._times: list[float] = []
        self._busy: list[int] = []
        self._total: list[int] = []
        self._coarse: list[bool] = []

    def __len__(self) -> int:
        return len(self._times)

    @property
    def now(self) -> float:
        """The last sample in active seconds since boot."""
        return self._times[-1] if self._times else 0.0

    @property
    def busy(self) -> int:
        """Busy ticks since boot at the last sample."""
        return self._busy[-1] if self._busy else 0

    def add(self, monotonic: float, busy: int, total: int, cpus: int) -> Link:
        """Take one sample; times that stand still are ignored, counters that go back start the history afresh."""
        clock, self.clock = self.clock, monotonic
        self.capacity = float(USER_HZ * max(cpus, 1))
        if clock is None or monotonic < clock:
            return self._begin(monotonic, busy, total)
        if busy < self._busy[-1] or total < self._total[-1]:
            # What was counted in between is unknown, not zero.
            self._clear()
            self._append(monotonic, busy, total, coarse=True)
            return "broken"
        if monotonic == clock:
            return "ignored"
        return self._extend(monotonic - clock, busy, total)

    def span(self, seconds: float) -> Span:
        """The ticks of the last ``seconds``."""
        cut = self._cut(self.now - seconds)
        busy = self.busy
        return Span(
            low=max(0.0, busy - cut.high),
            high=max(0.0, busy - cut.low),
            estimate=None if cut.estimate is None else round(max(0.0, busy - cut.estimate), 6),
            total=round(max(0.0, self._total[-1] - cut.total), 6) if self._total else 0.0,
            watched=max(0.0, min(seconds, self.now - cut.known_from)),
        )

    def wait(self, seconds: float, limit: float, *, strict: bool) -> float:
        """Seconds until the window is within its limit at the soonest, if not one more tick is used from now on.

        ``strict``: the ticks must stay below the limit rather than reach it.
        """
        level = self.busy - limit
        index = bisect_right(self._busy, level) if strict else bisect_left(self._busy, level)
        if index == 0 or index == len(self._busy):
            return 0.0
        start, end = self._times[index - 1], self._times[index]
        if not self._coarse[index]:
            low, high = self._busy[index - 1], self._busy[index]
            start += (end - start) * (level - low) / (high - low)
        return min(seconds, max(0.0, start + seconds - self.now))

    def _begin(self, monotonic: float, busy: int, total: int) -> Link:
        self._clear()
        if monotonic > 0:
            # At boot all counters were 0: what came before the first sample is known in sum.
            self._append(0.0, 0, 0, coarse=True)
            slept = self._slept(monotonic, total)
            self._append(monotonic - slept, busy, total, coarse=True)
        else:
            self._append(monotonic, busy, total, coarse=True)
        return "first"

    def _extend(self, elapsed: float, busy: int, total: int) -> Link:
        slept = self._slept(elapsed, total - self._total[-1])
        active = elapsed - slept
        if len(self) > 2 and not self._coarse[-1] and self.now + active - self._times[-2] < MIN_STEP:
            active += self.now - self._times[-2]
            for column in (self._times, self._busy, self._total, self._coarse):
                column.pop()
        self._append(self.now + active, busy, total, coarse=active > COARSE)
        self._trim()
        return "resumed" if slept else "steady"

    def _slept(self, elapsed: float, ticks: int) -> float:
        missing = elapsed - ticks / self.capacity
        return missing if missing > max(SLEPT, elapsed / 2) else 0.0

    def _append(self, time: float, busy: int, total: int, *, coarse: bool) -> None:
        self._times.append(time)
        self._busy.append(busy)
        self._total.append(total)
        self._coarse.append(coarse)

    def _clear(self) -> None:
        for column in (self._times, self._busy, self._total, self._coarse):
            column.clear()

    def _trim(self) -> None:
        # Rarely and much at once: deleting from the head of a list moves all the rest.
        stale = bisect_right(self._times, self.now - self.keep) - 1
        if stale > 256:
            for column in (self._times, self._busy, self._total, self._coarse):
                del column[:stale]

    def _cut(self, moment: float) -> _Cut:
        """The counters at a moment up to now."""
        index = bisect_right(self._times, moment)
        if index == len(self._times):
            return _Cut(self.busy, self.busy, self.busy, self._total[-1] if self._total else 0, self.now)
        time, busy, total = self._times[index], self._busy[index], self._total[index]
        room = self.capacity * (time - moment)
        if index == 0:
            return _Cut(busy - room, busy, None, total - room, time)
        before, low, low_total = self._times[index - 1], self._busy[index - 1], self._total[index - 1]
        part = (moment - before) / (time - before)
        middle_total = low_total + (total - low_total) * part
        if part == 0:
            return _Cut(low, low, low, low_total, before)
        if self._coarse[index]:
            ceiling = min(float(busy), low + self.capacity * (moment - before))
            return _Cut(max(float(low), busy - room), ceiling, None, middle_total, time)
        return _Cut(low, busy, low + (busy - low) * part, middle_total, moment)
