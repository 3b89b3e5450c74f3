"""The help card, made from the table of keys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest

from wsltop.charts.cells import Line, Span, merged
from wsltop.charts.glyphs import Glyphs
from wsltop.ui.bindings import GROUPS, KEYS, Group, Key
from wsltop.ui.cards.card import WIDTH
from wsltop.ui.layout import PANEL_KEYS
from wsltop.ui.paint import fit_spans, heading

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
KEY_WIDTH = 8


def help_lines(glyphs: Glyphs, works: Callable[[Key], bool]) -> list[Line]:
    """The card in two columns that fit 80x24; keys that ``works`` denies are muted."""
    groups: tuple[Group, ...] = ("replay", "hogs")
    shown = [group for group in groups if any(works(key) for key in KEYS if key.group == group)]
    shown = shown or ["replay"]
    left = [line for group in shown for line in key_lines(group, works)]
    if len(shown) == 1:  # in a pause of the live screen both, and there is no room for a blank
        left.append(())
    left += key_lines("program", works)
    right = [*key_lines("view", works), *key_lines("events", works), *legend_lines(glyphs)]
    half = WIDTH // 2
    rows = [
        merged([*fit_spans(one, half, glyphs), *fit_spans(other, WIDTH - half, glyphs)])
        for one, other in zip_longest(left, right, fillvalue=())
    ]
    return [heading("wsltop: where the memory of WSL2 goes", "Esc closes", WIDTH, glyphs), *rows]


def key_lines(group: Group, works: Callable[[Key], bool]) -> list[Line]:
    """One group's keys, each with what it does; those that do nothing now are muted."""
    lines: list[Line] = [(Span(f" {dict(GROUPS)[group]}", "title"),)]
    for key in (*KEYS, *PANEL_KEYS):
        if key.group == group and key.help:
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
