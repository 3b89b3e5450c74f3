"""The samples of one group as pieces of a compressed stream, and back: the same in a file and in memory.

The bytes are described in ``wsltop.recording.format``.
"""

from __future__ import annotations

import zlib
from contextlib import suppress

from wsltop.model.sample import Sample
from wsltop.recording.delta import FIELDS, DeltaCoder, DeltaDecoder
from wsltop.recording.format import FLUSH_END, MAX_RECORD
from wsltop.recording.varint import Malformed


class GroupCoder:
    """Turns the samples of one group into pieces."""

    def __init__(self) -> None:
        self._coder = DeltaCoder()
        self._stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    def encode(self, sample: Sample) -> bytes:
        """The piece of ``sample``, which follows the one encoded before.

        Raises:
            OverflowError: a number, or all of it, is too large for the format; the group cannot go on.
        """
        record = self._coder.encode(sample)
        if len(record) > MAX_RECORD:
            raise OverflowError("a sample is too large")
        piece = self._stream.compress(record) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        return piece.removesuffix(FLUSH_END)


class GroupDecoder:
    """Turns the pieces of one group back into samples; ``fields`` are the names of the fields in their order."""

    def __init__(self, fields: tuple[str, ...] = FIELDS) -> None:
        self._decoder = DeltaDecoder(fields)
        self._stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)

    def decode(self, piece: bytes) -> Sample:
        """The sample of ``piece``, which follows the one decoded before.

        Raises:
            Malformed: it is not what a writer writes.
        """
        with suppress(zlib.error):
            record = self._stream.decompress(piece + FLUSH_END, MAX_RECORD)
            if not self._stream.unconsumed_tail and not self._stream.eof:
                return self._decoder.decode(record)
        raise Malformed("the compressed stream is broken")
