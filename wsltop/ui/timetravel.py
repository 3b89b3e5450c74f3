"""Goes through time: moves a player over samples that were kept, in a recording or in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wsltop.core.session import Session
from wsltop.model.sample import Event
from wsltop.model.text import format_clock, format_duration
from wsltop.recording.player import Player, Search, tell_speed
from wsltop.recording.timeline_index import Way
from wsltop.ui.context import TimeLine, place_of


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
        self._selected: tuple[Event, float] | None = None
        """The event that was gone to, and the monotonic time of the sample that shows it."""

    @property
    def session(self) -> Session:
        """The session at the place."""
        return self.player.session

    def time_line(self, *, everything: bool) -> TimeLine:
        """The whole stretch of time, the place in it, and the events: about memory, or ``everything``."""
        player, log = self.player, self.player.log
        known = None if self._events is None else self._events(everything)
        return TimeLine(
            start=log.start,
            end=log.end,
            newest=player.newest,
            share=player.place.share,
            marks=player.marks(everything) if known is None else player.shares(event.start for event in known),
            plays=self._renew is None,
            event=self.event,
        )

    @property
    def event(self) -> Event | None:
        """The event that was gone to, until another second is shown."""
        if self._selected is None or self._selected[1] != self.player.moment.sample.monotonic:
            return None
        return self._selected[0]

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

    def seek(self, direction: Way, *, everything: bool, each: bool = False) -> str:
        """Go to the next or the previous event of the list; what to say when there is none.

        Args:
            direction: 1 or -1.
            everything: whether all of the kernel log is listed, or what is about memory.
            each: whether to stop at every event of a second.
        """
        player, found = self.player, "none"
        if self._events is None:
            found = self._search(direction, everything=everything, each=each)
        else:
            events = self._events(everything)
            starts = [event.start for event in events]
            here = place_of(self.event, events) if each and self.event is not None else None
            target = player.neighbor(starts, direction) if here is None else here + direction
            if 0 <= target < len(events):
                return self.go_to_event(events[target])
            if direction > 0:
                self._take_in()
        log = self.player.log
        none = f"no later event until {format_clock(log.end)}, where the samples end"
        if direction < 0:
            none = f"no earlier event since {format_clock(log.start)}, where the samples begin"
        return {
            "none": none,
            "unfinished": "no event within half an hour: press the same key to look further",
        }.get(found, "")

    def _search(self, direction: Way, *, everything: bool, each: bool) -> Search:
        """Select an event that must be looked for in the recording, as ``seek`` does; whether it was found."""
        player, event = self.player, self.event
        if each and event is not None:
            new = player.new_events(everything)
            here = place_of(event, new)
            if here is not None and 0 <= here + direction < len(new):
                self._select(new[here + direction])
                return "found"
        found = player.next_event(everything) if direction > 0 else player.previous_event(everything)
        if found == "found":
            new = player.new_events(everything)
            self._select(new[0 if direction > 0 else -1] if new else None)
        return found

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

    def go_to_event(self, event: Event) -> str:
        """Go to the sample that shows an event, which is selected then; what to say when it has none."""
        first, _ = self._reach(event.start)
        if self._events is None:  # the list knows no more than the session at the place
            self.player.go_to_event(event)
        else:
            self.player.go_to_start(event.start)
        self._select(event)
        early = f"{format_clock(event.time)} is before the first sample, of {format_clock(self.player.log.start)}"
        return early if event.start < first - self.player.interval else ""

    def _select(self, event: Event | None) -> None:
        self._selected = None if event is None else (event, self.player.moment.sample.monotonic)

    def change_speed(self, step: int) -> None:
        """Play faster (1) or slower (-1)."""
        self.player.change_speed(step)

    def explore(self) -> bool:
        """Look for events in a little more of the time; whether the session at the place is another one then."""
        session = self.player.session
        self.player.explore()
        return self.player.session is not session

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
