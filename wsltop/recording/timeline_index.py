"""What is known of a recording without decoding all of it: chunks, events, bookmarks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, Literal, NamedTuple, Protocol

from msgspec.structs import astuple

from wsltop.core.history import Point
from wsltop.core.moment import chart_point, interpret
from wsltop.core.session import DIAGNOSE_EVERY, Bookmark, Session
from wsltop.errors import RecordingError
from wsltop.model.event import Event
from wsltop.model.sample import KernelLog, Meminfo, Sample

STRETCH: Final = 300
"""Samples of a stretch, before which a bookmark is kept: so many are gone through for a jump to a place."""
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
        "return",
        "stall",
        "swap",
    }
)
"""Kinds of events that are worth a stop; of hogs their beginning and their end are."""


class MissingSample(RecordingError):
    """A sample that is damaged, or was deleted; the others can be read."""


class SampleLog(Protocol):
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

    @property
    def times(self) -> tuple[float, float]:
        """The earliest and the latest wall clock; they are not its ends where the clock was set."""

    def sample(self, index: int) -> Sample:
        """The sample of that number.

        Raises:
            MissingSample: it cannot be read any more.
        """

    def index_at(self, when: float) -> int:
        """The number of the sample whose wall clock is nearest to ``when`` and not later; the first where all are."""

    def index_at_monotonic(self, when: float) -> int:
        """The number of the last sample that is not later than a monotonic clock."""

    def outline(self) -> Iterable[tuple[int, Sample]]:
        """A few samples from all over the reel with their numbers."""


class EventStart(NamedTuple):
    """A sample with which an event begins that the timeline marks."""

    number: int
    monotonic: float


def look_through(reel: SampleLog, number: int, session: Session, *, settle: int = 0) -> tuple[EventStart, ...]:
    """Let a session go through stretch ``number``, samples ``number * STRETCH`` and on; where to stop in it.

    Args:
        reel: the recording.
        number: of the stretch.
        session: as it was before the stretch, or an empty one.
        settle: samples before the stretch that an empty one is to see first.
    """
    first = number * STRETCH
    numbers = range(max(0, first - settle), min(first + STRETCH, reel.count))
    usable = usable_samples(reel, numbers, latest_of(session))
    known = begun_in(session)
    version = session.journal.version()
    stops: list[EventStart] = []
    for index, _ in run_up(session, usable):
        if session.journal.version() == version:
            continue
        version = session.journal.version()
        begun = begun_in(session)
        # What the very first sample brings was there before the recording.
        if begun - known and index >= max(1, first):
            stops.append(EventStart(index, latest_of(session)))
        known |= begun
    return tuple(stops)


def usable_samples(reel: SampleLog, numbers: range, latest: float) -> list[tuple[int, Sample]]:
    """The samples of those numbers that can be shown one after the other, after one of monotonic time ``latest``."""
    found: list[tuple[int, Sample]] = []
    for number in numbers:
        sample = usable_sample(reel, number, latest)
        if sample is not None:
            found.append((number, sample))
            latest = sample.monotonic
    return found


def usable_sample(reel: SampleLog, number: int, latest: float) -> Sample | None:
    """The sample of that number if it can be shown after one of monotonic time ``latest``, else None."""
    try:
        sample = reel.sample(number)
    except MissingSample:
        return None
    return sample if follows(sample, latest) else None


def first_good(reel: SampleLog, indices: range) -> Sample:
    """The first sample with one of those numbers that can be read.

    Raises:
        RecordingError: there is none.
    """
    for index in indices:
        with suppress(MissingSample):
            return reel.sample(index)
    raise RecordingError("the recording holds no sample that can be read; record again")


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


Way = Literal[1, -1]
NONE: Final[Mapping[int, Bookmark]] = {}
SEARCHED: Final = 6
"""Stretches that one search reads at most: half an hour of samples, about a quarter of a second."""


class Index:
    """Where the events of a recording begin, and bookmarks to go on from; a few figures of what nobody has seen yet.

    Args:
        reel: the recording.
        interval: seconds between samples.
        silenced: ids of findings that the user does not want to see.
        bookmarks: sessions right before each stretch, where whoever made the reel has kept them; otherwise they are
            made here, by going through it from its start.
    """

    def __init__(
        self,
        reel: SampleLog,
        interval: float,
        silenced: frozenset[str] = frozenset(),
        bookmarks: Mapping[int, Bookmark] = NONE,
    ) -> None:
        self._reel = reel
        self._interval = interval
        self._given = bookmarks
        self._made: list[Bookmark] = []
        self._stops: dict[int, tuple[EventStart, ...]] = {}
        self._outline: list[tuple[int, Point]] | None = None
        # All that is seen on the way is kept at the full rate: each bookmark has its last quarter of an hour from it.
        self._run = Session(interval, silenced, fine_span=reel.count * interval)
        if 0 in bookmarks:
            self._run = bookmarks[0].open()

    def explore(self) -> bool:
        """Go through one more stretch, from the start of the recording on; False when all of it is known.

        The first time it is a few samples from all over the recording instead, so that no jump has to wait for them.
        """
        if self._outline is None:
            self._read_outline()
            return True
        number = len(self._made)
        if number * STRETCH >= self._reel.count:
            return False
        self._made.append(Bookmark(self._run))
        self._stops[number] = look_through(self._reel, number, self._run)
        return True

    def bookmark(self, stretch: int) -> Bookmark | None:
        """The session right before a stretch, with all its past; None while nobody has come so far."""
        given = self._given.get(stretch)
        if given is None and stretch < len(self._made):
            return self._made[stretch]
        return given

    def stops(self) -> Iterator[EventStart]:
        """Yield the stops that are known, in order."""
        for number in sorted(self._stops):
            yield from self._stops[number]

    def points(self, end: int) -> Iterator[Point]:
        """Yield figures from before sample ``end``: one in five minutes."""
        if end and self._outline is None:
            self._read_outline()
        for number, point in self._outline or ():
            if number < end:
                yield point

    def search(self, number: int, monotonic: float, way: Way) -> EventStart | Literal["none", "unfinished"]:
        """The next stop after a monotonic time (1), or the last one before it (-1); ``number`` is the sample there.

        Reads a bounded part of the recording: when nothing was found in it, the answer is ``unfinished``, and the same
        question again goes on from there.
        """
        stretch, left = number // STRETCH, SEARCHED
        while 0 <= stretch * STRETCH < self._reel.count:
            if stretch not in self._stops:
                if not left:
                    return "unfinished"
                left -= 1
                self._stops[stretch] = look_through(self._reel, stretch, Session(self._interval), settle=SETTLE)
            stop = choose(self._stops[stretch], monotonic, way)
            if stop is not None:
                return stop
            stretch += way
        return "none"

    def _read_outline(self) -> None:
        self._outline = []
        latest = 0.0
        for number, sample in self._reel.outline():
            point = chart_point(interpret(sample, self._interval)) if follows(sample, latest) else None
            if point is not None:
                latest = point.monotonic
                self._outline.append((number, point))


def choose(stops: tuple[EventStart, ...], monotonic: float, way: Way) -> EventStart | None:
    """The first stop after a monotonic time, or the last one before it."""
    if way > 0:
        return next((stop for stop in stops if stop.monotonic > monotonic), None)
    return next((stop for stop in reversed(stops) if stop.monotonic < monotonic), None)
