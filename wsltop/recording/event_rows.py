"""The events of a recording as rows of its table ``event``: those that the screen shows, from the same session.

Lines of the kernel log that are not about memory have no row; the samples hold them.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import msgspec

from wsltop.core.event_log import first_text, is_line, merge_keys
from wsltop.core.events import mark_event
from wsltop.core.session import Session
from wsltop.model.event import Event
from wsltop.model.sample import Mark, Sample

GAP: Final = "recording: nothing for "
"""How the mark begins that says for how long nothing was recorded."""
CLOCK: Final = "clock: set "
"""How the mark begins that says that the wall clock was set."""
KINDS: Final = {GAP: "gap", CLOCK: "clock"}
Key: TypeAlias = tuple[float, str, str, str]
"""Start, kind, origin and text of an event: what stays the same while it goes on."""
REMEMBERED: Final = 4000
"""Events that may still go on, and change their row."""


class EventRow(NamedTuple):
    """A row of the table ``event``."""

    number: int
    sample: int
    """Number of the sample with which it became known."""
    time: float
    monotonic: float
    """Its start on the recording's own clock."""
    seconds: float
    """How long it went on; 0 for a moment."""
    kind: str
    origin: str
    level: int
    text: str
    amounts: str
    """The figures behind the text, as a JSON object."""


class EventRows:
    """Makes the rows; an event that goes on over many samples is one row that changes.

    Args:
        interval: seconds between samples.
        first: the number of the first row.
        session: the session that takes each sample before it is recorded; None: one is made here.
    """

    def __init__(self, interval: float, first: int, session: Session | None) -> None:
        self._given = session is not None
        self._session = Session(interval) if session is None else session
        self._next = first
        self._seen = self._session.journal.events()
        """The events at the last sample. They are kept so that an id means the same event."""
        self._ids = set(map(id, self._seen))
        self._version = self._session.journal.version()
        self._rows: dict[Key, EventRow] = {}

    def take(self, sample: Sample, marks: tuple[Mark, ...], number: int, offset: float) -> tuple[EventRow, ...]:
        """The rows that are new or changed with a sample.

        Args:
            sample: the next one.
            marks: those of its marks that a given session does not know.
            number: its number in the recording.
            offset: what the recording's own clock is ahead of the sample's.
        """
        found: list[Event] = []
        if self._given:
            found += map(mark_event, marks)
        else:
            self._session.take(sample, shown=False)
        journal = self._session.journal
        if journal.version() != self._version:
            self._version = journal.version()
            events = journal.events()
            found += (event for event in events if id(event) not in self._ids)
            self._seen, self._ids = events, set(map(id, events))
        return tuple(self._make(event, number, offset) for event in found)

    def _make(self, event: Event, number: int, offset: float) -> EventRow:
        key = key_of(event)
        before = self._rows.pop(key, None)
        if before is None:
            self._next += 1
        kind = next((kind for begin, kind in KINDS.items() if event.text.startswith(begin)), "")
        row = self._rows[key] = EventRow(
            number=self._next - 1 if before is None else before.number,
            sample=number if before is None else before.sample,
            time=event.time,
            monotonic=event.start + offset,
            seconds=max(0.0, event.end - event.start),
            kind=kind if kind and event.kind == "mark" else event.kind,
            origin=event.origin,
            level=event.level,
            text=event.text,
            amounts=msgspec.json.encode(event.amounts).decode(),
        )
        if len(self._rows) > REMEMBERED:
            del self._rows[next(iter(self._rows))]
        return row


def key_of(event: Event) -> Key:
    """What stays the same of an event while it goes on."""
    text = first_text(event) if is_line(event) or not merge_keys(event) else ""
    return event.start, event.kind, event.origin, text
