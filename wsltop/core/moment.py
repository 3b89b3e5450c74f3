"""A moment: one sample and what it means by itself, all that a still picture of the screen is made of."""

from __future__ import annotations

from msgspec import Struct

from wsltop.core.drain import Draining
from wsltop.core.gap import Gap, explain_gap
from wsltop.core.history import Point
from wsltop.core.ledger import Ledger, keep_ledger
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.residue import Residue
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
