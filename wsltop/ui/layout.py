"""The table of panels, and how they share the terminal: from bars and verdict at 40x8 to every panel at 240x60."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final, NamedTuple

from msgspec import Struct

from wsltop.ui.bindings import Key
from wsltop.ui.panels.comeback import MORE_ORDERS, ComebackPanel
from wsltop.ui.panels.events import EventsPanel
from wsltop.ui.panels.findings import FindingsPanel
from wsltop.ui.panels.gate import GatePanel
from wsltop.ui.panels.hogs import HogsPanel
from wsltop.ui.panels.ledger import LedgerPanel
from wsltop.ui.panels.memory import MemoryPanel
from wsltop.ui.panels.panel import Panel
from wsltop.ui.panels.pressure import OutcomesPanel, PressurePanel
from wsltop.ui.panels.scrubber import Scrubber
from wsltop.ui.panels.timeline import TimelinePanel
from wsltop.ui.panels.verdict import VerdictPanel
from wsltop.ui.panels.who import GroupsPanel, WhoPanel

LEAST_WIDTH: Final = 40
LEAST_HEIGHT: Final = 8


class PanelRow(NamedTuple):
    """One panel of the main screen."""

    name: str
    """Its id, and its name in a ``Layout``."""
    panel: type[Panel[Any]]
    least: int
    """Rows below which it is not shown."""
    digit: str = ""
    """The key that switches it off and on; empty when none does."""
    title: str = ""
    """What the palette calls it."""


PANELS: Final = (
    PanelRow("scrubber", Scrubber, 1),
    PanelRow("memory", MemoryPanel, 3, "1", "memory"),
    PanelRow("verdict", VerdictPanel, 2, "5", "verdict"),
    PanelRow("timeline", TimelinePanel, 3, "2", "timeline"),
    PanelRow("gate", GatePanel, 4, "6", "idle gate"),
    PanelRow("who", WhoPanel, 4),
    PanelRow("comeback", ComebackPanel, 4),
    PanelRow("ledger", LedgerPanel, 12),
    PanelRow("groups", GroupsPanel, 3),
    PanelRow("outcomes", OutcomesPanel, 2),
    PanelRow("pressure", PressurePanel, 2),
    PanelRow("findings", FindingsPanel, 2),
    PanelRow("hogs", HogsPanel, 1, "3", "hogs"),
    PanelRow("events", EventsPanel, 3, "4", "events"),
)
"""In the order in which they are composed, which is that of the focus."""
LEAST: Final = {row.name: row.least for row in PANELS}
PANEL_KEYS: Final = tuple(
    Key(
        row.digit,
        "1-6" if row.digit == "1" else row.digit,
        f"fold('{row.name}')",
        f"{row.title} on or off",
        "Panels on or off, in order" if row.digit == "1" else "",
        "view",
        phrase=f"Show or hide the panel: {row.title}",
    )
    for row in sorted(PANELS, key=lambda row: row.digit)
    if row.digit
)
"""Their rows in the table of keys."""

WIDE: Final = 120
"""From this width on panels stand to the right of the timeline."""
WIDER: Final = 160
WIDEST: Final = 240
TALL: Final = 24
"""Rows that panels to the right of the timeline need."""
TALLER: Final = 40
"""Rows of a terminal where the hogs of a demo have a row each."""
SIDE: Final[tuple[tuple[int, tuple[tuple[int, tuple[str, ...]], ...]], ...]] = (
    (
        WIDEST,
        (
            (52, ("ledger", "comeback", "groups", "outcomes")),
            (56, ("who", "gate", "hogs", "pressure", "findings")),
        ),
    ),
    (WIDER, ((62, ("who", "comeback", "gate", "outcomes", "pressure", "hogs", "findings")),)),
    (WIDE, ((48, ("gate", "who", "hogs")),)),
)
"""From which width on which columns stand at the right: their widths, and their panels from top to bottom."""
FIRST: Final[tuple[str, ...]] = ("hogs", "who", "ledger", "gate", "comeback", "findings", "groups")
"""Which panels of a column get their rows first when there are not enough for all."""
FILLS: Final[tuple[str, ...]] = ("comeback", "pressure", "outcomes")
"""What stands in a column only where all others have what they want: a longer form of the first, and these panels."""
LONGER: Final = {"comeback": MORE_ORDERS}
"""Rows more of a panel's longer form."""
LATE: Final = "findings"
LATE_ROWS: Final = 8
"""In a column with what could come back, the findings take what all others leave, if that is so many rows: the strip
has the first of them already."""
GROWS: Final = ("findings", "who", "groups")
"""Which panel of a column takes the rows that are left then."""


