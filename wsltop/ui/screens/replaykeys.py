"""The keys that go through time, for the main screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from wsltop.ui.widgets.scrubber import Scrubber

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
