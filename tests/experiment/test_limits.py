"""``--fail-if``: what an expression means, and when a figure is outside or not known."""

from __future__ import annotations

import pytest

from tests.experiment.curves import MIB, exponential, never, result, trial
from wsltop.errors import UsageError
from wsltop.experiment.limits import FIGURES, SIDES, judge, parse_limit, tell_verdict
from wsltop.experiment.measure import measure_all
from wsltop.experiment.trial import Result
from wsltop.model.sample import Unavailable
from wsltop.model.text import GIB

CLASSIC = result(trial(exponential(3.0)))
BLIND = result(trial(None))


def outcome(told: Result, text: str) -> tuple[bool, bool]:
    """Whether it failed, and whether the figure is known."""
    (verdict,) = judge([parse_limit(text)], told, measure_all(told))
    return verdict.failed, not isinstance(verdict.value, Unavailable)


@pytest.mark.parametrize(
    ("text", "side", "name", "bound"),
    [
        ("host.peak>6GiB", "host", "peak", 6 * GIB),
        ("peak > 6G", "host", "peak", 6 * GIB),
        ("guest.taken>=1.5g", "guest", "taken", 1.5 * GIB),
        ("returned<80%", "host", "returned", 0.8),
        ("expected.returned<=512M", "expected", "returned", 512 * MIB),
        ("t50>90s", "host", "t50", 90),
        ("host.t90>2min", "host", "t90", 120),
    ],
)
def test_an_expression_is_a_figure_a_comparison_and_a_value(text: str, side: str, name: str, bound: float) -> None:
    limit = parse_limit(text)
    assert (limit.side, limit.name, limit.bound) == (side, name, bound)


@pytest.mark.parametrize(
    "text",
    ["", "host.peak", "host.peak>", "peak=6G", "peak>six", "peak>6", "peak>80%", "t50>6G", "returned<nan%", "a.b.c>1G"],
)
def test_what_is_no_expression_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        parse_limit(text)


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("host.taken>700M", True),
        ("host.taken>900M", False),
        ("returned<80%", False),
        ("returned<120%", True),
        ("t50>2s", True),
        ("t50>5s", False),
        ("guest.peak<1T", True),
    ],
)
def test_it_fails_where_the_comparison_is_true(text: str, failed: bool) -> None:
    assert outcome(CLASSIC, text) == (failed, True)


def test_a_time_that_never_came_is_longer_than_any() -> None:
    assert outcome(result(trial(never)), "t50>1h") == (True, True)


def test_without_a_host_its_figures_are_not_known_and_the_expected_ones_are() -> None:
    assert outcome(BLIND, "peak>1M") == (False, False)
    assert outcome(BLIND, "expected.peak>1M") == (True, True)


def test_several_trials_count_by_their_median() -> None:
    three = result(trial(exponential(2.0)), trial(exponential(3.0)), trial(exponential(9.0)))
    assert outcome(three, "t50>3.5s") == (False, True)
    assert outcome(three, "t50>2.5s") == (True, True)


def test_every_figure_of_every_side_has_a_line() -> None:
    for side in SIDES:
        for name, figure in FIGURES.items():
            bound = "1s" if figure.unit == "time" else "1M"
            (verdict,) = judge([parse_limit(f"{side}.{name}>{bound}")], CLASSIC, measure_all(CLASSIC))
            assert tell_verdict(verdict).startswith(f"fail-if {side}.{name}>{bound}: {side}.{name} is ")
