"""The explanation of a moment: what Windows lends and why, what gives it back, whether WSL will, whether it matters.

Everything that wsltop says about the memory that Windows lends is read from here: bars, legend, headline, findings,
plans, snapshot and report. So one figure has one value on one screen.

The parts of what is lent are buckets of the ledger. With what is on its way back and the rest they add up to the byte::

    lent = working set of the VM's process, or what Windows is expected to lend where it cannot be read
         = programs + shared + file cache + slab + kernel + huge pages + scattered free     (the guest's own)
         + on its way back                                                                  (freed, not yet reported)
         + the VM itself, or minus what Windows has trimmed or compressed of it             (the rest)
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import asdict, replace

from wsltop.core.gate.watch import Blockers, GateState
from wsltop.core.ledger import NOISE, NOISE_SHARE, WSL1, Draining, Ledger, Lent
from wsltop.core.prediction import (
    FREE_PART,
    Part,
    Prediction,
    Shares,
    add_up,
    predict_compaction,
    predict_drop,
    predict_hogs,
    predict_kill,
    predict_split,
)
from wsltop.core.wslconfig.effective import Suggestion
from wsltop.model.sample import Hog, Holders, HostMemory, Pressure, Reading, SeveralVms, Unavailable
from wsltop.model.text import GIB, MIB, clean, format_duration, format_size, write_as_root

SMALL: Final = 32 * MIB
"""Parts and ways to give memory back below this are not worth a word of their own."""
PLENTY: Final = 0.25
"""With at least this share of its RAM left, Windows is not short (issue threads: people notice below it)."""
TIGHT: Final = 0.1
"""Below this share Windows trims working sets of everything that runs."""
CLEAR: Final = 1 / 32
"""Share of Windows' RAM by which what it has left must exceed a limit for that to last."""
LARGE: Final = 1 / 8
"""WSL lends much when it lends this share of Windows' RAM beyond what its programs hold."""
STALLED: Final = 0.1
"""Share of time in which programs wait for memory that people notice; systemd-oomd acts at 0.6 of ``full``."""
NO_PRESSURE: Final = Unavailable("not read")
SPARE: Final = 5.0
"""Seconds beyond a window of the idle gate for which a command should watch: its samples do not begin at once."""
SOON: Final = 600.0
"""A trend is worth saying when it ends within so many seconds."""
TOO_LARGE: Final = 1 / 4
"""Beyond this share it is too much, however much Windows has left."""


WayId = Literal[
    "wait", "drop-cache", "drop-all", "compact", "split", "reclaim", "hogs", "end", "stop", "limit", "shutdown"
]


class Means(Struct, frozen=True, kw_only=True):
    """What can be done to give memory back, whatever it would give."""

    id: WayId
    does: str
    """What it does, in the imperative: ``drop the file cache``."""
    key: str = ""
    """The key on the screen that does it, after a question; empty where there is none."""
    command: str = ""
    """The exact command or lines of ``.wslconfig``; empty where there is none."""
    cost: str = ""
    """What it costs, as a clause."""


class Way(Means, frozen=True, kw_only=True, tag="way"):
    """One way to give memory back to Windows now."""

    gives: int
    """The likely bytes that Windows gets back."""
    low: int
    high: int
    """The ends of the range."""
    seconds: float | None = None
    """Until Windows has them, where it is known."""


Answer = Literal["yes", "no", "unknown"]
OutlookId = Literal[
    "disabled", "silent", "busy", "young", "idle", "spent", "acted-before", "watching", "next-look", "rules-differ"
]
"""Why. ``silent``: it was idle for long enough and WSL did nothing. ``young``: the VM is too young for the rule.
``idle``: WSL acts at its next look. ``spent``: it has acted in this idle period. ``next-look``: that look tells."""


