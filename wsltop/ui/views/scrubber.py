"""The scrubber: where in time the view is, from the first sample there is to the last."""

from __future__ import annotations

from msgspec import Struct


class ScrubberView(Struct, frozen=True, kw_only=True):
    """A stretch of time, a place in it, and where events begin."""

    start: float
    """Wall clock of the first sample."""
    end: float
    """Wall clock of the last sample."""
    share: float
    """How much of the time is over, 0 to 1."""
    marks: tuple[float, ...]
    """Events, as shares likewise."""
