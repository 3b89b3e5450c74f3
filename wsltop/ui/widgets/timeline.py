"""Guest and host on one time axis."""

from __future__ import annotations

from wsltop.charts.cells import Line, Span, merged
from wsltop.charts.glyphs import Glyphs
from wsltop.charts.timeline import Timeline, geometry_of
from wsltop.ui.paint import width_of
from wsltop.ui.views.timeline import TimelineView
from wsltop.ui.widgets.panel import Panel


class TimelinePanel(Panel[TimelineView]):
    """Heading with the legend, plot, marks, time labels."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(glyphs, id=id)
        self._timeline = Timeline(glyphs)

    def columns_for(self, maximum: int) -> int:
        """How many columns the plot has room for."""
        return geometry_of(maximum, self.size.width, self.size.height - 1).columns

    def paint(self, view: TimelineView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        return [self._heading(view, width), *self._timeline.render(view.chart, width, height - 1)]

    def _heading(self, view: TimelineView, width: int) -> Line:
        glyphs = self.glyphs
        measured = view.chart.host_style == "measured"
        stroke = glyphs.measured if measured else glyphs.expected
        legend = [
            Span(" "),
            Span(glyphs.fill("used"), "used"),
            Span(" used  ", "note"),
            Span(glyphs.area_cache, "cache"),
            Span(" cache  ", "note"),
            Span(stroke.across, "host" if measured else "expected"),
            Span(f" {view.host_label} ", "note"),
            Span(glyphs.rule * 2, "rule"),
        ]
        left = [Span(glyphs.rule * 2 + " ", "rule"), Span(f"last {view.window}", "title"), Span(" ", "rule")]
        room = width - width_of(left) - width_of(legend)
        return merged([*left, Span(glyphs.rule * max(0, room), "rule"), *legend])
