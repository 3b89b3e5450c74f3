"""A soak fails on what grows, and not on noise."""

from __future__ import annotations

import random

import pytest

from tests.bench.soak import Reading, Subject, trend


def subject(readings: list[Reading]) -> Subject:
    made = Subject.__new__(Subject)
    made.name, made.readings = "screen", readings
    return made


def test_the_trend_is_not_moved_by_an_outlier() -> None:
    assert trend([1.0, 2.0, 3.0, 40.0, 5.0, 6.0]) == pytest.approx(1.0, abs=0.3)


def test_noise_is_no_trend() -> None:
    chance = random.Random(1)
    quiet = [Reading(46 + chance.random(), 22, 3, 1 + chance.random() / 5, 90.0 * number) for number in range(60)]
    assert subject(quiet).faults() == []


@pytest.mark.parametrize(
    ("grown", "word"),
    [
        (Reading(0.3, 0, 0, 0.0, 90.0), "memory"),
        (Reading(0.0, 1, 0, 0.0, 90.0), "descriptors"),
        (Reading(0.0, 0, 1, 0.0, 90.0), "threads"),
        (Reading(0.0, 0, 0, 0.5, 90.0), "CPU"),
    ],
)
def test_what_grows_is_named(grown: Reading, word: str) -> None:
    first = Reading(46.0, 22, 3, 1.0, 0.0)
    growing = [
        Reading(*(one + number * more for one, more in zip(first, grown, strict=True)))  # type: ignore[arg-type]
        for number in range(60)
    ]
    (fault,) = subject(growing).faults()
    assert word in fault


def test_a_short_run_is_held_to_the_bound_of_memory_alone() -> None:
    warming = [Reading(46.0 + number, 22, 3, 1.0 + number, 30.0 * number) for number in range(20)]
    assert subject(warming).faults() == []
    (fault,) = subject([*warming, Reading(80.0, 22, 3, 1.0, 700.0)]).faults()
    assert "80.0 MiB" in fault
