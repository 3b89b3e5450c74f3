"""The screen over a recording: the same panels and keys; the samples come from a player instead of this machine."""

from __future__ import annotations

import time
from typing import Final

from wsltop.errors import RecordingError
from wsltop.model.units import format_duration
from wsltop.recording.player import Player, tell_speed
from wsltop.ui.app import WsltopApp
from wsltop.ui.exporting import ScreenOptions

PACE: Final = 0.2
"""Seconds between two looks at the player."""


class ReplayApp(WsltopApp):
    """Shows what a player plays."""

    controls = False

    def __init__(self, player: Player, options: ScreenOptions, title: str) -> None:
        super().__init__(None, player.session, None, options)
        self.player: Player = player
        self.what = title
        self.presenter.hint = f"Replay. {title}"
        self._looked = 0.0

    @property
    def tick_interval(self) -> float:
        """The player is asked often: at a high speed many samples pass in a second."""
        return PACE

    def on_mount(self) -> None:
        """Begin, and say what it is that is shown."""
        super().on_mount()
        self.notify(self.what, title="replay")

    def tick(self) -> None:
        """Show what has been played since the last look."""
        now = time.monotonic()
        elapsed, self._looked = now - (self._looked or now), now
        try:
            samples = self.player.advance(elapsed)
        except RecordingError as error:
            self.notify(str(error), title="the recording", severity="error")
            return
        self.tell_place(self.player)
        for sample in samples:
            self.show_sample(sample)
        self.look_around()
        if not samples and self.main.is_mounted:
            self.main.show_status()

    def attend(self, wanted: bool) -> None:
        """The processes are those of the recording."""

    def pause(self) -> None:
        """Stop the player, or let it go on."""
        self.go(Player.toggle_pause)

    def show_place(self, player: Player) -> None:
        """Show the player's session, which goes on when it plays."""
        self.session = player.session
        self.hogs = player.moment.sample.hogs
        self.presenter.follow(player.session)
        self.main.show_all()

    def tell_place(self, player: Player) -> None:
        """The line of time, and the banner: how it plays, and where it is."""
        super().tell_place(player)
        place = player.place
        clock = time.strftime("%H:%M:%S", time.localtime(place.time))
        state = "PAUSED" if player.paused else tell_speed(player.speed)
        self.presenter.banner = (
            f"REPLAY {state}  {clock}, {format_duration(place.seconds)} of {format_duration(place.total)}"
        )
