"""Page cache: kept by a shut gate, about to be dropped, or dropped once and not again. All about WSL's own reclaim."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis.evidence import (
    BIG,
    Evidence,
    gates_of,
    ledger_of,
    matters,
    rules_of,
    short,
    sure_mode,
)
from wsltop.core.diagnosis.finding import (
    DROP,
    SHUTDOWN,
    Figure,
    Found,
    Remedy,
    advice,
    percent,
    reclaim_setting,
    rule,
    size,
)
from wsltop.core.gate.watch import Blocker, Blockers, GateState
from wsltop.core.ledger import Ledger
from wsltop.model.reading import known
from wsltop.model.units import format_duration, format_size

NAMED: Final = 3
"""Blockers that a sentence names."""
NOTABLE: Final = 0.0005
"""A tenth of the limit: a process below this share of all CPUs is not what shuts the gate."""
MOST_PIDS: Final = 4
"""As many as fit into a command of one line of 80 columns."""


@rule("cache-kept", "warning", "Page cache stays: WSL's idle gate is shut, and by whom.", where="wsl2")
def cache_kept(evidence: Evidence) -> Found | None:
    """Much page cache, and no rule that may apply lets WSL drop it: WSL#10011, #11000, #41096."""
    ledger, gates = ledger_of(evidence), gates_of(evidence)
    if ledger is None or ledger.cache_clean < BIG or not gates:
        return None
    if any(gate.verdict != "shut" or is_young(evidence, gate) for gate in gates):
        return None
    blockers = known(evidence.blockers)
    who = name_blockers(blockers) if blockers else ""
    return Found(
        severity="warning" if matters(evidence, ledger) else "note",
        verdict="CACHE KEPT",
        sentence=f"{format_size(ledger.cache_clean)} of page cache stays, because WSL's idle gate is shut"
        + (f" by {who}." if who else "."),
        evidence=(*cache_figures(ledger), *gate_figures(gates), *blocker_figures(blockers)),
        remedy=(DROP, *open_gate(evidence, blockers)),
    )


def open_gate(evidence: Evidence, blockers: Blockers | None) -> tuple[Remedy, ...]:
    """What opens the gate: where niced processes do not count, nice them; where another mode needs less, set it."""
    rules = rules_of(evidence)
    if not rules or any(rule.counts_niced for rule in rules):
        return (advice("Close what keeps the CPU busy; WSL drops the cache once it is idle."),) if blockers else ()
    remedies = []
    pids = [pid for blocker in notable(blockers) for pid in blocker.pids][:MOST_PIDS] if blockers else []
    if pids:
        remedies.append(
            Remedy(
                kind="command",
                does="nice what keeps the gate shut: this WSL does not count niced processes",
                text=f"renice -n 1 -p $(ps -L -o lwp= -p {','.join(map(str, pids))})",
                cost="they give way to others; those of other users need sudo",
            )
        )
    mode = sure_mode(evidence)
    quicker = {rule.quicker_mode.get(mode) for rule in rules} if mode is not None else set()
    if quicker == {"gradual"} and evidence.reclaim_file is not False:
        cost = "the gate is the same; anonymous memory may go to swap"
        remedies.append(reclaim_setting("gradual", "let 3 idle minutes do instead of 10", cost))
    return tuple(remedies)


@rule("wsltop-blocks", "warning", "wsltop itself keeps the idle gate shut.", where="wsl2")
def wsltop_blocks(evidence: Evidence) -> Found | None:
    """The gate would be open without wsltop: a monitor must not stop what it shows."""
    blockers, gates = known(evidence.blockers), gates_of(evidence)
    limit = min((window.limit for gate in gates for window in gate.windows), default=None)
    if blockers is None or limit is None or not all(gate.verdict == "shut" for gate in gates):
        return None
    if blockers.total <= limit or blockers.total - blockers.own > limit:
        return None
    return Found(
        verdict="WSLTOP BLOCKS",
        sentence=f"wsltop's own {percent(blockers.own)} of all CPUs keeps the idle gate shut: "
        f"without it {percent(blockers.total - blockers.own)} would be in use, and {percent(limit)} is allowed.",
        evidence=(
            Figure("wsltop", percent(blockers.own)),
            Figure("the whole VM", percent(blockers.total)),
            Figure("allowed", percent(limit)),
        ),
        remedy=(
            Remedy(
                kind="command",
                does="look every 4 s while nothing moves; on the screen z does",
                text="wsltop --quiet",
            ),
            Remedy(
                kind="command",
                does="look less often always",
                text="wsltop --interval 10",
                cost="the picture moves every 10 s",
            ),
        ),
    )


