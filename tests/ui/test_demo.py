"""The demo: its plan, its phases in the strip, holding and ending it, its result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from textual.pilot import Pilot

from tests.core.test_returning import kill
from tests.experiment.world import PLAN
from tests.experiment.world import World as Invented
from tests.ui.worlds import HOST, World, record, settle
from wsltop.charts.cells import BLOCK, plain
from wsltop.charts.timeline import round_up
from wsltop.commands.replay import SAMPLE as SHIPPED
from wsltop.core.events import COMPACT_SCANNED, DAEMON_SCANNED, DEMO
from wsltop.core.prediction import Prediction
from wsltop.core.session import Session
from wsltop.experiment.measure import ActionFigures
from wsltop.experiment.trial import Phase
from wsltop.hogs.guard import MemoryGuard
from wsltop.model.sample import WAITING, Counters, Unavailable
from wsltop.model.text import GIB, MIB
from wsltop.reclaim.perform import Failed
from wsltop.reclaim.root import find_root_access
from wsltop.recording.player import Player
from wsltop.recording.reader import Recording
from wsltop.report.demo import DemoResult, facts, make_result, prediction_fact
from wsltop.system import System
from wsltop.ui.app import WsltopApp
from wsltop.ui.cards.card import BORDER, CardText
from wsltop.ui.cards.demo import WIDEST, DemoPlan, DemoScreen, ResultCard, result_lines
from wsltop.ui.context import NOT_LOGGED, Context, DemoFrame, DemoPhase, ScreenOptions, ViewState, log_line
from wsltop.ui.jobs import LiveExperiment
from wsltop.ui.panels.footer import KeyRow
from wsltop.ui.panels.hogs import HogsView, hint_of
from wsltop.ui.panels.verdict import Amounts, VerdictPanel, VerdictView, demo_view, verdict_view
from wsltop.ui.sources import ReplaySource


@pytest.fixture(autouse=True)
def _elsewhere(world: World, tmp_path: Path) -> None:
    """Nothing of this machine is compacted, whoever runs the tests."""
    world.app.options = replace(world.app.options, system=System(root=tmp_path / "nothing"))


def foot_of(world: World) -> str:
    """The keys of the card on top."""
    return plain(world.app.screen.query_one("#card-keys", KeyRow)._lines[0])


@contextmanager
def shipped(folder: Path, *, demo: bool) -> Iterator[tuple[WsltopApp, Recording]]:
    """The screen over the recording that the package ships; ``demo``: as ``wsltop demo --replay`` opens it."""
    with as_file(files("wsltop.recording") / SHIPPED) as path, Recording.open(path) as recording:
        options = ScreenOptions(
            glyphs=BLOCK, color=True, theme=None, hog_size=GIB, state_folder=folder, osc52=False, demo=demo
        )
        yield WsltopApp(ReplaySource(Player(recording, paused=True), "sample", lambda: 0.0), None, options), recording


async def start(world: World, pilot: Pilot[None]) -> LiveExperiment:
    """Open the plan, take the smallest hogs, and begin."""
    await world.press(pilot, "e", *["less_than_sign"] * 5, "y")
    demo = world.app.jobs["experiment"]
    assert isinstance(demo, LiveExperiment)
    return demo


@pytest.mark.parametrize("no", ["n", "escape", "enter", "q", "e"])
def test_nothing_is_loaded_without_a_yes(world: World, no: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "e")
        assert [type(screen) for screen in world.app.screen_stack][-1] is DemoScreen
        assert "4 hogs of" in world.text
        await world.press(pilot, no)
        assert world.app.screen is world.app.main
        await world.tick(pilot, 8)
        assert world.pool.there == {}
        assert world.app.jobs == {}

    world.run(play)


def test_the_smallest_terminal_shows_what_windows_will_have_and_how_to_read_on(world: World) -> None:
    """At 40x8 the plan named no key to scroll, and the lowest figure of Windows was below its end."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "e")
        assert "available now" in " ".join(world.text.split())
        assert "j k scroll" in world.lines[-1]
        assert "n cancel" in world.lines[-1]

    world.run(play, size=(40, 8))


