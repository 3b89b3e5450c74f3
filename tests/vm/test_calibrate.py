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
    made = [*mixture.ingredients, *(one for step in mixture.steps for one in step.extra)]
    assert {one["kind"] for one in made} <= MAKERS.keys()
    held = sum(one["size"] for one in made if one["kind"] in ("anonymous", "locked", "shared", "tmpfs", "pinned"))
    assert held < 0.85 * mixture.memory
    assert {step.kind for step in mixture.steps} <= set(SUITED)
    kills = [step.figure for step in mixture.steps if step.kind == "kill"]
    assert all(figure < len(made) for figure in kills)


def test_every_kind_of_ingredient_can_be_drawn() -> None:
    assert set(KINDS) | {kind for kinds in SUITED.values() for kind in kinds} == MAKERS.keys()


def test_a_near_miss_costs_nothing_and_others_cost_twenty_times_the_distance() -> None:
    assert penalty(100 * MIB, 200 * MIB, 100 * MIB - CLOSE) == 0
    assert penalty(100 * MIB, 200 * MIB, 200 * MIB + CLOSE + MIB) == 20 * MIB
    assert interval_score(0, 100, 50, 200) == 0.5


def test_the_baseline_knows_the_quantiles_alone() -> None:
    low, high = quantiles([index / 100 for index in range(101)])
    assert (round(low, 2), round(high, 2)) == (0.05, 0.95)
