"""Figures over repeats: the median, and between what they lay."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from msgspec import Struct


class Spread(Struct, frozen=True):
    """The same figure of several trials."""

    middle: float
    low: float
    high: float
    seen: int
    """In how many trials there was one."""
    of: int


def spread(figures: Sequence[float | None]) -> Spread | None:
    """The spread of those that are there; ``None`` when none is."""
    there = [figure for figure in figures if figure is not None]
    return Spread(median(there), min(there), max(there), len(there), len(figures)) if there else None
