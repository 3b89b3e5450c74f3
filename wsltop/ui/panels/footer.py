"""The footer: the keys that work now, as many as fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.ui.bindings import KEYS, Key
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit, row, width_of


class KeyHint(Struct, frozen=True):
    """One key and its word."""

    key: str
    label: str
    action: str = ""
    plain: bool = False
    """Whether the key says enough where there is no room for its word."""


class KeyBarView(Struct, frozen=True):
    """The footer: hints by importance, and those that stay whatever gives way."""

    hints: tuple[KeyHint, ...]
    pinned: tuple[KeyHint, ...]
    notice: str = ""
    """What has just happened, in the place of the hints."""


class KeyRow(Panel[KeyBarView]):
    """One row of keys, which can be clicked."""

    _places: tuple[tuple[int, int, str], ...] = ()
    """Where each key stands: its first cell, the one behind its last, its action."""

    def paint(self, view: KeyBarView, width: int, height: int) -> list[Line]:
        """The line: hints are left out whole, never cut."""
        right = [span for hint in view.pinned for span in spell(hint, " ")]
        start = width - width_of(right)
        places: list[tuple[int, int, str]] = []
        left, room = [Span(" ")], start - 1
        if view.notice:
            left.append(Span(fit(view.notice, max(0, room - 1), self.glyphs), "warning"))
        for hint, spans in spelled(() if view.notice else view.hints, room):
            at = width_of(left)
            if at + width_of(spans) - 1 <= room:
                places.append((at, at + width_of(spans) - 2, hint.action))
                left += spans
        for hint in view.pinned:
            end = start + width_of(spell(hint, " "))
            places.append((start, end - 1, hint.action))
            start = end
        self._places = tuple(places)
        return [row(left, right, width, self.glyphs)]

    def action_at(self, x: int, y: int) -> str:
        """The action of the key under the mouse."""
        return next((action for start, end, action in self._places if start <= x < end), "")


class KeyBar(KeyRow):
    """The keys of the main screen."""

    _shown: tuple[tuple[Key, ...], bool, bool] | None = None

    def update(self, context: Context) -> None:
        """Show the keys that work now; that is asked at each tick and changes seldom."""
        shown = (tuple(filter(context.works, FOOTER)), context.frozen, context.time_line is not None)
        if shown != self._shown:
            self._shown = shown
            self.show(footer_view(shown[0], frozen=shown[1], stepping=shown[2]))


def spelled(hints: tuple[KeyHint, ...], room: int) -> list[tuple[KeyHint, list[Span]]]:
    """Keys with their words; those that say enough lose theirs, the last first, until all of them have room."""
    last = max((index for index, hint in enumerate(hints) if hint.plain), default=-1)
    shown = [spell(hint, "  ") for hint in hints]
    for index in range(last, -1, -1):
        if 1 + sum(width_of(spans) for spans in shown[: last + 1]) - 2 <= room:
            break
        if hints[index].plain:
            shown[index] = [Span(hints[index].key, "key"), Span("  ", "note")]
    return list(zip(hints, shown, strict=True))


def spell(hint: KeyHint, gap: str) -> list[Span]:
    """A key and its word, with a gap behind them."""
    return [Span(hint.key, "key"), Span(f" {hint.label}{gap}", "note")]


PLAIN: Final = {"app.pause", "app.card('ledger')", "app.card('holders')"}
"""Keys that stand without their word where there is no room for it."""
FOOTER: Final = tuple(key for key in KEYS if key.footer)
"""The keys that the footer may name."""


def footer_view(works: Iterable[Key], *, frozen: bool, stepping: bool) -> KeyBarView:
    """The keys that work now, the most important first.

    Args:
        works: the keys that do something now.
        frozen: whether the view stands still while samples go on.
        stepping: whether one can go through time: then the keys for that come first.
    """

    def rank(key: Key) -> tuple[bool, int]:
        return stepping and key.group != "replay" and key.action != "app.pause", key.footer

    shown = sorted((key for key in works if stepping or key.group != "replay"), key=rank)
    return KeyBarView(
        tuple(hint(key, frozen=frozen) for key in shown if not key.pinned),
        tuple(hint(key, frozen=frozen) for key in shown if key.pinned),
    )


def hint(key: Key, *, frozen: bool) -> KeyHint:
    """A key and its word."""
    name = key.shown if key.group == "replay" else key.shown.split()[0]
    label = "live" if key.action == "app.pause" and frozen else key.label
    return KeyHint(name, label, key.action, plain=key.action in PLAIN)
