"""The timeline: guest memory as a stacked area, host memory as a line, with marks, on one time axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from math import inf
from operator import attrgetter
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from wsltop.charts.bar import nearest
from wsltop.charts.cells import Glyphs, Line, Span, Stroke, merged
from wsltop.model.text import GIB, MIB, format_clock

MOST_SIZES: Final = 5
"""Labels of a size axis besides its end: more do not make it easier to read."""
TALL: Final = 12
"""For each so many rows of an axis, a label stays a row away from its end."""
COLUMNS_APART: Final = 2
"""Blanks between two time labels, at least."""
MOST_TIMES: Final = 6
"""More labels than this do not make a time axis easier to read."""
ROUNDING: Final = 1e-9
"""Forgives floating point when an age falls on a boundary."""
TIME_UNITS: Final = (
    ("s", 1, 120, (1, 2, 5, 10, 15, 20, 30, 60)),
    ("m", 60, 7200, (1, 2, 5, 10, 15, 20, 30, 60)),
    ("h", 3600, 172800, (1, 2, 3, 4, 6, 12, 24)),
    ("d", 86400, 0, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
)
"""Suffix, seconds, the longest window labeled in this unit (0: no limit), and steps that people count in."""


class SizeTick(NamedTuple):
    """A labeled size: bytes, the row that contains it counted from the bottom, and its number without the unit."""

    size: int
    row: int
    label: str


class TimeTick(NamedTuple):
    """A labeled age: the column that contains it, and where its label starts."""

    column: int
    start: int
    label: str


def size_unit(maximum: int) -> str:
    """Return the unit of the labels on a size axis."""
    return "GiB" if maximum >= GIB else "MiB"


@lru_cache(maxsize=64)
def size_ticks(maximum: int, rows: int) -> tuple[SizeTick, ...]:
    """Return the ticks of an axis of ``rows`` rows from zero to ``maximum`` bytes, lowest first, without zero.

    Steps are powers of two, as memory is sold. The smallest step is taken that makes at most ``MOST_SIZES`` labels and
    gives each a row of its own. The maximum is always there; a step too near to it for both to be read, or nearer than
    half a step, gives way.
    """
    if maximum < MIB or rows <= 0:
        return ()
    step = MIB
    while (step * rows < maximum or step * MOST_SIZES < maximum) and step * 2 <= maximum:
        step *= 2
    unit = GIB if maximum >= GIB else MIB
    top = rows - 1
    near = max(1, rows // TALL)
    sizes = [(size, size * rows // maximum) for size in range(step, maximum, step)]
    apart = [(size, row) for size, row in sizes if row <= top - near and maximum - size >= step / 2]
    ticks = [SizeTick(size, row, f"{size / unit:g}") for size, row in apart]
    return (*ticks, SizeTick(maximum, top, f"{round(maximum / unit, 1):g}"))


def round_up(size: int) -> int:
    """The next size that is easy to read as the top of an axis, in bytes: at least ``size``.

    From 1 GiB on it is a whole number of half GiB, and of eighths of the next power of two where these are larger;
    below 1 GiB it is in steps of 1 MiB, or of such eighths. So sizes close to each other have the same top, and an axis
    does not change with each byte.
    """
    step = 1 << max(0, max(1, size).bit_length() - 3)
    step = max(step, GIB // 2 if size >= GIB else MIB)
    return -(-size // step) * step


CLOCK_STEPS: Final = (5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400)
"""Seconds between labels of the time of day."""


def clock_ticks(window_seconds: float, width: int, end: float) -> tuple[TimeTick, ...]:
    """Return the ticks of a time axis of ``width`` columns up to a wall clock, oldest first.

    Labels are round times of the day, ``14:03``, or ``14:03:20`` where they are seconds apart; the last one is that of
    the right end. They never touch.
    """
    last = format_clock(end)
    if width < len(last):
        return ()
    now = TimeTick(width - 1, width - len(last), last)
    if not 0 < window_seconds < inf or not last[0].isdigit():
        return (now,)
    hours, minutes, seconds = map(int, last.split(":"))
    second = hours * 3600 + minutes * 60 + seconds
    for step in CLOCK_STEPS:
        if window_seconds // step > MOST_TIMES:
            continue
        ages = [age for age in range(second % step, int(window_seconds) + 1, step) if age][::-1]
        ticks = [_clock_tick(age, (second - age) % 86400, step, width / window_seconds, width) for age in ages]
        ticks = [tick for tick in ticks if tick.start + len(tick.label) + COLUMNS_APART <= now.start]
        if all(left.start + len(left.label) + COLUMNS_APART <= right.start for left, right in pairwise(ticks)):
            return (*ticks, now)
    return (now,)


def _clock_tick(age: int, second: int, step: int, columns: float, width: int) -> TimeTick:
    """A tick at a second of the day; ``columns`` is the width of a second."""
    label = f"{second // 3600:02d}:{second // 60 % 60:02d}" + (f":{second % 60:02d}" if step % 60 else "")
    column = max(width - 1 - int(age * columns + ROUNDING), 0)
    return TimeTick(column, max(column - len(label) // 2, 0), label)


def time_ticks(window_seconds: float, width: int) -> tuple[TimeTick, ...]:
    """Return the ticks of a time axis of ``width`` columns that ends now, oldest first.

    Labels are in one unit, ``-5m`` to ``-1m``, then ``now`` at the right end; they never touch.
    """
    if width < len("now"):
        return ()
    now = TimeTick(width - 1, width - len("now"), "now")
    if not 0 < window_seconds < inf:
        return (now,)
    suffix, seconds, _, steps = next(unit for unit in TIME_UNITS if window_seconds <= unit[2] or not unit[2])
    for step in steps:
        count = int(window_seconds / (step * seconds) + ROUNDING)
        if count > MOST_TIMES:
            continue
        columns = width * seconds / window_seconds
        ticks = [_time_tick(turn * step, suffix, columns, width) for turn in range(count, 0, -1)]
        ticks.append(now)
        if all(left.start + len(left.label) + COLUMNS_APART <= right.start for left, right in pairwise(ticks)):
            return tuple(ticks)
    return (now,)


def _time_tick(age: int, suffix: str, columns: float, width: int) -> TimeTick:
    """A tick with its label centered under it; ``columns`` is the width of one unit of age."""
    label = f"-{age}{suffix}"
    column = max(width - 1 - int(age * columns + ROUNDING), 0)
    return TimeTick(column, max(column - len(label) // 2, 0), label)


class Mark(NamedTuple):
    """An event at a column: its kind chooses the sign, its label is a short word of one-cell characters."""

    column: int
    kind: str
    label: str


class Band(NamedTuple):
    """A stretch of time with a name, from column ``start`` until before ``end``."""

    start: int
    end: int
    label: str
    shaded: bool
    """Whether its ground differs from that of its neighbors."""


class Ghost(NamedTuple):
    """Where the host's line would go, in bytes, and the words that stand there."""

    size: int
    label: str


