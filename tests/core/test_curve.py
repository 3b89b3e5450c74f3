"""Levels, noise, crossings and rest of curves."""

from __future__ import annotations

import random

import pytest

from wsltop.core.curve import (
    LEAST_BAND,
    Crossing,
    Dot,
    at_rest,
    band_of,
    fall_below,
    floor_of,
    level_of,
    noise_of,
    peak_of,
    step_of,
)

MIB = 1024**2


def dots(*sizes: float, every: float = 0.5, start: float = 0.0) -> list[Dot]:
    return [Dot(start + number * every, round(size * MIB)) for number, size in enumerate(sizes)]


def fell(curve: list[Dot], level: float, *, zero: float = 0.0, high_until: float = 0.0) -> Crossing | None:
    return fall_below(curve, level * MIB, zero=zero, high_until=high_until, slack=4 * MIB)


def test_a_level_is_a_median_so_one_odd_reading_changes_nothing() -> None:
    assert level_of(dots(100, 100, 9000, 101, 99)) == 100 * MIB
    assert level_of([]) is None


def test_the_peak_lasts_for_two_readings_where_readings_are_dense() -> None:
    assert peak_of(dots(1, 2, 900, 3, 50, 50, 2)) == 50 * MIB


def test_every_answer_of_a_slow_host_counts_for_the_peak() -> None:
    assert peak_of(dots(1, 1, 900, 3, 1, every=5.0)) == 900 * MIB
    assert peak_of(dots(7)) == 7 * MIB
    assert peak_of([]) is None


def test_the_floor_is_where_it_came_to_rest() -> None:
    falling = dots(*range(100, 40, -1), *[40] * 20)
    assert floor_of(falling, 6.0) == 40 * MIB
    assert floor_of(dots(9, 8, 7, every=5.0), 6.0) == 8 * MIB  # three answers, though they take longer
    assert floor_of([], 6.0) is None


def test_noise_leaves_the_odd_reading_out() -> None:
    assert noise_of(dots(*[100, 102] * 20, 500)) == 2 * MIB
    assert noise_of([]) == 0


def test_the_band_is_the_largest_of_three() -> None:
    quiet = dots(100, 100, 100)
    assert band_of(quiet, 0) == LEAST_BAND
    assert band_of(quiet, 4096 * MIB) == round(40.96 * MIB)
    assert band_of(dots(100, 200, 100, 200), 0) == 150 * MIB


def test_a_crossing_is_interpolated_and_knows_its_uncertainty() -> None:
    crossing = fell(dots(100, 100, 60, 20), 50)
    assert crossing is not None
    assert crossing.seconds == pytest.approx(1.125)
    assert crossing.uncertainty == pytest.approx(0.375)


def test_a_gap_widens_the_uncertainty() -> None:
    crossing = fell([Dot(0, 100 * MIB), Dot(20, 0), Dot(20.5, 0)], 50)
    assert crossing == Crossing(10.0, 10.0)


def test_a_dip_of_one_reading_is_no_crossing() -> None:
    assert fell(dots(100, 10, 100, 100, 100), 50) is None


def test_a_fall_that_the_release_cannot_have_caused_is_before_it() -> None:
    crossing = fell(dots(100, 100, 0, 0, 0, every=1.0), 50, zero=10.0)
    assert crossing is not None
    assert crossing.seconds == pytest.approx(-8.5)


def test_a_fall_between_the_last_reading_before_the_release_and_the_next_is_not_before_it() -> None:
    crossing = fell(dots(100, 0, 0, every=5.0), 90, zero=4.0)
    assert crossing == Crossing(0.0, 1.0)


def test_a_dip_during_the_load_does_not_count() -> None:
    curve = dots(100, 20, 20, 100, 100, 20, 20, every=1.0)
    crossing = fell(curve, 60, high_until=4.0)
    assert crossing is not None
    assert crossing.seconds == pytest.approx(4.5)


def test_a_curve_that_was_never_above_the_level_did_not_fall_below_it() -> None:
    assert fell(dots(10, 10), 50) is None
    assert fell([], 50) is None


def rests(curve: list[Dot], *, since: float = 0.0, band: float = 8) -> bool:
    return at_rest(curve, since=since, now=curve[-1].time, window=6.0, band=round(band * MIB))


def test_rest_is_no_change_for_the_whole_window() -> None:
    assert rests(dots(*[100] * 13))
    assert not rests(dots(*[100] * 12))
    assert not rests(dots(*[100] * 13, *[80] * 5))
    assert rests(dots(*[100] * 13, *[80] * 13))


def test_rest_needs_the_window_after_the_phase_began() -> None:
    assert not rests(dots(*[100] * 30), since=10.0)


def test_steps_of_two_seconds_are_no_rest() -> None:
    falling = [Dot(number / 4, (1000 - 50 * (number // 8)) * MIB) for number in range(80)]
    assert not rests(falling)


def test_an_odd_reading_does_not_end_the_rest() -> None:
    assert rests(dots(*[100] * 20, 300, 100, 100))


def test_a_host_that_answers_every_five_seconds_must_say_the_same_three_times() -> None:
    slow = dots(100, 100, 50, 50, every=5.0)
    assert not rests(slow)
    assert rests([*slow, Dot(20.0, 50 * MIB)])


def test_noise_within_the_band_is_rest_and_beyond_it_is_not() -> None:
    chance = random.Random(1)
    wild = dots(*[100 + chance.uniform(-10, 10) for _ in range(40)])
    assert rests(wild, band=21)
    assert not rests(wild, band=8)


def test_the_step_is_the_usual_one() -> None:
    assert step_of(dots(1, 1, 1, every=5.0)) == 5.0
    assert step_of(dots(1)) == 0.0
    assert step_of([]) == 0.0
