"""Findings about .wslconfig, and about figures that could not be read."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis.evidence import Evidence, clause, ledger_of, short
from wsltop.core.diagnosis.finding import RESTART, SHUTDOWN, Figure, Found, Remedy, advice, hint_of, rule, size
from wsltop.core.wslconfig.effective import FINDING_IDS
from wsltop.core.wslconfig.lint import ConfigFinding
from wsltop.model.sample import WAITING, SeveralVms, Unavailable, known
from wsltop.model.text import format_duration, format_size

SLEPT: Final = 120.0
"""Seconds by which the wall clock of the boot may differ from when init began: more is a clock that was stepped."""
NOT_IN_FORCE: Final = "config-not-in-force"
DIFFERS: Final = frozenset(f"config-{name}" for name in FINDING_IDS.values())
SHOWN: Final = 3
"""Lines that a finding names; `wsltop wslconfig` lists all of them."""


@rule("config-ignored", "warning", "Lines of .wslconfig that WSL does not follow.", where="wsl2")
def config_ignored(evidence: Evidence) -> Found | None:
    """Lines that WSL does not follow: WSL#7851, #10759, #10743, #13048."""
    wrong = [one for one in known(evidence.config) or () if one.severity == "error"]
    if not wrong:
        return None
    return Found(
        verdict="SETTINGS IGNORED",
        sentence=first_of(wrong),
        evidence=tell(wrong[1:]),
        remedy=remedies(wrong),
    )


@rule("config-not-in-force", "warning", "The VM is older than .wslconfig and has not read it.", where="wsl2")
def config_not_in_force(evidence: Evidence) -> Found | None:
    """The file was changed after the VM had started: WSL reads it once."""
    newer = [one for one in known(evidence.config) or () if one.id == NOT_IN_FORCE]
    if not newer:
        return None
    return Found(
        verdict="SETTINGS NOT LOADED",
        sentence=".wslconfig was changed after the VM started: WSL has not read the change yet.",
        evidence=tell([one for one in known(evidence.config) or () if one.id in DIFFERS]),
        remedy=(SHUTDOWN,),
    )


@rule("config-differs", "warning", "The VM differs from .wslconfig.", where="wsl2")
def config_differs(evidence: Evidence) -> Found | None:
    """The VM is not as the file says, though it has read it: WSL#11151, #9786, #13142."""
    findings = known(evidence.config) or ()
    differs = [one for one in findings if one.id in DIFFERS]
    if not differs or any(one.id == NOT_IN_FORCE for one in findings):
        return None
    asked_for = any(one.severity == "warning" for one in differs)
    return Found(
        severity="warning" if asked_for else "note",
        verdict="SETTINGS DIFFER",
        sentence=first_of(differs),
        evidence=tell(differs[1:]),
        remedy=remedies(differs),
    )


@rule("clock-stepped", "note", "The PC slept while the VM ran: the guest's clock was stepped.", where="wsl2")
def clock_stepped(evidence: Evidence) -> Found | None:
    """The guest's uptime stands still while the PC sleeps: times from before are shifted (WSL#4245, #5324)."""
    cpu, began = known(evidence.moment.sample.cpu), known(evidence.moment.sample.surroundings.init_began)
    if cpu is None or cpu.boot_time is None or began is None or cpu.boot_time - began < SLEPT:
        return None
    return Found(
        verdict="CLOCK STEPPED",
        sentence=f"The PC slept for about {format_duration(cpu.boot_time - began)} since the VM started: stamps of the "
        "kernel log and the uptime leave that out.",
        evidence=(Figure("slept", format_duration(cpu.boot_time - began)),),
    )


@rule("config-doubtful", "note", "Suspicious lines of .wslconfig.", where="wsl2")
def config_doubtful(evidence: Evidence) -> Found | None:
    """Lines that WSL follows and that are rarely meant."""
    doubtful = [
        one
        for one in known(evidence.config) or ()
        if one.severity == "warning" and one.id not in DIFFERS and one.id != NOT_IN_FORCE
    ]
    if not doubtful:
        return None
    return Found(
        verdict="ODD SETTINGS",
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


REASON: Final = 120


@rule("guest-unreadable", "warning", "The guest's figures cannot be read.", where="anywhere")
def guest_unreadable(evidence: Evidence) -> Found | None:
    """Without /proc/meminfo nothing can be said."""
    if ledger_of(evidence) is not None:
        return None
    ledger = evidence.moment.ledger
    why = ledger if isinstance(ledger, Unavailable) else Unavailable("/proc/meminfo says that there is no RAM")
    return Found(
        verdict="GUEST UNREADABLE",
        sentence=f"Linux cannot be read: {clause(short(why.reason, REASON))}.",
        remedy=hint_of(why),
    )


@rule("host-unreadable", "note", "What Windows lends, or has left, cannot be read.", where="wsl2")
def host_unreadable(evidence: Evidence) -> Found | None:
    """What Windows holds is then expected, not measured."""
    host = evidence.moment.host
    if evidence.interop_fault is not None or isinstance(host, SeveralVms):
        return None  # another finding says it
    if not isinstance(host, Unavailable):
        missing = next((one for one in (host.available, host.total) if isinstance(one, Unavailable)), None)
        if missing is None:
            return None
        return Found(
            verdict="WINDOWS UNKNOWN",
            sentence=f"What Windows has left is not known: {clause(short(missing.reason, REASON))}. It lends "
            f"{format_size(host.working_set)} to WSL.",
            evidence=(size("lent to WSL", host.working_set),),
            remedy=hint_of(missing),
        )
    ledger = ledger_of(evidence)
    expected = None if ledger is None else known(ledger.expected_host)
    about = "" if expected is None else f" It should be about {format_size(expected)}."
    if host == WAITING:
        return Found(
            verdict="ASKING WINDOWS",
            sentence=f"Windows has been asked what it lends, and has not answered yet.{about}",
            evidence=() if expected is None else (size("expected", expected),),
        )
    return Found(
        verdict="WINDOWS UNKNOWN",
        sentence=f"What Windows lends is not known: {clause(short(host.reason, REASON))}.{about}",
        evidence=() if expected is None else (size("expected", expected),),
        remedy=hint_of(host),
    )


@rule("log-unreadable", "note", "The kernel log cannot be read.")
def log_unreadable(evidence: Evidence) -> Found | None:
    """Who was killed, and what WSL's init complained about, stand in the kernel log alone."""
    log = evidence.moment.sample.kernel_log
    if not isinstance(log, Unavailable):
        return None
    return Found(
        verdict="NO KERNEL LOG",
        sentence=f"The kernel log cannot be read, so kills are not seen: {clause(short(log.reason, REASON))}.",
        remedy=hint_of(log),
    )


@rule("wsl1", "note", "This is WSL 1, which has no virtual machine.", where="anywhere")
def wsl1(evidence: Evidence) -> Found | None:
    """WSL 1 runs Linux programs in Windows' own memory: there is no VM."""
    if evidence.flavor != "wsl1":
        return None
    return Found(
        verdict="WSL 1",
        sentence="This is WSL 1, which has no virtual machine: the figures here are those of Windows, and memory goes "
        "back to Windows when a program ends.",
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
