"""Goes over a recording once, checksum by checksum: where its groups are, and where it is damaged."""

from __future__ import annotations

import os
import zlib
from typing import Final, NamedTuple

from wsltop.recording.format import (
    CRC,
    GROUP_BYTES,
    HEAD,
    MARK,
    MAX_GROUP_SAMPLES,
    GroupHead,
    checksum_of,
    read_head,
    read_length,
)
from wsltop.recording.varint import Malformed

AT_ONCE: Final = 1024 * 1024
"""Bytes that are in memory at a time."""


class Group(NamedTuple):
    """A group whose checksums are right."""

    head: GroupHead
    start: int
    """Offset of its marker."""
    end: int
    """Offset right behind its last good frame."""
    length: int
    """Its samples, at least 1."""


class Fault(NamedTuple):
    """Bytes that are no part of a good group."""

    start: int
    end: int
    reason: str
    torn: bool
    """It is the end of a file whose writer did not get to finish: that is expected of a crash, not damage."""


class Window:
    """The part of a file that is in memory; it follows whoever takes from it.

    Raises:
        OSError: from ``take``, when the file cannot be read.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self.size = size
        self._descriptor = descriptor
        self._base = 0
        self._data = b""

    def take(self, start: int, length: int) -> bytes:
        """The bytes from ``start`` on, fewer at the end of the file."""
        place = start - self._base
        if place < 0 or place + length > len(self._data):
            self._base, place = start, 0
            self._data = os.pread(self._descriptor, min(max(length, AT_ONCE), max(0, self.size - start)), start)
        return self._data[place : place + length]

    def find(self, mark: bytes, start: int) -> int | None:
        """Where ``mark`` is next, from ``start`` on."""
        while start < self.size:
            data = self.take(start, AT_ONCE)
            place = data.find(mark)
            if place >= 0:
                return start + place
            start += max(1, len(data) - len(mark) + 1)
        return None


class Scan:
    """The groups and faults of a file.

    Args:
        window: the file.
        start: the offset right behind the header.
        seed: the header's checksum.
    """

    def __init__(self, window: Window, start: int, seed: int) -> None:
        self.groups: list[Group] = []
        self.faults: list[Fault] = []
        self._window = window
        self._seed = seed
        self._next = 0
        """The least number that the next group's first sample may have."""
        while start < window.size:
            start = self._take_group(start)

    def _take_group(self, start: int) -> int:
        """Take the group that begins at ``start``; return where the next one does."""
        data = self._window.take(start, HEAD.size)
        head = read_head(data, self._seed) if len(data) == HEAD.size else None
        if head is None:
            torn = len(data) < HEAD.size and MARK.startswith(data[: len(MARK)])
            return self._skip(start, start, "a group does not begin as it should", torn=torn)
        if self.groups and head.first < self._next:
            return self._skip(start, start + HEAD.size, "a group is not in its place", torn=False)
        if self.groups and head.first > self._next:
            missing = head.first - self._next
            # Where damage was skipped, the missing samples are the damaged ones.
            if not (self.faults and self.faults[-1].end == start):
                self.faults.append(Fault(start, start, f"{missing} samples are missing", torn=False))
        place, chain, count = start + HEAD.size, checksum_of(data), 0
        reason, torn = "", False
        try:
            while (frame := self._read_frame(place, chain)) is not None and count < MAX_GROUP_SAMPLES:
                place, chain = frame
                count += 1
        except Malformed as error:
            reason = str(error)
        except EOFError as error:
            reason, torn = str(error), not self._goes_on(place)
        if count:
            self.groups.append(Group(head, start, place, count))
            self._next = head.first + count
            if not reason and MARK.startswith(self._window.take(place, len(MARK))):
                return place  # the next group, or the end of the file
        torn = torn or place == self._window.size
        return self._skip(place, place, reason or "a group does not end as it should", torn=torn)

    def _read_frame(self, start: int, chain: int) -> tuple[int, int] | None:
        """Check the frame at ``start``; return where it ends and its checksum, or None when there is none.

        Raises:
            Malformed: it is damaged.
            EOFError: the file ends inside it.
        """
        prefix = self._window.take(start, len(MARK))
        if MARK.startswith(prefix):
            return None  # whole, cut off, or nothing because the file ends here
        length = read_length(prefix)
        if length is None:
            raise EOFError("the file ends inside a sample")
        total = sum(length) + CRC.size
        frame = self._window.take(start, total)
        if len(frame) < total:
            raise EOFError("the file ends inside a sample")
        (crc,) = CRC.unpack_from(frame, total - CRC.size)
        if zlib.crc32(memoryview(frame)[: -CRC.size], chain) != crc:
            if start + total == self._window.size:
                raise EOFError("the last sample did not reach the disk as a whole")
            raise Malformed("the checksum of a sample is wrong")
        return start + total, crc

    def _goes_on(self, start: int) -> bool:
        """Whether good frames follow one that seems to be cut off: then its length is wrong, and the file damaged."""
        data = self._window.take(start, GROUP_BYTES)
        for place in range(CRC.size, len(data) - CRC.size):
            length, prefix = data[place], 1
            if length > 0x7F:
                length, prefix = length & 0x7F | data[place + 1] << 7, 2  # longer ones are rare: let them go
            end = place + prefix + length
            if length and end + CRC.size <= len(data):
                (chain,) = CRC.unpack_from(data, place - CRC.size)
                if CRC.pack(zlib.crc32(data[place:end], chain)) == data[end : end + CRC.size]:
                    return True
        return False

    def _skip(self, start: int, search: int, reason: str, *, torn: bool) -> int:
        """Note a fault; return where the next good group begins, or the end of the file."""
        place = max(search, start + 1)
        while (found := self._window.find(MARK, place)) is not None:
            data = self._window.take(found, HEAD.size)
            head = read_head(data, self._seed) if len(data) == HEAD.size else None
            if head is not None and head.first >= self._next:
                self.faults.append(Fault(start, found, reason, torn=False))
                return found
            place = found + 1
        end = self._window.size
        self.faults.append(Fault(start, end, reason, torn=torn or self._is_blank(start, end)))
        return end

    def _is_blank(self, start: int, end: int) -> bool:
        """Whether only zeros are left: a power failure may leave a file that is longer than what is in it."""
        while start < end:
            data = self._window.take(start, AT_ONCE)
            if not data or data.count(0) != len(data):
                return not data
            start += len(data)
        return True
