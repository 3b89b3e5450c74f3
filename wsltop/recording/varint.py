"""Numbers and texts as few bytes, and the way back. The encoding is described in ``wsltop.recording.format``."""

from __future__ import annotations

import struct
from typing import Final

MAX_VARINT: Final = 20
"""Bytes; 140 bits are more than any figure of a kernel, and bound the work that a hostile file can ask for."""
NANO: Final = 10**9
NANO_LIMIT: Final = 2.0**40
"""Above this a float is never written as nanoseconds."""


class Malformed(ValueError):
    """The bytes are not what the format says; the message is a clause for the reader's error."""


def put_varint(out: bytearray, number: int) -> None:
    """Append a number that is not negative, seven bits a byte, the lowest first.

    Raises:
        OverflowError: the number has more than 140 bits.
    """
    if number >> (7 * MAX_VARINT):
        raise OverflowError(f"{number} is too large a number")
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def fold(number: int) -> int:
    """Map 0, -1, 1, -2, 2 … to 0, 1, 2, 3, 4 …, so that small numbers stay small whatever their sign."""
    return number << 1 if number >= 0 else ~(number << 1)


def unfold(number: int) -> int:
    """The inverse of ``fold``."""
    return ~(number >> 1) if number & 1 else number >> 1


def nanoseconds(value: float) -> int:
    """The integer next to ``value * 10**9``, computed exactly; 0 where the value is not finite or too large."""
    if not -NANO_LIMIT < value < NANO_LIMIT:  # also false for NaN
        return 0
    numerator, denominator = value.as_integer_ratio()
    return (2 * numerator * NANO + denominator) // (2 * denominator)


class Cursor:
    """Reads numbers and texts out of bytes, from the start to the end.

    Raises:
        Malformed: from every method, when the bytes end too early or a number is too long.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self.place >= len(self.data)

    def varint(self) -> int:
        """Read what ``put_varint`` wrote."""
        data, place = self.data, self.place
        number = shift = 0
        try:
            while True:
                byte = data[place]
                place += 1
                number |= (byte & 0x7F) << shift
                if byte < 0x80:
                    break
                shift += 7
                if shift >= 7 * MAX_VARINT:
                    raise Malformed("a number is too long")
        except IndexError:
            raise Malformed("a record ends too early") from None
        self.place = place
        return number

    def take(self, length: int) -> bytes:
        """Read ``length`` bytes."""
        end = self.place + length
        if end > len(self.data):
            raise Malformed("a record ends too early")
        taken = self.data[self.place : end]
        self.place = end
        return taken

    def text(self) -> str:
        """Read a length and as many bytes of UTF-8."""
        try:
            return self.take(self.varint()).decode()
        except UnicodeDecodeError:
            raise Malformed("a text is not UTF-8") from None

    def double(self) -> float:
        """Read eight bytes as an IEEE 754 double."""
        (value,) = struct.unpack("<d", self.take(8))
        return float(value)
