"""WSL's idle gate."""

from __future__ import annotations

from wsltop.charts.bar import host_bar
from wsltop.charts.cells import Line, Span
from wsltop.ui.paint import fit_spans, heading, wrap
from wsltop.ui.views.gate import GateView, WindowRow
from wsltop.ui.widgets.panel import Panel


class GatePanel(Panel[GateView]):
    """Heading with the mode, a bar for each window with the limit at its middle, blockers, verdict."""

    def paint(self, view: GateView, width: int, height: int) -> list[Line]:
        """The panel's lines, the verdict last."""
        glyphs = self.glyphs
        lines = [heading("idle gate", view.title, width, glyphs)]
        if view.problem:
            texts = wrap(view.problem, width - 1, height - 1, glyphs)
            return lines + [fit_spans([Span(f" {text}", "muted")], width, glyphs) for text in texts]
        lines += [self._window(row, width) for row in view.rows]
        if view.blockers:
            lines.append(fit_spans([Span(f" {view.blockers}", "note")], width, glyphs))
        room = height - len(lines)
        lines += self._text(view.verdict, view.verdict_style, width, max(1, room - 1))
        room = height - len(lines)
        return lines + (self._text(view.intent, "muted", width, room) if room > 0 else [])

    def _text(self, text: str, style: str, width: int, rows: int) -> list[Line]:
        return [
            fit_spans([Span(f" {line}", style)], width, self.glyphs)
            for line in wrap(text, width - 1, rows, self.glyphs)
        ]

    def _window(self, row: WindowRow, width: int) -> Line:
        """The limit stands in the middle of the bar: the left half is allowed."""
        name = Span(f" {row.name:<8}", "label")
        text = Span(f" {row.text}", "value")
        room = max(10, min(24, width - 9 - 18))
        share = 0.0 if row.ratio is None else row.ratio / (1 + row.ratio)
        style = "muted" if row.ok is None else "good" if row.ok else "warning"
        half = room // 2
        filled = round(share * 1000)
        left = host_bar(min(filled, 500), 500, half, self.glyphs, style=style)
        right = host_bar(max(0, filled - 500), 500, room - half, self.glyphs, style=style)
        return fit_spans([name, *left, Span(self.glyphs.upright, "axis"), *right, text], width, self.glyphs)
