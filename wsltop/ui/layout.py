"""The table of panels, and how they share the terminal: everything at 80x24, folded one by one down to 60x16."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from wsltop.ui.bindings import Key
from wsltop.ui.panels.events import EventsPanel
from wsltop.ui.panels.gate import GatePanel
from wsltop.ui.panels.hogs import HogsPanel
from wsltop.ui.panels.memory import MemoryPanel
from wsltop.ui.panels.panel import Panel
from wsltop.ui.panels.scrubber import Scrubber
from wsltop.ui.panels.timeline import TimelinePanel
from wsltop.ui.panels.verdict import VerdictPanel


class PanelRow(NamedTuple):
    """One panel of the main screen."""

    name: str
    """Its id, and its name in ``Rows``."""
    panel: type[Panel[Any]]
    place: Literal["top", "left", "list", "bottom"]
    """``left`` and ``list`` stand beside each other on a wide terminal."""
    title: str = ""
    """What the palette calls it; empty when it cannot be switched off."""


PANELS: Final = (
    PanelRow("scrubber", Scrubber, "top"),
    PanelRow("memory", MemoryPanel, "top", "memory"),
    PanelRow("timeline", TimelinePanel, "left", "timeline"),
    PanelRow("verdict", VerdictPanel, "list", "verdict"),
    PanelRow("gate", GatePanel, "list", "idle gate"),
    PanelRow("hogs", HogsPanel, "list", "hogs"),
    PanelRow("events", EventsPanel, "bottom", "events"),
)
"""In the order in which they are composed."""
DIGITS: Final = ("memory", "timeline", "hogs", "events", "verdict", "gate")
"""The panels that the digits switch, from 1 on."""
PANEL_KEYS: Final = tuple(
    Key(
        str(digit),
        f"1-{len(DIGITS)}" if digit == 1 else str(digit),
        f"fold('{name}')",
        f"{next(row.title for row in PANELS if row.name == name)} on or off",
        "Panels on or off, in order" if digit == 1 else "",
        "view",
    )
    for digit, name in enumerate(DIGITS, 1)
)
"""Their rows in the table of keys."""
LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 16
WIDE: Final = 120
"""From this width on verdict, gate and hogs stand in a column beside the timeline."""
SIDE_WIDTH: Final = 62
"""Width of that column, at the most."""
PAIR_WIDTH: Final = 80
"""From this width on verdict and hogs stand side by side; below there is no verdict but its word in the status line."""
PAIR_HEIGHT: Final = 20


class Rows(Struct, frozen=True, kw_only=True):
    """Rows of each panel; 0 hides it."""

    wide: bool
    side_width: int
    """Columns beside the timeline on a wide terminal, or of the hogs beside the verdict; 0: the whole width."""
    scrubber: int
    memory: int
    timeline: int
    verdict: int
    gate: int
    hogs: int
    events: int


def lay_out(
    width: int,
    height: int,
    hogs: int,
    hidden: Set[str] = frozenset(),
    *,
    gate: bool = False,
    scrubber: bool = False,
) -> Rows | None:
    """The shape for a terminal of ``width`` x ``height`` cells and ``hogs`` hogs; None when it is too small.

    The status line and the footer take a row each. On a small terminal the list of hogs grows with their number, up to
    four, and takes its rows from the timeline. ``gate`` says whether there is an idle gate to show, and
    ``scrubber`` whether the line of time takes a row below the status line.
    """
    if height < LEAST_HEIGHT or width < LEAST_WIDTH:
        return None
    rows = height - 2 - scrubber
    memory = 0 if "memory" in hidden else 5 if height < 24 else 6 if height < 36 else 7
    shows = {name for name in ("timeline", "verdict", "hogs", "events") if name not in hidden}
    if width >= WIDE and "timeline" in shows:
        shape = lay_out_wide(width, rows - memory, memory, shows, gate=gate and "gate" not in hidden)
    else:
        shape = lay_out_narrow(width, height, rows - memory, memory, shows, hogs)
    return replace(shape, scrubber=int(scrubber))


def lay_out_wide(width: int, rows: int, memory: int, shows: Set[str], *, gate: bool) -> Rows:
    """Timeline at the left, verdict, gate and hogs at the right, events below."""
    events = 0 if "events" not in shows else max(5, min(rows // 3, 14))
    timeline = rows - events
    side = timeline
    verdict = hogs = gate_rows = 0
    if "verdict" in shows and (side >= 8 or not ("hogs" in shows or gate)):
        verdict = min(10, max(4, side // 3)) if "hogs" in shows or gate else side
        side -= verdict
    if gate and side >= 9:
        gate_rows = min(8, side - 4) if "hogs" in shows else side
        side -= gate_rows
    if "hogs" in shows:
        hogs = side
    return Rows(
        wide=True,
        side_width=min(SIDE_WIDTH, width * 2 // 5) if verdict or gate_rows or hogs else 0,
        scrubber=0,
        memory=memory,
        timeline=timeline,
        verdict=verdict,
        gate=gate_rows,
        hogs=hogs,
        events=events,
    )


def lay_out_narrow(width: int, height: int, rows: int, memory: int, shows: Set[str], hogs: int) -> Rows:
    """Everything below each other, but verdict and hogs side by side where there is room."""
    pair = width >= PAIR_WIDTH and height >= PAIR_HEIGHT and "verdict" in shows
    lists = 0 if "hogs" not in shows else min(1 + max(1, hogs), 2 if height < 20 else 3 if height < 24 else 5)
    if pair:
        lists = max(lists, 4 if height < 30 else 5)
    rows -= lists
    if "timeline" not in shows:
        events, timeline = (rows, 0) if "events" in shows else (0, 0)
        lists += 0 if "events" in shows or not lists else rows
    else:
        least = 3 if height < 20 else 5
        events = 0 if "events" not in shows else max(least, rows * 2 // 5)
        timeline = rows - events
    return Rows(
        wide=False,
        side_width=width - width * 2 // 5 if pair and "hogs" in shows else 0,
        scrubber=0,
        memory=memory,
        timeline=timeline,
        verdict=lists if pair else 0,
        gate=0,
        hogs=lists if "hogs" in shows else 0,
        events=events,
    )
