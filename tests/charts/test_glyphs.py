from __future__ import annotations

import unicodedata
from typing import get_args

import pytest

from wsltop.charts.cells import ASCII, BLOCK, BRAILLE, TIERS, Glyphs, choose_glyphs
from wsltop.model.sample import EventKind

EACH_TIER = pytest.mark.parametrize("glyphs", [BLOCK, BRAILLE, ASCII], ids=lambda glyphs: glyphs.tier)

SHOWN_TOGETHER = ("anonymous", "shared", "kernel", "dirty", "cache", "fragmented", "reportable", "other")


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-8", "utf8", "UTF_8", "cp65001", "U8"])
def test_auto_takes_blocks_on_a_utf8_terminal(encoding: str) -> None:
    assert choose_glyphs("auto", encoding=encoding) is BLOCK


@pytest.mark.parametrize("encoding", ["ascii", "ANSI_X3.4-1968", "latin-1", "cp437", "", "nonsense", "a\0b", "utf-16"])
def test_auto_takes_ascii_on_any_other_terminal(encoding: str) -> None:
    assert choose_glyphs("auto", encoding=encoding) is ASCII


def test_an_explicit_choice_wins_over_the_encoding() -> None:
    assert choose_glyphs("block", encoding="ascii") is BLOCK
    assert choose_glyphs("braille", encoding="utf-8") is BRAILLE
    assert choose_glyphs("ascii", encoding="utf-8") is ASCII


def test_each_tier_knows_its_name() -> None:
    assert all(glyphs.tier == name for name, glyphs in TIERS.items())


@EACH_TIER
def test_each_glyph_is_one_cell_wide(glyphs: Glyphs) -> None:
    for glyph in glyphs.alphabet():
        assert len(glyph) == 1
        assert unicodedata.combining(glyph) == 0
        assert unicodedata.category(glyph) not in {"Cc", "Cf", "Mn"}
        assert unicodedata.east_asian_width(glyph) not in {"W", "F"}


@EACH_TIER
def test_no_glyph_has_an_emoji_form(glyphs: Glyphs) -> None:
    # The geometric shapes of emoji-variation-sequences.txt.
    assert not glyphs.alphabet() & set("▪▫▶◀◻◼◽◾↔↕")


@EACH_TIER
def test_segments_shown_together_differ_by_glyph(glyphs: Glyphs) -> None:
    assert len({glyphs.fill(name) for name in SHOWN_TOGETHER}) == len(SHOWN_TOGETHER)


@EACH_TIER
def test_used_and_cache_differ_from_the_host_line(glyphs: Glyphs) -> None:
    assert len({glyphs.rises[-1], glyphs.area_cache, glyphs.measured.across, glyphs.expected.across}) == 4


@EACH_TIER
def test_each_kind_of_event_has_a_sign(glyphs: Glyphs) -> None:
    named = {name for name, _ in glyphs.marks}
    assert named == {*get_args(EventKind), "kill"}
    assert glyphs.mark("no such kind") == glyphs.mark("log")


@EACH_TIER
def test_an_unknown_segment_has_the_fill_of_other(glyphs: Glyphs) -> None:
    assert glyphs.fill("no such segment") == glyphs.fill("other")


def test_the_ascii_tier_is_printable_ascii() -> None:
    assert all(" " <= glyph <= "~" for glyph in ASCII.alphabet())


@EACH_TIER
def test_a_tier_can_be_a_key(glyphs: Glyphs) -> None:
    assert {glyphs: 1}[glyphs] == 1
