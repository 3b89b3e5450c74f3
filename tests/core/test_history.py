"""The past: bounded, with every peak, and with gaps where nobody looked."""

from __future__ import annotations

import math
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.core.history import COARSE_STEP, DAY, FINE_SPAN, HOLD, Columns, History, Point, Ring, higher

WINDOWS = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 86400.0)
FINE_WINDOWS = tuple(window for window in WINDOWS if window <= FINE_SPAN)

FIGURES = st.integers(0, 1 << 40)
MAYBE = st.none() | FIGURES


def point(monotonic: float, used: int = 1, host: int | None = None, expected: int | None = None) -> Point:
    return Point(monotonic, used, 0, host, expected)


def filled(seconds: int, *, interval: float = 1.0, start: float = 0.0) -> History:
    """A history whose ``used`` is the number of the sample."""
    history = History(interval)
    for number in range(round(seconds / interval)):
        history.add(point(start + number * interval, number))
    return history


def used(columns: Columns) -> list[int | None]:
    return [None if one is None else one.used for one in columns.points()]


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0.01, 30.0), FIGURES, MAYBE, MAYBE), max_size=60), st.integers(1, 20))
def test_a_ring_gives_back_its_newest_points_as_they_were(
    steps: list[tuple[float, int, int | None, int | None]], capacity: int
) -> None:
    ring, kept, now = Ring(capacity), list[Point](), 0.0
    for step, figure, host, expected in steps:
        now += step
        one = Point(now, figure, figure // 2, host, expected)
        ring.append(one)
        kept = [*kept, one][-capacity:]
    assert list(ring.since(-math.inf)) == kept
    assert len(ring) == len(kept)
    for one in kept:
        assert next(iter(ring.since(one.monotonic))) == one
        assert ring.reaches(one.monotonic)
    assert list(ring.since(now + 1)) == []


def test_a_ring_knows_how_far_back_it_reaches() -> None:
    ring = Ring(3)
    assert ring.reaches(0.0)
    for number in range(5):
        ring.append(point(float(number)))
    assert ring.reaches(2.0)
    assert not ring.reaches(1.9)


@given(FIGURES, MAYBE, MAYBE, FIGURES, MAYBE, MAYBE)
def test_of_two_points_the_peak_and_every_figure_survive(
    used_one: int, host_one: int | None, expected_one: int | None, used_two: int, host_two: int | None, two: int | None
) -> None:
    top = higher(point(1.0, used_one, host_one, expected_one), point(2.0, used_two, host_two, two))
    assert top.used == max(used_one, used_two)
    assert top.host == max((one for one in (host_one, host_two) if one is not None), default=None)
    assert top.expected == max((one for one in (expected_one, two) if one is not None), default=None)


@pytest.mark.parametrize("count", [7, 60, 120, 200])
@pytest.mark.parametrize("window", WINDOWS)
def test_a_peak_of_one_second_survives_every_zoom(window: float, count: int) -> None:
    history, peak = History(1.0), 1 << 35
    end = 2 * FINE_SPAN
    at = end - window / 2 if window <= FINE_SPAN else end - 600
    for second in range(round(end) + 1):
        history.add(point(float(second), peak if second == round(at) else 5))
    columns = Columns(history, window, count, end)
    place, shown = columns.place(at), used(columns).index(peak)
    assert place is not None
    # Where columns are narrower than the interval, the peak is held.
    assert 1 <= used(columns).count(peak) <= math.ceil(1.0 / columns.seconds)
    # A step of the coarse past stands at its first moment.
    assert 0 <= place - shown <= (0 if window <= FINE_SPAN else math.ceil(COARSE_STEP / columns.seconds))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("window", "interval"),
    [(window, interval) for window in WINDOWS for interval in (1.0, 2.0, 7.0, 60.0)] + [(300.0, 0.2), (900.0, 0.2)],
)
@pytest.mark.parametrize("count", [9, 80, 250])
def test_a_chart_of_a_past_without_gaps_has_none(window: float, count: int, interval: float) -> None:
    seconds = min(window + 1200, 5400.0)
    history = filled(round(seconds), interval=interval)
    now = (round(seconds / interval) - 1) * interval
    columns = Columns(history, window, count, now)
    shown = used(columns)
    first = next(index for index, one in enumerate(shown) if one is not None)
    assert None not in shown[first:]
    if window <= seconds - 60:
        assert first == 0


