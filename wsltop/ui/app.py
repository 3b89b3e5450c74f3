"""The application: one timer takes the samples, the session keeps them, the main screen shows them."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import ClassVar

import click
from msgspec import Struct
from rich.console import Console
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen

from wsltop.charts.glyphs import Glyphs
from wsltop.config import State, load_state, save_state
from wsltop.control.hogs import HogPool
from wsltop.core.sample import Hog
from wsltop.core.session import Session
from wsltop.core.text import clean
from wsltop.errors import HogRefused
from wsltop.host.drives import Launch
from wsltop.record.report import report
from wsltop.sampler import Sampler
from wsltop.ui.bindings import KEYS, Key, action_name, describe
from wsltop.ui.presenter import Presenter
from wsltop.ui.screens.card import Card
from wsltop.ui.screens.main import MainScreen
from wsltop.ui.terminal import TerminalWatch, vanish
from wsltop.ui.viewstate import ViewState

WATCH_INTERVAL = 1.0
"""Seconds within which a vanished terminal is noticed."""
BUSY_INTERVAL = 0.1
"""Seconds between two looks at hogs that fill or end."""
HANGUP = 128 + signal.SIGHUP


class ScreenOptions(Struct, frozen=True, kw_only=True):
    """How the screen looks and behaves; decided before it starts."""

    glyphs: Glyphs
    color: bool
    theme: str | None
    hog_size: int
    state_folder: Path
    clip: Launch | None = None
    """How to start Windows' clip.exe, inside WSL."""
    osc52: bool = True


