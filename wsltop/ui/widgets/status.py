"""The status line."""

from __future__ import annotations

from wsltop.charts.cells import Line, Span
from wsltop.ui.paint import row, width_of
from wsltop.ui.views.status import StatusView
from wsltop.ui.widgets.panel import Panel


class StatusLine(Panel[StatusView]):
    """One row: what guest this is at the left, how the screen stands at the right."""

    def paint(self, view: StatusView, width: int, height: int) -> list[Line]:
        """The line; of the identity as much as there is room for, the distro last to go."""
        glyphs = self.glyphs
        right = [Span(view.mode, "badge" if view.paused else "good"), Span("  ")]
        if view.recording:
            right = [Span(f"{glyphs.filled} {view.recording}", "error"), Span("  "), *right]
        if view.verdict and not view.paused:
            right = [Span(view.verdict, view.verdict_style), Span("  "), *right]
        if view.host:
            mark = glyphs.hollow if view.host_is_old else glyphs.filled
            right += [Span(f"{mark} {view.host}", "muted" if view.host_is_old else "value"), Span("  ")]
        right += [Span(view.own, "note"), Span(" ")]
        name = [Span(" wsltop", "title"), Span("  ")]
        identity = list(view.identity)
        separator = f" {glyphs.separator} "
        while len(identity) > 1:
            if width_of(name) + len(separator.join(identity)) + 2 + width_of(right) <= width:
                break
            identity.pop()
        return [row([*name, Span(separator.join(identity), "value")], right, width, glyphs)]
