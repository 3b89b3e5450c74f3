"""Too little memory: swap traffic, stalls, what is left, whom the kernel has killed, and who grows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from wsltop.core.diagnosis.evidence import Evidence, ledger_of, short
from wsltop.core.diagnosis.finding import Figure, Found, Remedy, Severity, advice, memory_setting, percent, rule, size
from wsltop.core.explanation import STALLED
from wsltop.core.holders import FamilyGrowth, name_group, tell_family
from wsltop.model.sample import Event, Pressure, known
from wsltop.model.text import MIB, format_clock, format_duration, format_size

THRASH_RATE: Final = 1 * MIB
"""Bytes per second both in and out: the same memory goes back and forth; one way alone is only tidying up."""
THRASH_SECONDS: Final = 5.0
"""A shorter measurement catches a burst."""
LOW: Final = 0.05
"""Share of RAM that is available: the kernel's watermarks lie at one to two percent."""
SWAP_LEFT: Final = 0.1
OOM_RECENT: Final = 3600.0
"""Seconds; an older kill explains something, but nothing has to be done about it now."""
OWN: Final = "wsltop"
"""The family of wsltop and its hogs, which grow on purpose."""
SOON, TODAY, DAY = 15.0, 120.0, 480.0
"""Minutes until nothing is left: act now, before the next break, or within a day's work. What takes longer is not
told: the family will have been restarted by then."""
SHOWN: Final = 3
"""Families that the evidence names."""
KILLED: Final = re.compile(
    r"(?:(Memory cgroup out|Out) of memory: )?Kill(ed)? process (\d{1,10}) \((.{1,64}?)\)(?=[ ,]|$)"
    r"(?:.*anon-rss:(\d{1,15})kB)?"
)
"""mm/oom_kill.c. Before Linux 5.2 a line ``Kill process A … or sacrifice child`` announces a kill, and the next one,
``Killed process B``, names the process that died: A itself or a child of it."""
LIMITED: Final = re.compile(
    r"oom-kill:.*\bconstraint=CONSTRAINT_MEMCG\b.*?,oom_memcg=(/.{0,512}?),task_memcg=.*,pid=(\d{1,10})\b"
    r"|Task in .{1,512} killed as a result of limit of (/.{0,512})"
)
"""The group whose limit ran out; the second form before Linux 5.0, right ahead of the kill."""
OOMD: Final = re.compile(r"systemd-oomd\[\d+\]: Killed (/\S{0,512}) due to ")
"""systemd's src/oom/oomd-manager.c; in the kernel log where systemd writes there."""
TOGETHER: Final = 5.0
"""Seconds within which the lines of one kill are written."""


class Victim(NamedTuple):
    """A process that the OOM killer ended."""

    event: Event
    name: str
    pid: int
    held: int | None
    """Bytes of anonymous memory."""
    in_cgroup: bool
    """The limit of a control group ran out, not the machine."""
    group: str = ""
    """The path of that group, without its first slash; empty where no line tells it."""


@rule("swap-thrash", "problem", "Memory goes to the swap and comes back at the same time.")
def swap_thrash(evidence: Evidence) -> Found | None:
    """Memory goes to the swap and comes back at the same time: WSL#4669, #7215."""
    rates, ledger = known(evidence.swap_rates), ledger_of(evidence)
    if rates is None or rates.seconds < THRASH_SECONDS or min(rates.inward, rates.outward) < THRASH_RATE:
        return None
    pressure = known(evidence.moment.sample.pressure)
    swapped = known(ledger.swap_used) if ledger else None
    stalled = pressure is not None and pressure.some_avg10 >= STALLED
    return Found(
        severity="problem" if stalled else "warning",
        verdict="THRASHING",
        sentence=f"Memory goes to the swap at {format_size(rates.outward)}/s and comes back at "
        f"{format_size(rates.inward)}/s: too little RAM for what runs.",
        evidence=(
            Figure("swap out", f"{format_size(rates.outward)}/s"),
            Figure("swap in", f"{format_size(rates.inward)}/s"),
            *((size("swap in use", swapped),) if swapped is not None else ()),
            *pressure_figures(pressure),
        ),
        remedy=more_memory(evidence),
    )


@rule("memory-stall", "problem", "Programs wait for memory (PSI).")
def memory_stall(evidence: Evidence) -> Found | None:
    """Pressure stall information: the share of time in which tasks wait for memory (Documentation/accounting/psi)."""
    pressure = known(evidence.moment.sample.pressure)
    if pressure is None or max(pressure.some_avg60, pressure.full_avg10) < STALLED:
        return None
    return Found(
        severity="problem" if pressure.full_avg10 >= STALLED else "warning",
        verdict="MEMORY STALLS",
        sentence="Programs wait for memory instead of working: "
        f"{percent(pressure.some_avg60)} of the last minute for at least one of them.",
        evidence=pressure_figures(pressure),
        remedy=more_memory(evidence),
    )