class Outlook(Struct, frozen=True, kw_only=True, tag="outlook"):
    """Whether WSL gives the cache back without help."""

    answer: Answer
    id: OutlookId
    reason: str
    """Why, as a sentence without a stop."""
    earliest: float | None = None
    """Seconds until WSL acts, if everything rests from now on (``no``: after that rest; ``yes``: at its next look)."""
    latest: float | None = None
    known_in: float | None = None
    """``unknown``: seconds of watching until it can be known."""
    watch: float | None = None
    """``unknown``: seconds that must be watched in all, where that is what is missing."""
    by: tuple[tuple[str, float], ...] = ()
    """Who keeps the gate shut: names with their shares of all CPUs, largest first."""


Weight = Literal["ok", "note", "warning", "problem"]
MatterId = Literal["plenty", "lends-much", "windows-short", "windows-short-elsewhere", "windows-unknown"]


class Matter(Struct, frozen=True, kw_only=True, tag="matter"):
    """Whether what is lent matters to Windows."""

    id: MatterId
    weight: Weight
    available: int | None = None
    """What Windows has left, in bytes; None where that is unknown."""
    total: int | None = None
    runs_out: float | None = None
    """Seconds until Windows has a tenth left if it goes on as in the last minutes; None where that is far off."""
    stalled: float | None = None
    """Share of the last minute in which programs in Linux waited for memory; None where that is little, or unknown."""

    @property
    def missing(self) -> float:
        """Bytes until Windows is clearly less short, and not short again at once; infinite where that is not known."""
        if self.available is None or self.total is None:
            return math.inf
        share = TIGHT if self.available < self.total * TIGHT else PLENTY
        return max(0.0, self.total * share - self.available) + self.total * CLEAR


class Explanation(Struct, frozen=True, kw_only=True, tag="explanation"):
    """The answers to: how much, why, what gives it back, will WSL do it, does it matter."""

    lent: Lent
    ways: tuple[Way, ...]
    """Best first: what costs least before what costs more, then by what it gives."""
    outlook: Outlook | None
    """None where this is not WSL 2, so there is no such thread."""
    matter: Matter
    host_name: str
    """``Windows``, or ``the host``."""

    @property
    def best(self) -> Way | None:
        """The way to name first: a harmless one that gives a good part, else the gentlest that gives Windows enough.

        Where none gives enough, or what Windows has left is not known, it is the one that gives most.

        A good part is half of the most that any harmless way gives, and a tenth of the part that is the cause: to name
        a drop of 0.6 GiB where 10 GiB are the kernel's would send people the wrong way. Where all is fine, nothing that
        ends a program is named. What wsltop itself holds goes first.
        """
        if self.own is not None:
            return self.own
        harmless = [way for way in self.ways if way.id in HARMLESS]
        most = max((way.gives for way in harmless), default=0)
        good = max(most / 2, self.lent.cause.size / 10)
        found = next((way for way in harmless if way.gives >= good), None)
        if found is not None or self.fine:
            return found
        enough = next((way for way in self.ways if way.gives >= self.matter.missing), None)
        return enough or max(self.ways, key=lambda way: way.gives, default=None)

    @property
    def own(self) -> Way | None:
        """The end of wsltop's own hogs, where they hold a good part; None where they hold little or there are none."""
        return next((way for way in self.ways if way.id == "hogs" and way.gives >= self.lent.cause.size / 10), None)

    @property
    def fine(self) -> bool:
        """Whether "nothing is wrong" may be said: Windows has plenty, and WSL lends little beyond what Linux uses."""
        return self.matter.weight == "ok"


HARMLESS: Final = ("wait", "drop-cache", "drop-all", "compact", "split", "reclaim")
"""What ends nothing and loses nothing."""
DROP_CACHE: Final = Means(
    id="drop-cache",
    does="drop the file cache",
    key="d",
    command=write_as_root("1", "/proc/sys/vm/drop_caches"),
    cost="files are read again",
)
DROP_ALL: Final = Means(
    id="drop-all",
    does="drop the file cache and the names and inodes of files (slab)",
    key="D",
    command=write_as_root("3", "/proc/sys/vm/drop_caches"),
    cost="files and folders are read again: the next build or search is slow",
)
COMPACT: Final = Means(
    id="compact",
    does="compact scattered free memory",
    key="c",
    command=write_as_root("1", "/proc/sys/vm/compact_memory"),
    cost="some seconds of one CPU",
)


