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
    yields: int = 0
    """Where there is little room the key of the lowest number goes first; 0: it goes last."""
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
    if demo is not None:
        now = ("app.experiment", "app.pause")
    if context.frozen:
        now = ("app.pause",)
    works = tuple(filter(context.works, FOOTER))
    return Standing(works, now, tuple(words_of(context).items()), context.time_line is not None)


def words_of(context: Context) -> dict[str, str]:
    """Actions that have another word now than in the table of keys, and that word."""
    demo = context.running_demo
    words: dict[str, str] = {}
    if demo is not None:
        words["app.experiment"] = "end"
        words["app.pause"] = "go on" if demo.held else "hold"
    if context.frozen:
        words["app.pause"] = "live"
    return words


def chosen(hints: tuple[KeyHint, ...], room: int) -> list[tuple[KeyHint, list[Span]]]:
    """The keys that have room, with their words; none is cut."""
    shown = fitting(hints, room)
    if all(hint in [one for one, _ in shown] for hint in hints if hint.now):
        return shown
    return fitting(tuple(sorted(hints, key=lambda hint: not hint.now)), room)


def fitting(hints: tuple[KeyHint, ...], room: int) -> list[tuple[KeyHint, list[Span]]]:
    """The keys that fit, in their order; keys with ``yields`` are dropped first, lowest number first.

    They are dropped only where the keys before and between them fit then.
    """
    yielding = sorted((hint.yields, index) for index, hint in enumerate(hints) if hint.yields)
    last = max((index for _, index in yielding), default=-1)
    shown = [(hint, spell(hint, "  ")) for hint in hints]
    for count in range(len(yielding) + 1):
        gone = {index for _, index in yielding[:count]}
        first = [pair for index, pair in enumerate(shown[: last + 1]) if index not in gone]
        if 1 + sum(width_of(spans) for _, spans in first) - 2 <= room:
            shown = [*first, *shown[last + 1 :]]
            break
    fits: list[tuple[KeyHint, list[Span]]] = []
    at = 1
    for hint, spans in shown:
        if at + width_of(spans) - 1 <= room:
            fits.append((hint, spans))
            at += width_of(spans)
    return fits


def spell(hint: KeyHint, gap: str) -> list[Span]:
    """A key and its word, with a gap behind them."""
    return [Span(hint.key, "key"), Span(f" {hint.label}{gap}", "note")]


YIELDING: Final = {"app.add_hogs(1)": 1, "app.pause": 2, "app.kill_hogs": 3}
"""Keys that are dropped first: the heading of the hogs names the first, and what the others do can wait."""
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
    yields = 0 if word is not None else YIELDING.get(key.action, 0)
    return KeyHint(name, word or key.label, key.action, yields=yields, now=key.action in standing.now)
