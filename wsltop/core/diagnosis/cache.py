"""File cache: kept because the VM is busy, about to be dropped, or dropped once and not again.

All of these read the explanation's outlook, so they never say anything else than the headline and the gate's panel.
"""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis.evidence import (
    BIG,
    Evidence,
    explained,
    gates_of,
    ledger_of,
    rules_of,
    short,
    slab_caches,
    sure_mode,
    weight_of_cache,
)
from wsltop.core.diagnosis.finding import (
    DROP,
    DROP_ALL,
    SHUTDOWN,
    Figure,
    Found,
    Remedy,
    advice,
    offer,
    percent,
    reclaim_setting,
    rule,
    size,
)
from wsltop.core.events import DEMO_END, demo_phase
from wsltop.core.explanation import Outlook
from wsltop.core.gate.watch import Blocker, Blockers, GateState
from wsltop.core.ledger import Ledger
from wsltop.model.sample import known
from wsltop.model.text import format_duration, format_size

NAMED: Final = 3
"""How many blockers are named."""
NOTABLE: Final = 0.0005
"""A tenth of the limit: a process below this share of all CPUs is not what keeps the VM busy."""
SLAB_SHARE, HEAVY_SLAB = 8, 4
"""Reclaimable slab is a finding from an eighth of the RAM on, and a warning from a quarter on."""
MOST_PIDS: Final = 4
"""As many as fit into a command of one line of 80 columns."""


def cache_and_outlook(evidence: Evidence) -> tuple[Ledger, Outlook] | None:
    """The ledger of a guest with much file cache, and what WSL will do about it."""
    ledger, explanation = ledger_of(evidence), explained(evidence)
    if ledger is None or explanation is None or explanation.outlook is None or ledger.cache_clean < BIG:
        return None
    return ledger, explanation.outlook


@rule("cache-kept", "warning", "File cache stays: the VM is too busy for WSL to drop it, and why.", where="wsl2")
def cache_kept(evidence: Evidence) -> Found | None:
    """Much file cache, and no rule that may apply lets WSL drop it: WSL#10011, #11000, #41096."""
    both = cache_and_outlook(evidence)
    if both is None or both[1].id != "busy":
        return None
    ledger, outlook = both
    blockers = known(evidence.blockers)
    who = ", ".join(f"{short(name, 40)} {percent(share)}" for name, share in outlook.by[:NAMED] if share >= NOTABLE)
    return Found(
        severity=weight_of_cache(evidence, ledger),
        verdict="CACHE KEPT",
        sentence=f"{format_size(ledger.cache_clean)} of file cache stays: the VM is too busy for WSL to drop it"
        + (f" ({who})." if who else "."),
        evidence=(*cache_figures(ledger), *gate_figures(gates_of(evidence)), *blocker_figures(blockers)),
        remedy=(*offer(evidence, DROP), *calm_down(evidence, blockers)),
    )


def calm_down(evidence: Evidence, blockers: Blockers | None) -> tuple[Remedy, ...]:
    """What lets WSL drop it: nice what keeps the VM busy, where niced time does not count; a mode that waits less."""
    rules = rules_of(evidence)
    if blockers is not None and is_hidden(blockers):
        return (
            Remedy(
                kind="windows",
                does="see which distributions run: what keeps the VM busy cannot be seen from here",
                text="wsl --list --running",
            ),
        )
    if not rules or any(rule.counts_niced for rule in rules):
        return (advice("Close what keeps the CPU busy; WSL drops the cache once the VM is idle."),) if blockers else ()
    remedies = []
    pids = [pid for blocker in notable(blockers) for pid in blocker.pids][:MOST_PIDS] if blockers else []
    if pids:
        remedies.append(
            Remedy(
                kind="command",
                does="nice what keeps the VM busy: this WSL does not count niced processes",
                text=f"renice -n 1 -p $(ps -L -o lwp= -p {','.join(map(str, pids))})",
                cost="they give way to others; those of other users need sudo",
            )
        )
    mode = sure_mode(evidence)
    quicker = {rule.quicker_mode.get(mode) for rule in rules} if mode is not None else set()
    if quicker == {"gradual"} and evidence.reclaim_file is not False:
        cost = "the VM must be as idle as before; memory of programs may go to swap"
        remedies.append(reclaim_setting("gradual", "wait for 3 idle minutes in place of 10", cost))
    return tuple(remedies)


LOADED: Final = 25.0
"""Seconds after which the CPU time of a load is in no count of who is busy: that looks back for two counts of 10 s."""
LONGEST_DEMO: Final = 900.0
"""Seconds after which a demo without an end is over: the recording, or wsltop itself, was cut off."""


def loads(evidence: Evidence) -> bool:
    """Whether wsltop is or lately was at work by the user's wish: hogs fill, end or churn, or a demo runs."""
    hogs = evidence.moment.sample.hogs
    if any(hog.status in ("starting", "filling", "ending") or hog.kind == "churn" for hog in hogs):
        return True
    since = evidence.uptime - LOADED
    if any(event.kind == "hog" and event.end >= since for event in evidence.events):
        return True
    demo = next((one for one in reversed(evidence.events) if demo_phase(one)), None)
    if demo is None:
        return False
    return demo.end >= (since if demo_phase(demo) == DEMO_END else evidence.uptime - LONGEST_DEMO)


