"""How the user looks at the session: time window, filter, place in the lists, frozen or not. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wsltop.core.event import Event
from wsltop.core.sample import Hog
from wsltop.core.session import Moment, Session
from wsltop.core.units import MIB
from wsltop.ui.views.events import Position
from wsltop.ui.views.timeline import DEFAULT_WINDOW, WINDOWS

LEAST_HOG: Final = 64 * MIB


class ViewState(Struct, kw_only=True):
    """Changed by keys, read when the panels are shown."""

    window: float = DEFAULT_WINDOW
    everything: bool = False
    """The events show all of the kernel log."""
    position: Position = Position()
    selected_hog: int | None = None
    hog_size: int
    hidden: frozenset[str] = frozenset()
    frozen: Moment | None = None
    """The moment at which the view was frozen, or None while it is live."""
    frozen_at: int = 0
    """How many samples there were then."""

    def zoom(self, step: int) -> None:
        """Take the next longer (1) or shorter (-1) window."""
        nearest = min(range(len(WINDOWS)), key=lambda index: abs(WINDOWS[index] - self.window))
        self.window = WINDOWS[min(len(WINDOWS) - 1, max(0, nearest + step))]

    def resize_hog(self, step: int, most: int) -> None:
        """Double (1) or halve (-1) the size of the next hog, within 64 MiB and ``most``."""
        size = self.hog_size * 2 if step > 0 else self.hog_size // 2
        self.hog_size = max(LEAST_HOG, min(size, max(LEAST_HOG, most)))

    def move_hog(self, step: int, hogs: Sequence[Hog]) -> None:
        """Select the hog ``step`` rows on."""
        ids = [hog.id for hog in hogs]
        if not ids:
            self.selected_hog = None
            return
        place = ids.index(self.selected_hog) if self.selected_hog in ids else len(ids) - 1 if step > 0 else len(ids)
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

    def freeze(self, session: Session) -> None:
        """Freeze the view at the newest moment, or go back to live."""
        self.frozen = None if self.frozen is not None else session.moment
        self.frozen_at = session.samples

    def events(self, session: Session) -> Sequence[Event]:
        """The events to list: those up to the shown moment."""
        events = session.journal.events(self.everything)
        if self.frozen is None:
            return events
        until = self.frozen.sample.monotonic
        return [event for event in events if event.start <= until]
