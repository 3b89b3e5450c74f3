"""Plays a recording: produces its samples as the sampler produces those of now, at any speed and from any place.

Pure of clocks and screens: whoever shows the session says how much time has passed, and which key was pressed.

    player = Player(recording)
    each tick:  for sample in player.advance(seconds since the last tick): point = player.session.take(sample) …
                player.explore()
    each key:   player.step(-1), player.next_event(), player.go_to("14:03"), …; then ``player.session`` is shown anew
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

from wsltop.core.moment import Moment
from wsltop.core.session import Bookmark, Session
from wsltop.errors import RecordingError
from wsltop.model.sample import Sample
from wsltop.recording.time_spec import Place, find_place
from wsltop.recording.timeline_index import (
    NONE,
    STRETCH,
    Index,
    SampleLog,
    Way,
    first_good,
    latest_of,
    run_up,
    usable_sample,
    usable_samples,
)

Search = Literal["found", "none", "unfinished"]
"""``unfinished``: none within half an hour; asking again looks on from there."""
SPEEDS: Final = (0.25, 1.0, 4.0, 16.0, 64.0)
LEAD: Final = 306.0
"""Seconds before a place of which nothing is known yet that the session is fed with: the timeline as it mostly is."""
LEAST_LEAD: Final = 300
MOST_LEAD: Final = 600
"""The same in samples, whatever the interval: the user waits for them."""
LONGEST_WAIT: Final = 5.0
"""Seconds of the recording, at least, after which a gap is over: nobody watches an hour in which nothing was taken."""
LONGEST_TICK: Final = 2.0
"""Seconds that one call of ``advance`` makes up for: after a stop of the program the replay goes on where it was."""
GRACE: Final = 1.0
"""Seconds of watching in which the event that was just passed is not yet the one before."""
NO_TIME: Final = "the recording has no sample here whose time can be shown"


class Player:
    """A place in a recording, and the session as it was there.

    Args:
        reel: the recording; it belongs to whoever opened it.
        at: where to begin: a place as people write it, or the number of a sample.
        paused: whether to stand still there.
        silenced: ids of findings that the user does not want to see.
        bookmarks: sessions right before stretches of the reel, by the number of the stretch, where there are any.

    Every method may raise ``RecordingError``, when the file cannot be read any more; then the place is as it was.

    Raises:
        ValueError: ``at`` is no place in the recording.
        RecordingError: it has no sample there whose time can be shown.
    """

    def __init__(
        self,
        reel: SampleLog,
        at: str | int = "start",
        *,
        paused: bool = False,
        silenced: frozenset[str] = frozenset(),
        bookmarks: Mapping[int, Bookmark] = NONE,
    ) -> None:
        self.reel = reel
        self.interval = min(max(reel.interval, 0.05), 3600.0)
        self.speed = 1.0
        self.paused = paused
        self.number = 0
        """Of the sample at the place, from 0."""
        self.session = Session(self.interval, silenced)
        """What the screen shows. ``advance`` leaves feeding it to whoever asked; a jump makes another one."""
        self._silenced = silenced
        self._index = Index(reel, self.interval, silenced, bookmarks)
        self._rough = False
        """Whether the session knows only a little of what was before its place."""
        self._latest = -math.inf
        """Monotonic time of the last sample that was given out."""
        self._ahead = 0.0
        """Seconds of the recording that have passed since then."""
        self._first = first_good(reel, range(reel.count)).monotonic
        self._last = first_good(reel, range(reel.count - 1, -1, -1)).monotonic
        self._jump(find_place(at, reel, self._first) if isinstance(at, str) else at)

    @property
    def moment(self) -> Moment:
        """The moment at the place."""
        if self.session.moment is None:
            raise RecordingError(NO_TIME)
        return self.session.moment

    @property
    def place(self) -> Place:
        """Where the replay is."""
        return Place(
            number=self.number,
            count=self.reel.count,
            seconds=max(0.0, self._latest - self._first),
            total=max(0.0, self._last - self._first),
            time=self.moment.sample.time,
        )

    @property
    def at_end(self) -> bool:
        """Whether the last sample is shown."""
        return self.number >= self.reel.count - 1

    @property
    def marks(self) -> tuple[float, ...]:
        """Where events begin, as far as is known: shares of the recording's time, 0 to 1, in order."""
        total = self._last - self._first
        return tuple((stop.monotonic - self._first) / total for stop in self._index.stops()) if total > 0 else ()

    # Playing

    def advance(self, elapsed: float) -> list[Sample]:
        """The samples that are due after ``elapsed`` seconds of watching, for ``session.take``, each one in order.

        At the end of the recording the replay pauses. Where samples are missing it goes on after a few seconds.
        """
        if self.paused:
            return []
        due: list[Sample] = []
        self._ahead += min(max(0.0, elapsed), LONGEST_TICK) * self.speed
        while not self.at_end:
            following = usable_sample(self.reel, self.number + 1, self._latest)
            longest = max(LONGEST_WAIT, 3 * self.interval)
            wait = 0.0 if following is None else min(following.monotonic - self._latest, longest)
            if self._ahead < wait:
                return due
            self._ahead -= wait
            self.number += 1
            if following is not None:
                self._latest = following.monotonic
                due.append(following)
        self.paused = True
        self._ahead = 0.0
        return due

    def toggle_pause(self) -> bool:
        """Pause or go on, at the end from the start; True when that was a jump."""
        again = self.paused and self.at_end
        if again:
            self._jump(0)
        self.paused = not self.paused
        self._ahead = 0.0
        return again

    def change_speed(self, step: int) -> None:
        """Take the next higher (1) or lower (-1) speed."""
        self.speed = SPEEDS[min(max(SPEEDS.index(self.speed) + step, 0), len(SPEEDS) - 1)]

    # Going elsewhere: the session may be another one afterwards

    def step(self, count: int) -> bool:
        """Pause and go ``count`` samples on, or back when it is negative; whether there was somewhere to go."""
        self.paused = True
        target = min(max(self.number + count, 0), self.reel.count - 1)
        if target == self.number:
            return False
        if self.number < target <= self.number + STRETCH:
            for number in range(self.number + 1, target + 1):
                following = usable_sample(self.reel, number, self._latest)
                if following is not None:
                    self.session.take(following)
                    self._latest = following.monotonic
                self.number = number
            self._ahead = 0.0
        else:
            self._jump(target)
        return True

    def next_event(self) -> Search:
        """Go to where the next event begins that the timeline marks."""
        return self._go_to_event(1)

    def previous_event(self) -> Search:
        """Go to where the last such event before the place began."""
        return self._go_to_event(-1)

    def go_to(self, text: str) -> None:
        """Go to a place as people write it: ``-5m`` before the end, ``+30s`` from here, ``14:03``, ``50%``.

        Raises:
            ValueError: it is none, or the recording does not have it; says what would be one.
        """
        self._jump(find_place(text, self.reel, self._latest))

    def go_to_share(self, share: float) -> None:
        """Go to where that share of the recording's time is over, 0 to 1."""
        self._jump(self.reel.index_at_monotonic(self._first + share * max(0.0, self._last - self._first)))

    def explore(self) -> bool:
        """Go through five more minutes of the recording, 50 ms of work; False when all of it is known.

        Then events are found at once, ``marks`` are complete, and a jump shows all that playing would have shown. When
        that becomes known of the place itself, the session is another one.
        """
        more = self._index.explore()
        if self._rough and self._index.bookmark(self.number // STRETCH) is not None:
            ahead = self._ahead
            self._jump(self.number)
            self._ahead = ahead
        return more

    def _go_to_event(self, way: Way) -> Search:
        limit = self._latest - (GRACE * self.speed if way < 0 and not self.paused else 0.0)
        found = self._index.search(self.number, limit, way)
        if isinstance(found, str):
            return found
        self._jump(found.number)
        return "found"

    def _jump(self, target: int) -> None:
        """Make the session as it would be, had everything up to sample ``target`` been played.

        Of what is not explored yet it has only the minutes before: gates, trends and outcomes may need more.
        """
        stretch = target // STRETCH
        bookmark = self._index.bookmark(stretch)
        if bookmark is not None:
            session, first = bookmark.open(), stretch * STRETCH
        else:
            lead = min(max(math.ceil(LEAD / self.interval), LEAST_LEAD), MOST_LEAD)
            first = max(0, target - lead)
            session = Session(self.interval, self._silenced)
            for point in self._index.points(first):
                session.history.add(point)
        samples = usable_samples(self.reel, range(first, target + 1), latest_of(session))
        if not samples and session.moment is None:  # what is damaged here is followed by the first that is not
            for number in range(target + 1, min(target + STRETCH, self.reel.count)):
                if (sample := usable_sample(self.reel, number, -math.inf)) is not None:
                    samples, target = [(number, sample)], number
                    break
        for _ in run_up(session, samples):
            pass
        if session.moment is None:
            raise RecordingError(NO_TIME)
        self.session, self.number, self._latest, self._ahead = session, target, latest_of(session), 0.0
        self._rough = bookmark is None and first > 0


def tell_speed(speed: float) -> str:
    """``x1/4``, ``x16``."""
    return f"x{speed:g}" if speed >= 1 else f"x1/{1 / speed:g}"
