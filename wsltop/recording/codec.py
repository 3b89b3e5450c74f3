"""Samples as compressed JSON, each told by what changed since the one before, and back.

Used in two places: for the rows of a recording, and for the two hours that the live screen keeps in memory.
``wsltop/recording/README.md`` describes the bytes.
"""

from __future__ import annotations

import re
import zlib
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec

from wsltop.model.sample import Sample
from wsltop.model.text import clean

MOST_JSON: Final = 8 * 1024 * 1024
"""Bytes of JSON that one row may become; more is a compression bomb or a sample that no machine makes."""
MOST_RUN: Final = 24 * 1024 * 1024
"""Bytes of JSON that the rows from one whole sample to the next may become together."""
LEVEL: Final = 6
"""Of deflate. Level 1 makes rows a fifth larger and saves 7 us; level 9 saves nothing more."""
MEMORY: Final = 7
"""zlib's memLevel. 8, the usual one, makes buffers so large that each is fetched from the kernel: 60 us, not 15."""
SELDOM: Final = ("schema", "page_size", "interval", "identity", "reporting", "surroundings", "census")
"""Fields that seldom change. They come first: deflate sees only the last 32 KiB of what came before, and mostly the
dictionary can begin behind them, at ``FIRST_BUSY``."""
FIRST_BUSY: Final = "time"
NAMES: Final = (*SELDOM, *(name for name in Sample.__struct_fields__ if name not in SELDOM))
VALUES: Final = attrgetter(*NAMES)
"""The values of a sample's fields, in the order of ``NAMES``."""
TIMED: Final = frozenset({"time", "monotonic", "pressure", "kernel_log", "host", "hogs_ended", "marks", "census"})
"""Fields that hold a number which may not be missing and is no integer."""
KEYS: Final = {name: f'"{name}":'.encode() for name in NAMES}
ENCODER: Final = msgspec.json.Encoder()
FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
DICTIONARY_FLAG: Final = 0x20
"""Bit of the second byte of a zlib stream: it needs a dictionary (RFC 1950, FDICT)."""
ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
HARMLESS: Final = frozenset((b'"', b"\\", b"/"))
"""What an escape in JSON may stand for without being a control character or a character spelled by its number."""


@cache
def decoders() -> dict[str, msgspec.json.Decoder[Any]]:
    """A decoder for each field of a sample; made when the first is wanted, as they take 3 ms of a start."""
    return {field.name: msgspec.json.Decoder(field.type) for field in msgspec.structs.fields(Sample)}


class Malformed(ValueError):
    """The bytes are not what a coder makes."""


class SampleCoder:
    """Turns samples, in their order, into bytes."""

    def __init__(self) -> None:
        self._values: tuple[Any, ...] = ()
        self._fields: dict[str, bytes] = {}

    def encode(self, sample: Sample, *, whole: bool) -> bytes:
        """The bytes of ``sample``: with all of its fields, or with those that changed since the sample before.

        Raises:
            ValueError: a figure is too large for 64 bits or not a number. The coder is as it was before.
        """
        values = VALUES(sample)
        whole = whole or not self._values
        changed = {}
        for name, value, before in zip(NAMES, values, self._values or values, strict=True):
            if whole or value is not before:
                data = to_json(name, value)
                if whole or data != self._fields[name]:
                    changed[name] = data
        data = b"{%s}" % b",".join([KEYS[name] + data for name, data in changed.items()])
        if len(data) > MOST_JSON:
            raise ValueError("a sample is too large")
        dictionary = b"" if whole else join(self._fields, busy=changed.keys().isdisjoint(SELDOM))
        self._fields.update(changed)
        self._values = values
        return deflate(data, dictionary)


def to_json(name: str, value: object) -> bytes:
    """The JSON of a field's value; can be read back.

    Raises:
        ValueError: it cannot be told in JSON.
    """
    try:
        data = ENCODER.encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair, from a file name that is not UTF-8
        data = ENCODER.encode(clean_strings(msgspec.to_builtins(value)))
    except OverflowError as error:
        raise ValueError(f"{name}: {error}") from None
    if name in TIMED and b"null" in data:  # a number that is none, such as infinity, becomes null too
        try:
            decoders()[name].decode(data)
        except msgspec.MsgspecError:
            raise ValueError(f"{name} holds a number that is none") from None
    return data