@rule("wsltop-blocks", "warning", "wsltop itself keeps the VM too busy.", where="wsl2")
def wsltop_blocks(evidence: Evidence) -> Found | None:
    """The gate would be open without wsltop: a monitor must not stop what it shows."""
    blockers, gates = known(evidence.blockers), gates_of(evidence)
    limit = min((window.limit for gate in gates for window in gate.windows), default=None)
    if blockers is None or limit is None or not all(gate.verdict == "shut" for gate in gates):
        return None
    own = min(blockers.own, blockers.total)
    if blockers.total <= limit or blockers.total - own > limit or loads(evidence):
        return None
    return Found(
        verdict="WSLTOP BLOCKS",
        sentence=f"wsltop's own {percent(own)} of all CPUs keeps WSL from giving memory back: without it "
        f"{percent(blockers.total - own)} would be in use, and {percent(limit)} is allowed.",
        evidence=(
            Figure("wsltop", percent(own)),
            Figure("the whole VM", percent(blockers.total)),
            Figure("allowed", percent(limit)),
        ),
        remedy=(
            Remedy(
                kind="command",
                does="look every 4 s while nothing moves",
                text="wsltop --quiet",
                key="z",
            ),
            Remedy(
                kind="command",
                does="look less often always",
                text="wsltop --interval 10",
                cost="the picture moves every 10 s",
            ),
        ),
    )


@rule("cache-waiting", "note", "WSL drops the file cache soon.", where="wsl2")
def cache_waiting(evidence: Evidence) -> Found | None:
    """The gate is open, or the VM too young for it: the cache goes without help."""
    both = cache_and_outlook(evidence)
    if both is None or both[1].id not in ("idle", "young"):
        return None
    ledger, outlook = both
    when = "" if outlook.latest is None else f" within {format_duration(max(0.0, outlook.latest))}"
    unsure = "" if sure_mode(evidence) else ", if its mode is the default"
    return Found(
        verdict="CACHE GOES SOON",
        sentence=f"WSL drops {format_size(ledger.cache_clean)} of file cache{when or ' soon'} if the VM "
        f"{'stays' if outlook.id == 'idle' else 'is'} idle{unsure}.",
        evidence=(*cache_figures(ledger), *gate_figures(gates_of(evidence))),
        remedy=offer(evidence, DROP),
    )


@rule("cache-spent", "note", "WSL has dropped the file cache once in this idle period.", where="wsl2")
def cache_spent(evidence: Evidence) -> Found | None:
    """dropCache drops once in an idle period; what is cached after that stays until the VM was busy once."""
    both = cache_and_outlook(evidence)
    if both is None or both[1].id not in ("spent", "acted-before"):
        return None
    ledger, _ = both
    return Found(
        verdict="DROPPED ONCE",
        sentence=f"WSL has acted once in this idle period; {format_size(ledger.cache_clean)} of file cache stays "
        "until the VM has been busy and idle again.",
        evidence=(*cache_figures(ledger), *gate_figures(gates_of(evidence))),
        remedy=offer(evidence, DROP),
    )


@rule("reclaim-silent", "warning", "The VM is idle and WSL does not drop the file cache.", where="wsl2")
def reclaim_silent(evidence: Evidence) -> Found | None:
    """The gate was open for long enough and nothing happened: the setting is inert (WSL#10011)."""
    both = cache_and_outlook(evidence)
    if both is None or both[1].id != "silent":
        return None
    ledger, outlook = both
    return Found(
        verdict="RECLAIM SILENT",
        sentence=f"{outlook.reason[:1].upper()}{outlook.reason[1:]}: {format_size(ledger.cache_clean)} stays.",
        evidence=(*cache_figures(ledger), *gate_figures(gates_of(evidence))),
        remedy=(*offer(evidence, DROP), SHUTDOWN),
    )


@rule("slab-kept", "warning", "Names and inodes of files hold memory that a drop of file cache leaves.")
def slab_kept(evidence: Evidence) -> Found | None:
    """Dentries and inodes are reclaimable slab: ``echo 1`` leaves them, ``echo 2`` and ``3`` do not (for-win#12944)."""
    ledger = ledger_of(evidence)
    if ledger is None or ledger.slab_reclaimable < max(BIG, ledger.total // SLAB_SHARE):
        return None
    rules = rules_of(evidence)
    left = evidence.on_wsl and bool(rules) and all(rule.drops == 1 for rule in rules)
    explanation = explained(evidence)
    short_of = explanation is not None and explanation.matter.weight in ("warning", "problem")
    return Found(
        severity="warning" if short_of or ledger.slab_reclaimable >= ledger.total // HEAVY_SLAB else "note",
        verdict="SLAB",
        sentence=f"{format_size(ledger.slab_reclaimable)} is names and inodes of files (slab)"
        + ("; WSL's own drop leaves it." if left else ", which Linux keeps until programs need the memory."),
        evidence=(
            size("slab, reclaimable", ledger.slab_reclaimable),
            *(size(short(one.name), one.size) for one in slab_caches(evidence, reclaimable=True)),
            size("file cache", ledger.cache),
            size("slab, not reclaimable", ledger.slab_unreclaimable),
        ),
        remedy=offer(evidence, DROP_ALL),
    )


def is_hidden(blockers: Blockers) -> bool:
    """Whether most of what keeps the VM busy cannot be seen from here."""
    return blockers.elsewhere > sum(one.share for one in blockers.visible)


def notable(blockers: Blockers) -> tuple[Blocker, ...]:
    """The visible processes that count."""
    return tuple(one for one in blockers.visible if one.share >= NOTABLE)[:NAMED]


def cache_figures(ledger: Ledger) -> tuple[Figure, ...]:
    """The cache, and what a drop would free of it."""
    return size("file cache", ledger.cache), size("- not in use", ledger.cache_clean)


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
