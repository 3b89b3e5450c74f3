"""Mixtures and their score; no machine is started."""

from __future__ import annotations

import pytest

from tests.vm.calibrate import CLOSE, interval_score, penalty, quantiles
from tests.vm.guest.mixer import MAKERS
from tests.vm.mixtures import KINDS, SUITED, draw_mixture
from wsltop.model.text import MIB


def test_a_seed_draws_the_same_machine_and_mixture_each_time() -> None:
    assert draw_mixture(7) == draw_mixture(7) != draw_mixture(8)


@pytest.mark.parametrize("seed", range(20))
def test_a_mixture_leaves_its_machine_room(seed: int) -> None:
    mixture = draw_mixture(seed)
    made = list(mixture.ingredients)
    ended: set[int] = set()
    for step in mixture.steps:
        ended |= set(step.ends)
        made += step.extra
        living = [one["size"] for index, one in enumerate(made) if index not in ended]
        assert sum(living) < 0.8 * mixture.memory
        if step.kind == "kill":
            assert step.figure < len(made)
            assert step.figure not in ended
            ended.add(step.figure)
    assert {one["kind"] for one in made} <= MAKERS.keys()
    assert {step.kind for step in mixture.steps} == set(SUITED)


def test_what_takes_long_to_make_stays_small() -> None:
    made = [one for seed in range(20) for step in draw_mixture(seed).steps for one in step.extra]
    assert all(one["size"] <= 150 for one in made if one["kind"] == "names")
    assert all(one["size"] <= 50 for one in made if one["kind"] == "inodes")


def test_every_kind_of_ingredient_can_be_drawn() -> None:
    assert set(KINDS) | {kind for drawn in SUITED.values() for kinds in drawn for kind in kinds} == MAKERS.keys()


def test_a_near_miss_costs_nothing_and_others_cost_twenty_times_the_distance() -> None:
    assert penalty(100 * MIB, 200 * MIB, 100 * MIB - CLOSE) == 0
    assert penalty(100 * MIB, 200 * MIB, 200 * MIB + CLOSE + MIB) == 20 * MIB
    assert interval_score(0, 100, 50, 200) == 0.5


def test_the_baseline_knows_the_quantiles_alone() -> None:
    low, high = quantiles([index / 100 for index in range(101)])
    assert (round(low, 2), round(high, 2)) == (0.05, 0.95)
