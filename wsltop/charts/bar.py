"""Horizontal bars, and free memory by block size as small bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from wsltop.charts.cells import Glyphs, Line, Span, merged


class Segment(NamedTuple):
    """One part of a bar: its name chooses the fill, its style the color. ``size`` is in bytes."""

    name: str
    size: int
    style: str


def nearest(value: int, parts: int, whole: int) -> int:
    """Return ``value / whole * parts`` as the nearest integer, kept within 0 and ``parts``.

    In integers, so that equal ratios round equally whatever their size.
    """
    if whole <= 0 or parts <= 0:
        return 0
    return min(max((2 * value * parts + whole) // (2 * whole), 0), parts)


def segment_cells(sizes: Sequence[int], scale: int, width: int) -> list[int]:
    """Return how many cells each segment gets.

    Boundaries are rounded cumulatively, so the sum depends on the total alone: bars with the same total end together.
    A segment of half a cell or more that fell between two boundaries takes one cell from the segment that has gained
    most by rounding.
    """
    cells: list[int] = []
    total = boundary = 0
    for size in sizes:
        total += max(size, 0)
        end = nearest(total, width, scale)
        cells.append(end - boundary)
        boundary = end
    if width <= 0 or scale <= 0 or total > scale:
        return cells
    for index, size in enumerate(sizes):
        if cells[index] or 2 * size * width < scale:
            continue
        donors = [other for other, count in enumerate(cells) if count > 1]
        if donors:
            cells[max(donors, key=lambda other: cells[other] * scale - sizes[other] * width)] -= 1
            cells[index] = 1
    return cells


def segmented_bar(segments: Sequence[Segment], scale: int, width: int, glyphs: Glyphs) -> Line:
    """Draw segments in their order on a bar whose full width is ``scale`` bytes; exactly ``width`` cells.

    What goes beyond the scale is cut off.
    """
    width = max(width, 0)
    counts = segment_cells([segment.size for segment in segments], scale, width)
    spans = [
        Span(glyphs.fill(segment.name) * count, segment.style)
        for segment, count in zip(segments, counts, strict=True)
        if count
    ]
    return merged([*spans, Span(" " * (width - sum(counts)))])


def host_bar(value: int, scale: int, width: int, glyphs: Glyphs, *, style: str = "host", measured: bool = True) -> Line:
    """Draw one value with the precision of an eighth of a cell at its end; exactly ``width`` cells.

    A value that was computed has a dashed fill and ends at a whole cell. A value beyond the scale ends in an arrow.
    """
    width = max(width, 0)
    if width and 0 < scale < value and nearest(value - scale, width, scale):
        return merged([Span(_body(width - 1, glyphs, measured), style), Span(glyphs.over, style)])
    if not measured:
        count = nearest(value, width, scale)
        return merged([Span(_body(count, glyphs, measured), style), Span(" " * (width - count))])
    steps = len(glyphs.eighths) - 1
    full, part = divmod(nearest(value, width * steps, scale), steps)
    end = glyphs.eighths[part] if part else ""
    return merged([Span(_body(full, glyphs, measured) + end, style), Span(" " * (width - full - len(end)))])


def _body(count: int, glyphs: Glyphs, measured: bool) -> str:
    return (glyphs.fill("host") if measured else glyphs.expected_fill) * count


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
