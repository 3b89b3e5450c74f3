"""The scrubber: one row that shows where in a recording the view is; a click goes there."""

from __future__ import annotations

import time
from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span, merged
from wsltop.ui.context import Context, TimeLine
from wsltop.ui.panels.panel import Panel


class ScrubberView(Struct, frozen=True, kw_only=True):
    """A stretch of time, a place in it, and where events begin."""

    start: str
    """The clock at the first sample."""
    end: str
    """The clock at the last sample."""
    share: float
    """How much of the time is over, 0 to 1."""
    marks: tuple[float, ...]
    """Events, as shares likewise."""


EMPTY: Final = ScrubberView(start="", end="", share=0.0, marks=())


def scrubber_view(line: TimeLine) -> ScrubberView:
    """The line of time, with the days where they are not of one day, and the date where that is not today."""
    first, last, today = time.localtime(line.start), time.localtime(line.end), time.localtime()
    one_day = first[:3] == last[:3]
    form = "%H:%M:%S" if one_day else "%a %H:%M"
    begin = "%Y-%m-%d %H:%M:%S" if one_day and first[:3] != today[:3] else form
    return ScrubberView(
        start=time.strftime(begin, first), end=time.strftime(form, last), share=line.share, marks=line.marks
    )


class Scrubber(Panel[ScrubberView]):
    """``12:01:11 ━━━━━┬━━━●────┬───── 12:03:11``."""

    def make_view(self, context: Context) -> ScrubberView:
        """The line of time, empty while there is nowhere to go."""
        return EMPTY if context.time_line is None else scrubber_view(context.time_line)

    def paint(self, view: ScrubberView, width: int, height: int) -> list[Line]:
        """The line."""
        left, right = f" {view.start} ", f" {view.end} "
        columns = width - len(left) - len(right)
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
        return [merged([Span(left, "note"), *cells, Span(right, "note")])]

    def action_at(self, x: int, y: int) -> str:
        """Go where the mouse is; beyond an end of the line, to that end."""
        if self.view is None:
            return ""
        margin = len(self.view.start) + 2
        columns = self.size.width - margin - len(self.view.end) - 2
        return f"app.go_to_share({min(1.0, max(0.0, (x - margin) / (columns - 1)))})" if columns > 1 else ""


def column_of(share: float, columns: int) -> int:
    """The cell of a share of the time."""
    return min(columns - 1, max(0, round(share * (columns - 1))))
