"""Who holds memory: families that grow, what is not visible from here, groups that are frozen or at their limit."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.figures import known, ledger_of, short, sure_mode
from wsltop.core.diagnosis.finding import Figure, Finding, Remedy, percent, size
from wsltop.core.diagnosis.remedies import SHUTDOWN, advice
from wsltop.core.groups import Group
from wsltop.core.growth import FamilyGrowth
from wsltop.core.units import GIB, format_duration, format_size

OWN: Final = "wsltop"
"""The family of wsltop and its hogs, which grow on purpose."""
SOON, TODAY, DAY = 15.0, 120.0, 480.0
"""Minutes until nothing is left: act now, before the next break, or within a day's work. What takes longer is not
told: the family will have been restarted by then."""
HIDDEN, HIDDEN_SHARE, HALF_HIDDEN = GIB, 8, 3
"""The system distribution and WSL's init together hold a few hundred MiB."""
FULL: Final = 0.9
"""Share of a group's limit that is anonymous or shared and so cannot be reclaimed without swap."""
SHOWN: Final = 3


def family_growing(evidence: Evidence) -> Finding | None:
    """Processes that grow without end: vscode-remote-release#2919, #3195."""
    growing = [
        (one.minutes_left, one)
        for one in known(evidence.growth) or ()
        if one.growing and one.name != OWN and one.minutes_left is not None and one.rate > 0
    ]
    if not growing:
        return None
    minutes, first = min(growing, key=lambda pair: (pair[0], pair[1].name))
    if minutes > DAY:
        return None
    ledger = ledger_of(evidence)
    return Finding(
        id="family-growing",
        severity="problem" if minutes < SOON else "warning" if minutes < TODAY else "note",
        verdict="GROWING",
        sentence=f"{short(first.name, 20)} grows by {format_size(first.rate)} a minute; at this pace nothing is left "
        f"in {format_duration(minutes * 60)}.",
        evidence=(
            *(growth_figure(evidence, one) for _, one in sorted(growing, key=lambda pair: pair[0])[:SHOWN]),
            *((size("available", ledger.available),) if ledger else ()),
        ),
        remedy=(advice(f"Restart {short(first.name, 20)}.", "what is not saved in it"),),
    )


def growth_figure(evidence: Evidence, growth: FamilyGrowth) -> Figure:
    """What a family holds, how fast it grows, over how long that was seen."""
    holders = known(evidence.holders)
    held = sum(family.held for family in holders.families if family.name == growth.name) if holders else 0
    now = f"{format_size(held)}, " if held else ""
    pace = f"+{format_size(growth.rate)}/min over {format_duration(growth.span)}"
    return Figure(short(growth.name, 20), f"{now}{pace}")


def elsewhere_hidden(evidence: Evidence) -> Finding | None:
    """Other distributions, Docker Desktop and WSLg have PID namespaces of their own: WSL#7540, #11000, wslg#919."""
    ledger, holders = ledger_of(evidence), known(evidence.holders)
    elsewhere = None if holders is None else known(holders.elsewhere)
    if ledger is None or elsewhere is None or elsewhere < max(HIDDEN, ledger.total // HIDDEN_SHARE):
        return None
    return Finding(
        id="elsewhere-hidden",
        severity="warning" if elsewhere >= ledger.total // HALF_HIDDEN else "note",
        verdict="HIDDEN MEMORY",
        sentence=f"At least {format_size(elsewhere)} belongs to processes that cannot be seen from here: other "
        "distributions, containers, WSLg.",
        evidence=(size("elsewhere", elsewhere), size("anonymous", ledger.anonymous), size("shared", ledger.shared)),
        remedy=(
            Remedy(kind="windows", does="see which distributions run", text="wsl --list --running"),
            Remedy(
                kind="windows",
                does="look at all processes, with top",
                text="wsl --debug-shell",
                cost="needs an administrator",
            ),
            Remedy(kind="windows", does="end one of them", text="wsl --terminate NAME", cost="ends what runs in it"),
        ),
    )


def groups_frozen(evidence: Evidence) -> Finding | None:
    """Docker Desktop's pause freezes more than its own under cgroup v2: WSL#11066, #12991, docker/for-win#14656."""
    groups = known(evidence.groups)
    if groups is None:
        return None
    paused = [group for group in groups.groups if group.frozen and group.kind == "container"]
    strangers = groups.frozen
    if not strangers and not paused:
        return None
    gradual = sure_mode(evidence) == "gradual"
    if strangers:
        sentence = f"{short(strangers[0])} is frozen: what runs in it hangs and keeps its memory."
    else:
        sentence = (
            f"{'A container is' if len(paused) == 1 else f'{len(paused)} containers are'} paused, and keep memory."
        )
    why = "; gradual reclaim and it do not mix" if gradual else ""
    saver = f"Turn Resource Saver off in Docker Desktop, under Settings, Resources{why}."
    return Finding(
        id="groups-frozen",
        severity="warning" if strangers else "note",
        verdict="FROZEN",
        sentence=sentence,
        evidence=(
            *(Figure(short(name), "frozen") for name in strangers[:SHOWN]),
            *(Figure(short(group.name), f"paused with {format_size(group.current)}") for group in paused[:SHOWN]),
        ),
        remedy=(advice(saver, "an idle engine uses CPU"), SHUTDOWN)
        if evidence.on_wsl
        else (advice("Thaw it with the program that froze it."),),
    )


def group_full(evidence: Evidence) -> Finding | None:
    """A group near its memory.max: the kernel kills in it while the machine has memory left (WSL#40519)."""
    ledger, groups = ledger_of(evidence), known(evidence.groups)
    if ledger is None or groups is None:
        return None
    full = sorted(
        ((share, group) for group in groups.groups if (share := fullness(group, ledger.total)) >= FULL),
        key=lambda pair: (-pair[0], pair[1].path),
    )
    if not full:
        return None
    share, group = full[0]
    return Finding(
        id="group-full",
        severity="warning",
        verdict="GROUP AT LIMIT",
        sentence=f"{short(group.name)} uses {percent(share)} of its own limit of {format_size(group.limit or 0)}: the "
        "kernel kills in it first, though others have memory.",
        evidence=tuple(
            Figure(short(one.name), f"{percent(part)} of {format_size(one.limit or 0)}") for part, one in full[:SHOWN]
        ),
        remedy=(advice("Raise the limit of this group or container, or end something in it."),),
    )


def fullness(group: Group, total: int) -> float:
    """The share of the group's limit that cannot be reclaimed; 0 where it has none below the machine's RAM."""
    if group.limit is None or not 0 < group.limit < total or group.anonymous is None:
        return 0.0
    return (group.anonymous + (group.shared or 0)) / group.limit
