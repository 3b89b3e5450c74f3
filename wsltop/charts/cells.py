"""Cells of a terminal: pieces of text with a style, and the glyphs that they are drawn with."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import astuple, replace


class Span(NamedTuple):
    """A run of text in one style."""

    text: str
    style: str = ""


Line: TypeAlias = tuple[Span, ...]
"""One row of the screen, from left to right."""


def plain(line: Line) -> str:
    """The text of a line without its styles."""
    return "".join(span.text for span in line)


def merged(spans: list[Span]) -> Line:
    """A line in which neighbors of the same style are one span and empty spans are gone."""
    line: list[Span] = []
    for span in spans:
        if not span.text:
            continue
        if line and line[-1].style == span.style:
            line[-1] = Span(line[-1].text + span.text, span.style)
        else:
            line.append(span)
    return tuple(line)


Tier: TypeAlias = Literal["block", "braille", "ascii"]
GlyphChoice: TypeAlias = Literal["auto", "block", "braille", "ascii"]
Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""A small table from name to glyph; a tuple so that ``Glyphs`` stays hashable."""


class Stroke(Struct, frozen=True):
    """The pieces of a stepped line, followed from left to right."""

    across: str
    upright: str
    rise_from: str
    """From the left, turning up."""
    rise_to: str
    """From below, turning right."""
    fall_from: str
    """From the left, turning down."""
    fall_to: str
    """From above, turning right."""


class Glyphs(Struct, frozen=True, kw_only=True):
    """One tier. Each string is one cell wide, but for the ellipsis."""

    tier: Tier
    fills: Pairs
    """Fill of a bar's segment by the segment's name."""
    marks: Pairs
    """Sign of an event by its kind."""
    area_cache: str
    rises: tuple[str, ...]
    """A cell filled from the bottom in equal steps, from empty to full; the last one fills the used area."""
    eighths: tuple[str, ...]
    """A cell filled from the left in equal steps, from empty to full."""
    measured: Stroke
    levels: tuple[str, ...]
    """The measured line at equal steps within a row, from the bottom up; a single one is the stroke's own."""
    expected: Stroke
    expected_fill: str
    """Fill of a bar whose value was computed, not measured."""
    dots: bool
    """True: lines are drawn with braille dots, four levels to a cell, and the strokes are not used."""
    several: str
    """Events of different kinds in one column."""
    over: str
    """The end of a bar that is longer than its scale."""
    gap: str
    """Where there is no sample."""
    cursor: str
    rule: str
    upright: str
    tick_left: str
    """Axis line with a tick towards the labels at its left."""
    corner: str
    tick_down: str
    """Rule with a tick towards the labels below it."""
    selection: str
    right: str
    separator: str
    filled: str
    hollow: str
    times: str
    ellipsis: str
    bracket_left: str
    bracket_right: str

    def fill(self, name: str) -> str:
        """Return the fill of a segment; unknown segments share one that no known segment has."""
        return _lookup(self.fills, name, "other")

    def mark(self, kind: str) -> str:
        """Return the sign of an event; unknown kinds look like a line of the log."""
        return _lookup(self.marks, kind, "log")

    def alphabet(self) -> frozenset[str]:
        """Every glyph of one cell that this tier can draw, braille lines included."""
        lines = {chr(0x2800 + mask) for mask in range(256)} if self.dots else set()
        return (
            frozenset(_leaves(astuple(self)[3:])) - {self.ellipsis}
            | {glyph for _, glyph in self.fills + self.marks}
            | lines
        )


def _lookup(pairs: Pairs, name: str, otherwise: str) -> str:
    found = ""
    for key, glyph in pairs:
        if key == name:
            return glyph
        if key == otherwise:
            found = glyph
    return found


