from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.charts.cells import BLOCK, plain
from wsltop.charts.timeline import (
    MOST_SIZES,
    TimelineInput,
    clock_ticks,
    render_timeline,
    round_up,
    size_ticks,
    size_unit,
    time_ticks,
)
from wsltop.model.text import GIB, MIB, format_clock


def labels(maximum: int, rows: int) -> list[str]:
    return [tick.label for tick in size_ticks(maximum, rows)]


@pytest.mark.parametrize(
    ("maximum", "rows", "expected"),
    [
        (int(15.6 * GIB), 8, ["4", "8", "12", "15.6"]),
        (int(15.6 * GIB), 16, ["4", "8", "12", "15.6"]),
        (int(15.6 * GIB), 3, ["8", "15.6"]),
        (int(15.6 * GIB), 1, ["15.6"]),
        (int(7.7 * GIB), 5, ["2", "4", "6", "7.7"]),
        (int(7.7 * GIB), 40, ["2", "4", "6", "7.7"]),
        (int(8.3 * GIB), 40, ["2", "4", "6", "8.3"]),
        (int(2.1 * GIB), 10, ["0.5", "1", "1.5", "2.1"]),  # 2 stood in the row below 2.1
        (8 * GIB, 8, ["2", "4", "6", "8"]),
        (64 * GIB, 8, ["16", "32", "48", "64"]),
        (int(1.9 * GIB), 10, ["0.5", "1", "1.5", "1.9"]),
        (700 * MIB, 8, ["256", "512", "700"]),
        (GIB, 0, []),
        (0, 10, []),
        (-GIB, 10, []),
    ],
)
def test_sizes_are_round(maximum: int, rows: int, expected: list[str]) -> None:
    assert labels(maximum, rows) == expected


@given(st.integers(MIB, 4096 * GIB))
def test_the_top_of_an_axis_is_easy_to_read_and_near(size: int) -> None:
    top = round_up(size)
    assert size <= top <= max(size * 3 // 2, size + MIB)
    assert top % (GIB // 2 if size >= GIB else MIB) == 0
    assert float(labels(top, 40)[-1]) * (GIB if top >= GIB else MIB) == pytest.approx(top, rel=0.03)
    assert round_up(top) == top


def test_the_vms_size_has_a_label_where_the_top_is_another() -> None:
    chart = TimelineInput(columns=(), maximum=6 * GIB, vm=3 * GIB + GIB // 2, window_seconds=60)
    gutter = [plain(line)[:5].strip() for line in render_timeline(chart, 60, 14, BLOCK)]
    assert gutter[0].startswith("6")
    assert gutter[12 - 1 - 3 * 2 - 1].startswith("3.5")


def test_small_machines_count_in_mib() -> None:
    assert (size_unit(GIB), size_unit(GIB - 1)) == ("GiB", "MiB")


@given(st.integers(0, 4096 * GIB), st.integers(0, 100))
def test_size_ticks_rise_and_keep_apart(maximum: int, rows: int) -> None:
    ticks = size_ticks(maximum, rows)
    assert len(ticks) >= min(rows, maximum // MIB, 1)
    for tick in ticks:
        assert 0 < tick.size <= maximum
        assert 0 <= tick.row < rows
        # The row contains the size; the maximum itself belongs to the top row.
        assert tick.row * maximum <= tick.size * rows
    for lower, upper in pairwise(ticks):
        assert upper.size > lower.size
        assert upper.row > lower.row
    assert len(ticks) <= MOST_SIZES + 1
    assert [tick.size for tick in ticks[-1:]] == [maximum] * bool(ticks)


@pytest.mark.parametrize(
    ("window", "width", "expected"),
    [
        (60, 120, "-60s -50s -40s -30s -20s -10s now"),
        (60, 40, "-60s -45s -30s -15s now"),
        (300, 74, "-5m -4m -3m -2m -1m now"),
        (300, 36, "-5m -4m -3m -2m -1m now"),
        (300, 30, "-4m -2m now"),
        (300, 20, "-4m -2m now"),
        (600, 74, "-10m -8m -6m -4m -2m now"),
        (900, 74, "-15m -10m -5m now"),
        (3600, 74, "-60m -50m -40m -30m -20m -10m now"),
        (7200, 74, "-120m -100m -80m -60m -40m -20m now"),
        (6 * 3600, 74, "-6h -5h -4h -3h -2h -1h now"),
        (24 * 3600, 74, "-24h -20h -16h -12h -8h -4h now"),
        (7 * 86400, 74, "-6d -4d -2d now"),
        (300, 4, "now"),
        (0, 40, "now"),
        (-1, 40, "now"),
        (float("nan"), 40, "now"),
        (float("inf"), 40, "now"),
        (300, 2, ""),
    ],
)
def test_ages_are_round(window: float, width: int, expected: str) -> None:
    assert " ".join(tick.label for tick in time_ticks(window, width)) == expected


@pytest.mark.parametrize(
    ("window", "width", "expected"),
    [
        (60, 74, "12:01:15 12:01:30 12:01:45 12:02:09"),
        (300, 74, "11:58 11:59 12:00 12:01 12:02:09"),
        (900, 40, "11:50 11:55 12:02:09"),
        (6 * 3600, 74, "07:00 08:00 09:00 10:00 11:00 12:02:09"),
        (0, 40, "12:02:09"),
        (300, 7, ""),
    ],
)
def test_the_axis_of_a_look_back_has_round_times_of_the_day(window: float, width: int, expected: str) -> None:
    """Only its right end was a time."""
    end = datetime(2023, 11, 15, 12, 2, 9).timestamp()
    assert " ".join(tick.label for tick in clock_ticks(window, width, end)) == expected


@given(st.floats(0.001, 1e7), st.integers(0, 300), st.floats(0, 4e9))
def test_time_labels_of_a_look_back_never_touch(window: float, width: int, wall_clock: float) -> None:
    ticks = clock_ticks(window, width, wall_clock)
    assert [tick.label for tick in ticks[-1:]] == [format_clock(wall_clock)] * (width >= 8)
    end = -1
    for tick in ticks:
        assert tick.start > end
        end = tick.start + len(tick.label)
        assert 0 <= tick.start <= tick.column < end <= width


@given(st.floats(0.001, 1e7), st.integers(0, 300))
def test_time_labels_never_touch_and_end_now(window: float, width: int) -> None:
    ticks = time_ticks(window, width)
    assert [tick.label for tick in ticks[-1:]] == ["now"] * (width >= 3)
    end = -1
    for tick in ticks:
        assert tick.start > end
        end = tick.start + len(tick.label)
        assert 0 <= tick.start <= tick.column < end <= width
    assert [tick.column for tick in ticks] == sorted({tick.column for tick in ticks})
    assert not ticks or ticks[-1].column == width - 1


@given(st.sampled_from([60, 300, 900, 3600, 86400]), st.integers(40, 300))
def test_an_age_stands_in_the_column_that_contains_it(window: int, width: int) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600}
    for tick in time_ticks(window, width)[:-1]:
        age = int(tick.label[1:-1]) * seconds[tick.label[-1]]
        newest = (width - 1 - tick.column) * window / width
        assert newest - 1e-6 <= age <= newest + window / width + 1e-6
