r"""The format of a recording, complete enough to write another reader. Version 1.

A recording is one file that only grows. All integers are little-endian; *varint* is a number of seven bits a byte, the
lowest first, the high bit set in all bytes but the last (at most 20 bytes); *text* is a varint length and as many bytes
of UTF-8; ``crc32(data, seed)`` is that of zlib. The file is

    header  group  group  group …

**Header.** Two lines of text and a checksum, so that ``head -2`` tells what the file is:

    wsltop recording 1\n              the version of the format
    {"schema":1,"interval":1.0,…}\n   JSON, one line: see ``Header``; unknown names are to be ignored
    u32                               crc32 of both lines

A reader refuses a version, or a schema, that is newer than itself.

**Group.** Up to 300 samples that can be read without what is before them. It begins with

    00 'WSLG'                         a marker that a reader can look for after damage
    u64  number of the first sample   0 for the first ever; more when the oldest groups were dropped to keep a limit
    f64  its wall clock               seconds since the epoch
    f64  its monotonic clock          seconds
    u32  crc32 of the 29 bytes before, seeded with the header's checksum

and goes on with one frame for each sample, until the next marker or the end of the file:

    varint  length, at least 1
    bytes   a piece of the group's compressed stream
    u32     crc32 of length and bytes, seeded with the checksum right before this frame

So a checksum vouches for the frame and for its place: a frame that was moved, doubled or taken out breaks the chain.
The first sample of a group follows the last one of the group before: a group that is missing shows too.

**Stream.** The pieces of one group, joined, are one raw deflate stream (RFC 1951). Each piece ends on a byte boundary
(``Z_SYNC_FLUSH``) and is written without the flush's last four bytes, 00 00 FF FF, which the reader puts back (as RFC
7692 does). What a piece expands to, at most 8 MiB, is one *record*: text and names of a group are compressed against
what is before them, yet each sample is complete in the file as soon as it is written.

**Record.** What changed since the sample before. For each field of the sample that changed, until the record ends:

    varint  2 · field + new           field: place in the header's ``fields``; new: 1 when the shape is another one
    if new: varint  shape             number of the shape, counted from 0 for each field in each group
            text    JSON              if it is the first time in this group
    bytes   a mask                    one bit for each leaf of the shape, the lowest first, in ⌈leaves / 8⌉ bytes
    codes                             for each leaf whose bit is set, in order

The other fields are as they were; a record is never empty.

**Shape.** A value without its figures. An object stays an object, in its order; a list is ``[count, shape, count, shape
…]``, equal neighbors counted together; ``null``, ``true`` and ``false`` stand for themselves; ``"i"``, ``"f"`` and
``"s"`` are leaves: an integer, a double, a text. A part that could not be read is the object ``{"type": "unavailable",
"reason": …, "hint": …}``. The figures are a difference to the *last* leaves that the field had in this same shape in
this group, at first 0, 0.0 and "". With *fold* mapping 0, -1, 1, -2 … to 0, 1, 2, 3 …:

    i   varint  2 · fold(change), or 2 · fold(change / 1024) + 1 when that is a whole number
    f   00 and 8 bytes of IEEE 754, or
        varint  2 · fold(ns - expected) + 1, the value being ns / 10^9
        expected = 2 · ns(last) - ns(the one before last), both at first 0.0
        ns(x) = ⌊x · 10^9 + 1/2⌋ computed exactly; 0 if |x| ≥ 2^40 or x is not finite
    s   text

What the fields mean is told in ``wsltop.model.sample``; sizes are bytes, times seconds. A later version may add fields
with a default, and a reader ignores what it does not know; when a meaning changes, ``schema`` does. Strings are
stripped of control and bidirectional characters by whoever writes, and again by whoever reads.

**Ends.** A crash may leave a frame that is not complete, or zeros: the samples before it are good. A recording begins
with the program and ends with it; nothing is appended to it later.

Why not a line of JSON each second: that is 2 KB a sample, 170 MB a day. This is about 50 bytes, 4 MB a day.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from wsltop.model.sample import SCHEMA
from wsltop.recording.varint import Malformed

VERSION: Final = 1
MAGIC: Final = b"wsltop recording "
FIRST_LINE: Final = re.compile(rb"wsltop recording ([0-9]{1,9})\n")
MAX_HEADER: Final = 64 * 1024
GROUP_SAMPLES: Final = 300
GROUP_BYTES: Final = 64 * 1024
"""A writer begins a new group when either is reached: so much is decoded to get at one sample."""
MAX_GROUP_SAMPLES: Final = 4096
"""No reader needs to take more, whoever wrote the file."""
MAX_RECORD: Final = 8 * 1024 * 1024
MAX_PIECE: Final = MAX_RECORD + 64 * 1024
MARK: Final = b"\0WSLG"
HEAD: Final = struct.Struct("<5sQddI")
CRC: Final = struct.Struct("<I")
FLUSH_END: Final = b"\0\0\xff\xff"


class Header(Struct, frozen=True, kw_only=True):
    """The header's JSON."""

    schema: Annotated[int, Meta(ge=1)]
    """Version of the sample's shape, ``wsltop.model.sample.SCHEMA``."""
    interval: Annotated[float, Meta(gt=0)]
    """Seconds between samples, as intended."""
    fields: tuple[str, ...]
    """Names of the sample's fields, in the order that records number them."""
    created: float = 0.0
    """Wall clock, seconds since the epoch."""
    program: str = ""
    """Who wrote it: ``wsltop 0.1.0``."""


