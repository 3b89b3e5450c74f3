"""The past, bounded: figures of the last quarter of an hour at full rate, of the last day in steps of five seconds.

A point is kept as five numbers in flat arrays, so that a day costs less than two megabytes and does not grow.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from operator import itemgetter
from typing import NamedTuple

FINE_SPAN = 15 * 60.0
"""Seconds kept at the full rate."""
SPARE = 1.1
"""Room for samples that come a little faster than they should, and for what a chart of the whole span leads in with."""
COARSE_STEP = 5.0
DAY = 24 * 3600.0
HOLD = 2.5
"""A value stands for this many sampling intervals; after that the time is a gap."""
MOST = 2**63 - 1
ABSENT = -1
"""Stands for ``None`` inside the arrays, and nowhere else."""


class Point(NamedTuple):
    """The figures of one moment, in bytes; ``None`` where there was no reading."""

    monotonic: float
    used: int
    cache: int
    host: int | None
    expected: int | None

    @property
    def peak(self) -> int:
        """The highest figure that the timeline shows of it."""
        return max(self.used + self.cache, self.host or self.expected or 0)


def higher(one: Point, other: Point) -> Point:
    """One point for two: the moment of higher use as it was, so that peaks survive, with the higher host figure."""
    top = other if other.used >= one.used else one
    return top._replace(host=larger(one.host, other.host), expected=larger(one.expected, other.expected))


def larger(one: int | None, other: int | None) -> int | None:
    """The larger of two figures, either of which may be missing."""
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)


def pack(point: Point) -> list[int]:
    """The figures of a point for the arrays; what a forged recording may claim beyond 64 bits is cut there."""
    return [ABSENT if figure is None else max(ABSENT, min(figure, MOST)) for figure in point[1:]]


class Ring:
    """Points in flat arrays; the oldest give way."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._times = array("d")
        self._figures = array("q")
        self._next = 0

    def __len__(self) -> int:
        return len(self._times)

    def until(self, monotonic: float, capacity: int) -> Ring:
        """A ring of the newest points up to ``monotonic``, of another capacity."""
        ring = Ring(capacity)
        times, figures = self._times, self._figures
        if len(times) == self.capacity and self._next:
            times = times[self._next :] + times[: self._next]
            figures = figures[4 * self._next :] + figures[: 4 * self._next]
        end = bisect_right(times, monotonic)
        start = max(0, end - capacity)
        ring._times, ring._figures = times[start:end], figures[4 * start : 4 * end]
        ring._next = (end - start) % capacity
        return ring

    def append(self, point: Point) -> None:
        """Keep ``point``, which must not be older than the last one."""
        figures = pack(point)
        if len(self._times) < self.capacity:
            self._times.append(point.monotonic)
            self._figures.extend(figures)
        else:
            self._write(self._next, point.monotonic, figures)
        self._next = (self._next + 1) % self.capacity

    def replace_last(self, point: Point) -> None:
        """Put ``point`` in place of the newest one."""
        figures = pack(point)
        self._write((self._next - 1) % self.capacity, point.monotonic, figures)

    def reaches(self, monotonic: float) -> bool:
        """Whether nothing that came since ``monotonic`` has given way."""
        return len(self._times) < self.capacity or self.oldest <= monotonic

    @property
    def oldest(self) -> float:
        """The time of the oldest point of a full ring."""
        return self._times[self._next]

    def since(self, monotonic: float) -> Iterator[Point]:
        """The points from ``monotonic`` on, oldest first."""
        count = len(self._times)
        oldest = self._next if count == self.capacity else 0
        low, high = 0, count
        while low < high:  # the arrays are sorted from the oldest on
            middle = (low + high) // 2
            if self._times[(oldest + middle) % self.capacity] < monotonic:
                low = middle + 1
            else:
                high = middle
        for offset in range(low, count):
            yield self._read((oldest + offset) % self.capacity)

    def _write(self, index: int, monotonic: float, figures: list[int]) -> None:
        self._times[index] = monotonic
        self._figures[index * 4 : index * 4 + 4] = array("q", figures)

    def _read(self, index: int) -> Point:
        used, cache, host, expected = self._figures[index * 4 : index * 4 + 4]
        return Point(
            self._times[index],
            used,
            cache,
            None if host == ABSENT else host,
            None if expected == ABSENT else expected,
        )


