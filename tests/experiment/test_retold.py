"""A recorded demo, measured again: the same figures as when it ran."""

from __future__ import annotations

from importlib.resources import as_file, files
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from tests.experiment.world import PLAN, World
from tests.samples import hog
from wsltop.core.events import DEMO_END
from wsltop.core.session import Session
from wsltop.experiment.measure import measure_all
from wsltop.experiment.retold import retell
from wsltop.experiment.trial import Phase, demo_names
from wsltop.model.sample import Mark, Sample, Unavailable
from wsltop.model.text import format_size
from wsltop.recording.reader import Recording
from wsltop.report.demo import facts, make_result, slide

INTERVAL = 0.5
MIB = 1024**2


def recorded(world: World, *, until: Phase = "done") -> list[Sample]:
    """The samples of an experiment, with the marks of the demo."""
    names = demo_names(acted=bool(world.experiment.plan.action))
    samples, name = [], ""
    phase: Phase = "baseline"
    while phase != until:
        held = sum(load.held for load in world.loads)
        now, sample = world.now, world.sample()
        phase = world.tick()
        if names[phase] != name:
            name = names[phase]
            mark = Mark(time=sample.time, monotonic=now, text=f"demo: {name}")
            sample = replace(sample, marks=(mark,))
        samples.append(replace(sample, hogs=(hog(1, target=PLAN.size, resident=held),) if held else ()))
    return samples


def test_without_marks_there_is_no_demo() -> None:
    samples = [replace(sample, marks=()) for sample in recorded(World())]
    assert retell(samples, INTERVAL) is None
    assert retell([], INTERVAL) is None


def test_a_demo_that_ended_before_its_first_sample_is_none() -> None:
    first = recorded(World())[0]
    (start,) = first.marks
    end = Mark(time=start.time, monotonic=start.monotonic + 0.1, text=f"demo: {DEMO_END}")
    late = replace(first, monotonic=start.monotonic + 0.2, marks=(start, end))
    assert retell([late], INTERVAL) is None


def test_a_recorded_demo_has_the_figures_that_it_had() -> None:
    for action in ("", "compact"):
        world = World(replace(PLAN, action=action))
        told = retell(recorded(world), INTERVAL)
        assert told is not None
        assert told.plan.action == action
        then, now = measure_all(world.experiment.result()), measure_all(told)
        assert not isinstance(then[0].outside, Unavailable)
        assert not isinstance(now[0].outside, Unavailable)
        assert now[0].outside.peak == then[0].outside.peak
        assert now[0].outside.returned == then[0].outside.returned == 500 * MIB
        assert (now[0].action is None) == (action == "")
        assert now[0].release is not None
        assert told.trials[0].ending == "settled"


def test_card_slide_and_events_of_a_demo_have_one_measure_and_one_prediction() -> None:
    """The card said 242 MiB, its sentence 241 and the event 252, outside a range that held it on the card."""
    with as_file(files("wsltop.recording").joinpath("sample.wsltop")) as path, Recording.open(path) as recording:
        samples = list(recording.samples())
    session = Session(1.0)
    for sample in samples:
        session.take(sample)
    kill, compaction = (event.amounts for event in session.journal.events() if event.kind == "return")
    result = retell(samples, 1.0)
    assert result is not None
    demo = make_result(result)
    assert demo.kill is not None
    assert not isinstance(demo.kill.outside, Unavailable)
    compared = ((demo.kill.release, kill), (demo.measures[0].action, compaction))
    for figures, told in compared:
        assert figures is not None
        assert figures.came is not None
        assert format_size(figures.came) == format_size(told["got"])
        assert told["got"] <= told["owed"]
        if "predicted" in told:  # hogs that end one after the other are not predicted as one
            assert figures.predicted is not None
            assert (figures.predicted.low, figures.predicted.likely, figures.predicted.high) == tuple(
                told[name] for name in ("predicted_low", "predicted", "predicted_high")
            )
            assert figures.inside == bool(told["within"])
    assert "predicted" in compaction
    assert demo.kill.outside.returned == pytest.approx(kill["got"], rel=0.005)
    assert f"{format_size(compaction['got'])} more" in demo.verdict
    halves = [fact.text.partition("half of it ")[2].partition(" after")[0] for fact in facts(demo)]
    words = " ".join(ElementTree.fromstring(slide(demo)).itertext())  # noqa: S314 - our own
    assert [half for half in halves if half] == [words.partition("t50 ")[2].partition(" s")[0] + " s"]


def test_a_recording_that_ends_within_the_demo_is_an_interrupted_one() -> None:
    told = retell(recorded(World(), until="settle"), INTERVAL)
    assert told is not None
    assert told.trials[0].ending == "interrupted"


def test_a_recorded_demo_that_was_ended_early_is_an_interrupted_one() -> None:
    """It was told as a whole one: "next to nothing back"."""
    samples = recorded(World(), until="settle")
    last = samples[-1]
    for second in (1, 2):
        samples.append(replace(last, monotonic=last.monotonic + second, marks=()))
    end = Mark(time=last.time + 3, monotonic=last.monotonic + 3, text="demo: result")
    samples.append(replace(last, monotonic=last.monotonic + 3, marks=(end,)))
    told = retell(samples, INTERVAL)
    assert told is not None
    assert told.trials[0].ending == "interrupted"
