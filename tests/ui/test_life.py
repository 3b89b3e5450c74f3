"""The life of the app: what is mounted and timed over a live source and over a recording, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from tests.core.test_bookmark import life
from tests.hogs.fake import FakePool
from tests.ui.worlds import FakeSampler, World
from wsltop.charts.cells import BLOCK
from wsltop.core.moment import Moment
from wsltop.core.session import Session
from wsltop.recording.player import Player
from wsltop.recording.recent import Recent
from wsltop.ui.app import WsltopApp
from wsltop.ui.context import ScreenOptions
from wsltop.ui.jobs import Job, Told
from wsltop.ui.launch import run_screen
from wsltop.ui.main import MainScreen
from wsltop.ui.sources import PACE, LiveSource, ReplaySource, Source


def live() -> Source:
    return LiveSource(FakeSampler(FakePool()), Session(3600.0))


def replay() -> Source:
    session, recent = Session(1.0), Recent(1.0)
    for sample in life(20):
        recent.take(sample, session)
        session.take(sample)
    log = recent.log()
    assert log is not None
    return ReplaySource(Player(log, paused=True), "a life")


class Made:
    """An app and what it set up."""

    def __init__(self, source: Source, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        options = ScreenOptions(glyphs=BLOCK, color=True, theme=None, hog_size=1 << 30, state_folder=folder)
        self.intervals: list[float] = []
        self.pushed: list[Screen[object]] = []
        self.app = WsltopApp(source, None, options)
        set_interval, push_screen = WsltopApp.set_interval, WsltopApp.push_screen

        def counted(app: WsltopApp, interval: float, *rest: object, **options: object) -> Timer:
            self.intervals.append(interval)
            return set_interval(app, interval, *rest, **options)  # type: ignore[arg-type]

        def pushed(app: WsltopApp, screen: Screen[object], *rest: object, **options: object) -> object:
            self.pushed.append(screen)
            return push_screen(app, screen, *rest, **options)  # type: ignore[call-overload]

        monkeypatch.setattr(WsltopApp, "set_interval", counted)
        monkeypatch.setattr(WsltopApp, "push_screen", pushed)

    def run(self, *, jobs: dict[str, Job] | None = None) -> list[type]:
        """Mount it and leave it; the screens that were on the stack."""

        async def play() -> list[type]:
            async with self.app.run_test(size=(80, 24)) as pilot:
                await pilot.pause()
                self.app.jobs |= jobs or {}
                return [type(screen) for screen in self.app.screen_stack]

        return asyncio.run(play())


@pytest.mark.parametrize(("source", "interval"), [(live, 3600.0), (replay, PACE)], ids=["live", "replay"])
def test_there_is_one_main_screen_and_one_timer(
    source: object, interval: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay once mounted its app twice: two screens, two timers."""
    made = Made(live() if source is live else replay(), tmp_path, monkeypatch)
    stack = made.run()
    assert stack[1:] == [MainScreen]
    assert made.intervals == [interval]
    assert made.pushed == [made.app.main]


class Closing(Job):
    def __init__(self, name: str, closed: list[str]) -> None:
        self.name, self.closed = name, closed

    def take(self, moment: Moment) -> Told | None:
        return None

    def close(self) -> None:
        self.closed.append(self.name)


def test_what_takes_memory_ends_before_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    made = Made(live(), tmp_path, monkeypatch)
    made.run(jobs={name: Closing(name, closed) for name in ("record", "action", "experiment")})
    assert closed == ["action", "experiment", "record"]
    assert made.app.jobs == {}


def test_a_job_that_has_something_to_say_ends_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Over(Closing):
        def take(self, moment: Moment) -> Told | None:
            return Told(title="over", toast="it is over", mark="over: done")

    closed: list[str] = []
    made = Made(live(), tmp_path, monkeypatch)

    async def play() -> None:
        async with made.app.run_test(size=(80, 24)) as pilot:
            made.app.jobs |= {"action": Over("action", closed), "record": Closing("record", closed)}
            made.app.tick()
            await pilot.pause()
            assert (closed, list(made.app.jobs)) == (["action"], ["record"])
            made.app.tick()
            await pilot.pause()
            marks = [event.text for event in made.app.source.session.journal.events() if event.kind == "mark"]
            assert marks == ["over: done"]

    asyncio.run(play())


def test_a_closed_screen_lets_go_of_its_rows(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def open_and_close(pilot: Pilot[None]) -> None:
        for opens in (("ctrl+p", "h", "e"), ("b",), ("c",)):
            await world.press(pilot, *opens)
            assert world.lines  # painted, as on a terminal
            opened = world.app.screen
            widgets = list(opened.walk_children(Widget, with_self=True))
            widgets += [one.vertical_scrollbar for one in widgets if one.show_vertical_scrollbar]
            assert any(one._styles_cache._cache for one in widgets)
            while world.app.screen is opened:
                await world.press(pilot, "escape")
            assert not any(one._styles_cache._cache for one in widgets)

    world.run(open_and_close, size=(160, 48))


@pytest.mark.parametrize("left", [None, 143])
def test_what_fails_after_the_end_was_asked_for_is_no_crash(
    left: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The palette, opened in the same moment as q: Textual mounts nothing any more, and its own query fails."""
    made = Made(live(), tmp_path, monkeypatch)

    def run(app: WsltopApp, **_options: bool) -> None:
        if left is not None:
            app.exit(return_code=left)
        app.error_console.print("NoMatches: an Error")

    monkeypatch.setattr(WsltopApp, "run", run)
    assert run_screen(lambda: made.app, made.app.options) == (left or 1)
    assert ("an error of its own" in capsys.readouterr().err) is (left is None)
    assert bool(list(tmp_path.glob("crash-*"))) is (left is None)


def test_a_notice_that_ends_with_the_app_finds_no_card(world: World) -> None:
    """Its timer fired when the screens were taken down already: a traceback in place of a quiet end."""

    async def play(pilot: Pilot[None]) -> None:
        world.app.notify("something")

    world.run(play)
    assert not world.app.screen_stack
    world.app._forget(world.app.context.notice)
    world.app._show_card()
    assert world.app.context.notice.text == ""
