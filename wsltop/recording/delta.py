"""Samples as what changed since the last one, and back. The bytes are described in ``wsltop.recording.format``.

Coder and decoder each keep, for every field and every shape it has had in this group, the last two rows of leaves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from wsltop.model.sample import Sample
from wsltop.model.text import clean
from wsltop.recording.shape import EMPTY, LETTERS, Builder, Leaf, Plain, Shape, flatten, learn_shape, write_shape
from wsltop.recording.varint import NANO, Cursor, Malformed, fold, nanoseconds, put_varint, unfold

UNIT: Final = 1024
"""Differences that are whole KiB are counted in KiB: memory comes in pages."""
MAX_GROUP_LEAVES: Final = 1_000_000
"""Leaves of all shapes of a group together: bounds the memory that a hostile file can ask for."""
FIELDS: Final = Sample.__struct_fields__
"""The fields in the order in which this version writes them."""
TYPES: Final[Mapping[str, Any]] = {field.name: field.type for field in msgspec.structs.fields(Sample)}


class Row:
    """The last two rows of leaves of one field in one shape."""

    __slots__ = ("before", "last", "make", "number")

    def __init__(self, number: int, letters: Iterable[str], make: Builder = next) -> None:
        self.number = number
        self.make = make
        self.last: list[Leaf] = [EMPTY[letter] for letter in letters]
        self.before = self.last


class DeltaCoder:
    """Turns the samples of one group into records."""

    def __init__(self) -> None:
        self._previous: Sample | None = None
        self._rows: list[dict[Shape, Row]] = [{} for _ in FIELDS]
        self._current: list[Row | None] = [None] * len(FIELDS)

    def encode(self, sample: Sample) -> bytes:
        """The record of ``sample``, which follows the one encoded before.

        Raises:
            OverflowError: a number is too large for the format.
        """
        out = bytearray()
        for index, name in enumerate(FIELDS):
            value = getattr(sample, name)
            if self._previous is None or value != getattr(self._previous, name):
                self._put_field(out, index, msgspec.to_builtins(value, str_keys=True))
        if not out:  # the very same sample again; a record is never empty
            self._put_field(out, 0, msgspec.to_builtins(getattr(sample, FIELDS[0])))
        self._previous = sample
        return bytes(out)

    def _put_field(self, out: bytearray, index: int, value: Plain) -> None:
        leaves: list[Leaf] = []
        shape = flatten(value, leaves)
        known = self._rows[index]
        row = known.get(shape)
        if row is not None and row is self._current[index]:
            put_varint(out, index << 1)
        else:
            put_varint(out, index << 1 | 1)
            if row is None:
                text = write_shape(shape)
                row = known[shape] = Row(len(known), [LETTERS[type(leaf)] for leaf in leaves])
                put_varint(out, row.number)
                put_text(out, text)
            else:
                put_varint(out, row.number)
            self._current[index] = row
        put_row(out, row, leaves)


def put_row(out: bytearray, row: Row, leaves: list[Leaf]) -> None:
    """Append which leaves changed, and how; move the row on."""
    mask = 0
    changes = bytearray()
    for place, (new, last, before) in enumerate(zip(leaves, row.last, row.before, strict=True)):
        if new != last:
            mask |= 1 << place
            put_leaf(changes, new, last, before)
    out += mask.to_bytes((len(leaves) + 7) // 8, "little")
    out += changes
    row.before, row.last = row.last, leaves


def put_leaf(out: bytearray, new: Leaf, last: Leaf, before: Leaf) -> None:
    """Append one changed leaf; all three are of one type."""
    if isinstance(new, str):
        put_text(out, clean(new).encode())
    elif isinstance(new, int) and isinstance(last, int):
        change = new - last
        unit, rest = divmod(change, UNIT)
        put_varint(out, fold(change) << 1 if rest else fold(unit) << 1 | 1)
    else:
        number = nanoseconds(new)
        if number / NANO == new:
            put_varint(out, fold(number - predict(float(last), float(before))) << 1 | 1)
        else:
            out.append(0)
            out += struct.pack("<d", new)


def put_text(out: bytearray, text: bytes) -> None:
    """Append a length and the bytes."""
    put_varint(out, len(text))
    out += text


def predict(last: float, before: float) -> int:
    """Where a float is expected next, in nanoseconds: one more step of the same length. That is true of clocks."""
    return 2 * nanoseconds(last) - nanoseconds(before)


class DeltaDecoder:
    """Turns the records of one group back into samples; strings come out cleaned.

    Args:
        fields: the names of the fields in the recording's order; names that ``Sample`` does not have are left out.
    """

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields
        self._rows: list[list[Row]] = [[] for _ in fields]
        self._current: list[Row | None] = [None] * len(fields)
        self._values: dict[str, Any] = {}
        self._leaves = 0

    def decode(self, record: bytes) -> Sample:
        """The sample that ``record`` makes of the one decoded before.

        Raises:
            Malformed: the record is not one that a writer writes.
        """
        cursor = Cursor(record)
        while not cursor.at_end:
            head = cursor.varint()
            index = head >> 1
            if index >= len(self._fields):
                raise Malformed("a record has an unknown field")
            row = self._choose_row(cursor, index) if head & 1 else self._current[index]
            if row is None:
                raise Malformed("a record has a difference to nothing")
            take_row(cursor, row)
            self._convert(self._fields[index], row)
        try:
            return Sample(**self._values)
        except TypeError:
            raise Malformed("a sample is not complete") from None

    def _choose_row(self, cursor: Cursor, index: int) -> Row:
        number = cursor.varint()
        known = self._rows[index]
        if number == len(known):
            _, letters, make = learn_shape(cursor.text())
            self._leaves += len(letters)
            if self._leaves > MAX_GROUP_LEAVES:
                raise Malformed("a group is too large")
            known.append(Row(number, letters, make))
        elif number > len(known):
            raise Malformed("a record has an unknown shape")
        row = self._current[index] = known[number]
        return row

    def _convert(self, name: str, row: Row) -> None:
        wanted = TYPES.get(name)
        if wanted is None:
            return  # a field of a later version
        try:
            self._values[name] = msgspec.convert(row.make(iter(row.last)), type=wanted, str_keys=True)
        except msgspec.ValidationError as error:
            raise Malformed(f"{name}: {clean(str(error))}") from None


def take_row(cursor: Cursor, row: Row) -> None:
    """Read which leaves changed, and how; move the row on."""
    leaves = list(row.last)
    for base, byte in enumerate(cursor.take((len(leaves) + 7) // 8)):
        place, bits = 8 * base, byte
        while bits:
            if bits & 1:
                if place >= len(leaves):
                    raise Malformed("a record changes more than there is")
                leaves[place] = take_leaf(cursor, row.last[place], row.before[place])
            bits >>= 1
            place += 1
    row.before, row.last = row.last, leaves


def take_leaf(cursor: Cursor, last: Leaf, before: Leaf) -> Leaf:
    """Read one changed leaf."""
    if isinstance(last, str):
        return clean(cursor.text())
    code = cursor.varint()
    if isinstance(last, int):
        change = unfold(code >> 1)
        return last + (change * UNIT if code & 1 else change)
    if code == 0:
        return cursor.double()
    if not code & 1:
        raise Malformed("a float has an unknown code")
    return (unfold(code >> 1) + predict(last, float(before))) / NANO
