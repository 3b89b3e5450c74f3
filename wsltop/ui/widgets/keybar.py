"""The footer: the keys that work now, as many as fit; help and quit always."""

from __future__ import annotations

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.ui.paint import row, width_of
from wsltop.ui.widgets.panel import Panel


class KeyHint(Struct, frozen=True):
    """One key and its word."""

    key: str
    label: str


class KeyBarView(Struct, frozen=True):
    """The footer: hints by importance, and those that stay whatever gives way."""

    hints: tuple[KeyHint, ...]
    pinned: tuple[KeyHint, ...]


class KeyBar(Panel[KeyBarView]):
    """One row of keys."""

    def paint(self, view: KeyBarView, width: int, height: int) -> list[Line]:
        """The line: hints are left out whole, never cut."""
        right = [span for hint in view.pinned for span in spell(hint)]
        left = [Span(" ")]
        room = width - width_of(right) - 1
        for hint in view.hints:
            spans = spell(hint)
            if width_of(left) + width_of(spans) <= room:
                left += spans
        return [row(left, right, width, self.glyphs)]


def spell(hint: KeyHint) -> list[Span]:
    """A key and its word."""
    return [Span(hint.key, "key"), Span(f" {hint.label}  ", "note")]
