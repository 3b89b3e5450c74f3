"""``autoMemoryReclaim``: what its modes do on the side, and whether the thread behind them still lives."""

from __future__ import annotations

import re
from typing import Final

from wsltop.core.diagnosis.evidence import (
    BIG,
    Evidence,
    gates_of,
    ledger_of,
    never_compacts,
    recent,
    rules_of,
    running_mode,
    short,
    sure_mode,
    weight_of_cache,
)
from wsltop.core.diagnosis.finding import (
    DROP,
    RESTART,
    SHUTDOWN,
    UPDATE,
    Figure,
    Found,
    advice,
    offer,
    reclaim_setting,
    rule,
    size,
)
from wsltop.core.gate.rules import FALLS_BACK
from wsltop.model.sample import CgroupMode, Event, known
from wsltop.model.text import MIB, format_duration, format_size

SWAPPED: Final = 256 * MIB
"""Less in the swap is what any Linux puts there of programs that never run."""
RETURNING: Final = 1 * MIB
"""Bytes per second that come back from swap: somebody waits for what was put there."""
INVALID: Final = re.compile(r"(?:RequestReclaim|swappiness).*failed 22\b")
"""EINVAL of ``memory.reclaim``: before Linux 6.10 it takes no swappiness."""
THREAD_ERROR: Final = re.compile(
    r"WSL \(1(?: - [^)]{0,32})?\) ERROR: .*(?:memory\.reclaim|/vm/drop_caches|/vm/compact_memory|RequestReclaim)"
)
"""``WSL (1) ERROR: WriteToFile:3321: write(/sys/fs/cgroup/memory.reclaim, 35785605`` (WSL#10534)."""
LOOK: Final = 30
"""Seconds between two looks of WSL up to 2.9.4, where its version is not known."""
OTHER_FILE: Final = "use the mode that does not write to memory.reclaim"


@rule("reclaim-disabled", "warning", "autoMemoryReclaim=disabled keeps the file cache.", where="wsl2")
def reclaim_disabled(evidence: Evidence) -> Found | None:
    """``disabled``: WSL never returns file cache (WSL#41285), and after 2.9.4 WSL does not compact either."""
    ledger, reclaim = ledger_of(evidence), known(evidence.reclaim)
    if ledger is None or reclaim is None or sure_mode(evidence) != "disabled" or ledger.cache_clean < BIG:
        return None
    nor = ", nor does it compact" if never_compacts(evidence) else ""
    return Found(
        severity=weight_of_cache(evidence, ledger),
        verdict="RECLAIM OFF",
        sentence=f"autoMemoryReclaim is disabled: WSL never gives back {format_size(ledger.cache_clean)} of file "
        f"cache{nor}.",
        evidence=(size("file cache", ledger.cache), Figure("mode", short(f"disabled; {reclaim.source}", 120))),
        remedy=(
            *offer(evidence, DROP),
            reclaim_setting("dropCache", "let WSL drop it when the VM is idle", "files are read again after idling"),
        ),
    )


@rule("gradual-falls-back", "note", "gradual runs as dropCache: no cgroup v2.", where="wsl2")
def gradual_falls_back(evidence: Evidence) -> Found | None:
    """``gradual`` needs ``memory.reclaim`` of cgroup v2; without it WSL runs dropCache."""
    log = next((event for event in evidence.events if event.kind == "init" and FALLS_BACK.match(event.text)), None)
    old = cgroup_mode(evidence) in ("v1", "hybrid") or known(evidence.reclaim_file) is False
    if log is None and not (old and sure_mode(evidence) == "gradual"):
        return None
    why = (
        "WSL's init says so" if log else "there is no memory.reclaim in the root of cgroup v2, which gradual writes to"
    )
    return Found(
        verdict="NOT GRADUAL",
        sentence=f"autoMemoryReclaim=gradual runs as dropCache: {why}.",
        evidence=(
            *cgroup_figures(evidence),
            *((Figure("memory.reclaim", "absent"),) if evidence.reclaim_file is False else ()),
            *((Figure("kernel log", short(log.text, 120)),) if log else ()),
        ),
        remedy=(
            advice("Get cgroup v2: cgroups=v2 under [automount] in /etc/wsl.conf, or a newer WSL.", RESTART),
            reclaim_setting("dropCache", "name the mode that runs anyway"),
        ),
    )


@rule("gradual-swaps", "warning", "gradual (up to 2.9.4) swaps programs out.", where="wsl2")
def gradual_swaps(evidence: Evidence) -> Found | None:
    """``gradual`` up to 2.9.4 names no swappiness, so programs are swapped out while idle: WSL#10675."""
    ledger = ledger_of(evidence)
    rules = rules_of(evidence)
    if ledger is None or not rules or not all(rule.gradual_swaps for rule in rules):
        return None
    swapped = known(ledger.swap_used) or 0
    if running_mode(evidence) != "gradual" or swapped < SWAPPED:
        return None
    rates = known(evidence.swap_rates)
    returning = rates is not None and rates.inward >= RETURNING
    return Found(
        severity="warning" if returning else "note",
        verdict="GRADUAL SWAPS",
        sentence=f"gradual may swap programs out while the VM is idle; {format_size(swapped)} is in the swap"
        + (" and comes back now: that is the lag." if returning else "."),
        evidence=(
            size("swap in use", swapped),
            *((Figure("swap in", f"{format_size(rates.inward)}/s"),) if rates else ()),
        ),
        remedy=(reclaim_setting("dropCache", "reclaim file cache only", "all of the cache goes at once"), UPDATE),
    )


