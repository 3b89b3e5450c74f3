"""Sizes and times for people, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.model.text import (
    GIB,
    KIB,
    MIB,
    SUFFIXES,
    format_duration,
    format_short,
    format_size,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1024, "1.0 KiB"),
        (10 * KIB, "10 KiB"),
        (512 * MIB, "512 MiB"),
        (999 * MIB, "999 MiB"),
        (1000 * MIB, "1.0 GiB"),
        (1.5 * GIB, "1.5 GiB"),
        (15.55 * GIB, "15.6 GiB"),
        (99.94 * GIB, "99.9 GiB"),
        (99.95 * GIB, "100 GiB"),
        (128 * GIB, "128 GiB"),
        (1024 * GIB, "1.0 TiB"),
        (-3.2 * GIB, "-3.2 GiB"),
        (5000 * 1024**5, "5000 PiB"),
    ],
)
def test_a_size_in_the_fewest_digits(size: float, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(-(1 << 59), 1 << 59))
def test_a_size_as_text_is_short_and_close_to_it(size: int) -> None:
    text = format_size(size)
    number, suffix = text.removeprefix("-").split(" ")
    assert suffix in SUFFIXES
    assert len(number) <= 4
    assert text.startswith("-") == (size < 0)
    assert abs(parse_size(text.removeprefix("-")) - abs(size)) <= abs(size) * 0.051


@given(st.integers(0, 1 << 55), st.integers(0, 1 << 55))
def test_the_larger_size_never_reads_smaller(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert parse_size(format_size(low)) <= parse_size(format_size(high))


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (0.3 * GIB, "307M"), (GIB, "1.0G"), (15.6 * GIB, "15.6G"), (123.4 * GIB, "123G"), (MIB / 3, "0")],
)
def test_a_size_where_there_is_little_room_has_its_unit_too(size: float, text: str) -> None:
    assert format_short(size) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1b", 1),
        ("1K", KIB),
        ("1k", KIB),
        ("512M", 512 * MIB),
        ("512MiB", 512 * MIB),
        ("512 mb", 512 * MIB),
        (" 1.5 GiB ", 3 * GIB // 2),
        ("2T", 2048 * GIB),
        ("0.1K", 102),
        ("9007199254740993", 9007199254740993),
        ("1.5", 1),
    ],
)
def test_a_size_from_text(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.integers(0, 10**20 - 1), st.sampled_from("KMGTP"), st.sampled_from(["", "B", "iB"]))
def test_a_whole_number_is_parsed_to_the_byte(number: int, suffix: str, rest: str) -> None:
    assert parse_size(f"{number}{suffix}{rest}") == number * 1024 ** (1 + "KMGTP".index(suffix))


@pytest.mark.parametrize(
    "text",
    ["", " ", "G", "-1", "+1", "1e3", "1,5G", "1.G", ".5G", "1X", "1ib", "0x10", "1 G 2", "٣M", "9" * 400, "nan"],
)
def test_what_is_no_size_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as 512M") as caught:
        parse_size(text)
    assert repr(text) in str(caught.value)


@given(st.text())
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        size = parse_size(text)
    except ValueError:
        size = 0
    assert size >= 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (12.3, "12 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (86399.6, "1 d 0 h"),
        (3 * 86400 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_a_duration_in_two_units_at_the_most(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("0.5", 0.5), ("90s", 90), ("250ms", 0.25), ("5m", 300), ("5 min", 300), ("2H", 7200), (" 1d ", 86400)],
)
def test_a_duration_from_text(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-1", "1 week", "1h30m", "1e3", "inf", "nan", "9" * 400, "٣s"])
def test_what_is_no_duration_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 90s") as caught:
        parse_duration(text)
    assert repr(text) in str(caught.value)
