from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import small_sample
from wsltop.model.sample import Sample
from wsltop.recording.time_spec import find_place, parse_wall_clock


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone with a summer time."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    return datetime.fromisoformat(text.replace("02.5", "02.500")).timestamp()  # Python 3.10


START, END = "2026-11-22 13:10:02.5", "2026-11-22 15:30:00"


def position(text: str, start: str = START, end: str = END) -> str:
    found = parse_wall_clock(text, at(start), at(end))
    return datetime.fromtimestamp(found).isoformat(" ", "milliseconds").removesuffix(".000").removeprefix("2026-11-")


class Log:
    """1000 samples, one a second, of a guest that was started 600 s before; the wall clock is set back in between."""

    interval = 1.0
    count = 1000

    def __init__(self, step: float = 0.0) -> None:
        first = at(START)
        self.all = [
            small_sample(time=first + number - step * (number >= 500), monotonic=600.0 + number)
            for number in range(self.count)
        ]
        self.start, self.end = self.all[0].time, self.all[-1].time
        self.times = min(one.time for one in self.all), max(one.time for one in self.all)

    def sample(self, index: int) -> Sample:
        return self.all[index]

    def index_at(self, when: float) -> int:
        return max((one.time, number) for number, one in enumerate(self.all) if one.time <= when)[1]

    def index_at_monotonic(self, when: float) -> int:
        return max((number for number, one in enumerate(self.all) if one.monotonic <= when), default=0)

    def outline(self) -> Iterator[tuple[int, Sample]]:
        return iter(())


@pytest.mark.parametrize("step", [0.0, 3600.0, -3600.0])
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("start", 0),
        ("END", 999),
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        (" 1m30s ", 90),
        ("1.5m", 90),
        ("-5m", 699),
        ("- 1 min 5 s", 934),
        ("-0", 999),
        ("-9h", 0),
        ("9h", 999),
        ("100%", 999),
        ("0 %", 0),
        ("50%", 499),
        ("+30s", 330),
        ("+ 5m", 600),
        ("back 30s", 270),
        ("back 1h", 0),
    ],
)
def test_places_go_by_the_recordings_own_clock(text: str, number: int, step: float) -> None:
    """A wall clock that was set back used to make every one of them the last sample."""
    assert find_place(text, Log(step), 900.0) == number


def test_a_time_of_day_is_found_where_the_clock_was_set() -> None:
    log = Log(3600.0)
    assert find_place("13:12", log, 600.0) == 117, "before it was set back"
    assert find_place("12:20", log, 600.0) == 597, "after it was set back"
    with pytest.raises(ValueError, match="goes from"):
        find_place("14:00", log, 600.0)


@pytest.mark.parametrize("text", ["+", "+-3s", "back", "+noon", "back -5s", "soon", "101%", "5x", "1e3", "nan", ""])
def test_what_is_no_place_is_told_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a position; try .*-5m .* 90s .* 14:03"):
        find_place(text, Log(), 600.0)


@pytest.mark.parametrize(
    ("text", "means"),
    [
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
def test_times_of_day(text: str, means: str) -> None:
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
    assert parse_wall_clock("12:00", at("2026-10-25 00:00"), at("2026-10-25 13:00")) == at("2026-10-25 12:00")


TEXTS = st.text() | st.from_regex(r"\A[-0-9:.%smhd TZ]{1,20}\Z")


@given(TEXTS, st.floats(0, 4e9), st.floats(0, 1e9))
def test_any_text_is_a_position_within_or_a_value_error(text: str, start: float, length: float) -> None:
    try:
        found = parse_wall_clock(text, start, start + length)
    except ValueError:
        return
    assert start <= found <= start + length
