"""Trials whose figures are known: exponential, in steps, never, rebound, noise, gaps, slow hosts, no host."""

from __future__ import annotations

import math
import random

import pytest
from msgspec.structs import replace

from tests.experiment.curves import (
    BASE,
    LOADED,
    MIB,
    RELEASED,
    TAKEN,
    WINDOW,
    Shape,
    acted,
    at_once,
    exponential,
    never,
    result,
    steps,
    trial,
)
from wsltop.core.prediction import Prediction
from wsltop.experiment.measure import Measures, Side, measure, measure_all, summarize, tell_result
from wsltop.experiment.trial import ActionOutcome, Phase, Trial
from wsltop.model.sample import Reading, Unavailable


def side(reading: Reading[Side]) -> Side:
    assert isinstance(reading, Side)
    return reading


def host_of(shape: Shape, every: float | None = None) -> Side:
    return side(measure(trial(shape, host_every=every), WINDOW).host)


def verdict(*trials: Trial, interrupted: str = "", **plan: object) -> str:
    told = result(*trials, interrupted=interrupted, **plan)
    return tell_result(told, measure_all(told))


def test_the_levels_of_a_trial() -> None:
    found = host_of(exponential(3.0))
    assert (found.baseline, found.peak) == (BASE * MIB, (BASE + TAKEN) * MIB)
    assert found.taken == TAKEN * MIB
    assert found.floor == pytest.approx(BASE * MIB, abs=MIB)
    assert found.share == pytest.approx(1.0, abs=0.001)
    assert found.retained == pytest.approx(0, abs=MIB)


@pytest.mark.parametrize("half", [0.7, 3.0, 4.5])
def test_times_of_an_exponential_return(half: float) -> None:
    found = host_of(exponential(half))
    for crossing, share in ((found.t50, 0.5), (found.t90, 0.9)):
        assert crossing is not None
        true = half * -math.log2(1 - share)
        assert crossing.seconds == pytest.approx(true, abs=0.1 + 0.05 * half)
        assert 0 < crossing.uncertainty <= 0.25
    assert found.halved is not None
    level = (BASE + TAKEN) / 2 - BASE
    assert found.halved.seconds == pytest.approx(half * -math.log2(level / TAKEN), abs=0.15)


def test_times_of_a_return_in_steps_of_two_seconds() -> None:
    found = host_of(steps(100))
    assert found.first is not None
    assert found.t50 is not None
    assert found.t90 is not None
    assert found.first.seconds == pytest.approx(2.0, abs=0.26)
    assert found.t50.seconds == pytest.approx(8.0, abs=0.26)
    assert found.t90.seconds == pytest.approx(16.0, abs=0.26)
    assert found.t50.uncertainty <= 0.25


def test_a_host_that_never_gives_back() -> None:
    found = host_of(never)
    assert (found.returned, found.share, found.retained) == (0, 0.0, TAKEN * MIB)
    assert (found.first, found.t50, found.t90, found.halved) == (None, None, None, None)


def test_what_is_taken_again_is_no_return() -> None:
    found = host_of(lambda since: 0 if 2 < since < 10 else 700)
    assert found.floor == (BASE + 700) * MIB
    assert found.returned == 100 * MIB
    assert found.rebound == 700 * MIB


def test_a_host_that_answers_every_five_seconds_is_uncertain_by_that() -> None:
    found = host_of(exponential(3.0), every=5.0)
    assert found.t50 is not None
    assert abs(found.t50.seconds - 3.0) <= found.t50.uncertainty <= 5.0
    assert found.peak == (BASE + TAKEN) * MIB
    assert found.step == 5.0


def test_a_gap_makes_uncertain_and_not_wrong() -> None:
    measured = measure(trial(exponential(4.0), gap=(RELEASED + 1, RELEASED + 9)), WINDOW)
    t50 = side(measured.host).t50
    assert t50 is not None
    assert t50.uncertainty > 4
    assert abs(t50.seconds - 4.0) <= t50.uncertainty


def test_noise_moves_no_figure_by_more_than_itself() -> None:
    chance = random.Random(7)
    wobble = [chance.randint(-15, 15) * MIB for _ in range(1000)]
    found = side(measure(trial(exponential(3.0), noise=wobble.__getitem__), WINDOW).host)
    assert found.t50 is not None
    assert found.t50.seconds == pytest.approx(3.0, abs=0.5)
    assert found.floor == pytest.approx(BASE * MIB, abs=8 * MIB)
    assert found.peak == pytest.approx((BASE + TAKEN) * MIB, abs=16 * MIB)
    assert found.band > 30 * MIB


def test_the_lag_is_from_half_to_half() -> None:
    lag = measure(trial(exponential(4.0)), WINDOW).lag
    assert lag is not None
    assert lag.seconds == pytest.approx(4.0, abs=0.3)
    assert lag.uncertainty < 0.5