@rule("cache-waiting", "note", "WSL drops the cache soon by itself.", where="wsl2")
def cache_waiting(evidence: Evidence) -> Found | None:
    """The gate is open, or the VM too young for it: the cache goes without anybody's help."""
    ledger, gates = ledger_of(evidence), gates_of(evidence)
    if ledger is None or ledger.cache_clean < BIG or not gates:
        return None
    if not all(is_young(evidence, gate) or is_due(gate) for gate in gates):
        return None
    latest = max((gate.opens.latest for gate in gates if gate.opens), default=None)
    when = "" if latest is None else f" within {format_duration(max(0.0, latest))}"
    unsure = "" if sure_mode(evidence) else ", if its mode is the default"
    return Found(
        verdict="CACHE GOES SOON",
        sentence=f"WSL begins to drop {format_size(ledger.cache_clean)} of page cache{when} of idleness{unsure}."
        if when
        else f"WSL's idle gate is open: it drops {format_size(ledger.cache_clean)} of page cache soon{unsure}.",
        evidence=(*cache_figures(ledger), *gate_figures(gates)),
        remedy=(DROP,),
    )


@rule("cache-spent", "note", "WSL dropped the cache once in this idle period.", where="wsl2")
def cache_spent(evidence: Evidence) -> Found | None:
    """dropCache drops once in an idle period; what is cached after that stays until the VM was busy once."""
    ledger, gates = ledger_of(evidence), gates_of(evidence)
    if ledger is None or ledger.cache_clean < BIG or not gates:
        return None
    if not all(gate.verdict == "open" and gate.mode == "dropCache" and gate.spent is True for gate in gates):
        return None
    return Found(
        verdict="DROPPED ONCE",
        sentence=f"WSL has dropped the cache in this idle period; the {format_size(ledger.cache_clean)} since then "
        "stay until the VM has been busy and idle again.",
        evidence=(*cache_figures(ledger), *gate_figures(gates)),
        remedy=(DROP,),
    )


@rule("reclaim-silent", "warning", "The gate is open and WSL does nothing.", where="wsl2")
def reclaim_silent(evidence: Evidence) -> Found | None:
    """The gate was open for long enough and nothing happened: the setting is inert (WSL#10011)."""
    ledger, gates = ledger_of(evidence), gates_of(evidence)
    if ledger is None or ledger.cache_clean < BIG or not gates or not all(gate.overdue for gate in gates):
        return None
    waited = min(gate.open_for or 0.0 for gate in gates)
    return Found(
        verdict="RECLAIM SILENT",
        sentence=f"The idle gate has been open for {format_duration(waited)} and WSL did nothing: reclaim is off, its "
        "thread has ended, or this version has another rule.",
        evidence=(*cache_figures(ledger), *gate_figures(gates)),
        remedy=(DROP, SHUTDOWN),
    )


def is_young(evidence: Evidence, gate: GateState) -> bool:
    """Tell whether the VM has not run for as long as the rule looks back."""
    return gate.verdict != "off" and evidence.uptime < gate.rule.earliest(gate.mode)


def is_due(gate: GateState) -> bool:
    """Tell whether WSL acts at one of its next looks."""
    return gate.verdict == "open" and gate.spent is False and not gate.overdue


def notable(blockers: Blockers) -> tuple[Blocker, ...]:
    """The visible processes that count."""
    return tuple(one for one in blockers.visible if one.share >= NOTABLE)[:NAMED]


def name_blockers(blockers: Blockers) -> str:
    """``node 1.2 %, dockerd 0.4 %``; empty when none stands out."""
    named = [f"{short(one.name, 20)} {percent(one.share)}" for one in notable(blockers)]
    if not named and blockers.elsewhere >= NOTABLE:
        named = [f"processes that are not visible here {percent(blockers.elsewhere)}"]
    return ", ".join(named)


def cache_figures(ledger: Ledger) -> tuple[Figure, ...]:
    """The cache, and what a drop would free of it."""
    return size("page cache", ledger.cache), size("a drop frees", ledger.cache_clean)


def gate_figures(gates: tuple[GateState, ...]) -> tuple[Figure, ...]:
    """The gate with its reason, once where all agree."""
    reasons = dict.fromkeys(f"{gate.verdict}; {gate.reason}" for gate in gates)
    modes = dict.fromkeys(f"{gate.mode}{', assumed' if gate.certainty == 'unknown' else ''}" for gate in gates)
    return (
        *(Figure("idle gate", short(reason, 120)) for reason in reasons),
        *(Figure("mode", mode) for mode in modes),
    )


def blocker_figures(blockers: Blockers | None) -> tuple[Figure, ...]:
    """All that is in use, and what is not visible."""
    if blockers is None:
        return ()
    return Figure("CPUs in use", percent(blockers.total)), Figure("not visible here", percent(blockers.elsewhere))
