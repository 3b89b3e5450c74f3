"""``.wslconfig``: lines that do nothing, a file that is not in force, and a VM that is not as it says."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.figures import known, short
from wsltop.core.diagnosis.finding import Figure, Finding, Remedy
from wsltop.core.diagnosis.remedies import RESTART, SHUTDOWN, advice
from wsltop.core.wslconfig import ConfigFinding
from wsltop.core.wslconfig.effective import FINDING_IDS

NOT_IN_FORCE: Final = "config-not-in-force"
DIFFERS: Final = frozenset(f"config-{name}" for name in FINDING_IDS.values())
SHOWN: Final = 3
"""Findings of a kind that are told; the lint tells them all."""


def config_ignored(evidence: Evidence) -> Finding | None:
    """Lines that WSL does not follow: WSL#7851, #10759, #10743, #13048."""
    wrong = [one for one in known(evidence.config) or () if one.severity == "error"]
    if not wrong:
        return None
    return Finding(
        id="config-ignored",
        severity="warning",
        verdict="SETTINGS IGNORED",
        sentence=first_of(wrong),
        evidence=tell(wrong[1:]),
        remedy=remedies(wrong),
    )


def config_not_in_force(evidence: Evidence) -> Finding | None:
    """The file was changed after the VM had started: WSL reads it once."""
    newer = [one for one in known(evidence.config) or () if one.id == NOT_IN_FORCE]
    if not newer:
        return None
    return Finding(
        id="config-not-in-force",
        severity="warning",
        verdict="NOT IN FORCE",
        sentence=".wslconfig is newer than the VM: what changed in it does not hold yet.",
        evidence=tell([one for one in known(evidence.config) or () if one.id in DIFFERS]),
        remedy=(SHUTDOWN,),
    )


def config_differs(evidence: Evidence) -> Finding | None:
    """The VM is not as the file says, though it has read it: WSL#11151, #9786, #13142."""
    findings = known(evidence.config) or ()
    differs = [one for one in findings if one.id in DIFFERS]
    if not differs or any(one.id == NOT_IN_FORCE for one in findings):
        return None
    asked_for = any(one.severity == "warning" for one in differs)
    return Finding(
        id="config-differs",
        severity="warning" if asked_for else "note",
        verdict="OTHER THAN SET",
        sentence=first_of(differs),
        evidence=tell(differs[1:]),
        remedy=remedies(differs),
    )


def config_doubtful(evidence: Evidence) -> Finding | None:
    """Lines that WSL follows and that are rarely meant."""
    doubtful = [
        one
        for one in known(evidence.config) or ()
        if one.severity == "warning" and one.id not in DIFFERS and one.id != NOT_IN_FORCE
    ]
    if not doubtful:
        return None
    return Finding(
        id="config-doubtful",
        severity="note",
        verdict="SETTINGS IN DOUBT",
        sentence=first_of(doubtful),
        evidence=tell(doubtful[1:]),
        remedy=remedies(doubtful),
    )


def first_of(findings: list[ConfigFinding]) -> str:
    """Where and what, the first one, and how many more there are."""
    first = findings[0]
    place = "" if first.line is None else f" line {first.line}"
    more = f" And {len(findings) - 1} more." if findings[1:] else ""
    return f".wslconfig{place}: {short(first.text, 150)}{more}"


def tell(findings: list[ConfigFinding]) -> tuple[Figure, ...]:
    """Where and what, the first few."""
    return tuple(
        Figure(".wslconfig" if one.line is None else f"line {one.line}", short(one.text, 150))
        for one in findings[:SHOWN]
    )


def remedies(findings: list[ConfigFinding]) -> tuple[Remedy, ...]:
    """What to do about the first few, each thing once, and what makes it hold."""
    texts = list(dict.fromkeys(short(one.remedy, 200) for one in findings[:SHOWN] if one.remedy))
    return tuple(advice(text, RESTART if text is texts[-1] else "") for text in texts)
