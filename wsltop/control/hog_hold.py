"""What a hog holds once it has its memory. Imported by the hog: see ``hog`` for what may be imported."""

from __future__ import annotations

from collections.abc import Callable


class Hold:
    """What must stay referred to, and what there is to do meanwhile."""

    __slots__ = ("memory", "note", "tick")

    def __init__(self, memory: object, *, note: str = "", tick: Callable[[], float] | None = None) -> None:
        self.memory = memory
        """The mapping, or the file."""
        self.note = note
        """What to tell about it, as a clause."""
        self.tick = tick
        """Called now and then; returns the seconds until the next time. ``None``: sleep until the parent ends."""
