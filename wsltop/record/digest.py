"""A recording in stretches of a few minutes: looked through one at a time, so that nobody ever waits for a day.

A day is 300 stretches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from msgspec.structs import astuple

from wsltop.core.event import Event
from wsltop.core.sample import KernelLog, Meminfo, Sample
from wsltop.core.session import DIAGNOSE_EVERY, Session
from wsltop.record.format import GROUP_SAMPLES

STRETCH: Final = GROUP_SAMPLES
"""Samples of a stretch: as many as a group of the file mostly has, so that each group is decoded once."""
SETTLE: Final = 10
"""Samples before a stretch that are looked at with it: what began in them goes on, and is no new event."""
LATEST: Final = 4e10
"""Years of seconds: no clock of a real recording goes so far, and no calendar fails before."""
MOST: Final = 2**56
"""Bytes that no machine has."""

MARKED: Final = frozenset(
    {
        "balloon",
        "cache drop",
        "compaction",
        "direct reclaim",
        "mark",
        "oom kill",
        "proactive reclaim",
        "stall",
        "swap",
    }
)
"""Kinds of events that are worth a stop; of hogs their beginning and their end are."""


class Reel(Protocol):
    """Samples that can be had by number or by time: a recording, or whatever else keeps some."""

    @property
    def count(self) -> int:
        """How many there are; their numbers go from 0."""

    @property
    def interval(self) -> float:
        """Seconds between them, as intended."""

    @property
    def start(self) -> float:
        """Wall clock of the first."""

    @property
    def end(self) -> float:
        """Wall clock of the last."""

    def sample(self, index: int) -> Sample:
        """The sample of that number."""

    def index_at(self, when: float) -> int:
        """The number of the last sample that is not later than a wall clock."""

    def index_at_monotonic(self, when: float) -> int:
        """The number of the last sample that is not later than a monotonic clock."""

    def outline(self) -> Iterable[tuple[int, Sample]]:
        """A few samples from all over the reel with their numbers."""


class Stop(NamedTuple):
    """A sample with which an event begins that the timeline marks."""

    number: int
    monotonic: float


def look_through(reel: Reel, number: int, session: Session, *, settle: int = 0) -> tuple[Stop, ...]:
    """Let a session go through stretch ``number``, samples ``number * STRETCH`` and on; where to stop in it.

    Args:
        reel: the recording.
        number: of the stretch.
        session: as it was before the stretch, or an empty one.
        settle: samples before the stretch that an empty one is to see first.

    Raises:
        RecordingError: the stretch cannot be read.
    """
    first = number * STRETCH
    numbers = range(max(0, first - settle), min(first + STRETCH, reel.count))
    usable = usable_samples(reel, numbers, latest_of(session))
    known = begun_in(session)
    version = session.journal.version()
    stops: list[Stop] = []
    for index, _ in run_up(session, usable):
        if session.journal.version() == version:
            continue
        version = session.journal.version()
        begun = begun_in(session)
        # What the very first sample brings was there before the recording.
        if begun - known and index >= max(1, first):
            stops.append(Stop(index, latest_of(session)))
        known |= begun
    return tuple(stops)


def usable_samples(reel: Reel, numbers: range, latest: float) -> list[tuple[int, Sample]]:
    """The samples of those numbers that can be shown one after the other, after one of monotonic time ``latest``."""
    found: list[tuple[int, Sample]] = []
    for number in numbers:
        sample = reel.sample(number)
        if follows(sample, latest):
            found.append((number, sample))
            latest = sample.monotonic
    return found


def run_up(session: Session, samples: list[tuple[int, Sample]]) -> Iterator[tuple[int, Sample]]:
    """Let a session go through samples, giving out each that it is at; at the end it shows what it always would.

    Only the last of them need to be worked out for that: those since the diagnosis that still stands.
    """
    cut = samples[-1][1].monotonic - DIAGNOSE_EVERY if samples else 0.0
    for number, sample in samples:
        if sample.monotonic > cut:
            session.take(sample)
        else:
            session.follow(sample)
        yield number, sample


def latest_of(session: Session) -> float:
    """Monotonic time of a session's newest sample."""
    return -math.inf if session.moment is None else session.moment.sample.monotonic


def begun_in(session: Session) -> set[tuple[float, str, str]]:
    """The events of a session that are worth a stop, by what stays the same while they go on."""
    return {(one.start, one.kind, one.origin) for one in session.journal.events() if is_marked(one)}


def is_marked(event: Event) -> bool:
    """Whether the timeline marks an event."""
    if event.kind == "hog":
        return not event.amounts.keys().isdisjoint({"added", "killed", "ended"})
    return event.kind in MARKED


def follows(sample: Sample, latest: float) -> bool:
    """Whether a sample can be shown after one of monotonic time ``latest``.

    Those of wsltop always can. A forged one may have a time that no calendar has, or one that lies before the last, or
    more memory than there is.
    """
    log, meminfo = sample.kernel_log, sample.meminfo
    times = [sample.time, sample.monotonic]
    if isinstance(log, KernelLog):
        times += [record.monotonic for record in log.records]
    times += [at for mark in sample.marks for at in (mark.time, mark.monotonic)]
    if isinstance(meminfo, Meminfo) and not all(size is None or 0 <= size < MOST for size in astuple(meminfo)):
        return False
    return all(-LATEST < one < LATEST for one in times) and sample.time >= 0 and sample.monotonic >= max(0.0, latest)
