"""``/dev/kmsg``: the kernel log, one record a read (Documentation/ABI/testing/dev-kmsg).

A record is ``prio,sequence,microseconds,flags[,more];text``, followed by lines `` KEY=value`` that are not used here.
``prio`` is facility * 8 + level. Bytes that are not printable ASCII, and the backslash, come as ``\\xNN``.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import KernelLog, KernelRecord
from wsltop.core.text import clean

BUFFER: Final = 16 * 1024
"""Bytes for one record; the kernel refuses (EINVAL) a buffer that is shorter than the record, at most 8 KiB."""
RECORDS_PER_READ: Final = 500
PATIENCE: Final = 10
"""Full reads in a row before we give up on catching up: more than a ring of 128 KiB can hold."""
RECORDS_WHEN_BEHIND: Final = 100
"""Records of a flood that are still shown at each read."""

RECORD: Final = re.compile(rb"([0-9]{1,5}),([0-9]{1,19}),([0-9]{1,19}),([^,;]*)[^;]*;(.*)")
ESCAPE: Final = re.compile(rb"\\x([0-9a-fA-F]{2})")


class Fragment(NamedTuple):
    """What one read of ``/dev/kmsg`` gave."""

    sequence: int
    monotonic: float
    level: int
    facility: int
    text: bytes
    """As the kernel escaped it."""
    continues: bool
    """Whether it goes on with the line of the record before."""


def parse_fragments(data: bytes) -> list[Fragment]:
    """Parse what was read; what is no record is left out."""
    return [
        Fragment(
            sequence=int(match[2]),
            monotonic=int(match[3]) / 1e6,
            level=int(match[1]) & 7,
            facility=int(match[1]) >> 3,
            text=match[5],
            # Since Linux 4.10 "c" marks a continuation; the "+" of kernels before that means the same.
            continues=match[4] in (b"c", b"+"),
        )
        for line in data.split(b"\n")
        if (match := RECORD.fullmatch(line)) is not None
    ]


def join_fragments(fragments: Iterable[Fragment]) -> tuple[KernelRecord, ...]:
    """Make records of fragments: a continuation is joined to the fragment right before it."""
    lines: list[Fragment] = []
    following: int | None = None
    for fragment in fragments:
        if fragment.continues and lines and fragment.sequence == following:
            lines[-1] = lines[-1]._replace(text=lines[-1].text + fragment.text)
        else:
            lines.append(fragment)
        following = fragment.sequence + 1
    return tuple(
        KernelRecord(
            sequence=line.sequence,
            monotonic=line.monotonic,
            level=line.level,
            facility=line.facility,
            text=clean(unescape(line.text)),
        )
        for line in lines
    )


def unescape(text: bytes) -> str:
    r"""Undo the kernel's ``\xNN``; bytes that are not UTF-8 become replacement characters."""
    if b"\\" in text:
        text = ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), text)
    return text.decode("utf-8", "replace")


class KmsgReader:
    """Follows ``/dev/kmsg`` from the oldest record on, without ever waiting for one.

    Raises:
        OSError: the device cannot be opened.
    """

    def __init__(
        self,
        path: Path = Path("/dev/kmsg"),
        read: Callable[[int, int], bytes] = os.read,
        seek: Callable[[int, int, int], int] = os.lseek,
    ) -> None:
        self._read = read
        self._seek = seek
        self._behind = 0
        self._expected: int | None = None
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def read(self) -> Reading[KernelLog]:
        """Read what is new, at most ``RECORDS_PER_READ``: the rest comes with the next call.

        Whoever cannot catch up in ``PATIENCE`` calls is looking at a flood: from then on each call reads a few
        records and jumps to the end, until there is an end. What is skipped, and what the kernel overwrote before
        we came (EPIPE), shows as a gap in the sequence and is counted.
        """
        fragments: list[Fragment] = []
        flood = self._behind >= PATIENCE
        for _ in range(RECORDS_WHEN_BEHIND if flood else RECORDS_PER_READ):
            try:
                data = self._read(self._descriptor, BUFFER)
            except BlockingIOError:
                data = b""
            except BrokenPipeError:
                continue
            except OSError as error:
                if error.errno == errno.EINVAL:
                    self._skip()  # a record that is longer than the kernel promises
                elif not fragments:
                    return Unavailable(f"reading /dev/kmsg failed: {error.strerror or error}")
                break
            if not data:
                self._behind = 0
                break
            fragments += parse_fragments(data)
        else:
            self._behind += 1
            if self._behind >= PATIENCE:
                self._skip()
        lost = self._count_lost(fragments)
        return KernelLog(origin="kmsg", records=join_fragments(fragments), lost=lost)

    def close(self) -> None:
        """Let go of the device."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _skip(self) -> None:
        try:
            self._seek(self._descriptor, 0, os.SEEK_END)
        except OSError:
            self._behind = 0  # not a log device: nothing to skip

    def _count_lost(self, fragments: Iterable[Fragment]) -> int:
        lost = 0
        for fragment in fragments:
            if self._expected is not None and fragment.sequence > self._expected:
                lost += fragment.sequence - self._expected
            self._expected = fragment.sequence + 1
        return lost
