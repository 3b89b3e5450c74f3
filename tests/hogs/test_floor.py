"""The policy of the floor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsltop.hogs.guard import LEAST, cost_of, floor_for, headroom
from wsltop.model.text import GIB, MIB

SIZES = st.integers(min_value=0, max_value=2**48)


def test_the_floor_of_common_guests() -> None:
    assert floor_for(1 * GIB) == 256 * MIB
    assert floor_for(2 * GIB) == 512 * MIB
    assert floor_for(6 * GIB) == 512 * MIB
    assert floor_for(16 * GIB) == 16 * GIB // 20


@given(SIZES)
def test_the_floor_is_never_more_than_a_quarter_and_never_less_than_promised(total: int) -> None:
    floor = floor_for(total)
    assert floor <= total // 4
    assert floor >= min(total // 20, LEAST)
    assert floor == total // 4 or floor >= LEAST


@given(SIZES, SIZES)
def test_more_memory_never_means_a_lower_floor(one: int, other: int) -> None:
    assert floor_for(min(one, other)) <= floor_for(max(one, other))


@given(SIZES, SIZES, SIZES)
def test_whoever_takes_the_headroom_leaves_the_floor(available: int, floor: int, promised: int) -> None:
    room = headroom(available, floor, promised)
    assert room >= 0
    assert room == 0 or available - promised - room == floor


@given(SIZES)
def test_a_hog_costs_more_than_its_size_but_little_more(size: int) -> None:
    assert size < cost_of(size) <= size * 1.002 + 16 * MIB
