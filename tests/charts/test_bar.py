from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.charts.bar import Segment, host_bar, nearest, segment_cells, segmented_bar
from wsltop.charts.cells import ASCII, BLOCK, BRAILLE, Glyphs, Span, plain
from wsltop.model.text import GIB

SCALE = 16 * GIB
SIZES = st.lists(st.integers(0, 4 * GIB), max_size=9)
WIDTHS = st.integers(0, 200)
TIERS = st.sampled_from([BLOCK, BRAILLE, ASCII])
NAMES = ("anonymous", "shared", "cache", "dirty", "kernel", "fragmented", "reportable", "slab", "tables")


def segments(sizes: list[int]) -> list[Segment]:
    return [Segment(name, size, f"segment-{name}") for name, size in zip(NAMES, sizes, strict=False)]


GUEST = segments([2 * GIB, GIB, 6 * GIB, 0, GIB, GIB, 5 * GIB])


def test_segments_have_their_own_fill() -> None:
    assert plain(segmented_bar(GUEST, SCALE, 32, BLOCK)) == "████▓▓░░░░░░░░░░░░▚▚▖▖··········"


def test_segments_have_their_own_character_in_ascii() -> None:
    assert plain(segmented_bar(GUEST, SCALE, 32, ASCII)) == "####@@::::::::::::%%,,.........."


def test_segments_carry_their_style_and_the_rest_is_blank() -> None:
    assert segmented_bar(segments([4 * GIB, 4 * GIB]), SCALE, 8, BLOCK) == (
        Span("██", "segment-anonymous"),
        Span("▓▓", "segment-shared"),
        Span("    ", ""),
    )


def test_a_segment_of_half_a_cell_is_seen_beside_large_ones() -> None:
    # Boundaries at 4.6 and 5.2 cells both round to 5.
    assert segment_cells([46, 6, 48], 100, 10) == [4, 1, 5]


def test_a_bar_is_cut_off_at_its_scale() -> None:
    assert plain(segmented_bar(segments([SCALE, SCALE]), SCALE, 8, BLOCK)) == "████████"


def test_negative_sizes_take_no_room() -> None:
    assert plain(segmented_bar(segments([-GIB, 8 * GIB]), SCALE, 8, BLOCK)) == "▓▓▓▓    "


@pytest.mark.parametrize("scale", [0, -1])
def test_without_a_scale_bars_are_blank(scale: int) -> None:
    assert plain(segmented_bar(GUEST, scale, 8, BLOCK)) == " " * 8
    assert plain(host_bar(GIB, scale, 8, BLOCK)) == " " * 8


@given(SIZES, WIDTHS, TIERS)
def test_a_segmented_bar_has_its_width(sizes: list[int], width: int, glyphs: Glyphs) -> None:
    bar = plain(segmented_bar(segments(sizes), SCALE, width, glyphs))
    assert len(bar) == width
    assert set(bar) <= glyphs.alphabet()


@given(SIZES, WIDTHS)
def test_segments_fill_exactly_the_cells_of_their_total(sizes: list[int], width: int) -> None:
    cells = segment_cells(sizes, SCALE, width)
    assert sum(cells) == nearest(sum(sizes), width, SCALE)
    assert all(count >= 0 for count in cells)


@given(SIZES, WIDTHS)
def test_cells_are_near_their_size(sizes: list[int], width: int) -> None:
    if sum(sizes) > SCALE:
        return
    for size, count in zip(sizes, segment_cells(sizes, SCALE, width), strict=True):
        assert size or not count
        # One for rounding at both ends; more only where cells were given away to be fair to small ones.
        assert abs(count - size * width / SCALE) <= 2


@given(SIZES, WIDTHS)
def test_a_segment_of_half_a_cell_is_seen_where_there_is_room(sizes: list[int], width: int) -> None:
    cells = segment_cells(sizes, SCALE, width)
    if sum(sizes) <= SCALE and any(count > 1 for count in cells):
        assert all(count for size, count in zip(sizes, cells, strict=True) if 2 * size * width >= SCALE)


@given(st.permutations([GIB, 3 * GIB, 5 * GIB // 7, 11, 2 * GIB]), WIDTHS)
def test_bars_of_the_same_total_end_together(sizes: list[int], width: int) -> None:
    assert sum(segment_cells(sizes, SCALE, width)) == sum(segment_cells([sum(sizes)], SCALE, width))


def test_the_host_bar_ends_within_an_eighth() -> None:
    assert plain(host_bar(SCALE * 5 // 16, SCALE, 10, BLOCK)) == "███▏      "
    assert plain(host_bar(SCALE, SCALE, 10, BLOCK)) == "██████████"
    assert plain(host_bar(0, SCALE, 4, BLOCK)) == "    "
    assert plain(host_bar(-GIB, SCALE, 4, BLOCK)) == "    "


def test_the_host_bar_in_ascii_ends_at_a_cell() -> None:
    assert plain(host_bar(SCALE * 5 // 16, SCALE, 10, ASCII)) == "===       "


def test_an_expected_host_bar_is_dashed() -> None:
    assert plain(host_bar(SCALE * 5 // 16, SCALE, 10, BLOCK, style="expected", measured=False)) == "╍╍╍       "
    assert plain(host_bar(SCALE * 5 // 16, SCALE, 10, ASCII, style="expected", measured=False)) == "~~~       "


def test_a_host_beyond_the_scale_ends_in_an_arrow() -> None:
    assert plain(host_bar(SCALE * 2, SCALE, 6, BLOCK)) == "█████»"
    assert plain(host_bar(SCALE + GIB // 100, SCALE, 6, BLOCK)) == "██████"


@given(st.integers(-GIB, 40 * GIB), WIDTHS, TIERS, st.booleans())
def test_a_host_bar_has_its_width(value: int, width: int, glyphs: Glyphs, measured: bool) -> None:
    bar = plain(host_bar(value, SCALE, width, glyphs, measured=measured))
    assert len(bar) == width
    assert set(bar) <= glyphs.alphabet()


@given(st.integers(0, SCALE), st.integers(1, 200))
def test_the_host_bar_is_within_half_an_eighth_of_its_value(value: int, width: int) -> None:
    bar = plain(host_bar(value, SCALE, width, BLOCK))
    eighths = sum(BLOCK.eighths.index(glyph) for glyph in bar)
    assert abs(eighths / 8 - value * width / SCALE) <= 1 / 16 + 1e-9
