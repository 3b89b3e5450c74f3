"""All rules, applied to the evidence: the findings, worst first."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis import cache, free, holders, kernel, mode, pressure, settings, windows
from wsltop.core.diagnosis.evidence import Evidence, explained, ledger_of
from wsltop.core.diagnosis.finding import Figure, Finding, Rule, Severity, name_hogs, rank, size, title
from wsltop.core.diagnosis.windows import lends, lent_figures
from wsltop.core.explanation import Explanation, headline
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import format_size

MODULES: Final = (pressure, windows, holders, kernel, free, cache, mode, settings)
RULES: Final = tuple(one for module in MODULES for one in vars(module).values() if isinstance(one, Rule))
"""Every rule. Within a severity, findings stand in this order: the modules as listed, and their rules as written."""
NOTHING_WRONG: Final = "nothing-wrong"
BY_HOGS: Final = frozenset(
    {
        "swap-thrash",
        "memory-stall",
        "memory-low",
        "oom-kill",
        "oomd-kill",
        "windows-short",
        "windows-short-elsewhere",
        "lends-much",
    }
)
"""The findings that hogs of wsltop can be the cause of."""
MATTERS: Final = frozenset({"windows-short", "windows-short-elsewhere", "lends-much"})
"""The findings that say that what Windows lends matters."""


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """What is found, worst first and without what is silenced; the same evidence gives the same answer.

    Where nothing is worse than a note and all may be called well, ``nothing-wrong`` stands before the notes.
    """
    found = [finding for rule in RULES if (finding := rule(evidence)) is not None]
    found = [name_hogs(evidence, finding) if finding.id in BY_HOGS else finding for finding in found]
    found.sort(key=lambda finding: -rank(finding.severity))  # stable: the order of RULES within a severity
    shown = [finding for finding in found if finding.id not in evidence.silenced]
    if worst(tuple(shown)) in ("ok", "note"):
        silent = [finding for finding in found if finding not in shown and rank(finding.severity) > rank("note")]
        good = nothing_wrong(
            evidence, tuple(silent), answered=any(one.id in MATTERS for one in found if one not in shown)
        )
        if good is not None and NOTHING_WRONG not in evidence.silenced:
            shown.insert(0, good)
    return tuple(shown)


def worst(findings: tuple[Finding, ...]) -> Severity:
    """The worst severity; ``ok`` where there is no finding."""
    return max((finding.severity for finding in findings), key=rank, default="ok")


def answer(findings: tuple[Finding, ...], explanation: Reading[Explanation]) -> tuple[str, ...]:
    """The answer in sentences, where there is no screen: what Windows lends, what gets it back, whether WSL will.

    A problem that is not about what Windows lends comes first: it is what the user wants to know first.
    """
    told = () if isinstance(explanation, Unavailable) else headline(explanation, screen=False)
    first = findings[0] if findings else None
    if first is None or first.severity != "problem" or first.id in MATTERS:
        return told
    return (f"{title(first.verdict)}: {first.sentence}", *told)


def nothing_wrong(evidence: Evidence, silenced: tuple[Finding, ...], *, answered: bool) -> Finding | None:
    """Say with the figures that all is well; nothing where that is not known of Windows, or of the guest.

    On WSL it is said only where the explanation finds that Windows has plenty and lends little beyond what Linux uses,
    or where the finding that says otherwise is silenced (``answered``).
    """
    ledger, explanation = ledger_of(evidence), explained(evidence)
    if ledger is None or evidence.flavor == "wsl1":
        return None
    used = f"Linux uses {format_size(ledger.used)} of {format_size(ledger.total)}"
    if explanation is None or explanation.matter.available is None:
        if evidence.on_wsl:
            return None
        sentence = f"{used}; {format_size(ledger.cache_clean)} is file cache not in use, which it gives up when needed."
    else:
        if not explanation.fine and not answered:
            return None
        matter, who = explanation.matter, explanation.host_name
        left = f"{format_size(matter.available or 0)} of {format_size(matter.total or 0)} left"
        sentence = (
            f"{who[0].upper()}{who[1:]} has {left} and {lends(explanation.lent)} "
            f"{format_size(explanation.lent.size)}; "
            f"Linux uses {format_size(ledger.used)}."
        )
    if silenced:
        sentence += f" Silenced: {', '.join(finding.id for finding in silenced)}."
    return Finding(
        id=NOTHING_WRONG,
        severity="ok",
        verdict="NOTHING ELSE WRONG" if silenced else "NOTHING IS WRONG",
        sentence=sentence,
        evidence=(
            Figure("used by Linux", f"{format_size(ledger.used)} of {format_size(ledger.total)}"),
            size("file cache", ledger.cache),
            size("available in Linux", ledger.available),
            *(lent_figures(explanation)[:2] if explanation is not None else ()),
        ),
    )


def catalogue() -> tuple[tuple[str, Severity, str], ...]:
    """Every id with its worst severity and its meaning, the worst first."""
    rows: list[tuple[str, Severity, str]] = [(rule.id, rule.severity, rule.meaning) for rule in RULES]
    rows.sort(key=lambda row: -rank(row[1]))
    return (*rows, (NOTHING_WRONG, "ok", "Windows has plenty left, and lends little beyond what Linux uses."))
