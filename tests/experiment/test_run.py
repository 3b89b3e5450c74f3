"""The phases of an experiment, stepped by a clock of its own."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.experiment.world import MIB, PLAN, START, World
from tests.samples import host_memory, sample, small_sample
from wsltop.core.explanation import TIGHT
from wsltop.core.ledger import keep_ledger
from wsltop.core.moment import interpret
from wsltop.errors import HogRefused, WsltopError
from wsltop.experiment.load import LEAST_HOG, fit, left_on_host
from wsltop.experiment.measure import Side, measure_all
from wsltop.experiment.run import TrialAction
from wsltop.experiment.trial import ExperimentPlan
from wsltop.model.sample import HostMemory, Unavailable
from wsltop.model.text import GIB
from wsltop.reclaim.perform import Failed
from wsltop.reclaim.root import find_root_access

COMPACT = replace(PLAN, action="compact")


def phases(world: World, trial: int = 0) -> list[str]:
    return [stage.phase for stage in world.experiment.result().trials[trial].stages]


def test_the_classic_goes_through_its_phases_and_settles() -> None:
    world = World()
    world.until("done")
    result = world.experiment.result()
    trial = result.trials[0]
    assert phases(world) == ["baseline", "load", "hold", "release", "settle"]
    assert trial.ending == "settled"
    lengths = {stage.phase: stage.end - stage.start for stage in trial.stages}
    assert lengths["baseline"] == pytest.approx(5.0, abs=0.51)
    assert lengths["hold"] == pytest.approx(10.0, abs=0.51)
    assert world.loads[0].calls == ["start", "release", "close"]
    assert world.experiment.finished
    assert not world.experiment.failed


def test_what_it_measures_is_what_happened() -> None:
    world = World()
    world.until("done")
    measured = measure_all(world.experiment.result())[0]
    assert isinstance(measured.host, Side)
    assert measured.host.taken == 500 * MIB
    assert measured.host.t50 is not None
    assert measured.host.t50.seconds == pytest.approx(3.0, abs=0.6)
    assert measured.lag is not None
    assert measured.lag.seconds == pytest.approx(2.0, abs=1.1)


def test_each_phase_is_a_mark_on_the_timeline() -> None:
    world = World()
    world.until("done")
    assert [event.text for event in world.events] == [
        f"experiment: {phase}" for phase in ("baseline", "load", "hold", "release", "settle", "done")
    ]
    assert {(event.kind, event.origin) for event in world.events} == {("mark", "wsltop")}
    assert world.events[1].time - world.events[0].time == pytest.approx(5.0, abs=0.51)


def test_nothing_happens_before_the_first_sample() -> None:
    world = World()
    assert world.experiment.step(world.now) == "baseline"
    assert world.experiment.events() == ()
    assert world.experiment.standing(world.now).seconds == 0.0


def test_a_host_that_answers_seldom_gets_a_longer_baseline() -> None:
    world = World()
    world.host_every = 5.0
    world.until("load")
    assert 9.0 <= world.now - 600.0 <= 16.0


def test_a_host_that_is_still_draining_is_waited_for_and_is_no_noise() -> None:
    world = World()
    world.draining = 20.0
    world.until("load")
    assert 24.0 <= world.now - START.monotonic <= 28.0
    world.until("done")
    trial = world.experiment.result().trials[0]
    assert trial.ending == "settled"
    assert trial.remarks == ()
    assert [event.text for event in world.events if "baseline" in event.text] == ["experiment: baseline"]
    host = measure_all(world.experiment.result())[0].host
    assert not isinstance(host, Unavailable)
    assert host.baseline == 6000 * MIB
    assert host.band <= 16 * MIB


def test_a_host_that_drains_on_and_on_is_told() -> None:
    world = World()
    world.draining = 1000.0
    world.until("load")
    assert world.now - START.monotonic == pytest.approx(45.0, abs=1.0)
    world.until("done")
    assert any("still getting back memory" in remark for remark in world.experiment.result().trials[0].remarks)


def test_memory_that_keeps_moving_never_settles() -> None:
    world = World(replace(PLAN, settle=20))
    world.until("settle")
    world.restless = True
    world.until("done")
    trial = world.experiment.result().trials[0]
    assert trial.ending == "not settled"
    assert not world.experiment.failed


def test_an_action_waits_for_rest_and_is_planned_for_the_memory_of_then() -> None:
    world = World(COMPACT)
    world.until("done")
    assert phases(world) == ["baseline", "load", "hold", "release", "wait", "action", "settle"]
    assert len(world.ledgers) == 1
    assert not isinstance(world.ledgers[0], Exception)
    outcome = world.experiment.result().trials[0].action
    assert outcome is not None
    assert outcome.done
    assert world.actions[0].calls == ["start", "close"]


@pytest.mark.parametrize("kind", ["fragment", "cache"])
def test_a_lasting_load_stays_until_the_action_is_measured(kind: str) -> None:
    world = World(replace(COMPACT, kind=kind))
    world.until("settle")
    assert world.loads[0].released is None
    world.until("done")
    assert phases(world) == ["baseline", "load", "hold", "action", "settle", "clear"]


def test_a_control_goes_first_and_does_everything_but_the_action() -> None:
    world = World(replace(COMPACT, control=True, repeat=2))
    world.until("done")
    trials = world.experiment.result().trials
    assert [trial.control for trial in trials] == [True, False, True, False]
    assert phases(world, 0) == ["baseline", "load", "hold", "release", "wait", "settle"]
    assert [trial.action is None for trial in trials] == [True, False, True, False]
    assert len(world.loads) == 4
    assert world.events[-1].text == "experiment 4 of 4: done"


def test_a_failed_action_is_measured_all_the_same_and_fails_the_experiment() -> None:
    world = World(COMPACT, progress=Failed(reason="sudo needs a password", hint="Run by hand: …"))
    world.until("done")
    outcome = world.experiment.result().trials[0].action
    assert outcome is not None
    assert (outcome.done, outcome.note) == (False, "sudo needs a password")
    assert world.experiment.failed


def test_a_refused_load_fails_the_experiment_and_no_more_trials_are_tried() -> None:
    world = World(replace(PLAN, repeat=3))
    world.refuse = True
    world.until("done")
    trials = world.experiment.result().trials
    assert [(trial.ending, trial.remarks) for trial in trials] == [("failed", ("no room",))]
    assert world.experiment.failed


def test_a_load_that_dies_while_it_is_held_is_a_release() -> None:
    world = World()
    world.until("hold")
    world.loads[0].died = world.now
    world.until("done")
    trial = world.experiment.result().trials[0]
    assert trial.ending == "settled"
    hold = next(stage for stage in trial.stages if stage.phase == "hold")
    assert hold.end - hold.start < 2


def test_a_load_that_fails_at_once_fails_the_experiment() -> None:
    world = World()
    world.until("load")
    world.loads[0].died, world.loads[0].failed = world.now, True
    world.until("done")
    assert world.experiment.result().trials[0].ending == "failed"


def test_hogs_that_do_not_fill_are_held_after_a_while() -> None:
    world = World()
    world.fill_time = 1e9
    world.until("hold")
    world.until("done")
    assert "not full after 120 s" in world.experiment.result().trials[0].remarks[0]


def test_a_command_runs_until_it_ends_or_for_as_long_as_it_may() -> None:
    world = World(replace(PLAN, command=("/bin/x",), hold=None))
    world.fill_time = 1e9
    world.until("load")
    for _ in range(1000):
        assert world.tick() == "load"
    world.loads[0].died = world.now
    world.until("done")
    assert phases(world) == ["baseline", "load", "release", "settle"]
    limited = World(replace(PLAN, command=("/bin/x",), hold=30.0))
    limited.fill_time = 1e9
    limited.until("done")
    load = limited.experiment.result().trials[0].stages[1]
    assert load.end - load.start == pytest.approx(30.0, abs=0.51)


@pytest.mark.parametrize("phase", ["baseline", "load", "hold", "release", "wait", "action", "settle"])
def test_stopping_in_any_phase_ends_everything_and_keeps_what_was_measured(phase: str) -> None:
    world = World(COMPACT)
    while world.tick() != phase:
        assert not world.experiment.finished
    world.experiment.stop("SIGTERM", world.now)
    result = world.experiment.result()
    assert result.interrupted == "SIGTERM"
    assert [trial.ending for trial in result.trials] == ["interrupted"]
    assert phases(world)[-1] == phase
    assert world.loads[0].calls[-1] == "close"
    assert all(action.calls[-1] == "close" for action in world.actions)
    assert measure_all(result)
    assert world.experiment.step(world.now + 100) == "done"


def test_closing_twice_and_after_the_end_changes_nothing() -> None:
    world = World()
    world.until("done")
    before = world.experiment.result()
    world.experiment.close()
    world.experiment.close()
    assert world.experiment.result() == before


def test_the_standing_says_how_far_it_is() -> None:
    world = World(replace(COMPACT, control=True))
    world.until("hold")
    standing = world.experiment.standing(world.now)
    assert (standing.phase, standing.most, standing.trial, standing.trials, standing.control) == (
        "hold",
        10,
        1,
        2,
        True,
    )
    assert standing.seconds == 0.5


def test_the_time_that_an_experiment_takes() -> None:
    assert PLAN.seconds == 45
    assert COMPACT.seconds == 75
    assert replace(COMPACT, kind="cache", control=True).seconds == 90
    assert replace(PLAN, command=("/bin/x",), hold=None).seconds is None


def test_a_load_that_fits_stays_as_it_is() -> None:
    plan = ExperimentPlan(hogs=1, size=LEAST_HOG)
    assert fit(plan, floor=0) == (plan, "")
    command = ExperimentPlan(command=("/bin/true",), size=1 << 50)
    assert fit(command) == (command, "")


def test_a_load_that_is_too_large_is_scaled_down_with_a_warning() -> None:
    plan, warning = fit(ExperimentPlan(hogs=4, size=500 * GIB), floor=0)
    assert LEAST_HOG <= plan.size < 500 * GIB
    assert plan.size % (16 * MIB) == 0
    assert "each hog takes" in warning
    assert "in place of 500 GiB" in warning


def test_a_load_leaves_windows_what_it_needs() -> None:
    """The demo took 4 GiB where Windows had 1.6 GiB left: "at least 0 B then"."""
    moment = interpret(sample(host=host_memory(total=8 * GIB, available=GIB + 400 * MIB)), 1.0)
    assert isinstance(moment.host, HostMemory)
    plan, warning = fit(ExperimentPlan(hogs=4, size=2 * GIB), floor=0, moment=moment)
    assert LEAST_HOG <= plan.size < GIB
    left = left_on_host(moment, plan.hogs * plan.size)
    assert not isinstance(left, Unavailable)
    assert left >= 8 * GIB * TIGHT
    assert "Windows has 1.4 GiB of 8.0 GiB left" in warning


def test_where_windows_has_no_room_it_is_said_why() -> None:
    moment = interpret(small_sample(host=host_memory(total=64 * GIB, available=GIB), free_blocks=Unavailable("")), 1.0)
    with pytest.raises(HogRefused, match=r"no room for a hog: Windows has 1.0 GiB of 64.0 GiB left .* must stay"):
        fit(ExperimentPlan(hogs=1, size=GIB), floor=0, moment=moment)


def test_below_the_floor_nothing_is_started() -> None:
    with pytest.raises(HogRefused, match=r"no room for 4 hogs: .* must stay; use fewer"):
        fit(ExperimentPlan(), floor=1 << 60)


def test_an_action_without_a_way_to_root_is_refused_before_it_begins(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("machine")
    (root / "proc/sys/vm").mkdir(parents=True)
    (root / "proc/sys/vm/compact_memory").write_text("")
    ledger = keep_ledger(World().sample())
    acting = TrialAction(COMPACT, find_root_access(root, {}, None, uid=1000), root=root)
    with pytest.raises(WsltopError, match="compact needs root, and there is no way to it here"):
        acting.check(ledger)
    (root / "proc/sys/vm/compact_memory").unlink()
    with pytest.raises(WsltopError, match="this kernel cannot compact memory"):
        acting.check(ledger)
