"""How the user looks at the session: time window, filter, place in the lists. No widgets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from msgspec import Struct

from wsltop.core.session import Session
from wsltop.hogs.kinds import KINDS, PLAIN
from wsltop.model.event import Event
from wsltop.model.sample import Hog
from wsltop.model.units import MIB
from wsltop.ui.panels.events import Position
from wsltop.ui.panels.timeline import DEFAULT_WINDOW, WINDOWS

LEAST_HOG: Final = 64 * MIB
CHOICES: Final = ((PLAIN, False), (PLAIN, True), *((kind, False) for kind in KINDS if kind != PLAIN))
"""The kinds of hogs in turn, and whether their content is incompressible: of the plain ones it can be."""


class ViewState(Struct, kw_only=True):
    """Changed by keys, read when the panels are shown."""

    window: float = DEFAULT_WINDOW
    everything: bool = False
    """The events show all of the kernel log."""
    position: Position = Position()
    selected_hog: int | None = None
    hog_size: int
    hog_kind: str = PLAIN
    hog_incompressible: bool = False
    hidden: frozenset[str] = frozenset()
    held: tuple[Event, ...] | None = None
    """The events as they were when the list stopped following."""

    def zoom(self, step: int) -> None:
        """Take the next longer (1) or shorter (-1) window."""
        nearest = min(range(len(WINDOWS)), key=lambda index: abs(WINDOWS[index] - self.window))
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

    def toggle(self, panel: str) -> None:
        """Show a hidden panel, hide a shown one."""
        self.hidden ^= {panel}

    def follow(self) -> None:
        """Let the list of events follow its end."""
        self.position = Position()
        self.held = None

    def place(self, position: Position, events: Sequence[Event]) -> None:
        """Stand at ``position`` in ``events``, which stay as they are until the list follows its end again."""
        self.position = position
        if position.following:
            self.held = None
        elif self.held is None:
            self.held = tuple(events)

    def events(self, session: Session) -> Sequence[Event]:
        """The events to list, oldest first.

        While the list stands still, what it showed keeps its place: the journal may merge, insert and drop events, and
        here only what is newer is added.
        """
        events = session.journal.events(self.everything)
        if not self.held:
            return events
        last = self.held[-1].start
        newer = bisect_right(events, last, key=attrgetter("start"))
        return self.held + tuple(events[newer:])
