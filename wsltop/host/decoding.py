"""Lines and text from bytes of unknown encoding. Pure; never raises, never holds more than its limit."""

from __future__ import annotations

import codecs
from typing import Final

LONGEST_LINE: Final = 64 * 1024
BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class LineSplitter:
    """Cuts a stream of bytes into lines without their newline. How the stream arrives in chunks does not matter.

    A line longer than ``limit`` bytes is dropped whole, so that a stream without newlines takes bounded memory.
    """

    def __init__(self, limit: int = LONGEST_LINE) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that ``chunk`` completes."""
        lines: list[bytes] = []
        *finished, rest = chunk.split(b"\n")
        for piece in finished:
            self._hold(piece)
            if not self._skipping:
                lines.append(bytes(self._rest))
            self._rest.clear()
            self._skipping = False
        self._hold(rest)
        return lines

    def _hold(self, piece: bytes) -> None:
        if not self._skipping:
            self._rest += piece
            if len(self._rest) > self._limit:
                self._rest.clear()
                self._skipping = True


def ascii_bytes(line: bytes) -> bytes:
    """The ASCII text of a line that may be UTF-16 of either order, with or without byte order mark and CR.

    Only for text that is ASCII by agreement: then UTF-16 is the same bytes with NULs between, and dropping those
    is right whatever the alignment, also after the stream was cut at its ``\\n`` bytes.
    """
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        line = line.removeprefix(mark)
    return line.replace(b"\0", b"").strip()


def decode_text(raw: bytes) -> str:
    """Text from a whole output: by its byte order mark, else UTF-16 by its NULs, else UTF-8, else as Latin-1.

    Latin-1 stands in for every code page of Windows (437, 850, 866, 932 and so on): ASCII is the same in all, and
    in the double-byte ones neither a quote nor a digit is ever the second byte of a character.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    if raw.count(0) * 4 >= len(raw) > 1:
        odd = raw[1::2].count(0) > raw[0::2].count(0)
        return raw.decode("utf-16-le" if odd else "utf-16-be", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
