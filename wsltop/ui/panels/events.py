"""The events panel: kernel messages and memory events in one list."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from textual.events import MouseScrollDown, MouseScrollUp
from textual.message import Message

from wsltop.charts.cells import Line, Span
from wsltop.core.events import DEMO
from wsltop.model.sample import Event, Unavailable
from wsltop.model.text import clean
from wsltop.ui.context import Context, Position, place_of
from wsltop.ui.panels.panel import Panel, fit, fit_spans, heading

STEP: Final = 4
"""Rows by which the list grows."""
KINDS: Final = {"proactive reclaim": "reclaim", "direct reclaim": "reclaim"}
"""Kinds that the list names shorter: their texts tell them apart."""
RESULT: Final = "demo result: "
"""How the mark begins that says what the demo gave."""
KIND_WIDTH: Final = 11
KIND_FROM, ORIGIN_FROM = 70, 100
"""Columns from which on there is room for the kind, and for the origin of each event."""
GONE: Final = {"killed", "ended"}
"""Amounts of a hog's event that tell of its end."""


class EventRow(Struct, frozen=True, kw_only=True):
    """One event."""

    clock: str
    """The time of day, with month and day before it where that is another day than that of the moment shown."""
    kind: str
    mark: str
    """Which sign stands before it."""
    text: str
    origin: str
    style: str
    selected: bool


class EventsView(Struct, frozen=True, kw_only=True):
    """The events panel."""

    rows: tuple[EventRow, ...]
    filter: str
    state: str
    """``TAIL``, or how many came since the list stands still."""
    problem: str
    """Why the kernel log cannot be read; empty when it can."""
    focused: bool


def events_view(
    events: Sequence[Event],
    position: Position,
    *,
    rows: int,
    everything: bool,
    problem: str,
    focused: bool,
    now: float = 0.0,
) -> EventsView:
    """What the events panel says of ``events``, oldest first; ``now``: the wall clock of the moment shown."""
    count = len(events)
    top = max(0, count - rows) if position.following else min(position.top, max(0, count - 1))
    cursor = None if position.following else position.cursor
    shown = events[top : top + rows]
    new = count - position.seen
    hint = "End follows" if cursor is None else "Enter opens"
    return EventsView(
        rows=tuple(event_row(event, now, selected=top + index == cursor) for index, event in enumerate(shown)),
        filter="all" if everything else "memory",
        state="TAIL" if position.following else (f"{new} new, {hint}" if new > 0 else hint),
        problem=problem,
        focused=focused,
    )


