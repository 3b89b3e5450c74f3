"""The scrubber: one row that is a line of time; a click goes there."""

from __future__ import annotations

import time
from typing import Final

from textual.events import Click
from textual.message import Message

from wsltop.charts.cells import Line, Span, merged
from wsltop.ui.views.scrubber import ScrubberView
from wsltop.ui.widgets.panel import Panel

MARGIN: Final = len(" 12:03:11 ")
"""Cells of the clock at either end."""


class Scrubber(Panel[ScrubberView]):
    """``12:01:11 ━━━━━┬━━━●────┬───── 12:03:11``."""

    class Sought(Message):
        """A place on the line was clicked: a share of the time, 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def paint(self, view: ScrubberView, width: int, height: int) -> list[Line]:
        """The line."""
        columns = columns_of(width)
        if columns < 1:
            return [(Span(" " * width),)]
        glyphs = self.glyphs
        place = column_of(view.share, columns)
        cells = [
            Span(glyphs.measured.across, "axis") if column < place else Span(glyphs.rule, "rule")
            for column in range(columns)
        ]
        for mark in view.marks:
            cells[column_of(mark, columns)] = Span(glyphs.tick_down, "mark")
        cells[place] = Span(glyphs.filled, "selected")
        return [merged([Span(f" {tell(view.start)} ", "note"), *cells, Span(f" {tell(view.end)} ", "note")])]

    def on_click(self, event: Click) -> None:
        """Go where the mouse is; beyond an end of the line, to that end."""
        columns = columns_of(self.size.width)
        if columns > 1:
            self.post_message(self.Sought(min(1.0, max(0.0, (event.x - MARGIN) / (columns - 1)))))


def columns_of(width: int) -> int:
    """Cells of the line itself."""
    return width - 2 * MARGIN


def column_of(share: float, columns: int) -> int:
    """The cell of a share of the time."""
    return min(columns - 1, max(0, round(share * (columns - 1))))


def tell(when: float) -> str:
    """A clock."""
    return time.strftime("%H:%M:%S", time.localtime(when))
