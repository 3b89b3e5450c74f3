"""The verdict: the worst finding, its figures, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wsltop.core.diagnosis import Finding, Remedy, Severity
from wsltop.core.text import clean

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


def tell_remedy(remedy: Remedy) -> str:
    """The command, the lines or the sentence, in one line."""
    text = clean(remedy.text.replace("\n", "  "))
    where = {"windows": "in Windows: ", "config": ".wslconfig: "}.get(remedy.kind, "")
    return f"{where}{text}"
