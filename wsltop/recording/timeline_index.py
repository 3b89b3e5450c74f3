"""An index of a recording: where events begin, and bookmarks to go on from without decoding all that came before."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from operator import attrgetter
from typing import Final, Literal, NamedTuple, Protocol

from msgspec.structs import astuple

from wsltop.core.history import Point
from wsltop.core.moment import chart_point, interpret
from wsltop.core.session import DIAGNOSE_EVERY, Bookmark, Session
from wsltop.errors import RecordingError
from wsltop.model.sample import Event, KernelLog, Meminfo, Sample, Unavailable

CHUNK: Final = 300
"""Samples of a chunk. There is a bookmark before each chunk, so a jump goes through this many samples at most."""
SETTLE: Final = 10
"""Samples before a chunk that are read with it: an event that began in them is not a new one."""
LATEST: Final = 4e10
"""Seconds since the epoch: no real clock goes so far, and every calendar does."""
MOST: Final = 2**56
"""Bytes that no machine has."""
MOST_MISSING: Final = 100_000
"""Damaged samples at an end of a recording that are skipped: a day."""
LATE: Final = 300.0
"""Seconds after its start within which an event becomes known: in fact a minute or two is enough."""


class MissingSample(RecordingError):
    """A sample that is damaged, or was deleted; the others can be read."""


class SampleLog(Protocol):
    """Samples by number and by time: a recording, or what is kept in memory."""

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
        """Samples from all over the log with their numbers, about one in five minutes."""


class EventStart(NamedTuple):
    """The sample with which events become known."""

    number: int
    monotonic: float
    memory: bool
    """Whether one of them is about memory; the others are listed only where all of the kernel log is."""
    begun: frozenset[Begun]
    """The events."""


def look_through(log: SampleLog, number: int, session: Session, *, settle: int = 0) -> tuple[EventStart, ...]:
    """Let a session take the samples of a chunk; where in it events become known.

    Args:
        log: the recording.
        number: of the chunk, which begins with sample ``number * CHUNK``.
        session: as it was before the chunk, or an empty one.
        settle: samples before the chunk that an empty session takes first.
    """
    first = number * CHUNK
    numbers = range(max(0, first - settle), min(first + CHUNK, log.count))
    usable = usable_samples(log, numbers, latest_of(session))
    known = begun_in(session)
    version = session.journal.version(True)
    starts: list[EventStart] = []
    for index, _ in run_up(session, usable):
        if session.journal.version(True) == version:
            continue
        version = session.journal.version(True)
        begun = begun_in(session)
        new = begun - known
        # What the first sample of all tells happened before the recording.
        if new and index >= max(1, first):
            starts.append(EventStart(index, latest_of(session), any(one.memory for one in new), frozenset(new)))
        known |= begun
    return tuple(starts)


def usable_samples(log: SampleLog, numbers: range, latest: float) -> list[tuple[int, Sample]]:
    """The samples of those numbers that can be shown in order, after one of monotonic time ``latest``."""
    found: list[tuple[int, Sample]] = []
    for number in numbers:
        sample = usable_sample(log, number, latest)
        if sample is not None:
            found.append((number, sample))
            latest = sample.monotonic
    return found


def usable_sample(log: SampleLog, number: int, latest: float) -> Sample | None:
    """The sample of that number if it can be shown after one of monotonic time ``latest``, else None."""
    try:
        sample = log.sample(number)
    except MissingSample:
        return None
    return sample if follows(sample, latest) else None


def first_good(log: SampleLog, indices: range) -> Sample:
    """The first sample that can be read among those numbers.

    Raises:
        RecordingError: there is none, or none among the first ``MOST_MISSING``.
    """
    for index in indices[:MOST_MISSING]:
        with suppress(MissingSample):
            return log.sample(index)
    raise RecordingError("the recording holds no sample that can be read; record again")


def run_up(session: Session, samples: list[tuple[int, Sample]]) -> Iterator[tuple[int, Sample]]:
    """Let a session take samples, and yield each one it has taken.

    At the end the session shows what it would have shown anyway, for half the work: only samples since the last
    diagnosis are worked out in full.
    """
    cut = samples[-1][1].monotonic - DIAGNOSE_EVERY if samples else 0.0
    for number, sample in samples:
        if sample.monotonic > cut:
            session.take(sample)
        else:
            session.take(sample, shown=False)
        yield number, sample


def latest_of(session: Session) -> float:
    """Monotonic time of a session's newest sample."""
    return -math.inf if session.moment is None else session.moment.sample.monotonic


class Begun(NamedTuple):
    """What of an event stays the same while it goes on."""

    start: float
    kind: str
    origin: str
    memory: bool


def begun_in(session: Session) -> set[Begun]:
    """The events of a session's last minutes."""
    events = session.acts(True)
    first = bisect_left(events, latest_of(session) - LATE, key=attrgetter("start"))
    return {begun_of(event) for event in events[first:]}


def begun_of(event: Event) -> Begun:
    """What of an event, or of the first one of a row, stays the same while it goes on."""
    return Begun(event.start, event.kind, event.origin, event.memory)


