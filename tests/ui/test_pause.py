"""A pause of the live screen: one goes through what was sampled so far, and everything shows the moment chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.geometry import Region
from textual.pilot import Pilot

from tests.core.test_event_list import compaction, returned
from tests.ui.worlds import MEMINFO, NOON, SAMPLE, START, World, drops, record
from wsltop.charts.cells import Line, plain
from wsltop.model.sample import Counters, KernelLog
from wsltop.model.text import GIB, MIB
from wsltop.ui.bindings import KEYS
from wsltop.ui.cards.card import CardText
from wsltop.ui.cards.table import CARDS
from wsltop.ui.panels.panel import Panel
from wsltop.ui.panels.scrubber import Scrubber
from wsltop.ui.panels.status import StatusLine
from wsltop.ui.panels.timeline import TimelinePanel

BACK, ON, EVENT_BEFORE, NEXT_EVENT = (
    "left_square_bracket",
    "right_square_bracket",
    "left_curly_bracket",
    "right_curly_bracket",
)


async def live(world: World, pilot: Pilot[None], seconds: int = 90) -> None:
    """A hog comes at 20 s and is killed at 40 s; the cache is dropped at 60 s. Used memory tells the second."""
    for second in range(1, seconds + 1):
        if second == 20:
            world.pool.add(GIB, 1)
        if second == 40:
            world.pool.kill_all()
        changes = {"counters": Counters(values={"drop_pagecache": int(second >= 60)})} if second >= 59 else {}
        world.sampler.next = replace(
            world.sampler.next, meminfo=replace(MEMINFO, available=5 * GIB - second * 8 * MIB), **changes
        )
        if second == 60:
            world.sampler.log(*drops(1))
        world.app.tick()
    await world.tick(pilot, 0)


def second(world: World) -> float:
    """The second that is shown."""
    moment = world.app.context.moment
    assert moment is not None
    return moment.sample.monotonic - START


def axis_of(world: World) -> list[str]:
    """The labels of the time axis."""
    bottom = next(y for y, line in enumerate(world.lines) if "GiB └" in line)
    return world.lines[bottom + 1].split()


def shown(world: World) -> tuple[object, ...]:
    """All that the panels and the cards show of the session."""
    context, main = world.app.context, world.app.main
    assert context.moment is not None
    whole = ("timeline", "scrubber", "events")  # they show all of the time, with a cursor
    panels = [panel.make_view(context) for name, panel in main.panels.items() if name not in whole]
    cards = [tuple(lines(context, 77)) for lines, _ in CARDS.values()]
    return (*panels, *cards)


@pytest.mark.slow
def test_a_pause_changes_nothing_that_is_shown(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        before = shown(world)
        await world.press(pilot, "space")
        assert world.app.context.frozen
        assert shown(world) == before
        await world.tick(pilot, 5)
        assert shown(world) == before

    world.run(play, size=(120, 30))


@pytest.mark.slow
def test_steps_show_each_moment_as_it_was(world: World) -> None:
    then: list[tuple[object, ...]] = []

    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot, 30)
        for _ in range(12):
            then.append(shown(world))
            world.app.tick()
        then.append(shown(world))
        await world.press(pilot, "space")
        for before in reversed(then[:-1]):
            await world.press(pilot, BACK)
            assert shown(world) == before
        for after in then[1:]:
            await world.press(pilot, ON)
            assert shown(world) == after

    world.run(play, size=(120, 30))


@pytest.mark.slow
def test_the_status_line_says_how_far_back_it_is(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        await world.press(pilot, "space")
        assert "PAUSED at 12:01:30 " in world.lines[0]
        await world.press(pilot, *[BACK] * 5)
        assert "PAUSED at 12:01:25, 5 s behind" in world.lines[0]
        await world.tick(pilot, 37)
        assert "PAUSED at 12:01:25, 42 s behind" in world.lines[0]
        await world.press(pilot, "space")
        assert "LIVE" in world.lines[0]
        assert world.app.context.session is world.session

    world.run(play)


@pytest.mark.slow
def test_what_has_come_meanwhile_can_be_stepped_into(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        await world.press(pilot, "space")
        await world.tick(pilot, 3)
        await world.press(pilot, *[ON] * 3)
        assert "PAUSED at 12:01:33 " in world.lines[0]
        await world.press(pilot, ON)
        assert "PAUSED at 12:01:33 " in world.lines[0]

    world.run(play)


@pytest.mark.slow
def test_events_and_times_are_gone_to(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        await world.press(pilot, "space", EVENT_BEFORE)
        assert "PAUSED at 12:01:00" in world.lines[0]
        await world.press(pilot, EVENT_BEFORE)
        assert "PAUSED at 12:00:41" in world.lines[0] or "PAUSED at 12:00:40" in world.lines[0]
        await world.press(pilot, NEXT_EVENT)
        assert "PAUSED at 12:01:00" in world.lines[0]
        for text, clock in (("-30s", "12:01:00"), ("90s", "12:01:30"), ("50%", "12:00:45"), ("start", "12:00:00")):
            await world.press(pilot, "g", *text, "enter")
            assert f"PAUSED at {clock}" in world.lines[0], text
        await world.press(pilot, "g", *"tomorrow", "enter")
        assert "PAUSED at 12:00:00" in world.lines[0], "a place that is none moves nothing"

    world.run(play)


@pytest.mark.slow
def test_a_click_on_the_timeline_shows_where_the_events_are_and_keys_stop_at_each(world: World) -> None:
    """The line of time had no marks until the next tick, and keys passed over lines that the list showed."""
    at = START + 30.6

    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot, 30)
        text = "systemd-journald[12]: Under memory pressure, flushing caches."
        lines = [record(text, number=1, monotonic=at), record("usb 1-1: a device", number=2, monotonic=START + 30)]
        world.sampler.next = replace(world.sampler.next, kernel_log=KernelLog(origin="kmsg", records=tuple(lines)))
        await world.tick(pilot, 10)
        timeline = world.app.main.timeline
        assert await pilot.click(timeline, offset=(timeline.region.width - 3, 3))
        assert world.app.context.frozen
        assert world.lines[1].count("┬") == 2, "the hog and the line"
        moments: list[float] = []
        for key in (EVENT_BEFORE, EVENT_BEFORE, NEXT_EVENT, "k", "j", "j"):
            await world.press(pilot, key)
            moments.append(second(world))
        assert moments == [31.0, 20.0, 31.0, 20.0, 31.0, 31.0]
        world.pool.add(GIB, 1)
        await world.tick(pilot, 3)
        await world.press(pilot, NEXT_EVENT)
        assert second(world) > 40, "what has come since"
        await world.press(pilot, "f", EVENT_BEFORE, EVENT_BEFORE)
        assert second(world) == 30, "all of the log"

    world.run(play)


@pytest.mark.slow
def test_a_look_back_has_times_on_its_axis_and_exact_figures_in_its_heading(world: World) -> None:
    """Ages stood there as if the right end were now, and the bars say no more than a tenth of a GiB."""

    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        await world.press(pilot, "space", *[BACK] * 5)
        heading = next(line for line in world.lines if " Windows " in line and "MiB" in line and " used " in line)
        assert heading.startswith("── 11:59:30 to 12:01:30 ")
        assert "12:01:25  █ used 3752  ░ cache 2392  ━ Windows 7168 MiB" in heading
        assert axis_of(world) == ["11:59:40", "12:00:00", "12:00:20", "12:00:40", "12:01:00", "12:01:30"]
        await world.tick(pilot, 20)
        await world.press(pilot, "g", *"end", "enter")
        assert "12:01:50" in axis_of(world)
        assert "12:01:50" in world.lines[1], "the line of time ends where the axis does"
        await world.resize(pilot, 120, 36)
        assert "── 12:01:50 ──" in world.text
        assert "━ Windows 7168 MiB ──" in world.text, "beside the columns there is less room"

    world.run(play, size=(100, 30))


@pytest.mark.slow
def test_a_look_back_keeps_the_window_through_the_time_of_a_demo(world: World) -> None:
    """A click into a demo changed it from 5 min to 1 min: the cursor jumped away from the mouse."""

    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot, 130)
        world.app.mark("demo: baseline")
        await world.tick(pilot, 10)
        world.app.mark("demo: result")
        await world.tick(pilot, 20)
        timeline = world.app.main.timeline
        window = world.app.context.window
        assert window >= 180
        when = world.session.moment.sample.monotonic - 25 if world.session.moment else 0.0
        await world.app.run_action(f"app.look_at({when})")
        assert world.app.context.demo is not None
        assert world.app.context.window == window
        assert timeline.view is not None
        assert timeline.view.chart.window_seconds == window

    world.run(play)


@pytest.mark.slow
def test_each_event_of_a_second_is_selected_and_a_second_click_opens_it(world: World) -> None:
    """The keys stayed for ever before an event between two samples, and no click opened one."""

    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot, 30)
        lines = [
            record(f"worker-{number} ({number}): drop_caches: 1", number=number, monotonic=START + at)
            for number, at in ((1, 30.0), (2, 30.3), (3, 30.6), (4, 30.9))
        ]
        world.sampler.next = replace(world.sampler.next, kernel_log=KernelLog(origin="kmsg", records=tuple(lines)))
        await world.tick(pilot, 10)
        selected = []
        await world.press(pilot, "tab")
        for key in ("k", "k", "j", "k", "k", "k", "k", "k", "k", NEXT_EVENT, NEXT_EVENT):
            await world.press(pilot, key)
            line = next(line for line in world.lines if "►" in line)
            selected.append((second(world), line.partition("worker-")[2][:1]))
        assert "no earlier event" in world.text
        assert selected == [
            *((31.0, "4"), (31.0, "3"), (31.0, "4"), (31.0, "3"), (31.0, "2")),
            *((30.0, "1"), (20.0, ""), (20.0, ""), (20.0, ""), (30.0, "1"), (31.0, "2")),
        ]
        await world.press(pilot, "escape")
        y = next(at for at, line in enumerate(world.lines) if "worker-3" in line)
        assert await pilot.click(offset=(30, y))
        assert second(world) == 31, "selecting an event shows its second, live too"
        y = next(at for at, line in enumerate(world.lines) if "►" in line and "worker-3" in line)
        assert await pilot.click(offset=(30, y))
        assert "Esc close" in world.text
        assert "worker-3 (3): drop_caches: 1" in world.text

    world.run(play, size=(100, 36))


@pytest.mark.slow
def test_the_card_of_the_ledger_tells_the_outcomes_of_then(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        settled = len(world.session.outcomes.settled)
        assert settled
        await world.press(pilot, "space", "g", *"start", "enter")
        assert not world.app.context.session.outcomes.settled
        await world.press(pilot, "b")
        card = world.lines[1:]
        await world.tick(pilot, 3)
        assert world.lines[1:] == card, "what goes on is not in it"
        await world.press(pilot, "escape", "g", *"end", "enter")
        assert len(world.app.context.session.outcomes.settled) == settled

    world.run(play, size=(100, 40))


@pytest.mark.slow
def card(world: World) -> tuple[Line, ...]:
    """The lines of the card over the screen."""
    return world.app.screen.query_one(CardText).view or ()


@pytest.mark.slow
def test_an_open_card_goes_along(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        await world.press(pilot, "space", "b")
        last = card(world)
        await world.press(pilot, *[BACK] * 31)
        moment = world.app.context.moment
        assert moment is not None
        assert moment.sample.time == NOON + 59
        assert "Esc close" in world.text
        assert "error" in "".join(plain(line) for line in last)
        assert card(world) != last, "the drop had not come then"
        await world.press(pilot, *[ON] * 31)
        assert card(world) == last

    world.run(play, size=(100, 40))


@pytest.mark.slow
def test_marks_of_the_user_are_seen_again(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot, 10)
        world.app.mark("compact was started here")
        await world.tick(pilot, 5)
        await world.press(pilot, "space", BACK, BACK)
        journal = world.app.context.session.journal
        assert [event.text for event in journal.events() if event.kind == "mark"] == ["compact was started here"]
        await world.press(pilot, *[BACK] * 8)
        journal = world.app.context.session.journal
        assert not [event for event in journal.events() if event.kind == "mark"]

    world.run(play)


@pytest.mark.slow
def test_keys_that_go_through_time_are_offered_in_a_pause_only(world: World) -> None:
    offered = {key.action for key in KEYS if key.group == "replay"}

    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot, 5)
        assert "step" not in world.lines[-1]
        await world.press(pilot, BACK)
        assert "PAUSED" in world.lines[0], "a step back begins a look back"
        await world.press(pilot, "escape")
        assert "LIVE" in world.lines[0]
        await world.press(pilot, "space")
        now = {key.action for key in KEYS if world.app.context.works(key)} & offered
        assert now == {action for action in offered if "speed" not in action}
        assert "[ ] step  { } event  g go to  Esc live" in world.lines[-1]
        await world.press(pilot, "question_mark")
        assert "One sample back or on" in world.text
        await world.press(pilot, "escape", "space")
        assert "step" not in world.lines[-1]

    world.run(play)


@pytest.mark.slow
def test_hogs_are_added_and_killed_while_one_looks_back(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot, 30)
        await world.press(pilot, "space", "g", *"5s", "enter", "a")
        assert len(world.pool.there) == 2
        assert "no hogs" in world.text, "at five seconds there was none"
        await world.press(pilot, "X")
        assert world.pool.killed == [1, 2]
        assert "PAUSED at 12:00:05" in world.lines[0]

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
def test_the_line_of_time_stands_below_the_status_and_can_be_clicked(world: World, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        assert "12:00:00 " not in world.lines[1]
        await world.press(pilot, "space")
        line = world.lines[1].rstrip()
        assert line.startswith(" 2023-11-15 12:00:00 ━")
        assert line.endswith("● 12:01:30")
        assert "┬" in line, "the events are known at once"
        scrubber = world.app.main.query_one(Scrubber)
        assert await pilot.click(scrubber, offset=((line.index("━") + line.index("●")) // 2, 0))
        assert "PAUSED at 12:00:4" in world.lines[0]
        assert await pilot.click(scrubber, offset=(3, 0))
        assert "PAUSED at 12:00:00" in world.lines[0]
        assert " events " in world.text
        await world.press(pilot, "space")
        assert "━━━━━━●" not in world.text

    world.run(play, size=size)


@pytest.mark.slow
def test_samples_that_wait_do_not_repaint_the_line_of_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[Panel[object]] = []
    refresh = Panel.refresh

    def spy(panel: Panel[object], *regions: Region, **options: bool) -> Panel[object]:
        painted.append(panel)
        return refresh(panel, *regions, **options)

    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        await world.press(pilot, "space")
        monkeypatch.setattr(Panel, "refresh", spy)
        await world.tick(pilot, 10)
        assert {type(panel) for panel in painted} == {StatusLine}

    world.run(play)


@pytest.mark.ci
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.integers(2, 40), steps=st.integers(1, 60))
def test_as_many_steps_back_as_on_show_the_same_again(tmp_path: Path, seconds: int, steps: int) -> None:
    world = World(tmp_path, sample=SAMPLE)

    async def play(pilot: Pilot[None]) -> None:
        await live(world, pilot, seconds)
        await world.press(pilot, "space")
        steps_back = min(steps, seconds)
        before = shown(world)
        for count in (-1, 1):
            for _ in range(steps_back):
                world.app.action_step(count)
        assert shown(world) == before

    world.run(play)


@pytest.mark.slow
def test_the_axis_stays_as_it_is_while_one_looks_back(tmp_path: Path) -> None:
    """It grows with the data: at an early second it became narrower, and the same cell another second."""
    world = World(tmp_path)

    async def test(pilot: Pilot[None]) -> None:
        await live(world, pilot)
        timeline = world.app.main.timeline
        assert world.app.context.window == 120.0
        column = timeline.size.width - 30
        when = timeline.time_at(column)
        for _ in range(3):
            assert timeline.time_at(column) == when
            await world.app.run_action(timeline.action_at(column, 3))
            await world.tick(pilot)
        assert world.app.context.window == 120.0

    world.run(test)


def test_each_round_of_cleaning_has_a_mark_and_is_gone_to(world: World) -> None:
    """The list has one row of all rounds; the timeline and the keys had no more."""

    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot, 60)
        rounds = [event for at in (10, 30, 50) for event in (compaction(START + at), returned(START + at + 3))]
        world.app.context.live.journal.add(rounds)
        await world.tick(pilot, 1)
        panel = world.app.main.panels["timeline"]
        assert isinstance(panel, TimelinePanel)
        view = panel.view
        assert view is not None
        assert [mark.kind for mark in view.chart.marks] == ["compaction", "return"] * 3
        assert len(world.app.context.state.events(world.app.context.live)) == 2
        seconds = []
        for _ in range(6):
            await world.press(pilot, EVENT_BEFORE)
            seconds.append(second(world))
        assert seconds == [53, 50, 33, 30, 13, 10]
        await world.press(pilot, NEXT_EVENT)
        assert world.app.main.events.chosen == 1
        await world.press(pilot, "enter")
        assert world.text.count("Windows got 200 MiB back") == 3

    world.run(play, size=(120, 40))
