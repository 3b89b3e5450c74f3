"""The screen over the recording that comes with the package: the same panels, other keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.core.test_bookmark import life
from tests.recording.recorded import record
from tests.recording.test_player import story
from tests.samples import MONOTONIC
from tests.samples import record as record_of
from wsltop.charts.cells import BLOCK
from wsltop.model.sample import KernelLog
from wsltop.recording.player import Player
from wsltop.recording.reader import Recording
from wsltop.ui.app import WsltopApp
from wsltop.ui.bindings import KEYS
from wsltop.ui.context import ScreenOptions, TimeLine, place_of
from wsltop.ui.panels.scrubber import Scrubber, scrubber_view
from wsltop.ui.sources import ReplaySource
from wsltop.ui.timetravel import TimeTravel


def run(tmp_path: Path, play: Callable[[WsltopApp, Pilot[None]], Awaitable[None]]) -> None:
    """Open the packaged recording on a screen of its own, and play with it."""

    async def main() -> None:
        with as_file(files("wsltop.recording") / "sample.wsltop") as path, Recording.open(path) as recording:
            options = ScreenOptions(glyphs=BLOCK, color=True, theme=None, hog_size=1 << 30, state_folder=tmp_path)
            app = WsltopApp(
                ReplaySource(Player(recording, paused=True), "The classic, taken under QEMU"), None, options
            )
            async with app.run_test(size=(120, 34)) as pilot:
                await pilot.pause()
                await play(app, pilot)

    asyncio.run(main())


def player(app: WsltopApp) -> Player:
    assert app.source.travel is not None
    return app.source.travel.player


def test_it_says_what_it_is_and_offers_no_action(tmp_path: Path) -> None:
    async def play(app: WsltopApp, _pilot: Pilot[None]) -> None:
        assert app.context.banner is not None
        assert app.context.banner.startswith("REPLAY PAUSED")
        assert "taken under QEMU" in app.main.hogs.make_view(app.context).hint
        assert not [key for key in KEYS if key.group == "hogs" and app.context.works(key)]
        assert all(app.context.works(key) for key in KEYS if key.group == "replay" and key.needs != "look-back")

    run(tmp_path, play)


def test_steps_events_and_times_move_the_place(tmp_path: Path) -> None:
    async def play(app: WsltopApp, pilot: Pilot[None]) -> None:
        await pilot.press("right_square_bracket", "right_square_bracket")
        assert player(app).number == 2
        await pilot.press("left_square_bracket")
        assert player(app).number == 1
        await pilot.press("right_curly_bracket")
        event = player(app).number
        assert event > 1
        await pilot.press("g", *"60s", "enter")
        await pilot.pause()
        assert 58.5 <= player(app).place.seconds <= 61
        assert app.context.session is player(app).session
        await pilot.press("left_curly_bracket")
        assert player(app).number < 60

    run(tmp_path, play)


def test_the_events_before_the_recording_are_not_denied(tmp_path: Path) -> None:
    """``{`` said that there are no more events, below a list that had some of before the recording."""

    async def play(app: WsltopApp, pilot: Pilot[None]) -> None:
        assert app.context.notice.text == "replay: The classic, taken under QEMU"
        await pilot.press("left_curly_bracket")
        await pilot.pause()
        began = time.strftime("%H:%M:%S", time.localtime(player(app).log.start))
        assert f"since {began}" in app.context.notice.text
        player(app).go_to("end")
        await pilot.press("right_curly_bracket")
        await pilot.pause()
        ended = time.strftime("%H:%M:%S", time.localtime(player(app).log.end))
        assert f"until {ended}" in app.context.notice.text

    run(tmp_path, play)


def test_a_place_that_is_none_is_refused_and_nothing_moves(tmp_path: Path) -> None:
    async def play(app: WsltopApp, pilot: Pilot[None]) -> None:
        await pilot.press("g", *"whenever", "enter")
        await pilot.pause()
        assert player(app).number == 0
        await pilot.press("g", "escape")
        assert player(app).number == 0

    run(tmp_path, play)


def test_the_recording_shows_a_reclaim(tmp_path: Path) -> None:
    async def play(app: WsltopApp, pilot: Pilot[None]) -> None:
        player(app).go_to("end")
        points = [point for point in player(app).session.history.since(0.0) if point.host is not None]
        peak = max(point.host or 0 for point in points)
        assert peak > 1 << 30
        assert (points[-1].host or 0) < peak // 2
        await pilot.press("full_stop")
        assert player(app).speed == 4.0

    run(tmp_path, play)


def test_the_line_of_time_follows_and_leads(tmp_path: Path) -> None:
    async def play(app: WsltopApp, pilot: Pilot[None]) -> None:
        def line() -> str:
            return str(app.screen._compositor.render_strips()[1].text)

        assert line().count("●") == 1
        day, clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(player(app).log.start)).split()
        assert line().startswith((f" {day} {clock} ●", f" {clock} ●"))  # of another day, or of today
        while player(app).explore():
            pass
        app.tick()
        await pilot.pause()
        assert line().count("┬") >= 2, "the events of the reclaim"
        scrubber = app.main.query_one(Scrubber)
        assert await pilot.click(scrubber, offset=(65, 0))
        await pilot.pause()
        assert 0.45 <= player(app).place.share <= 0.55
        assert "●" in line()[64:67], "samples stand further apart than columns"
        assert await pilot.click(scrubber, offset=(119, 0))
        await pilot.pause()
        assert player(app).at_end

    run(tmp_path, play)


def test_the_days_are_told_where_there_is_more_than_one() -> None:
    day = 86400.0
    noon = time.mktime((2022, 11, 18, 12, 0, 0, 0, 0, -1))
    short = scrubber_view(TimeLine(start=noon, end=noon + 61, newest=61.0, share=0.0, marks=(), plays=True))
    assert (short.start, short.end) == ("2022-11-18 12:00:00", "12:01:01")
    longer = scrubber_view(TimeLine(start=noon, end=noon + day, newest=day, share=0.0, marks=(), plays=True))
    assert (longer.start, longer.end) == ("Fri 12:00", "Sat 12:00")


@pytest.mark.slow
def test_what_becomes_known_of_a_place_is_shown_without_a_key(tmp_path: Path) -> None:
    async def play(app: WsltopApp, pilot: Pilot[None]) -> None:
        path = record(tmp_path / "long.wsltop", list(life(900)))
        with Recording.open(path) as recording:
            app.source = ReplaySource(Player(recording, "800s", paused=True), "long")
            app.action_step(0)
            few = len(app.context.session.journal.events())
            for _ in range(6):
                app.tick()
            await pilot.pause()
            assert app.context.session is player(app).session is app.source.session
            assert len(app.context.session.journal.events()) > few
            assert player(app).number == 800

    run(tmp_path, play)


def travel_of(recording: Recording, *, explored: bool) -> TimeTravel:
    player = Player(recording, paused=True)
    while explored and player.explore():
        pass
    return TimeTravel(player)


@pytest.fixture(params=[False, True], ids=["unknown", "explored"])
def travel(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TimeTravel]:
    """A replay in which a line of second 95 becomes known at second 100, with two of that second, and a drop at 200."""
    lines = story(300, 200)
    records = tuple(
        record_of(f"worker-{number} ({number}): drop_caches: 1", sequence=number, monotonic=MONOTONIC + at)
        for number, at in ((1, 95.0), (2, 99.5), (3, 99.6))
    )
    lines[100] = replace(lines[100], kernel_log=KernelLog(origin="kmsg", records=records))
    with Recording.open(record(tmp_path / "r.wsltop", lines)) as recording:
        yield travel_of(recording, explored=request.param)


def selected(travel: TimeTravel) -> tuple[int, str]:
    """The sample that is shown, and the worker of the event that is selected, which is in the list."""
    event = travel.event
    assert event is not None
    assert place_of(event, travel.session.listed(True)) is not None
    return travel.player.number, event.text.partition("worker-")[2][:1]


def test_a_replay_selects_each_event_of_a_sample(travel: TimeTravel) -> None:
    """The keys passed all but the last one, and selected a part of a row, that no list has."""
    places = []
    for way in (1, 1, 1, 1, 1, -1, -1, -1, -1):
        travel.seek(1 if way > 0 else -1, everything=False, each=True)
        places.append(selected(travel))
    assert places == [
        *((100, "1"), (100, "2"), (100, "3"), (200, ""), (200, "")),
        *((100, "3"), (100, "2"), (100, "1"), (100, "1")),
    ]


def test_without_focus_the_keys_go_from_sample_to_sample(travel: TimeTravel) -> None:
    places = []
    for way in (1, 1, -1):
        travel.seek(1 if way > 0 else -1, everything=False)
        places.append(selected(travel))
    assert places == [(100, "1"), (200, ""), (100, "3")]


def test_an_event_that_became_known_late_is_gone_to_where_it_is_listed(travel: TimeTravel) -> None:
    """A click on what had come back to Windows went to its start, where no event tells of it yet: the row vanished."""
    travel.player.go_to("250s")
    first, *_, last = travel.session.listed()
    travel.go_to_event(last)
    assert selected(travel) == (200, "")
    travel.go_to_event(first)
    assert selected(travel) == (100, "1")
