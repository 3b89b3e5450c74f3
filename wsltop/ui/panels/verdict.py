"""The verdict panel: the worst finding, its figures, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.core.diagnosis.finding import Finding, Remedy, Severity
from wsltop.model.text import clean
from wsltop.model.units import format_size
from wsltop.ui.context import Context
from wsltop.ui.paint import fit_spans, heading, wrap
from wsltop.ui.panels.panel import Panel

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
        cost=f"Costs: {clean(remedy.cost)}." if remedy is not None and remedy.cost else "",
        more=len(findings) - 1,
    )


def tell_remedy(remedy: Remedy) -> str:
    """What to press and what it gives back; else the command, the lines or the sentence, in one line."""
    gives = "" if remedy.gives is None else f": gives back about {format_size(remedy.gives)}"
    if remedy.key and remedy.does:
        return f"press {remedy.key} to {clean(remedy.does)}{gives}"
    text = clean(remedy.text.replace("\n", "  "))
    where = {"windows": "in Windows: ", "config": ".wslconfig: "}.get(remedy.kind, "")
    return f"{where}{text}"


class VerdictPanel(Panel[VerdictView]):
    """Heading, verdict with its sentence, the way out, and the figures where there is room."""

    def make_view(self, context: Context) -> VerdictView:
        """The worst finding."""
        return verdict_view(context.findings)

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
