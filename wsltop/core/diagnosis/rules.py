"""All rules, applied to the evidence: the findings, worst first."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis import cache, free, holders, mode, pressure, settings, windows
from wsltop.core.diagnosis.evidence import Evidence, host_name, host_of, ledger_of, short
from wsltop.core.diagnosis.finding import Figure, Finding, Rule, Severity, rank, size
from wsltop.model.reading import Unavailable
from wsltop.model.units import MIB, format_size

MODULES: Final = (pressure, windows, holders, free, mode, cache, settings)
RULES: Final = tuple(one for module in MODULES for one in vars(module).values() if isinstance(one, Rule))
"""Every rule. Within a severity, findings stand in this order: the modules as listed, and their rules as written."""


NOTHING_WRONG: Final = "nothing-wrong"
CACHE: Final = 256 * MIB
"""Page cache that is worth naming as what fills the memory."""


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """Return what is found, the worst first and without what is silenced; the same evidence gives the same answer.

    When nothing is worse than a note, ``nothing-wrong`` stands before the notes.
    """
    found = [finding for rule in RULES if (finding := rule(evidence)) is not None]
    found.sort(key=lambda finding: -rank(finding.severity))  # stable: the table's order within a severity
    shown = [finding for finding in found if finding.id not in evidence.silenced]
    if worst(tuple(shown)) in ("ok", "note"):
        silent = [finding for finding in found if finding not in shown and rank(finding.severity) > rank("note")]
        good = nothing_wrong(evidence, tuple(silent))
        if good is not None and NOTHING_WRONG not in evidence.silenced:
            shown.insert(0, good)
    return tuple(shown)


def worst(findings: tuple[Finding, ...]) -> Severity:
    """Return the worst severity; ``ok`` where there is no finding."""
    return max((finding.severity for finding in findings), key=rank, default="ok")


def nothing_wrong(evidence: Evidence, silenced: tuple[Finding, ...] = ()) -> Finding | None:
    """Say with true figures that all is well; nothing where the guest cannot be read."""
    ledger = ledger_of(evidence)
    if ledger is None:
        return None
    if ledger.cache_clean >= CACHE:
        sentence = f"{format_size(ledger.cache_clean)} of this is page cache, and it is reclaimable."
    else:
        sentence = f"{format_size(ledger.used)} of {format_size(ledger.total)} is in use, and it comes back when freed."
    if silenced:
        sentence += f" Silenced: {', '.join(finding.id for finding in silenced)}."
    host, unseen = host_of(evidence), unseen_parts(evidence)
    return Finding(
        id=NOTHING_WRONG,
        severity="ok",
        verdict="NOTHING ELSE WRONG" if silenced else "NOTHING IS WRONG",
        sentence=sentence,
        evidence=(
            Figure("used", f"{format_size(ledger.used)} of {format_size(ledger.total)}"),
            size("page cache", ledger.cache),
            size("available", ledger.available),
            *((size(f"{host_name(evidence)} holds", host.working_set),) if host else ()),
            *((Figure("cannot tell", short(", ".join(unseen), 120)),) if unseen else ()),
        ),
    )


def unseen_parts(evidence: Evidence) -> list[str]:
    """Name what could not be looked at, so that the good word is not taken for more than it is."""
    sample = evidence.moment.sample
    parts: list[tuple[str, object]] = [
        ("free blocks", sample.free_blocks),
        ("swap traffic", evidence.swap_rates),
        ("pressure", sample.pressure),
        ("kernel log", sample.kernel_log),
        ("processes", evidence.holders),
        ("mounts", evidence.mounts),
    ]
    names = ["whether free memory comes back"] if free.return_unwatched(evidence) is not None else []
    if evidence.on_wsl:
        parts += [("Windows", evidence.moment.host), ("idle gate", evidence.gates), (".wslconfig", evidence.config)]
    return names + [name for name, part in parts if isinstance(part, Unavailable)]


def catalogue() -> tuple[tuple[str, Severity, str], ...]:
    """Return every id with its worst severity and its meaning, the worst first."""
    rows: list[tuple[str, Severity, str]] = [(rule.id, rule.severity, rule.meaning) for rule in RULES]
    rows.sort(key=lambda row: -rank(row[1]))
    return (*rows, (NOTHING_WRONG, "ok", "Nothing worse than a note: what is used is used, the rest is reclaimable."))