@rule("memory-low", "problem", "Linux has hardly any memory left.")
def memory_low(evidence: Evidence) -> Found | None:
    """Hardly anything is available; the OOM killer is next where the swap is full too: WSL#7540, #5624."""
    ledger, meminfo = ledger_of(evidence), known(evidence.moment.sample.meminfo)
    # Without MemAvailable the ledger has MemFree in its place, which is low on every healthy machine.
    if ledger is None or meminfo is None or meminfo.available is None:
        return None
    if ledger.available >= ledger.total * LOW:
        return None
    free = known(ledger.swap_free)
    no_swap = ledger.swap_total == 0 or (free is not None and free < ledger.swap_total * SWAP_LEFT)
    severity: Severity = "problem" if no_swap else "warning"
    return Found(
        severity=severity,
        verdict="MEMORY LOW",
        sentence=f"{format_size(ledger.available)} of {format_size(ledger.total)} is available"
        + (", and no swap is left: the kernel will soon kill a program." if no_swap else "."),
        evidence=(
            size("available", ledger.available),
            size("memory of programs", ledger.anonymous),
            size("shared", ledger.shared),
            Figure(
                "swap free", f"{'unknown' if free is None else format_size(free)} of {format_size(ledger.swap_total)}"
            ),
        ),
        remedy=more_memory(evidence),
    )


@rule("oom-kill", "problem", "The kernel killed a process for lack of memory.")
def oom_kill(evidence: Evidence) -> Found | None:
    """The kernel killed something: WSL#7540, #40458, #10199."""
    victims = find_victims(evidence.events)
    if not victims:
        return oom_counted(evidence)
    last = victims[-1]
    age = max(0.0, evidence.uptime - last.event.end)
    group = limit_of(evidence, last)
    return Found(
        severity="problem" if age <= OOM_RECENT else "note",
        verdict="OOM KILL",
        sentence=f"The kernel killed {short(last.name, 20)} {format_duration(age)} ago, because "
        f"{tell_limit(group) if last.in_cgroup else 'memory'} ran out"
        + (f"; {len(victims) - 1} more before it." if len(victims) > 1 else "."),
        evidence=(
            *(victim_figure(victim, evidence) for victim in reversed(victims[-3:])),
            *((Figure("group", group.path),) if group else ()),
        ),
        remedy=() if age > OOM_RECENT else raise_group(group) if last.in_cgroup else more_memory(evidence),
    )


class FullGroup(NamedTuple):
    """The group whose limit ran out."""

    name: str
    path: str
    limit: int | None
    """Bytes, where the group can be read."""


def limit_of(evidence: Evidence, victim: Victim) -> FullGroup | None:
    """The group in whose limit a victim was killed, where the kernel log names it.

    Docker and WSL may see the tree from different groups: the path that the kernel names may begin higher up.
    """
    if not victim.group:
        return None
    groups = known(evidence.groups)
    same = [one for one in groups.groups if f"/{victim.group}".endswith(f"/{one.path}")] if groups else []
    if same:
        found = max(same, key=lambda one: len(one.path))
        return FullGroup(found.name, victim.group, found.limit)
    return FullGroup(name_group(victim.group)[1], victim.group, None)


def tell_limit(group: FullGroup | None) -> str:
    """What ran out."""
    if group is None:
        return "a control group's limit"
    limit = "" if group.limit is None else f" of {format_size(group.limit)}"
    return f"the limit{limit} of {short(group.name)}"


def raise_group(group: FullGroup | None) -> tuple[Remedy, ...]:
    """More memory for a group: ending something elsewhere, or more for the VM, would not help it."""
    which = "the control group" if group is None else short(group.name)
    return (
        advice(
            f"Raise the memory limit of {which} (memory.max; docker run --memory, deploy.resources in compose, "
            "MemoryMax= of a unit), or let the programs in it use less."
        ),
    )


def oom_counted(evidence: Evidence) -> Found | None:
    """Kills that only counters tell of: there was no line to read."""
    seen = sum(event.amounts.get("killed", 0) for event in evidence.events if event.kind == "oom kill")
    counters = known(evidence.moment.sample.counters)
    total = max(seen, counters.values.get("oom_kill", 0) if counters else 0)
    if total <= 0:
        return None
    ago = min((evidence.uptime - e.end for e in evidence.events if e.kind == "oom kill" and e.amounts), default=None)
    fresh = ago is not None and ago <= OOM_RECENT
    return Found(
        severity="problem" if fresh else "note",
        verdict="OOM KILL",
        sentence=f"The kernel has killed {total} of the VM's processes for lack of memory since boot; "
        "the kernel log no longer says which.",
        evidence=(Figure("OOM kills", str(total)),),
        remedy=more_memory(evidence) if fresh else (),
    )


@rule("oomd-kill", "problem", "systemd-oomd killed a group of processes for lack of memory.")
def oomd_kill(evidence: Evidence) -> Found | None:
    """systemd-oomd kills before the kernel does, by pressure or swap; the kernel counts none of it."""
    kills = [(event, match) for event in evidence.events if (match := OOMD.match(event.text)) is not None]
    if not kills:
        return None
    event, match = kills[-1]
    age = max(0.0, evidence.uptime - event.end)
    return Found(
        severity="problem" if age <= OOM_RECENT else "note",
        verdict="OOMD KILL",
        sentence=f"systemd-oomd killed {short(name_group(match[1].strip('/'))[1], 40)} {format_duration(age)} ago"
        + (f"; {len(kills) - 1} more before it." if len(kills) > 1 else "."),
        evidence=(Figure("log", short(event.text, 120)),),
        remedy=more_memory(evidence) if age <= OOM_RECENT else (),
    )


