from __future__ import annotations

import codecs
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.child import LineSplitter
from wsltop.host.failure import ascii_bytes, decode_text

ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(bounds)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=20), st.integers(1, 60))
def test_chunking_does_not_matter(data: bytes, places: list[int], limit: int) -> None:
    whole, pieces = LineSplitter(limit), LineSplitter(limit)
    expected = [line for line in data.split(b"\n")[:-1] if len(line) <= limit]
    assert whole.feed(data) == expected
    assert [line for piece in cut(data, places) for line in pieces.feed(piece)] == expected


def test_a_line_without_end_takes_bounded_memory() -> None:
    splitter = LineSplitter(100)
    for _ in range(1000):
        assert splitter.feed(b"x" * 90) == []
        assert len(splitter._rest) <= 190
    assert splitter.feed(b"\nshort\n") == [b"short"]


@given(st.binary(max_size=200))
def test_any_bytes_decode(data: bytes) -> None:
    assert isinstance(decode_text(data), str)
    assert isinstance(ascii_bytes(data), bytes)


@pytest.mark.slow
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF16_LE])
@given(lines=st.lists(ASCII, max_size=5))
def test_utf_16_survives_the_cut_at_newlines(mark: bytes, lines: list[str]) -> None:
    data = mark + "".join(line + "\r\n" for line in lines).encode("utf-16-le") + b"\n"
    cut_lines = [ascii_bytes(line) for line in LineSplitter().feed(data)]
    assert cut_lines == [*(line.strip().encode() for line in lines), b""]


def test_utf_16_big_endian_survives_the_cut_at_newlines() -> None:
    data = codecs.BOM_UTF16_BE + "one\r\ntwo\r\n".encode("utf-16-be")
    assert [ascii_bytes(line) for line in LineSplitter().feed(data)] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"plain", "plain"),
        ("é".encode(), "é"),
        ("é".encode("cp850"), "\x82"),
        (codecs.BOM_UTF8 + b"a", "a"),
        (codecs.BOM_UTF16_LE + "a".encode("utf-16-le"), "a"),
        (codecs.BOM_UTF16_BE + "a".encode("utf-16-be"), "a"),
        ("abc".encode("utf-16-le"), "abc"),
        ("abc".encode("utf-16-be"), "abc"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(raw: bytes, text: str) -> None:
    assert decode_text(raw) == text
