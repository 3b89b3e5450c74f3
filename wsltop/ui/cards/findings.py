"""The card of all findings, each with its evidence and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsltop.charts.cells import Line, Span
from wsltop.charts.glyphs import Glyphs
from wsltop.core.diagnosis.finding import Finding
from wsltop.report.doctor import finding_lines
from wsltop.ui.paint import heading
from wsltop.ui.panels.verdict import SEVERITY_STYLES


def finding_card(findings: Sequence[Finding], width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the lines of the card with all findings."""
    yield heading("findings", "Esc closes", width, glyphs)
    for finding in findings:
        for index, text in enumerate(finding_lines(finding, width - 1)):
            style = SEVERITY_STYLES[finding.severity] if index == 0 else "value"
            yield (Span(f" {text}", style),)
        yield ()
