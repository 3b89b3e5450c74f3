"""Reads a recording: any sample by its number or its time, one group in memory at a time.

Opening checks every checksum of the file once, so damage is told before the first sample is shown.
"""

from __future__ import annotations

import os
import stat
import time
import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

from wsltop.errors import RecordingError
from wsltop.model.sample import Sample
from wsltop.model.text import clean
from wsltop.recording.format import CRC, HEAD, MAX_HEADER, Header, Newer, checksum_of, read_header, read_length
from wsltop.recording.pieces import GroupDecoder
from wsltop.recording.scan import Fault, Group, Scan, Window
from wsltop.recording.varint import Malformed

GROUPS_KEPT: Final = 4
"""Groups whose samples stay in memory: five minutes and a few megabytes each."""
FOREIGN: Final = "Give a file that wsltop record has written."
SALVAGE: Final = "To leave out what is damaged, add --salvage."
AGAIN: Final = "It was good when it was opened: open it again, with --salvage if it stays so."


class Recording:
    """An open recording; use ``Recording.open``. Samples are numbered from 0, the oldest that the file has."""

    def __init__(self, path: Path, descriptor: int, header: Header, scan: Scan) -> None:
        self.path = path
        self.header = header
        """What the file says of itself: interval, schema, program, creation."""
        self.note = ""
        """What is missing, as a sentence for people; empty when nothing is."""
        self._descriptor = descriptor
        self._groups = scan.groups
        self._firsts: list[int] = []
        """Number of each group's first sample, counted from 0 without holes."""
        self._kept: OrderedDict[int, tuple[Sample, ...]] = OrderedDict()
        count = 0
        for group in self._groups:
            self._firsts.append(count)
            count += group.length
        self.count = count
        self.start = self.sample(0).time
        """Wall clock of the first sample, seconds since the epoch."""
        self.end = self.sample(count - 1).time
        """Wall clock of the last sample."""
        self.note = " ".join(tell_fault(fault, self._time_before(fault)) for fault in scan.faults)

    @classmethod
    def open(cls, path: Path, *, salvage: bool = False) -> Recording:
        """Open ``path`` and check it.

        Args:
            path: the file.
            salvage: leave damaged parts out, and say so in ``note``, instead of refusing the file. The torn end
                that a crash leaves is always left out and noted.

        Raises:
            RecordingError: it cannot be read, is no recording, is damaged or newer, or holds no sample.
        """
        descriptor = open_file(path)
        try:
            try:
                window = Window(descriptor, os.fstat(descriptor).st_size)
                header, length = read_header(data := window.take(0, MAX_HEADER + CRC.size))
                scan = Scan(window, length, checksum_of(data[:length]))
            except Malformed as error:
                raise RecordingError(f"{path}: {error} (byte 0). {FOREIGN}") from None
            except Newer as error:
                raise RecordingError(f"{path} was written by a newer wsltop: {error}. Update wsltop.") from None
            except OSError as error:
                raise RecordingError(f"cannot read {path}: {error.strerror or error}") from error
            damage = next((fault for fault in scan.faults if not fault.torn), None)
            if damage is not None and not salvage:
                good = sum(group.length for group in scan.groups)
                raise RecordingError(
                    f"{path} is damaged at byte {damage.start}: {damage.reason}; {good} samples are good. {SALVAGE}"
                )
            if not scan.groups:
                raise RecordingError(f"{path} holds no sample (it ends at byte {window.size}). Record anew.")
            return cls(path, descriptor, header, scan)
        except BaseException:
            os.close(descriptor)
            raise

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.count

    @property
    def interval(self) -> float:
        """Seconds between samples, as intended."""
        return self.header.interval

    def sample(self, index: int) -> Sample:
        """The sample of that number.

        Raises:
            IndexError: there is none.
            RecordingError: it cannot be read any more, or is not what a wsltop writes.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        number = bisect_right(self._firsts, index) - 1
        return self._samples_of(number)[index - self._firsts[number]]

    def index_at(self, when: float) -> int:
        """The number of the last sample that is not later than a wall clock; the first sample when all are."""
        number = last_at_or_before([group.head.time for group in self._groups], when)
        return self._firsts[number] + last_at_or_before([one.time for one in self._samples_of(number)], when)

    def index_at_monotonic(self, when: float) -> int:
        """The number of the last sample that is not later than a monotonic clock; the first sample when all are."""
        number = last_at_or_before([group.head.monotonic for group in self._groups], when)
        return self._firsts[number] + last_at_or_before([one.monotonic for one in self._samples_of(number)], when)

    def samples(self, first: int = 0, end: int | None = None) -> Iterator[Sample]:
        """Yield the samples from number ``first`` up to ``end``, which is not included; to the last without one."""
        for index in range(max(0, first), self.count if end is None else min(end, self.count)):
            yield self.sample(index)

    def outline(self) -> Iterator[tuple[int, Sample]]:
        """Yield the first sample of each group with its number: a day in about 300 steps, without reading all of it."""
        for number, first in enumerate(self._firsts):
            kept = self._kept.get(number)
            yield first, kept[0] if kept is not None else self._decode(self._groups[number], limit=1)[0]

    def close(self) -> None:
        """Let go of the file; may be called again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _samples_of(self, number: int) -> tuple[Sample, ...]:
        samples = self._kept.get(number)
        if samples is None:
            samples = self._kept[number] = self._decode(self._groups[number])
            if len(self._kept) > GROUPS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return samples

    def _decode(self, group: Group, limit: int | None = None) -> tuple[Sample, ...]:
        """The samples of a group, or its first ones."""
        try:
            data = os.pread(self._descriptor, group.end - group.start, group.start)
            return decode_group(data, group.length if limit is None else limit, self.header.fields)
        except Malformed as error:
            raise RecordingError(f"{self.path} is damaged at byte {group.start}: {error}. {AGAIN}") from None
        except OSError as error:
            raise RecordingError(f"cannot read {self.path}: {error.strerror or error}") from error

    def _time_before(self, fault: Fault) -> float | None:
        """Wall clock of the last good sample before a fault."""
        number = bisect_right([group.start for group in self._groups], fault.start) - 1
        return None if number < 0 else self._samples_of(number)[-1].time


