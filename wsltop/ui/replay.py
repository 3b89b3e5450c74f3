"""The screen over a recording: the same panels and keys; the samples come from a player instead of this machine."""

from __future__ import annotations

import time
from typing import Final

from wsltop.core.units import format_duration
from wsltop.errors import RecordingError
from wsltop.record.player import Player, tell_speed
from wsltop.ui.app import WsltopApp
from wsltop.ui.exporting import ScreenOptions
from wsltop.ui.screens.goto import GoToScreen

PACE: Final = 0.2
"""Seconds between two looks at the player."""


class ReplayApp(WsltopApp):
    """Shows what a player plays."""

    controls = False

    def __init__(self, player: Player, options: ScreenOptions, title: str) -> None:
        super().__init__(None, player.session, None, options)
        self.player = player
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
            self.player.explore()
        except RecordingError as error:
            self.notify(str(error), title="the recording", severity="error")
            return
        self._tell()
        for sample in samples:
            self.show_sample(sample)
        if not samples and self.main.is_mounted:
            self.main.show_status()

    def attend(self, wanted: bool) -> None:
        """The processes are those of the recording."""

    # Keys

    def pause(self) -> None:
        """Stop the player, or let it go on."""
        self._do(self.player.toggle_pause)

    def step(self, count: int) -> None:
        """Go on or back by samples."""
        self._do(lambda: self.player.step(count))

    def seek(self, direction: int) -> None:
        """Go to the next or the previous event."""
        found = self._do(self.player.next_event if direction > 0 else self.player.previous_event)
        if found == "none":
            self.notify("no more events in this direction")
        elif found == "unfinished":
            self.notify("no event within half an hour; the same key looks on")

    def change_speed(self, direction: int) -> None:
        """Play faster or slower."""
        self._do(lambda: self.player.change_speed(direction))

    def ask_place(self) -> None:
        """Ask for a time, and go there."""

        def go(text: str | None) -> None:
            if text:
                self._do(lambda: self.player.go_to(text))

        self.push_screen(GoToScreen(self.glyphs), go)

    def _do(self, act: object) -> object:
        """Let the player act; show where it is then, or what is wrong."""
        try:
            result = act() if callable(act) else None
        except (ValueError, RecordingError) as error:
            self.notify(str(error), severity="warning")
            return None
        self._tell()
        self.hogs = self.player.moment.sample.hogs
        self.presenter.change_session(self.player.session)
        self.main.show_all()
        return result

    def _tell(self) -> None:
        """The banner: how it plays, and where it is."""
        place = self.player.place
        clock = time.strftime("%H:%M:%S", time.localtime(place.time))
        state = "PAUSED" if self.player.paused else tell_speed(self.player.speed)
        self.presenter.banner = (
            f"REPLAY {state}  {clock}, {format_duration(place.seconds)} of {format_duration(place.total)}"
        )