def _leaves(value: object) -> Iterator[str]:
    """Every string in nested tuples and strokes."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Stroke):
        yield from _leaves(astuple(value))
    elif isinstance(value, tuple):
        for item in value:
            yield from _leaves(item)


def _table(text: str) -> Pairs:
    """Pairs from lines of ``name glyph``; an underscore in a name stands for a space."""
    rows = (line.split() for line in text.strip().splitlines())
    return tuple((name.replace("_", " "), glyph) for name, glyph in rows)


BLOCK: Final = Glyphs(
    tier="block",
    # Used and cache look as they do in the timeline. Fragmented free is sparse and has holes; what is free for
    # Windows is hardly there.
    fills=_table("""
        used █
        anonymous █
        shared ▓
        kernel ▚
        slab ▌
        tables ╫
        dirty ▒
        cache ░
        fragmented ▖
        reportable ·
        free ·
        host █
        owed ▒
        other ╬
    """),
    marks=_table("""
        hog ▲
        kill ▼
        return ▽
        cache_drop ▼
        compaction ■
        direct_reclaim □
        proactive_reclaim ▼
        swap ◄
        stall !
        oom_kill ×
        balloon ○
        reporting ·
        init ◦
        log ·
        mark ●
    """),  # noqa: RUF001 - the multiplication sign is meant
    area_cache="░",
    rises=tuple(" ▁▂▃▄▅▆▇█"),
    eighths=tuple(" ▏▎▍▌▋▊▉█"),
    measured=Stroke(*"━┃┛┏┓┗"),
    levels=("▁", "━", "▔"),
    expected=Stroke(*"╍╏┛┏┓┗"),
    expected_fill="╍",
    dots=False,
    several="≡",
    over="»",
    gap="?",
    cursor="┊",
    rule="─",
    upright="│",
    tick_left="┤",
    corner="└",
    tick_down="┬",
    selection="►",
    right="→",
    separator="·",
    filled="●",
    hollow="○",
    times="×",  # noqa: RUF001
    ellipsis="…",
    bracket_left="╟",
    bracket_right="╢",
)
BRAILLE: Final = replace(BLOCK, tier="braille", area_cache="⠡", rises=tuple(" ⣀⣤⣶⣿"), dots=True)
"""Opt-in: Cascadia leaves gaps between the dots. The host's line gains: four levels to a row instead of one."""
ASCII: Final = Glyphs(
    tier="ascii",
    fills=_table("""
        used #
        anonymous #
        shared @
        kernel %
        slab $
        tables &
        dirty *
        cache :
        fragmented ,
        reportable .
        free .
        host =
        owed *
        other ?
    """),
    marks=_table("""
        hog ^
        kill v
        return <
        cache_drop v
        compaction #
        direct_reclaim r
        proactive_reclaim v
        swap s
        stall !
        oom_kill x
        balloon o
        reporting '
        init i
        log '
        mark *
    """),
    area_cache=":",
    rises=tuple(" o#"),
    eighths=tuple(" ="),
    measured=Stroke(*"=|++++"),
    levels=("=",),
    expected=Stroke(*"~|++++"),
    expected_fill="~",
    dots=False,
    several="&",
    over=">",
    gap="?",
    cursor="!",
    rule="-",
    upright="|",
    tick_left="+",
    corner="+",
    tick_down="+",
    selection=">",
    right=">",
    separator="-",
    filled="*",
    hollow="o",
    times="x",
    ellipsis="..",
    bracket_left="<",
    bracket_right=">",
)
TIERS: Final[dict[Tier, Glyphs]] = {"block": BLOCK, "braille": BRAILLE, "ascii": ASCII}


def choose_glyphs(choice: GlyphChoice, *, encoding: str) -> Glyphs:
    """Return the tier that was asked for; ``auto`` takes blocks when the terminal's encoding is UTF-8, else ASCII."""
    if choice != "auto":
        return TIERS[choice]
    return BLOCK if _is_utf8(encoding) else ASCII


def _is_utf8(encoding: str) -> bool:
    """Whether Python knows the encoding by any of UTF-8's names."""
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except (LookupError, ValueError):
        return False
