"""The hogs: one row each, the selected one marked."""

from __future__ import annotations

from typing import Final

from textual.events import Click
from textual.message import Message

from wsltop.charts.bar import host_bar
from wsltop.charts.cells import Line, Span
from wsltop.ui.paint import fit, fit_spans, heading, width_of, wrap
from wsltop.ui.views.hogs import HogRow, HogsView
from wsltop.ui.widgets.panel import Panel

PROGRESS: Final = 12
"""Cells of the progress bar, where there is room for one."""


NARROW: Final = 60
"""Below this width resident and target share a unit, and there is no room for blanks."""


class HogsPanel(Panel[HogsView], can_focus=True):
    """Heading with the next hog's size, then the hogs."""

    class Selected(Message):
        """A hog was chosen with the mouse."""

        def __init__(self, hog: int) -> None:
            super().__init__()
            self.hog = hog

    _shown: tuple[HogRow, ...] = ()

    def paint(self, view: HogsView, width: int, height: int) -> list[Line]:
        """The panel's lines; of many hogs those around the selected one."""
        glyphs = self.glyphs
        note = f"{view.next}, {view.floor}" if view.floor and width >= 50 else view.next
        if len(view.rows) > height - 1:
            note = f"{len(view.rows)} hogs, {note}"
        self._shown = window(view.rows, height - 1)
        lines = [heading("hogs", note, width, glyphs, focused=view.focused)]
        if not view.rows:
            texts = wrap(view.hint, width - 1, height - 1, glyphs)
            return [*lines, *(fit_spans([Span(f" {text}", "muted")], width, glyphs) for text in texts)]
        return [*lines, *(self._row(row, width) for row in self._shown)]

    def _row(self, row: HogRow, width: int) -> Line:
        text = "selected" if row.selected else "value"
        marker = self.glyphs.selection if row.selected else " "
        if width < NARROW:
            head = f"{row.pid:>6} {row.kind:<9} {row.amounts:>11} {row.speed:>10}"
            spans = [Span(marker, "key"), Span(head, text)]
            status = f" {row.status}"
        else:
            head = f"{row.pid:>7} {row.kind:<9} {row.resident:>8} / {row.target:<8} "
            spans = [Span(f" {marker} ", "key"), Span(head, text)]
            if width >= 80:
                spans += [*host_bar(round(row.share * 1000), 1000, PROGRESS, self.glyphs, style="used"), Span(" ")]
            spans.append(Span(f"{row.speed:>10} ", "value"))
            status = row.status
        room = width - width_of(spans)
        spans.append(Span(fit(status, max(0, room), self.glyphs), row.style))
        return fit_spans(spans, width, self.glyphs)

    def on_click(self, event: Click) -> None:
        """Select the hog of the row under the mouse."""
        index = event.y - 1
        if 0 <= index < len(self._shown):
            self.post_message(self.Selected(self._shown[index].id))


def window(rows: tuple[HogRow, ...], height: int) -> tuple[HogRow, ...]:
    """The ``height`` rows that hold the selected one, or the newest."""
    if height <= 0:
        return ()
    selected = next((index for index, row in enumerate(rows) if row.selected), len(rows) - 1)
    top = min(max(0, selected - height + 1), max(0, len(rows) - height))
    return rows[top : top + height]