def test_a_guest_that_freed_long_before_has_no_lag() -> None:
    """A build gives most of its memory back before it ends."""
    early = trial(exponential(2.0), guest=at_once)
    ticks = tuple(tick._replace(taken=BASE * MIB) if tick.time > 15 else tick for tick in early.ticks)
    measured = measure(replace(early, ticks=ticks), WINDOW)
    guest = side(measured.guest)
    assert guest.t50 is not None
    assert guest.t50.seconds < -4
    assert measured.lag is None


def test_without_a_host_the_expected_figures_stand_in_and_say_so() -> None:
    measured = measure(trial(None), WINDOW)
    assert measured.host == Unavailable("interop is disabled", "Turn it on.")
    assert not measured.measured
    assert side(measured.outside).share == pytest.approx(1.0)
    assert measured.lag is None
    assert verdict(trial(None)).startswith(
        "The host, by the guest's own figures since it was not read, got 800 MiB of 800 MiB"
    )


def test_cpu_is_counted_apart_before_and_after_the_release() -> None:
    measured = measure(trial(never), WINDOW)
    assert measured.cpu_load == pytest.approx((RELEASED - LOADED) * 0.04, abs=0.02)
    assert measured.cpu_after == pytest.approx((60 - RELEASED) * 0.04, abs=0.02)


def test_a_trial_that_ends_while_memory_comes_back_has_no_verdict() -> None:
    early = trial(lambda since: TAKEN if since < 2 else 0, ending="interrupted", over=RELEASED + 1.5)
    told = verdict(early, interrupted="SIGINT")
    assert told == "Interrupted by SIGINT while memory was still coming back: no verdict."
    half = trial(lambda since: TAKEN / 2 if since >= 1 else TAKEN, ending="interrupted", over=RELEASED + 2.5)
    assert "had got 400 MiB of 800 MiB" in verdict(half, interrupted="SIGINT")
    late = trial(lambda since: 0 if since >= 2.5 else TAKEN, ending="interrupted", over=RELEASED + 2.5)
    assert verdict(late, interrupted="SIGINT").startswith("Windows got 800 MiB of 800 MiB"), "its newest reading"
    back = trial(at_once, ending="interrupted", over=RELEASED + 3)
    assert verdict(back, interrupted="SIGINT").startswith("Windows got 800 MiB of 800 MiB (100%) back")


def test_an_interrupted_trial_has_what_was_measured_until_then() -> None:
    cut = trial(never, ending="interrupted", over=12.0, phases=(("baseline", 0), ("load", LOADED), ("hold", 8)))
    measured = measure(cut, WINDOW)
    found = side(measured.host)
    assert (found.taken, found.floor, found.share, found.t50) == (TAKEN * MIB, None, None, None)
    assert (measured.cpu_after, measured.settled_after) == (None, None)
    assert verdict(cut, interrupted="SIGINT") == "Interrupted by SIGINT before anything could come back: no verdict."


def test_nothing_sampled_is_no_figure() -> None:
    empty = Trial(number=1, control=False, stages=(), ticks=(), ending="interrupted")
    measured = measure(empty, WINDOW)
    assert isinstance(measured.guest, Unavailable)
    assert isinstance(measured.outside, Unavailable)
    assert verdict() == "Nothing was measured: no verdict."


@pytest.mark.parametrize(
    ("shape", "start"),
    [
        (exponential(3.0), "Windows got 800 MiB of 800 MiB (100%) back, half of it 3.0 s after the release."),
        (lambda since: 600, "Windows got only 200 MiB of 800 MiB (25%) back, half of it at once; 600 MiB is kept"),
        (never, "Windows got next to nothing back: 0 B of 800 MiB (0%); 800 MiB is kept"),
    ],
)
def test_the_verdict_says_how_much_and_how_soon(shape: Shape, start: str) -> None:
    assert verdict(trial(shape)).startswith(start)


def test_the_verdict_says_where_the_rest_is() -> None:
    assert "the guest still uses it" in verdict(trial(never, guest=never, expected=never))
    assert "blocks too small to report" in verdict(trial(never, expected=never))
    assert "the host still holds it" in verdict(trial(never))


def test_the_verdict_does_not_hide_what_weakens_it() -> None:
    assert "it never settled: memory was still moving after 1 min 00 s" in verdict(trial(never, ending="not settled"))
    again = verdict(trial(lambda since: 0 if 2 < since < 10 else 700))
    assert "700 MiB of it was taken again" in again
    less = verdict(trial(lambda since: -300))
    assert "it ended 300 MiB below the baseline, so something else gave memory back" in less


def test_a_host_that_held_enough_already_shows_no_load() -> None:
    flat = trial(exponential(1))
    ticks = tuple(tick._replace(host=3000 * MIB) for tick in flat.ticks)
    told = verdict(replace(flat, ticks=ticks))
    assert told.startswith("The load did not show: the memory that Windows lends rose by 0 B, and 8.0 MiB is noise")


