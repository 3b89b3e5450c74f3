"""The main screen: composes the panels, shares the terminal among them, and moves in their lists."""

from __future__ import annotations

import time
from typing import Any, ClassVar, Final, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import DescendantFocus, Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from wsltop.core.history import Point
from wsltop.model.reading import Unavailable
from wsltop.ui.bindings import KEYS, bindings
from wsltop.ui.context import Context
from wsltop.ui.layout import LEAST_HEIGHT, LEAST_WIDTH, PANEL_KEYS, PANELS, Rows, lay_out
from wsltop.ui.panels.events import EventsPanel
from wsltop.ui.panels.footer import KeyBar
from wsltop.ui.panels.hogs import HogsPanel
from wsltop.ui.panels.panel import Panel
from wsltop.ui.panels.status import StatusLine
from wsltop.ui.panels.timeline import TimelinePanel
from wsltop.ui.viewstate import DEFAULT_WINDOW

COVERED_EVERY: Final = 10.0
"""Seconds between two pictures of the screen below a card: Textual mixes each of its rows with the card's shade, which
costs more than all else."""


class MainScreen(Screen[None]):
    """Status, panels, keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((*KEYS, *PANEL_KEYS))

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        # Kept, not looked for at each tick; and a tick that comes while the screen is taken down still finds them.
        self.status_line = StatusLine(context.glyphs, id="status")
        self.key_bar = KeyBar(context.glyphs, id="keys")
        self.panels: dict[str, Panel[Any]] = {row.name: row.panel(context.glyphs, id=row.name) for row in PANELS}
        self.timeline = cast(TimelinePanel, self.panels["timeline"])
        self.events = cast(EventsPanel, self.panels["events"])
        self.hogs = cast(HogsPanel, self.panels["hogs"])
        self.lists = Container(*(self.panels[row.name] for row in PANELS if row.place == "list"), id="lists")
        self.too_small = Static(id="too-small")
        self._rows: Rows | None = None
        self._painted = 0.0
        """When it was painted last, on the monotonic clock."""
        self._folded: Size | None = None
        """The terminal's size for which the panels have been folded."""

    def compose(self) -> ComposeResult:
        """The panels from top to bottom; on a wide screen the lists stand beside the timeline."""
        yield self.too_small
        yield self.status_line
        for row in PANELS:
            if row.place == "top":
                yield self.panels[row.name]
        yield Container(self.timeline, self.lists, id="middle")
        yield self.events
        yield self.key_bar

    def on_mount(self) -> None:
        """Give the hogs the focus, so that j and k have a list."""
        self.hogs.focus()

    # What is shown

    def point_taken(self, point: Point | None) -> None:
        """A new sample is in the session: show it; a frozen view only counts it."""
        frozen = self.context.frozen
        if not frozen:
            self.timeline.take(point)
        if self._is_covered():
            return
        if frozen:
            self.show_status()
            self.show_hogs()  # the footer tells what works now, a pause or not
        else:
            self.show_all()

    def _is_covered(self) -> bool:
        """Whether a card lies over the screen, and what shines through is not old enough to be painted again."""
        now = time.monotonic()
        if not self.is_current and now - self._painted < COVERED_EVERY:
            return True
        self._painted = now
        return False

    def on_screen_resume(self) -> None:
        """Nothing covers the screen any more."""
        self.show_all()

    def show_all(self) -> None:
        """Show every panel what there is to see."""
        if self.context.moment is None or not self.is_mounted:
            return
        self._fold()
        if self._rows is None:
            return
        self.show_status()
        for panel in self.panels.values():
            if panel.display:
                panel.update(self.context)
        self.key_bar.update(self.context)

    def show_status(self) -> None:
        """Show the status line, and where in time the view is."""
        if self.context.moment is None:
            return
        if self.context.time_line is not None:
            self.panels["scrubber"].update(self.context)
        self.status_line.with_verdict = self._rows is None or not self._rows.verdict
        self.status_line.update(self.context)

    def show_hogs(self) -> None:
        """Show the hogs as they are, and the keys that work on them; while some fill, this runs between the ticks."""
        self._fold()
        self.hogs.update(self.context)
        self.key_bar.update(self.context)

    # How the panels share the terminal

    def on_resize(self, _event: Resize) -> None:
        """Share it again; the panels paint when they have their sizes."""
        self.call_after_refresh(self.show_all)

    def _fold(self) -> None:
        """Give each panel its rows, and say so when the terminal is too small."""
        width, height = self.size
        context = self.context
        rows = lay_out(
            width,
            height,
            len(context.shown_hogs),
            context.state.hidden,
            gate=bool(context.insight.gates),
            scrubber=context.time_line is not None,
        )
        if (rows, self.size) == (self._rows, self._folded):
            return
        self._rows, self._folded = rows, self.size
        self.set_class(rows is None, "too-small")
        self.set_class(rows is not None and rows.wide, "wide")
        for name, panel in self.panels.items():
            height = 0 if rows is None else getattr(rows, name)
            panel.display = height > 0
            panel.styles.height = height
        if rows is None:
            text = f"wsltop needs {LEAST_WIDTH}x{LEAST_HEIGHT} cells; this terminal has {width}x{self.size.height}."
            self.too_small.update(f"{text}\n\nq quits")
        else:
            beside = rows.side_width or "100%"
            self.lists.styles.width = beside if rows.wide else "100%"
            self.hogs.styles.width = "100%" if rows.wide else beside
        self.call_after_refresh(self.show_all)

    # Lists

    def action_move(self, step: int) -> None:
        """Move in the list with the focus."""
        if self.events.has_focus:
            self._move_events(step)
        else:
            self.context.state.move_hog(step, self.context.hogs)
            self.show_hogs()

    def action_page(self, step: int) -> None:
        """Move by a page in the events."""
        self._move_events(step * max(1, self.events.rows - 1))

    def action_first(self) -> None:
        """Go to the first event."""
        self._move_events(None)

    def action_follow(self) -> None:
        """Follow the newest events again."""
        self.context.state.follow()
        self.show_all()

    def action_filter(self) -> None:
        """Show memory events, or all of the log."""
        self.context.state.everything = not self.context.state.everything
        self.action_follow()

    def _move_events(self, step: int | None) -> None:
        self.context.state.move_events(self.context.session, step, self.events.rows)
        self.show_all()

    def on_events_panel_moved(self, message: EventsPanel.Moved) -> None:
        """The mouse wheel turned over the events."""
        self._move_events(message.rows)

    def on_events_panel_picked(self, message: EventsPanel.Picked) -> None:
        """An event was clicked."""
        self.context.state.pick_event(self.context.session, message.row, self.events.rows)
        self.show_all()

    def on_hogs_panel_selected(self, message: HogsPanel.Selected) -> None:
        """A hog was clicked."""
        self.context.state.selected_hog = message.hog
        self.show_hogs()

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        """The headings show which list has the focus."""
        self.show_all()

    # Other keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now is offered."""
        return self.context.allows(action)

    def action_zoom(self, step: int) -> None:
        """Show a shorter or longer time."""
        self.context.state.zoom(step)
        self.show_all()

    def action_reset_zoom(self) -> None:
        """Show the default time."""
        self.context.state.window = DEFAULT_WINDOW
        self.show_all()

    def action_fold(self, panel: str) -> None:
        """Show or hide a panel."""
        self.context.state.toggle(panel)
        self.show_all()

    def action_size(self, step: int) -> None:
        """Change the size of the next hog."""
        moment = self.context.live.moment
        most = 0 if moment is None or isinstance(moment.ledger, Unavailable) else moment.ledger.total
        self.context.state.resize_hog(step, most)
        self.show_hogs()

    def action_kind(self) -> None:
        """Change the kind of the next hog."""
        self.context.state.change_kind()
        self.show_hogs()