def test_the_plan_is_made_again_when_windows_answers_while_it_is_read(world: World) -> None:
    """It said 4 hogs of 1 GiB, and ``y`` ran what Windows had room for."""

    async def play(pilot: Pilot[None]) -> None:
        answer = world.sampler.next.host
        world.sampler.next = replace(world.sampler.next, host=WAITING)
        await world.tick(pilot)
        await world.press(pilot, "e")
        assert "available now" not in world.text
        world.sampler.next = replace(world.sampler.next, host=answer)
        await world.tick(pilot)
        assert "available now" in " ".join(world.text.split())
        plan = world.app.screen
        assert isinstance(plan, DemoScreen)
        before = plan.demo.plan
        await world.tick(pilot)
        assert plan.demo.plan is before  # it does not change under the eye

    world.run(play)


def test_the_plan_is_of_the_size_and_kind_that_are_chosen(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "e", *["less_than_sign"] * 5)
        assert "4 hogs of 64 MiB anonymous: 256 MiB" in world.text
        await world.press(pilot, "t")
        assert "incompressible" in world.text
        await world.press(pilot, "escape")
        assert world.app.context.state.hog_size == 64 * MIB

    world.run(play)


def test_the_phases_stand_in_the_strip_and_space_holds_one(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        demo = await start(world, pilot)
        await world.tick(pilot)
        assert "DEMO BASELINE" in world.text
        await world.tick(pilot, 9)
        assert len(world.pool.there) == 4
        assert "DEMO HOLD" in world.text
        assert "e end" in world.text
        assert "space hold" in world.text
        await world.press(pilot, "space")
        assert demo.held
        assert "space go on" in world.text
        await world.tick(pilot, 20)
        assert "DEMO HOLD" in world.text
        assert "space goes on" in world.text
        assert "held for 20 s" in world.text
        assert len(world.pool.there) == 4
        await world.press(pilot, "space")
        await world.tick(pilot, 3)
        assert world.pool.killed == [1, 2, 3, 4]

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["left_square_bracket", "left_curly_bracket", "g", "click"])
def test_a_look_back_leaves_a_phase_that_is_held_alone(world: World, how: str) -> None:
    """The keys through time, and a click, let the demo go on: the hogs were killed while the speaker talked."""

    async def play(pilot: Pilot[None]) -> None:
        demo = await start(world, pilot)
        await world.tick(pilot, 10)
        await world.press(pilot, "space")
        if how == "click":
            timeline = world.app.main.timeline
            assert await pilot.click(timeline, offset=(timeline.region.width - 2, 3))
        else:
            await world.press(pilot, how, *(["-", "3", "s", "enter"] if how == "g" else []))
        await world.tick(pilot, 8)
        assert "PAUSED at" in world.lines[0]
        assert len(world.pool.there) == 4
        await world.press(pilot, "escape")
        assert " LIVE " in world.lines[0]
        assert "DEMO HOLD" in world.text
        assert demo.held

    world.run(play)


@pytest.mark.parametrize("key", ["v", "b", "p", "question_mark"])
def test_the_footer_of_a_card_says_what_space_does_while_the_demo_runs(world: World, key: str) -> None:
    """It said ``space pause``, where the key held the phase."""

    async def play(pilot: Pilot[None]) -> None:
        demo = await start(world, pilot)
        await world.resize(pilot, 160, 40)
        await world.press(pilot, key)
        assert "space hold" in foot_of(world)
        await world.press(pilot, "space")
        assert demo.held
        assert "space go on" in foot_of(world)

    world.run(play)


