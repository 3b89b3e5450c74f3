"""A session: everything that was seen so far, one sample after another, and bookmarks to return to."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, TypeVar, cast

from msgspec.structs import replace

from wsltop.core.diagnosis.evidence import Evidence, SwapCount, count_swap, swap_rates
from wsltop.core.diagnosis.finding import Finding
from wsltop.core.diagnosis.rules import diagnose
from wsltop.core.event_list import fold_rounds, join_signs
from wsltop.core.event_log import MERGE_WITHIN, EventLog
from wsltop.core.events import Falls, derive, interpret_record, mark_event, tell_hogs
from wsltop.core.explanation import Explanation, explain
from wsltop.core.gate.ticks import TickHistory
from wsltop.core.gate.watch import Gate, Gates, Phase
from wsltop.core.history import FINE_SPAN, History, Point
from wsltop.core.ledger import Drain, Draining, Ledger, OrderWatch, keep_ledger
from wsltop.core.moment import (
    NOT_FOLLOWED,
    Insight,
    Moment,
    Tracker,
    chart_point,
    has_moved,
    interpret,
    vms_of,
)
from wsltop.core.outcomes import Outcomes
from wsltop.core.returning import Release, Returning, ReturnTracker
from wsltop.model.sample import WAITING, Event, Reading, Sample, Unavailable

DIAGNOSE_EVERY = 4.0
"""Seconds between two diagnoses: they cost a third of a millisecond, and a verdict that flickers is none."""
PAST = 75.0
"""Seconds of history that the rules look at."""
LEFT_EVERY, LEFT_KEPT, LEFT_LEAST = 10.0, 18, 60.0
"""Of what Windows has left: seconds between two notes, how many are kept, seconds that tell a trend."""
SWAP_SAMPLES = 8
"""Diagnoses over which the swap traffic is measured: about half a minute."""


class Session:
    """Everything the screen can tell: the newest moment, the past and the events."""

    def __init__(
        self, interval: float, silenced: frozenset[str] = frozenset(), *, fine_span: float = FINE_SPAN
    ) -> None:
        """``fine_span``: seconds of which the history keeps every point."""
        self.interval = interval
        self.silenced = silenced
        """Ids of findings that the user does not want to see."""
        self.history = History(interval, fine_span)
        self.journal = EventLog()
        self._acts: dict[bool, tuple[tuple[int, float], tuple[Event, ...]]] = {}
        self._listed: dict[bool, tuple[tuple[Event, ...], tuple[Event, ...]]] = {}
        self.moment: Moment | None = None
        self.insight = Insight()
        self.findings: tuple[Finding, ...] = ()
        """Worst first, as of at most a few seconds ago."""
        self.outcomes = Outcomes()
        self._drain = Drain()
        self._orders = OrderWatch()
        self._falls = Falls()
        self._returns = ReturnTracker()
        self._left: deque[tuple[float, int]] = deque(maxlen=LEFT_KEPT)
        """What Windows had left, every few seconds."""
        self._trend: float | None = None
        """Bytes a second by which that has grown over the last minutes."""
        self._explained: tuple[Moment, Reading[Explanation]] | None = None
        self._tracker = Tracker()
        self._diagnosed: Moment | None = None
        self._told: Moment | None = None
        """The moment whose figures the findings have."""
        self._swapped: deque[Reading[SwapCount]] = deque(maxlen=SWAP_SAMPLES)
        self._keep_interval(interval)
        self.samples = 0
        """How many samples have been taken in."""

    def take(self, sample: Sample, *, shown: bool = True) -> Point | None:
        """Take the next sample in; return its point of the history, or ``None`` when the guest could not be read.

        ``shown=False`` keeps what later samples build on and leaves out what is only shown: half the work. A session
        that took samples so for a while shows, once it has diagnosed, what it would have shown otherwise.
        """
        before = self.moment
        previous = None if before is None else before.sample
        if sample.interval is not None:
            self._keep_interval(sample.interval)
        moment = interpret(sample, self.interval)
        ledger = moment.ledger if isinstance(moment.ledger, Unavailable) else self._orders.feed(sample, moment.ledger)
        moment = self.moment = replace(moment, ledger=ledger, draining=self._follow_drain(sample))
        self.samples += 1
        events: tuple[Event, ...] = ()
        if before is not None:
            self._falls.feed(before.sample, sample)
            events = (*derive(before.sample, sample, self._falls), *tell_hogs(before.sample, sample))
            self.journal.add(events)
            self.outcomes.feed(
                sample.monotonic, before.ledger, moment.ledger, events, began=self._before_drop(before, events)
            )
        self.journal.add(self._returns.feed(moment, events, self.outcomes.predicted))
        self._take_kernel_log(sample, previous)
        self.journal.add(mark_event(mark) for mark in sample.marks)
        point = chart_point(moment)
        if point is not None:
            self.history.add(point, self.interval)
        if shown:
            self.insight = self._tracker.feed(sample, moment.ledger)
            self._trend = self._host_trend(moment)
        else:
            self._tracker.follow(sample, moment.ledger)
        self._judge(moment, previous, shown=shown)
        return point

    def _judge(self, moment: Moment, previous: Sample | None, *, shown: bool) -> None:
        """Diagnose every few seconds; in between bring only the figures of the findings up to the moment."""
        sample, last = moment.sample, self._diagnosed
        answered = previous is not None and previous.host == WAITING != sample.host
        if last is None or answered or sample.monotonic - last.sample.monotonic >= DIAGNOSE_EVERY:
            self._diagnosed = self._told = moment
            self._swapped.append(count_swap(sample))
            if shown:
                self.findings = diagnose(self.evidence(moment))
        elif shown and self._told is not None and has_moved(self._told, moment):
            self.tell_now()

    def tell_now(self) -> None:
        """Bring the figures of the findings up to the newest moment, as the bars show it; what is found stays."""
        moment = self.moment
        if moment is None or self._told is moment or not self.findings:
            return
        self._told = moment
        now = {one.id: one for one in diagnose(self.evidence(moment))}
        self.findings = tuple(
            replace(now.get(one.id, one), severity=one.severity, verdict=one.verdict) for one in self.findings
        )

    def listed(self, everything: bool = False) -> tuple[Event, ...]:
        """The rows of the list of events, of those about memory or of all; the same object until something changes."""
        acts = self.acts(everything)
        if everything not in self._listed or self._listed[everything][0] is not acts:
            self._listed[everything] = (acts, fold_rounds(acts, self.journal.apart))
        return self._listed[everything][1]

    def acts(self, everything: bool = False) -> tuple[Event, ...]:
        """The events, with what log and counters say of one act as one: each has its own mark, unlike in the list.

        A row of the list may hold hours of WSL's own cleaning. The same object until something changes.
        """
        # The pace changes what is one act, without any new event.
        made_of = (self.journal.version(everything), self.journal.apart)
        if everything not in self._acts or self._acts[everything][0] != made_of:
            self._acts[everything] = (made_of, join_signs(self.journal.events(everything), self.journal.apart))
        return self._acts[everything][1]

    @property
    def explanation(self) -> Reading[Explanation]:
        """What Windows lends and why, of the newest moment: worked out when it is first asked for."""
        if self.moment is None:
            return NOT_FOLLOWED
        if self._explained is None or self._explained[0] is not self.moment:
            self._explained = (self.moment, self._explain(self.moment))
        return self._explained[1]

    @property
    def returning(self) -> Returning | None:
        """The memory that is on its way back to Windows; None where none is."""
        return self._returns.returning

    def _before_drop(self, before: Moment, events: Iterable[Event]) -> Reading[Ledger]:
        """The ledger of the last sample before a drop that has just been counted, or else of the sample before."""
        if not any(event.kind == "cache drop" for event in events):
            return before.ledger
        start = self._falls.start(before.sample, "cache", "slab")
        self._falls.end()
        return before.ledger if start is before.sample else keep_ledger(start)

    def _explain(self, moment: Moment) -> Reading[Explanation]:
        sample, insight, around = moment.sample, self.insight, moment.sample.surroundings
        counters = sample.counters
        return explain(
            moment.ledger,
            moment.lent,
            moment.host,
            moment.draining,
            flavor=around.flavor,
            gates=insight.gates,
            blockers=insight.blockers,
            holders=sample.census if isinstance(sample.census, Unavailable) else sample.census.holders,
            suggestion=insight.suggestion,
            reclaim_file=around.reclaim_file,
            shares=self.outcomes.shares,
            uptime=sample.monotonic,
            drops=None if isinstance(counters, Unavailable) else counters.values.get("drop_pagecache"),
            trend=self._trend,
            pressure=sample.pressure,
            hogs=sample.hogs,
        )

    def _host_trend(self, moment: Moment) -> float | None:
        """Bytes a second by which what Windows has left has grown over the last minutes."""
        host, left = moment.host, self._left
        if isinstance(host, Unavailable) or isinstance(host.available, Unavailable):
            left.clear()
            return None
        if not left or host.read_at - left[-1][0] >= LEFT_EVERY:
            left.append((host.read_at, host.available))
        seconds = host.read_at - left[0][0]
        return (host.available - left[0][1]) / seconds if seconds >= LEFT_LEAST else None

    def evidence(self, moment: Moment) -> Evidence:
        """Everything that the rules of the diagnosis may look at."""
        sample, insight = moment.sample, self.insight
        around, census, config = sample.surroundings, sample.census, insight.config
        return Evidence(
            moment=moment,
            explanation=self.explanation,
            flavor=around.flavor,
            past=tuple(self.history.since(sample.monotonic - PAST)),
            swap_rates=swap_rates(self._swapped[0], count_swap(sample)),
            events=self.journal.events(),
            gates=insight.gates or NOT_FOLLOWED,
            reclaim=config if isinstance(config, Unavailable) else config.reclaim,
            blockers=insight.blockers,
            config=config if isinstance(config, Unavailable) else config.findings,
            suggestion=insight.suggestion,
            holders=census if isinstance(census, Unavailable) else census.holders,
            growth=insight.growth,
            groups=around.groups,
            mounts=around.mounts,
            reclaim_file=around.reclaim_file,
            cmdline=around.cmdline,
            page_reporting=around.page_reporting,
            interop_fault=around.interop_fault,
            vms=vms_of(moment.host),
            silenced=self.silenced,
        )

    def _keep_interval(self, interval: float) -> None:
        self.interval = interval
        # The same thing at the next tick is one event, however long the ticks are.
        self.journal.merge_within = max(MERGE_WITHIN, 2.5 * interval)

    def _follow_drain(self, sample: Sample) -> Reading[Draining]:
        """What is draining: only a succession of samples tells."""
        if isinstance(sample.free_blocks, Unavailable) or isinstance(sample.reporting, Unavailable):
            return NOT_FOLLOWED
        order = sample.reporting.order
        return self._drain.feed(sample.monotonic, sample.free_blocks, order, sample.page_size)

    def _take_kernel_log(self, sample: Sample, previous: Sample | None) -> None:
        log = sample.kernel_log
        if isinstance(log, Unavailable):
            return
        if log.lost:
            self.journal.lost(log.lost, time=sample.time, monotonic=sample.monotonic, origin=log.origin)
        before = Unavailable("") if previous is None else previous.kernel_log
        since = None if previous is None or isinstance(before, Unavailable) or before.more else previous.monotonic
        self.journal.add(
            interpret_record(record, log.origin, now=sample.monotonic, time=sample.time, since=since)
            for record in log.records
        )


T = TypeVar("T")
CHANGING: Final = (
    Session,
    EventLog,
    Outcomes,
    Drain,
    OrderWatch,
    Falls,
    Tracker,
    ReturnTracker,
    Release,
    Gates,
    Gate,
    TickHistory,
    Phase,
)
"""Every class in a session whose objects change, but the history; the rest are structs, texts and numbers."""


class Bookmark:
    """The place of ``session`` at this moment; whatever happens to the session later, it stays.

    Args:
        session: the session.
        history: where its points are kept, also while later ones are added; none for its own history.
    """

    def __init__(self, session: Session, history: History | None = None) -> None:
        self.history = session.history if history is None else history
        self._kept = fork(session, {id(session.history): self.history})
        moment = session.moment
        self.monotonic = 0.0 if moment is None else moment.sample.monotonic
        """Monotonic time of the newest sample."""

    def open(self) -> Session:
        """A session of one's own that goes on from here."""
        history = self.history.until(self.monotonic)
        return fork(self._kept, {id(self.history): history})


def fork(value: T, known: dict[int, Any]) -> T:
    """An independent copy: what can change is copied, what cannot is shared.

    Args:
        value: a session, or a part of one.
        known: copies that are there already, by the id of what they are copies of; two that shared a part share its
            copy.
    """
    kind = type(value)
    if kind in (int, float, str, bool) or value is None:
        return value
    if id(value) in known:
        return cast(T, known[id(value)])
    copy: Any = value
    if isinstance(value, CHANGING):
        copy = known[id(value)] = object.__new__(kind)
        vars(copy).update((name, fork(part, known)) for name, part in vars(value).items())
    elif isinstance(value, dict):
        copy = value.copy()
        copy.update((key, fork(part, known)) for key, part in value.items() if holds_change(part))
    elif isinstance(value, array):
        copy = value[:]
    elif isinstance(value, (list, deque)):
        copy = value.copy()
    elif isinstance(value, tuple) and value and holds_change(value[0]):
        copy = tuple(fork(part, known) for part in value)
    known[id(value)] = copy
    return cast(T, copy)


def holds_change(part: object) -> bool:
    """Whether a part of a container can change; the containers of a session hold parts of one kind."""
    return isinstance(part, (*CHANGING, dict, list, deque))
