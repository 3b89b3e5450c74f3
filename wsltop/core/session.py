"""A session: what has been seen so far, fed with one sample at a time.

Whoever produces the samples (this machine now, a recording later) is not known here. Pure: time comes with the samples.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.counters import derive
from wsltop.core.drain import Drain, Draining
from wsltop.core.gap import Gap, explain_gap
from wsltop.core.history import History, Point
from wsltop.core.hog_events import tell_hogs
from wsltop.core.journal import MERGE_WITHIN, Journal
from wsltop.core.ledger import Ledger, keep_ledger
from wsltop.core.messages import interpret
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.residue import LOOK_BACK, Residue, explain_residue
from wsltop.core.sample import HostMemory, Sample

HOST_FRESH = 12.0
"""A host reading older than this is no longer the present (the slowest source answers every five seconds)."""


NOT_FOLLOWED = Unavailable("one sample alone does not tell")


class Moment(Struct, frozen=True, kw_only=True):
    """One sample and what it means: all that a still picture of the screen is made of."""

    sample: Sample
    ledger: Reading[Ledger]
    host: Reading[HostMemory]
    """The sample's host reading, unless it is too old to be the present."""
    gap: Reading[Gap]
    draining: Reading[Draining] = NOT_FOLLOWED
    """Free memory that is on its way to the host."""
    residue: Reading[Residue] = NOT_FOLLOWED
    """The host's figure minus the expected one."""


class Session:
    """Everything the screen can tell: the newest moment, the past and the events."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.history = History(interval)
        # The same thing at the next tick is one event, however long the ticks are.
        self.journal = Journal(merge_within=max(MERGE_WITHIN, 2.5 * interval))
        self.moment: Moment | None = None
        self._drain = Drain()
        self.samples = 0
        """How many samples have been taken in."""

    def take(self, sample: Sample) -> Point | None:
        """Take the next sample in; return its point of the history, or None when the guest could not be read."""
        previous = self.moment.sample if self.moment is not None else None
        self.moment = self._add_trend(grasp(sample, self.interval))
        self.samples += 1
        if previous is not None:
            self.journal.add(derive(previous, sample))
            self.journal.add(tell_hogs(previous, sample))
        self._take_kernel_log(sample, previous)
        point = chart_point(self.moment)
        if point is not None:
            self.history.add(point)
        return point

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


def host_age(sample: Sample) -> float | None:
    """Seconds since the host reading arrived, or None when there is none."""
    return None if isinstance(sample.host, Unavailable) else max(0.0, sample.monotonic - sample.host.read_at)


def fresh_host(sample: Sample, interval: float) -> Reading[HostMemory]:
    """The host reading, unless it is too old to stand beside the guest's figures of now."""
    age = host_age(sample)
    if age is not None and age > max(HOST_FRESH, 3 * interval):
        return Unavailable(f"the last answer of the host is {age:.0f} s old", "")
    return sample.host


def grasp(sample: Sample, interval: float) -> Moment:
    """Work out what a sample means."""
    ledger = keep_ledger(sample)
    host = fresh_host(sample, interval)
    return Moment(sample=sample, ledger=ledger, host=host, gap=explain_gap(ledger, host))


def chart_point(moment: Moment) -> Point | None:
    """The moment's figures for the timeline; an old host reading is a gap, not a value."""
    ledger, host = moment.ledger, moment.host
    if isinstance(ledger, Unavailable):
        return None
    return Point(
        monotonic=moment.sample.monotonic,
        used=ledger.used,
        cache=min(ledger.cache + ledger.slab_reclaimable, ledger.total - ledger.used),
        host=None if isinstance(host, Unavailable) else host.working_set,
        expected=None if isinstance(ledger.expected_host, Unavailable) else ledger.expected_host,
    )