def find_victims(events: Sequence[Event]) -> list[Victim]:
    """Every process that the kernel log says was killed, oldest first."""
    victims: list[Victim] = []
    groups: dict[int | None, tuple[float, str]] = {}
    """When a line named a group, and its path, by the pid of the victim; None where the line has no pid."""
    announced: Victim | None = None
    for event in events:
        if event.kind != "oom kill":
            continue
        limited = LIMITED.match(event.text)
        if limited is not None:
            pid = int(limited[2]) if limited[2] else None
            groups[pid] = (event.end, (limited[1] or limited[3] or "").strip("/"))
        match = KILLED.match(event.text)
        if match is None:
            continue
        victim = read_victim(event, match, groups)
        if match[2] is None:
            announced = victim
            victims.append(victim)
            continue
        if announced is not None and event.end - announced.event.end <= TOGETHER and match[1] is None:
            victims.remove(announced)
            victim = victim._replace(in_cgroup=announced.in_cgroup, group=announced.group or victim.group)
        announced = None
        victims.append(victim)
    return victims


def read_victim(event: Event, match: re.Match[str], groups: Mapping[int | None, tuple[float, str]]) -> Victim:
    """The victim of a line, and the group that a line right before it named."""
    pid = int(match[3])
    at, group = groups.get(pid, groups.get(None, (float("-inf"), "")))
    if event.end - at > TOGETHER:
        group = ""
    held = None if match[5] is None else int(match[5]) * 1024
    return Victim(event, match[4], pid, held, in_cgroup=match[1] not in (None, "Out"), group=group)


def victim_figure(victim: Victim, evidence: Evidence) -> Figure:
    """When, who, how much."""
    held = "" if victim.held is None else f", {format_size(victim.held)}"
    ago = format_duration(max(0.0, evidence.uptime - victim.event.end))
    at = format_clock(victim.event.time, evidence.moment.sample.time)
    date = f", {at}" if " " in at else ""  # of another day
    return Figure(f"{ago} ago", f"{short(victim.name, 20)} (pid {victim.pid}){held}{date}")


def pressure_figures(pressure: Pressure | None) -> tuple[Figure, ...]:
    """Both kinds of waiting."""
    if pressure is None:
        return ()
    return (
        Figure("some wait", f"{percent(pressure.some_avg10)} of 10 s, {percent(pressure.some_avg60)} of 60 s"),
        Figure("all wait", f"{percent(pressure.full_avg10)} of 10 s, {percent(pressure.full_avg60)} of 60 s"),
    )


@rule("family-growing", "problem", "A program keeps growing.")
def family_growing(evidence: Evidence) -> Found | None:
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
    return Found(
        severity="problem" if minutes < SOON else "warning" if minutes < TODAY else "note",
        verdict="GROWING",
        sentence=f"{short(first.name, 20)} grows by {format_size(first.rate)} a minute; at this pace Linux is out of "
        f"memory in {format_duration(minutes * 60)}.",
        evidence=(
            *(growth_figure(evidence, one) for _, one in sorted(growing, key=lambda pair: pair[0])[:SHOWN]),
            *((size("available", ledger.available),) if ledger else ()),
        ),
        remedy=(replace(advice(f"End {short(first.name, 20)}.", "unsaved work in it is lost"), key="p"),),
    )


def growth_figure(evidence: Evidence, growth: FamilyGrowth) -> Figure:
    """What a family holds, how fast it grows, over how long that was seen."""
    holders = known(evidence.holders)
    held = sum(family.held for family in holders.families if family.name == growth.name) if holders else 0
    count = len(next((family.pids for family in holders.families if family.name == growth.name), ())) if holders else 0
    now = f"{format_size(held)}{f' in {count} processes' if count > 1 else ''}, " if held else ""
    pace = f"+{format_size(growth.rate)}/min over {format_duration(growth.span)}"
    return Figure(short(growth.name, 20), f"{now}{pace}")


def more_memory(evidence: Evidence) -> tuple[Remedy, ...]:
    """End the largest, or raise the limit."""
    ledger, holders = ledger_of(evidence), known(evidence.holders)
    families = [one for one in holders.families if not one.own and one.held > 0] if holders else []
    largest = max(families, key=lambda family: family.held, default=None)
    end = "End what holds the most."
    if largest is not None and holders is not None and not holders.unread:
        name = tell_family(short(largest.name, 20), len(largest.pids))
        hold = "holds" if len(largest.pids) == 1 else "hold"
        end = f"End {name}, which {hold} the most: {format_size(largest.held)}."
    raise_limit = memory_setting(evidence, more_than=ledger.total) if ledger else ()
    return (replace(advice(end, "unsaved work in it is lost"), key="p"), *raise_limit)
