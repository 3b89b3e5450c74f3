"""The application: one timer asks the source for samples, the session takes them, the screens show them."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec.structs import replace
from textual.app import SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.events import AppFocus, Event, InputEvent, Paste
from textual.events import Key as KeyEvent
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.timer import Timer
from textual.widgets import Input

from wsltop.charts.cells import ASCII, Glyphs, Line
from wsltop.config import State, load_state, save_state
from wsltop.core.quiet import QUIET_INTERVAL, Quiet
from wsltop.errors import HogRefused, RecordingError, WsltopError
from wsltop.hogs.load import HogOptions
from wsltop.hogs.pool import Hogs
from wsltop.model.sample import Hog, ProcessUse, Sample
from wsltop.model.text import clean
from wsltop.private import write_private
from wsltop.reclaim.actions import ActionName
from wsltop.ui.bindings import KEYS, Key, describe
from wsltop.ui.cards.card import READABLE, WIDTH, Card, TextScreen
from wsltop.ui.context import Context, Notice, ScreenOptions, ViewState, place_of, tell_file
from wsltop.ui.driver import GlyphsAreWide, KeysAtOnce, MeasuringDriver, TerminalDriver
from wsltop.ui.layout import PANEL_KEYS
from wsltop.ui.main import MainScreen
from wsltop.ui.mended import MendedApp, PlainBar, has_no_rows, let_go_of_rows
from wsltop.ui.panels.footer import words_of
from wsltop.ui.sources import Source
from wsltop.ui.terminal import is_gone, vanish

if TYPE_CHECKING:
    from wsltop.guest.process_details import ProcessDetails
    from wsltop.reclaim.plan import Plan
    from wsltop.recording.timeline_index import Way
    from wsltop.report.demo import DemoResult
    from wsltop.ui.jobs import Job, Told
    from wsltop.ui.timetravel import TimeTravel

BUSY_INTERVAL: Final = 0.1
"""Seconds between two looks at what runs: hogs that fill or end, an action. A sample may be a minute away."""
NOTICE: Final = 8.0
"""Seconds that a notice is shown."""
SWEEP_AFTER: Final = 1.0
"""Seconds after a screen was closed."""
JUST_CLOSED: Final = 10.0
"""Seconds after the list of processes was closed within which ``x`` and ``X`` may still be meant for it."""
KEYS_AT_ONCE: Final = "nothing done: several keys at once, taken for a paste"
NO_HOG: Final = "there is no hog to kill: a adds one"
HANGUP: Final = 128 + signal.SIGHUP
ENDS: Final = (
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGXCPU, signal.SIGPWR, signal.SIGPOLL),
)
"""Signals that end the screen, the terminal restored: all that would end it at once but those of a crash."""


class WsltopApp(MendedApp):
    """Shows what a source gives, live or from a recording.

    Args:
        source: where the samples come from.
        pool: our hogs; None where there can be none.
        options: how the screen looks.
    """

    CSS_PATH = Path(__file__).with_name("wsltop.tcss")
    TITLE = "wsltop"
    ALLOW_SELECT = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (84, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-tall")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", "quit", show=False, priority=True, system=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False),
    ]

    def __init__(self, source: Source, pool: Hogs | None, options: ScreenOptions) -> None:
        # Without color Textual would paint in greys; only its ANSI mode, chosen here, leaves color out.
        driver = MeasuringDriver if options.measures_glyphs else TerminalDriver
        super().__init__(driver_class=driver, ansi_color=None if options.color else True)
        self.source = source
        self.pool = pool
        self.options = options
        self.context = Context(
            source.session,
            ViewState(hog_size=options.hog_size, command_lines=options.command_lines),
            options.glyphs,
            can_act=source.can_act,
            hint=source.hint,
        )
        self.main = MainScreen(self.context)
        self.jobs: dict[str, Job] = {}
        """What goes on: ``record``, ``experiment``, ``action``, and ``end`` with the pid of a process."""
        self.recorded: Path | None = None
        """The file of a recording that the end of the screen has closed."""
        self.saw_processes = False
        """Whether the process view was opened: what it read may be in a traceback."""
        self.animation_level = "none"
        self._use_widgets(options.glyphs)
        self._given_theme = ""
        """The theme with which it began, until another is chosen."""
        self._quiet = Quiet(options.patience)
        self._attending = False
        self._list_closed = -JUST_CLOSED
        """When the list of processes was closed, on the monotonic clock."""
        self._ticker: Timer | None = None
        self._looking: Timer | None = None
        self._sweep: Timer | None = None
        self._hog_timer: Timer | None = None

    # Life

    def on_mount(self) -> None:
        """Take the first sample before the first frame, then one per interval."""
        self.theme = self._given_theme = self._first_theme()
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.tick()
        self.push_screen(self.main)
        self._ticker = self.set_interval(self.source.interval, self.tick)
        self._watch_terminal()
        if self.options.demo:
            self._begin_demo()
        if not self.source.can_act:
            self.notify(self.source.hint, title="replay")
        self.call_after_refresh(self._look_for_garbage)

    def _look_for_garbage(self) -> None:
        """From now on; what is there already stays, so there is no need to look through it again and again."""
        gc.freeze()
        gc.enable()

    def on_unmount(self) -> None:
        """End what goes on: what takes memory first, the recording last, so that it has the rest."""
        from wsltop.ui.jobs import Recorder

        recorder = self.jobs.get("record")
        self.recorded = recorder.path if isinstance(recorder, Recorder) else None
        for name in sorted(self.jobs, key=lambda name: name == "record"):
            self._end_job(name)

    def _first_theme(self) -> str:
        wanted = self.options.theme or load_state(self.options.state_folder).theme
        return wanted if wanted in self.available_themes else "textual-dark"

    def _remember_theme(self, _theme: object) -> None:
        """Keep what was chosen from the palette; ``--theme`` holds for one run."""
        if self.theme != self._given_theme:
            self._given_theme = ""
            save_state(self.options.state_folder, State(theme=self.theme))
        self.main.show_all()

    def _watch_terminal(self) -> None:
        """End by a signal as by ``q``, with its status; at once where the terminal is gone."""
        if not self.is_headless:
            for number in ENDS:
                asyncio.get_running_loop().add_signal_handler(number, self._end_by_signal, number)

    def _end_by_signal(self, number: int) -> None:
        if number == signal.SIGHUP and is_gone():
            self._terminal_lost()
        self.exit(return_code=128 + number)

    def _terminal_lost(self) -> None:
        if self.pool is not None:
            self.pool.close()
        self.source.close()
        vanish(HANGUP)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice in the status line: a box would lie on what it is about.

        What it says may come from outside, so it is cleaned; in one line, as the events keep what is worth keeping.
        """
        text = "; ".join(clean(line) for line in message.split("\n") if line)
        notice = Notice(f"{clean(title)}: {text}" if title else text, severity != "information")
        self._show_notice(notice)
        self.set_timer(timeout or NOTICE, lambda: self._forget(notice))

    def _forget(self, notice: Notice) -> None:
        if self.context.notice is notice:
            self._show_notice(Notice())

    def _show_notice(self, notice: Notice) -> None:
        """Show it in the status line, and on a card, which lies over that."""
        self.context.notice = notice
        self.main.show_status()
        top = self._top
        if isinstance(top, Card):
            top.show_notice(notice.text)

    def on_glyphs_are_wide(self, _message: GlyphsAreWide) -> None:
        """Draw with glyphs that no terminal draws two cells wide: the others would shift all that follows them."""
        self.options = replace(self.options, glyphs=ASCII)
        self.context.glyphs = ASCII
        self._use_widgets(ASCII)
        self.main.use_glyphs(ASCII)
        for screen in self.screen_stack:
            if isinstance(screen, TextScreen):
                screen.use_glyphs(ASCII)

    def on_keys_at_once(self, _message: KeysAtOnce | None = None) -> None:
        """Say why nothing happens; what was pasted is not shown, as it may be a password."""
        self.notify(KEYS_AT_ONCE, severity="warning")

    def _use_widgets(self, glyphs: Glyphs) -> None:
        """Have Textual's own widgets draw with the same glyphs as ours."""
        ascii_only = glyphs.tier == "ascii"
        ScrollBar.renderer = PlainBar if ascii_only else ScrollBarRender
        self.set_class(ascii_only, "ascii")

    # Samples

    def tick(self) -> None:
        """Show the samples that the source has now."""
        try:
            samples = self.source.tick()
            changed = self.source.explore()
        except RecordingError as error:
            self.notify(str(error), title="the recording", severity="error")
            return
        if changed:  # more is known of the place in time
            self._show_place()
        for sample in samples:
            self.show_sample(sample)
        if not samples:
            self._follow_travel()
            self.main.show_status()

    def show_sample(self, sample: Sample) -> None:
        """Let the session take a sample, and show what there is to see then."""
        session = self.source.session
        self.context.hogs = sample.hogs
        if self._attending:
            self.context.processes = self.source.processes()
        point = session.take(sample)
        if session.moment is not None:
            for name, job in list(self.jobs.items()):
                self._tell(name, job.take(session.moment))
        self._follow_travel()
        if self.main.is_mounted:
            self.main.point_taken(point)
        top = self._top
        if isinstance(top, TextScreen):
            top.sample_taken()
        self._follow_quiet()

    def _show_card(self) -> None:
        """Bring the card over the screen, if there is one, up to what is shown."""
        top = self._top
        if isinstance(top, Card):
            top.show_lines()

    @property
    def _top(self) -> Screen[object] | None:
        """The screen on top; at the end of the app, when a timer may still fire, there is none at all."""
        return self.screen_stack[-1] if self.screen_stack else None

    def mark(self, text: str, *, level: int = 6) -> None:
        """Put what has just been done into the events, the timeline and recordings."""
        self.source.mark(text, level)

    # Rest

    async def on_event(self, event: Event) -> None:
        """End the rest with whatever the user does."""
        if isinstance(event, InputEvent | Paste | AppFocus):
            self._quiet.touch()
            if self.context.resting is not None:
                self.tick()
        if isinstance(event, Paste) and not event.is_forwarded and not isinstance(self.focused, Input):
            self.on_keys_at_once()
        if isinstance(event, KeyEvent) and event.key in ("pageup", "pagedown") and has_no_rows(self.screen):
            return
        await super().on_event(event)

    def action_rest(self) -> None:
        """Sample less often until a key is pressed or something moves."""
        if self.source.can_act:
            self._quiet.rest()
            self._follow_quiet()

    def _follow_quiet(self) -> None:
        """Take samples as often as there is something to see."""
        session = self.source.session
        if not self.source.can_act or session.moment is None or self.context.interval >= QUIET_INTERVAL:
            return
        busy = bool(self.jobs) or bool(self.context.hogs) or self._attending
        quiet = self._quiet.feed(session.moment, events=session.journal.version(), busy=busy)
        resting = QUIET_INTERVAL if quiet else None
        if resting != self.context.resting and self._ticker is not None:
            self._ticker.stop()
            self.source.rest(resting)
            self._ticker = self.set_interval(resting or self.source.interval, self.tick)
            self.context.resting = resting
            self.main.show_status()

    # Time

    def action_pause(self) -> None:
        """Let the view stand still, or go on; while the demo runs, its phase."""
        from wsltop.ui.jobs import LiveExperiment

        demo = self.jobs.get("experiment")
        if isinstance(demo, LiveExperiment) and self.source.travel is None:
            demo.hold()
            self.main.show_all()
            self._show_card()
            return
        try:
            self.source.toggle_pause()
        except RecordingError as error:
            self.notify(str(error), title="no pause", severity="error")
        self._show_place()

    def action_step(self, count: int) -> None:
        """Go on or back by samples."""
        self._go(lambda travel: travel.step(count))

    def action_seek(self, direction: Way) -> None:
        """Go to the next or the previous event of the list."""
        self._go(lambda travel: travel.seek(direction, everything=self.context.state.everything))

    def action_select(self, direction: Way) -> None:
        """Select the next or the previous row of the list of events, and go to its second."""
        self._go(lambda travel: travel.seek(direction, everything=self.context.state.everything, each=True))

    def action_speed(self, direction: int) -> None:
        """Play faster or slower."""
        self._go(lambda travel: travel.change_speed(direction))

    def action_go_to(self) -> None:
        """Ask for a time, and go there."""
        from wsltop.ui.cards.goto import GoToScreen

        def go(text: str) -> str:
            try:
                self._travel(lambda travel: travel.go_to(text))
            except (ValueError, RecordingError) as error:
                return str(error)
            return ""

        self.push_screen(GoToScreen(go))

    def action_go_to_share(self, share: float) -> None:
        """Go to a share of the line of time, 0 to 1."""
        self._go(lambda travel: travel.go_to_share(share))

    def action_look_at(self, monotonic: float) -> None:
        """Show a second on the monotonic clock, as bars, verdict, processes and log were then."""
        self._go(lambda travel: travel.go_to_monotonic(monotonic))

    def action_select_event(self, index: int) -> None:
        """Show the second in which an event of the list begins."""
        events = self.context.state.events(self.context.log)
        if index < len(events):
            self._go(lambda travel: travel.go_to_event(events[index]))

    def action_live(self) -> None:
        """Show what goes on again."""
        if self.source.can_act and self.source.travel is not None:
            self.action_pause()

    def _go(self, act: Callable[[TimeTravel], str | None]) -> None:
        """Go through time, and show where that leads or why it does not."""
        try:
            self._travel(act)
        except (ValueError, RecordingError) as error:
            self.notify(str(error), severity="warning")

    def _travel(self, act: Callable[[TimeTravel], str | None]) -> None:
        """Go through time; live, that begins a look back.

        Raises:
            ValueError: there is no such place; the screen is as it was.
            RecordingError: the samples cannot be read.
        """
        began = self.source.travel is None
        if began:
            self.source.toggle_pause()  # not by the key: while a demo runs, that one holds its phase
        travel = self.source.travel
        if travel is None:
            return
        try:
            told = act(travel)
        except (ValueError, RecordingError):
            if began:
                self.action_live()
            raise
        if began and told and travel.event is None:  # there is no such event
            self.notify(told)
            self.action_live()
            return
        self.context.state.follow()  # the list shows the second, wherever it was scrolled to
        if told:
            self.notify(told)
        self._show_place()

    def _follow_travel(self) -> None:
        """Tell the panels where in time the view is."""
        travel = self.source.travel
        everything = self.context.state.everything
        self.context.time_line = None if travel is None else travel.time_line(everything=everything)
        self.context.banner = self.source.banner

    def _show_place(self) -> None:
        """Show the session at the place in time."""
        travel = self.source.travel
        self._follow_travel()
        self.context.show(self.source.session if travel is None else travel.session, self.source.session)
        self.main.show_all()
        self._show_card()

    # Jobs

    def action_record(self) -> None:
        """Record into a new file below the state folder, or end that."""
        from wsltop.ui.jobs import Recorder

        recorder = self.jobs.get("record")
        if isinstance(recorder, Recorder):
            self._tell("record", recorder.end())
        else:
            try:
                session, interval = self.source.session, self.context.interval
                recorder = Recorder(self.options.state_folder, interval, session, self._show_recording)
                self.jobs["record"] = recorder
                self.context.recording_file = recorder.path.name
                self.notify(f"recording to {tell_file(recorder.path)}")
            except RecordingError as error:
                self.notify(str(error), title="no recording", severity="error")
            except OSError as error:
                text = f"cannot write below {self.options.state_folder}: {error.strerror or error}"
                self.notify(text, title="no recording", severity="error")
        self.main.show_status()

    def _show_recording(self, text: str) -> None:
        self.context.recording = text

    def action_experiment(self) -> None:
        """Show the plan of the demo and run it if the user says so; while it runs, end it."""
        from wsltop.ui.cards.demo import DemoScreen, plan_demo
        from wsltop.ui.jobs import LiveExperiment

        moment, running, pool = self.source.session.moment, self.jobs.get("experiment"), self.pool
        if pool is None or moment is None:
            return
        if isinstance(running, LiveExperiment):
            self._tell("experiment", running.stop(moment.sample.monotonic))
            return
        demo = plan_demo(self.context, pool, self.options.system)

        def answered(run: bool | None) -> None:
            try:
                if run:
                    self.jobs["experiment"] = LiveExperiment(demo.chosen, pool, self.context, self.mark)
                    self.tick()
            except WsltopError as error:
                self.notify(str(error), title="no demo", severity="warning")

        self.push_screen(DemoScreen(demo), answered)

    def _begin_demo(self) -> None:
        """Show the plan of the demo, or in a recording its result when it is over there."""
        from wsltop.ui.jobs import RetoldDemo

        if self.source.can_act:
            self.call_after_refresh(self.action_experiment)
        elif self.source.travel is not None:
            self.jobs["experiment"] = RetoldDemo(self.source.travel.player.log, self.context)

    def action_act(self, name: ActionName) -> None:
        """Show what an action would do, and run it if the user says so."""
        from wsltop.reclaim.root import find_root_access
        from wsltop.ui.cards.plan import PlanScreen, Proposal
        from wsltop.ui.jobs import ActionRun

        session, running, system = self.source.session, self.jobs.get("action"), self.options.system
        if session.moment is None or not self.source.can_act:
            return
        if isinstance(running, ActionRun):
            self.notify(f"{running.plan.name} has not settled yet", severity="warning")
            return
        proposal = Proposal(name, find_root_access(system.root, system.environ, system.drive), session, system.root)

        def answered(run: bool | None) -> None:
            self.context.ghost = None
            if not run:
                return
            self.mark(f"{proposal.plan.name} was started here")
            self.tick()  # a sample from right before is the measure of what comes back
            if session.moment is not None:
                self.jobs["action"] = ActionRun(proposal.plan, session.moment)
                self._looking = self.set_interval(BUSY_INTERVAL, self._poll_jobs)

        self.push_screen(PlanScreen(self.options.glyphs, proposal, self._show_ghost), answered)

    def _show_ghost(self, plan: Plan) -> None:
        """Draw on bars and timeline where a plan would lead."""
        from wsltop.ui.cards.plan import ghost_of

        ghost = ghost_of(plan, self.context.moment)
        if ghost != self.context.ghost:
            self.context.ghost = ghost
            self.main.show_all()

    def _poll_jobs(self) -> None:
        """Look at what runs, between two samples."""
        for name, job in list(self.jobs.items()):
            self._tell(name, job.poll())
        if self._looking is not None and not any(job.runs for job in self.jobs.values()):
            self._looking.stop()

    def _tell(self, name: str, told: Told | None) -> None:
        """End a job that has something to say: show it for a while, and keep it in the events."""
        if told is None:
            return
        severity: SeverityLevel = "warning" if told.failed else "information"
        self.notify(told.toast, title=told.title, severity=severity, timeout=told.timeout)
        if told.mark:
            self.mark(told.mark, level=4 if told.failed else 6)
        self._end_job(name)
        if told.demo is not None:
            self.call_later(self._show_result, told.demo)

    def _show_result(self, demo: DemoResult) -> None:
        """Show what the demo measured."""
        from wsltop.ui.cards.demo import ResultCard

        self.push_screen(ResultCard(self.context.glyphs, demo, self._save_picture, self._copy_aside))

    def _end_job(self, name: str) -> None:
        job = self.jobs.pop(name, None)
        if job is not None:
            job.close()

    # Hogs

    def action_add_hogs(self, count: int) -> None:
        """Start hogs of the chosen size and kind, or say why not."""
        if self.pool is None:
            return
        state = self.context.state
        try:
            self.pool.add(state.hog_size, count, state.hog_kind, HogOptions(incompressible=state.hog_incompressible))
        except HogRefused as refused:
            self.notify(str(refused), title="no hog started", severity="warning")
        self._follow_hogs()

    def action_kill_hog(self) -> None:
        """Kill the selected hog, or the newest."""
        pool, chosen = self.pool, self.context.state.chosen_hog(self.context.hogs)
        if pool is not None:
            self._kill([hog for hog in self.context.hogs if hog.id == chosen], lambda: pool.kill(chosen or 0))

    def action_kill_hogs(self) -> None:
        """Kill all hogs."""
        if self.pool is not None:
            self._kill([hog for hog in self.context.hogs if hog.status != "ending"], self.pool.kill_all)

    def _kill(self, hogs: Sequence[Hog], kill: Callable[[], None]) -> None:
        """Kill hogs; ask first where the key may have been meant for the list of processes."""
        if not hogs:
            self.notify(NO_HOG)
        elif time.monotonic() - self._list_closed >= JUST_CLOSED:
            kill()
            self._follow_hogs()
        else:
            from wsltop.ui.cards.end import ask_for_hogs

            def answered(yes: bool | None) -> None:
                if yes:
                    self._list_closed = -JUST_CLOSED
                    kill()
                    self._follow_hogs()

            self.push_screen(ask_for_hogs(hogs, self.context.glyphs), answered)

    def _follow_hogs(self) -> None:
        """Show the hogs ten times a second while they fill or end, and only then."""
        if self.pool is None:
            return
        self.context.hogs = self.pool.read()
        if self.main.is_mounted:
            self.main.show_hogs()
        if self.pool.busy and self._hog_timer is None:
            self._hog_timer = self.set_timer(BUSY_INTERVAL, self._follow_hogs_again)

    def _follow_hogs_again(self) -> None:
        self._hog_timer = None
        self._follow_hogs()

    # Cards, exports, commands

    def action_help(self) -> None:
        """Show the help card."""
        from wsltop.ui.cards.help import help_lines

        context = self.context
        self._push_card(lambda width: help_lines(context.glyphs, context.works, width), "question_mark,h,f1")

    def _push_card(self, tell: Callable[[int], Iterable[Line]], keys: str, *, wide: int = WIDTH) -> None:
        self.push_screen(Card(self.context.glyphs, tell, keys, wide=wide, words=lambda: words_of(self.context)))

    def action_card(self, name: str) -> None:
        """Show a card over the screen: ``verdict``, ``ledger`` or ``holders``."""
        from wsltop.ui.cards.table import CARDS

        if name == "holders":
            self._show_holders()
            return
        lines, key = CARDS[name]
        context = self.context
        self._push_card(lambda width: lines(context, width), key, wide=READABLE)

    def action_find_process(self) -> None:
        """Show who holds the memory, with the box for the filter."""
        self._show_holders(filtering=True)

    def _show_holders(self, *, filtering: bool = False) -> None:
        from wsltop.guest.process_details import DetailSource
        from wsltop.ui.cards.holders import HoldersCard

        self.saw_processes = True
        details = DetailSource(self.options.system.root)
        card = HoldersCard(self.context, details, self.end_process, "p", filtering=filtering)
        self.push_screen(card, lambda _: self._attend(False))
        self._attend(True)

    def action_open_event(self) -> None:
        """Show all of the selected event, or of the newest; in a look back of the last one until then."""
        from wsltop.ui.cards.table import event_lines

        context = self.context
        events = context.state.events(context.log)
        event = None if context.time_line is None else context.time_line.event
        if event is None and context.frozen and context.moment is not None:
            events = [one for one in events if one.start <= context.moment.sample.monotonic]
        place = len(events) - 1 if event is None else place_of(event, events)
        shown = events[place] if events and place is not None else event
        if shown is not None:
            self._push_card(lambda width: event_lines(shown, context.glyphs, width), "enter")

    def end_process(self, use: ProcessUse, seen: ProcessDetails | None) -> None:
        """Ask whether a process is to be ended, end it, and watch what comes back."""
        from wsltop.ui.cards.end import ProcessEnding

        ProcessEnding(
            self.context,
            self.jobs,
            ask=lambda screen, answered: self.push_screen(screen, answered),
            refuse=lambda text: self.notify(text, title="nothing ended", severity="warning"),
            later=lambda seconds, call: self.set_timer(seconds, call),
            tick=self.tick,
            mark=self.mark,
        ).begin(use, seen, self.options.system.root)

    def pop_screen(self) -> AwaitComplete:
        """Take the screen on top away, but never the main one.

        Textual's ``dismiss`` takes away whatever is on top: the palette that was chosen from twice in a moment, by a
        click and by Enter, would take what lies below it along.
        """
        gone = self.screen
        if gone is self.main:
            return AwaitComplete.nothing()  # type: ignore[no-any-return, no-untyped-call]
        self.workers.cancel_node(gone)  # the palette's search would look for a list that is gone
        done = super().pop_screen()
        let_go_of_rows(gone)
        if self._sweep is None:
            self._sweep = self.set_timer(SWEEP_AFTER, self._sweep_closed)
        return done

    def _sweep_closed(self) -> None:
        """Free the screens that were closed: their widgets refer to each other, so counting references does not."""
        self._sweep = None
        gc.collect()

    def action_change_card(self, name: str) -> None:
        """Show another card in the place of those that are open; a click on their keys must not wait for their end."""
        while isinstance(self.screen, Card):
            self.pop_screen()
        self._attend(False)
        self.action_card(name)

    def _attend(self, wanted: bool) -> None:
        """Count the processes at every sample while they are listed."""
        if self._attending and not wanted:
            self._list_closed = time.monotonic()
        self._attending = wanted
        self.source.attend(wanted)
        self.context.processes = None
        if wanted and self.source.can_act:
            self.tick()

    def action_copy(self) -> None:
        """Copy what the screen says, names taken out, without keeping the screen waiting for a clipboard."""
        from wsltop.ui.export import case_of, report_text

        case = case_of(self.context)
        if case is not None:
            self._copy_aside(lambda: report_text(case, self.options))

    def _copy_aside(self, make: Callable[[], str]) -> None:
        self.run_worker(self._copy(make), exit_on_error=False, group="copy")

    async def _copy(self, make: Callable[[], str]) -> None:
        from wsltop.ui.export import copy_made
        from wsltop.ui.thread import in_daemon

        def to_terminal(text: str) -> None:
            self.call_from_thread(self.copy_to_clipboard, text)

        try:
            where = await in_daemon(lambda: copy_made(make, self.options, to_terminal))
        except OSError as error:
            self.notify(f"cannot write {error.filename}: {error.strerror}", severity="error")
            return
        self.notify(where)

    def action_save_screenshot(self) -> None:
        """Save the screen as an SVG picture."""
        from wsltop.ui.export import clean_picture

        self._save_picture(lambda: clean_picture(self._take_picture()))

    def _save_picture(self, draw: Callable[[], str], name: str = "wsltop") -> None:
        """Write a picture into a new file below the state folder, and say where."""
        from wsltop.ui.export import picture_path

        folder = self.options.state_folder
        try:
            path = picture_path(folder, name)
            write_private(path, draw())
        except OSError as error:
            self.notify(f"cannot write below {folder}: {error.strerror}", severity="error")
            return
        self.notify(f"saved {tell_file(path)}")

    def _take_picture(self) -> str:
        """The screen as it is, but without the command lines of processes, which may hold passwords."""
        state, cards = self.context.state, [screen for screen in self.screen_stack if isinstance(screen, Card)]
        shown, state.command_lines = state.command_lines, False
        try:
            for card in cards:  # one shows through the other
                card.show_lines()
            self.screen.refresh()  # or it keeps what showed through before
            return self.export_screenshot(title="wsltop")
        finally:
            state.command_lines = shown
            for card in cards:
                card.show_lines()
            self.screen.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key does something now; one for hogs says so where there is none."""
        return self.context.allows(action) or (action in ("kill_hog", "kill_hogs") and self.source.can_act)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: themes, and everything that the table of keys offers now."""
        yield SystemCommand("Choose the theme: the colors of the screen", "no key", self.action_change_theme)
        for key in (*KEYS, *PANEL_KEYS):
            if key.action != "app.command_palette" and self.context.works(key):
                yield SystemCommand(describe(key), f"key {key.shown.split()[0]}", self._runner(key))

    def _runner(self, key: Key) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            # The palette opens over cards too: its commands are the main screen's, so that comes forward first.
            while self.screen is not self.main:
                await self.pop_screen()
                self._attend(False)
            await self.main.run_action(key.action)

        return run
