"""The table of all rules: what can be found, how bad it gets, what it means. Within one severity the order counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from wsltop.core.diagnosis import cache, free, holders, mode, pressure, reporting, settings, shared, unread, windows
from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.finding import Finding, Severity

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
    Rule("guest-unreadable", "warning", "anywhere", unread.guest_unreadable, "The guest's figures cannot be read."),
    Rule("oom-kill", "problem", "anywhere", pressure.oom_kill, "The kernel killed a process for lack of memory."),
    Rule("swap-thrash", "problem", "anywhere", pressure.swap_thrash, "Memory goes to the swap and comes back at once."),
    Rule("memory-stall", "problem", "anywhere", pressure.memory_stall, "Programs wait for memory (PSI)."),
    Rule("memory-low", "problem", "anywhere", pressure.memory_low, "Hardly any memory is available."),
    Rule("windows-short", "problem", "wsl2", windows.windows_short, "Windows is short of memory that WSL could give."),
    Rule("family-growing", "problem", "anywhere", holders.family_growing, "A family of processes grows without end."),
    Rule("order7-starved", "problem", "wsl2", free.order7_starved, "No large free block: new terminals hang."),
    Rule("reporting-absent", "problem", "wsl2", reporting.reporting_absent, "The kernel never gives free pages back."),
    Rule("interop-timeouts", "warning", "wsl2", windows.interop_timeouts, "Connections with Windows time out."),
    Rule("reclaim-thread-dead", "warning", "wsl2", mode.reclaim_thread_dead, "WSL's reclaim failed with an error."),
    Rule("reporting-failing", "warning", "wsl2", reporting.reporting_failing, "Windows refuses reported free pages."),
    Rule("groups-frozen", "warning", "anywhere", holders.groups_frozen, "A control group is frozen, as by Docker."),
    Rule("cache-kept", "warning", "wsl2", cache.cache_kept, "Page cache stays: WSL's idle gate is shut, and by whom."),
    Rule("wsltop-blocks", "warning", "wsl2", cache.wsltop_blocks, "wsltop itself keeps the idle gate shut."),
    Rule("reclaim-silent", "warning", "wsl2", cache.reclaim_silent, "The gate is open and WSL does nothing."),
    Rule("reclaim-disabled", "warning", "wsl2", mode.reclaim_disabled, "autoMemoryReclaim=disabled keeps the cache."),
    Rule("gradual-swaps", "warning", "wsl2", mode.gradual_swaps, "gradual (up to 2.9.4) swaps programs out."),
    Rule("fragmented-free", "warning", "anywhere", free.fragmented_free, "Free memory in pieces too small to return."),
    Rule("not-returned", "warning", "anywhere", free.not_returned, "The host keeps what was reported free."),
    Rule("tmpfs-big", "warning", "anywhere", shared.tmpfs_big, "Files in a tmpfs, such as /mnt/wsl, hold memory."),
    Rule("shared-hidden", "warning", "anywhere", shared.shared_hidden, "Shared memory that no visible tmpfs explains."),
    Rule("huge-pages-reserved", "warning", "anywhere", shared.huge_pages_reserved, "Huge pages are reserved."),
    Rule("group-full", "warning", "anywhere", holders.group_full, "A control group is at its own memory limit."),
    Rule("elsewhere-hidden", "warning", "wsl2", holders.elsewhere_hidden, "Memory of processes not visible from here."),
    Rule("config-ignored", "warning", "wsl2", settings.config_ignored, "Lines of .wslconfig that WSL does not follow."),
    Rule("config-not-in-force", "warning", "wsl2", settings.config_not_in_force, ".wslconfig is newer than the VM."),
    Rule("config-differs", "warning", "wsl2", settings.config_differs, "The VM is not as .wslconfig says."),
    Rule("interop-broken", "warning", "wsl2", windows.interop_broken, "Windows programs cannot be started."),
    Rule("draining", "note", "anywhere", free.draining, "Freed memory is on its way to the host: wait."),
    Rule("return-unwatched", "note", "anywhere", free.return_unwatched, "Too much stays out, for too short to judge."),
    Rule("cache-waiting", "note", "wsl2", cache.cache_waiting, "WSL drops the cache soon by itself."),
    Rule("cache-spent", "note", "wsl2", cache.cache_spent, "WSL dropped the cache once in this idle period."),
    Rule("host-trimmed", "note", "anywhere", windows.host_trimmed, "The host trimmed the VM; that is no reclaim."),
    Rule("gradual-falls-back", "note", "wsl2", mode.gradual_falls_back, "gradual runs as dropCache: no cgroup v2."),
    Rule("gradual-ends-v1", "note", "wsl2", mode.gradual_ends_v1, "gradual has turned cgroup v1 off."),
    Rule("order-assumed", "note", "wsl2", reporting.order_assumed, "The reporting order is assumed, not read."),
    Rule("several-vms", "note", "wsl2", windows.several_vms, "Windows runs several virtual machines."),
    Rule("config-doubtful", "note", "wsl2", settings.config_doubtful, "Lines of .wslconfig that are rarely meant."),
    Rule("host-unreadable", "note", "wsl2", unread.host_unreadable, "Windows' figures cannot be read."),
    Rule("log-unreadable", "note", "anywhere", unread.log_unreadable, "The kernel log cannot be read."),
    Rule("wsl1", "note", "anywhere", unread.wsl1, "This is WSL 1, which has no virtual machine."),
)


def apply(rule: Rule, evidence: Evidence) -> Finding | None:
    """Judge the evidence by one rule, where the rule has its place."""
    if rule.place == "wsl2" and not evidence.on_wsl:
        return None
    return rule.judge(evidence)
