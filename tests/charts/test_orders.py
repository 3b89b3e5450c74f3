"""Free memory by order in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.charts.bar import level_of, order_chart
from wsltop.charts.cells import ASCII, BLOCK, plain

KIB, MIB, GIB = 1024, 1024**2, 1024**3


def test_the_reporting_order_is_marked() -> None:
    sizes = [64 * KIB, 0, 4 * MIB, GIB]
    assert plain(order_chart(sizes, 2, 40, BLOCK)) == "0 ▂ 1   │ 2 ▅ 3 █ "
    assert [span.style for span in order_chart(sizes, 2, 40, BLOCK) if "█" in span.text] == ["reportable"]


def test_without_room_only_the_bars_are_left() -> None:
    assert plain(order_chart([64 * KIB, 0, 4 * MIB, GIB], 2, 8, BLOCK)) == "▂ │▅█"
    assert order_chart([1] * 11, 9, 3, BLOCK) == ()


@pytest.mark.parametrize(
    ("size", "level"), [(0, 0), (1, 1), (64 * KIB - 1, 1), (64 * KIB, 2), (256 * KIB, 3), (MIB, 4), (GIB, 8)]
)
def test_each_step_is_four_times_as_much(size: int, level: int) -> None:
    assert level_of(size, 8) == min(level, 8)


@given(st.lists(st.integers(0, 1 << 50), min_size=1, max_size=14), st.integers(0, 14), st.integers(0, 100))
def test_it_never_outgrows_its_room_and_keeps_to_its_tier(sizes: list[int], order: int, width: int) -> None:
    text = plain(order_chart(sizes, order, width, ASCII))
    assert len(text) <= width
    assert text.isascii()
