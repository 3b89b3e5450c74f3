"""Goes through time: moves a player over samples that were kept, in a recording or in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wsltop.core.session import Session
from wsltop.model.sample import Event
from wsltop.model.text import format_clock, format_duration
from wsltop.recording.player import Player, tell_speed
from wsltop.recording.timeline_index import Way
from wsltop.ui.context import TimeLine


class TimeTravel:
    """A place among kept samples, moved by keys and mouse.

    Args:
        player: the place, with the session as it was there.
        renew: makes a player at the place of another one, over the samples that there are by now; None where none come.
        events: gives all events that are known, those about memory or all; None where they must be looked for.

    Every method may raise ``RecordingError`` when the samples cannot be read any more.
    """

    def __init__(
        self,
        player: Player,
        *,
        renew: Callable[[Player], Player] | None = None,
        events: Callable[[bool], Sequence[Event]] | None = None,
    ) -> None:
        self.player = player
        self._renew = renew
        self._events = events

    @property
    def session(self) -> Session:
        """The session at the place."""
        return self.player.session

    def time_line(self, *, everything: bool) -> TimeLine:
        """The whole stretch of time, the place in it, and the events: about memory, or ``everything``."""
        player, log = self.player, self.player.log
        return TimeLine(
            start=log.start,
            end=log.end,
            share=player.place.share,
            marks=player.marks(everything) if self._events is None else player.shares(self._starts(everything)),
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

    def seek(self, direction: Way, *, everything: bool) -> str:
        """Go to the next or the previous event of the list; what to say when there is none.

        ``everything``: whether all of the kernel log is listed, or what is about memory.
        """
        if self._events is None:
            player = self.player
            found = player.next_event(everything) if direction > 0 else player.previous_event(everything)
        else:
            starts = self._starts(everything)
            found = self.player.seek(starts, direction)
            if found == "none" and direction > 0:
                self._take_in()  # it may have come since the look back began
                found = self.player.seek(starts, direction)
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
        first, total = self._reach(monotonic)
        self.player.go_to_share(min(1.0, max(0.0, (monotonic - first) / total)) if total else 0.0)

    def go_to_start(self, monotonic: float) -> None:
        """Go to the sample that shows what began at a time on the monotonic clock."""
        self._reach(monotonic)
        self.player.go_to_start(monotonic)

    def change_speed(self, step: int) -> None:
        """Play faster (1) or slower (-1)."""
        self.player.change_speed(step)

    def explore(self) -> bool:
        """Look for events in a little more of the time; whether the session at the place is another one then."""
        session = self.player.session
        self.player.explore()
        return self.player.session is not session

    def _starts(self, everything: bool) -> list[float]:
        """When the events begin that are known, in order."""
        return [] if self._events is None else [event.start for event in self._events(everything)]

    def _reach(self, monotonic: float) -> tuple[float, float]:
        """The first monotonic time and the seconds until the last, with newer samples if those end before a time."""
        place = self.player.place
        first = self.player.moment.sample.monotonic - place.seconds
        if monotonic > first + place.total:  # so far there was no need for what has come meanwhile
            self._take_in()
            place = self.player.place
        return first, place.total

    def _take_in(self) -> None:
        """Let the samples that have come meanwhile be part of the time."""
        if self._renew is not None:
            self.player = self._renew(self.player)
