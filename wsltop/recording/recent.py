"""The samples of the last two hours, in memory as a recording would hold them: for a look back without a file.

Beside each stretch of samples stands a bookmark of the session as it was, so that whatever is shown of a moment is what
was shown then. About a megabyte; 0.1 ms for each sample.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final

from wsltop.core.session import Bookmark, Session
from wsltop.errors import RecordingError
from wsltop.model.sample import Sample
from wsltop.model.units import MIB
from wsltop.recording.pieces import GroupCoder, GroupDecoder
from wsltop.recording.timeline_index import STRETCH
from wsltop.recording.varint import Malformed

SPAN: Final = 2 * 3600.0
"""Seconds that are kept, if the samples come once a second; a session that is to be looked back at keeps as much."""
MOST_SAMPLES: Final = 7200
MOST_BYTES: Final = 4 * MIB
DECODED: Final = 3
"""Stretches whose samples stay in memory while somebody looks back."""


class Chunk:
    """Some minutes of samples, and the session right before them."""

    def __init__(self, bookmark: Bookmark) -> None:
        self.bookmark = bookmark
        self.size = 0
        """Bytes."""
        self.times: list[float] = []
        """Wall clock of each sample."""
        self.monotonic: list[float] = []
        self._pieces: list[bytes] = []
        self._coder: GroupCoder | None = GroupCoder()

    @property
    def full(self) -> bool:
        """Whether the next sample begins another one."""
        return self._coder is None

    def add(self, sample: Sample) -> None:
        """Keep a sample.

        Raises:
            OverflowError: it is too large for that.
        """
        if self._coder is None:
            raise OverflowError("the stretch is full")
        piece = self._coder.encode(sample)
        self._pieces.append(piece)
        self.times.append(sample.time)
        self.monotonic.append(sample.monotonic)
        self.size += len(piece)
        if len(self._pieces) == STRETCH:
            self._coder = None  # its tables are larger than what it has made

    def samples(self, count: int) -> tuple[Sample, ...]:
        """The first ``count`` samples.

        Raises:
            RecordingError: they cannot be read any more.
        """
        decoder = GroupDecoder()
        try:
            return tuple(decoder.decode(piece) for piece in self._pieces[:count])
        except Malformed as error:
            raise RecordingError(f"the samples kept in memory cannot be read: {error}") from None


class Recent:
    """Keeps the newest samples of a session; ``interval`` is the seconds between them."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._stretches: deque[Chunk] = deque()

    def take(self, sample: Sample, session: Session) -> None:
        """Keep ``sample``, which ``session`` is going to take next; the oldest ones give way."""
        if not self._stretches or self._stretches[-1].full:
            self._make_room()
            self._stretches.append(Chunk(Bookmark(session)))
        try:
            self._stretches[-1].add(sample)
        except OverflowError:  # no kernel says such figures; what came before cannot be gone on from
            self._stretches.clear()

    def reel(self) -> RecentLog | None:
        """What has been kept until now, to look at while more is kept; None while there is nothing."""
        return RecentLog(tuple(self._stretches), self.interval) if self._stretches else None

    @property
    def size(self) -> int:
        """Bytes of all samples."""
        return sum(stretch.size for stretch in self._stretches)

    def _make_room(self) -> None:
        while self._stretches and (len(self._stretches) * STRETCH >= MOST_SAMPLES or self.size > MOST_BYTES):
            self._stretches.popleft()


class RecentLog:
    """Samples in memory, as they were when this was made; a ``Reel``."""

    def __init__(self, stretches: tuple[Chunk, ...], interval: float) -> None:
        self.interval = interval
        self._stretches = stretches
        self._times = [when for stretch in stretches for when in stretch.times]
        self._monotonic = [when for stretch in stretches for when in stretch.monotonic]
        self._decoded: OrderedDict[int, tuple[Sample, ...]] = OrderedDict()
        self.count = len(self._times)
        self.start, self.end = self._times[0], self._times[-1]

    @property
    def bookmarks(self) -> dict[int, Bookmark]:
        """The session right before each stretch."""
        return {number: stretch.bookmark for number, stretch in enumerate(self._stretches)}

    def sample(self, index: int) -> Sample:
        """The sample of that number."""
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        number = index // STRETCH
        if number not in self._decoded:
            count = min(STRETCH, self.count - number * STRETCH)
            self._decoded[number] = self._stretches[number].samples(count)
            if len(self._decoded) > DECODED:
                self._decoded.popitem(last=False)
        return self._decoded[number][index - number * STRETCH]

    def index_at(self, when: float) -> int:
        """The number of the last sample that is not later than a wall clock; the first sample when all are."""
        return next((index for index in range(self.count - 1, -1, -1) if self._times[index] <= when), 0)

    def index_at_monotonic(self, when: float) -> int:
        """The number of the last sample that is not later than a monotonic clock; the first sample when all are."""
        return max(0, bisect_right(self._monotonic, when) - 1)

    def outline(self) -> Iterator[tuple[int, Sample]]:
        """Nothing: each stretch has a bookmark that knows the past."""
        return iter(())
