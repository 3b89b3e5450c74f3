"""The phase of WSL's timer: unknown from inside, until something that WSL did gives it away.

Imports the standard library and ``core``.
"""

from __future__ import annotations

import math
from typing import Final

from wsltop.core.gate.rules import Algorithm
from wsltop.core.gate.state import Bounds

DRIFT: Final = 0.005
"""Seconds by which a look may come later than the period says: a wake-up at SCHED_IDLE on a machine at rest.

A-C keep their target (``sleep_until``), D sleeps 10 s after its work (``sleep_for``), so both only ever drift late.
The figure is ours, an allowance and not a measurement.
"""
WORK: Final = 2.0
"""Seconds that D's own drop and compaction may take before its next sleep begins; ours, likewise."""


class Phase:
    """When WSL looks next, on the monotonic clock."""

    def __init__(self, algorithm: Algorithm) -> None:
        self._period = float(algorithm.period)
        self._work = WORK if algorithm.rolling else 0.0
        self._anchor: float | None = None
        self._before = 0.0

    def learn(self, look: float, uncertainty: float) -> None:
        """Take a look that is known to have happened, give or take ``uncertainty`` seconds; the newest counts."""
        if self._anchor is None or look >= self._anchor:
            self._anchor, self._before = look, max(0.0, uncertainty)

    def forget(self) -> None:
        """The machine was suspended: the timer fired on waking, at a moment that nobody saw."""
        self._anchor = None

    def known(self, now: float) -> bool:
        """Whether the phase is known well enough to say more than "within one period"."""
        return self._anchor is not None and now >= self._anchor and self._late(now) + self._before < self._period / 2

    def next_look(self, now: float) -> Bounds:
        """Seconds until the next look."""
        if self._anchor is None or not self.known(now):
            return Bounds(earliest=0.0, latest=self._period)
        since = (now - self._anchor) % self._period
        late = self._late(now)
        pending = since < late and now - self._anchor >= self._period
        wait = self._period - since
        return Bounds(earliest=0.0 if pending else max(0.0, wait - self._before), latest=wait + late)

    def first_look_after(self, now: float, wait: float) -> Bounds:
        """Seconds until the first look that comes at least ``wait`` seconds from now."""
        look = self.next_look(now)
        skipped = max(0, math.ceil((wait - look.latest) / self._period)) * self._period
        missed = self._period if look.earliest + skipped < wait else 0.0
        latest = look.latest + skipped
        if not self.known(now):
            return Bounds(earliest=wait, latest=wait + self._period)
        return Bounds(earliest=max(wait, look.earliest + skipped), latest=latest + missed)

    def looked_between(self, start: float, end: float) -> bool:
        """Whether a look surely fell between two moments."""
        if end - start >= self._period + self._work:
            return True
        if self._anchor is None or start < self._anchor or not self.known(end):
            return False
        count = math.ceil((start + self._before - self._anchor) / self._period)
        return self._anchor + max(count, 1) * self._period + self._late(end) <= end

    def may_have_looked(self, start: float, end: float) -> bool:
        """Whether a look can have fallen between two moments."""
        return not self.known(start) or self.next_look(start).earliest <= end - start

    def _late(self, now: float) -> float:
        looks = 0.0 if self._anchor is None else max(0.0, now - self._anchor) / self._period
        return self._before + self._work + (looks + 1) * DRIFT
