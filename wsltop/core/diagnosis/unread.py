"""What cannot be told, where that is worth a word: the guest's figures, the host, the kernel log; and WSL 1."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.figures import clause, ledger_of, short
from wsltop.core.diagnosis.finding import Figure, Finding, Remedy, size
from wsltop.core.diagnosis.remedies import hint_of
from wsltop.core.reading import Unavailable

REASON: Final = 120


def guest_unreadable(evidence: Evidence) -> Finding | None:
    """Without /proc/meminfo nothing can be said."""
    if ledger_of(evidence) is not None:
        return None
    ledger = evidence.moment.ledger
    why = ledger if isinstance(ledger, Unavailable) else Unavailable("/proc/meminfo says that there is no RAM")
    return Finding(
        id="guest-unreadable",
        severity="warning",
        verdict="GUEST UNREADABLE",
        sentence=f"Cannot tell where memory is: {clause(short(why.reason, REASON))}.",
        remedy=hint_of(why),
    )


def host_unreadable(evidence: Evidence) -> Finding | None:
    """What Windows holds is then expected, not measured."""
    host = evidence.moment.host
    if not isinstance(host, Unavailable) or evidence.interop_fault is not None:
        return None
    ledger = ledger_of(evidence)
    expected = None if ledger is None else ledger.expected_host
    return Finding(
        id="host-unreadable",
        severity="note",
        verdict="WINDOWS UNKNOWN",
        sentence=f"Cannot tell what Windows holds: {clause(short(host.reason, REASON))}.",
        evidence=() if expected is None or isinstance(expected, Unavailable) else (size("expected", expected),),
        remedy=hint_of(host),
    )


def log_unreadable(evidence: Evidence) -> Finding | None:
    """Who was killed, and what WSL's init complained about, stand in the kernel log alone."""
    log = evidence.moment.sample.kernel_log
    if not isinstance(log, Unavailable):
        return None
    return Finding(
        id="log-unreadable",
        severity="note",
        verdict="NO KERNEL LOG",
        sentence=f"Cannot tell who was killed or what failed: {clause(short(log.reason, REASON))}.",
        remedy=hint_of(log),
    )


def wsl1(evidence: Evidence) -> Finding | None:
    """WSL 1 runs Linux programs in Windows' own memory: there is no VM."""
    if evidence.flavor != "wsl1":
        return None
    return Finding(
        id="wsl1",
        severity="note",
        verdict="WSL 1",
        sentence="This is WSL 1: it has no virtual machine, and memory goes back to Windows when a program ends.",
        evidence=(Figure("flavor", "WSL 1"),),
        remedy=(
            Remedy(
                kind="windows",
                does="convert the distribution",
                text="wsl --set-version NAME 2",
                cost="minutes, and as much disk again meanwhile",
            ),
        ),
    )
