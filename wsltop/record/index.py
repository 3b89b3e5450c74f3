"""What is known of a recording without reading all of it: made stretch by stretch, where and when it is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from wsltop.core.bookmark import Bookmark
from wsltop.core.history import Point
from wsltop.core.moment import chart_point, grasp
from wsltop.core.session import Session
from wsltop.errors import RecordingError
from wsltop.record.digest import SETTLE, STRETCH, Reel, Stop, follows, look_through

Way = Literal[1, -1]

NONE: Final[Mapping[int, Bookmark]] = {}
SEARCHED: Final = 6
"""Stretches that one search reads at most: half an hour of samples, about a quarter of a second."""


class Index:
    """Where the events of a recording begin, and bookmarks to go on from; a few figures of what nobody has seen yet.

    Args:
        reel: the recording.
        interval: seconds between samples.
        silenced: ids of findings that the user does not want to see.
        bookmarks: sessions right before each stretch, where whoever made the reel has kept them; otherwise they are
            made here, by going through it from its start.
    """

    def __init__(
        self,
        reel: Reel,
        interval: float,
        silenced: frozenset[str] = frozenset(),
        bookmarks: Mapping[int, Bookmark] = NONE,
    ) -> None:
        self._reel = reel
        self._interval = interval
        self._given = bookmarks
        self._made: list[Bookmark] = []
        self._stops: dict[int, tuple[Stop, ...]] = {}
        self._outline: list[tuple[int, Point]] | None = None
        # All that is seen on the way is kept at the full rate: each bookmark has its last quarter of an hour from it.
        self._run = Session(interval, silenced, fine_span=reel.count * interval)
        if 0 in bookmarks:
            self._run = bookmarks[0].open()

    def explore(self) -> bool:
        """Go through one more stretch, from the start of the recording on; False when all of it is known.

        The first time it is a few samples from all over the recording instead, so that no jump has to wait for them.
        """
        if self._outline is None:
            self._read_outline()
            return True
        number = len(self._made)
        if number * STRETCH >= self._reel.count:
            return False
        self._made.append(Bookmark(self._run))
        try:
            self._stops[number] = look_through(self._reel, number, self._run)
        except RecordingError:
            self._stops.setdefault(number, ())  # it is told when somebody goes there
        return True

    def bookmark(self, stretch: int) -> Bookmark | None:
        """The session right before a stretch, with all its past; None while nobody has come so far."""
        given = self._given.get(stretch)
        if given is None and stretch < len(self._made):
            return self._made[stretch]
        return given

    def stops(self) -> Iterator[Stop]:
        """Yield the stops that are known, in order."""
        for number in sorted(self._stops):
            yield from self._stops[number]

    def points(self, end: int) -> Iterator[Point]:
        """Yield figures from before sample ``end``: one in five minutes."""
        if end and self._outline is None:
            self._read_outline()
        for number, point in self._outline or ():
            if number < end:
                yield point

    def search(self, number: int, monotonic: float, way: Way) -> Stop | Literal["none", "unfinished"]:
        """The next stop after a monotonic time (1), or the last one before it (-1); ``number`` is the sample there.

        Reads a bounded part of the recording: when nothing was found in it, the answer is ``unfinished``, and the same
        question again goes on from there.
        """
        stretch, left = number // STRETCH, SEARCHED
        while 0 <= stretch * STRETCH < self._reel.count:
            if stretch not in self._stops:
                if not left:
                    return "unfinished"
                left -= 1
                self._stops[stretch] = look_through(self._reel, stretch, Session(self._interval), settle=SETTLE)
            stop = choose(self._stops[stretch], monotonic, way)
            if stop is not None:
                return stop
            stretch += way
        return "none"

    def _read_outline(self) -> None:
        self._outline = []
        latest = 0.0
        for number, sample in self._reel.outline():
            point = chart_point(grasp(sample, self._interval)) if follows(sample, latest) else None
            if point is not None:
                latest = point.monotonic
                self._outline.append((number, point))


def choose(stops: tuple[Stop, ...], monotonic: float, way: Way) -> Stop | None:
    """The first stop after a monotonic time, or the last one before it."""
    if way > 0:
        return next((stop for stop in stops if stop.monotonic > monotonic), None)
    return next((stop for stop in reversed(stops) if stop.monotonic < monotonic), None)
