"""What is kept of a stretch of a recording that was only looked through: its figures, its events, where to stop.

A day is 300 stretches; each is read once, on its own, so that nobody ever waits for the whole day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

from msgspec.structs import astuple

from wsltop.core.event import Event
from wsltop.core.history import COARSE_STEP, Point, higher
from wsltop.core.sample import KernelLog, Meminfo, Sample
from wsltop.core.session import Session
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


class Digest(NamedTuple):
    """What is kept of a stretch."""

    points: tuple[Point, ...] = ()
    """The highest of each five seconds, as the history keeps them."""
    events: tuple[Event, ...] = ()
    """Those about memory."""
    stops: tuple[Stop, ...] = ()


def digest(reel: Reel, number: int, interval: float) -> Digest:
    """Look through stretch ``number``: samples ``number * STRETCH`` and on."""
    first = number * STRETCH
    session = Session(interval)
    known: set[tuple[float, str, str]] = set()
    version = session.journal.version()
    points: list[Point] = []
    stops: list[Stop] = []
    latest = -math.inf
    for index in range(max(0, first - SETTLE), min(first + STRETCH, reel.count)):
        sample = reel.sample(index)
        if not follows(sample, latest):
            continue
        latest = sample.monotonic
        point = session.take(sample)
        if point is not None and index >= first:
            thin(points, point)
        if session.journal.version() != version:
            version = session.journal.version()
            begun = {(one.start, one.kind, one.origin) for one in session.journal.events() if is_marked(one)}
            # What the very first sample brings was there before the recording.
            if begun - known and index >= max(1, first):
                stops.append(Stop(index, latest))
            known |= begun
    since = -math.inf if number == 0 else reel.sample(first).monotonic
    events = tuple(event for event in session.journal.events() if event.start >= since)
    return Digest(tuple(points), events, tuple(stops))


def thin(points: list[Point], point: Point) -> None:
    """Append ``point``, or put the higher of both in the place of the last one of its five seconds."""
    if points and points[-1].monotonic // COARSE_STEP == point.monotonic // COARSE_STEP:
        points[-1] = higher(points[-1], point)._replace(monotonic=points[-1].monotonic)
    else:
        points.append(point)


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
