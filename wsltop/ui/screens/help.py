"""The help card, made from the table of keys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from wsltop.charts.cells import Line, Span, merged
from wsltop.charts.glyphs import Glyphs
from wsltop.ui.bindings import GROUPS, KEYS, Group, Key
from wsltop.ui.paint import fit_spans, heading
from wsltop.ui.widgets.panel import Panel

LEGEND: tuple[tuple[str, str, str], ...] = (
    ("anonymous", "anonymous", "of programs"),
    ("shared", "shared", "tmpfs, shm"),
    ("kernel", "other kernel", "tables, stacks"),
    ("slab", "slab", "kernel's objects"),
    ("cache", "cache", "can be dropped"),
    ("fragmented", "fragmented free", "too scattered"),
    ("reportable", "reportable free", "given back"),
)
"""What the segments of the guest's bar are."""

WIDTH = 78
KEY_WIDTH = 8


class HelpCard(Panel[tuple[Line, ...]]):
    """The lines of the help."""

    def paint(self, view: tuple[Line, ...], width: int, height: int) -> list[Line]:
        """The lines, fitted."""
        return [fit_spans(line, width, self.glyphs) for line in view]


class HelpScreen(ModalScreen[None]):
    """Shows all keys and the legend; Escape, q, ? or h closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,h,f1", "dismiss", "close", show=False)]

    def __init__(self, glyphs: Glyphs, works: Callable[[Key], bool]) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.lines = tuple(help_lines(glyphs, works))

    def compose(self) -> ComposeResult:
        """One scrollable card."""
        with VerticalScroll():
            card = HelpCard(self.glyphs, id="card")
            card.styles.height = len(self.lines)
            yield card

    def on_mount(self) -> None:
        """Show the lines."""
        self.query_one(HelpCard).show(self.lines)
        self.query_one(VerticalScroll).focus()


def help_lines(glyphs: Glyphs, works: Callable[[Key], bool]) -> list[Line]:
    """The card: two columns that fit 80x24."""
    left = [*key_lines("hogs", works), (), *key_lines("events", works), (), *key_lines("program", works)]
    right = [*key_lines("view", works), (), *legend_lines(glyphs)]
    half = WIDTH // 2
    rows = [
        merged([*fit_spans(one, half, glyphs), *fit_spans(other, WIDTH - half, glyphs)])
        for one, other in zip_longest(left, right, fillvalue=())
    ]
    return [heading("wsltop: where the memory of WSL2 goes", "Esc closes", WIDTH, glyphs), *rows]


def key_lines(group: Group, works: Callable[[Key], bool]) -> list[Line]:
    """One group's keys, each with what it does; those that do nothing now are muted."""
    lines: list[Line] = [(Span(f" {dict(GROUPS)[group]}", "title"),)]
    for key in KEYS:
        if key.group == group:
            live = works(key)
            lines.append(
                (
                    Span(f"  {key.shown:<{KEY_WIDTH}}", "key" if live else "muted"),
                    Span(key.help, "value" if live else "muted"),
                )
            )
    return lines


def legend_lines(glyphs: Glyphs) -> list[Line]:
    """The bar's segments, in their glyphs and colors."""
    lines: list[Line] = [(Span(" The guest's bar", "title"),)]
    for style, name, meaning in LEGEND:
        lines.append((Span(f"  {glyphs.fill(style)} ", style), Span(f"{name:<16}", "value"), Span(meaning, "muted")))
    return lines