MOST_EVENTS: Final = 14
"""Rows of the events at most, where nothing else leaves them more."""
PHASE_ROWS: Final = 3
"""Rows of the strip while a demo shows its phases: the phase, what it shows, how far it is."""
DEMO_EVENTS: Final = 5
"""Rows of the events below the timeline while a demo goes on, where the hogs stand there too."""
DEMO_WAYS: Final = 7
"""Rows of what could come back in a demo, whose phases have up to four ways."""


class Place(Struct, frozen=True):
    """Where a panel stands, in cells."""

    x: int
    y: int
    width: int
    height: int


Layout = Mapping[str, Place]
"""The place of each panel that is shown, by its name."""


def width_of(name: str, width: int, height: int) -> int:
    """Cells of a panel on a terminal of ``width`` x ``height``, besides the timeline's."""
    columns = side_columns(width, height)
    return next((cells for cells, names in columns if name in names), width)


def side_columns(width: int, height: int) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The columns to the right of the timeline: their widths and their panels."""
    if height < TALL:
        return ()
    return next((columns for least, columns in SIDE if width >= least), ())


def lay_out(
    width: int,
    height: int,
    wanted: Mapping[str, int],
    *,
    hidden: Set[str] = frozenset(),
    gate: bool = False,
    scrubber: bool = False,
    demo: int | None = None,
) -> Layout | None:
    """Share a terminal among the panels; None when it is too small for any.

    The status line has the first row and the keys the last.

    Args:
        width: columns of the terminal.
        height: its rows.
        wanted: rows that show all that a panel has to show; a panel that is not named wants one.
        hidden: panels that the user has switched off.
        gate: whether there is an idle gate to show.
        scrubber: whether there is a line of time to show.
        demo: hogs of the demo that goes on; None: there is none. What its phases need has its rows in all of them.
    """
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return None
    off = hidden if gate else hidden | {"gate"}
    columns = side_columns(width, height) if "timeline" not in off else ()
    if demo is not None:
        wanted = {**wanted, **rows_of_demo(demo, stacked=not columns, tall=height >= TALLER)}
    places: dict[str, Place] = {}
    y = 1
    if scrubber and has_row_for_time(height, off):
        places["scrubber"] = Place(0, y, width, 1)
        y += 1
    rows = height - 1 - y
    for name, most in top_rows(rows, wanted, off):
        places[name] = Place(0, y, width, most)
        y, rows = y + most, rows - most
    beside = {name for _, names in columns for name in names}
    left = width - sum(column for column, _ in columns)
    need = max((sum(wanted.get(name, 1) for name in names if name not in off) for _, names in columns), default=0)
    below = share_rows(rows, wanted, off, stacked=not columns, need=need)
    for name in ("timeline", "events", "hogs"):
        take = below.get(name, 0)
        if not take or (name in beside):
            continue
        if name == "timeline" and columns:
            places |= stack_columns(columns, left, y, take, wanted, off)
            places[name] = Place(0, y, left - 1, take)
        else:
            places[name] = Place(0, y, width, take)
        y += take
    return places


def has_row_for_time(height: int, off: Set[str]) -> bool:
    """Whether there is a row for the line of time besides the timeline's least rows.

    A timeline with fewer would vanish, and a drag over it would end where it began.
    """
    shown = [name for name in ("memory", "verdict", "timeline") if name not in off]
    return "timeline" not in shown or height - 2 != sum(LEAST[name] for name in shown)


def rows_of_demo(hogs: int, *, stacked: bool, tall: bool) -> dict[str, int]:
    """Rows of the panels whose content comes and goes with the phases of a demo.

    Its hogs, which are all alike, take one row together; on a tall terminal a row each.
    """
    return {
        "verdict": PHASE_ROWS,
        "hogs": 1 + hogs if tall else 1,
        "events": DEMO_EVENTS if stacked else MOST_EVENTS,
        "comeback": DEMO_WAYS,
    }


def top_rows(rows: int, wanted: Mapping[str, int], off: Set[str]) -> Iterable[tuple[str, int]]:
    """Yield the rows of bars and verdict."""
    if "memory" not in off:
        memory = wanted.get("memory", 3) if rows >= 14 else 3
        yield "memory", memory
        rows -= memory
    if "verdict" not in off:
        most = 2 if rows < 7 else 3 if rows < 15 else 5
        verdict = max(LEAST["verdict"], min(wanted.get("verdict", 3), most))
        yield "verdict", rows if rows - verdict < LEAST["timeline"] else verdict


def share_rows(rows: int, wanted: Mapping[str, int], off: Set[str], *, stacked: bool, need: int = 0) -> dict[str, int]:
    """Rows of timeline, events and hogs below bars and verdict; the hogs only where they stand there too.

    To the right of the timeline are panels that fill ``need`` rows: events may have what these leave.
    """
    hogs = 0
    if stacked and "hogs" not in off and rows >= 6:
        hogs = min(wanted.get("hogs", 1), 1 + min(4, max(1, rows - 9)))
    rows -= hogs
    events = 0
    if "events" not in off and rows >= LEAST["timeline"] + LEAST["events"]:
        most = min(rows * 2 // 5 if stacked else rows // 3, MOST_EVENTS)
        most = most if stacked else max(most, rows - max(need, TALL))
        events = max(LEAST["events"], min(most, max(5, wanted.get("events", 5))))
    if "timeline" in off:
        events = rows if "events" not in off else 0
    timeline = 0 if "timeline" in off else rows - events
    if timeline < LEAST["timeline"]:
        timeline = 0
    return {"timeline": timeline, "events": events, "hogs": hogs}


def stack_columns(
    columns: Sequence[tuple[int, tuple[str, ...]]], x: int, y: int, rows: int, wanted: Mapping[str, int], off: Set[str]
) -> dict[str, Place]:
    """Places of the panels to the right of the timeline."""
    places: dict[str, Place] = {}
    for number, (width, names) in enumerate(columns):
        top = y
        gap = 1 if number < len(columns) - 1 else 0  # a blank before the next column
        for name, take in stack([name for name in names if name not in off], rows, wanted).items():
            places[name] = Place(x, top, width - gap, take)
            top += take
        x += width
    return places


def stack(names: list[str], rows: int, wanted: Mapping[str, int]) -> dict[str, int]:
    """Rows of panels one below the other.

    The least of each by importance, then what each wants, then what fills a column, then a blank row below each.
    """
    taken = dict.fromkeys(names, 0)
    late = LATE if "comeback" in taken else ""
    order = [name for name in FIRST if name in taken and name != late]
    for name in order:
        least = min(LEAST[name], max(1, wanted.get(name, LEAST[name])))
        if least <= rows:
            taken[name], rows = least, rows - least
    for name in order:
        more = min(rows, max(0, wanted.get(name, 1) - taken[name])) if taken[name] else 0
        taken[name], rows = taken[name] + more, rows - more
    for name in FILLS:
        more = LONGER.get(name, 0) if taken.get(name) else 0 if name in order else wanted.get(name, LEAST[name])
        if name in taken and more <= rows:
            taken[name], rows = taken[name] + more, rows - more
    if late in taken and rows >= LATE_ROWS:
        taken[late], rows = LATE_ROWS, rows - LATE_ROWS
    shown = [name for name in names if taken[name]]
    for name in shown[: min(rows, len(shown) - 1)]:
        taken[name], rows = taken[name] + 1, rows - 1
    grows = next((name for name in GROWS if taken.get(name)), None) or next(iter(shown), None)
    if grows is not None:
        taken[grows] += rows
    return {name: take for name, take in taken.items() if take}
