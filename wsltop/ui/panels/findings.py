"""All findings, one row each."""

from __future__ import annotations

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.model.text import clean
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit, fit_spans, heading, width_of
from wsltop.ui.panels.verdict import SEVERITY_STYLES


class FindingRow(Struct, frozen=True):
    """One finding."""

    word: str
    style: str
    sentence: str


class FindingsPanel(Panel[tuple[FindingRow, ...]]):
    """Heading, then the findings, worst first."""

    def make_view(self, context: Context) -> tuple[FindingRow, ...]:
        """The findings of the moment."""
        return tuple(
            FindingRow(clean(one.verdict), SEVERITY_STYLES[one.severity], clean(one.sentence))
            for one in context.findings
        )

    def action_at(self, x: int, y: int) -> str:
        """Open all findings."""
        return "app.card('verdict')"

    def rows_wanted(self, context: Context, width: int) -> int:
        """A row for each."""
        return 1 + max(1, len(context.findings))

    def paint(self, view: tuple[FindingRow, ...], width: int, height: int) -> list[Line]:
        """The panel's lines."""
        lines = [heading("all findings", "v", width, self.glyphs)]
        for row in view[: height - 1]:
            spans = [Span(f" {row.word}  ", row.style)]
            spans.append(Span(fit(row.sentence, max(0, width - width_of(spans)), self.glyphs), "value"))
            lines.append(fit_spans(spans, width, self.glyphs))
        return lines
