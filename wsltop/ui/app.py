"""The application: one timer takes the samples, the session keeps them, the main screen shows them."""

from __future__ import annotations

import gc
import signal
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.events import AppFocus, Event, InputEvent, Paste
from textual.screen import Screen
from textual.timer import Timer

from wsltop.config import State, load_state, save_state
from wsltop.core.quiet import QUIET_INTERVAL, Quiet
from wsltop.core.session import Session
from wsltop.errors import HogRefused
from wsltop.hogs.options import HogOptions
from wsltop.hogs.pool import HogPool
from wsltop.model.sample import Hog, Sample
from wsltop.recording.recent import Recent
from wsltop.sampler import Sampler
from wsltop.ui.bindings import KEYS, Key, action_name, describe
from wsltop.ui.driver import RestingDriver
from wsltop.ui.exporting import ScreenOptions
from wsltop.ui.main import MainScreen
from wsltop.ui.pausing import PausingApp
from wsltop.ui.presenter import Presenter
from wsltop.ui.terminal import vanish
from wsltop.ui.viewstate import ViewState

BUSY_INTERVAL = 0.1
"""Seconds between two looks at hogs that fill or end."""
HANGUP = 128 + signal.SIGHUP


class WsltopApp(PausingApp):
    """Shows a session live."""

    CSS_PATH = Path(__file__).with_name("wsltop.tcss")
    TITLE = "wsltop"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", "quit", show=False, priority=True, system=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False),
    ]

    def __init__(self, sampler: Sampler | None, session: Session, pool: HogPool | None, options: ScreenOptions) -> None:
        # Without color Textual would paint in greys; only its ANSI mode, chosen here, leaves color out.
        super().__init__(driver_class=RestingDriver, ansi_color=None if options.color else True)
        self.sampler = sampler
        self.session = session
        self.recent = Recent(session.interval)
        self.pool = pool
        self.options = options
        self.glyphs = options.glyphs
        self.hogs: tuple[Hog, ...] = ()
        self.animation_level = "none"
        self.presenter = Presenter(session, ViewState(hog_size=options.hog_size))
        self.main = MainScreen(self.presenter, options.glyphs)
        self._following_hogs = False
        self._interval = session.interval
        self._quiet = Quiet(options.patience)
        self._attending = False
        self._ticker: Timer | None = None

    # Life

    def on_mount(self) -> None:
        """Take the first sample before the first frame, then one per interval."""
        self.theme = self._first_theme()
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.tick()
        self.push_screen(self.main)
        self._ticker = self.set_interval(self.tick_interval, self.tick)
        self._watch_terminal()
        self.call_after_refresh(gc.freeze)  # what is there now stays: no need to look through it again and again

    @property
    def tick_interval(self) -> float:
        """Seconds between two ticks."""
        return self._interval

    def _first_theme(self) -> str:
        wanted = self.options.theme or load_state(self.options.state_folder).theme
        return wanted if wanted in self.available_themes else "textual-dark"

    def _remember_theme(self, _theme: object) -> None:
        save_state(self.options.state_folder, State(theme=self.theme))
        self.main.show_all()

    def _watch_terminal(self) -> None:
        """End at once when the terminal is gone; where the kernel sends no signal, the driver does."""
        if not self.is_headless:
            signal.signal(signal.SIGHUP, lambda *_: self._terminal_lost())
            signal.signal(signal.SIGTERM, lambda *_: self.exit())

    def _terminal_lost(self) -> None:
        if self.pool is not None:
            self.pool.close()
        if self.sampler is not None:
            self.sampler.host.close()
        vanish(HANGUP)

    def tick(self) -> None:
        """Take a sample and show it."""
        if self.sampler is not None:
            sample = self.sampler.sample()
            self.remember(sample)
            self.go_on_looking()
            self.show_sample(sample)

    def show_sample(self, sample: Sample) -> None:
        """Take a sample into the session, and show what there is to see then."""
        self.hogs = sample.hogs
        point = self.session.take(sample)
        self._follow_action()
        self.keep(sample)
        if self.main.is_mounted:
            self.main.point_taken(point)
        self.show_card()
        self._follow_quiet()

    # Rest

    async def on_event(self, event: Event) -> None:
        """Whatever the user does ends the rest."""
        if isinstance(event, InputEvent | Paste | AppFocus):
            self._touch()
        await super().on_event(event)

    def rest(self) -> None:
        """Look less often from now on."""
        if self.sampler is not None:
            self._quiet.rest()
            self._follow_quiet()

    def _touch(self) -> None:
        self._quiet.touch()
        if self.presenter.resting is not None:
            self.tick()

    def _follow_quiet(self) -> None:
        """Take samples as often as there is something to see."""
        session = self.session
        if self.sampler is None or session.moment is None or self._interval >= QUIET_INTERVAL:
            return
        busy = self.occupied or bool(self.hogs) or self._attending
        quiet = self._quiet.feed(session.moment, events=session.journal.version(), busy=busy)
        resting = QUIET_INTERVAL if quiet else None
        if resting != self.presenter.resting and self._ticker is not None:
            self._ticker.stop()
            self.sampler.interval = resting or self.tick_interval
            self._ticker = self.set_interval(self.sampler.interval, self.tick)
            self.presenter.resting = resting
            self.main.show_status()

    # What the screen asks

    def works(self, key: Key) -> bool:
        """Whether a key does something now."""
        return bool(self.main.check_action(*action_name(key)))

    def attend(self, wanted: bool) -> None:
        """Count the processes at every sample while somebody looks at them."""
        self._attending = wanted
        if self.sampler is not None:
            self.sampler.attend(wanted)
        if wanted:
            self.tick()

    # Hogs

    def add_hogs(self, count: int, size: int, kind: str, *, incompressible: bool = False) -> None:
        """Start hogs, or say why not."""
        if self.pool is None:
            return
        try:
            self.pool.add(size, count, kind, HogOptions(incompressible=incompressible))
        except HogRefused as refused:
            self.notify(str(refused), title="no hog started", severity="warning")
        self._follow_hogs(self.pool)

    def kill_hog(self, hog: int) -> None:
        """Kill one hog."""
        if self.pool is not None:
            self.pool.kill(hog)
            self._follow_hogs(self.pool)

    def kill_hogs(self) -> None:
        """Kill all hogs."""
        if self.pool is not None:
            self.pool.kill_all()
            self._follow_hogs(self.pool)

    def _follow_hogs(self, pool: HogPool) -> None:
        """Show the hogs ten times a second while they fill or end, and only then."""
        self.hogs = pool.read()
        if self.main.is_mounted:
            self.main.show_hogs()
        if pool.busy and not self._following_hogs:
            self._following_hogs = True
            self.set_timer(BUSY_INTERVAL, lambda: self._follow_again(pool))

    def _follow_again(self, pool: HogPool) -> None:
        self._following_hogs = False
        self._follow_hogs(pool)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: themes, and everything that the table of keys offers now."""
        yield SystemCommand("Theme", "Choose the colors", self.action_change_theme)
        for key in KEYS:
            if key.action != "app.command_palette" and self.works(key):
                yield SystemCommand(f"{key.label} ({key.shown.split()[0]})", describe(key), self._runner(key))

    def _runner(self, key: Key) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            # The palette opens over cards too: its commands are the main screen's, so that comes forward first.
            while self.screen is not self.main:
                await self.pop_screen()
                self.attend(False)
            await self.main.run_action(key.action)

        return run
