"""What is on its way to the host, from the free lists alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.core.ledger import Drain, pace
from wsltop.model.sample import FreeBlocks

MIB = 1024**2


def lists(*counts: int) -> tuple[FreeBlocks, ...]:
    return (FreeBlocks(node=0, zone="Normal", counts=counts),)


def test_the_pace_is_that_of_the_kernel() -> None:
    # mm/page_reporting.c by hand: budget = DIV_ROUND_UP(nr_free, 32 * 16), one more batch at the end, 32 blocks each.
    assert [pace(blocks) for blocks in (0, 1, 512, 513, 1024, 1025)] == [32, 64, 64, 96, 96, 128]


def test_what_was_free_before_the_first_sample_is_not_draining() -> None:
    draining = Drain().feed(0.0, lists(0, 900), 1, 4096)
    assert (draining.size, draining.seconds) == (0, 0.0)


def test_two_gib_in_blocks_of_four_mib_take_as_long_as_was_seen() -> None:
    drain = Drain()
    drain.feed(0.0, lists(*[0] * 10, 400), 9, 4096)
    # 2 GiB become free: 512 blocks. 912 blocks report (2 + 1) * 32 = 96 a pass: 6 passes, 12 s at the most.
    draining = drain.feed(1.0, lists(*[0] * 10, 912), 9, 4096)
    assert draining.size == 2048 * MIB
    assert draining.seconds == 12.0
    seen = [drain.feed(1.0 + 2 * number, lists(*[0] * 10, 912), 9, 4096) for number in range(1, 7)]
    assert [draining.size // MIB for draining in seen] == [1664, 1280, 896, 512, 128, 0]
    assert draining.earliest < draining.seconds < draining.latest
    assert seen[-1].seconds == 0.0


def test_blocks_below_the_reporting_order_do_not_drain() -> None:
    drain = Drain()
    drain.feed(0.0, lists(0, 0), 1, 4096)
    assert drain.feed(1.0, lists(5000, 0), 1, 4096).size == 0


def test_what_is_taken_again_needs_no_report() -> None:
    drain = Drain()
    drain.feed(0.0, lists(0, 100), 1, 4096)
    assert drain.feed(0.1, lists(0, 300), 1, 4096).size == 200 * 8192
    assert drain.feed(0.2, lists(0, 100), 1, 4096).size == 0


def test_a_pass_counts_when_its_two_seconds_are_over() -> None:
    """vm-truth F6: "nothing is draining" while up to 264 MiB were still to come, in 19 of 36 drains."""
    drain = Drain()
    drain.feed(0.0, lists(0, 0), 1, 4096)
    sizes = [drain.feed(second, lists(0, 60), 1, 4096).size // 8192 for second in (1.0, 2.0, 2.9, 3.1)]
    assert sizes == [60, 60, 60, 0]


def test_what_was_reported_lately_may_still_be_held_by_the_host() -> None:
    """vm-truth F6: in 21 of 36 drains the end was called overhead of the VM for a second or two."""
    drain = Drain()
    drain.feed(0.0, lists(0, 0), 1, 4096)
    drain.feed(1.0, lists(0, 60), 1, 4096)
    ended = drain.feed(3.1, lists(0, 60), 1, 4096)
    assert (ended.size, ended.lately) == (0, 60 * 8192)
    assert drain.feed(8.0, lists(0, 60), 1, 4096).lately == 0


def test_a_lowered_order_drains_nothing_of_what_was_free() -> None:
    """vm-truth F8: 237 MiB were told to be draining that do not move until something of their size is freed."""
    drain = Drain()
    drain.feed(0.0, lists(0, 500, 100), 2, 4096)
    assert drain.feed(1.0, lists(0, 500, 100), 1, 4096).size == 0
    assert drain.feed(2.0, lists(0, 510, 100), 1, 4096).size == 10 * 8192


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0, 10), st.lists(st.integers(0, 10**6), min_size=3, max_size=3)), max_size=20))
def test_never_more_drains_than_is_free(steps: list[tuple[float, list[int]]]) -> None:
    drain, now = Drain(), 0.0
    for elapsed, counts in steps:
        now += elapsed
        draining = drain.feed(now, lists(*counts), 1, 4096)
        assert 0 <= draining.size <= sum(count << order for order, count in enumerate(counts) if order >= 1) * 4096
        assert (draining.seconds > 0) == (draining.size > 0)
