"""How the panels share the terminal: everything at 80x24, folded one by one down to 60x16. Pure."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, Literal

from msgspec import Struct

PanelName = Literal["memory", "timeline", "hogs", "events"]

LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 16
WIDE: Final = 120
"""From this width on the hogs stand beside the timeline."""
SIDE_WIDTH: Final = 62
"""Width of the column beside the timeline, at the most."""


class Shape(Struct, frozen=True, kw_only=True):
    """Rows of each panel; 0 hides it."""

    wide: bool
    side_width: int
    memory: int
    timeline: int
    hogs: int
    events: int


def fold(width: int, height: int, hogs: int, hidden: Set[str] = frozenset()) -> Shape | None:
    """The shape for a terminal of ``width`` x ``height`` cells and ``hogs`` hogs; None when it is too small.

    The status line and the footer take a row each. On a small terminal the list of hogs grows with their number, up to
    four, and takes its rows from the timeline.
    """
    if height < LEAST_HEIGHT or width < LEAST_WIDTH:
        return None
    rows = height - 2
    wide = width >= WIDE
    memory = 0 if "memory" in hidden else 5 if height < 24 else 6 if height < 36 else 7
    rows -= memory
    shows_timeline, shows_hogs, shows_events = (name not in hidden for name in ("timeline", "hogs", "events"))
    hog_rows = 0 if not shows_hogs else min(1 + max(1, hogs), 2 if height < 20 else 3 if height < 24 else 5)
    if wide and shows_timeline:
        events = 0 if not shows_events else max(5, min(rows // 3, 16))
        timeline = rows - events
        return Shape(
            wide=True,
            side_width=min(SIDE_WIDTH, width * 2 // 5) if shows_hogs else 0,
            memory=memory,
            timeline=timeline,
            hogs=timeline if shows_hogs else 0,
            events=events,
        )
    rows -= hog_rows
    if not shows_timeline:
        events, timeline = (rows, 0) if shows_events else (0, 0)
        hog_rows = hog_rows if shows_events or not shows_hogs else hog_rows + rows
    else:
        least = 3 if height < 20 else 5
        events = 0 if not shows_events else max(least, rows * 2 // 5)
        timeline = rows - events
    return Shape(wide=False, side_width=0, memory=memory, timeline=timeline, hogs=hog_rows, events=events)
