"""The main screen: composes the panels, shows them their views, and answers the keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import DescendantFocus, Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from wsltop.charts.glyphs import Glyphs
from wsltop.core.history import Point
from wsltop.model.reading import Unavailable
from wsltop.reclaim.actions import ActionName
from wsltop.ui.bindings import Key, bindings
from wsltop.ui.cards.card import WIDTH, Card
from wsltop.ui.cards.help import help_lines
from wsltop.ui.layout import LEAST_HEIGHT, LEAST_WIDTH, Rows
from wsltop.ui.panels.events import EventsPanel
from wsltop.ui.panels.footer import FOOTER, KeyBar, footer_view
from wsltop.ui.panels.gate import GatePanel
from wsltop.ui.panels.hogs import HogsPanel
from wsltop.ui.panels.memory import MemoryPanel
from wsltop.ui.panels.scrubber import Scrubber
from wsltop.ui.panels.status import StatusLine
from wsltop.ui.panels.timeline import DEFAULT_WINDOW, TimelinePanel
from wsltop.ui.panels.verdict import VerdictPanel
from wsltop.ui.presenter import Presenter
from wsltop.ui.viewstate import ViewState

if TYPE_CHECKING:
    from wsltop.ui.app import WsltopApp


class ReplayKeys(Screen[None]):
    """Hands the keys of a replay to the app, which has them in a pause too."""

    app: WsltopApp

    def action_step(self, count: int) -> None:
        """Go on or back by one sample."""
        self.app.step(count)

    def action_seek(self, direction: int) -> None:
        """Go to the next or the previous event."""
        self.app.seek(direction)

    def action_speed(self, direction: int) -> None:
        """Play faster or slower."""
        self.app.change_speed(direction)

    def on_scrubber_sought(self, message: Scrubber.Sought) -> None:
        """The line of time was clicked."""
        self.app.go_to_share(message.share)

    def action_go_to(self) -> None:
        """Ask for a time."""
        self.app.ask_place()


class ListKeys(ReplayKeys):
    """Moves the selections, and has the screen show it."""

    app: WsltopApp
    presenter: Presenter
    state: ViewState
    events: EventsPanel

    def show_all(self) -> None:
        """Show every panel what there is to see."""
        raise NotImplementedError

    def show_hogs(self) -> None:
        """Show the hogs as they are, and the keys that work on them."""
        raise NotImplementedError

    def action_move(self, step: int) -> None:
        """Move in the list with the focus."""
        if self.events.has_focus:
            self._move_events(step)
        else:
            self.state.move_hog(step, self.app.hogs)
            self.show_hogs()

    def action_page(self, step: int) -> None:
        """Move by a page in the events."""
        self._move_events(step * max(1, self.events.rows - 1))

    def action_first(self) -> None:
        """Go to the first event."""
        self._move_events(None)

    def action_follow(self) -> None:
        """Follow the newest events again."""
        self.state.follow()
        self.show_all()

    def action_filter(self) -> None:
        """Show memory events, or all of the log."""
        self.state.everything = not self.state.everything
        self.action_follow()

    def _move_events(self, step: int | None) -> None:
        self.presenter.move_events(step, self.events.rows)
        self.show_all()

    def on_events_panel_moved(self, message: EventsPanel.Moved) -> None:
        """The mouse wheel turned over the events."""
        self._move_events(message.rows)

    def on_events_panel_picked(self, message: EventsPanel.Picked) -> None:
        """An event was clicked."""
        self.presenter.pick_event(message.row, self.events.rows)
        self.show_all()

    def on_hogs_panel_selected(self, message: HogsPanel.Selected) -> None:
        """A hog was clicked."""
        self.state.selected_hog = message.hog
        self.show_hogs()


REPLAY_ACTIONS: Final = {"step", "seek", "speed", "go_to"}
LIVE_ACTIONS: Final = {"act", "experiment", "kind", "record", "add_hogs", "kill_hog", "kill_hogs", "size", "rest"}
COVERED_EVERY: Final = 10.0
"""Seconds between two pictures of the screen below a card: Textual mixes each of its rows with the card's shade anew,
which costs more than all else."""
FOLDED: Final = ("scrubber", "memory", "timeline", "verdict", "gate", "hogs", "events")
"""The panels that share the rows, by id."""


class MainScreen(ListKeys):
    """Status, memory, timeline, hogs, events, keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings()
    app: WsltopApp

    def __init__(self, presenter: Presenter, glyphs: Glyphs) -> None:
        super().__init__()
        # Kept, not looked for at each tick; and a tick that comes while the screen is taken down still finds them.
        self.status_line = StatusLine(glyphs, id="status")
        self.scrubber = Scrubber(glyphs, id="scrubber")
        self.memory = MemoryPanel(glyphs, id="memory")
        self.timeline = TimelinePanel(glyphs, id="timeline")
        self.verdict = VerdictPanel(glyphs, id="verdict")
        self.gate = GatePanel(glyphs, id="gate")
        self.hogs = HogsPanel(glyphs, id="hogs")
        self.events = EventsPanel(glyphs, id="events")
        self.key_bar = KeyBar(glyphs, id="keys")
        self.lists = Container(self.verdict, self.gate, self.hogs, id="lists")
        self.too_small = Static(id="too-small")
        self.presenter = presenter
        self.state = presenter.state
        self._shape: Rows | None = None
        self._painted = 0.0
        """When it was painted last, on the monotonic clock."""
        self._shown_keys: tuple[tuple[Key, ...], bool, bool] | None = None
        self._folded: Size | None = None
        """The terminal's size for which the panels have been folded."""

    def compose(self) -> ComposeResult:
        """The panels from top to bottom; on a wide screen verdict, gate and hogs stand beside the timeline."""
        yield self.too_small
        yield self.status_line
        yield self.scrubber
        yield self.memory
        yield Container(self.timeline, self.lists, id="middle")
        yield self.events
        yield self.key_bar

    def on_mount(self) -> None:
        """Give the hogs the focus, so that j and k have a list."""
        self.hogs.focus()

    # What is shown

    def point_taken(self, point: Point | None) -> None:
        """A new sample is in the session: show it; a frozen view only counts it."""
        self.presenter.take(point)
        if self._is_covered():
            return
        if self.presenter.frozen:
            self.show_status()
            self.show_hogs()  # the footer tells what works now, a pause or not
        else:
            self.show_all()

    def _is_covered(self) -> bool:
        """Whether a card lies over the screen, and what shines through is not old enough to be painted anew."""
        now = time.monotonic()
        if self.app.screen is not self and now - self._painted < COVERED_EVERY:
            return True
        self._painted = now
        return False

    def on_screen_resume(self) -> None:
        """Nothing covers the screen any more."""
        self.show_all()

    def show_all(self) -> None:
        """Show every panel what there is to see."""
        moment = self.presenter.moment
        if moment is None or not self.is_mounted:
            return
        self._fold()
        if self._shape is None:
            return
        self.show_status()
        self.memory.show(self.presenter.memory(moment))
        timeline = self.timeline
        count = timeline.columns_for(self.presenter.size_of_vm(moment))
        if timeline.display and count > 0:  # a panel that was just unfolded has no size yet
            timeline.show(self.presenter.timeline(moment, count))
        self.verdict.show(self.presenter.verdict())
        if self._shape.gate:
            self.gate.show(self.presenter.gate())
        events = self.events
        events.show(self.presenter.events(moment, rows=events.rows, focused=events.has_focus))
        self.show_hogs()

    def show_status(self) -> None:
        """Show the status line."""
        moment, scrubber = self.presenter.moment, self.presenter.scrubber
        if scrubber is not None:
            self.scrubber.show(scrubber)
        if moment is not None:
            told = self._shape is not None and self._shape.verdict > 0
            self.status_line.show(self.presenter.status(moment, with_verdict=not told))

    def show_hogs(self) -> None:
        """Show the hogs as they are, and the keys that work on them; while some fill, this runs between the ticks."""
        self._fold()
        panel = self.hogs
        panel.show(self.presenter.hogs(self.app.hogs, focused=panel.has_focus))
        self._show_keys()

    def _show_keys(self) -> None:
        """Show the keys that work now; that is asked at each tick and changes seldom."""
        works = tuple(key for key in FOOTER if self.app.works(key))
        state = (works, self.presenter.frozen, self.presenter.scrubber is not None)
        if state != self._shown_keys:
            self._shown_keys = state
            self.key_bar.show(footer_view(works, frozen=state[1], stepping=state[2]))

    # How the panels share the terminal

    def on_resize(self, _event: Resize) -> None:
        """Fold anew; the panels paint when they have their sizes."""
        self.call_after_refresh(self.show_all)

    def _fold(self) -> None:
        """Give each panel its rows, and say so when the terminal is too small."""
        width, height = self.size
        shape = self.presenter.fold(width, height, self.app.hogs)
        if (shape, self.size) == (self._shape, self._folded):
            return
        self._shape, self._folded = shape, self.size
        self.set_class(shape is None, "too-small")
        self.set_class(shape is not None and shape.wide, "wide")
        for name in FOLDED:
            rows = 0 if shape is None else getattr(shape, name)
            panel: Widget = getattr(self, name)
            panel.display = rows > 0
            panel.styles.height = rows
        if shape is None:
            text = f"wsltop needs {LEAST_WIDTH}x{LEAST_HEIGHT} cells; this terminal has {width}x{height}.\n\nq quits"
            self.too_small.update(text)
        else:
            beside = shape.side_width or "100%"
            self.lists.styles.width = beside if shape.wide else "100%"
            self.hogs.styles.width = "100%" if shape.wide else beside
        self.call_after_refresh(self.show_all)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now is offered."""
        if action in REPLAY_ACTIONS:
            return self.app.offers(action)
        if action in LIVE_ACTIONS and not self.app.controls:
            return None
        if action in ("kill_hog", "kill_hogs"):
            return any(hog.status != "ending" for hog in self.app.hogs)
        if action == "follow":
            return not self.state.position.following
        return True

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        """The headings show which list has the focus."""
        self.show_all()

    def action_zoom(self, step: int) -> None:
        """Show a shorter or longer time."""
        self.state.zoom(step)
        self.show_all()

    def action_reset_zoom(self) -> None:
        """Show the default time."""
        self.state.window = DEFAULT_WINDOW
        self.show_all()

    def action_fold(self, panel: str) -> None:
        """Show or hide a panel."""
        self.state.toggle(panel)
        self.show_all()

    def action_pause(self) -> None:
        """Freeze the view, or go back to live."""
        self.app.pause()

    def action_rest(self) -> None:
        """Look less often until a key is pressed or something moves."""
        self.app.rest()

    def action_size(self, step: int) -> None:
        """Change the size of the next hog."""
        moment = self.presenter.session.moment
        most = 0 if moment is None or isinstance(moment.ledger, Unavailable) else moment.ledger.total
        self.state.resize_hog(step, most)
        self.show_hogs()

    def action_add_hogs(self, count: int) -> None:
        """Start hogs of the chosen size."""
        self.app.add_hogs(count, self.state.hog_size, self.state.hog_kind, incompressible=self.state.hog_incompressible)

    def action_kill_hog(self) -> None:
        """Kill the selected hog, or the newest."""
        hog = self.state.chosen_hog(self.app.hogs)
        if hog is not None:
            self.app.kill_hog(hog)

    def action_kill_hogs(self) -> None:
        """Kill all hogs."""
        self.app.kill_hogs()

    def action_kind(self) -> None:
        """Change the kind of the next hog."""
        self.state.change_kind()
        self.show_hogs()

    def action_record(self) -> None:
        """Begin or end a recording."""
        self.app.toggle_recording()
        self.show_status()

    def action_experiment(self) -> None:
        """Begin or end the classic experiment."""
        self.app.toggle_experiment()

    def action_act(self, name: ActionName) -> None:
        """Show what an action would do, and do it if the user says so."""
        self.app.ask_action(name)

    def action_help(self) -> None:
        """Show the help card."""
        glyphs, works = self.app.glyphs, self.app.works
        self.app.push_screen(Card(glyphs, lambda: help_lines(glyphs, works), "question_mark,h,f1"))

    def action_card(self, name: str) -> None:
        """Show a card over the screen."""
        telling = {"verdict": self.presenter.findings_card, "ledger": self.presenter.ledger_card}
        tell = telling.get(name, self.presenter.holders_card)
        key = {"verdict": "v", "ledger": "b"}.get(name, "p")
        glyphs = self.app.glyphs
        self.app.push_screen(Card(glyphs, lambda: tuple(tell(WIDTH, glyphs)), key), lambda _: self.app.attend(False))
        self.app.attend(name == "holders")

    def action_copy(self) -> None:
        """Copy the text report."""
        self.app.copy_report()

    def action_save_screenshot(self) -> None:
        """Save the screen as a picture."""
        self.app.save_picture()
