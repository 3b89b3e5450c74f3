"""Plays a recording: gives its samples one after the other, at any speed and from any place.

It knows no clock and no screen: the caller says how much time has passed and which key was pressed.

    player = Player(recording)
    each tick:  for sample in player.advance(seconds since the last tick): point = player.session.take(sample) …
                player.explore()
    each key:   player.step(-1), player.next_event(), player.go_to("14:03"), …; then show ``player.session``
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from wsltop.core.moment import Moment
from wsltop.core.session import DIAGNOSE_EVERY, Bookmark, Session
from wsltop.errors import RecordingError
from wsltop.model.sample import Event, Sample
from wsltop.recording.time_spec import Place, find_place
from wsltop.recording.timeline_index import (
    CHUNK,
    NONE,
    Index,
    MissingSample,
    SampleLog,
    Way,
    begun_of,
    first_good,
    latest_of,
    run_up,
    usable_sample,
    usable_samples,
)

Search = Literal["found", "none", "unfinished"]
"""``unfinished``: none within half an hour; the next call searches on from there."""
SPEEDS: Final = (0.25, 1.0, 4.0, 16.0, 64.0)
STRIDE: Final = 15
MOST_STOPS: Final = 40
"""A jump keeps a session for every so many samples, and so many of them: the next one, nearby, goes on from there."""
LEAD: Final = 306.0
"""Seconds of samples that a session is given before a place that was not explored yet: what the timeline shows."""
LEAST_LEAD: Final = 300
MOST_LEAD: Final = 600
"""Least and most samples for that, whatever the interval: the user waits for them."""
LONGEST_WAIT: Final = 5.0
"""Seconds that a replay waits in a gap of the recording, however long the gap is."""
LONGEST_TICK: Final = 2.0
"""The most seconds that one call of ``advance`` plays: a program that was stopped goes on where it was."""
GRACE: Final = 1.0
"""Seconds for which the event that was just passed does not count as the previous one."""
NO_TIME: Final = "the recording has no good sample near this place"


class Player:
    """A place in a recording, and the session as it was there.

    Args:
        log: the recording; the caller closes it.
        at: where to begin: a place as people write it, or the number of a sample.
        paused: whether to stand still there.
        silenced: ids of findings that the user does not want to see.
        bookmarks: sessions right before chunks of the log, by the number of the chunk, where there are any.

    A method that goes somewhere raises ``RecordingError`` where no sample can be read; the place stays as it was.

    Raises:
        ValueError: ``at`` is no place in the recording.
        RecordingError: no sample can be read there.
    """

    def __init__(
        self,
        log: SampleLog,
        at: str | int = "start",
        *,
        paused: bool = False,
        silenced: frozenset[str] = frozenset(),
        bookmarks: Mapping[int, Bookmark] = NONE,
    ) -> None:
        self.log = log
        self.interval = min(max(log.interval, 0.05), 3600.0)
        self.speed = 1.0
        self.paused = paused
        self.number = 0
        """Number of the sample at the place, from 0."""
        self.session = Session(self.interval, silenced)
        """What the screen shows. The caller gives it what ``advance`` returns; a jump replaces it."""
        self._silenced = silenced
        self._index = Index(log, self.interval, silenced, bookmarks)
        self._stops: OrderedDict[int, Bookmark] = OrderedDict()
        """Sessions right before samples by which jumps have passed, by the number of the sample."""
        self._rough = False
        """Whether the session has seen only the minutes before its place."""
        self._latest = -math.inf
        """Monotonic time of the last sample that was played."""
        self._ahead = 0.0
        """Seconds of the recording that have passed since then."""
        self._first = first_good(log, range(log.count)).monotonic
        self._last = first_good(log, range(log.count - 1, -1, -1)).monotonic
        self._jump(find_place(at, log, self._first) if isinstance(at, str) else at)

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
            count=self.log.count,
            seconds=max(0.0, self._latest - self._first),
            total=max(0.0, self._last - self._first),
            time=self.moment.sample.time,
        )

    @property
    def newest(self) -> float:
        """Monotonic time of the last sample."""
        return self._last

    @property
    def at_end(self) -> bool:
        """Whether the last sample is shown."""
        return self.number >= self.log.count - 1

    def marks(self, everything: bool = False) -> tuple[float, ...]:
        """Where the known events begin: shares of the recording's time, 0 to 1, in order.

        They are the events about memory, or all of the kernel log: those that are listed.
        """
        return self.shares(start.monotonic for start in self._index.starts(everything))

    def shares(self, times: Iterable[float]) -> tuple[float, ...]:
        """Monotonic times as shares of the recording's time; those that lie outside of it are left out."""
        first, total = self._first, self._last - self._first
        return tuple((time - first) / total for time in times if first <= time <= self._last) if total > 0 else ()

    # Playing

    def advance(self, elapsed: float) -> list[Sample]:
        """The samples that are due ``elapsed`` seconds after the last call, in order, for ``session.take``.

        The replay pauses at the end of the recording, and skips a gap after a few seconds.
        """
        if self.paused:
            return []
        due: list[Sample] = []
        self._ahead += min(max(0.0, elapsed), LONGEST_TICK) * self.speed
        while not self.at_end:
            following = usable_sample(self.log, self.number + 1, self._latest)
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
        """Pause or play; at the end, play from the start. True when that was a jump."""
        again = self.paused and self.at_end
        if again:
            self._jump(0)
        self.paused = not self.paused
        self._ahead = 0.0
        return again

    def change_speed(self, step: int) -> None:
        """Use the next higher (1) or lower (-1) speed."""
        self.speed = SPEEDS[min(max(SPEEDS.index(self.speed) + step, 0), len(SPEEDS) - 1)]

    # Going elsewhere, which may replace the session

    def step(self, count: int) -> bool:
        """Pause and go ``count`` samples forward, or back where it is negative; False at the end."""
        self.paused = True
        target = min(max(self.number + count, 0), self.log.count - 1)
        if target == self.number:
            return False
        if self.number < target <= self.number + CHUNK:
            for number in range(self.number + 1, target + 1):
                following = usable_sample(self.log, number, self._latest)
                if following is not None:
                    self.session.take(following)
                    self._latest = following.monotonic
                self.number = number
            self._ahead = 0.0
        else:
            self._jump(target)
        return True

    def next_event(self, everything: bool = False) -> Search:
        """Go to the start of the next event about memory, or with ``everything`` of any."""
        return self._go_to_event(1, everything)

    def previous_event(self, everything: bool = False) -> Search:
        """Go to the start of the last such event before the place."""
        return self._go_to_event(-1, everything)

    def neighbor(self, starts: Sequence[float], way: Way) -> int:
        """Index of the next (1) or the previous (-1) of events that begin at known monotonic times, in order.

        An event shows in the first sample that is not earlier. Where there is none, the index is outside of ``starts``.
        """
        edge = self._latest
        if way < 0:
            before = None if self.number == 0 else usable_sample(self.log, self.number - 1, -math.inf)
            edge = self._first - self.interval if before is None else before.monotonic
        return bisect_right(starts, edge) - (way < 0)

    def go_to_start(self, monotonic: float) -> None:
        """Go to the first sample that is not earlier, or to the last one."""
        self._jump(self._number_at(monotonic))

    def go_to_event(self, event: Event) -> None:
        """Go to the sample with which an event became known, or to its start where that is not found.

        What came back to Windows, for example, is an event only once all of it is back.
        """
        number = self._number_at(event.start)
        known = self._index.sample_of(event, number)
        self._jump(number if known is None else known)

    def new_events(self, everything: bool = False) -> tuple[Event, ...]:
        """The events about memory, or all, that became known with the sample at the place, in order of their starts."""
        begun = self._index.begun_at(self.number)
        return tuple(event for event in self.session.acts(everything) if begun_of(event) in begun) if begun else ()

    def _number_at(self, monotonic: float) -> int:
        """Number of the first sample that is not earlier, or of the last one."""
        number = self.log.index_at_monotonic(monotonic)
        sample = usable_sample(self.log, number, -math.inf)
        later = sample is not None and sample.monotonic < monotonic and number < self.log.count - 1
        return number + later

    def go_to(self, text: str) -> None:
        """Go to a place as people write it: ``-5m`` before the end, ``+30s`` from here, ``14:03``, ``50%``.

        Raises:
            ValueError: this is no place in the recording; the message gives examples.
        """
        self._jump(find_place(text, self.log, self._latest))

    def go_to_share(self, share: float) -> None:
        """Go to a share of the recording's time, 0 to 1."""
        self._jump(self.log.index_at_monotonic(self._first + share * max(0.0, self._last - self._first)))

    def explore(self) -> bool:
        """Go through five more minutes of the recording, 50 ms of work; False when all of it is known.

        What is known makes ``marks`` complete, finds events at once, and lets a jump show all that playing would have
        shown. When the place itself becomes known, the session is replaced.
        """
        more = self._index.explore()
        if self._rough and self._index.bookmark(self.number // CHUNK) is not None:
            ahead = self._ahead
            self._jump(self.number)
            self._ahead = ahead
        return more

    def _go_to_event(self, way: Way, everything: bool) -> Search:
        limit = self._latest - (GRACE * self.speed if way < 0 and not self.paused else 0.0)
        found = self._index.search(self.number, limit, way, everything)
        if isinstance(found, str):
            return found
        self._jump(found.number)
        return "found"

    def _jump(self, target: int) -> None:
        """Make the session that playing up to sample ``target`` would have made.

        Where the recording is not explored yet, the session sees only the minutes before: gates, trends and outcomes
        may need more.
        """
        chunk = target // CHUNK
        bookmark = self._index.bookmark(chunk)
        if bookmark is not None:
            first, bookmark = self._nearest(target, chunk * CHUNK, bookmark)
            session = bookmark.open()
        else:
            lead = min(max(math.ceil(LEAD / self.interval), LEAST_LEAD), MOST_LEAD)
            first = max(0, target - lead)
            session = Session(self.interval, self._silenced)
            for point in self._index.points(first):
                session.history.add(point)
        samples = usable_samples(self.log, range(first, target + 1), latest_of(session))
        if not samples and session.moment is None:  # damaged here: show the first good sample after it
            for number in range(target + 1, min(target + CHUNK, self.log.count)):
                if (sample := usable_sample(self.log, number, -math.inf)) is not None:
                    samples, target = [(number, sample)], number
                    break
        for number, _ in run_up(session, samples):
            if bookmark is not None and number % STRIDE == 0:
                self._stops[number + 1] = Bookmark(session, bookmark.history)
        while len(self._stops) > MOST_STOPS:
            self._stops.popitem(last=False)
        if session.moment is None:
            raise RecordingError(NO_TIME)
        self.session, self.number, self._latest, self._ahead = session, target, latest_of(session), 0.0
        self._rough = bookmark is None and first > 0

    def _nearest(self, target: int, first: int, bookmark: Bookmark) -> tuple[int, Bookmark]:
        """From where to go to a sample: the nearest place that a jump has kept, or the start of the chunk.

        Args:
            target: number of the sample.
            first: number of the chunk's first sample.
            bookmark: the session right before that.

        Returns:
            The number of the first sample to take, and the session right before it.
        """
        try:
            latest = self.log.sample(target).monotonic - DIAGNOSE_EVERY  # what is shown begins with a diagnosis
        except MissingSample:
            return first, bookmark
        stops = ((number, stop) for number, stop in self._stops.items() if first < number <= target)
        return max(
            ((number, stop) for number, stop in stops if stop.monotonic <= latest),
            key=lambda one: one[0],
            default=(first, bookmark),
        )


def tell_speed(speed: float) -> str:
    """``x1/4``, ``x16``."""
    return f"x{speed:g}" if speed >= 1 else f"x1/{1 / speed:g}"