@rule("gradual-ends-v1", "note", "gradual has turned cgroup v1 off.", where="wsl2")
def gradual_ends_v1(evidence: Evidence) -> Found | None:
    """WSL 2.0 turned cgroup v1 off for ``gradual``, and container engines that need it fail: WSL#10497, #10515."""
    cmdline = known(evidence.cmdline)
    argument = next((word for word in (cmdline or "").split() if word.startswith("cgroup_no_v1=")), None)
    if argument is None or sure_mode(evidence) != "gradual":
        return None
    return Found(
        verdict="CGROUP V1 OFF",
        sentence="gradual has turned cgroup v1 off: container engines that need it fail to start.",
        evidence=(Figure("command line", short(argument)), *cgroup_figures(evidence)),
        remedy=(reclaim_setting("dropCache", "get cgroup v1 back"), UPDATE),
    )


@rule("reclaim-thread-dead", "warning", "An error has ended WSL's reclaim and compaction.", where="wsl2")
def reclaim_thread_dead(evidence: Evidence) -> Found | None:
    """An error of a write ends the thread for the life of the VM up to 2.9.4, unless it is seen going on."""
    errors = thread_errors(evidence)
    ends = {rule.ends_on_error for rule in rules_of(evidence)}
    if not errors or ends == {False} or acted_since(evidence, errors[-1]) or fails_again(evidence, errors):
        return None
    ago = format_duration(max(0.0, evidence.uptime - errors[-1].end))
    if ends == {True}:
        sentence = f"WSL's reclaim failed {ago} ago, which ends it: no reclaim and no compaction until the VM restarts."
    else:
        sentence = f"WSL's reclaim failed {ago} ago; up to WSL 2.9.4 that ends it until the VM restarts."
    return Found(
        verdict="RECLAIM FAILED",
        sentence=sentence,
        evidence=(Figure("kernel log", short(errors[-1].text, 120)),),
        remedy=(SHUTDOWN, reclaim_setting("dropCache", OTHER_FILE), DROP),
    )


@rule("reclaim-failing", "warning", "WSL's reclaim fails, and tries again.", where="wsl2")
def reclaim_failing(evidence: Evidence) -> Found | None:
    """The same error in later periods: the thread lives and goes on failing (WSL#10534). After 2.9.4 it always does."""
    errors = thread_errors(evidence)
    survives = {rule.ends_on_error for rule in rules_of(evidence)} == {False}
    again = fails_again(evidence, errors)
    if not errors or acted_since(evidence, errors[-1]) or not (survives or again):
        return None
    count = len(errors)
    ago = format_duration(max(0.0, evidence.uptime - errors[-1].end))
    often = f"{count} times, the last time {ago} ago" if again else f"{ago} ago"
    return Found(
        severity="warning" if again else "note",
        verdict="RECLAIM FAILS",
        sentence=f"WSL's reclaim failed {often}; it tries again."
        + (" This kernel does not take swappiness=, which it writes." if INVALID.search(errors[-1].text) else ""),
        evidence=(
            Figure("errors", str(count), count, "count"),
            Figure("kernel log", short(errors[-1].text, 120)),
        ),
        remedy=(reclaim_setting("dropCache", OTHER_FILE), DROP),
    )


def thread_errors(evidence: Evidence) -> list[Event]:
    """Events in which init's thread that reclaims says that a write failed, oldest first."""
    return [event for event in evidence.events if is_thread_error(event)]


def fails_again(evidence: Evidence, errors: list[Event]) -> bool:
    """Whether the thread that failed has failed again at a later look: then the first error did not end it."""
    period = max((rule.period for rule in rules_of(evidence)), default=LOOK)
    return bool(errors) and errors[-1].end - errors[0].start >= period * 0.9


def is_thread_error(event: Event) -> bool:
    """Whether init's thread that reclaims says that a write failed."""
    return event.kind == "init" and THREAD_ERROR.match(event.text) is not None


def acted_since(evidence: Evidence, error: Event) -> bool:
    """Whether WSL was seen reclaiming or compacting after the error."""
    lasts = [gate.last_fired for gate in gates_of(evidence)]
    if any(last is not None and evidence.uptime - last > error.end for last in lasts):
        return True
    since = evidence.uptime - error.end
    return any("mini_init" in event.text and event.start > error.end for event in recent(evidence, "cache drop", since))


def cgroup_mode(evidence: Evidence) -> CgroupMode | None:
    """How control groups are mounted."""
    mounts = known(evidence.mounts)
    return None if mounts is None else known(mounts.cgroups)


def cgroup_figures(evidence: Evidence) -> tuple[Figure, ...]:
    """How control groups are mounted, when it is known."""
    mode = cgroup_mode(evidence)
    return () if mode is None else (Figure("cgroups", mode),)
