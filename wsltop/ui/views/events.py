"""The list of kernel messages and memory events: a window on the journal that follows its end or stands still."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wsltop.core.event import Event
from wsltop.core.text import clean

GONE: Final = {"killed", "ended"}
"""Amounts of a hog's event that tell of its end."""


class EventRow(Struct, frozen=True, kw_only=True):
    """One event."""

    clock: str
    kind: str
    mark: str
    """Which sign stands before it."""
    text: str
    origin: str
    style: str
    selected: bool


class EventsView(Struct, frozen=True, kw_only=True):
    """The events panel."""

    rows: tuple[EventRow, ...]
    filter: str
    state: str
    """``TAIL``, or how many came since the list stands still."""
    problem: str
    """Why the kernel log cannot be read; empty when it can."""
    focused: bool


class Position(Struct, frozen=True, kw_only=True):
    """Where the list stands."""

    top: int = 0
    """Index of the first row shown; counts only while ``following`` is off."""
    cursor: int | None = None
    """Index of the selected event."""
    following: bool = True
    seen: int = 0
    """Events that there were when following stopped."""


def move(position: Position, step: int, count: int, rows: int) -> Position:
    """Move the selection by ``step`` in a list of ``count`` events of which ``rows`` are shown.

    Moving up stops following; reaching the end by moving down resumes it.
    """
    if not count:
        return position
    start = count - 1 if position.cursor is None or position.following else position.cursor
    cursor = min(count - 1, max(0, start + step))
    if step > 0 and cursor == count - 1:
        return Position()
    top = max(0, count - rows) if position.following else position.top
    top = min(top, cursor) if cursor < top else max(top, cursor - rows + 1)
    seen = count if position.following else position.seen
    return Position(top=top, cursor=cursor, following=False, seen=seen)


def events_view(
    events: Sequence[Event], position: Position, *, rows: int, everything: bool, problem: str, focused: bool
) -> EventsView:
    """What the events panel says of ``events``, oldest first."""
    count = len(events)
    top = max(0, count - rows) if position.following else min(position.top, max(0, count - 1))
    cursor = None if position.following else position.cursor
    shown = events[top : top + rows]
    new = count - position.seen
    return EventsView(
        rows=tuple(event_row(event, selected=top + index == cursor) for index, event in enumerate(shown)),
        filter="all" if everything else "memory",
        state="TAIL" if position.following else (f"{new} new, End follows" if new > 0 else "End follows"),
        problem=problem,
        focused=focused,
    )


def event_row(event: Event, *, selected: bool) -> EventRow:
    """One event's row."""
    style = "error" if event.level <= 3 else "warning" if event.level == 4 else "value"
    return EventRow(
        clock=time.strftime("%H:%M:%S", time.localtime(event.time)),
        kind=event.kind,
        mark="kill" if event.kind == "hog" and GONE & event.amounts.keys() else event.kind,
        text=clean(event.text),
        origin=event.origin,
        style=style,
        selected=selected,
    )
