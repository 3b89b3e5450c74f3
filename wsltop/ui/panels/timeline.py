"""The timeline panel: guest and host on one time axis, with marks of events."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import repeat
from typing import Final

from msgspec import Struct
from textual.events import MouseMove, MouseScrollDown, MouseScrollUp

from wsltop.charts.cells import Glyphs, Line, Span, merged
from wsltop.charts.timeline import Band, Column, Ghost, Mark, Timeline, TimelineInput, geometry_of, round_up
from wsltop.core.event_log import between
from wsltop.core.events import DEMO_END, DEMO_SHADED, demo_phase
from wsltop.core.history import Columns, Point
from wsltop.core.moment import SEEN, Moment, chart_point
from wsltop.model.sample import Event, Unavailable
from wsltop.model.text import MIB, format_clock, format_duration, format_short
from wsltop.ui.context import DEFAULT_WINDOW, Context
from wsltop.ui.panels.panel import Panel, width_of

LABELS: Final = {
    "compaction": "compact",
    "cache drop": "drop",
    "proactive reclaim": "reclaim",
    "direct reclaim": "reclaim",
    "oom kill": "OOM",
    "swap": "swap",
    "stall": "stall",
    "return": "back",
}
"""What stands next to the sign of an event; kinds that are not here have no mark."""
CLOCK_SECONDS: Final = re.compile(r"(?<=:\d\d):\d\d")
"""The seconds of a time of day, which a heading leaves out where it has no room."""
BRIEF: Final = 300.0
"""Seconds. Shorter spans show the seconds of their ends."""


class TimelineView(Struct, frozen=True, kw_only=True):
    """The timeline panel."""

    chart: TimelineInput
    window: str
    """``last 5 min``, or from when to when."""
    host_label: str
    """What the line is: ``Windows``, ``host`` or ``expected``."""
    figures: tuple[int, int, int | None] | None = None
    """MiB at the cursor of a look back: used, cache and the line."""
    at: str = ""
    """The time of day at the cursor."""


def clock_of(moment: Moment, monotonic: float) -> float:
    """The wall clock at a monotonic time in whole seconds, as the clocks of ``moment`` stand to each other."""
    return float(math.floor(moment.sample.time + monotonic - moment.sample.monotonic))


def timeline_view(
    columns: Columns,
    events: Iterable[Event],
    *,
    maximum: int,
    vm: int | None = None,
    host_label: str,
    cursor: float | None,
    owed: float | None = None,
    ghost: Ghost | None = None,
    end: float | None = None,
    figures: tuple[int, int, int | None] | None = None,
    at: str = "",
) -> TimelineView:
    """What the timeline says: the measured host where there is any in the window, else the expected one."""
    points = columns.points()
    first = next((index for index, point in enumerate(points) if point is not None), len(points))
    events = tuple(events)
    measured = any(point is not None and point.host is not None for point in points)
    chart = TimelineInput(
        # What lies before the first sample is no gap: no sample was due yet.
        columns=tuple(map(chart_column, points[first:], repeat(measured))),
        maximum=maximum,
        vm=vm,
        window_seconds=columns.window,
        marks=tuple(event_marks(columns, events, first)),
        cursor=place(columns, cursor, first),
        host_style="measured" if measured else "expected",
        owed=place(columns, owed, first),
        bands=phase_bands(columns, events, first),
        ghost=ghost,
        end=end,
    )
    return TimelineView(
        chart=chart,
        window=tell_span(columns.window, end),
        host_label=host_label if measured else "expected",
        figures=figures,
        at=at,
    )


@lru_cache(maxsize=1024)
def chart_column(point: Point | None, measured: bool) -> Column | None:
    """A point as a column, in steps that can be seen."""
    if point is None:
        return None
    host = point.host if measured else point.expected
    return Column(
        used=round_step(point.used), cache=round_step(point.cache), host=None if host is None else round_step(host)
    )


def place(columns: Columns, monotonic: float | None, first: int) -> int | None:
    """The shown column of a time; the shown ones begin with column ``first``."""
    column = None if monotonic is None else columns.place(monotonic)
    return column - first if column is not None and column >= first else None


def phase_bands(columns: Columns, events: Iterable[Event], first: int) -> tuple[Band, ...]:
    """The phases of demos in the window, which their marks tell: of what runs, of a look back, of a recording."""
    begun = [(event.start, phase) for event in events if (phase := demo_phase(event))]
    if not begun:
        return ()
    ends = [*(start for start, _ in begun[1:]), None]
    bands = []
    for (start, phase), end in zip(begun, ends, strict=True):
        left, right = place(columns, start, first), place(columns, end, first)
        if phase != DEMO_END and left is not None:
            bands.append(Band(left, columns.count - first if right is None else right, phase, phase in DEMO_SHADED))
    return tuple(bands)


def event_marks(columns: Columns, events: Iterable[Event], first: int) -> Iterable[Mark]:
    """Yield the marks of the events that lie in the window."""
    for event in events:
        mark = event_mark(event)
        column = place(columns, event.start, first) if mark is not None else None
        if mark is not None and column is not None:
            kind, label = mark
            yield Mark(column=column, kind=kind, label=label)


def event_mark(event: Event) -> tuple[str, str] | None:
    """Kind and label of an event's mark, or None when it gets none."""
    if event.kind == "hog":
        if "added" in event.amounts:
            return "hog", "hogs" if event.amounts.get("hogs", 1) > 1 else "hog"
        return ("kill", "kill") if "killed" in event.amounts or "ended" in event.amounts else None
    if event.kind == "mark" and event.text.startswith("demo"):
        return None  # its phases have a row of their own
    if event.kind == "mark":  # "experiment: hold", "compact was started here", "compact: returned 462 MiB, ..."
        before, _, after = event.text.partition(": ")
        return "mark", (after or before).split(" ")[0].rstrip(",:")
    label = LABELS.get(event.kind)
    return None if label is None else (event.kind, label)


