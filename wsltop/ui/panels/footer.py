"""The footer: the keys that work now, as many as fit."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.ui.bindings import KEYS, Key
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit, row, width_of
from wsltop.ui.panels.verdict import recommended


class KeyHint(Struct, frozen=True):
    """One key and its word."""

    key: str
    label: str
    action: str = ""
    plain: int = 0
    """Where there is little room the word of the lowest number goes first; 0: the key keeps its word."""
    now: bool = False
    """Whether it is what one wants to press now: then it comes first where it would have no room."""


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
        for hint, spans in () if view.notice else chosen(view.hints, room):
            at = width_of(left)
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


class Standing(NamedTuple):
    """What the footer depends on."""

    works: tuple[Key, ...]
    """The keys that do something now."""
    now: tuple[str, ...]
    """The actions that one wants now."""
    words: tuple[tuple[str, str], ...]
    """Actions that have another word now, and that word."""
    stepping: bool
    """Whether one can go through time: then the keys for that come first."""


class KeyBar(KeyRow):
    """The keys of the main screen."""

    _shown: Standing | None = None

    def update(self, context: Context) -> None:
        """Show the keys that work now; that is asked at each tick and changes seldom."""
        shown = standing_of(context)
        if shown != self._shown:
            self._shown = shown
            self.show(footer_view(shown))


def standing_of(context: Context) -> Standing:
    """What the footer depends on, as it is now."""
    demo = context.running_demo
    now: tuple[str, ...] = (recommended(context),) if context.can_act else ()
    words: dict[str, str] = {}
    if demo is not None:
        words["app.experiment"] = "end"
        words["app.pause"] = "go on" if demo.held else "hold"
        now = ("app.experiment", "app.pause")
    if context.frozen:
        words["app.pause"] = "live"
        now = ("app.pause",)
    works = tuple(filter(context.works, FOOTER))
    return Standing(works, now, tuple(words.items()), context.time_line is not None)


def chosen(hints: tuple[KeyHint, ...], room: int) -> list[tuple[KeyHint, list[Span]]]:
    """The keys that have room, with their words; none is cut."""
    shown = fitting(hints, room)
    if all(hint in [one for one, _ in shown] for hint in hints if hint.now):
        return shown
    return fitting(tuple(sorted(hints, key=lambda hint: not hint.now)), room)


def fitting(hints: tuple[KeyHint, ...], room: int) -> list[tuple[KeyHint, list[Span]]]:
    """Those of the keys that have room, in their order."""
    shown: list[tuple[KeyHint, list[Span]]] = []
    at = 1
    for hint, spans in spelled(hints, room):
        if at + width_of(spans) - 1 <= room:
            shown.append((hint, spans))
            at += width_of(spans)
    return shown


def spelled(hints: tuple[KeyHint, ...], room: int) -> list[tuple[KeyHint, list[Span]]]:
    """Keys with their words; some lose theirs where that lets all up to the last of them stand there."""
    whole = [spell(hint, "  ") for hint in hints]
    plain = sorted((hint.plain, index) for index, hint in enumerate(hints) if hint.plain)
    last = max((index for _, index in plain), default=-1)
    shown = list(whole)
    for _, index in [(0, -1), *plain]:
        if index >= 0:
            shown[index] = [Span(hints[index].key, "key"), Span("  ", "note")]
        if 1 + sum(width_of(spans) for spans in shown[: last + 1]) - 2 <= room:
            return list(zip(hints, shown, strict=True))
    return list(zip(hints, whole, strict=True))


def spell(hint: KeyHint, gap: str) -> list[Span]:
    """A key and its word, with a gap behind them."""
    return [Span(hint.key, "key"), Span(f" {hint.label}{gap}", "note")]


PLAIN: Final = {"app.card('ledger')": 1, "app.card('holders')": 2, "app.card('verdict')": 3, "app.pause": 4}
"""Keys that say enough without their word, and the order in which they lose it."""
FOOTER: Final = tuple(key for key in KEYS if key.footer)
"""The keys that the footer may name."""


def footer_view(standing: Standing) -> KeyBarView:
    """The keys that work now, the most important first."""

    def rank(key: Key) -> tuple[bool, int]:
        return standing.stepping and key.group != "replay" and key.action != "app.pause", key.footer

    shown = sorted((key for key in standing.works if standing.stepping or key.group != "replay"), key=rank)
    hints = [hint(key, standing) for key in shown]
    return KeyBarView(
        tuple(one for one, key in zip(hints, shown, strict=True) if not key.pinned),
        tuple(one for one, key in zip(hints, shown, strict=True) if key.pinned),
    )


def hint(key: Key, standing: Standing) -> KeyHint:
    """A key and its word."""
    name = key.shown if key.group == "replay" else key.shown.split()[0]
    word = dict(standing.words).get(key.action)
    plain = 0 if word is not None else PLAIN.get(key.action, 0)
    return KeyHint(name, word or key.label, key.action, plain=plain, now=key.action in standing.now)