class PlacedText(NamedTuple):
    """Text and the column where it starts."""

    start: int
    text: str


def place_marks(marks: Sequence[Mark], width: int, glyphs: Glyphs) -> list[PlacedText]:
    """Place marks on a row of ``width`` columns, from left to right; texts never touch each other's cells.

    Marks of one column become one. A label stands right of its sign, else left of it, else nowhere, and a cell away
    from the next text; the newest mark chooses first. Marks outside the row are left out.
    """
    columns = sorted({mark.column for mark in marks if 0 <= mark.column < width})
    placed: list[PlacedText] = []
    limit = width
    for index in range(len(columns) - 1, -1, -1):
        column = columns[index]
        sign, label = _joined([mark for mark in marks if mark.column == column], glyphs)
        floor = columns[index - 1] + 2 if index else 0
        text = PlacedText(column, sign)
        if label and column + 1 + len(label) <= limit:
            text = PlacedText(column, sign + label)
        elif label and column < limit and column - len(label) >= floor:
            text = PlacedText(column - len(label), label + sign)
        placed.append(text)
        limit = text.start - 1
    return placed[::-1]


def _joined(marks: Sequence[Mark], glyphs: Glyphs) -> tuple[str, str]:
    """The sign and the label of all marks of one column."""
    signs = {glyphs.mark(mark.kind) for mark in marks}
    labels = dict.fromkeys(mark.label for mark in marks if mark.label)
    return signs.pop() if len(signs) == 1 else glyphs.several, "+".join(labels)