def test_a_command_that_ends_at_once_is_not_called_a_load_that_does_not_show() -> None:
    """``experiment -- true`` said that the load rose by 0 B, or asked to hold it longer."""
    brief: tuple[tuple[Phase, float], ...] = (("baseline", 0.0), ("load", LOADED), ("release", LOADED + 0.25))
    flat = trial(exponential(1), phases=brief)
    ticks = tuple(tick._replace(host=3000 * MIB, taken=400 * MIB) for tick in flat.ticks)
    told = verdict(replace(flat, ticks=ticks), command=("/usr/bin/true",), hold=None)
    assert "true ended after 0.2 s" in told
    assert "--every 0.1" in told
    slow = tuple(one._replace(host_at=math.floor(one.time)) for one in ticks)
    longer = replace(trial(never, phases=(("baseline", 0.0), ("load", 6.1), ("release", 6.9))), ticks=slow)
    assert "true ended after 0.8 s" in verdict(longer, command=("/usr/bin/true",), hold=None)
    assert "ended after" not in verdict(replace(flat, ticks=ticks))


LASTING: tuple[tuple[Phase, float], ...] = (
    ("baseline", 0.0),
    ("load", LOADED),
    ("hold", 8.0),
    ("action", RELEASED),
    ("settle", RELEASED + 1),
)
CONTROL: tuple[tuple[Phase, float], ...] = (("baseline", 0.0), ("load", LOADED), ("hold", 8.0), ("settle", RELEASED))


def compacted(estimate: int = 500) -> Trial:
    """Half of the load is free in pieces, and 400 of 500 MiB come back by an action."""
    return trial(
        lambda since: 400 if since > 3 else 800,
        guest=lambda since: 500,
        expected=lambda since: 400,
        phases=LASTING,
        action=acted(estimate),
    )


def uncompacted() -> Trial:
    return trial(never, expected=never, phases=CONTROL, control=True)


def test_an_action_is_compared_with_what_was_predicted() -> None:
    figures = measure(compacted(), WINDOW).action
    assert figures is not None
    assert figures.gained == pytest.approx(400 * MIB)
    assert figures.host_returned == pytest.approx(400 * MIB)
    assert figures.error == pytest.approx(-100 * MIB)


def test_a_control_tells_what_came_without_the_action() -> None:
    figures = measure(uncompacted(), WINDOW).action
    assert figures is not None
    assert (figures.predicted, figures.gained) == (None, 0)
    told = verdict(uncompacted(), compacted(), action="compact", kind="fragment", control=True, repeat=1)
    assert "compact gave back 400 MiB, predicted were 500 MiB (error -100 MiB); without it 0 B came" in told


def test_the_error_and_the_range_are_of_what_came_back_as_in_the_demo() -> None:
    """The verdict said "outside the predicted range" of what Linux offered, where Windows had got what was inside."""
    one = trial(
        lambda since: 400 if since > 3 else 800,
        guest=lambda since: 0,
        expected=lambda since: 0,
        phases=LASTING,
        action=ActionOutcome(
            name="compact",
            predicted=Prediction(low=300 * MIB, likely=380 * MIB, high=500 * MIB),
            done=True,
            note="",
        ),
    )
    figures = measure(one, WINDOW).action
    assert figures is not None
    assert (figures.gained, figures.came, figures.inside) == (800 * MIB, 400 * MIB, True)
    assert figures.error == 20 * MIB
    told = verdict(one, action="compact", kind="fragment")
    assert "gave back 400 MiB, predicted were 380 MiB (error +20 MiB)" in told
    assert "outside" not in told


def test_a_failed_action_is_told() -> None:
    failed = trial(never, phases=LASTING, action=acted(5, done=False, note="sudo needs a password"))
    assert "compact failed: sudo needs a password" in verdict(failed, action="compact", kind="fragment")


def test_a_spread_counts_those_that_are_missing() -> None:
    found = summarize([3.0, None, 1.0, 2.0])
    assert found is not None
    assert (found.middle, found.low, found.high, found.seen, found.of) == (2.0, 1.0, 3.0, 3, 4)
    assert summarize([None]) is None


def test_the_measures_of_repeats_stand_beside_each_other() -> None:
    told = result(trial(exponential(2.0)), trial(exponential(3.0)), trial(exponential(4.0)))
    measures = measure_all(told)
    assert [type(one) for one in measures] == [Measures] * 3
    assert "half of it 3.0 s after the release" in tell_result(told, measures)


def test_more_than_the_load_took_is_no_share_of_it() -> None:
    freed = exponential(2.0)
    told = verdict(trial(lambda since: freed(since) - (300 if since > 2 else 0)))
    assert "back, more than the 800 MiB of the load" in told
    assert "%" not in told
    assert "so something else gave memory back as well" in told


def test_file_cache_that_the_load_pushed_out_is_named_as_what_came_back_beyond_it() -> None:
    one = trial(lambda since: -300)
    start = one.start_of("release")
    assert start is not None
    ticks = tuple(tick._replace(cache=tick.cache + (400 * MIB if tick.time < start else 0)) for tick in one.ticks)
    assert "it ended 300 MiB below the baseline: the load pushed file cache out" in verdict(replace(one, ticks=ticks))
