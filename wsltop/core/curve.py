"""Reads a curve of memory over time: its levels, its noise, when it fell below something, whether it is at rest.

Levels are medians, so that one odd reading changes nothing:

    noise     95th less 5th percentile of the baseline
    band      what does not count as change: 8 MiB, a hundredth of what the load took, or 1.5 times the noise,
              whichever is most
    peak      the highest median of three neighbors; where answers are a second or more apart, each of them counts
    trough    the lowest median of three neighbors, in the same way
    floor     median of the last seconds, which are the ones in which it came to rest
    crossing  the first reading at or below a level that the next one confirms, interpolated in a straight line from
              the one before. The truth lies between these two: that is the uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median
from typing import Final, NamedTuple

from msgspec import Struct

from wsltop.model.text import MIB

LEAST_BAND: Final = 8 * MIB
BAND_SHARE: Final = 0.01
NOISE_FACTOR: Final = 1.5
SPARSE: Final = 0.9
"""Seconds between two readings from which on each of them counts."""
FEWEST: Final = 3
TRIMMED_FROM: Final = 8
"""With so many readings the highest and the lowest may be odd ones."""
REST: Final = 6.0
"""Seconds without change that count as rest: three passes of free page reporting, the first after 2 s."""
ANSWERS: Final = 3
"""So many answers of a slow source without change are rest."""


class Dot(NamedTuple):
    """A point of a curve: monotonic seconds, bytes."""

    time: float
    size: int


class Crossing(Struct, frozen=True):
    """When a curve fell below a level."""

    seconds: float
    """Since the release; negative when it was before."""
    uncertainty: float
    """Seconds by which it may have been earlier or later."""

    def minus(self, other: Crossing) -> Crossing:
        """The time from ``other`` to this one; the uncertainties add up."""
        return Crossing(self.seconds - other.seconds, self.uncertainty + other.uncertainty)


def add_answer(dots: list[Dot], time: float, size: int) -> None:
    """Add what a host said, once, at the time when it came: the same answer may be sampled again."""
    if not dots or time > dots[-1].time:
        dots.append(Dot(time, size))


def between(dots: Sequence[Dot], start: float, end: float) -> list[Dot]:
    """The readings of a stretch of time, both ends included."""
    return [dot for dot in dots if start <= dot.time <= end]


def level_of(dots: Sequence[Dot]) -> int | None:
    """The median, or ``None`` without readings."""
    return round(median(dot.size for dot in dots)) if dots else None


def step_of(dots: Sequence[Dot]) -> float:
    """The usual time between two readings; 0 when there are fewer than two."""
    return median(later.time - former.time for former, later in pairwise(dots)) if len(dots) > 1 else 0.0


def noise_of(dots: Sequence[Dot]) -> int:
    """Bytes by which the sizes of a curve vary: their 95th less their 5th percentile."""
    sizes = sorted(dot.size for dot in dots)
    if not sizes:
        return 0
    cut = len(sizes) // 20
    return sizes[len(sizes) - 1 - cut] - sizes[cut]


def band_of(baseline: Sequence[Dot], footprint: int) -> int:
    """Bytes by which a curve may move without having changed."""
    return round(max(LEAST_BAND, BAND_SHARE * footprint, NOISE_FACTOR * noise_of(baseline)))


def peak_of(dots: Sequence[Dot]) -> int | None:
    """The highest level."""
    if len(dots) < FEWEST or step_of(dots) >= SPARSE:
        return max((dot.size for dot in dots), default=None)
    sizes = [dot.size for dot in dots]
    return max(sorted(sizes[start : start + 3])[1] for start in range(len(sizes) - 2))


def trough_of(dots: Sequence[Dot]) -> int | None:
    """The lowest level."""
    peak = peak_of([Dot(dot.time, -dot.size) for dot in dots])
    return None if peak is None else -peak


def lows_of(dots: Sequence[Dot]) -> list[Dot]:
    """The lowest reading so far, at the time of each reading: at rest where nothing more comes back."""
    sizes = accumulate((dot.size for dot in dots), min)
    return [Dot(dot.time, size) for dot, size in zip(dots, sizes, strict=True)]


def floor_of(dots: Sequence[Dot], window: float) -> int | None:
    """The level of the last ``window`` seconds, or of the last three readings where that is longer."""
    if not dots:
        return None
    recent = between(dots, dots[-1].time - window, dots[-1].time)
    return level_of(recent if len(recent) >= FEWEST else dots[-FEWEST:])


def fall_below(dots: Sequence[Dot], level: float, *, zero: float, high_until: float, slack: int) -> Crossing | None:
    """When a curve fell to ``level``, and stayed there for a reading more; ``None``: never.

    Args:
        dots: the whole curve, oldest first.
        level: bytes.
        zero: the time from which seconds count: the release.
        high_until: what happened up to the last reading above the level before this time does not count.
        slack: bytes above the level that still confirm it.
    """
    above = [index for index, dot in enumerate(dots) if dot.time <= high_until and dot.size > level]
    if not above:
        return None
    for index in range(above[-1] + 1, len(dots)):
        former, dot = dots[index - 1], dots[index]
        confirmed = index + 1 == len(dots) or dots[index + 1].size <= level + slack
        if dot.size <= level and confirmed:
            return cross(former, dot, level, zero)
    return None


def cross(former: Dot, dot: Dot, level: float, zero: float) -> Crossing:
    """The moment between two readings at which a straight line meets the level; not before ``zero`` if it can be."""
    early = former.time if dot.time < zero else max(former.time, zero)
    part = (former.size - level) / (former.size - dot.size) if former.size > dot.size else 1.0
    moment = former.time + min(1.0, max(0.0, part)) * (dot.time - former.time)
    moment = max(early, moment)
    return Crossing(moment - zero, max(moment - early, dot.time - moment))


def at_rest(dots: Sequence[Dot], *, since: float, now: float, window: float, band: int) -> bool:
    """Whether a curve has not changed for ``window`` seconds, all of them after ``since``.

    A source that answers seldom must have said the same three times.
    """
    window = max(window, (ANSWERS - 0.5) * step_of(dots[-10:]))
    if now - since < window:
        return False
    recent = between(dots[-2000:], now - window, now)
    if len(recent) < FEWEST:
        return False
    sizes = sorted(dot.size for dot in recent)
    cut = 1 if len(sizes) >= TRIMMED_FROM else 0
    return sizes[len(sizes) - 1 - cut] - sizes[cut] <= band