def open_file(path: Path) -> int:
    """Open a regular file for reading; return its descriptor.

    Raises:
        RecordingError: it is none, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would wait for its writer
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror or error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RecordingError(f"{path} is not a regular file: give the name of a recording")
    return descriptor


def decode_group(data: bytes, count: int, fields: tuple[str, ...]) -> tuple[Sample, ...]:
    """The first ``count`` samples of a group, from the bytes of the group.

    Raises:
        Malformed: they are not what a writer writes, or not what was there when the file was checked.
    """
    decoder = GroupDecoder(fields)
    samples = []
    place, chain = HEAD.size, checksum_of(data[: HEAD.size].rjust(HEAD.size, b"\0"))
    for _ in range(count):
        length = read_length(data[place : place + 4])
        if length is None:
            raise Malformed("the file became shorter")
        size, prefix = length
        end = place + prefix + size
        crc = CRC.pack(zlib.crc32(data[place:end], chain))
        if data[end : end + CRC.size] != crc:
            raise Malformed("the file changed while it was read")
        samples.append(decoder.decode(data[place + prefix : end]))
        place, chain = end + CRC.size, checksum_of(crc)
    return tuple(samples)


def last_at_or_before(times: list[float], when: float) -> int:
    """The last place whose time is not later than ``when``, or 0. A wall clock may have been set back in between."""
    return next((place for place in range(len(times) - 1, -1, -1) if times[place] <= when), 0)


def tell_fault(fault: Fault, after: float | None) -> str:
    """A fault as a sentence."""
    where = "before the first sample" if after is None else time.strftime("after %H:%M:%S", time.localtime(after))
    size = fault.end - fault.start
    if fault.torn:
        return f"The end is cut off: {fault.reason}; {size} bytes {where} are left out."
    return f"Damaged at byte {fault.start}: {clean(fault.reason)}; {size} bytes {where} are left out."