def test_a_chart_of_the_last_quarter_of_an_hour_is_at_the_full_rate() -> None:
    columns = Columns(filled(4000), FINE_SPAN, 900, 3999.0)
    assert used(columns) == list(range(3100, 4000))


@pytest.mark.parametrize("interval", [0.2, 1.0, 5.0])
def test_time_without_samples_is_a_gap(interval: float) -> None:
    history = History(interval)
    for number in range(1200):
        if not 400 <= number < 500:
            history.add(point(number * interval, number))
    columns = Columns(history, 1200 * interval, 600, 1199 * interval)
    shown = used(columns)
    empty = [index for index, one in enumerate(shown) if one is None]
    assert 48 <= len(empty) <= 50
    assert empty == list(range(empty[0], empty[0] + len(empty)))


def test_a_value_is_held_over_the_columns_that_no_sample_met() -> None:
    history = History(10.0)
    for number in range(12):
        history.add(point(number * 10.0, number))
    columns = Columns(history, 60.0, 60, 110.0)
    assert used(columns) == [5] * 9 + [6] * 10 + [7] * 10 + [8] * 10 + [9] * 10 + [10] * 10 + [11]


def test_a_value_is_not_held_for_more_than_a_few_intervals() -> None:
    columns = Columns(History(1.0), 60.0, 60, 59.0)
    columns.add(point(60.0, 1))
    columns.add(point(60.0 + HOLD, 2))
    columns.add(point(60.0 + HOLD + HOLD + 1.0, 3))
    assert used(columns)[-7:] == [1, 1, 2, None, None, None, 3]


def test_the_last_value_is_held_when_the_chart_is_made_between_two_samples() -> None:
    history = History(10.0)
    history.add(point(100.0, 1))
    columns = Columns(history, 60.0, 60, 105.0)
    columns.add(point(110.0, 2))
    assert used(columns)[-11:] == [1] * 5 + [None] + [1] * 4 + [2]


def test_a_chart_goes_on_empty_when_samples_stop() -> None:
    columns = Columns(filled(100), 60.0, 60, 130.0)
    assert used(columns) == [*range(71, 100), *[None] * 31]


def test_before_the_first_sample_there_is_nothing() -> None:
    assert used(Columns(History(1.0), 300.0, 50, 1000.0)) == [None] * 50
    assert used(Columns(filled(10, start=1000.0), 60.0, 60, 1009.0)) == [None] * 50 + list(range(10))


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.sampled_from([0.2, 0.9, 1.0, 1.1, 2.4, 3.0, 40.0]), FIGURES, MAYBE), min_size=2, max_size=120
    ),
    st.data(),
    st.sampled_from(FINE_WINDOWS),
    st.integers(5, 200),
    st.sampled_from([0.2, 1.0, 2.0]),
)
def test_a_chart_kept_up_is_the_chart_made_anew(
    steps: list[tuple[float, int, int | None]], data: st.DataObject, window: float, count: int, interval: float
) -> None:
    points, now = list[Point](), 1000.0
    for step, figure, host in steps:
        now += step
        points.append(Point(now, figure, 0, host, None))
    split = data.draw(st.integers(1, len(points) - 1))
    history = History(interval)
    for one in points[:split]:
        history.add(one)
    kept = Columns(history, window, count, points[split - 1].monotonic)
    for one in points[split:]:
        history.add(one)
        kept.add(one)
    anew = Columns(history, window, count, now)
    assert kept.newest == anew.newest
    assert kept.points() == anew.points()


