"""The keys and the mouse in the lists of hogs and events, for the main screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsltop.ui.presenter import Presenter
from wsltop.ui.screens.replaykeys import ReplayKeys
from wsltop.ui.viewstate import ViewState
from wsltop.ui.widgets.events import EventsPanel
from wsltop.ui.widgets.hogs import HogsPanel

if TYPE_CHECKING:
    from wsltop.ui.app import WsltopApp


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
