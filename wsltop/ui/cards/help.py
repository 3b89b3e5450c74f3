"""The help card, made from the table of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Final

from wsltop.charts.cells import Glyphs, Line, Span, merged
from wsltop.ui.bindings import GROUPS, KEYS, Group, Key
from wsltop.ui.layout import PANEL_KEYS
from wsltop.ui.panels.memory import BAR_PARTS
from wsltop.ui.panels.panel import fit_spans, heading, wrap

MEANINGS: tuple[tuple[str, str], ...] = (
    ("anonymous", "their own pages"),
    ("shared", "tmpfs, shm"),
    ("kernel", "tables, stacks"),
    ("slab", "kernel's objects"),
    ("cache", "can be dropped"),
    ("fragmented", "not given back"),
    ("reportable", "given back"),
)
"""What the segments of the guest's bar are, by their style."""
GLOSSARY: tuple[tuple[str, str], ...] = (
    ("lent", "memory that the virtual machine has and Windows does not"),
    ("used", "what programs and the kernel need: all that is not available"),
    ("expected", "what should be lent, computed from the guest's own counters"),
    ("programs", "memory of their own; what they map of files is counted as file cache in use"),
    ("held", "what a process has alone, and its part of what it shares or maps of files (PSS)"),
    ("file cache", "copies of files; Linux keeps them until it needs the memory"),
    ("scattered", "free, but in blocks too small to be reported to Windows"),
    ("reportable", "free, in larger blocks: Windows gets them back in about 30 s"),
    ("idle gate", "WSL drops cache or compacts only while all CPUs together are busy below 0.5 %"),
    ("hog", "a process of wsltop's own that takes memory on purpose"),
    ("floor", "the available memory that hogs always leave"),
    ("~862 MiB", "about: estimated until its pages are counted"),
    ("<862 MiB", "at most: it shares pages with others, and how many is not counted yet"),
    ("self 0.4 %", "what wsltop uses of one CPU, without its hogs; in the idle gate, of all CPUs, with them"),
)
"""Words of the screen, in the order in which a newcomer meets them."""
BESIDES: tuple[tuple[str, str], ...] = (
    ("mouse", "click keys, headings, bars, events; drag on the timeline looks back, the wheel zooms there"),
    ("selecting", "Shift and drag, or start with --no-mouse; in tmux the mouse needs: set -g mouse on"),
    ("w", "in a plan: run it as root through wsl.exe, which asks for no password"),
    ("reading", "wsltop snapshot --every 5 prints all of this as text, for screen readers too"),
)
"""What no row of the table of keys says."""
EVENT_SIGNS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("hog",), "a hog began, or is full"),
    (("kill", "cache drop", "proactive reclaim"), "a hog ended, the file cache was dropped, WSL reclaimed it"),
    (("return",), "Windows got memory back"),
    (("compaction",), "free memory was compacted"),
    (("direct reclaim",), "a program had to wait until the kernel had reclaimed memory"),
    (("swap",), "memory was swapped"),
    (("stall",), "tasks waited for memory"),
    (("oom kill",), "the kernel killed a process for lack of memory"),
    (("balloon",), "Windows took memory by the balloon, or gave it back"),
    (("init",), "a line of WSL's init"),
    (("log", "reporting"), "another line of the kernel log"),
    (("mark",), "what was done here: a phase of the demo, an action"),
)
"""Signs before events and on the timeline: kinds that share one, and what it means."""
KEY_WIDTH = 8
WORD_WIDTH = 12
COLUMN: Final = 38
"""Cells of each of two columns."""


def help_lines(glyphs: Glyphs, works: Callable[[Key], bool], width: int) -> list[Line]:
    """The keys, those that ``works`` denies muted, and what the screen's words mean.

    In two columns that fit 80x24 with the words below; in one where ``width`` is less.
    """
    groups: tuple[Group, ...] = ("replay", "hogs")
    shown = [group for group in groups if any(works(key) for key in KEYS if key.group == group)]
    shown = shown or ["replay"]
    left = [line for group in shown for line in key_lines(group, works)]
    if len(shown) == 1:  # in a pause of the live screen both, and there is no room for a blank
        left.append(())
    left += key_lines("program", works)
    right = [*key_lines("view", works), *key_lines("events", works), *legend_lines(glyphs)]
    top = heading("wsltop: where the memory of WSL2 goes", "words below", width, glyphs)
    if width < 2 * COLUMN:
        top = heading("help", "", width, glyphs)
        return [top, *left, *right, *glossary_lines(width, glyphs), *sign_lines(width, glyphs)]
    rows = [
        merged([*fit_spans(one, COLUMN, glyphs), *fit_spans(other, width - COLUMN, glyphs)])
        for one, other in zip_longest(left, right, fillvalue=())
    ]
    return [top, *rows, (), *glossary_lines(width, glyphs), *sign_lines(width, glyphs)]


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
    names = {style: name for name, _, style, _ in BAR_PARTS} | {"reportable": "free for Windows"}
    for style, meaning in MEANINGS:
        name = f"{names[style]:<17}"
        lines.append((Span(f"  {glyphs.fill(style)} ", style), Span(name, "value"), Span(meaning, "muted")))
    return lines


def glossary_lines(width: int, glyphs: Glyphs) -> list[Line]:
    """The words of the screen, each with what it means."""
    return table_lines((("Words", ""), *GLOSSARY, ("Besides keys", ""), *BESIDES), width, glyphs)


def sign_lines(width: int, glyphs: Glyphs) -> list[Line]:
    """The signs of the timeline and of events, each with what it means."""
    events = [(glyphs.mark(kinds[0]), meaning) for kinds, meaning in EVENT_SIGNS]
    chart = (
        (f"{glyphs.fill('used')} {glyphs.area_cache}", "what Linux uses; its file cache"),
        (glyphs.measured.across, "what Windows lends"),
        (glyphs.expected.across, "what it should lend, computed where Windows is not read"),
        (glyphs.fill("owed"), "on its way back to Windows, or predicted to come back"),
        (f"{glyphs.bracket_left}{glyphs.rule}{glyphs.bracket_right}", "what Windows lends more than Linux uses"),
        (glyphs.over, "the bar goes on: more than the VM's size"),
        (glyphs.cursor, "the second that is shown"),
        (glyphs.gap, "no sample was taken then"),
    )
    several = (glyphs.several, "several events at once; their names stand next to it")
    selected = (glyphs.selection, "the row that is selected")
    signs = (("Signs of bars and timeline", ""), *chart, ("Signs of events", ""), *events, several, selected)
    return table_lines(signs, width, glyphs)


def table_lines(rows: Iterable[tuple[str, str]], width: int, glyphs: Glyphs) -> list[Line]:
    """Words with their meanings, in two columns; one without a meaning is a heading."""
    lines: list[Line] = []
    for word, meaning in rows:
        if not meaning:
            lines.append((Span(f" {word}", "title"),))
            continue
        texts = wrap(meaning, width - WORD_WIDTH - 2, 4, glyphs)
        names = [word, *[""] * (len(texts) - 1)]
        lines += [
            (Span(f"  {name:<{WORD_WIDTH}}", "value"), Span(text.rstrip(), "muted"))
            for name, text in zip(names, texts, strict=True)
        ]
    return lines
