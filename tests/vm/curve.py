"""The host's own curve, and what can be read from it without a line of wsltop's.

The figure is written ten times a second by the host, in its monotonic time. What happened in the guest is brought onto
that clock: the agent tells the guest's wall clock before and after, and between the two a straight line is good enough.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

REST: Final = 5.0
"""Seconds at the end whose level is where the curve came to rest."""
HELD: Final = 2.0
"""Seconds before the release whose level is where it came from."""


class Point(NamedTuple):
    """A figure of the host."""

    time: float
    """Monotonic, of the host."""
    size: int


class ClockPair(NamedTuple):
    """Two clocks at one moment."""

    host: float
    """Monotonic."""
    guest: float
    """Wall clock."""
    error: float
    """Seconds by which they may not have been read at the same moment."""


class Fall(NamedTuple):
    """How a curve fell after a moment. Seconds since then, bytes."""

    returned: int
    half: float | None
    most: float | None
    """90 %."""


def to_host(guest: float, before: ClockPair, after: ClockPair) -> float:
    """The host's monotonic time at a moment of the guest's wall clock."""
    rate = (after.host - before.host) / (after.guest - before.guest)
    return before.host + (guest - before.guest) * rate


def drift(before: ClockPair, after: ClockPair) -> float:
    """Seconds by which the guest's clock has gained on the host's in between."""
    return (after.guest - before.guest) - (after.host - before.host)


def lateness(curve: Sequence[Point], start: float, end: float) -> float:
    """Seconds by which the host's own figures came late at worst between two moments: how busy the machine is."""
    times = [point.time for point in curve if start <= point.time <= end]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return max(0.0, max(gaps, default=0.0) - 2 * PERIOD)


PERIOD: Final = 0.1
"""Seconds between two figures of the host on a machine at rest."""


def read_fall(curve: Sequence[Point], release: float, end: float) -> Fall:
    """What came back between two moments, and when half of it and 90 % had.

    The level that it came from is the median just before ``release``, the one where it came to rest the median just
    before ``end``; each time is that of the first figure at or below the level in question.
    """
    high = median(point.size for point in curve if release - HELD <= point.time <= release)
    low = median(point.size for point in curve if end - REST <= point.time <= end)

    def first_at(share: float) -> float | None:
        level = high - share * (high - low)
        times = (point.time - release for point in curve if release < point.time <= end and point.size <= level)
        return next(times, None) if low < high else None

    return Fall(round(high - low), first_at(0.5), first_at(0.9))
