"""The keys that only a replay has, for the main screen."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual.screen import Screen


@runtime_checkable
class ReplayControls(Protocol):
    """What an app over a recording offers to the keys."""

    def step(self, count: int) -> None:
        """Go on or back by samples."""

    def seek(self, direction: int) -> None:
        """Go to the next (1) or previous (-1) event."""

    def change_speed(self, direction: int) -> None:
        """Play faster (1) or slower (-1)."""

    def ask_place(self) -> None:
        """Ask for a time, and go there."""


class ReplayKeys(Screen[None]):
    """Hands the keys of a replay to the app; over this machine they are not offered."""

    def action_step(self, count: int) -> None:
        """Go on or back in a replay by one sample."""
        if isinstance(self.app, ReplayControls):
            self.app.step(count)

    def action_seek(self, direction: int) -> None:
        """Go to the next or the previous event of a replay."""
        if isinstance(self.app, ReplayControls):
            self.app.seek(direction)

    def action_speed(self, direction: int) -> None:
        """Play faster or slower."""
        if isinstance(self.app, ReplayControls):
            self.app.change_speed(direction)

    def action_go_to(self) -> None:
        """Ask for a time in a replay."""
        if isinstance(self.app, ReplayControls):
            self.app.ask_place()
