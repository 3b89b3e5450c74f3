"""The scrubber: where in time the view is, from the first sample there is to the last."""

from __future__ import annotations

import time

from msgspec import Struct


class ScrubberView(Struct, frozen=True, kw_only=True):
    """A stretch of time, a place in it, and where events begin."""

    start: str
    """The clock at the first sample."""
    end: str
    """The clock at the last sample."""
    share: float
    """How much of the time is over, 0 to 1."""
    marks: tuple[float, ...]
    """Events, as shares likewise."""


def scrubber_view(start: float, end: float, *, share: float, marks: tuple[float, ...]) -> ScrubberView:
    """The scrubber from one wall clock to another; with the days, where they are not of one day."""
    first, last = time.localtime(start), time.localtime(end)
    form = "%H:%M:%S" if first[:3] == last[:3] else "%a %H:%M"
    return ScrubberView(start=time.strftime(form, first), end=time.strftime(form, last), share=share, marks=marks)
