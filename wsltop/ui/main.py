"""The main screen: composes the panels, shares the terminal among them, and moves in their lists."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar, Final, NamedTuple, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus, Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from wsltop.charts.cells import Glyphs
from wsltop.core.history import Point
from wsltop.core.moment import Moment, has_moved
from wsltop.model.sample import Unavailable
from wsltop.ui.bindings import KEYS, bindings
from wsltop.ui.context import DEFAULT_WINDOW, WINDOWS, Context
from wsltop.ui.layout import LEAST_HEIGHT, LEAST_WIDTH, PANEL_KEYS, PANELS, Layout, lay_out, width_of
from wsltop.ui.panels.events import EventsPanel
from wsltop.ui.panels.footer import KeyBar
from wsltop.ui.panels.hogs import HogsPanel
from wsltop.ui.panels.panel import Panel
from wsltop.ui.panels.status import StatusLine
from wsltop.ui.panels.timeline import TimelinePanel

COVERED_EVERY: Final = 10.0
"""Seconds between two pictures of the screen below a card: Textual mixes each of its rows with the card's shade, which
costs more than all else."""
STILL_FOR: Final = 5.0
"""Seconds for which the screen stays as it is, but for clock and timeline, while no figure moves to the eye and no list
changes: to paint it costs most of a tick."""


class Shown(NamedTuple):
    """What the panels show: the moment, and what they hang on besides its figures."""

    moment: Moment
    rest: tuple[object, ...]


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
        self.instead = Static(id="instead")
        self._layout_now: Layout | None = None
        self._painted = 0.0
        """When it was painted last, on the monotonic clock."""
        self._folded: Size | None = None
        """The terminal's size for which the panels have been folded."""
        self._shown: Shown | None = None
        self._wanted: dict[str, int] = {}
        """Rows that each panel would fill."""
        self._demo_layout: tuple[object, ...] | None = None
        """What the layout of a demo depends on; while it is the same the layout stays."""

    def compose(self) -> ComposeResult:
        """Status line, panels, keys; the layout says where each stands."""
        yield self.instead
        yield self.status_line
        yield from self.panels.values()
        yield self.key_bar

    def on_mount(self) -> None:
        """Give the hogs the focus, so that j and k have a list."""
        self.hogs.focus()

    def use_glyphs(self, glyphs: Glyphs) -> None:
        """Draw everything with other glyphs."""
        panels: list[Panel[Any]] = [self.status_line, self.key_bar, *self.panels.values()]
        for panel in panels:
            panel.use_glyphs(glyphs)

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
        elif self._stands_still():
            self.show_status()
            if self.timeline.display and self.timeline.is_old(self.context):
                self.timeline.update(self.context)
        else:
            self.show_all()

    def _stands_still(self) -> bool:
        """Whether the figures on the screen are still right, as far as they can be read."""
        now, before = self._look(), self._shown
        if now is None or before is None or now.rest != before.rest:
            return False
        passed = now.moment.sample.monotonic - before.moment.sample.monotonic
        return 0 <= passed < STILL_FOR and not has_moved(before.moment, now.moment)

    def _look(self) -> Shown | None:
        """What there is to show; None where something goes on that moves the panels at every tick."""
        context = self.context
        session, moment = context.session, context.moment
        if moment is None or session.returning is not None or context.demo is not None or context.ghost is not None:
            return None
        verdicts = tuple((one.id, one.severity) for one in session.findings)
        gates = tuple(gate.verdict for gate in session.insight.gates)
        problem = moment.sample.kernel_log if isinstance(moment.sample.kernel_log, Unavailable) else None
        version = session.journal.version(context.state.everything)
        lists = (version, problem, context.shown_hogs, moment.sample.census, context.processes)
        return Shown(moment, (context.leaps, self.size, verdicts, gates, context.time_line is None, *lists))

    def _is_covered(self) -> bool:
        """Whether a card lies over the screen, and what shines through is not old enough to be painted again."""
        now = time.monotonic()
        if not self.is_active and now - self._painted < COVERED_EVERY:
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
        self.context.session.tell_now()
        self._shown = self._look()
        self._fold()
        if self._layout_now is None:
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
        self.status_line.with_verdict = self._layout_now is None or "verdict" not in self._layout_now
        self.status_line.update(self.context)

    def show_hogs(self) -> None:
        """Show the hogs as they are, and the keys that work on them; while some fill, this runs between the ticks."""
        self._fold("hogs")
        self.hogs.update(self.context)
        self.key_bar.update(self.context)

    # How the panels share the terminal

    def on_resize(self, _event: Resize) -> None:
        """Share it again; the panels paint when they have their sizes."""
        self.call_after_refresh(self.show_all)

    def _fold(self, *changed: str) -> None:
        """Give each panel its place, and say so when the terminal is too small.

        Args:
            changed: the panels that may want other rows than before; none names all of them.
        """
        width, height = self.size
        context = self.context
        hidden, gate, scrubber = context.state.hidden, bool(context.insight.gates), context.time_line is not None
        demo = None if context.demo is None else context.demo_frame.rows
        standing = None if demo is None else (self.size, hidden, gate, scrubber, demo)
        if standing is not None and standing == self._demo_layout:
            return
        self._demo_layout = standing
        for name in changed if changed and self.size == self._folded else self.panels:
            self._wanted[name] = self.panels[name].rows_wanted(context, width_of(name, width, height))
        layout = lay_out(
            width,
            height,
            self._wanted,
            hidden=hidden,
            gate=gate,
            scrubber=scrubber,
            demo=demo,
        )
        if (layout, self.size) == (self._layout_now, self._folded):
            return
        before = self._layout_now if self.size == self._folded else None
        self._layout_now, self._folded = layout, self.size
        for bar, y in ((self.status_line, 0), (self.key_bar, height - 1)):
            bar.display = layout is not None
            bar.styles.offset, bar.styles.width = (0, y), width
        for name, panel in self.panels.items():
            place = None if layout is None else layout.get(name)
            panel.display = place is not None
            if place is not None:
                panel.styles.offset = (place.x, place.y)
                panel.styles.width, panel.styles.height = place.width, place.height
        self._say_instead(layout, width, height)
        if before is None or layout is None:
            self.call_after_refresh(self.show_all)
        else:
            moved = [name for name, place in layout.items() if before.get(name) != place]
            self.call_after_refresh(self._show_moved, moved)

    def _say_instead(self, layout: Layout | None, width: int, height: int) -> None:
        """Say why there is no panel: the terminal is too small, or all are switched off."""
        empty = layout is not None and not layout.keys() - {"scrubber"}
        self.set_class(layout is None or empty, "no-panels")
        if layout is None:
            text = f"wsltop needs {LEAST_WIDTH}x{LEAST_HEIGHT} cells;\nthis terminal has {width}x{height}."
            self.instead.update(f"{text}\n\nq quits")
        elif empty:
            self.instead.update("All panels are switched off.\n\n1 to 6 switch them on again")

    def _show_moved(self, names: Sequence[str]) -> None:
        """Show the panels that have another place than before; the others are as they were."""
        if self._shown is not None and self._shown.moment is not self.context.moment:
            self.show_all()  # the others have stood still for some seconds: all must tell of one moment
            return
        for name in names:
            self.panels[name].update(self.context)

    # Lists

    async def action_move(self, step: int) -> None:
        """Select a hog; with the events in focus, in a look back and in a replay an event: that goes to its second."""
        if self.context.time_line is not None or self.events.has_focus:
            await self.run_action(f"app.select({step})")
        else:
            self.context.state.move_hog(step, self.context.hogs)
            self.show_hogs()

    def action_page(self, step: int) -> None:
        """Scroll the events by a page."""
        self._scroll_events(self.events.top + step * max(1, self.events.rows - 1))

    def action_first(self) -> None:
        """Go to the first event."""
        self._scroll_events(0)

    def action_follow(self) -> None:
        """Follow the newest events again."""
        self.context.state.follow()
        self.show_all()

    def action_filter(self) -> None:
        """Show memory events, or all of the log."""
        self.context.state.everything = not self.context.state.everything
        self.action_follow()

    def _scroll_events(self, top: int) -> None:
        self.context.state.scroll_events(self.context.log, top, self.events.rows)
        self.show_all()

    def on_events_panel_moved(self, message: EventsPanel.Moved) -> None:
        """The mouse wheel turned over the events."""
        self._scroll_events(self.events.top + message.rows)

    async def action_pick(self, row: int) -> None:
        """Look at the second of the event in a row of the list; open the one that was gone to."""
        index = self.events.top + row
        await self.run_action("app.open_event" if index == self.events.chosen else f"app.select_event({index})")

    def action_select_hog(self, hog: int) -> None:
        """Select a hog."""
        self.context.state.selected_hog = hog
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
        self.context.state.zoom(step, self.context.window)
        self.show_all()

    def action_reset_zoom(self) -> None:
        """Show the last five minutes, or all of a recording."""
        line = self.context.time_line
        span = line.end - line.start if line is not None and line.plays else DEFAULT_WINDOW
        self.context.state.window = next((window for window in WINDOWS if window >= span), WINDOWS[-1])
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