def highest(columns: Columns) -> int:
    """Bytes of the highest figure in the columns."""
    return max((point.peak for point in columns.points() if point is not None), default=0)


def round_step(size: int) -> int:
    """``size`` to the nearest step: finer than an eighth of a cell of a guest of a few GiB."""
    return round(size / SEEN) * SEEN


def name_of(name: str, figure: str, gap: str) -> list[Span]:
    """A name of the legend, with its figure if there is one."""
    if not figure:
        return [Span(f" {name}{gap}", "note")]
    return [Span(f" {name} ", "note"), Span(figure, "value"), Span(gap, "note")]


def tell_span(window: float, end: float | None) -> str:
    """``last 5 min``, or in a look back ``14:03 to 14:08``."""
    if end is None:
        return f"last {tell_window(window)}"
    cut = len("14:03") if window >= BRIEF else None
    return f"{format_clock(end - window)[:cut]} to {format_clock(end)[:cut]}"


def figures_of(moment: Moment) -> tuple[int, int, int | None] | None:
    """Used, cache and the host's figure of a moment in MiB."""
    point = chart_point(moment)
    if point is None:
        return None
    host = point.expected if point.host is None else point.host
    return round(point.used / MIB), round(point.cache / MIB), None if host is None else round(host / MIB)


def tell_window(seconds: float) -> str:
    """``5 min``, ``24 h``."""
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds % 3600 == 0 else format_duration(seconds)


