"""A small curve in one row: how a size has moved, from zero, so that little growth looks little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wsltop.charts.cells import Glyphs

SLICE: Final = 10.0
"""Seconds that one cell stands for at the least."""


def spark(curve: Sequence[tuple[float, int]], width: int, glyphs: Glyphs, *, steady: bool = False) -> str:
    """``curve`` in ``width`` cells, its newest part at the right; blank where nothing was noted yet.

    Args:
        curve: monotonic seconds and bytes, the oldest first.
        width: cells.
        glyphs: what it is drawn with.
        steady: whether it moves by no more than noise: then it is a line at half height.
    """
    if not curve or width <= 0:
        return " " * max(0, width)
    end, most = curve[-1][0], max(size for _, size in curve)
    step = max(SLICE, (end - curve[0][0]) / width)
    cells: list[int | None] = [None] * width
    for time, size in curve:
        cell = width - 1 - int((end - time) / step)
        cells[max(0, cell)] = size
    drawn: list[str] = []
    last: int | None = None
    for noted in cells:
        last = last if noted is None else noted
        drawn.append(" " if last is None else rise(1, 2, glyphs) if steady else rise(last, most, glyphs))
    return "".join(drawn)


def rise(size: int, most: int, glyphs: Glyphs) -> str:
    """The cell for a size, filled from the bottom: what is more than nothing shows."""
    if size <= 0 or most <= 0:
        return glyphs.rises[0]
    steps = len(glyphs.rises) - 1
    return glyphs.rises[min(steps, max(1, round(size * steps / most)))]
