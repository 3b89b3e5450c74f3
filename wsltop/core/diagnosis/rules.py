"""All rules, applied to the evidence: the findings, worst first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from wsltop.core.diagnosis.cache import cache_kept, cache_spent, cache_waiting, reclaim_silent, wsltop_blocks
from wsltop.core.diagnosis.evidence import Evidence, host_name, host_of, ledger_of, short
from wsltop.core.diagnosis.finding import Figure, Finding, Severity, rank, size
from wsltop.core.diagnosis.free import (
    draining,
    fragmented_free,
    not_returned,
    order7_starved,
    order_assumed,
    reporting_absent,
    reporting_failing,
    return_unwatched,
)
from wsltop.core.diagnosis.holders import (
    elsewhere_hidden,
    family_growing,
    group_full,
    groups_frozen,
    huge_pages_reserved,
    shared_hidden,
    tmpfs_big,
)
from wsltop.core.diagnosis.mode import (
    gradual_ends_v1,
    gradual_falls_back,
    gradual_swaps,
    reclaim_disabled,
    reclaim_thread_dead,
)
from wsltop.core.diagnosis.pressure import memory_low, memory_stall, oom_kill, swap_thrash
from wsltop.core.diagnosis.settings import (
    config_differs,
    config_doubtful,
    config_ignored,
    config_not_in_force,
    guest_unreadable,
    host_unreadable,
    log_unreadable,
    wsl1,
)
from wsltop.core.diagnosis.windows import host_trimmed, interop_broken, interop_timeouts, several_vms, windows_short
from wsltop.model.reading import Unavailable
from wsltop.model.units import MIB, format_size

Judge = Callable[[Evidence], Finding | None]
Place = Literal["anywhere", "wsl2"]
"""``wsl2``: only where the guest is known to be one."""


class Rule(NamedTuple):
    """One row."""

    id: str
    severity: Severity
    """The worst that it finds."""
    place: Place
    judge: Judge
    meaning: str
    """One line, for the documentation."""


RULES: Final = (
    Rule("guest-unreadable", "warning", "anywhere", guest_unreadable, "The guest's figures cannot be read."),
    Rule("oom-kill", "problem", "anywhere", oom_kill, "The kernel killed a process for lack of memory."),
    Rule("swap-thrash", "problem", "anywhere", swap_thrash, "Memory goes to the swap and comes back at once."),
    Rule("memory-stall", "problem", "anywhere", memory_stall, "Programs wait for memory (PSI)."),
    Rule("memory-low", "problem", "anywhere", memory_low, "Hardly any memory is available."),
    Rule("windows-short", "problem", "wsl2", windows_short, "Windows is short of memory that WSL could give."),
    Rule("family-growing", "problem", "anywhere", family_growing, "A family of processes grows without end."),
    Rule("order7-starved", "problem", "wsl2", order7_starved, "No large free block: new terminals hang."),
    Rule("reporting-absent", "problem", "wsl2", reporting_absent, "The kernel never gives free pages back."),
    Rule("interop-timeouts", "warning", "wsl2", interop_timeouts, "Connections with Windows time out."),
    Rule("reclaim-thread-dead", "warning", "wsl2", reclaim_thread_dead, "WSL's reclaim failed with an error."),
    Rule("reporting-failing", "warning", "wsl2", reporting_failing, "Windows refuses reported free pages."),
    Rule("groups-frozen", "warning", "anywhere", groups_frozen, "A control group is frozen, as by Docker."),
    Rule("cache-kept", "warning", "wsl2", cache_kept, "Page cache stays: WSL's idle gate is shut, and by whom."),
    Rule("wsltop-blocks", "warning", "wsl2", wsltop_blocks, "wsltop itself keeps the idle gate shut."),
    Rule("reclaim-silent", "warning", "wsl2", reclaim_silent, "The gate is open and WSL does nothing."),
    Rule("reclaim-disabled", "warning", "wsl2", reclaim_disabled, "autoMemoryReclaim=disabled keeps the cache."),
    Rule("gradual-swaps", "warning", "wsl2", gradual_swaps, "gradual (up to 2.9.4) swaps programs out."),
    Rule("fragmented-free", "warning", "anywhere", fragmented_free, "Free memory in pieces too small to return."),
    Rule("not-returned", "warning", "anywhere", not_returned, "The host keeps what was reported free."),
    Rule("tmpfs-big", "warning", "anywhere", tmpfs_big, "Files in a tmpfs, such as /mnt/wsl, hold memory."),
    Rule("shared-hidden", "warning", "anywhere", shared_hidden, "Shared memory that no visible tmpfs explains."),
    Rule("huge-pages-reserved", "warning", "anywhere", huge_pages_reserved, "Huge pages are reserved."),
    Rule("group-full", "warning", "anywhere", group_full, "A control group is at its own memory limit."),
    Rule("elsewhere-hidden", "warning", "wsl2", elsewhere_hidden, "Memory of processes not visible from here."),
    Rule("config-ignored", "warning", "wsl2", config_ignored, "Lines of .wslconfig that WSL does not follow."),
    Rule("config-not-in-force", "warning", "wsl2", config_not_in_force, ".wslconfig is newer than the VM."),
    Rule("config-differs", "warning", "wsl2", config_differs, "The VM is not as .wslconfig says."),
    Rule("interop-broken", "warning", "wsl2", interop_broken, "Windows programs cannot be started."),
    Rule("draining", "note", "anywhere", draining, "Freed memory is on its way to the host: wait."),
    Rule("return-unwatched", "note", "anywhere", return_unwatched, "Too much stays out, for too short to judge."),
    Rule("cache-waiting", "note", "wsl2", cache_waiting, "WSL drops the cache soon by itself."),
    Rule("cache-spent", "note", "wsl2", cache_spent, "WSL dropped the cache once in this idle period."),
    Rule("host-trimmed", "note", "anywhere", host_trimmed, "The host trimmed the VM; that is no reclaim."),
    Rule("gradual-falls-back", "note", "wsl2", gradual_falls_back, "gradual runs as dropCache: no cgroup v2."),
    Rule("gradual-ends-v1", "note", "wsl2", gradual_ends_v1, "gradual has turned cgroup v1 off."),
    Rule("order-assumed", "note", "wsl2", order_assumed, "The reporting order is assumed, not read."),
    Rule("several-vms", "note", "wsl2", several_vms, "Windows runs several virtual machines."),
    Rule("config-doubtful", "note", "wsl2", config_doubtful, "Lines of .wslconfig that are rarely meant."),
    Rule("host-unreadable", "note", "wsl2", host_unreadable, "Windows' figures cannot be read."),
    Rule("log-unreadable", "note", "anywhere", log_unreadable, "The kernel log cannot be read."),
    Rule("wsl1", "note", "anywhere", wsl1, "This is WSL 1, which has no virtual machine."),
)


def apply(rule: Rule, evidence: Evidence) -> Finding | None:
    """Judge the evidence by one rule, where the rule has its place."""
    if rule.place == "wsl2" and not evidence.on_wsl:
        return None
    return rule.judge(evidence)


NOTHING_WRONG: Final = "nothing-wrong"
CACHE: Final = 256 * MIB
"""Page cache that is worth naming as what fills the memory."""


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """Return what is found, the worst first and without what is silenced; the same evidence gives the same answer.

    When nothing is worse than a note, ``nothing-wrong`` stands before the notes.
    """
    found = [finding for rule in RULES if (finding := apply(rule, evidence)) is not None]
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
    names = ["whether free memory comes back"] if return_unwatched(evidence) is not None else []
    if evidence.on_wsl:
        parts += [("Windows", evidence.moment.host), ("idle gate", evidence.gates), (".wslconfig", evidence.config)]
    return names + [name for name, part in parts if isinstance(part, Unavailable)]


def catalogue() -> tuple[tuple[str, Severity, str], ...]:
    """Return every id with its worst severity and its meaning, the worst first."""
    rows: list[tuple[str, Severity, str]] = [(rule.id, rule.severity, rule.meaning) for rule in RULES]
    rows.sort(key=lambda row: -rank(row[1]))
    return (*rows, (NOTHING_WRONG, "ok", "Nothing worse than a note: what is used is used, the rest is reclaimable."))
