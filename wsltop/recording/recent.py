"""The samples of the last two hours, in memory, coded as a recording codes them: for a look back without a file.

With each chunk of samples a bookmark of the session is kept, so that what is shown of a moment is what was shown
then. A few megabytes; 0.1 ms for each sample.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final

from wsltop.core.session import Bookmark, Session
from wsltop.model.sample import Sample
from wsltop.model.text import MIB
from wsltop.recording.codec import Malformed, SampleCoder, SampleDecoder
from wsltop.recording.timeline_index import CHUNK, MissingSample

SPAN: Final = 2 * 3600.0
"""Seconds that are kept at one sample a second; a session that is to be looked back at keeps as much."""
MOST_SAMPLES: Final = 7200
MOST_BYTES: Final = 4 * MIB
DECODED: Final = 3
"""Chunks whose samples stay decoded while the user looks back."""


class Chunk:
    """Some minutes of samples, and the session right before them."""

    def __init__(self, bookmark: Bookmark) -> None:
        self.bookmark = bookmark
        self.size = 0
        """Bytes."""
        self.times: list[float] = []
        """Wall clock of each sample."""
        self.monotonic: list[float] = []
        self.rows: list[bytes] = []

    def add(self, sample: Sample, coder: SampleCoder) -> None:
        """Keep a sample.

        Raises:
            ValueError: a figure in it is no number.
        """
        row = coder.encode(sample, whole=not self.rows)
        self.rows.append(row)
        self.times.append(sample.time)
        self.monotonic.append(sample.monotonic)
        self.size += len(row)


class Recent:
    """Keeps the newest samples of a session; ``interval`` is the seconds between them."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._chunks: deque[Chunk] = deque()
        self._coder = SampleCoder()

    def take(self, sample: Sample, session: Session) -> None:
        """Keep ``sample``, which ``session`` takes next; the oldest samples go.

        A sample with a figure that is no number deletes all that came before: no kernel says such figures.
        """
        if not self._chunks or len(self._chunks[-1].rows) == CHUNK:
            self._make_room()
            self._chunks.append(Chunk(Bookmark(session)))
        try:
            self._chunks[-1].add(sample, self._coder)
        except ValueError:
            self._chunks.clear()

    def log(self) -> RecentLog | None:
        """What has been kept until now, to look at while more is kept; None while there is nothing."""
        return RecentLog(tuple(self._chunks), self.interval) if self._chunks else None

    @property
    def size(self) -> int:
        """Bytes of all samples."""
        return sum(chunk.size for chunk in self._chunks)

    def _make_room(self) -> None:
        while self._chunks and (len(self._chunks) * CHUNK >= MOST_SAMPLES or self.size > MOST_BYTES):
            self._chunks.popleft()


class RecentLog:
    """Samples in memory, as they were when this was made; a ``SampleLog``."""

    def __init__(self, chunks: tuple[Chunk, ...], interval: float) -> None:
        self.interval = interval
        self._chunks = chunks
        self._times = [when for chunk in chunks for when in chunk.times]
        self._monotonic = [when for chunk in chunks for when in chunk.monotonic]
        self._decoded: OrderedDict[int, list[Sample]] = OrderedDict()
        self.count = len(self._times)
        self.start, self.end = self._times[0], self._times[-1]
        self.times = min(self._times), max(self._times)

    @property
    def bookmarks(self) -> dict[int, Bookmark]:
        """The session right before each chunk."""
        return {number: chunk.bookmark for number, chunk in enumerate(self._chunks)}

    def sample(self, index: int) -> Sample:
        """The sample of that number."""
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        number = index // CHUNK
        if number not in self._decoded:
            self._decoded[number] = decode_all(self._chunks[number].rows[: self.count - number * CHUNK])
            if len(self._decoded) > DECODED:
                self._decoded.popitem(last=False)
        samples = self._decoded[number]
        if index - number * CHUNK >= len(samples):
            raise MissingSample(f"sample {index} in memory cannot be read")
        return samples[index - number * CHUNK]

    def index_at(self, when: float) -> int:
        """The number of the sample whose wall clock is nearest to ``when`` and not later; the first where all are."""
        return max(((time, index) for index, time in enumerate(self._times) if time <= when), default=(when, 0))[1]

    def index_at_monotonic(self, when: float) -> int:
        """The number of the last sample that is not later than a monotonic clock; the first sample when all are."""
        return max(0, bisect_right(self._monotonic, when) - 1)

    def outline(self) -> Iterator[tuple[int, Sample]]:
        """Nothing: each chunk has a bookmark that knows the past."""
        return iter(())


def decode_all(rows: list[bytes]) -> list[Sample]:
    """The samples of rows of which the first is whole, up to one that cannot be read."""
    decoder = SampleDecoder()
    samples: list[Sample] = []
    for row in rows:
        try:
            samples.append(decoder.decode(row, whole=not samples))
        except Malformed:
            break
    return samples
