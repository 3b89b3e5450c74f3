"""The kernel log and the memory events in one list."""

from __future__ import annotations

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from wsltop.charts.cells import Line, Span
from wsltop.ui.paint import fit, fit_spans, heading
from wsltop.ui.views.events import EventRow, EventsView
from wsltop.ui.widgets.panel import Panel

WHEEL = 3
"""Rows that one turn of the mouse wheel moves."""


class EventsPanel(Panel[EventsView], can_focus=True):
    """Heading with filter and state, then the events, oldest first."""

    class Moved(Message):
        """The list was asked to move by some rows."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    class Picked(Message):
        """The event in a row was chosen with the mouse."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

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
            lines.append(fit_spans([Span(" no kernel log ", "warning"), Span(view.problem, "muted")], width, glyphs))
        if not view.rows and not view.problem:
            text = "nothing yet." if view.filter == "all" else "nothing yet about memory; f shows all of the log."
            lines.append(fit_spans([Span(f" {text}", "muted")], width, glyphs))
        shown = view.rows[max(0, len(view.rows) - (height - len(lines))) :] if view.problem else view.rows
        return [*lines, *(self._row(row, width) for row in shown)]

    def _row(self, row: EventRow, width: int) -> Line:
        glyphs = self.glyphs
        marker = glyphs.selection if row.selected else " "
        kind_width = 17 if width >= 70 else 0
        kind = row.kind if kind_width else ""
        origin = f" {row.origin:>7} "
        head = f"{marker}{row.clock} {glyphs.mark(row.mark)} "
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

    def on_click(self, event: Click) -> None:
        """Choose the event under the mouse."""
        if event.y >= self._head:
            self.post_message(self.Picked(event.y - self._head))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Look further back."""
        event.stop()
        self.post_message(self.Moved(-WHEEL))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Look further on."""
        event.stop()
        self.post_message(self.Moved(WHEEL))