def way_of(means: Means, predicted: Prediction) -> Way:
    """What ``means`` would give now."""
    return Way(**asdict(means), gives=predicted.likely, low=predicted.low, high=predicted.high)


def explain_ways(
    ledger: Ledger,
    lent: Lent,
    draining: Reading[Draining],
    *,
    shares: Shares | None = None,
    holders: Reading[Holders],
    suggestion: Reading[Suggestion],
    reclaim_file: Reading[bool],
    hogs: Iterable[Hog] = (),
    on_wsl: bool,
) -> tuple[Way, ...]:
    """List what would give back how much; what frees nothing of the kind at hand is left out.

    Args:
        ledger: the guest's buckets.
        lent: what Windows lends, in parts.
        draining: what was freed and is not reported yet.
        shares: what part came back on this machine before, where anything was seen.
        holders: the processes, for the largest family.
        suggestion: what to write as ``memory=``.
        reclaim_file: whether ``memory.reclaim`` exists.
        hogs: the hogs of wsltop.
        on_wsl: whether this is WSL 2, with a ``.wslconfig`` and ``wsl --shutdown``.
    """
    ways = [
        *wait_for(lent, draining),
        *end_hogs(ledger, shares, hogs),
        *sorted(
            (
                *drop(ledger, shares, reclaim_file, arc=lent["zfs-cache"]),
                *compact(ledger, shares),
                *split(ledger, shares),
            ),
            key=lambda way: -way.gives,
        ),
        *end_largest(ledger, shares, holders),
        *stop_largest(ledger, shares, holders),
    ]
    if on_wsl:
        ways += [*limit_memory(lent, suggestion), *shut_down(lent)]
    return tuple(way for way in ways if way.gives >= SMALL)


def wait_for(lent: Lent, draining: Reading[Draining]) -> Iterable[Way]:
    """Yield waiting, while freed memory is on its way."""
    if not isinstance(draining, Unavailable) and (size := lent["on-its-way"]):
        yield Way(
            id="wait", does="wait: Linux is giving it back", gives=size, low=size, high=size, seconds=draining.seconds
        )


def end_hogs(ledger: Ledger, shares: Shares | None, hogs: Iterable[Hog]) -> Iterable[Way]:
    """Yield the way of ending wsltop's own hogs: no work is lost."""
    living = [hog for hog in hogs if hog.status != "ending"]
    predicted = predict_hogs(ledger, living, shares)
    if living and not isinstance(predicted, Unavailable):
        held = say_held(sum(hog.resident for hog in living), predicted)
        yield Way(
            id="hogs",
            does=f"end {'the hog' if len(living) == 1 else f'the {len(living)} hogs'} of wsltop, which "
            f"{'holds' if len(living) == 1 else 'hold'} {held}",
            key="X",
            gives=predicted.likely,
            low=predicted.low,
            high=predicted.high,
        )