class WsltopApp(App[None]):
    """Shows a session live."""

    CSS_PATH = "wsltop.tcss"
    TITLE = "wsltop"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", "quit", show=False, priority=True, system=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False),
    ]

    def __init__(self, sampler: Sampler, session: Session, pool: HogPool, options: ScreenOptions) -> None:
        # Without color Textual would paint in greys; only its ANSI mode, chosen here, leaves color out.
        super().__init__(ansi_color=None if options.color else True)
        self.sampler = sampler
        self.session = session
        self.pool = pool
        self.options = options
        self.glyphs = options.glyphs
        self.hogs: tuple[Hog, ...] = ()
        self.animation_level = "none"
        self.main = MainScreen(Presenter(session, ViewState(hog_size=options.hog_size)))
        self._following_hogs = False

    # Life

    def on_mount(self) -> None:
        """Take the first sample before the first frame, then one per interval."""
        self.theme = self._first_theme()
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.tick()
        self.push_screen(self.main)
        self.set_interval(self.session.interval, self.tick)
        self._watch_terminal()

    def _first_theme(self) -> str:
        wanted = self.options.theme or load_state(self.options.state_folder).theme
        return wanted if wanted in self.available_themes else "textual-dark"

    def _remember_theme(self, _theme: object) -> None:
        save_state(self.options.state_folder, State(theme=self.theme))
        self.main.show_all()

    def _watch_terminal(self) -> None:
        """End at once when the terminal is gone: by its signal, or by asking, when nobody sends one."""
        if self.is_headless:
            return
        signal.signal(signal.SIGHUP, lambda *_: self._terminal_lost())
        signal.signal(signal.SIGTERM, lambda *_: self.exit())
        watch = TerminalWatch(0)

        def look() -> None:
            if watch.lost():
                self._terminal_lost()

        self.set_interval(WATCH_INTERVAL, look)

    def _terminal_lost(self) -> None:
        self.pool.close()
        self.sampler.host.close()
        vanish(HANGUP)

    def tick(self) -> None:
        """Take a sample and show it."""
        sample = self.sampler.sample()
        self.hogs = sample.hogs
        point = self.session.take(sample)
        if self.main.is_mounted:
            self.main.point_taken(point)
        if isinstance(self.screen, Card):
            self.screen.show_lines()

    # What the screen asks

    def works(self, key: Key) -> bool:
        """Whether a key does something now."""
        return bool(self.main.check_action(*action_name(key)))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast; what it tells may come from outside, so it is cleaned and never markup."""
        super().notify(clean(message), title=clean(title), severity=severity, timeout=timeout, markup=markup)

    def attend(self, wanted: bool) -> None:
        """Count the processes at every sample while somebody looks at them."""
        self.sampler.attend(wanted)
        if wanted:
            self.tick()

    # Hogs

    def add_hogs(self, count: int, size: int) -> None:
        """Start hogs, or say why not."""
        try:
            self.pool.add(size, count)
        except HogRefused as refused:
            self.notify(str(refused), title="no hog started", severity="warning")
        self._follow_hogs()

    def kill_hog(self, hog: int) -> None:
        """Kill one hog."""
        self.pool.kill(hog)
        self._follow_hogs()

    def kill_hogs(self) -> None:
        """Kill all hogs."""
        self.pool.kill_all()
        self._follow_hogs()

    def _follow_hogs(self) -> None:
        """Show the hogs ten times a second while they fill or end, and only then."""
        self.hogs = self.pool.read()
        if self.main.is_mounted:
            self.main.show_hogs()
        if self.pool.busy and not self._following_hogs:
            self._following_hogs = True
            self.set_timer(BUSY_INTERVAL, self._follow_again)

    def _follow_again(self) -> None:
        self._following_hogs = False
        self._follow_hogs()

    # Export

    def copy_report(self) -> None:
        """Copy what the screen says, without keeping the screen waiting for a clipboard."""
        moment = self.main.presenter.moment
        if moment is None:
            return
        text = report(moment, self.main.state.events(self.session))
        self.run_worker(lambda: self._copy(text), thread=True, exit_on_error=False, group="copy")

    def _copy(self, text: str) -> None:
        from wsltop.ui.clipboard import copy_text

        file = self.options.state_folder / f"report-{stamp()}.txt"
        terminal = self._copy_to_terminal if self.options.osc52 else None
        try:
            where = copy_text(text, clip=self.options.clip, terminal=terminal, file=file)
        except OSError as error:
            self.call_from_thread(self.notify, f"cannot write {file}: {error.strerror}", severity="error")
            return
        self.call_from_thread(self.notify, where)

    def _copy_to_terminal(self, text: str) -> None:
        self.call_from_thread(self.copy_to_clipboard, text)

    def save_picture(self) -> None:
        """Save the screen as an SVG picture."""
        folder = self.options.state_folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = self.save_screenshot(f"wsltop-{stamp()}.svg", str(folder))
        except OSError as error:
            self.notify(f"cannot write below {folder}: {error.strerror}", severity="error")
            return
        self.notify(f"saved {path}")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: themes, and everything that the table of keys offers now."""
        yield SystemCommand("Theme", "Choose the colors", self.action_change_theme)
        for key in KEYS:
            if not key.action.startswith("app.") and self.works(key):
                yield SystemCommand(f"{key.label} ({key.shown})", describe(key), self._runner(key))

    def _runner(self, key: Key) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.main.run_action(key.action)

        return run


def stamp() -> str:
    """The time of now for a file's name."""
    return time.strftime("%Y%m%d-%H%M%S")


def run_screen(sampler: Sampler, session: Session, pool: HogPool, options: ScreenOptions) -> int:
    """Show the screen until the user leaves it; the exit status."""
    if options.color:
        os.environ.pop("NO_COLOR", None)  # empty, or overruled: Textual would count it by its mere presence
    else:
        os.environ["NO_COLOR"] = "1"
    app = WsltopApp(sampler, session, pool, options)
    crash = io.StringIO()
    # Textual's tracebacks show every local variable: they belong into a file of the user's, not onto the terminal.
    app.error_console = Console(file=crash, width=120)
    with contextlib.suppress(KeyboardInterrupt):
        app.run()
    if crash.getvalue():
        tell_crash(crash.getvalue(), options.state_folder)
    return app.return_code or 0


def tell_crash(details: str, folder: Path) -> None:
    """Keep the details of a crash in a file, and say where."""
    path = folder / f"crash-{stamp()}.txt"
    lines = [line for line in details.splitlines() if line.strip()]
    where = f"The details are in {path}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(details, encoding="utf-8")
    except OSError:
        where = "The details could not be written down"
    reason = next((clean(line) for line in reversed(lines) if line[:1].isalpha() and "Error" in line), clean(lines[-1]))
    click.echo(f"wsltop: an error of its own ended it: {reason}\n{where}; please report it.", err=True)