def test_the_same_key_ends_it_and_its_hogs(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await start(world, pilot)
        await world.tick(pilot, 10)
        assert world.pool.there
        await world.press(pilot, "e")
        assert world.app.jobs == {}
        assert world.app.context.demo is None
        await world.tick(pilot, 2)
        assert world.pool.there == {}

    world.run(play)


def test_the_strip_counts_what_windows_has_got() -> None:
    phase = DemoPhase(name="returning", seconds=4.0, most=60.0, held=False)
    view = demo_view(phase, Amounts(GIB, 2 * GIB))
    assert (view.word, view.share) == ("DEMO RETURNING", 0.5)
    assert "1.0 GiB of 2.0 GiB" in view.text
    assert demo_view(phase).share == 0.07
    assert demo_view(replace(phase, name="load"), None, Amounts(MIB, 4 * MIB)).share == 0.25
    assert demo_view(replace(phase, name="hold"), Amounts(GIB, 2 * GIB), Amounts(MIB, 4 * MIB)).share == 0.07


@pytest.mark.parametrize("measured", [True, False])
def test_where_windows_is_not_read_no_phase_says_what_windows_got(measured: bool) -> None:
    """The demo's strip said ``Windows got``, while a release and once it was over."""
    session = Session(1.0)
    context = Context(session, ViewState(hog_size=GIB), BLOCK)
    texts: dict[bool, str] = {}
    for second, sample in enumerate(kill(measured=measured)):
        session.take(sample)
        if second > 11:
            context.running_demo = DemoPhase(name="returning", seconds=second - 10.0, most=60.0)
            texts[session.returning is not None] = verdict_view(context).text
    for text in texts.values():
        assert ("Windows got" in text) == measured
        assert ("Linux has offered" in text) != measured
    assert set(texts) == {True, False}
    assert "2.0 GiB of 2.0 GiB back" in texts[False]


def test_a_phase_of_unknown_length_has_no_share() -> None:
    """After a jump into a phase, and while the hogs ended, the strip stood at 0 %."""
    view = demo_view(DemoPhase(name="end", seconds=1.0, most=None))
    assert view.share is None
    (_, _, told) = VerdictPanel(BLOCK, id="verdict").paint(view, 80, 3)
    assert "%" not in plain(told)


@pytest.mark.parametrize(("seconds", "held"), [(19.0, True), (45.0, False)])
def test_nothing_takes_longer_than_it_takes_at_most(seconds: float, held: bool) -> None:
    """A demo that was held said ``19 of at most 10 s``; so did a baseline that waits for Windows."""
    view = demo_view(DemoPhase(name="hold", seconds=seconds, most=10.0, held=held, held_for=12.0))
    assert "at most" not in view.text
    assert ("held for 12 s" in view.text) == held
    assert "space goes on" in view.note or not held


def test_a_jump_into_a_retold_phase_shows_how_far_it_is(tmp_path: Path) -> None:
    """``}`` in a replay that stood still showed 0 % until it played; and once all was back, 53 % of the time."""
    with shipped(tmp_path, demo=True) as (app, recording):

        async def play() -> None:
            shares: dict[str, list[float | None]] = {}
            async with app.run_test(size=(80, 24)) as pilot:
                await settle(pilot)
                for number in range(recording.count):
                    app.action_look_at(recording.sample(number).monotonic)
                    view = app.main.panels["verdict"].view
                    assert isinstance(view, VerdictView)
                    if view.word.startswith("DEMO"):
                        shares.setdefault(view.word, []).append(view.share)
            for name in ("BASELINE", "HOLD", "RETURNING"):
                told = [share for share in shares[f"DEMO {name}"] if share is not None]
                assert len(told) == len(shares[f"DEMO {name}"])
                assert told == sorted(told)
            assert shares["DEMO RETURNING"][-1] == 1.0

        asyncio.run(play())


def test_the_log_line_takes_the_place_of_the_title() -> None:
    phase = DemoPhase(name="compact", seconds=1.0, most=60.0)
    assert "waiting" in demo_view(phase, None).text
    told = demo_view(replace(phase, log="12:00:00 Performing memory compaction. [kmsg]"))
    assert "log: 12:00:00 Performing memory compaction. [kmsg]" in told.title
    seen = "09:59:07 on request: 48 959 pages moved, +191 MiB to give back"
    title = demo_view(replace(phase, log=f"{seen} [{NOT_LOGGED}]")).title
    assert seen in title
    assert "log: " not in title.replace("not logged: ", "")
    assert cell_len(title) < 79


def test_without_root_the_compaction_is_left_out_and_that_is_said(world: World, tmp_path: Path) -> None:
    (tmp_path / "proc/sys/vm").mkdir(parents=True)
    (tmp_path / "proc/sys/vm/compact_memory").touch()

    async def play(pilot: Pilot[None]) -> None:
        plans = {
            uid: DemoPlan(world.app.context, world.pool, find_root_access(tmp_path, {}, uid=uid), tmp_path)
            for uid in (0, 1000)
        }
        assert plans[0].plan.action == "compact"
        assert plans[0].skipped == ""
        assert plans[1000].plan.action == ""
        assert "root" in plans[1000].skipped
        assert ("compact", f"left out: {plans[1000].skipped}") in plans[1000].facts()
        plans[0].compacts = False
        plans[0].change()
        assert plans[0].acting is None

    world.run(play)


def test_fewer_hogs_run_where_four_do_not_fit(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        with closing(MemoryGuard()) as gauge:
            supply = gauge.read()
        world.pool.floor = supply.available - 200 * MIB  # room for two of the smallest
        access = find_root_access(Path("/nowhere"), {}, uid=1000)
        demo = DemoPlan(world.app.context, world.pool, access, Path("/nowhere"))
        assert 0 < demo.plan.hogs < 4
        assert not demo.refused
        assert demo.plan.hogs * demo.plan.size < 200 * MIB

    world.run(play)


def test_the_phases_of_a_recorded_demo_show_in_the_strip_again(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        for phase in ("baseline", "load", "hold"):
            world.app.mark(f"demo: {phase}")
            await world.tick(pilot, 2)
        world.app.mark("demo: result")
        await world.tick(pilot, 2)
        assert "DEMO" not in world.text
        await world.press(pilot, "space")
        for expected in ("HOLD", "HOLD", "LOAD", "LOAD", "BASELINE"):
            await world.press(pilot, "left_square_bracket")
            if "DEMO" not in world.text:
                await world.press(pilot, "left_square_bracket")
            assert f"DEMO {expected}" in world.text
            assert "e ends it" not in world.text

    world.run(play)


def finished(action: str = "compact") -> DemoResult:
    """The result of a whole demo of an invented machine."""
    made = Invented(replace(PLAN, action=action))
    made.until("done")
    return make_result(made.experiment.result(), log="12:00:00 compacted [vmstat]")


@pytest.mark.parametrize("size", [(40, 8), (60, 20), (80, 24), (160, 48)])
def test_the_result_is_neither_folded_nor_cut_at_any_width(world: World, size: tuple[int, int]) -> None:
    demo = finished()

    async def play(pilot: Pilot[None]) -> None:
        world.app._show_result(demo)
        await pilot.pause()
        for columns, rows in (size, (150, 30), size):
            await world.resize(pilot, columns, rows)
            shown = world.app.screen.query_one(CardText).view or ()
            width = min(WIDEST, columns - BORDER)
            assert len(shown) == len(result_lines(demo, BLOCK, width, rows - 1))  # no row goes on in the next one
            texts = [plain(line).rstrip() for line in shown]
            assert all(cell_len(line) <= width for line in texts)
            assert "…" not in "".join(texts)
            start = next(number for number, line in enumerate(texts) if "hold" in line and "│" in line)
            plotted = [cell_len(line) for line in texts[start + 2 : -2]]
            assert max(plotted) == width, plotted

    world.run(play, size=size)


def test_the_result_says_peak_return_and_predictions() -> None:
    demo = finished()
    told = {(fact.name, fact.text) for fact in facts(demo)}
    kill = [text for name, text in told if name == "predicted" and "kill" in text]
    assert "500 MiB" in kill[0]
    assert ("log line", demo.log) in told
    assert {"peak", "returned", "stuck"} <= {name for name, _ in told}
    assert demo.kill is not None
    assert not isinstance(demo.kill.outside, Unavailable)
    assert demo.kill.outside.returned == 500 * MIB


@pytest.mark.parametrize("phase", ["baseline", "load", "hold"])
def test_a_demo_ended_before_its_release_says_that_and_measures_nothing(phase: Phase) -> None:
    """It said "Interrupted by the user before anything could come back", in two events."""
    made = Invented(PLAN)
    made.until(phase)
    made.tick()
    made.experiment.stop("the user", made.now)
    demo = make_result(made.experiment.result())
    assert "Interrupted" not in demo.verdict
    assert "You ended the demo" in demo.verdict
    assert not [fact for fact in facts(demo) if fact.name in ("returned", "stuck", "predicted")]


@pytest.mark.parametrize("action", ["", "compact"])
def test_a_demo_ended_while_memory_comes_back_has_no_verdict_and_calls_nothing_stuck(action: str) -> None:
    """Its card said "next to nothing back", "stuck 517 MiB" and "the kill gave 486 MiB: inside the range"."""
    made = Invented(replace(PLAN, action=action))
    made.until("wait" if action else "settle")
    for _ in range(3):
        made.tick()
    made.experiment.stop("the user", made.now)
    demo = make_result(made.experiment.result())
    assert demo.cut
    assert "no verdict" in demo.verdict
    assert "next to nothing" not in demo.verdict
    assert [fact.name for fact in facts(demo) if fact.name in ("peak", "returned", "stuck", "predicted")] == [
        "peak",
        "returned",
    ]


def test_a_demo_ended_in_its_compaction_keeps_what_the_kill_gave() -> None:
    made = Invented(replace(PLAN, action="compact"))
    made.until("settle")
    made.experiment.stop("the user", made.now)
    demo = make_result(made.experiment.result())
    assert not demo.cut
    assert demo.verdict.startswith("Windows got 500 MiB")
    assert "not measured to its end" in demo.verdict
    predicted = [fact.text for fact in facts(demo) if fact.name == "predicted"]
    assert len(predicted) == 1
    assert "kill" in predicted[0]


@pytest.mark.parametrize(("gained", "word"), [(90, "inside the range"), (20, "outside the range"), (300, "outside")])
def test_what_lies_outside_the_predicted_range_is_said(gained: int, word: str) -> None:
    predicted = Prediction(low=50 * MIB, likely=100 * MIB, high=200 * MIB)
    fact = next(
        prediction_fact("it", ActionFigures(predicted=predicted, gained=None, host_returned=None, came=gained * MIB))
    )
    assert word in fact.text
    assert (fact.style == "error") == word.startswith("outside")


def test_the_slide_is_one_picture_that_only_the_user_can_read(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.app._show_result(finished())
        await pilot.pause()
        await world.press(pilot, "s")
        (path,) = world.folder.glob("demo-*.svg")
        assert path.stat().st_mode & 0o777 == 0o600
        words = " ".join(ElementTree.fromstring(path.read_text()).itertext())  # noqa: S314 - our own
        for word in ("peak", "returned", "predicted", "baseline", "returning", "compact"):
            assert word in words

    world.run(play)


def test_the_result_is_copied_as_text(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.app._show_result(finished())
        await pilot.pause()
        await world.press(pilot, "y")
        await world.app.workers.wait_for_complete()
        (path,) = world.folder.glob("report-*.txt")
        text = path.read_text()
        assert text.startswith("Windows got 500 MiB")
        assert "peak" in text
        assert "verdict" in text

    world.run(play)


@pytest.mark.parametrize("size", [(40, 8), (60, 20), (80, 24), (120, 36)])
def test_a_demo_goes_on_through_a_resize_at_every_phase(world: World, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await start(world, pilot)
        seen = set()
        for _ in range(60):
            await world.tick(pilot)
            demo = world.app.context.running_demo
            if demo is None:
                break
            if demo.name not in seen:
                seen.add(demo.name)
                await world.resize(pilot, *size)
                assert f"DEMO {demo.name.upper()}" in world.text
                await world.resize(pilot, 80, 24)
        assert {"baseline", "load", "hold", "returning"} <= seen | {"load"}
        assert isinstance(world.app.screen, ResultCard)
        assert world.pool.there == {}

    world.run(play)


def replay(folder: Path, size: tuple[int, int], see: Callable[[WsltopApp], None], step: float = 1.0) -> None:
    """Play the shipped recording until its result is on the screen; ``see`` looks at the app after each step."""
    with as_file(files("wsltop.recording") / SHIPPED) as path, Recording.open(path) as recording:
        options = ScreenOptions(
            glyphs=BLOCK, color=True, theme=None, hog_size=GIB, state_folder=folder, osc52=False, demo=True
        )
        seconds = [0.0]
        app = WsltopApp(ReplaySource(Player(recording), "sample", lambda: seconds[0]), None, options)

        async def play() -> None:
            async with app.run_test(size=size) as pilot:
                await settle(pilot)
                for _ in range(int(recording.count / step) + 10):
                    seconds[0] += step
                    app.tick()
                    await settle(pilot)
                    see(app)
                    if isinstance(app.screen, ResultCard):
                        break

        asyncio.run(play())


@pytest.mark.slow
@pytest.mark.parametrize(("demo", "told"), [(True, "4 will start"), (False, "hogs will start")])
def test_until_the_first_hog_starts_none_was_killed_and_an_unknown_number_is_no_figure(
    demo: bool, told: str, tmp_path: Path
) -> None:
    """``wsltop replay FILE`` said ``4 will start`` of any demo, and the first second of ``load`` "they were killed"."""
    with shipped(tmp_path, demo=demo) as (app, recording):
        hints: dict[str, set[str]] = {}

        async def play() -> None:
            async with app.run_test(size=(80, 24)) as pilot:
                await settle(pilot)
                for number in range(recording.count):
                    app.action_look_at(recording.sample(number).monotonic)
                    view = app.main.panels["hogs"].view
                    assert isinstance(view, HogsView)
                    if app.context.demo is not None and not view.rows:
                        hints.setdefault(app.context.demo.name, set()).add(view.hint)
                    if "returning" in hints:
                        break

        asyncio.run(play())
    assert hints["baseline"] == {told}
    assert hints.get("load", {told}) == {told}
    assert hints["returning"] == {"they were killed"}


@pytest.mark.parametrize(("name", "told"), [("baseline", "will start"), ("load", "will start"), ("end", "killed")])
def test_where_there_are_no_hogs_the_phase_tells_whether_they_are_still_to_come(name: str, told: str) -> None:
    for frame in (DemoFrame(), DemoFrame(hogs=2)):
        hint = hint_of(DemoPhase(name=name, seconds=0.5, most=10.0), frame)
        assert told in hint
        assert ("2" in hint) == (frame.hogs == 2 and name != "end")


def test_the_shipped_recording_shows_its_phases_and_its_result(tmp_path: Path) -> None:
    seen: list[str] = []
    results: list[DemoResult] = []

    def see(app: WsltopApp) -> None:
        demo = app.context.demo
        if demo is not None and demo.name not in seen[-1:]:
            seen.append(demo.name)
            assert demo.most is not None
        if isinstance(app.screen, ResultCard):
            results.append(app.screen.demo)

    replay(tmp_path, (80, 24), see, step=0.5)  # a phase may be as short as the time between two samples
    assert seen == ["baseline", "load", "hold", "end", "returning", "compact"]
    (result,) = results
    told = [fact.text for fact in facts(result) if fact.name == "predicted"]
    assert len(told) == 2
    assert all(text.endswith("inside the range") for text in told)
    assert "Performing memory compaction. [kmsg]" in result.log


def test_the_story_can_be_told_in_order_from_the_retold_demo(tmp_path: Path) -> None:
    """``free`` and the host's figure, four hogs, the rise, the kill, the fall, compaction forced, its log line."""
    seen: dict[str, list[str]] = {}

    def see(app: WsltopApp) -> None:
        strips = app.screen._compositor.render_strips()
        demo = app.context.demo
        name = "card" if isinstance(app.screen, ResultCard) else demo.name if demo is not None else ""
        seen.setdefault(name, []).append("\n".join("".join(part.text for part in strip) for strip in strips))

    replay(tmp_path, (80, 24), see)

    def lent(text: str) -> str:
        return " ".join(text.partition("Windows lends")[2].split()[:2])

    def used(text: str) -> str:
        return " ".join(text.partition("Linux uses")[2].split()[:2])

    before, full, after, last = (seen[name][-1] for name in ("baseline", "hold", "returning", "compact"))
    assert (lent(before), used(before)) == ("790 MiB", "471 MiB")
    assert "4 will start" in before
    assert "4 x 384 MiB anonymous started" in seen["load"][-1]
    assert (lent(full), used(full)) == ("2.0 GiB", "2.0 GiB")
    assert "4 hogs hold 1.5 GiB" in full
    assert "1.5 GiB of 1.5 GiB, holding" in full
    assert "DEMO END" in seen["end"][0]
    assert "killed" in after
    assert "Windows got 1.2 GiB of 1.2 GiB back" in after
    assert lent(after) == "844 MiB"
    assert "log: " in last
    assert "Performing memory compaction. [kmsg]" in last
    assert "Windows got 240 MiB of 240 MiB back" in last
    (card,) = seen["card"]
    assert "Windows got 1.2 GiB of 1.3 GiB" in card
    assert "Performing memory compaction. [kmsg]" in card


def test_in_the_shipped_recording_the_hogs_are_full_in_hold_and_gone_in_returning() -> None:
    """Its hold began on a clock, 8 s before the hogs were full: they were ``filling`` in DEMO HOLD."""
    seen: dict[str, set[str]] = {}
    phase = ""
    with as_file(files("wsltop.recording") / SHIPPED) as path, Recording.open(path) as recording:
        for number in range(recording.count):
            sample = recording.sample(number)
            phase = next((mark.text.removeprefix(DEMO) for mark in sample.marks), phase)
            seen.setdefault(phase, set()).update(hog.status for hog in sample.hogs)
    assert seen["hold"] == {"holding"}
    assert seen["returning"] == seen["compact"] == set()


def test_the_axis_of_a_retold_demo_shows_its_change(tmp_path: Path) -> None:
    """On the axis of the whole VM of 4 GiB the rise of 1.3 GiB was about a row high at 80x24."""
    tops: set[int] = set()
    rows: list[int] = []

    def see(app: WsltopApp) -> None:
        timeline = app.main.timeline
        if app.context.demo is not None and timeline.view is not None:
            chart = timeline.view.chart
            tops.add(chart.maximum)
            hosts = [column.host for column in chart.columns if column is not None and column.host is not None]
            plot = timeline.size.height - 4  # heading, phases, marks, times
            rows.append((max(hosts) - min(hosts)) * plot // chart.maximum)
            assert app.context.vm_size == chart.vm
            assert "axis to" in plain(timeline._lines[0])

    replay(tmp_path, (80, 24), see)
    assert tops == {5 * GIB // 2}
    assert max(rows) >= 2


def test_the_axis_of_a_demo_reaches_what_it_will_load_and_then_the_vms_size_again(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        host = replace(HOST, working_set=4 * GIB)
        world.sampler.next = replace(world.sampler.next, host=host)
        await world.tick(pilot, 2)
        timeline = world.app.main.timeline
        vm = world.app.context.vm_size
        assert timeline.view is not None
        assert timeline.view.chart.maximum == vm
        await start(world, pilot)
        await world.tick(pilot, 3)
        assert timeline.view.chart.maximum == round_up(6 * GIB + 256 * MIB)  # 6 GiB are not free in Linux
        await world.press(pilot, "e")
        await world.tick(pilot)
        assert timeline.view.chart.maximum == vm

    world.run(play)


def test_what_is_lent_beyond_the_vms_size_is_on_the_timeline(world: World) -> None:
    """The line was drawn at the top edge, as if Windows lent what the VM has."""

    async def play(pilot: Pilot[None]) -> None:
        world.sampler.next = replace(world.sampler.next, host=replace(HOST, working_set=9 * GIB))
        await world.tick(pilot, 3)
        view = world.app.main.timeline.view
        assert view is not None
        assert (view.chart.maximum, view.chart.vm) == (round_up(9 * GIB), world.app.context.vm_size)

    world.run(play)


def standing(app: WsltopApp) -> tuple[object, ...]:
    """What must not move while a demo goes on: the panels' places, and the labels of the timeline's sizes."""
    timeline = app.main.timeline
    places = tuple((name, panel.region) for name, panel in app.main.panels.items() if panel.display)
    gutter = tuple("".join(span.text for span in line)[:5] for line in timeline._lines[2:-2])
    return places, gutter


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48), (240, 60)])
def test_nothing_moves_from_phase_to_phase_of_a_demo_that_is_retold(tmp_path: Path, size: tuple[int, int]) -> None:
    """The chart changed its height and its labels each time that hogs, ways or events came and went beside it."""
    seen: dict[tuple[object, ...], str] = {}

    def see(app: WsltopApp) -> None:
        demo = app.context.demo
        if demo is not None:
            seen.setdefault(standing(app), demo.name)

    replay(tmp_path, size, see)
    assert list(seen.values()) == ["baseline"]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_nothing_moves_from_phase_to_phase_of_a_demo_that_runs(world: World, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await start(world, pilot)
        seen: dict[tuple[object, ...], str] = {}
        for _ in range(60):
            await world.tick(pilot)
            demo = world.app.context.running_demo
            if demo is None:
                break
            seen.setdefault(standing(world.app), demo.name)
        assert list(seen.values()) == ["baseline"]

    world.run(play, size=size)


def test_a_compaction_that_failed_is_no_result() -> None:
    made = Invented(replace(PLAN, action="compact"), progress=Failed(reason="sudo needs a password", hint="press w"))
    made.until("done")
    assert made.experiment.outcome is not None
    assert not made.experiment.outcome.done
    demo = make_result(made.experiment.result())
    assert ("compact", "failed: sudo needs a password. press w") in {(one.name, one.text) for one in facts(demo)}
    assert "Compaction failed" in demo.verdict


def test_a_plan_draws_where_it_leads_on_bar_and_timeline_until_it_is_closed(world: World, tmp_path: Path) -> None:
    (tmp_path / "nothing/proc/sys/vm").mkdir(parents=True)
    (tmp_path / "nothing/proc/sys/vm/drop_caches").touch()

    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot, 3)
        before = world.lines[1]
        await world.press(pilot, "d")
        ghost = world.app.context.ghost
        assert ghost is not None
        moment = world.session.moment
        assert moment is not None
        assert not isinstance(moment.host, Unavailable)
        assert 0 < ghost.size < moment.host.working_set
        assert BLOCK.fill("owed") in world.lines[1]
        assert world.lines[1] != before
        timeline = world.app.main.timeline.view
        assert timeline is not None
        assert timeline.chart.ghost == ghost
        await world.press(pilot, "n")
        assert world.app.context.ghost is None
        assert BLOCK.fill("owed") not in world.lines[1]

    world.run(play, size=(100, 40))


def test_the_line_of_the_kernel_log_goes_before_what_wsltop_saw(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        began = world.sampler.next.monotonic
        await world.tick(pilot)
        assert log_line(world.session.journal, began) == ""
        quiet = dict.fromkeys((*COMPACT_SCANNED, *DAEMON_SCANNED, "compact_isolated", "compact_stall"), 0)
        for done in (0, 9000):
            counted = quiet | dict.fromkeys((*COMPACT_SCANNED, "compact_isolated"), done)
            world.sampler.next = replace(world.sampler.next, counters=Counters(values=counted))
            await world.tick(pilot)
        assert "kernel logged nothing" in log_line(world.session.journal, began)
        world.sampler.log(record("WSL2: Performing memory compaction."))
        await world.tick(pilot)
        assert log_line(world.session.journal, began).endswith("Performing memory compaction. [kmsg]")

    world.run(play)
