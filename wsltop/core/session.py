"""A session: what has been seen so far, fed with one sample at a time.

Whoever produces the samples (this machine now, a recording later) is not known here. Pure: time comes with the samples.
"""

from __future__ import annotations

from collections import deque

from msgspec.structs import replace

from wsltop.core.counters import derive
from wsltop.core.diagnosis import Evidence, Finding, diagnose, swap_rates
from wsltop.core.drain import Drain, Draining
from wsltop.core.history import History, Point
from wsltop.core.hog_events import mark_event, tell_hogs
from wsltop.core.insight import Insight, Watcher
from wsltop.core.journal import MERGE_WITHIN, Journal
from wsltop.core.messages import interpret
from wsltop.core.moment import NOT_FOLLOWED, Moment, chart_point, grasp
from wsltop.core.outcomes import Outcomes
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.residue import LOOK_BACK, Residue, explain_residue
from wsltop.core.sample import Sample

DIAGNOSE_EVERY = 4.0
"""Seconds between two diagnoses: they cost a third of a millisecond, and a verdict that flickers is none."""
PAST = 75.0
"""Seconds of history that the rules look at."""
SWAP_SAMPLES = 8
"""Diagnoses over which the swap traffic is measured: about half a minute."""


class Session:
    """Everything the screen can tell: the newest moment, the past and the events."""

    def __init__(self, interval: float, silenced: frozenset[str] = frozenset()) -> None:
        self.interval = interval
        self.silenced = silenced
        """Ids of findings that the user does not want to see."""
        self.history = History(interval)
        self.journal = Journal()
        self.moment: Moment | None = None
        self.insight = Insight()
        self.findings: tuple[Finding, ...] = ()
        """Worst first, as of at most a few seconds ago."""
        self.outcomes = Outcomes()
        self._drain = Drain()
        self._watcher = Watcher()
        self._diagnosed: float | None = None
        self._earlier: deque[Sample] = deque(maxlen=SWAP_SAMPLES)
        self._keep_interval(interval)
        self.samples = 0
        """How many samples have been taken in."""

    def take(self, sample: Sample) -> Point | None:
        """Take the next sample in; return its point of the history, or None when the guest could not be read."""
        before = self.moment
        previous = None if before is None else before.sample
        if sample.interval is not None:
            self._keep_interval(sample.interval)
        self.moment = self._add_trend(grasp(sample, self.interval))
        self.samples += 1
        if before is not None:
            events = (*derive(before.sample, sample), *tell_hogs(before.sample, sample))
            self.journal.add(events)
            self.outcomes.feed(sample.monotonic, before.ledger, self.moment.ledger, events)
        self._take_kernel_log(sample, previous)
        self.journal.add(mark_event(mark) for mark in sample.marks)
        point = chart_point(self.moment)
        if point is not None:
            self.history.add(point, self.interval)
        self.insight = self._watcher.feed(sample, self.moment.ledger)
        if self._diagnosed is None or sample.monotonic - self._diagnosed >= DIAGNOSE_EVERY:
            self._diagnosed = sample.monotonic
            self.findings = diagnose(self.evidence(self.moment))
        return point

    def evidence(self, moment: Moment) -> Evidence:
        """Everything that the rules of the diagnosis may look at."""
        sample, insight = moment.sample, self.insight
        around, census, config = sample.surroundings, sample.census, insight.config
        self._earlier.append(sample)
        return Evidence(
            moment=moment,
            flavor=around.flavor,
            past=tuple(self.history.since(sample.monotonic - PAST)),
            swap_rates=swap_rates(self._earlier[0], sample),
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
            vms=moment.host if isinstance(moment.host, Unavailable) else moment.host.vms,
            silenced=self.silenced,
        )

    def _keep_interval(self, interval: float) -> None:
        self.interval = interval
        # The same thing at the next tick is one event, however long the ticks are.
        self.journal.merge_within = max(MERGE_WITHIN, 2.5 * interval)

    def _add_trend(self, moment: Moment) -> Moment:
        """Add what only a succession of samples tells: what is draining, and what the residue means."""
        sample, ledger, host = moment.sample, moment.ledger, moment.host
        draining: Reading[Draining] = NOT_FOLLOWED
        if not isinstance(sample.free_blocks, Unavailable) and not isinstance(sample.reporting, Unavailable):
            order = sample.reporting.order
            draining = self._drain.feed(sample.monotonic, sample.free_blocks, order, sample.page_size)
        residue: Reading[Residue] = NOT_FOLLOWED
        if isinstance(host, Unavailable):
            residue = host
        elif not isinstance(ledger, Unavailable) and not isinstance(ledger.expected_host, Unavailable):
            residue = explain_residue(
                host.working_set,
                ledger.expected_host,
                None if isinstance(draining, Unavailable) else draining,
                self.history.since(sample.monotonic - LOOK_BACK),
                sample.monotonic,
            )
        return replace(moment, draining=draining, residue=residue)

    def _take_kernel_log(self, sample: Sample, previous: Sample | None) -> None:
        log = sample.kernel_log
        if isinstance(log, Unavailable):
            return
        if log.lost:
            self.journal.lost(log.lost, time=sample.time, monotonic=sample.monotonic, origin=log.origin)
        since = None if previous is None or isinstance(previous.kernel_log, Unavailable) else previous.monotonic
        self.journal.add(
            interpret(record, log.origin, now=sample.monotonic, time=sample.time, since=since) for record in log.records
        )
