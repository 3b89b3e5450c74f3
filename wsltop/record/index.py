"""What is known of a recording without reading all of it: made stretch by stretch, where and when it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from wsltop.core.event import Event
from wsltop.core.history import Point
from wsltop.core.moment import chart_point, grasp
from wsltop.errors import RecordingError
from wsltop.record.digest import STRETCH, Digest, Reel, Stop, digest, follows

Way = Literal[1, -1]

SEARCHED: Final = 6
"""Stretches that one search reads at most: half an hour of samples, about half a second."""


class Index:
    """The figures and events of the stretches that were looked through, and a few figures of the others.

    Args:
        reel: the recording.
        interval: seconds between samples.
    """

    def __init__(self, reel: Reel, interval: float) -> None:
        self._reel = reel
        self._interval = interval
        self._digests: dict[int, Digest] = {}
        self._next = 0
        self._outline: dict[int, list[Point]] | None = None

    def explore(self) -> bool:
        """Look through one more stretch, the earliest that is not known; False when all of them are."""
        while self._next in self._digests:
            self._next += 1
        if self._next * STRETCH >= self._reel.count:
            return False
        try:
            self._look_through(self._next)
        except RecordingError:
            self._digests[self._next] = Digest()  # it is told when somebody goes there
        return True

    def stops(self) -> Iterator[Stop]:
        """Yield the stops that are known, in order."""
        for number in sorted(self._digests):
            yield from self._digests[number].stops

    def events(self, end: int) -> Iterator[Event]:
        """Yield the events that are known to begin before stretch ``end``."""
        for number in range(end):
            if number in self._digests:
                yield from self._digests[number].events

    def points(self, end: int) -> Iterator[Point]:
        """Yield figures from before stretch ``end``: one in five minutes where nobody has looked yet."""
        if end and self._outline is None:
            self._outline = self._read_outline()
        rough = self._outline or {}
        for number in range(end):
            known = self._digests.get(number)
            yield from rough.get(number, ()) if known is None else known.points

    def search(self, number: int, monotonic: float, way: Way) -> Stop | Literal["none", "unfinished"]:
        """The next stop after a monotonic time (1), or the last one before it (-1); ``number`` is the sample there.

        Reads a bounded part of the recording: when nothing was found in it, the answer is ``unfinished``, and the same
        question again goes on from there.
        """
        stretch, left = number // STRETCH, SEARCHED
        while 0 <= stretch * STRETCH < self._reel.count:
            if stretch not in self._digests:
                if not left:
                    return "unfinished"
                left -= 1
                self._look_through(stretch)
            stop = choose(self._digests[stretch].stops, monotonic, way)
            if stop is not None:
                return stop
            stretch += way
        return "none"

    def _look_through(self, number: int) -> None:
        self._digests[number] = digest(self._reel, number, self._interval)

    def _read_outline(self) -> dict[int, list[Point]]:
        found: dict[int, list[Point]] = {}
        for number, sample in self._reel.outline():
            point = chart_point(grasp(sample, self._interval)) if follows(sample, 0.0) else None
            if point is not None:
                found.setdefault(number // STRETCH, []).append(point)
        return found


def choose(stops: tuple[Stop, ...], monotonic: float, way: Way) -> Stop | None:
    """The first stop after a monotonic time, or the last one before it."""
    if way > 0:
        return next((stop for stop in stops if stop.monotonic > monotonic), None)
    return next((stop for stop in reversed(stops) if stop.monotonic < monotonic), None)
