"""How the user looks at the session: time window, filter, place in the lists, next hog. No widgets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from msgspec import Struct

from wsltop.core.session import Session
from wsltop.hogs.kinds import KINDS, PLAIN
from wsltop.model.event import Event
from wsltop.model.sample import Hog, ProcessUse
from wsltop.model.units import MIB

WINDOWS: Final = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0, 43200.0, 86400.0)
"""The time windows that ``+`` and ``-`` step through, in seconds."""
DEFAULT_WINDOW: Final = 300.0
GROWING: Final = (60.0, 120.0, 300.0)
"""What the timeline shows while the data comes in, until the user zooms: it never starts nearly empty."""
LEAST_HOG: Final = 64 * MIB
CHOICES: Final = ((PLAIN, False), (PLAIN, True), *((kind, False) for kind in KINDS if kind != PLAIN))
"""The kinds of hogs in turn, and whether their content is incompressible: of the plain ones it can be."""


class Position(Struct, frozen=True, kw_only=True):
    """Where the list of events stands."""

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


class ViewState(Struct, kw_only=True):
    """Changed by keys and mouse, read when the panels make their views."""

    window: float | None = None
    """Seconds that the timeline shows; None: it grows with the data."""
    everything: bool = False
    """Whether the events show all of the kernel log."""
    position: Position = Position()
    selected_hog: int | None = None
    selected_process: tuple[int, int] | None = None
    """Pid and start time: the selection follows the process, not the row."""
    hog_size: int
    """Bytes of the next hog."""
    hog_kind: str = PLAIN
    hog_incompressible: bool = False
    hidden: frozenset[str] = frozenset()
    """Names of the panels that the user has switched off."""
    held: tuple[Event, ...] | None = None
    """The events as they were when the list stopped following."""

    def zoom(self, step: int, shown: float) -> None:
        """Take the next longer (1) or shorter (-1) window than ``shown`` seconds."""
        nearest = min(range(len(WINDOWS)), key=lambda index: abs(WINDOWS[index] - shown))
        self.window = WINDOWS[min(len(WINDOWS) - 1, max(0, nearest + step))]

    def resize_hog(self, step: int, most: int) -> None:
        """Double (1) or halve (-1) the size of the next hog, within 64 MiB and ``most``."""
        size = self.hog_size * 2 if step > 0 else self.hog_size // 2
        self.hog_size = max(LEAST_HOG, min(size, max(LEAST_HOG, most)))

    def change_kind(self) -> None:
        """Take the next kind of hog."""
        place = CHOICES.index((self.hog_kind, self.hog_incompressible)) + 1
        self.hog_kind, self.hog_incompressible = CHOICES[place % len(CHOICES)]

    def move_hog(self, step: int, hogs: Sequence[Hog]) -> None:
        """Select the hog ``step`` rows on."""
        ids = [hog.id for hog in hogs]
        if not ids:
            self.selected_hog = None
            return
        chosen = self.chosen_hog(hogs)
        place = ids.index(self.selected_hog if chosen is None and self.selected_hog in ids else chosen or ids[-1])
        self.selected_hog = ids[min(len(ids) - 1, max(0, place + step))]

    def chosen_hog(self, hogs: Sequence[Hog]) -> int | None:
        """The selected hog, or the newest that is not ending already."""
        alive = [hog.id for hog in hogs if hog.status != "ending"]
        if self.selected_hog in alive:
            return self.selected_hog
        return alive[-1] if alive else None

    def chosen_process(self, processes: Sequence[ProcessUse]) -> ProcessUse | None:
        """The selected process, or the biggest."""
        found = (use for use in processes if (use.pid, use.started) == self.selected_process)
        return next(found, processes[0] if processes else None)

    def move_process(self, step: int, processes: Sequence[ProcessUse]) -> None:
        """Select the process ``step`` rows on."""
        chosen = self.chosen_process(processes)
        if chosen is not None:
            place = min(len(processes) - 1, max(0, list(processes).index(chosen) + step))
            self.selected_process = (processes[place].pid, processes[place].started)

    def toggle(self, panel: str) -> None:
        """Show a hidden panel, hide a shown one."""
        self.hidden ^= {panel}

    def events(self, session: Session) -> Sequence[Event]:
        """The events to list, oldest first.

        While the list stands still, what it showed keeps its place: the log may merge, insert and drop events, and
        here only what is newer is added.
        """
        events = session.journal.events(self.everything)
        if not self.held:
            return events
        last = self.held[-1].start
        newer = bisect_right(events, last, key=attrgetter("start"))
        return self.held + tuple(events[newer:])

    def selected_event(self, session: Session) -> Event | None:
        """The event that is selected, or None while the list follows its end."""
        position = self.position
        if position.following or position.cursor is None:
            return None
        events = self.events(session)
        return events[position.cursor] if position.cursor < len(events) else None

    def follow(self) -> None:
        """Let the list of events follow its end."""
        self.position = Position()
        self.held = None

    def move_events(self, session: Session, step: int | None, rows: int) -> None:
        """Move the selection in a list of ``rows`` rows by ``step``; None goes to the first event."""
        events = self.events(session)
        count = len(events)
        self._place(move(self.position, -count if step is None else step, count, rows), events)

    def pick_event(self, session: Session, row: int, rows: int) -> None:
        """Select the event in row ``row`` of a list of ``rows`` rows."""
        events = self.events(session)
        top = max(0, len(events) - rows) if self.position.following else self.position.top
        if top + row < len(events):
            self._place(Position(top=top, cursor=top + row, following=False, seen=len(events)), events)

    def _place(self, position: Position, events: Sequence[Event]) -> None:
        """Stand at ``position`` in ``events``, which stay as they are until the list follows its end again."""
        self.position = position
        if position.following:
            self.held = None
        elif self.held is None:
            self.held = tuple(events)