def join(fields: dict[str, bytes], *, busy: bool) -> bytes:
    """The JSON of all fields, or of those from ``FIRST_BUSY`` on: what the next row is compressed against."""
    parts = list(fields.values())
    if busy and FIRST_BUSY in fields:
        del parts[: list(fields).index(FIRST_BUSY)]
    return b",".join(parts)


def deflate(data: bytes, dictionary: bytes) -> bytes:
    """``data`` as a zlib stream."""
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, MEMORY, zlib.Z_DEFAULT_STRATEGY, dictionary)
    return stream.compress(data) + stream.flush()


class SampleDecoder:
    """Turns the bytes of a coder back into samples, from a whole one on. Their strings are safe to show."""

    def __init__(self) -> None:
        self._fields: dict[str, bytes] = {}
        self._values: dict[str, Any] = {}
        self._shown: dict[str, bytes] = {}
        """The JSON of the values, cleaned."""
        self.size = 0
        """Bytes of JSON that were decoded since the last whole sample."""

    def decode(self, data: bytes, *, whole: bool) -> Sample:
        """The sample that ``data`` makes of the one before; a value that did not change is the same object.

        Raises:
            Malformed: it is damaged, or it does not follow the sample before. The next one must be whole.
        """
        try:
            if whole:
                self.forget()
            json = inflate(data, b"" if whole else self._dictionary(data))
            self.size += len(json)
            if self.size > MOST_RUN:
                raise Malformed("the samples up to this one are too large")
            changed = {name: bytes(raw) for name, raw in FIELDS.decode(json).items()}
            suspicious = needs_cleaning(json)
            for name, raw in changed.items():
                if name in KEYS:  # a later version may have more
                    self._values[name], self._shown[name] = read_field(name, raw, suspicious=suspicious)
            self._fields.update(changed)
            return Sample(**self._values)
        except Malformed:
            self.forget()
            raise
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError) as error:
            self.forget()
            raise Malformed(f"this is not a sample: {clean(str(error))}") from None

    def _dictionary(self, data: bytes) -> bytes:
        """What ``data`` was compressed against: its Adler-32 is in the stream (RFC 1950, DICTID)."""
        dictionary = join(self._fields, busy=True)
        if zlib.adler32(dictionary).to_bytes(4, "big") == data[2:6]:
            return dictionary
        return join(self._fields, busy=False)

    def forget(self) -> None:
        """Forget the sample before: the next one must be whole."""
        self._fields, self._values, self._shown, self.size = {}, {}, {}, 0

    @property
    def json(self) -> bytes:
        """The sample decoded last as JSON, safe to show."""
        return b"{%s}" % b",".join([KEYS[name] + data for name, data in self._shown.items()])


def inflate(data: bytes, dictionary: bytes) -> bytes:
    """The JSON in a zlib stream. Its own checksums vouch for the dictionary and for the result.

    Raises:
        Malformed: it is damaged, too large, or was made with another dictionary.
    """
    if len(data) < 2 or bool(data[1] & DICTIONARY_FLAG) != bool(dictionary):
        raise Malformed("a sample does not follow the one before")
    stream = zlib.decompressobj(zdict=dictionary) if dictionary else zlib.decompressobj()
    try:
        json = stream.decompress(data, MOST_JSON)
    except zlib.error as error:
        raise Malformed(f"the compressed data is damaged: {error}") from None
    if not stream.eof:
        raise Malformed("the compressed data is cut off or too large")
    return json


def needs_cleaning(json: bytes) -> bool:
    """Whether a string in JSON may hold a control or bidirectional character, plain or escaped.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    return not json.decode().isprintable() or not HARMLESS.issuperset(ESCAPE.findall(json))


def read_field(name: str, json: bytes, *, suspicious: bool) -> tuple[Any, bytes]:
    """The value of a sample's field, and its JSON. Texts are cleaned; bytes, such as a file, are as they were.

    Raises:
        msgspec.MsgspecError: it is not of the field's type.
    """
    if suspicious and needs_cleaning(json):
        json = ENCODER.encode(clean_strings(msgspec.json.decode(json)))
    return decoders()[name].decode(json), json


def clean_strings(value: Any) -> Any:
    """A value of JSON with every string in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean_strings(key): clean_strings(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [clean_strings(part) for part in value]
    return value