class TimelinePanel(Panel[TimelineView]):
    """Heading with the legend, plot, marks, time labels."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(glyphs, id=id)
        self._timeline = Timeline(glyphs)
        self._columns: Columns | None = None
        self._leaps = -1
        self._peak = 0
        """Bytes of the highest figure in the columns, or of one that has left them."""
        self._now, self._window = 0.0, 0.0
        """The monotonic time at the right end, and the seconds from the left end to there."""

    def use_glyphs(self, glyphs: Glyphs) -> None:
        """Paint with other glyphs."""
        self._timeline = Timeline(glyphs)
        super().use_glyphs(glyphs)

    def columns_for(self, maximum: int) -> int:
        """How many columns the plot has room for."""
        return geometry_of(maximum, self.size.width, self.size.height - 1).columns

    def time_at(self, x: int) -> float | None:
        """The monotonic time of a cell's column; None outside the plot."""
        if self.view is None:
            return None
        shape = geometry_of(self.view.chart.maximum, self.size.width, self.size.height - 1)
        column = x - shape.gutter
        if not 0 <= column < shape.columns:
            return None
        return self._now - (shape.columns - 1 - column) * self._window / shape.columns

    def action_at(self, x: int, y: int) -> str:
        """Look at the second under the mouse."""
        when = self.time_at(x)
        return "" if when is None or y == 0 else f"app.look_at({when})"

    async def on_mouse_move(self, event: MouseMove) -> None:
        """Move through time while the button is held."""
        action = self.action_at(event.x, event.y) if event.button == 1 else ""
        if action and action != self._dragged:
            self._dragged = action
            await self.run_action(action)

    async def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Show a shorter time."""
        event.stop()
        await self.run_action("screen.zoom(-1)")

    async def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Show a longer time."""
        event.stop()
        await self.run_action("screen.zoom(1)")

    _dragged = ""

    def take(self, point: Point | None) -> None:
        """Let the columns follow a new point of the session that they show."""
        if point is not None and self._columns is not None:
            self._columns.add(point)
            self._peak = max(self._peak, point.peak)

    def is_old(self, context: Context) -> bool:
        """Whether as much time has passed since the last picture as a column of the usual window holds.

        While the window still grows its columns hold less; a picture for each would cost more than it shows.
        """
        moment, columns = context.moment, self._columns
        if moment is None or columns is None:
            return True
        passed = moment.sample.monotonic - self._now
        return not 0 <= passed < max(columns.window, DEFAULT_WINDOW) / columns.count

    def update(self, context: Context) -> None:
        """Show the window up to the moment; a panel that has just been unfolded has no size yet."""
        self._followed = context
        moment, top = context.moment, context.top
        if moment is None:
            return
        maximum = self._maximum(top)
        count = self.columns_for(maximum)
        if count <= 0:
            return
        view = self.view_of(context, moment, count, maximum)
        if self._maximum(top) != maximum:  # another place in time
            maximum = self._maximum(top)
            view = self.view_of(context, moment, self.columns_for(maximum), maximum)
        self.show(view)

    def _maximum(self, top: int) -> int:
        """Bytes at the top edge: ``top``, or more where a figure in the columns is above it."""
        if self._peak > top and self._columns is not None:
            self._peak = highest(self._columns)
        return top if self._peak <= top or top <= 1 else round_up(self._peak)

    def view_of(self, context: Context, moment: Moment, count: int, maximum: int) -> TimelineView:
        """The view in ``count`` columns up to ``maximum`` bytes."""
        session, window = context.log, context.window
        shown = moment.sample.monotonic
        now = shown if context.anchor is None else max(min(context.anchor, shown + window * 0.9), shown)
        columns = self._columns
        if columns is None or context.leaps != self._leaps or (columns.window, columns.count) != (window, count):
            columns = self._columns = Columns(session.history, window, count, now)
            self._leaps = context.leaps
            self._peak = highest(columns)
        self._now, self._window = now, window
        host = moment.sample.host
        cursor = shown if context.anchor is not None else None
        return timeline_view(
            columns,
            between(session.acts(), now - window, now),
            maximum=maximum,
            vm=None if maximum == context.vm_size else context.vm_size,
            host_label="Windows" if isinstance(host, Unavailable) or host.is_windows else "host",
            cursor=cursor,
            ghost=context.ghost,
            owed=None if context.session.returning is None else shown - context.session.returning.elapsed,
            end=None if context.time_line is None else clock_of(moment, now),
            figures=None if context.anchor is None else figures_of(moment),
            at="" if context.anchor is None else format_clock(moment.sample.time),
        )

    def paint(self, view: TimelineView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        return [self._heading(view, width), *self._timeline.render(view.chart, width, height - 1)]

    def _heading(self, view: TimelineView, width: int) -> Line:
        glyphs = self.glyphs
        measured = view.chart.host_style == "measured"
        stroke = glyphs.measured if measured else glyphs.expected
        left = [Span(glyphs.rule * 2 + " ", "rule"), Span(view.window, "title"), Span(" ", "rule")]

        def key_of(used: str, cache: str, host: str) -> list[Span]:
            """What is drawn how, with figures where there are any."""
            return [
                Span(glyphs.fill("used"), "used"),
                *name_of("used", used, "  "),
                Span(glyphs.area_cache, "cache"),
                *name_of("cache", cache, "  "),
                Span(stroke.across, "host" if measured else "expected"),
                *name_of(view.host_label, host, " "),
            ]

        end = [Span(glyphs.rule * 2, "rule")]
        legend = [Span(" "), *key_of("", "", ""), *end]
        if view.figures is not None:
            texts = ["?" if figure is None else str(figure) for figure in view.figures]
            exact = [*key_of(texts[0], texts[1], texts[2]), Span("MiB ", "note"), *end]
            at = [Span(glyphs.rule * 2 + " ", "rule"), Span(view.at, "title"), Span(" ", "rule")]
            forms = (
                (left, [Span(f" {view.at}  ", "value"), *exact]),
                (left, [Span(" "), *exact]),
                (at, [Span(" "), *exact]),
            )
            fits = (form for form in forms if width_of([*form[0], *form[1]]) <= width)
            left, legend = next(fits, (left, legend))
        vm = view.chart.vm
        if vm is not None:
            axis = Span(f", axis to {format_short(view.chart.maximum)}, VM max {format_short(vm)}", "note")
            for title in (view.window, CLOCK_SECONDS.sub("", view.window)):
                told = [left[0], Span(title, "title"), axis, left[-1]]
                if width_of([*told, *legend]) <= width:
                    left = told
                    break
        room = width - width_of(left) - width_of(legend)
        return merged([*left, Span(glyphs.rule * max(0, room), "rule"), *legend])
