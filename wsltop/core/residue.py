"""The residue: what the host holds beyond (or below) what the model expects, and what that means.

residue = working set - (present pages - reportable free)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct

from wsltop.core.drain import Draining
from wsltop.core.history import Point
from wsltop.core.units import MIB, format_duration, format_size

Meaning = Literal["settled", "draining", "overhead", "trimmed"]

NOISE: Final = 64 * MIB
"""The model was within 5 MiB of a real host; two clocks, one of them on Windows, are not that exact."""
NOISE_SHARE: Final = 0.01
LOOK_BACK: Final = 60.0
"""Seconds over which the trend is read."""


class Residue(Struct, frozen=True, kw_only=True):
    """Host minus model."""

    size: int
    """Bytes."""
    meaning: Meaning
    sentence: str


def explain_residue(
    working_set: int, expected: int, draining: Draining | None, points: Iterable[Point], now: float
) -> Residue:
    """Say what the residue is, by its sign, by what is draining, and by when memory was last freed.

    Args:
        working_set: the host's figure in bytes.
        expected: what the model expects, in bytes.
        draining: what is on its way, where the free lists could be followed.
        points: the history of about the last minute, oldest first.
        now: monotonic time of the sample.
    """
    size = working_set - expected
    noise = max(NOISE, int(expected * NOISE_SHARE))
    freed = freed_ago(points, now)
    if size < -noise:
        sentence = (
            f"{format_size(-size)} less than the guest holds: Windows has trimmed or compressed the VM; "
            "that is no reclaim"
        )
        return Residue(size=size, meaning="trimmed", sentence=sentence)
    if size <= noise:
        return Residue(size=size, meaning="settled", sentence="the host holds what it should, within noise")
    if draining is not None and draining.size and freed is not None:
        sentence = (
            f"{format_size(size)} still draining after a free {format_duration(freed)} ago; "
            f"{format_duration(draining.seconds)} left"
        )
        return Residue(size=size, meaning="draining", sentence=sentence)
    sentence = f"{format_size(size)} beyond the guest's own: VM overhead, or free memory that was not reported"
    return Residue(size=size, meaning="overhead", sentence=sentence)


def freed_ago(points: Iterable[Point], now: float) -> float | None:
    """Seconds since the expected host memory last fell by more than noise within a second or two, or None."""
    latest: float | None = None
    previous: Point | None = None
    for point in points:
        if previous is not None and fell(previous.expected, point.expected):
            latest = point.monotonic
        previous = point
    return None if latest is None else max(0.0, now - latest)


def fell(before: int | None, now: int | None) -> bool:
    """Whether the expected host memory fell by more than noise from one sample to the next."""
    return before is not None and now is not None and before - now > NOISE
