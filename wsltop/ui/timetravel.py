"""Goes through time: moves a player over samples that were kept, in a recording or in memory."""

from __future__ import annotations

from collections.abc import Callable

from wsltop.core.session import Session
from wsltop.model.text import format_clock, format_duration
from wsltop.recording.player import Player, tell_speed
from wsltop.ui.context import TimeLine


class TimeTravel:
    """A place among kept samples, moved by keys and mouse.

    Args:
        player: the place, with the session as it was there.
        renew: makes a player at the place of another one, over the samples that there are by now; None where none come.
        lazy: whether marks of events are looked for only once somebody has left the end, because that costs CPU.

    Every method may raise ``RecordingError`` when the samples cannot be read any more.
    """

    def __init__(self, player: Player, *, renew: Callable[[Player], Player] | None = None, lazy: bool = False) -> None:
        self.player = player
        self._renew = renew
        self._lazy = lazy

    @property
    def session(self) -> Session:
        """The session at the place."""
        return self.player.session

    @property
    def time_line(self) -> TimeLine:
        """The whole stretch of time and the place in it."""
        log = self.player.log
        return TimeLine(
            start=log.start,
            end=log.end,
            share=self.player.place.share,
            marks=self.player.marks,
            plays=self._renew is None,
        )

    @property
    def banner(self) -> str:
        """How it plays and where it is: ``REPLAY x4  12:03:11, 2 min of 10 min``."""
        place = self.player.place
        state = "PAUSED" if self.player.paused else tell_speed(self.player.speed)
        passed = f"{format_duration(place.seconds)} of {format_duration(place.total)}"
        return f"REPLAY {state}  {format_clock(place.time)}, {passed}"

    def step(self, count: int) -> None:
        """Go on or back by samples."""
        if count > 0 and self.player.at_end:
            self._take_in()
        self.player.step(count)

    def seek(self, direction: int) -> str:
        """Go to the next or the previous event; what to say when there is none."""
        found = self.player.next_event() if direction > 0 else self.player.previous_event()
        log = self.player.log
        none = f"no later event until {format_clock(log.end)}, where the samples end"
        if direction < 0:
            none = f"no earlier event since {format_clock(log.start)}, where the samples begin"
        return {
            "none": none,
            "unfinished": "no event within half an hour: press the same key to look further",
        }.get(found, "")

    def go_to(self, text: str) -> None:
        """Go to a time as people write it.

        Raises:
            ValueError: there is no such time; says what would be one.
        """
        self._take_in()
        self.player.go_to(text)

    def go_to_share(self, share: float) -> None:
        """Go to a share of the time, 0 to 1."""
        self.player.go_to_share(share)

    def go_to_monotonic(self, monotonic: float) -> None:
        """Go to a time on the monotonic clock, or to the nearest end."""
        place = self.player.place
        first = self.player.moment.sample.monotonic - place.seconds
        if monotonic > first + place.total:  # so far there was no need for what has come meanwhile
            self._take_in()
            place = self.player.place
        self.player.go_to_share(min(1.0, max(0.0, (monotonic - first) / place.total)) if place.total else 0.0)

    def change_speed(self, step: int) -> None:
        """Play faster (1) or slower (-1)."""
        self.player.change_speed(step)

    def explore(self) -> bool:
        """Look for events in a little more of the time; whether the session at the place is another one then."""
        if self._lazy and not self.player.at_end:
            self._lazy = False
        if self._lazy:
            return False
        session = self.player.session
        self.player.explore()
        return self.player.session is not session

    def _take_in(self) -> None:
        """Let the samples that have come meanwhile be part of the time."""
        if self._renew is not None:
            self.player = self._renew(self.player)
