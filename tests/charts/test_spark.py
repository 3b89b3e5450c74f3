"""The small curve in a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from wsltop.charts.cells import ASCII, BLOCK, TIERS, Glyphs
from wsltop.charts.spark import spark


def test_it_starts_at_zero_so_that_little_growth_looks_little() -> None:
    assert spark([(10.0 * index, 1000 + index) for index in range(8)], 8, BLOCK) == "█" * 8
    assert spark([(10.0 * index, 100 * index) for index in range(9)], 9, BLOCK) == " ▁▂▃▄▅▆▇█"


def test_what_was_noted_briefly_stands_at_the_right() -> None:
    assert spark([(0.0, 5), (10.0, 10)], 6, BLOCK) == "    ▄█"
    assert spark([], 6, BLOCK) == " " * 6


def test_a_gap_is_filled_with_what_was_before() -> None:
    assert spark([(0.0, 8), (40.0, 8)], 5, BLOCK) == "█████"


def test_what_is_steady_is_a_line_at_half_height() -> None:
    """Steady rows were full blocks, those of 5 MiB as those of 800."""
    assert spark([(10.0, 500), (20.0, 501), (30.0, 500)], 5, BLOCK, steady=True) == "  ▄▄▄"


@given(
    curve=st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 2**60)), max_size=100),
    width=st.integers(0, 30),
    glyphs=st.sampled_from(list(TIERS.values())),
)
def test_it_has_the_width_whatever_it_shows(curve: list[tuple[float, int]], width: int, glyphs: Glyphs) -> None:
    drawn = spark(sorted(curve), width, glyphs)
    assert cell_len(drawn) == width
    assert glyphs is not ASCII or drawn.isascii()


@pytest.mark.parametrize("glyphs", list(TIERS.values()), ids=lambda glyphs: glyphs.tier)
def test_what_is_more_than_nothing_shows(glyphs: Glyphs) -> None:
    assert spark([(0.0, 1), (10.0, 2**40)], 2, glyphs)[0] != " "