def follows(sample: Sample, latest: float) -> bool:
    """Whether a sample can be shown after one of monotonic time ``latest``.

    Samples of wsltop always can. A forged one may have a time that no calendar has or that lies before the last one,
    more memory than any machine, or less than none.
    """
    log, meminfo = sample.kernel_log, sample.meminfo
    times = [sample.time, sample.monotonic]
    if isinstance(log, KernelLog):
        times += [record.monotonic for record in log.records]
    times += [at for mark in sample.marks for at in (mark.time, mark.monotonic)]
    if isinstance(meminfo, Meminfo) and not all(size is None or 0 <= size < MOST for size in astuple(meminfo)):
        return False
    blocks = () if isinstance(sample.free_blocks, Unavailable) else sample.free_blocks
    if any(count < 0 for zone in blocks for count in zone.counts):
        return False
    return all(-LATEST < one < LATEST for one in times) and sample.time >= 0 and sample.monotonic >= max(0.0, latest)


Way = Literal[1, -1]
NONE: Final[Mapping[int, Bookmark]] = {}
SEARCHED: Final = 6
"""The most chunks that one search reads: half an hour of samples, about a quarter of a second."""


class Index:
    """Where the events of a recording begin, bookmarks to go on from, and a few figures of the rest.

    Args:
        log: the recording.
        interval: seconds between samples.
        silenced: ids of findings that the user does not want to see.
        bookmarks: sessions right before each chunk, if they were kept; otherwise they are made here, by going through
            the log from its start.
    """

    def __init__(
        self,
        log: SampleLog,
        interval: float,
        silenced: frozenset[str] = frozenset(),
        bookmarks: Mapping[int, Bookmark] = NONE,
    ) -> None:
        self._log = log
        self._interval = interval
        self._given = bookmarks
        self._made: list[Bookmark] = []
        self._starts: dict[int, tuple[EventStart, ...]] = {}
        self._outline: list[tuple[int, Point]] | None = None
        # It keeps every point: each bookmark takes its last quarter of an hour from it.
        self._run = Session(interval, silenced, fine_span=log.count * interval)
        if 0 in bookmarks:
            self._run = bookmarks[0].open()

    def explore(self) -> bool:
        """Go through the next chunk, the first one first; False when all of them are known.

        The first call reads the outline instead, so that no jump has to wait for it.
        """
        if self._outline is None:
            self._read_outline()
            return True
        number = len(self._made)
        if number * CHUNK >= self._log.count:
            return False
        self._made.append(Bookmark(self._run))
        self._starts[number] = look_through(self._log, number, self._run)
        return True

    def bookmark(self, chunk: int) -> Bookmark | None:
        """The session right before a chunk, with all its past; None where the chunk is not known yet."""
        given = self._given.get(chunk)
        if given is None and chunk < len(self._made):
            return self._made[chunk]
        return given

    def starts(self, everything: bool = False) -> Iterator[EventStart]:
        """Yield where the known events begin, in order; with ``everything`` those of the whole kernel log too."""
        for number in sorted(self._starts):
            yield from (start for start in self._starts[number] if start.memory or everything)

    def points(self, end: int) -> Iterator[Point]:
        """Yield points of the timeline before sample ``end``, one in five minutes."""
        if end and self._outline is None:
            self._read_outline()
        for number, point in self._outline or ():
            if number < end:
                yield point

    def search(
        self, number: int, monotonic: float, way: Way, everything: bool = False
    ) -> EventStart | Literal["none", "unfinished"]:
        """The next event start after a monotonic time (1), or the last one before it (-1).

        Reads a bounded part of the recording. Where it holds none, the answer is ``unfinished``, and the same call
        again searches on from there.

        Args:
            number: of the sample at that time.
            monotonic: seconds.
            way: forward or back.
            everything: whether an event need not be about memory.
        """
        chunk, left = number // CHUNK, SEARCHED
        while 0 <= chunk * CHUNK < self._log.count:
            if chunk not in self._starts:
                if not left:
                    return "unfinished"
                left -= 1
            starts = tuple(start for start in self._starts_in(chunk) if start.memory or everything)
            start = choose(starts, monotonic, way)
            if start is not None:
                return start
            chunk += way
        return "none"

    def begun_at(self, number: int) -> frozenset[Begun]:
        """The events that become known with a sample."""
        starts = self._starts_in(number // CHUNK)
        return next((start.begun for start in starts if start.number == number), frozenset())

    def sample_of(self, event: Event, number: int) -> int | None:
        """The number of the sample with which an event becomes known; None where that is not found.

        Reads two chunks at most.

        Args:
            event: one of the session's events, or a row of its list.
            number: of the first sample that is not before the event.
        """
        begun, chunk = begun_of(event), number // CHUNK
        found = (start for near in (chunk, chunk + 1) for start in self._starts_in(near) if begun in start.begun)
        return next((start.number for start in found), None)

    def _starts_in(self, chunk: int) -> tuple[EventStart, ...]:
        """Where events become known in a chunk, which is read if it was not yet."""
        if chunk not in self._starts:
            if chunk * CHUNK >= self._log.count:
                return ()
            self._starts[chunk] = look_through(self._log, chunk, Session(self._interval), settle=SETTLE)
        return self._starts[chunk]

    def _read_outline(self) -> None:
        self._outline = []
        latest = 0.0
        for number, sample in self._log.outline():
            point = chart_point(interpret(sample, self._interval)) if follows(sample, latest) else None
            if point is not None:
                latest = point.monotonic
                self._outline.append((number, point))


def choose(starts: tuple[EventStart, ...], monotonic: float, way: Way) -> EventStart | None:
    """The first start after a monotonic time, or the last one before it."""
    if way > 0:
        return next((start for start in starts if start.monotonic > monotonic), None)
    return next((start for start in reversed(starts) if start.monotonic < monotonic), None)
