"""Which family grows, how fast, and how long the memory lasts if it goes on.

Pure. Imports msgspec and ``core``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from wsltop.core.families import Family
from wsltop.core.units import MIB

WINDOW: Final = 300.0
"""Seconds that must lie between the first and the last observation: less is a start-up, not a trend."""
FEWEST: Final = 4
"""Observations below which a line through them says nothing."""
NOTICEABLE: Final = 16 * MIB
"""Growth over the whole window below which a family is called steady."""
STRAIGHT: Final = 0.6
"""Share of the variation that the line must explain (the coefficient of determination): a heap that fills and is
collected again goes up and down, and is not a leak."""


class FamilySizes(Struct, frozen=True, kw_only=True):
    """What each family held at one moment, in bytes of anonymous memory."""

    monotonic: float
    sizes: dict[str, int]


class FamilyGrowth(Struct, frozen=True, kw_only=True):
    """The trend of one family over the observations."""

    name: str
    rate: float
    """Bytes per minute, the slope of the least-squares line; negative when it shrinks."""
    gained: int
    """Bytes between the first and the last observation."""
    span: float
    """Seconds between them."""
    growing: bool
    """Whether the growth is big enough and straight enough to be called growth."""
    minutes_left: float | None = None
    """Minutes until it has taken all available memory at this rate; ``None`` unless it is growing."""


def note_families(monotonic: float, families: Sequence[Family]) -> FamilySizes:
    """Keep what ``measure_growth`` needs of one moment. Only complete tables are worth noting."""
    sizes: dict[str, int] = {}
    for family in families:
        sizes[family.name] = sizes.get(family.name, 0) + family.anonymous
    return FamilySizes(monotonic=monotonic, sizes=sizes)


def measure_growth(observed: Sequence[FamilySizes], available: int | None = None) -> tuple[FamilyGrowth, ...]:
    """The trend of every family that is there now, fastest first; empty before the window is full.

    A family that was absent held nothing: if its processes were started within the window, that is growth.
    """
    if len(observed) < FEWEST:
        return ()
    times = [sizes.monotonic for sizes in observed]
    span = times[-1] - times[0]
    if span < WINDOW:
        return ()
    trends = [_trend(name, times, [sizes.sizes for sizes in observed], available) for name in observed[-1].sizes]
    return tuple(sorted(trends, key=lambda trend: (-trend.rate, trend.name)))


def _trend(name: str, times: list[float], observed: list[Mapping[str, int]], available: int | None) -> FamilyGrowth:
    sizes = [sizes.get(name, 0) for sizes in observed]
    slope, explained = fit_line(times, sizes)
    span = times[-1] - times[0]
    growing = slope * span >= NOTICEABLE and sizes[-1] > sizes[0] and explained >= STRAIGHT
    rate = slope * 60
    return FamilyGrowth(
        name=name,
        rate=rate,
        gained=sizes[-1] - sizes[0],
        span=span,
        growing=growing,
        minutes_left=max(0, available) / rate if growing and available is not None else None,
    )


def fit_line(times: Sequence[float], sizes: Sequence[float]) -> tuple[float, float]:
    """Least squares: the slope per unit of time, and the share of the variation that the line explains, 0 to 1."""
    count = len(times)
    middle_time, middle_size = sum(times) / count, sum(sizes) / count
    spread = sum((time - middle_time) ** 2 for time in times)
    variation = sum((size - middle_size) ** 2 for size in sizes)
    if spread <= 0 or variation <= 0:
        return 0.0, 0.0
    together = sum((time - middle_time) * (size - middle_size) for time, size in zip(times, sizes, strict=True))
    return together / spread, together**2 / (spread * variation)