class Newer(ValueError):
    """The file is of a version that is not known here; the message tells which."""


class GroupHead(NamedTuple):
    """What a group begins with."""

    first: int
    """Number of its first sample."""
    time: float
    monotonic: float


def write_header(header: Header) -> bytes:
    """The bytes that a recording begins with."""
    lines = MAGIC + str(VERSION).encode() + b"\n" + msgspec.json.encode(header) + b"\n"
    return lines + CRC.pack(zlib.crc32(lines))


def read_header(data: bytes) -> tuple[Header, int]:
    """The header that ``data``, the first bytes of a file, begins with; and its length, the checksum included.

    Raises:
        Malformed: this is no recording, or its header is cut off or damaged.
        Newer: it was written by a later wsltop.
    """
    first = FIRST_LINE.match(data)
    if first is None:
        if data and (MAGIC.startswith(data) or re.fullmatch(MAGIC + rb"[0-9]{0,9}", data)):
            raise Malformed("the file ends inside its first line")
        raise Malformed("this is not a recording of wsltop")
    if int(first[1]) > VERSION:
        raise Newer(f"format {int(first[1])}, and this wsltop reads up to {VERSION}")
    end = data.find(b"\n", first.end(), MAX_HEADER) + 1
    if not end or len(data) < end + CRC.size:
        raise Malformed("the file ends inside its header" if len(data) < MAX_HEADER else "the header does not end")
    if CRC.pack(zlib.crc32(data[:end])) != data[end : end + CRC.size]:
        raise Malformed("the header is damaged: its checksum is wrong")
    try:
        header = msgspec.json.decode(data[first.end() : end], type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Malformed("the header is not as it should be") from None
    if header.schema > SCHEMA:
        raise Newer(f"schema {header.schema}, and this wsltop reads up to {SCHEMA}")
    return header, end + CRC.size


def checksum_of(header: bytes) -> int:
    """The checksum that a header ends with: every group of the file is tied to it."""
    (crc,) = CRC.unpack(header[-CRC.size :])
    return int(crc)


def write_head(head: GroupHead, seed: int) -> bytes:
    """The bytes that a group begins with; ``seed`` is the header's checksum."""
    data = HEAD.pack(MARK, *head, 0)[: -CRC.size]
    return data + CRC.pack(zlib.crc32(data, seed))


def read_head(data: bytes, seed: int) -> GroupHead | None:
    """The head of a group from ``HEAD.size`` bytes, or None when they are none of this file."""
    mark, first, time, monotonic, crc = HEAD.unpack(data)
    if mark != MARK or zlib.crc32(data[: -CRC.size], seed) != crc:
        return None
    if not (math.isfinite(time) and math.isfinite(monotonic)):
        return None
    return GroupHead(first, time, monotonic)


def write_frame(piece: bytes, seed: int) -> bytes:
    """A piece of the group's stream as a frame; ``seed`` is the checksum right before it in the file."""
    length = bytearray()
    number = len(piece)
    while number > 0x7F:
        length.append(number & 0x7F | 0x80)
        number >>= 7
    length.append(number)
    data = bytes(length) + piece
    return data + CRC.pack(zlib.crc32(data, seed))


def read_length(data: bytes) -> tuple[int, int] | None:
    """The length at the start of a frame and the bytes that it takes, or None when it is not all there.

    Raises:
        Malformed: no frame is that long, or it has no length.
    """
    length = shift = 0
    for place, byte in enumerate(data[:4]):
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            if not 0 < length <= MAX_PIECE:
                break
            return length, place + 1
        shift += 7
    else:
        if len(data) < 4:
            return None
    raise Malformed("a record has a wrong length")