HostStyle: TypeAlias = Literal["measured", "expected"]
BLANK: Final = Span(" ")
SHADE: Final = Span(" ", "band")
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
    owed: bool = False
    """Whether what lies between the stack and the host's line is on its way back."""
    shaded: bool = False
    """Whether the ground above the stack is that of a band."""


class Canvas(NamedTuple):
    """What the cells of a column depend on besides its levels."""

    rows: int
    maximum: int
    host_style: HostStyle
    glyphs: Glyphs

    @property
    def steps(self) -> int:
        """Levels of the host's line in a row."""
        if self.glyphs.dots:
            return 4
        return len(self.glyphs.levels) if self.host_style == "measured" else 1


def levels_of(column: Column, canvas: Canvas, *, owed: bool = False, shaded: bool = False) -> Levels:
    """Round a column. Sizes below zero or above the maximum are drawn at the edge.

    The line is never drawn below an area that it exceeds, although the area is rounded to whole rows. At the upper edge
    of used memory it is drawn a level higher, in the row above: on the color of used memory it has that of the ground.
    """
    rows, maximum = canvas.rows, canvas.maximum
    steps = len(canvas.glyphs.rises) - 1
    used = max(column.used, 0)
    host, positions = None, rows * canvas.steps
    if column.host is not None and rows > 0 and maximum > 0:
        # The line's cell is the one that contains the value, as with the ticks of the axis.
        host = min(max(column.host, 0) * positions // maximum, positions - 1)
    level = nearest(used, rows * steps, maximum)
    edge = nearest(used + max(column.cache, 0), rows, maximum)
    if host is not None and column.host is not None and column.host >= used + column.cache:
        host = max(host, edge * canvas.steps - 1)
        filled = -(-level // steps) if level % steps == 0 or level % steps > steps * 3 // 4 else 0
        if canvas.steps > 1 and host + 1 == filled * canvas.steps < positions:
            host += 1
    return Levels(level, edge if column.cache > 0 else level // steps, host, owed, shaded)


def column_cells(levels: Levels, previous: int | None, canvas: Canvas) -> tuple[Span, ...]:
    """Return a column's cells from the bottom up: used, cache above it, and the host's line over both.

    The line is joined to the level that it had in the ``previous`` column, if that is known.
    """
    glyphs = canvas.glyphs
    steps = len(glyphs.rises) - 1
    full, part = divmod(levels.used, steps)
    cells = [Span(glyphs.rises[-1], "used")] * full
    if part:
        above = "-on-cache" if levels.top > full else "-on-band" if levels.shaded else ""
        cells.append(Span(glyphs.rises[part], f"used{above}"))
    cells += [Span(glyphs.area_cache, "cache")] * (levels.top - len(cells))
    if levels.owed and levels.host is not None:
        cells += [Span(glyphs.fill("owed"), "owed")] * (levels.host // canvas.steps - len(cells))
    cells += [SHADE if levels.shaded else BLANK] * (canvas.rows - len(cells))
    if levels.host is None:
        return tuple(cells)
    style = "host" if canvas.host_style == "measured" else "expected"
    solid = full + (2 * part >= steps or (part > 0 and not full))  # an area of a single cell stays to be seen
    # A ground fills its whole cell: that of the line's own row would stand above the line, but for its top level.
    owed = (levels.host + (canvas.steps > 1)) // canvas.steps if levels.owed else 0
    for row, glyph in _line(levels.host, previous, canvas):
        above = "-on-owed" if row < owed else "-on-band" if levels.shaded else ""
        ground = "-on-used" if row < solid else "-on-cache" if row < levels.top else above
        cells[row] = Span(glyph, style + ground)
    return tuple(cells)


def _line(level: int, previous: int | None, canvas: Canvas) -> Iterator[tuple[int, str]]:
    measured = canvas.host_style == "measured"
    before = level if previous is None else previous
    if canvas.glyphs.dots:
        return _dotted(level, before, measured)
    if canvas.steps > 1:
        return _fine(level, before, canvas.glyphs)
    return _stepped(level, before, canvas.glyphs.measured if measured else canvas.glyphs.expected)


def _fine(level: int, before: int, glyphs: Glyphs) -> Iterator[tuple[int, str]]:
    """The line's rows and glyphs when a row has several levels; it turns in the column where it moves."""
    steps, stroke = len(glyphs.levels), glyphs.measured
    row, old = level // steps, before // steps
    yield row, glyphs.levels[level % steps]
    if row == old:
        return
    rising = row > old
    for between in range(min(row, old) + 1, max(row, old)):
        yield between, stroke.upright
    place = before % steps
    if place == (steps - 1 if rising else 0):
        yield old, glyphs.levels[place]
    else:
        middle = stroke.rise_from if rising else stroke.fall_from
        yield old, middle if place == steps // 2 else stroke.upright


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


STYLES: Final = (
    "axis",
    "used",
    "cache",
    "used-on-cache",
    "used-on-band",
    "host",
    "host-on-used",
    "host-on-cache",
    "host-on-owed",
    "host-on-band",
    "expected",
    "expected-on-used",
    "expected-on-cache",
    "expected-on-owed",
    "expected-on-band",
    "owed",
    "band",
    "note",
    "value",
    "gap",
    "mark",
    "cursor",
)
"""Every style name that a timeline uses; blank cells have none. ``a-on-b`` is a foreground on the color of an area."""
LEAST_BANDED: Final = 6
"""With fewer rows than this there is no row for the names of bands."""
GHOST_SHARE: Final = 3
"""The ghost takes the newest part of the plot: one of so many."""
LEAST_PLOT: Final = 16
"""With fewer columns than this left for the plot, the size axis is folded away."""
CACHE_LIMIT: Final = 4096


class TimelineInput(Struct, frozen=True, kw_only=True):
    """What a timeline shows."""

    columns: tuple[Column | None, ...]
    """Oldest first, one to a cell; ``None`` was not sampled. Fewer than the plot has: blank at the left; more: the
    newest are shown."""
    maximum: int
    """Bytes at the top edge: as a rule the VM's size."""
    vm: int | None = None
    """The VM's size where that is another one: it has a label of its own below the top."""
    window_seconds: float
    """What the plot's full width stands for."""
    marks: tuple[Mark, ...] = ()
    """Their columns, and the cursor's, are indexes into ``columns``."""
    cursor: int | None = None
    host_style: HostStyle = "measured"
    owed: int | None = None
    """Index of the column from which what lies between the stack and the host's line is on its way back."""
    end: float | None = None
    """The wall clock at the right end; None: that is now."""
    bands: tuple[Band, ...] = ()
    """Stretches of time with a name, oldest first, as indexes into ``columns``."""
    ghost: Ghost | None = None
    """Where the host's line is predicted to go."""


class Geometry(Struct, frozen=True, kw_only=True):
    """How a timeline divides its space."""

    gutter: int
    """Columns of labels and axis line at the left; 0 when folded."""
    columns: int
    rows: int
    """Rows of the plot."""
    shows_marks: bool
    shows_times: bool


def geometry_of(maximum: int, width: int, height: int) -> Geometry:
    """Return how ``width`` x ``height`` cells are divided; callers make as many columns as the plot has.

    The row of marks is folded below 5 rows, the row of times below 3, the labels at the left when the plot is narrow.
    """
    width, height = max(width, 0), max(height, 0)
    rows = height - (2 if height >= 5 else 1 if height >= 3 else 0)
    widest = max([len(tick.label) for tick in size_ticks(maximum, rows)] + [len(size_unit(maximum))])
    gutter = widest + 3
    if width - gutter < LEAST_PLOT:
        gutter = 0
    return Geometry(gutter=gutter, columns=width - gutter, rows=rows, shows_marks=height >= 5, shows_times=height >= 3)


class Timeline:
    """Renders timelines of one glyph tier and keeps the cells of columns that look the same."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._canvas: Canvas | None = None
        self._levels: dict[tuple[Column, bool, bool], Levels] = {}
        self._cells: dict[tuple[Levels, int | None], tuple[Span, ...]] = {}

    def render(self, chart: TimelineInput, width: int, height: int) -> list[Line]:
        """Return exactly ``height`` lines of exactly ``width`` cells; rows that look the same compare equal."""
        geometry = geometry_of(chart.maximum, width, height)
        named = bool(chart.bands) and height >= LEAST_BANDED
        if named:
            geometry = replace(geometry, rows=geometry.rows - 1)
        lines = [_band_names(chart, geometry, self._glyphs)] if named else []
        lines += self._plot(chart, geometry)
        if geometry.shows_marks:
            lines.append(_marks_row(chart, geometry, self._glyphs))
        if geometry.shows_times:
            lines.append(_times_row(chart, geometry))
        return lines

    def _plot(self, chart: TimelineInput, geometry: Geometry) -> list[Line]:
        gutter = _gutter(chart, geometry, self._glyphs)
        columns = self._columns(chart, geometry)
        if not columns:
            return [merged(gutter[row]) for row in reversed(range(geometry.rows))]
        return [(*gutter[row], *runs_of(cells)) for row, cells in reversed(list(enumerate(zip(*columns, strict=True))))]

    def _columns(self, chart: TimelineInput, geometry: Geometry) -> list[tuple[Span, ...]]:
        """The cells of each column of the plot, bottom up."""
        if not geometry.columns or not geometry.rows:
            return []
        canvas = Canvas(geometry.rows, chart.maximum, chart.host_style, self._glyphs)
        if canvas != self._canvas or len(self._levels) > CACHE_LIMIT:
            self._canvas, self._levels, self._cells = canvas, {}, {}
        shown = chart.columns[-geometry.columns :]
        columns = [(BLANK,) * geometry.rows] * (geometry.columns - len(shown))
        gap = (Span(self._glyphs.gap, "gap"), *(BLANK,) * (geometry.rows - 1))
        previous: int | None = None
        shaded = _shaded(chart, len(chart.columns) - len(shown))
        owed = len(shown) if chart.owed is None else chart.owed - (len(chart.columns) - len(shown))
        for index, column in enumerate(shown):
            if column is None:
                columns.append(gap)
                previous = None
                continue
            look = (column, index >= owed, index in shaded)
            levels = self._levels.get(look)
            if levels is None:
                levels = self._levels[look] = levels_of(column, canvas, owed=look[1], shaded=look[2])
            cells = self._cells.get((levels, previous))
            if cells is None:
                cells = self._cells[levels, previous] = column_cells(levels, previous, canvas)
            columns.append(cells)
            previous = levels.host
        place = _place(chart.cursor, chart, geometry)
        if place is not None:
            columns[place] = _under_cursor(columns[place], self._glyphs)
        if chart.ghost is not None:
            _draw_ghost(columns, chart.ghost, canvas)
        return columns


def runs_of(cells: Sequence[Span]) -> list[Span]:
    """The cells of a row as runs of one style; most rows are the same from end to end."""
    first = cells[0]
    if cells.count(first) == len(cells):
        return [Span(first.text * len(cells), first.style)]
    return [Span("".join([cell.text for cell in run]), style) for style, run in groupby(cells, key=attrgetter("style"))]


def render_timeline(chart: TimelineInput, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """Render once; what renders often keeps a ``Timeline``."""
    return Timeline(glyphs).render(chart, width, height)


def _place(column: int | None, chart: TimelineInput, geometry: Geometry) -> int | None:
    """Find the plot's column of an index into the chart's columns; ``None`` when it is not shown."""
    if column is None or not 0 <= column < len(chart.columns):
        return None
    place = column + geometry.columns - len(chart.columns)
    return place if place >= 0 else None


def _shaded(chart: TimelineInput, first: int) -> frozenset[int]:
    """The columns in shaded bands, counted from column ``first``."""
    spans = (range(band.start - first, band.end - first) for band in chart.bands if band.shaded)
    return frozenset(column for span in spans for column in span)


def _band_names(chart: TimelineInput, geometry: Geometry, glyphs: Glyphs) -> Line:
    """A row above the plot: each band begins with a line, and its name follows where there is room for it."""
    offset = geometry.columns - len(chart.columns)
    spans = [Span(" " * geometry.gutter)]
    end = 0
    for band in chart.bands:
        start, stop = max(end, band.start + offset), min(geometry.columns, band.end + offset)
        room = stop - start - 1
        if room < 0:
            continue
        name = band.label if len(band.label) <= room else ""
        spans += [Span(" " * (start - end)), Span(glyphs.upright, "axis")]
        spans.append(Span(name.ljust(room), "band" if band.shaded else "note"))
        end = stop
    return merged([*spans, Span(" " * (geometry.columns - end))])


def _draw_ghost(columns: list[tuple[Span, ...]], ghost: Ghost, canvas: Canvas) -> None:
    """Draw the predicted line over the newest columns, its words at its left end."""
    count = max(len(columns) // GHOST_SHARE, min(len(columns), len(ghost.label) + 4))
    if count <= 0 or canvas.maximum <= 0:
        return
    row = min(canvas.rows - 1, max(0, ghost.size) * canvas.rows // canvas.maximum)
    words = f" {ghost.label} " if len(ghost.label) + 4 <= count else ""
    line = words.rjust(len(words) + 1, canvas.glyphs.expected.across).ljust(count, canvas.glyphs.expected.across)
    for place, char in enumerate(line, len(columns) - count):
        cells = columns[place]
        style = cells[row].style
        if style.startswith(("host", "expected")) and char == canvas.glyphs.expected.across:
            continue  # the line of now stays whole
        ground = "-on-used" if style == "used" else "-on-cache" if style.endswith("cache") else ""
        columns[place] = (*cells[:row], Span(char, f"expected{ground}"), *cells[row + 1 :])


def _under_cursor(cells: tuple[Span, ...], glyphs: Glyphs) -> tuple[Span, ...]:
    """The cursor's line, with the host's line left visible."""
    line = Span(glyphs.cursor, "cursor")
    return tuple(cell if cell.style.startswith(("host", "expected")) else line for cell in cells)


def _gutter(chart: TimelineInput, geometry: Geometry, glyphs: Glyphs) -> list[list[Span]]:
    """Label and axis line of each row of the plot, bottom up."""
    if not geometry.gutter:
        return [[] for _ in range(geometry.rows)]
    rows, room = geometry.rows, geometry.gutter - 2
    labels = {tick.row: tick.label for tick in size_ticks(chart.maximum, rows)}
    if chart.vm is not None and 0 < chart.vm < chart.maximum:
        place = chart.vm * rows // chart.maximum
        near = {place + offset for offset in range(-(rows // TALL), rows // TALL + 1)}
        if rows - 1 not in near:
            labels = {row: label for row, label in labels.items() if row not in near}
            labels[place] = f"{round(chart.vm / (GIB if chart.maximum >= GIB else MIB), 1):g}"
    return [
        [Span(f"{labels.get(row, ''):>{room}} {glyphs.tick_left if row in labels else glyphs.upright}", "axis")]
        for row in range(geometry.rows)
    ]


def _ticks(chart: TimelineInput, geometry: Geometry) -> tuple[TimeTick, ...]:
    """The ticks of the time axis: ages, or times of the day where it does not end now."""
    if chart.end is None:
        return time_ticks(chart.window_seconds, geometry.columns)
    return clock_ticks(chart.window_seconds, geometry.columns, chart.end)


def _marks_row(chart: TimelineInput, geometry: Geometry, glyphs: Glyphs) -> Line:
    """The time axis with its ticks, and the marks on it."""
    cells = [glyphs.rule] * geometry.columns
    for tick in _ticks(chart, geometry):
        cells[tick.column] = glyphs.tick_down
    spans: list[Span] = []
    if geometry.gutter:
        spans.append(Span(f"{size_unit(chart.maximum):>{geometry.gutter - 2}} {glyphs.corner}", "axis"))
    shown = [
        mark._replace(column=place)
        for mark in chart.marks
        if (place := _place(mark.column, chart, geometry)) is not None
    ]
    end = 0
    for start, text in place_marks(shown, geometry.columns, glyphs):
        spans += [Span("".join(cells[end:start]), "axis"), Span(text, "mark")]
        end = start + len(text)
    return merged([*spans, Span("".join(cells[end:]), "axis")])


def _times_row(chart: TimelineInput, geometry: Geometry) -> Line:
    """The labels of the time axis; the unit of the size axis stands here when the row of marks is folded."""
    unit = "" if geometry.shows_marks or not geometry.gutter else size_unit(chart.maximum)
    text = unit.rjust(geometry.gutter - 2).ljust(geometry.gutter)
    for tick in _ticks(chart, geometry):
        text = text.ljust(geometry.gutter + tick.start) + tick.label
    return merged([Span(text.ljust(geometry.gutter + geometry.columns), "axis")])