class History:
    """The points of the last day; those of the last ``fine_span`` seconds all of them."""

    def __init__(self, interval: float, fine_span: float = FINE_SPAN) -> None:
        self._paces = [(-math.inf, interval)]
        """Since when which interval holds, the oldest first."""
        self._fine = Ring(math.ceil(SPARE * fine_span / interval) + 8)
        self._coarse = Ring(math.ceil(DAY / max(COARSE_STEP, interval)) + 1)
        self._open: Point | None = None

    def add(self, point: Point, interval: float | None = None) -> None:
        """Keep ``point``, which came by the interval of the point before or by another from now on."""
        if interval is not None and interval != self._paces[-1][1]:
            self._paces.append((point.monotonic, interval))
            del self._paces[: max(0, self._place_of_pace(point.monotonic - DAY))]
        self._fine.append(point)
        self._add_coarse(point)

    def _add_coarse(self, point: Point) -> None:
        step = self._open
        if step is not None and point.monotonic // COARSE_STEP == step.monotonic // COARSE_STEP:
            # The step keeps its first moment, so that the ring stays in the order of time.
            self._open = higher(step, point)._replace(monotonic=step.monotonic)
            self._coarse.replace_last(self._open)
        else:
            self._open = point
            self._coarse.append(point)

    def until(self, monotonic: float) -> History:
        """The history as it was at ``monotonic``, as far as all points of its last five seconds are still kept."""
        made = History(self._paces[0][1])
        made._paces = self._paces[: self._place_of_pace(monotonic) + 1]
        begun = math.floor(monotonic / COARSE_STEP) * COARSE_STEP
        made._fine = self._fine.until(monotonic, made._fine.capacity)
        made._coarse = self._coarse.until(math.nextafter(begun, -math.inf), made._coarse.capacity)
        # Compute the last step again: later points have gone into it since.
        for point in takewhile(lambda point: point.monotonic <= monotonic, self._fine.since(begun)):
            made._add_coarse(point)
        return made

    def since(self, monotonic: float) -> Iterator[Point]:
        """The points from ``monotonic`` on: in steps where the full rate is no longer kept, then at the full rate."""
        joint = -math.inf
        if not self._fine.reaches(monotonic):
            joint = math.ceil(self._fine.oldest / COARSE_STEP) * COARSE_STEP
            yield from takewhile(lambda point: point.monotonic < joint, self._coarse.since(monotonic))
        yield from self._fine.since(max(monotonic, joint))

    def interval_at(self, monotonic: float) -> float:
        """Seconds that were intended between the point that came at ``monotonic`` and the one before."""
        return self._paces[self._place_of_pace(monotonic)][1]

    def step(self, window: float, start: float) -> float:
        """Seconds between two points of a chart over ``window`` seconds from ``start`` on, by its coarsest part."""
        fine = window <= FINE_SPAN and self._fine.reaches(start - HOLD * self.interval_at(start))
        return 0.0 if fine else COARSE_STEP

    def _place_of_pace(self, monotonic: float) -> int:
        return bisect_right(self._paces, monotonic, key=itemgetter(0)) - 1


class Columns:
    """A chart's columns over the last ``window`` seconds, kept up with each point at constant cost.

    Columns stand at whole multiples of their width in time: a column changes while it is the newest, and then only
    moves, so the chart scrolls when a column is complete and not with every point.
    """

    def __init__(self, history: History, window: float, count: int, now: float) -> None:
        self.window = window
        self.count = count
        self.seconds = window / count
        end = math.floor(now / self.seconds)
        self.newest = end - count  # the column before the first
        start = (self.newest + 1) * self.seconds
        self._history = history
        self._step = history.step(window, start)
        self._last: Point | None = None
        self._columns: deque[Point | None] = deque([None] * count, maxlen=count)
        for point in history.since(start - self._hold(start)):  # what came before the first column may be held into it
            if point.monotonic <= now:
                self.add(point)
        self._advance(end, now)

    def add(self, point: Point) -> None:
        """Take a new point into its column; columns that were passed without a gap show the point before."""
        index = math.floor(point.monotonic / self.seconds)
        self._advance(index, point.monotonic)
        if index == self.newest:
            present = self._columns[-1]
            self._columns[-1] = point if present is None else higher(present, point)
        self._last = point

    def _advance(self, index: int, now: float) -> None:
        """Go on to column ``index``, which is empty yet; those on the way show the last point unless it is too old."""
        last = self._last
        filler = last if last is not None and now - last.monotonic <= self._hold(now) else None
        self.newest = max(self.newest, index - self.count)  # what lies further back would only be pushed out again
        while self.newest < index:
            self.newest += 1
            self._columns.append(filler if self.newest < index else None)

    def _hold(self, monotonic: float) -> float:
        """For how many seconds the point before the one at ``monotonic`` stands."""
        return HOLD * max(self._step, self._history.interval_at(monotonic))

    def points(self) -> tuple[Point | None, ...]:
        """One point for each column, oldest first; ``None`` is a gap."""
        return tuple(self._columns)

    def place(self, monotonic: float) -> int | None:
        """The column in which ``monotonic`` lies, or ``None`` when it is outside the chart."""
        column = math.floor(monotonic / self.seconds) - self.newest + self.count - 1
        return column if 0 <= column < self.count else None
