from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.recording.recorded import any_sample, run
from wsltop.model.reading import Unavailable
from wsltop.model.sample import SCHEMA, Sample
from wsltop.recording.delta import FIELDS, DeltaCoder, DeltaDecoder
from wsltop.recording.format import (
    HEAD,
    GroupHead,
    Header,
    Newer,
    checksum_of,
    read_head,
    read_header,
    read_length,
    write_frame,
    write_head,
    write_header,
)
from wsltop.recording.shape import flatten, read_shape, write_shape
from wsltop.recording.varint import Cursor, Malformed, fold, nanoseconds, put_varint, unfold

HEADER = Header(schema=SCHEMA, interval=1.0, fields=FIELDS)


@given(st.lists(st.integers(0, 2**140 - 1)))
def test_numbers_come_back(numbers: list[int]) -> None:
    out = bytearray()
    for number in numbers:
        put_varint(out, number)
    cursor = Cursor(bytes(out))
    assert [cursor.varint() for _ in numbers] == numbers
    assert cursor.at_end


@given(st.integers())
def test_fold_is_undone_and_keeps_small_numbers_small(number: int) -> None:
    assert unfold(fold(number)) == number
    assert 0 <= fold(number) <= 2 * abs(number)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 30])
def test_a_number_that_does_not_end_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        Cursor(data).varint()


def test_nanoseconds_are_exact_for_a_clock_of_today() -> None:
    assert nanoseconds(1_795_379_814.8429527) == 1_795_379_814_842_952_728
    assert nanoseconds(-0.0000000015) == -1
    assert [nanoseconds(value) for value in (float("nan"), float("inf"), 1e300)] == [0, 0, 0]


def test_a_shape_names_everything_and_counts_equal_neighbors() -> None:
    leaves: list[int | float | str] = []
    shape = flatten({"a": [1, 2, 3.0], "b": None, "c": {"d": "x", "e": True}}, leaves)
    assert leaves == [1, 2, 3.0, "x"]
    text = write_shape(shape).decode()
    assert text == '{"a":[2,"i",1,"f"],"b":null,"c":{"d":"s","e":true}}'
    assert read_shape(text) == (shape, ["i", "i", "f", "s"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '"x"',
        "3",
        "1.5",
        '["i"]',
        '[0,"i"]',
        '[true,"i"]',
        "[9" * 999,
        '[99999,[99999,"i"]]',
        "[100000,[2,[]]]",
    ],
)
def test_what_is_no_shape_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        read_shape(text)


@pytest.mark.slow
@given(st.lists(any_sample(), max_size=3))
def test_any_samples_come_back(samples: list[Sample]) -> None:
    coder, decoder = DeltaCoder(), DeltaDecoder(FIELDS)
    for sample in samples:
        assert decoder.decode(coder.encode(sample)) == sample


def test_floats_come_back_to_the_last_bit_and_integers_as_integers() -> None:
    coder, decoder = DeltaCoder(), DeltaDecoder(FIELDS)
    for sample in run(40):
        assert repr(decoder.decode(coder.encode(sample))) == repr(sample)


def test_the_same_sample_again_is_a_record_too() -> None:
    coder, decoder = DeltaCoder(), DeltaDecoder(FIELDS)
    sample = run(1)[0]
    records = [coder.encode(sample), coder.encode(sample)]
    assert len(records[1]) == 2
    assert [decoder.decode(record) for record in records] == [sample, sample]


@pytest.mark.slow
@given(st.data())
def test_a_broken_record_is_malformed_and_nothing_else(data: st.DataObject) -> None:
    coder, decoder = DeltaCoder(), DeltaDecoder(FIELDS)
    for sample in run(4):
        record = bytearray(coder.encode(sample))
        for _ in range(data.draw(st.integers(0, 3))):
            record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
        try:
            decoder.decode(bytes(record))
        except Malformed:
            return


@given(st.binary())
def test_any_bytes_are_a_record_or_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):  # no such few bytes make a whole sample
        DeltaDecoder(FIELDS).decode(data)


def test_a_field_that_is_not_in_the_file_has_its_default_and_an_unknown_one_is_left_out() -> None:
    sample = run(2)[1]
    fields = tuple("invented" if name == "pressure" else name for name in FIELDS)
    read = DeltaDecoder(fields).decode(DeltaCoder().encode(sample))
    assert read == replace(sample, pressure=Unavailable("not read"))


def test_a_sample_without_what_it_must_have_is_malformed() -> None:
    record = DeltaCoder().encode(run(1)[0])
    with pytest.raises(Malformed, match="not complete"):
        DeltaDecoder(tuple("later" if name == "meminfo" else name for name in FIELDS)).decode(record)


def test_the_first_lines_tell_what_the_file_is() -> None:
    first, second, _ = write_header(HEADER).split(b"\n", 2)
    assert first == b"wsltop recording 1"
    assert json.loads(second)["fields"] == list(FIELDS)


def test_header_comes_back() -> None:
    data = write_header(HEADER)
    assert read_header(data + b"more") == (HEADER, len(data))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a recording"),
        (b'{"time": 1}\n', "not a recording"),
        (b"\x7fELF", "not a recording"),
        (b"wsltop rec", "first line"),
        (b"wsltop recording 1", "first line"),
        (write_header(HEADER)[:-1], "inside its header"),
        (write_header(HEADER).replace(b"1.0", b"2.0"), "checksum"),
        (write_header(HEADER).replace(b"\n", b"\r\n"), "not a recording"),
    ],
)
def test_what_is_no_header_is_malformed(data: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read_header(data)


def test_a_later_version_says_so_whatever_follows() -> None:
    with pytest.raises(Newer, match="format 2, and this wsltop reads up to 1"):
        read_header(b"wsltop recording 2\nunknown")
    with pytest.raises(Newer, match=f"schema {SCHEMA + 1}"):
        read_header(write_header(Header(schema=SCHEMA + 1, interval=1.0, fields=())))


def test_a_head_is_of_its_file_only() -> None:
    data = write_head(GroupHead(300, 1.5, 2.5), seed=7)
    assert len(data) == HEAD.size
    assert read_head(data, 7) == (300, 1.5, 2.5)
    assert read_head(data, 8) is None
    assert read_head(write_head(GroupHead(0, float("nan"), 0), seed=7), 7) is None


def test_a_frame_is_chained_to_what_is_before_it() -> None:
    one, other = write_frame(b"x" * 300, 1), write_frame(b"x" * 300, 2)
    assert read_length(one) == (300, 2)
    assert one[:302] == other[:302]
    assert checksum_of(one) != checksum_of(other)


@pytest.mark.parametrize("data", [b"\0", b"\xff\xff\xff\x7f", b"\x80\x80\x80\x80"])
def test_a_wrong_length_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_length(data)
