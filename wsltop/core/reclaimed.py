"""What a reclaim gave back: measured from the samples around it, on the guest's side and on the host's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from wsltop.core.curve import (
    REST,
    Crossing,
    Dot,
    add_answer,
    at_rest,
    band_of,
    fall_below,
    lows_of,
    peak_of,
    trough_of,
)
from wsltop.core.moment import Moment
from wsltop.core.outcomes import Outcome
from wsltop.core.prediction import Prediction
from wsltop.model.sample import Reading, Unavailable

LONGEST: Final = 45.0
"""Seconds after which a curve that never rests is measured all the same."""
BASELINE: Final = 3.5
"""Seconds of figures before a release from which its start is measured: what was before that may be another story."""
LATE: Final = 3.0
"""Seconds after a release in which Windows' figure may still rise to what was lent: it is read late, and the kernel
reports nothing in the first two."""


class Returned(Struct, frozen=True, kw_only=True):
    """One side's return. Bytes, seconds since the action began."""

    before: int
    """The most from before the release until shortly after it."""
    after: int
    """The least since then: what was taken again does not make less come back."""
    half: Crossing | None
    """When half of what came back had come back; ``None``: nothing did."""
    most: Crossing | None
    """The same for 90 %."""

    @property
    def size(self) -> int:
        """What came back; negative when there is more than before."""
        return self.before - self.after


class Reclaimed(Struct, frozen=True, kw_only=True):
    """What came of an action."""

    expected: Returned | None
    """What the model says the host should have got back: present pages less reportable free."""
    host: Returned | None
    outcome: Outcome | None
    """The prediction and what came of it, in the guest."""
    settled: bool


class ReclaimWatch:
    """Takes the moments around an action; it rests when neither side moves any more."""

    def __init__(self, predicted: Reading[Prediction]) -> None:
        self._predicted = predicted
        self._expected: list[Dot] = []
        self._host: list[Dot] = []
        self._first: Moment | None = None
        self._last: Moment | None = None
        self._began: float | None = None

    def begin(self, monotonic: float) -> None:
        """The action begins now; what came before is the baseline."""
        self._began = monotonic

    def take(self, moment: Moment) -> None:
        """Take the next moment."""
        if self._began is None or self._first is None:
            self._first = moment
        self._last = moment
        ledger, host = moment.ledger, moment.host
        if not isinstance(ledger, Unavailable) and not isinstance(ledger.expected_host, Unavailable):
            self._expected.append(Dot(moment.sample.monotonic, ledger.expected_host))
        if not isinstance(host, Unavailable):
            add_answer(self._host, host.read_at, host.working_set)

    def rests(self, done_at: float, now: float) -> bool:
        """Whether nothing moves any more since the action was done."""
        if now - done_at >= LONGEST:
            return True
        return all(self._at_rest(dots, done_at, now) for dots in (self._expected, self._host) if dots)

    def result(self) -> Reclaimed:
        """What was measured."""
        return Reclaimed(
            expected=self._measure(self._expected),
            host=self._measure(self._host),
            outcome=self._outcome(),
            settled=bool(self._expected) and self._at_rest(self._expected, self._began or 0.0, self._expected[-1].time),
        )

    def _at_rest(self, dots: Sequence[Dot], since: float, now: float) -> bool:
        """Whether a curve has not fallen any further for a while: one that rises again has not."""
        before = [dot for dot in dots if self._began is None or dot.time <= self._began]
        lows = lows_of([dot for dot in dots if dot.time >= fall_start(dots, since)])
        return at_rest(lows, since=since, now=now, window=REST, band=band_of(before, 0))

    def _measure(self, dots: Sequence[Dot]) -> Returned | None:
        return None if self._began is None else measure_return(dots, self._began)

    def _outcome(self) -> Outcome | None:
        if self._first is None or self._last is None or isinstance(self._predicted, Unavailable):
            return None
        before, after = self._first.ledger, self._last.ledger
        if isinstance(before, Unavailable) or isinstance(after, Unavailable):
            return None
        if isinstance(before.free_split, Unavailable) or isinstance(after.free_split, Unavailable):
            return None
        gained = after.free_split.reportable - before.free_split.reportable
        return Outcome(predicted=self._predicted, gained=gained)


def measure_return(dots: Sequence[Dot], began: float, slack: int | None = None) -> Returned | None:
    """What a curve fell by and how fast; None where it has no reading before ``began``, or none after.

    ``slack`` is what does not count as a fall, in bytes; by default the noise of the readings before.
    """
    quiet = [dot for dot in dots if dot.time <= began]
    start = fall_start(dots, began)
    before = peak_of([dot for dot in dots if dot.time <= start])
    after = trough_of([dot for dot in dots if dot.time > start])
    if not quiet or before is None or after is None:
        return None
    margin = band_of(quiet, 0) if slack is None else slack

    def crossing(share: float) -> Crossing | None:
        if before - after <= margin:
            return None
        return fall_below(dots, before - share * (before - after), zero=began, high_until=start, slack=margin)

    return Returned(before=before, after=after, half=crossing(0.5), most=crossing(0.9))


def came_back(expected: Sequence[Dot], host: Sequence[Dot], began: float, end: float) -> int | None:
    """Bytes that came back from ``began`` to ``end``, as the event of the return says it; None: neither side was read.

    Windows' figure moves for other reasons too, so no more counts than Linux has given.
    """
    sizes = []
    for dots in (expected, host):
        measured = measure_return([dot for dot in since(dots, began - BASELINE, began) if dot.time <= end], began)
        sizes += [] if measured is None else [measured.size]
    return min(sizes, default=None)


def since(dots: Iterable[Dot], time: float, began: float) -> list[Dot]:
    """The readings from a time on, and at least the last one before a release: of a slow source, that is earlier."""
    kept = list(dots)
    last = max((dot.time for dot in kept if dot.time <= began), default=time)
    return [dot for dot in kept if dot.time >= min(time, last)]


def fall_start(dots: Sequence[Dot], began: float) -> float:
    """When a curve stood highest, if that was shortly after a release, else when the release began."""
    before = max((dot.size for dot in dots if dot.time <= began), default=0)
    late = [dot for dot in dots if began < dot.time <= began + LATE and dot.size > before]
    return max(late, key=lambda dot: dot.size).time if late else began
