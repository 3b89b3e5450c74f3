"""The events of a recording as rows of its table ``event``, worked out from the samples as the live screen does.

They are those that the screen shows before all of the kernel log is asked for; the samples hold the other lines.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import msgspec

from wsltop.core.event_log import MERGE_WITHIN, EventLog, first_text, is_line, merge_keys
from wsltop.core.events import derive, interpret_record, mark_event, tell_hogs
from wsltop.model.event import Event
from wsltop.model.reading import Unavailable
from wsltop.model.sample import Sample

GAP: Final = "recording: nothing for "
"""How the mark begins that says for how long nothing was recorded."""
CLOCK: Final = "clock: set "
"""How the mark begins that says that the wall clock was set."""
KINDS: Final = {GAP: "gap", CLOCK: "clock"}
Key: TypeAlias = tuple[float, str, str, str]
"""Start, kind, origin and text of an event, by which it is known again."""
REMEMBERED: Final = 4000
"""Events that may still go on, and be told by the same row."""


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
    """

    def __init__(self, interval: float, first: int) -> None:
        self._log = EventLog(merge_within=max(MERGE_WITHIN, 2.5 * interval))
        self._previous: Sample | None = None
        self._next = first
        self._known: dict[Key, tuple[Event, EventRow]] = {}

    def take(self, sample: Sample, number: int, offset: float) -> tuple[EventRow, ...]:
        """The rows that are new or changed with a sample.

        Args:
            sample: the next one.
            number: its number in the recording.
            offset: what the recording's own clock is ahead of the sample's.
        """
        version = self._log.version()
        added = tuple(self._tell(sample))
        self._log.add(added)
        self._previous = sample
        log = sample.kernel_log
        if not isinstance(log, Unavailable):
            self._log.lost(log.lost, time=sample.time, monotonic=sample.monotonic, origin=log.origin)
        if self._log.version() == version:
            return ()
        first = min([sample.monotonic, *(event.start for event in added)])
        rows = []
        for event in self._log.events():
            if event.end < first:
                continue
            key = key_of(event)
            known = self._known.pop(key, None)
            if known is None or known[0] != event:
                row = self._make(event, number, offset, None if known is None else known[1])
                rows.append(row)
                known = event, row
            self._known[key] = known
        for key in list(self._known)[: max(0, len(self._known) - REMEMBERED)]:
            del self._known[key]
        return tuple(rows)

    def _tell(self, sample: Sample) -> list[Event]:
        """The events between the sample before and this one, in the order in which the session takes them."""
        previous, log = self._previous, sample.kernel_log
        found: list[Event] = []
        since = None
        if previous is not None:
            found += derive(previous, sample) + tell_hogs(previous, sample)
            since = None if isinstance(previous.kernel_log, Unavailable) else previous.monotonic
        if not isinstance(log, Unavailable):
            found += (
                interpret_record(record, log.origin, now=sample.monotonic, time=sample.time, since=since)
                for record in log.records
            )
        found += map(mark_event, sample.marks)
        return found

    def _make(self, event: Event, number: int, offset: float, before: EventRow | None) -> EventRow:
        kind = next((kind for begin, kind in KINDS.items() if event.text.startswith(begin)), event.kind)
        if before is None:
            self._next += 1
        return EventRow(
            number=self._next - 1 if before is None else before.number,
            sample=number if before is None else before.sample,
            time=event.time,
            monotonic=event.start + offset,
            seconds=max(0.0, event.end - event.start),
            kind=kind if event.kind == "mark" else event.kind,
            origin=event.origin,
            level=event.level,
            text=event.text,
            amounts=msgspec.json.encode(event.amounts).decode(),
        )


def key_of(event: Event) -> Key:
    """What stays the same of an event while it goes on."""
    text = first_text(event) if is_line(event) or not merge_keys(event) else ""
    return event.start, event.kind, event.origin, text
