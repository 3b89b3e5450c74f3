"""The verdict: the worst finding, its figures, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.charts.glyphs import Glyphs
from wsltop.core.diagnosis import Finding, Remedy, Severity
from wsltop.core.text import clean
from wsltop.record.doctor import finding_lines
from wsltop.ui.paint import heading

SEVERITY_STYLES: Final[dict[Severity, str]] = {"ok": "good", "note": "value", "warning": "warning", "problem": "error"}


class VerdictView(Struct, frozen=True, kw_only=True):
    """The verdict panel."""

    word: str
    style: str
    sentence: str
    figures: str
    remedy: str
    cost: str
    more: int
    """Findings beyond the one that is shown."""


def verdict_view(findings: Sequence[Finding]) -> VerdictView:
    """What the panel says of the findings, worst first."""
    if not findings:
        return VerdictView(word="", style="muted", sentence="no findings yet", figures="", remedy="", cost="", more=0)
    first = findings[0]
    remedy = first.remedy[0] if first.remedy else None
    return VerdictView(
        word=clean(first.verdict),
        style=SEVERITY_STYLES[first.severity],
        sentence=clean(first.sentence),
        figures=", ".join(f"{clean(figure.name)} {clean(figure.value)}" for figure in first.evidence),
        remedy="" if remedy is None else tell_remedy(remedy),
        cost="" if remedy is None else clean(remedy.cost),
        more=len(findings) - 1,
    )


def finding_card(findings: Sequence[Finding], width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the lines of the card with all findings."""
    yield heading("findings", "Esc closes", width, glyphs)
    for finding in findings:
        for index, text in enumerate(finding_lines(finding, width - 1)):
            style = SEVERITY_STYLES[finding.severity] if index == 0 else "value"
            yield (Span(f" {text}", style),)
        yield ()


def tell_remedy(remedy: Remedy) -> str:
    """The command, the lines or the sentence, in one line."""
    text = clean(remedy.text.replace("\n", "  "))
    where = {"windows": "in Windows: ", "config": ".wslconfig: "}.get(remedy.kind, "")
    return f"{where}{text}"
