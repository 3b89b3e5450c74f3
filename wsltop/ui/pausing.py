"""A pause of the live screen: sampling goes on, and one can go through what was sampled so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsltop.errors import RecordingError
from wsltop.model.sample import Sample
from wsltop.recording.recent import Recent
from wsltop.ui.stepping import SteppingApp

if TYPE_CHECKING:
    from wsltop.recording.player import Player


class PausingApp(SteppingApp):
    """An app over this machine whose view can stand still."""

    recent: Recent
    _stepped = False

    def pause(self) -> None:
        """Freeze the view, or go back to live."""
        if self.player is None:
            self._stepped = False
            self.player = self._open("end")
            if self.player is not None:
                self.tell_place(self.player)
                self.show_place(self.player)
            return
        self.player = self.presenter.scrubber = None
        self.presenter.follow(self.session)
        self.main.show_all()

    def remember(self, sample: Sample) -> None:
        """Keep a sample, which the session is going to take, for a look back."""
        self.recent.take(sample, self.session)

    def renew(self) -> Player | None:
        """A player at the same place, over all that was sampled until now."""
        if self.player is not None:
            self.player = self._open(self.player.moment.sample.monotonic) or self.player
        return self.player

    def show_place(self, player: Player) -> None:
        """Show the session of then."""
        self.presenter.look_at(player.session)
        self.main.show_all()

    def go_on_looking(self) -> None:
        """Look around in a pause, but only for somebody who goes through it: it costs CPU."""
        if self.player is not None and self.player.number < self.player.reel.count - 1:
            self._stepped = True
        if self._stepped:
            self.look_around()

    def _open(self, at: str | float) -> Player | None:
        from wsltop.recording.player import Player  # most runs never pause: they do without it

        reel = self.recent.reel()
        if reel is None:
            return None
        place = at if isinstance(at, str) else reel.index_at_monotonic(at)
        try:
            return Player(reel, place, paused=True, silenced=self.session.silenced, bookmarks=reel.bookmarks)
        except RecordingError as error:
            self.notify(str(error), title="no pause", severity="error")
            return None
