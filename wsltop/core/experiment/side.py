"""One side of a trial in figures: what a curve's levels were, and how soon after the release it fell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.experiment.curve import (
    Crossing,
    Dot,
    band_of,
    between,
    fall_below,
    floor_of,
    level_of,
    peak_of,
    step_of,
)
from wsltop.core.reading import Reading, Unavailable

GRACE: Final = 2
"""The peak may still be seen in so many readings after the release: some hosts answer late."""


class Side(Struct, frozen=True, kw_only=True):
    """One curve in figures; how they are defined says ``curve``. Bytes and seconds since the release."""

    baseline: int
    peak: int
    floor: int | None
    """``None``: it was interrupted before the release."""
    lowest: int | None
    """The lowest level after the release; clearly below the floor when it rose again."""
    band: int
    """What does not count as change."""
    step: float
    """Seconds between two readings."""
    first: Crossing | None = None
    """To the first return that is more than noise; ``None``: never, as with the next ones."""
    t50: Crossing | None = None
    """To half of what came back."""
    t90: Crossing | None = None
    halved: Crossing | None = None
    """To half of the peak: on the host this is "time to 50 % host working-set reduction"."""

    @property
    def taken(self) -> int:
        """What the load added."""
        return self.peak - self.baseline

    @property
    def returned(self) -> int | None:
        """What came back of the peak."""
        return None if self.floor is None else self.peak - self.floor

    @property
    def share(self) -> float | None:
        """The part of what the load added that came back; ``None`` when the load did not show."""
        return None if self.returned is None or not self.shows else self.returned / self.taken

    @property
    def retained(self) -> int | None:
        """What is kept above the baseline."""
        return None if self.floor is None else self.floor - self.baseline

    @property
    def shows(self) -> bool:
        """Whether the load stood out of the noise."""
        return self.taken > self.band

    @property
    def rebound(self) -> int:
        """How much of what had come back was taken again; 0 within noise."""
        if self.floor is None or self.lowest is None or self.floor - self.lowest <= self.band:
            return 0
        return self.floor - self.lowest


class Marks(Struct, frozen=True):
    """The times that matter to a curve, monotonic."""

    load: float | None
    release: float | None
    action: float | None
    end: float
    window: float


def measure_side(dots: Sequence[Dot], marks: Marks) -> Reading[Side]:
    """The figures of one curve."""
    started = marks.end if marks.load is None else marks.load
    quiet = [dot for dot in dots if dot.time <= started]
    baseline = level_of(quiet)
    if baseline is None:
        return Unavailable("there was no reading before the load", "Give it longer: --baseline SECONDS")
    step = step_of(dots)
    release = marks.end if marks.release is None else marks.release
    high_until = release + GRACE * step
    if marks.action is not None and marks.action > release:
        high_until = min(high_until, marks.action)
    peak = peak_of(between(dots, started, high_until))
    if peak is None:
        return Unavailable("there was no reading under load", "Hold it longer: --hold SECONDS")
    band = band_of(quiet, peak - baseline)
    after = [] if marks.release is None else [dot for dot in dots if dot.time > release]
    side = Side(
        baseline=baseline,
        peak=peak,
        floor=floor_of(after, marks.window),
        lowest=lowest_of(after, marks.window),
        band=band,
        step=step,
    )
    return add_times(side, dots, release, high_until)


def add_times(side: Side, dots: Sequence[Dot], release: float, high_until: float) -> Side:
    """The times at which it fell."""
    returned = side.returned
    if returned is None or returned <= side.band:
        return side

    def when(level: float) -> Crossing | None:
        return fall_below(dots, level, zero=release, high_until=high_until, slack=side.band // 2)

    return replace(
        side,
        first=when(side.peak - side.band),
        t50=when(side.peak - 0.5 * returned),
        t90=when(side.peak - 0.9 * returned),
        halved=when(0.5 * side.peak),
    )


def lowest_of(dots: Sequence[Dot], window: float) -> int | None:
    """The lowest level that lasted: the lowest median of three neighbors, or the floor."""
    sizes = [dot.size for dot in dots]
    medians = [sorted(sizes[start : start + 3])[1] for start in range(len(sizes) - 2)]
    floor = floor_of(dots, window)
    return None if floor is None else min([floor, *medians])
