"""A place in a recording: where the replay is, and where a user wants to go."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from wsltop.record.position import EXAMPLES as TIME_EXAMPLES, SPAN, parse_position, span_seconds
from wsltop.record.digest import Reel

RELATIVE: Final = re.compile(r"(\+|back\s)\s*(.+)")
EXAMPLES: Final = f"+30s or back 30s (from here), {TIME_EXAMPLES}"
"""What a place may be, for whoever asks for one."""


class Place(Struct, frozen=True, kw_only=True):
    """Where the replay is."""

    number: int
    """Number of the sample, from 0."""
    count: int
    seconds: float
    """Since the first sample, by the clock of the samples."""
    total: float
    """Seconds from the first sample to the last."""
    time: float
    """Wall clock, seconds since the epoch."""

    @property
    def share(self) -> float:
        """How much of the recording is over, by time: 0 to 1."""
        return min(1.0, self.seconds / self.total) if self.total > 0 else 1.0


def find_place(text: str, reel: Reel, monotonic: float) -> int:
    """The number of the sample that ``text`` means: ``+30s`` and ``back 30s`` from here, else as ``position`` says.

    Args:
        text: what a user wrote.
        reel: the recording.
        monotonic: where the replay is.

    Raises:
        ValueError: it is no place, or the recording does not have it; says what would be one.
    """
    relative = RELATIVE.fullmatch(text.strip().lower())
    if relative is not None:
        span = SPAN.fullmatch(relative[2].strip())
        if span is None or span[1]:
            raise ValueError(f"{text!r} is not a position; try {EXAMPLES}")
        seconds = span_seconds(span[2])
        return reel.index_at_monotonic(monotonic + (seconds if relative[1] == "+" else -seconds))
    try:
        # The end may lie before the start, where the clock was set back.
        when = parse_position(text, *sorted((reel.start, reel.end)))
    except (OverflowError, OSError):
        raise ValueError(f"{text!r} cannot be found: the clock of this recording is wrong") from None
    return reel.index_at(when)
