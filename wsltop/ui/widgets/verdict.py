"""What is the matter, and what to do."""

from __future__ import annotations

from wsltop.charts.cells import Line, Span
from wsltop.ui.paint import fit_spans, heading, wrap
from wsltop.ui.views.verdict import VerdictView
from wsltop.ui.widgets.panel import Panel


class VerdictPanel(Panel[VerdictView]):
    """Heading, verdict with its sentence, the way out, and the figures where there is room."""

    def paint(self, view: VerdictView, width: int, height: int) -> list[Line]:
        """The panel's lines: the sentence first, then the remedy, then the figures."""
        glyphs = self.glyphs
        more = f"{view.more} more: v" if view.more else "v: all"
        lines = [heading("verdict", more, width, glyphs)]
        room = height - 1
        keep = 1 if view.remedy and room > 1 else 0
        lines += self._sentence(view, width, room - keep)
        if keep:
            left = max(1, height - len(lines) - (1 if height - len(lines) > 2 else 0))
            rows = wrap(view.remedy, width - 3, left, glyphs)
            for index, text in enumerate(rows):
                mark = f" {glyphs.right} " if index == 0 else "   "
                lines.append(fit_spans([Span(mark, "key"), Span(text, "value")], width, glyphs))
        for text, style in ((view.cost, "muted"), (view.figures, "note")):
            left = height - len(lines)
            if text and left > 0:
                lines += [
                    fit_spans([Span(f" {row}", style)], width, glyphs) for row in wrap(text, width - 1, left, glyphs)
                ]
        return lines

    def _sentence(self, view: VerdictView, width: int, rows: int) -> list[Line]:
        """The verdict's word and its sentence, flowing as one text; the word in its own style."""
        word = f"{view.word}: " if view.word else ""
        texts = wrap(f"{word}{view.sentence}", width - 1, rows, self.glyphs)
        lines: list[Line] = []
        for index, text in enumerate(texts):
            head = text[: len(word)] if index == 0 else ""
            lines.append(
                fit_spans([Span(f" {head}", view.style), Span(text[len(head) :], "value")], width, self.glyphs)
            )
        return lines