def drop(ledger: Ledger, shares: Shares | None, reclaim_file: Reading[bool], *, arc: int) -> Iterable[Way]:
    """Yield the drops that free something: of the file cache, with slab too where that adds a good part, or a part.

    A drop of slab also asks ZFS to shrink its cache of ``arc`` bytes, which gives way by an unknown part.
    """
    cache, everything = predict_drop(ledger, shares), predict_drop(ledger, shares, slab=True)
    if arc and not isinstance(everything, Unavailable):
        zfs = Part(name="ZFS cache", low=0, likely=arc // 2, high=arc, basis="half of ZFS's cache is assumed")
        everything = add_up(*everything.parts, zfs)
    if not isinstance(cache, Unavailable):
        yield way_of(DROP_CACHE, cache)
        if reclaim_file is True and cache.likely >= GIB:
            half = cache.likely // 2
            yield Way(
                id="reclaim",
                does="give back a part of the file cache, the oldest first",
                key="m",
                command=f"wsltop reclaim reclaim {half // MIB}M",
                cost="what is read again is what was used longest ago",
                gives=half,
                low=half // 2,
                high=cache.likely,
            )
    if not isinstance(everything, Unavailable) and not isinstance(cache, Unavailable):
        gained = everything.likely - cache.likely
        if gained >= 2 * SMALL and gained >= everything.likely // 10:
            yield way_of(DROP_ALL, everything)


def compact(ledger: Ledger, shares: Shares | None) -> Iterable[Way]:
    """Yield compaction, where free memory is scattered."""
    predicted = predict_compaction(ledger, shares)
    if not isinstance(predicted, Unavailable):
        yield way_of(COMPACT, predicted)


def split(ledger: Ledger, shares: Shares | None) -> Iterable[Way]:
    """Yield the two steps that return what is freed inside huge pages: a drop of slab splits them, compaction joins."""
    predicted = predict_split(ledger, shares)
    if not isinstance(predicted, Unavailable) and ledger.freed_in_huge >= SMALL:
        yield Way(
            id="split",
            does=f"split huge pages in which {format_size(ledger.freed_in_huge)} is freed (drop slab), then compact",
            command=f"{write_as_root('2', '/proc/sys/vm/drop_caches')}; {COMPACT.command}",
            cost="names and inodes of files are read again; the kernel may join the pages later",
            gives=predicted.likely,
            low=predicted.low,
            high=predicted.high,
        )


def end_largest(ledger: Ledger, shares: Shares | None, holders: Reading[Holders]) -> Iterable[Way]:
    """Yield ending the largest family of processes that is not ours."""
    if isinstance(holders, Unavailable) or holders.unread:
        return
    family = next((family for family in holders.families if not family.own), None)
    if family is None:
        return
    alone = min(family.anonymous, family.held)  # pages that forks share count once in the one, with each in the other
    predicted = predict_kill(ledger, alone, shares, shared=max(0, family.held - family.anonymous))
    if not isinstance(predicted, Unavailable):
        name, count, held = clean(family.name), len(family.pids), say_held(family.held, predicted)
        yield Way(
            id="end",
            does=f"end {name}, which holds {held}" if count == 1 else f"end {name} ({count} processes, {held})",
            key="p",
            cost="unsaved work in it is lost",
            gives=predicted.likely,
            low=predicted.low,
            high=predicted.high,
        )


def say_held(held: int, predicted: Prediction) -> str:
    """What a program holds; where its end gives back more, also what is free between its pages and comes with them."""
    if predicted.likely <= held:
        return format_size(held)
    between = sum(part.likely for part in predicted.parts if part.name == FREE_PART)
    return f"{format_size(held)} and {format_size(between)} scattered free in between"


ENGINES: Final = ("docker", "podman")
"""Container engines with a command that stops one by its name or id."""
WORTH_A_STOP: Final = 256 * MIB
"""Bytes that a container must hold for its end to be named."""


def stop_largest(ledger: Ledger, shares: Shares | None, holders: Reading[Holders]) -> Iterable[Way]:
    """Yield stopping the container that holds most, where its engine is one of ``ENGINES``."""
    if isinstance(holders, Unavailable) or isinstance(holders.groups, Unavailable):
        return
    held = [
        (group.anonymous, group.shared or 0, engine, name)
        for group in holders.groups
        if group.kind == "container" and not group.ours and group.anonymous is not None
        for engine, _, name in (group.name.partition(" "),)
        if engine in ENGINES and PLAIN_NAME.fullmatch(name)
    ]
    if not held:
        return
    anonymous, shared, engine, name = max(held, key=lambda one: one[0] + one[1])
    predicted = predict_kill(ledger, anonymous, shares, shared=shared)
    if not isinstance(predicted, Unavailable) and anonymous + shared >= WORTH_A_STOP:
        yield Way(
            id="stop",
            does=f"stop the container {name}, which holds {say_held(anonymous + shared, predicted)}",
            command=f"{engine} stop {name}",
            cost="what runs in it ends",
            gives=predicted.likely,
            low=predicted.low,
            high=predicted.high,
        )


PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""A name or id of a container that a command line can hold as it is."""


def limit_memory(lent: Lent, suggestion: Reading[Suggestion]) -> Iterable[Way]:
    """Yield the line of ``.wslconfig`` that keeps the VM smaller, where it would be smaller than what is lent."""
    if isinstance(suggestion, Unavailable) or suggestion.size >= lent.size:
        return
    gives = lent.size - suggestion.size
    yield Way(
        id="limit",
        does="limit the VM",
        command=f"[wsl2]\n{clean(suggestion.line)}",
        cost="takes effect after wsl --shutdown, which ends every distribution",
        gives=gives,
        low=gives,
        high=gives,
    )


def shut_down(lent: Lent) -> Iterable[Way]:
    """Yield the end of the VM, which returns everything."""
    yield Way(
        id="shutdown",
        does="end the VM",
        command="wsl --shutdown",
        cost="ends every distribution and all that runs in it",
        gives=lent.size,
        low=lent.size,
        high=lent.size,
    )


def explain_outlook(
    gates: tuple[GateState, ...], blockers: Reading[Blockers], *, uptime: float, drops: int | None
) -> Outlook | None:
    """Say whether WSL gives the file cache back without help; what is said holds for each rule that may apply.

    Args:
        gates: the gate as each rule that may apply would judge it; none where this is not WSL 2.
        blockers: who used the CPU lately.
        uptime: seconds since the VM booted.
        drops: how often the file cache was dropped since boot (``drop_pagecache``); None where it is not counted.
    """
    if not gates:
        return None
    verdicts = {gate.verdict for gate in gates}
    if verdicts == {"off"}:
        return Outlook(answer="no", id="disabled", reason="autoMemoryReclaim is disabled")
    if all(gate.overdue for gate in gates):
        waited = min(gate.open_for or 0.0 for gate in gates)
        return Outlook(
            answer="no",
            id="silent",
            reason=f"the VM has been idle for {format_duration(waited)} and WSL did nothing: its reclaim does not work",
        )
    if verdicts == {"shut"}:
        return shut_outlook(gates, blockers, uptime)
    if verdicts == {"open"}:
        return open_outlook(gates, uptime, drops)
    if all(gate.spent is True for gate in gates):
        return SPENT  # its drop was seen, so the VM was idle enough, however little was watched
    unseen = [window for gate in gates for window in gate.windows if window.ok is None]
    if not unseen:
        return Outlook(answer="unknown", id="rules-differ", reason="the idle rules that may apply to this WSL differ")
    longest = max(unseen, key=lambda window: window.seconds)
    fired = min((gate.last_fired for gate in gates if gate.last_fired is not None), default=None)
    before = "" if fired is None else f", and it last dropped the cache {format_duration(fired)} ago"
    return Outlook(
        answer="unknown",
        id="watching",
        reason=f"its idle rule looks back {longest.seconds / 60:.0f} min{before}",
        known_in=max(0.0, longest.seconds - longest.watched),
        watch=longest.seconds + SPARE,
    )


SPENT: Final = Outlook(
    answer="no",
    id="spent",
    reason="it has dropped the file cache once in this idle period, and does so again only after the VM was busy",
)


def shut_outlook(gates: tuple[GateState, ...], blockers: Reading[Blockers], uptime: float) -> Outlook:
    """WSL does nothing while the VM is busy; say who keeps it busy, and how long it must rest."""
    opens = [gate.opens for gate in gates]
    bounded = [one for one in opens if one is not None]
    by: tuple[tuple[str, float], ...] = ()
    if not isinstance(blockers, Unavailable):
        named = [(clean(one.name), one.share) for one in blockers.visible]
        if blockers.elsewhere > sum(share for _, share in named):
            named = [("processes that cannot be seen from here", blockers.elsewhere), *named]
        by = tuple(named[:3])
    young = all(uptime < gate.rule.earliest(gate.mode) for gate in gates)
    return Outlook(
        answer="no",
        id="young" if young else "busy",
        reason=gates[0].reason,
        earliest=min((one.earliest for one in bounded), default=None),
        latest=max((one.latest for one in bounded), default=None) if len(bounded) == len(opens) else None,
        by=by,
    )


def open_outlook(gates: tuple[GateState, ...], uptime: float, drops: int | None) -> Outlook:
    """The VM is idle enough: WSL acts at its next look, unless it has already acted in this idle period."""
    looks = [gate.look for gate in gates if gate.look is not None]
    latest = max((look.latest for look in looks), default=None)
    if all(gate.spent is False for gate in gates):
        return Outlook(
            answer="yes",
            id="idle",
            reason="the VM is idle, and WSL gives memory back at its next look",
            earliest=min((look.earliest for look in looks), default=None),
            latest=latest,
        )
    if all(gate.spent is True for gate in gates):
        return SPENT
    # The gate was open when watching began. Had WSL still had to act, it would have done so at its next look.
    if all((gate.open_for or 0.0) > gate.rule.period for gate in gates):
        if drops == 0 and uptime > max(gate.rule.earliest(gate.mode) for gate in gates):
            return Outlook(
                answer="no",
                id="silent",
                reason="the VM is idle, and WSL has not dropped the file cache once since it began",
            )
        return Outlook(
            answer="no",
            id="acted-before",
            reason="it acted in this idle period before wsltop began, and does so again only after the VM was busy",
        )
    return Outlook(
        answer="unknown",
        id="next-look",
        reason="whether WSL has already acted in this idle period shows at its next look",
        known_in=latest,
    )


def explain_matter(
    lent: Lent, host: Reading[HostMemory], trend: float | None = None, pressure: Reading[Pressure] = NO_PRESSURE
) -> Matter:
    """Weigh what is lent against what Windows has left.

    Less than a quarter left is a note, and a warning where WSL lends an eighth of Windows' RAM or more beyond what its
    programs hold. Less than a tenth left is a warning, and a problem where WSL could give that much. Where Windows will
    have a tenth left within minutes, or where programs in Linux wait for memory, that is at least a note.

    Args:
        lent: what Windows lends, in parts.
        host: Windows' figures, fresh.
        trend: bytes a second by which what Windows has left grew over the last minutes; None where not known.
        pressure: how long programs in Linux wait for memory.
    """
    matter = weigh(lent, host)
    if not isinstance(pressure, Unavailable) and pressure.some_avg60 >= STALLED:
        weight: Weight = "note" if matter.weight == "ok" else matter.weight
        matter = replace(matter, stalled=pressure.some_avg60, weight=weight)
    if matter.available is None or matter.total is None or trend is None or trend >= 0:
        return matter
    runs_out = (matter.available - TIGHT * matter.total) / -trend
    if not 0 < runs_out <= SOON:
        return matter
    weight = "note" if matter.weight == "ok" else matter.weight
    return replace(matter, runs_out=runs_out, weight=weight, id="lends-much" if matter.id == "plenty" else matter.id)


def weigh(lent: Lent, host: Reading[HostMemory]) -> Matter:
    """What matters by what Windows has left at this moment."""
    if isinstance(host, SeveralVms):
        return weigh_several(lent, host)
    if isinstance(host, Unavailable) or isinstance(host.total, Unavailable) or isinstance(host.available, Unavailable):
        return Matter(id="windows-unknown", weight="note")
    return weigh_left(lent, host.available, host.total)


def weigh_several(lent: Lent, host: SeveralVms) -> Matter:
    """The same where it is not known which VM is this one: that Windows is short, but never that all is well."""
    if host.total is None or host.available is None:
        return Matter(id="windows-unknown", weight="note")
    matter = weigh_left(lent, host.available, host.total)
    return replace(matter, id="windows-unknown", weight="note") if matter.weight == "ok" else matter


def weigh_left(lent: Lent, left: int, total: int) -> Matter:
    """What matters by what is left of Windows' RAM, in bytes."""
    if total <= 0:
        return Matter(id="windows-unknown", weight="note")
    room = left / total
    much = lent.beyond_programs >= total * LARGE
    figures = {"available": left, "total": total}
    if room < TIGHT:
        if much:
            return Matter(id="windows-short", weight="problem", **figures)
        elsewhere = lent.size < total * PLENTY
        return Matter(id="windows-short-elsewhere" if elsewhere else "windows-short", weight="warning", **figures)
    if room < PLENTY:
        if much:
            return Matter(id="windows-short", weight="warning", **figures)
        elsewhere = lent.size < total * LARGE
        return Matter(id="windows-short-elsewhere" if elsewhere else "windows-short", weight="note", **figures)
    if lent.beyond_use > total * TOO_LARGE:
        return Matter(id="lends-much", weight="note", **figures)
    return Matter(id="plenty", weight="ok", **figures)


def explain(
    ledger: Reading[Ledger],
    lent: Reading[Lent],
    host: Reading[HostMemory],
    draining: Reading[Draining],
    *,
    flavor: Reading[str],
    gates: tuple[GateState, ...] = (),
    blockers: Reading[Blockers],
    holders: Reading[Holders],
    suggestion: Reading[Suggestion],
    reclaim_file: Reading[bool],
    shares: Shares | None = None,
    uptime: float = 0.0,
    drops: int | None = None,
    trend: float | None = None,
    pressure: Reading[Pressure] = NO_PRESSURE,
    hogs: Iterable[Hog] = (),
) -> Reading[Explanation]:
    """Explain a moment; the arguments are those of the four parts above."""
    if isinstance(ledger, Unavailable):
        return ledger
    if flavor == "wsl1":
        return WSL1
    if isinstance(lent, Unavailable):
        return lent
    on_wsl = flavor == "wsl2"
    return Explanation(
        lent=lent,
        ways=explain_ways(
            ledger,
            lent,
            draining,
            shares=shares,
            holders=holders,
            suggestion=suggestion,
            reclaim_file=reclaim_file,
            hogs=hogs,
            on_wsl=on_wsl,
        ),
        outlook=explain_outlook(gates, blockers, uptime=uptime, drops=drops) if on_wsl else None,
        matter=explain_matter(lent, host, trend, pressure),
        host_name="Windows" if on_wsl else "the host",
    )


def trimmed(lent: Lent) -> bool:
    """Whether Windows holds less than it should by more than the error of two clocks and two kernels."""
    return lent["trimmed"] <= -max(NOISE, int(lent.size * NOISE_SHARE))


def say_rest(lent: Lent) -> str:
    """What differs from what Linux should hold: on its way back, the VM itself, or trimmed."""
    rest = [part for part in lent.parts if part.id in ("on-its-way", "vm-itself", "trimmed", "not-known")]
    return ", ".join(f"{format_size(abs(part.size))} {part.name}" for part in rest)


def say_lent(explanation: Explanation) -> str:
    """How much is lent and to what: ``Windows lends 22.0 GiB; Linux uses 3.0 GiB. 19.0 GiB is file cache not …``"""
    lent, who = explanation.lent, explanation.host_name
    lends = f"{who[0].upper()}{who[1:]} {'lends' if lent.measured else 'is expected to lend'} {format_size(lent.size)}"
    if lent.beyond_vm >= NOISE:
        extra = format_size(lent.beyond_vm)
        lends += f", {extra} more than the VM's {format_size(lent.vm or 0)}: those {extra} are the VM itself"
    uses = f"{lends}; Linux uses {format_size(lent.used)}."
    if trimmed(lent):
        return f"{uses} {who[0].upper()}{who[1:]} has trimmed or compressed {format_size(-lent['trimmed'])}."
    cause = say_cause(lent)
    return f"{uses} {cause[0].upper()}{cause[1:]}."


def say_cause(lent: Lent) -> str:
    """The part to look at: ``19.0 GiB is file cache not in use``, ``programs and the files they hold open …``."""
    cause = lent.cause
    size = format_size(cause.size)
    return f"programs and the files they have open hold {size}" if cause.id == "programs" else f"{size} is {cause.name}"


def then_key(key: str, form: str = ", {},") -> str:
    """What to press after a key that only opens the list of processes, put into ``form``; empty for other keys."""
    return form.format("then x (asks first)") if key == "p" else ""


def say_way(way: Way, *, screen: bool = True) -> str:
    """What to press on the screen, or else to run; what it gives, and what it costs."""
    if way.id == "wait":
        left = "" if way.seconds is None else f", about {format_duration(way.seconds)} to go"
        return f"Wait: {format_size(way.gives)} is on its way back{left}."
    start = f"press {way.key}{then_key(way.key)} to {way.does}" if screen and way.key else way.does
    cost = f" ({way.cost})" if way.cost else ""
    run = "" if screen or not way.command or "\n" in way.command else f" Run: {way.command}"
    return f"{start[0].upper()}{start[1:]}: gives back about {format_size(way.gives)}{cost}.{run}"


def say_outlook(outlook: Outlook, *, screen: bool = True) -> str:
    """Whether WSL does it without help, and when or why not; without a screen, what to run to know it."""
    if outlook.answer == "yes":
        when = "" if outlook.latest is None else f" within {format_duration(outlook.latest)}"
        return f"WSL gives memory back{when} if the VM stays idle."
    if outlook.answer == "unknown":
        when = "is not known" if outlook.known_in is None else f"is known in {format_duration(outlook.known_in)}"
        run = "" if screen or outlook.watch is None else f" Run: wsltop doctor --watch {math.ceil(outlook.watch)}"
        return f"Whether WSL gives it back without help {when}: {outlook.reason}.{run}"
    who = ", ".join(f"{name} {share * 100:.2g} %" for name, share in outlook.by)
    rest = "" if outlook.latest is None else f"; after {format_duration(outlook.latest)} of rest it does"
    return f"WSL gives nothing back now: {outlook.reason}{f' ({who})' if who else ''}{rest}."


def say_matter(explanation: Explanation) -> str:
    """What Windows has left, and whether WSL is the reason that it is short."""
    matter, who = explanation.matter, explanation.host_name
    stalled = "" if matter.stalled is None else f" Programs in Linux wait for memory {matter.stalled:.0%} of the time."
    return say_left(explanation, who) + stalled


def say_left(explanation: Explanation, who: str) -> str:
    """What Windows, which is called ``who``, has left."""
    matter = explanation.matter
    if matter.available is None or matter.total is None:
        return f"What {who} has left is not known."
    left = f"{who[0].upper()}{who[1:]} has {format_size(matter.available)} of {format_size(matter.total)} left"
    if matter.runs_out is not None:
        left += f", and will have a tenth of it left in {format_duration(matter.runs_out)} at this pace"
    if matter.id == "windows-short-elsewhere":
        return f"{left}, and {not_wsl(explanation.lent)}."
    return f"{left}."


def not_wsl(lent: Lent) -> str:
    """``it is not WSL, which has 1.9 GiB``."""
    return f"it is not WSL, which {'has' if lent.measured else 'should have'} {format_size(lent.size)}"


def headline(explanation: Explanation, *, screen: bool = True) -> tuple[str, ...]:
    """The answer in up to four sentences: what is lent and why, what is left, what to press, what WSL does.

    Where there is no screen, commands stand in place of keys.
    """
    lines = [say_lent(explanation), say_matter(explanation)]
    best, cause = explanation.best, explanation.lent.cause
    if best is not None and explanation.matter.id != "windows-short-elsewhere" and cause.id != "on-its-way":
        lines.append(say_way(best, screen=screen))
    if explanation.outlook is not None and explanation.matter.id != "windows-short-elsewhere":
        lines.append(say_outlook(explanation.outlook, screen=screen))
    return tuple(lines)
