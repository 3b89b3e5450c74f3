from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.recording.time_spec import parse_position


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone with a summer time."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def position(text: str, start: str = "2026-11-22 13:10:02.5", end: str = "2026-11-22 15:30:00") -> str:
    found = parse_position(text, at(start), at(end))
    return datetime.fromtimestamp(found).isoformat(" ", "milliseconds").removesuffix(".000").removeprefix("2026-11-")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("start", "22 13:10:02.500"),
        ("END", "22 15:30:00"),
        ("0", "22 13:10:02.500"),
        ("90", "22 13:11:32.500"),
        ("90s", "22 13:11:32.500"),
        ("14", "22 13:10:16.500"),
        (" 1h30m ", "22 14:40:02.500"),
        ("1.5h", "22 14:40:02.500"),
        ("-5m", "22 15:25:00"),
        ("- 1 h 5 min", "22 14:25:00"),
        ("-0", "22 15:30:00"),
        ("-9h", "22 13:10:02.500"),
        ("9h", "22 15:30:00"),
        ("100%", "22 15:30:00"),
        ("0 %", "22 13:10:02.500"),
        ("14:03", "22 14:03:00"),
        ("14:03:20", "22 14:03:20"),
        ("14:03:20.25", "22 14:03:20.250"),
        ("13:10", "22 13:10:02.500"),
        ("13:10:02", "22 13:10:02.500"),
        ("2026-11-22 14:03", "22 14:03:00"),
        ("2026-11-22T14:03:20", "22 14:03:20"),
        ("2026-11-22T13:03:20Z", "22 14:03:20"),
        ("2026-11-22t08:03-05:00", "22 14:03:00"),
        ("2026-11-22", "22 13:10:02.500"),
    ],
)
def test_positions(text: str, means: str) -> None:
    assert position(text) == means


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "5x",
        "-",
        "5m-",
        "+5m",
        "101%",
        "14:3",
        "14:03:2",
        "1:2:3:4",
        "\u0663",
        "1e3",
        "nan",
        "-5m 3",
        "2026-11",
    ],
)
def test_what_is_no_position_is_told_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a position; try -5m .* 90s .* 14:03"):
        position(text)


@pytest.mark.parametrize("text", ["2026/11/22", "2026-11-22 14", "20261122", "\x1b[31m", "14:03 pm"])
def test_what_is_almost_a_position(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a position; try -5m .* 90s .* 14:03"):
        position(text)


@pytest.mark.parametrize("text", ["25:00", "14:60", "14:03:60"])
def test_a_time_that_no_day_has(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time of day; try 14:03"):
        position(text)


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30 14:00", "0001-01-01", "9999-12-31", "2026-11-22 14:03:99"])
def test_a_date_that_no_recording_has(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date; try 2026-11-22|is not in the recording"):
        position(text)


@pytest.mark.parametrize("text", ["13:09", "13:10:01", "15:31", "2026-11-21 14:00", "2026-11-23"])
def test_a_time_outside_of_the_recording_is_told_with_its_ends(text: str) -> None:
    with pytest.raises(ValueError, match="goes from 2026-11-22 13:10:02 to 2026-11-22 15:30:00"):
        position(text)


def test_a_time_of_day_is_the_last_one() -> None:
    across = ("2026-11-20 23:00:00", "2026-11-22 01:00:00")
    assert position("00:30", *across) == "22 00:30:00"
    assert position("23:30", *across) == "21 23:30:00"
    assert position("1:00", *across) == "22 01:00:00"


def test_a_time_of_day_across_the_end_of_summer_time() -> None:
    assert parse_position("12:00", at("2026-10-25 00:00"), at("2026-10-25 13:00")) == at("2026-10-25 12:00")


TEXTS = st.text() | st.from_regex(r"\A[-0-9:.%smhd TZ]{1,20}\Z")


@given(TEXTS, st.floats(0, 4e9), st.floats(0, 1e9))
def test_any_text_is_a_position_within_or_a_value_error(text: str, start: float, length: float) -> None:
    try:
        found = parse_position(text, start, start + length)
    except ValueError:
        return
    assert start <= found <= start + length
