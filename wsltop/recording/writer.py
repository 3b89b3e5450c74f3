"""Writes a recording: each sample is handed to the operating system before ``write`` returns.

A limit of size or age drops the oldest groups, so that the file always holds the newest stretch of time, as one file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from wsltop import __version__
from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.errors import RecordingError
from wsltop.model.sample import SCHEMA, Sample
from wsltop.model.units import format_size
from wsltop.recording.delta import FIELDS
from wsltop.recording.format import (
    GROUP_BYTES,
    GROUP_SAMPLES,
    GroupHead,
    Header,
    checksum_of,
    write_frame,
    write_head,
    write_header,
)
from wsltop.recording.pieces import GroupCoder
from wsltop.recording.tape import Tape

MIN_SIZE: Final = 1024 * 1024
"""The smallest limit: some hours, and never so few groups that dropping one empties the file."""
KEPT_SHARE: Final = 0.75
"""What is left of the file when the size limit is reached; more would mean to copy it more often."""
AGE_SLACK: Final = 1.25
"""The oldest samples go when they are a quarter older than what is to be kept, for the same reason."""


class Start(NamedTuple):
    """Where a group of the file begins, and when."""

    offset: int
    monotonic: float


class RecordingWriter:
    """Writes the samples of this run to a new file.

    Args:
        path: the file; its folder must exist.
        interval: seconds between samples, for whoever replays them.
        overwrite: replace a file of that name.
        max_size: bytes that the file does not exceed, at least ``MIN_SIZE``: the oldest quarter is dropped when it
            would. A copy is made for that, so there must be room for one and three quarters of it. Only a flood of
            the kernel log that is larger than all this in one second goes beyond.
        keep: seconds that are kept at least; what is a quarter older is dropped.
        clock: stamps the file.

    Raises:
        RecordingError: the file cannot be created, or the limit is too small.
    """

    def __init__(
        self,
        path: Path,
        *,
        interval: float,
        overwrite: bool = False,
        max_size: int | None = None,
        keep: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if max_size is not None and max_size < MIN_SIZE:
            raise RecordingError(
                f"{format_size(max_size)} is too small for a recording: {format_size(MIN_SIZE)} is not"
            )
        self.path = path
        self.count = 0
        """Samples written, those that were dropped since included."""
        self._max_size = max_size
        self._keep = keep
        self._starts: list[Start] = []
        self._first_monotonic = self._last_monotonic = 0.0
        self._group_count = 0
        header = write_header(
            Header(
                schema=SCHEMA, interval=interval, fields=FIELDS, created=clock.time(), program=f"wsltop {__version__}"
            )
        )
        self._seed = self._chain = checksum_of(header)
        self._tape = Tape(path, overwrite=overwrite)
        self._tape.append(header)
        self._begin_group()

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._tape.size

    @property
    def age(self) -> float:
        """Seconds from the first sample written to the last."""
        return self._last_monotonic - self._first_monotonic

    @property
    def closed(self) -> bool:
        """Whether the recording has ended, by ``close`` or by an error."""
        return self._tape.closed

    def write(self, sample: Sample) -> None:
        """Append ``sample``. Once closed, by ``close`` or after an error, this does nothing.

        Raises:
            RecordingError: it cannot be written; the file is closed, and good up to the sample before.
        """
        if self.closed:
            return
        if self._group_is_full():
            self._tape.sync()
            self._begin_group()
        data = self._encode(sample)
        self._make_room(len(data), sample.monotonic)
        if self._group_count == 0:
            self._starts.append(Start(self._tape.size, sample.monotonic))
        self._tape.append(data)
        if self.count == 0:
            self._first_monotonic = sample.monotonic
        self._last_monotonic = sample.monotonic
        self.count += 1
        self._group_count += 1

    def close(self) -> None:
        """End the recording; may be called again.

        Raises:
            RecordingError: what was written did not reach the disk.
        """
        if not self.closed:
            self._tape.sync()
            self._tape.close()

    def _group_is_full(self) -> bool:
        if self._group_count == 0:
            return False
        return self._group_count >= GROUP_SAMPLES or self._tape.size - self._starts[-1].offset >= GROUP_BYTES

    def _begin_group(self) -> None:
        self._coder = GroupCoder()
        self._group_count = 0

    def _encode(self, sample: Sample) -> bytes:
        """The bytes to append: the sample's frame, after the head of the group when it is the first."""
        try:
            piece = self._coder.encode(sample)
        except OverflowError as error:
            self._tape.close()
            raise RecordingError(f"{self.path}: {error}; the recording ends, what it has is kept") from None
        head = b""
        if self._group_count == 0:
            head = write_head(GroupHead(self.count, sample.time, sample.monotonic), self._seed)
            self._chain = checksum_of(head)
        frame = write_frame(piece, self._chain)
        self._chain = checksum_of(frame)
        return head + frame

    def _make_room(self, length: int, now: float) -> None:
        """Drop the oldest groups when a limit is reached; the group that is being written always stays."""
        dropped = 0
        if (
            self._keep is not None
            and len(self._starts) > 1
            and now - self._starts[1].monotonic > AGE_SLACK * self._keep
        ):
            while dropped + 1 < len(self._starts) and now - self._starts[dropped + 1].monotonic > self._keep:
                dropped += 1
        if self._max_size is not None and self._tape.size + length > self._max_size:
            excess = self._tape.size - KEPT_SHARE * self._max_size
            start = self._starts[0].offset if self._starts else 0
            while dropped + 1 < len(self._starts) and self._starts[dropped].offset - start < excess:
                dropped += 1
        if dropped:
            start, end = self._starts[0].offset, self._starts[dropped].offset
            self._tape.drop(start, end)
            self._starts = [one._replace(offset=one.offset - (end - start)) for one in self._starts[dropped:]]