def position_at(events: Sequence[Event], monotonic: float, rows: int, chosen: int | None = None) -> Position:
    """Where the list stands to show event ``chosen``, or the last one until a time, in the middle if it can."""
    index = bisect_right(events, monotonic, key=attrgetter("start")) - 1 if chosen is None else chosen
    if index < 0:
        return Position(top=0, cursor=None, following=False, seen=len(events))
    top = min(max(0, index - rows // 2), max(0, len(events) - rows))
    return Position(top=top, cursor=index, following=False, seen=len(events))


def kind_and_text(event: Event) -> tuple[str, str]:
    """What the list calls an event, and its text without what that says already."""
    text = clean(event.text)
    if event.kind == "mark":
        for begin, kind in ((DEMO, "demo"), (RESULT, "result")):
            if text.startswith(begin):
                return kind, text.removeprefix(begin)
    return KINDS.get(event.kind, event.kind), text


def event_row(event: Event, now: float, *, selected: bool) -> EventRow:
    """One event's row."""
    then = time.localtime(event.time)
    today = then[:3] == time.localtime(now)[:3]
    style = "error" if event.level <= 3 else "warning" if event.level == 4 else "value"
    kind, text = kind_and_text(event)
    return EventRow(
        clock=time.strftime("%H:%M:%S" if today else "%m-%d %H:%M", then),
        kind=kind,
        mark="kill" if event.kind == "hog" and GONE & event.amounts.keys() else event.kind,
        text=text,
        origin=event.origin,
        style=style,
        selected=selected,
    )


WHEEL = 3
"""Rows that one turn of the mouse wheel moves."""


class EventsPanel(Panel[EventsView], can_focus=True):
    """Heading with filter and state, then the events, oldest first."""

    top = 0
    """Index of the event in the first row."""
    chosen: int | None = None
    """Index of the event that was gone to, while its second is shown."""

    class Moved(Message):
        """The list was asked to move by some rows."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    def make_view(self, context: Context) -> EventsView:
        """The view of the list as it stands; in a look back it stands at the moment shown."""
        events = context.state.events(context.log)
        position = context.state.position
        chosen = None if context.time_line is None else context.time_line.event
        self.chosen = None if chosen is None else place_of(chosen, events)
        if (context.frozen or self.chosen is not None) and position.following and context.moment is not None:
            position = position_at(events, context.moment.sample.monotonic, self.rows, self.chosen)
        elif self.chosen is not None:
            position = replace(position, cursor=self.chosen)
        self.top = max(0, len(events) - self.rows) if position.following else position.top
        log = Unavailable("") if context.moment is None else context.moment.sample.kernel_log
        return events_view(
            events,
            position,
            rows=self.rows,
            everything=context.state.everything,
            problem=clean(str(log)) if isinstance(log, Unavailable) else "",
            focused=self.has_focus,
            now=0.0 if context.moment is None else context.moment.sample.time,
        )

    def rows_wanted(self, context: Context, width: int) -> int:
        """All events, in steps so that the other panels do not move with each of them."""
        return 1 + STEP * max(1, -(-len(context.state.events(context.log)) // STEP))

    @property
    def rows(self) -> int:
        """How many events fit."""
        return max(0, self.size.height - self._head)

    @property
    def _head(self) -> int:
        """Rows above the events: the heading, and why the log cannot be read."""
        return 2 if self.view is not None and self.view.problem else 1

    def paint(self, view: EventsView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        glyphs = self.glyphs
        lines = [
            heading("events", f"{view.filter} {glyphs.separator} {view.state}", width, glyphs, focused=view.focused)
        ]
        if view.problem:
            lines.append(fit_spans([Span(" no kernel log: ", "warning"), Span(view.problem, "muted")], width, glyphs))
        if not view.rows and not view.problem:
            text = "nothing yet." if view.filter == "all" else "nothing yet about memory; f shows all of the log."
            lines.append(fit_spans([Span(f" {text}", "muted")], width, glyphs))
        shown = view.rows[max(0, len(view.rows) - (height - len(lines))) :] if view.problem else view.rows
        clock = max((len(row.clock) for row in shown), default=0)
        return [*lines, *(self._row(row, width, clock) for row in shown)]

    def _row(self, row: EventRow, width: int, clock: int) -> Line:
        glyphs = self.glyphs
        marker = glyphs.selection if row.selected else " "
        kind_width = KIND_WIDTH if width >= KIND_FROM else 0
        kind = row.kind if kind_width else ""
        origin = f" {row.origin:>7} " if width >= ORIGIN_FROM else " "
        head = f"{marker}{row.clock:>{clock}} {glyphs.mark(row.mark)} "
        room = width - len(head) - kind_width - len(origin)
        return fit_spans(
            [
                Span(head, "selected" if row.selected else "label"),
                Span(f"{kind:<{kind_width}}", "label"),
                Span(fit(row.text, room, glyphs), "selected" if row.selected else row.style),
                Span(origin, "note"),
            ],
            width,
            glyphs,
        )

    def action_at(self, x: int, y: int) -> str:
        """The heading filters, an event is chosen."""
        return "screen.filter" if y == 0 else f"screen.pick({y - self._head})" if y >= self._head else ""

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Look further back."""
        event.stop()
        self.post_message(self.Moved(-WHEEL))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Look further on."""
        event.stop()
        self.post_message(self.Moved(WHEEL))