@pytest.mark.parametrize(("window", "count"), [(3600.0, 60), (7200.0, 120), (21600.0, 96), (86400.0, 96)])
def test_a_long_chart_kept_up_is_the_chart_made_anew(window: float, count: int) -> None:
    history = filled(3000)
    kept = Columns(history, window, count, 2999.0)
    for second in range(3000, 9000):
        one = point(float(second), second * 7919 % 1000)
        history.add(one)
        kept.add(one)
    anew = Columns(history, window, count, 8999.0)
    assert used(kept) == used(anew)


def test_a_frozen_chart_shows_its_own_time_and_nothing_later() -> None:
    history = filled(2000)
    shown = used(Columns(history, 300.0, 300, 1500.0))
    assert shown == list(range(1201, 1501))


@pytest.mark.parametrize("window", FINE_WINDOWS)
def test_a_frozen_chart_of_an_hour_ago_is_coarse_and_not_empty(window: float) -> None:
    history = filled(6000)
    columns = Columns(history, window, 60, 2000.0)
    shown = used(columns)
    assert None not in shown
    assert shown == sorted(one for one in shown if one is not None)
    for one in columns.points():
        assert one is not None
        assert 2000.0 - window - 3 * COARSE_STEP <= one.monotonic <= 2000.0


@pytest.mark.parametrize("seconds", [0.0, 0.5, 30.0, 59.0])
def test_every_moment_of_the_window_has_its_place(seconds: float) -> None:
    columns = Columns(filled(100), 60.0, 60, 99.0)
    place = columns.place(99.0 - seconds)
    assert place == 59 - math.ceil(seconds)
    shown = columns.points()[place]
    assert shown is not None
    assert shown.monotonic == 99.0 - math.ceil(seconds)


def test_moments_outside_of_the_window_have_no_place() -> None:
    columns = Columns(filled(100), 60.0, 60, 99.0)
    assert columns.place(39.9) is None
    assert columns.place(40.0) == 0
    assert columns.place(99.9) == 59
    assert columns.place(100.0) is None


def test_columns_stand_still_in_time_while_points_come() -> None:
    columns = Columns(History(1.0), 600.0, 60, 0.0)
    before = columns.place(0.0)
    for second in range(10):
        columns.add(point(float(second)))
        assert columns.place(0.0) == before
    columns.add(point(10.0))
    assert before is not None
    assert columns.place(0.0) == before - 1


@pytest.mark.slow
def test_a_history_of_days_takes_no_more_memory_than_one_of_two() -> None:
    history = History(1.0)
    sizes = []
    tracemalloc.start()
    try:
        for day in range(4):
            # Every second would take a minute; a point in each step fills the coarse ring as fully.
            for step in range(round(DAY / COARSE_STEP)):
                history.add(point(day * DAY + step * COARSE_STEP, step, step))
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(sizes) < 2_000_000
    assert sizes[-1] <= sizes[1] + 10_000
    assert len(list(history.since(-math.inf))) == DAY / COARSE_STEP + 1
    assert len(list(history.since(4 * DAY - 600.0))) == 120


def test_a_day_at_the_full_rate_is_kept_in_steps_with_their_peaks() -> None:
    history = filled(round(FINE_SPAN) * 3)
    coarse = list(history.since(0.0))
    times = [one.monotonic for one in coarse]
    assert times == sorted(set(times))
    assert times[-900:] == [float(second) for second in range(1800, 2700)]
    assert [one.used for one in coarse[-900:]] == list(range(1800, 2700))
    assert {later - sooner for sooner, later in pairwise(times)} == {1.0, COARSE_STEP}
    assert [one.monotonic for one in coarse[:3]] == [0.0, 5.0, 10.0]
    assert [one.used for one in coarse[:3]] == [4, 9, 14]


@pytest.mark.parametrize("interval", [0.2, 1.0, 60.0])
def test_the_full_rate_is_bounded(interval: float) -> None:
    history = filled(3600, interval=interval)
    assert 900 <= len(list(history.since(3600 - FINE_SPAN))) * interval <= 1.2 * FINE_SPAN + 8 * interval
