"""One column of the timeline: cells from the levels of used, cache and host. Pure.

A column is first rounded to what can be drawn, so that columns that look the same are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from wsltop.charts.bar import nearest
from wsltop.charts.cells import Span
from wsltop.charts.glyphs import Glyphs, Stroke

HostStyle: TypeAlias = Literal["measured", "expected"]

BLANK: Final = Span(" ")

LEFT_DOTS: Final = (0x40, 0x04, 0x02, 0x01)
"""Bits of a braille cell's left dots, from the bottom (Unicode, Braille Patterns)."""

RIGHT_DOTS: Final = (0x80, 0x20, 0x10, 0x08)


class Column(NamedTuple):
    """What one column of the timeline shows, in bytes; ``host`` is ``None`` where it is not known."""

    used: int
    cache: int
    host: int | None


class Levels(NamedTuple):
    """A column rounded to what can be drawn: used in steps of ``rises``, the stack's top in rows, the host's level."""

    used: int
    top: int
    host: int | None


class Canvas(NamedTuple):
    """What the cells of a column depend on besides its levels."""

    rows: int
    maximum: int
    host_style: HostStyle
    glyphs: Glyphs


def levels_of(column: Column, canvas: Canvas) -> Levels:
    """Round a column. Sizes below zero or above the maximum are drawn at the edge."""
    rows, maximum = canvas.rows, canvas.maximum
    steps = len(canvas.glyphs.rises) - 1
    used = max(column.used, 0)
    host = None
    if column.host is not None and rows > 0 and maximum > 0:
        positions = rows * (4 if canvas.glyphs.dots else 1)
        # The line's cell is the one that contains the value, as with the ticks of the axis.
        host = min(max(column.host, 0) * positions // maximum, positions - 1)
    return Levels(
        nearest(used, rows * steps, maximum),
        nearest(used + max(column.cache, 0), rows, maximum),
        host,
    )


def column_cells(levels: Levels, previous: int | None, canvas: Canvas) -> tuple[Span, ...]:
    """Return a column's cells from the bottom up: used, cache above it, and the host's line over both.

    The line is joined to the level that it had in the ``previous`` column, if that is known.
    """
    glyphs = canvas.glyphs
    steps = len(glyphs.rises) - 1
    full, part = divmod(levels.used, steps)
    cells = [Span(glyphs.rises[-1], "used")] * full
    if part:
        cells.append(Span(glyphs.rises[part], "used-on-cache" if levels.top > full else "used"))
    cells += [Span(glyphs.area_cache, "cache")] * (levels.top - len(cells))
    cells += [BLANK] * (canvas.rows - len(cells))
    if levels.host is None:
        return tuple(cells)
    style = "host" if canvas.host_style == "measured" else "expected"
    solid = full + (2 * part >= steps)
    for row, glyph in _line(levels.host, previous, canvas):
        ground = "-on-used" if row < solid else "-on-cache" if row < levels.top else ""
        cells[row] = Span(glyph, style + ground)
    return tuple(cells)


def _line(level: int, previous: int | None, canvas: Canvas) -> Iterator[tuple[int, str]]:
    measured = canvas.host_style == "measured"
    before = level if previous is None else previous
    if canvas.glyphs.dots:
        return _dotted(level, before, measured)
    return _stepped(level, before, canvas.glyphs.measured if measured else canvas.glyphs.expected)


def _stepped(level: int, before: int, stroke: Stroke) -> Iterator[tuple[int, str]]:
    """The line's rows and glyphs when a row has one level."""
    if level == before:
        yield level, stroke.across
        return
    rising = level > before
    yield before, stroke.rise_from if rising else stroke.fall_from
    for row in range(min(level, before) + 1, max(level, before)):
        yield row, stroke.upright
    yield level, stroke.rise_to if rising else stroke.fall_to


def _dotted(level: int, before: int, solid: bool) -> Iterator[tuple[int, str]]:
    """The line's rows and glyphs with four levels to a row; a dashed line lacks every other dot."""
    if level == before:
        left = range(level, level + 1)
    else:
        left = range(before + 1, level + 1) if level > before else range(level, before)
    masks: dict[int, int] = {}
    for dot in left:
        masks[dot // 4] = masks.get(dot // 4, 0) | LEFT_DOTS[dot % 4]
    if solid:
        masks[level // 4] |= RIGHT_DOTS[level % 4]
    for row, mask in masks.items():
        yield row, chr(0x2800 + mask)
