"""Free memory by order: one small bar for each block size, and the line from which on blocks are reported. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from wsltop.charts.cells import Line, Span, merged
from wsltop.charts.glyphs import Glyphs

FIRST_STEP: Final = 64 * 1024
"""Bytes from which on a bar is more than its lowest step; each further step is four times as much."""


def level_of(size: int, steps: int) -> int:
    """The height of a bar for ``size`` bytes: 0 for nothing, else 1 to ``steps``, each step four times as much."""
    if size <= 0:
        return 0
    if size < FIRST_STEP:
        return 1
    return min(steps, 2 + int(math.log2(size / FIRST_STEP) // 2))


def order_chart(sizes: Sequence[int], reporting_order: int, width: int, glyphs: Glyphs) -> Line:
    """Draw ``0 ▃ 1 ▂ … │ 9 ▆ 10 █``: free bytes by order, with a line before the first order that is reported.

    Without room for the orders' numbers only the bars are drawn. Never longer than ``width``; not padded.
    """
    steps = len(glyphs.rises) - 1
    spans: list[Span] = []
    for numbers in (True, False):
        spans = []
        for order, size in enumerate(sizes):
            style = "reportable" if order >= reporting_order else "fragmented"
            if order == reporting_order:
                spans.append(Span(f"{glyphs.upright} " if numbers else glyphs.upright, "axis"))
            if numbers:
                spans.append(Span(f"{order} ", "label"))
            spans.append(Span(glyphs.rises[level_of(size, steps)] + (" " if numbers else ""), style))
        if sum(len(span.text) for span in spans) <= width:
            return merged(spans)
    return ()
