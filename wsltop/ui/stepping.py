"""Going through time: the keys that move a player, and the screen that shows where it is.

The live screen uses it in a pause, over the samples in memory; a replay all the time, over its file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from wsltop.charts.glyphs import Glyphs
from wsltop.errors import RecordingError
from wsltop.ui.cards.card import Card
from wsltop.ui.keeping import KeepingApp
from wsltop.ui.main import MainScreen
from wsltop.ui.panels.scrubber import scrubber_view

if TYPE_CHECKING:
    from wsltop.recording.player import Player
T = TypeVar("T")


class SteppingApp(KeepingApp):
    """An app that may have a player."""

    glyphs: Glyphs
    main: MainScreen
    player: Player | None = None
    """What the keys move; None while there is nothing to go through."""

    def show_place(self, player: Player) -> None:
        """Show the player's session, which may be another one now."""
        raise NotImplementedError

    def renew(self) -> Player | None:
        """The player, with all the samples that there are by now."""
        return self.player

    # Keys

    def offers(self, action: str) -> bool:
        """Whether a key that goes through time does something now."""
        return self.player is not None and (action != "speed" or not self.controls)

    def step(self, count: int) -> None:
        """Go on or back by samples."""
        if count > 0 and self.player is not None and self.player.at_end:
            self.renew()
        self.go(lambda player: player.step(count))

    def seek(self, direction: int) -> None:
        """Go to the next or the previous event."""
        found = self.go(lambda player: player.next_event() if direction > 0 else player.previous_event())
        if found == "none":
            self.notify("no more events in this direction")
        elif found == "unfinished":
            self.notify("no event within half an hour; the same key looks on")

    def change_speed(self, direction: int) -> None:
        """Play faster or slower."""
        self.go(lambda player: player.change_speed(direction))

    def ask_place(self) -> None:
        """Ask for a time, and go there."""
        from wsltop.ui.cards.goto import GoToScreen

        def answered(text: str | None) -> None:
            if text:
                self.renew()
                self.go(lambda player: player.go_to(text))

        self.push_screen(GoToScreen(self.glyphs), answered)

    def go_to_share(self, share: float) -> None:
        """Go to a share of the time, 0 to 1."""
        self.go(lambda player: player.go_to_share(share))

    def go(self, act: Callable[[Player], T]) -> T | None:
        """Let the player act; show where it is then, or what is wrong."""
        if self.player is None:
            return None
        try:
            result = act(self.player)
        except (ValueError, RecordingError) as error:
            self.notify(str(error), severity="warning")
            return None
        self.tell_place(self.player)
        self.show_place(self.player)
        self.show_card()
        return result

    def show_card(self) -> None:
        """Bring the card over the screen, if there is one, up to what is shown."""
        if isinstance(self.screen, Card):
            self.screen.show_lines()

    def look_around(self) -> None:
        """Let the player explore a little more, for the marks on the line of time and for quick jumps."""
        player = self.player
        if player is None:
            return
        session = player.session
        try:
            player.explore()
        except RecordingError as error:
            self.notify(str(error), title="the recording", severity="error")
            return
        self.tell_place(player)
        if player.session is not session:
            self.show_place(player)

    def tell_place(self, player: Player) -> None:
        """Keep the line of time up with the player."""
        reel = player.reel
        self.presenter.scrubber = scrubber_view(reel.start, reel.end, share=player.place.share, marks=player.marks)
