"""All findings: one row each, and in full as far as there is room."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.core.diagnosis.finding import Finding
from wsltop.model.text import clean
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit, fit_spans, heading, width_of
from wsltop.ui.panels.verdict import SEVERITY_STYLES


class FindingRow(Struct, frozen=True):
    """One finding."""

    word: str
    style: str
    sentence: str
    details: tuple[str, ...]
    """Sentence, evidence and remedy, as ``doctor`` says them, for the panel's width."""


MARGIN: Final = 3
"""Columns before the details."""
STEP: Final = "->"
"""What a remedy begins with."""
LEAST: Final = 4
"""Rows of details that are worth it; those that have no room are left out."""


def finding_row(finding: Finding, width: int) -> FindingRow:
    """A finding, its details in ``width`` cells."""
    from wsltop.report.doctor import finding_lines  # the screens of most terminals have no room for this panel

    _, *details = finding_lines(finding, width)
    return FindingRow(
        clean(finding.verdict),
        SEVERITY_STYLES[finding.severity],
        clean(finding.sentence),
        tuple(clean(line) for line in details),
    )


def whole_steps(details: tuple[str, ...], rows: int) -> int:
    """How many of the details have room in ``rows`` rows, so that none of the remedies, after the first, is cut."""
    if len(details) <= rows:
        return len(details)
    starts = [index for index, text in enumerate(details) if text.lstrip().startswith(STEP)]
    return next((index for index in reversed(starts[1:]) if index <= rows), rows)


class FindingsPanel(Panel[tuple[FindingRow, ...]]):
    """Heading, then the findings, worst first."""

    _made: tuple[tuple[Finding, ...], int, tuple[FindingRow, ...]] = ((), 0, ())
    """The findings and the width of the view made last: they change seldom."""

    def make_view(self, context: Context) -> tuple[FindingRow, ...]:
        """The findings of the moment."""
        findings, width = context.findings, max(MARGIN * 2, self.size.width - MARGIN)
        if self._made[:2] != (findings, width):
            self._made = (findings, width, tuple(finding_row(one, width) for one in findings))
        return self._made[2]

    def action_at(self, x: int, y: int) -> str:
        """Open all findings."""
        return "app.card('verdict')"

    def rows_wanted(self, context: Context, width: int) -> int:
        """All of each, where it is known how wide that is; a row for each before that."""
        if not self.display or not self.size.width:
            return 1 + max(1, len(context.findings))
        return 1 + sum(1 + len(row.details) for row in self.make_view(context))

    def paint(self, view: tuple[FindingRow, ...], width: int, height: int) -> list[Line]:
        """The panel's lines: a row for each finding, and as many of them in full, the worst first, as have room."""
        lines = [heading("all findings", "v", width, self.glyphs)]
        left = height - 1 - len(view)
        for row in view[: height - 1]:
            details = [fit_spans([Span(f" {text}", "value")], width, self.glyphs) for text in row.details]
            if details and left >= LEAST:
                lines.append(fit_spans([Span(f" {row.word}", row.style)], width, self.glyphs))
                whole = whole_steps(row.details, left)
                lines += details[:whole]
                left -= whole
                continue
            spans = [Span(f" {row.word}  ", row.style)]
            spans.append(Span(fit(row.sentence, max(0, width - width_of(spans)), self.glyphs), "value"))
            lines.append(fit_spans(spans, width, self.glyphs))
        return lines
