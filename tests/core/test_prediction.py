"""Predictions: their formulas, bounds and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from wsltop.core.clues import Clues, Span
from wsltop.core.ledger import NEVER, FreeSplit, Ledger
from wsltop.core.outcomes import compare
from wsltop.core.prediction import (
    Prediction,
    ProcessMemory,
    Share,
    Shares,
    assume_shares,
    follow_holes,
    loose_free,
    note_slab,
    predict_compaction,
    predict_drop,
    predict_kill,
    predict_pressure,
    predict_reclaim,
    predict_split,
    pressure_size,
    shares_for,
)
from wsltop.model.sample import Reading, ReportingOrder, Unavailable
from wsltop.model.text import GIB, MIB

ONE = Share(1, 1, 1, 1)
ALL = Shares(fragmented=ONE, cache=ONE, slab=Share(0.5, 0.5, 0.5, 1), anonymous=ONE, reclaim=ONE)


def ledger(
    *,
    fragmented: int = GIB,
    reportable: int = 2 * GIB,
    cache: int = 3 * GIB,
    dirty: int = 100 * MIB,
    held: int = 200 * MIB,
    slab: int = 400 * MIB,
    available: int = 6 * GIB,
    order: int = 5,
    watermark: int = 0,
) -> Ledger:
    """A guest of 8 GiB."""
    return Ledger(
        total=8 * GIB,
        used=8 * GIB - available,
        free=fragmented + reportable,
        available=available,
        anonymous=GIB,
        shared=0,
        cache=cache,
        slab_reclaimable=slab,
        slab_unreclaimable=0,
        page_tables=0,
        huge_pages=0,
        kernel_other=0,
        free_split=FreeSplit(fragmented=fragmented, reportable=reportable),
        reporting=ReportingOrder(order=order, assumed=False),
        present=8 * GIB,
        expected_host=8 * GIB - reportable,
        swap_total=0,
        swap_free=0,
        cache_dirty=dirty,
        cache_held=held,
        clues=Clues(held=Span(held, held, held), kernel=(6, 6)),
        watermark=watermark,
    )


def known(prediction: Reading[Prediction]) -> Prediction:
    assert isinstance(prediction, Prediction)
    return prediction


def test_compaction_joins_what_is_fragmented_and_no_more() -> None:
    fine, coarse = (known(predict_compaction(ledger(order=order))) for order in (5, 9))
    assert coarse.low < fine.low
    assert coarse.likely < fine.likely
    assert coarse.high < fine.high <= GIB
    assert known(predict_compaction(ledger(), ALL)).likely == GIB


def test_what_the_cpus_keep_is_not_joined() -> None:
    """On Linux 6.18, 61 MiB came of a second compaction: the CPUs' lists had been given back after the first."""
    for kernel, most in (((6, 1), GIB - 600 * MIB), ((6, 18), GIB - 300 * MIB)):
        guest = replace(ledger(), clues=Clues(kept_by_cpus=600 * MIB, kernel=kernel))
        made = known(predict_compaction(guest, ALL))
        assert (made.likely, made.high) == (GIB - 600 * MIB, most)


def test_what_lies_between_pinned_pages_is_only_joined_at_best() -> None:
    """vm-truth F3: half of 512 pinned by pipes: 223 and 281 were promised, and 33 and 40 came."""
    guest = replace(ledger(), clues=Clues(pinned=GIB))
    made = known(predict_compaction(guest, ALL))
    assert (made.low, made.likely) == (0, 0)
    assert 0 < made.high < GIB // 2


def test_what_a_drop_of_slab_left_in_pieces_is_not_joined_by_compaction() -> None:
    """Of 596 MiB in pieces, most between slab in use, a compaction joined 43."""
    before = ledger(slab=400 * MIB, reportable=2 * GIB, fragmented=GIB)
    after = ledger(slab=100 * MIB, reportable=2 * GIB + 50 * MIB, fragmented=GIB + 250 * MIB)
    shares = note_slab(ALL, before, after)
    assert (shares.slab_floor, shares.left, shares.pieces) == (100 * MIB, 0, 250 * MIB)
    made = known(predict_compaction(after, shares))
    assert (made.low, made.likely, made.high) == (GIB, GIB, GIB + 250 * MIB)


def test_memory_that_filled_holes_leaves_holes_when_it_is_freed() -> None:
    """267 MiB were taken from 288 MiB of holes; their process was killed, and nothing came."""
    empty, full = ledger(fragmented=GIB), ledger(fragmented=0)
    shares = follow_holes(ALL, empty, full)
    assert (shares.filled, shares.taken) == (GIB, GIB)
    assert known(predict_kill(full, GIB // 2, shares)).likely == 0
    older = replace(shares, taken=2 * GIB)  # as much was taken that filled none
    assert known(predict_kill(full, GIB, older)).likely == GIB // 2
    assert follow_holes(shares, full, empty).filled == 0


def test_dirty_pages_between_the_cache_keep_their_blocks() -> None:
    """Of 200 MiB of small files just made, between 1.6 MiB of dirty inodes, 3 MiB came at order 9."""
    notes = Clues(held=Span(0, 0, 0), dirty_between=24 * MIB)  # 3 GiB of cache: a page in 128
    cached = ledger(order=9, dirty=24 * MIB, held=0)
    plain, dirty = (known(predict_drop(replace(cached, clues=clues), ALL)) for clues in (Clues(), notes))
    assert plain.low > 2 * GIB
    assert dirty.likely < 100 * MIB
    assert known(predict_drop(replace(ledger(order=5), clues=notes), ALL)).likely > 2 * GIB


def test_what_a_process_has_freed_inside_huge_pages_goes_with_it() -> None:
    """44 MiB were left of 190, and 153 came."""
    guest = replace(ledger(), clues=Clues(freed_in_huge=Span(138 * MIB, 138 * MIB, 138 * MIB)))
    memory = ProcessMemory(freed=139 * MIB)
    assert known(predict_kill(guest, 44 * MIB, ALL, memory=memory)).likely // MIB in (182, 183)
    assert known(predict_kill(guest, 44 * MIB, ALL, memory=ProcessMemory())).likely == 44 * MIB


def test_a_small_process_cannot_have_freed_more_inside_huge_pages_than_its_pages_keep_whole() -> None:
    """Of 108 KiB it was said that they give back up to 1.3 GiB."""
    guest = replace(ledger(), clues=Clues(freed_in_huge=Span(GIB, GIB, GIB)))
    small = known(predict_kill(guest, 108 * 1024, ALL))
    assert small.likely <= small.high < 60 * MIB
    assert known(predict_kill(guest, 100 * MIB, ALL)).high > GIB


def test_shared_memory_without_a_name_goes_with_the_one_process_that_maps_it() -> None:
    only = known(predict_kill(ledger(), 0, ALL, shared=GIB, memory=ProcessMemory(nameless=GIB)))
    assert (only.low, only.likely) == (GIB, GIB)
    several = known(predict_kill(ledger(), 0, ALL, shared=GIB // 2, memory=ProcessMemory(nameless=GIB)))
    assert (several.low, several.likely, several.high) == (0, 0, GIB // 2)


def test_a_second_compaction_is_never_promised_what_the_first_could_not_move() -> None:
    left = replace(ALL, left=GIB - 100 * MIB)
    again = known(predict_compaction(ledger(), left))
    assert (again.low, again.likely, again.high) == (100 * MIB,) * 3


def test_a_drop_frees_what_is_clean_and_not_in_use() -> None:
    drop = known(predict_drop(ledger(), ALL))
    assert drop.likely == 3 * GIB - 300 * MIB
    assert "100 MiB dirty, 200 MiB in use" in drop.basis
    assert "more of large files" in known(predict_drop(ledger())).basis


def test_what_of_the_cache_is_held_is_a_range() -> None:
    guest = replace(ledger(), clues=Clues(held=Span(50 * MIB, 200 * MIB, GIB)))
    drop = known(predict_drop(guest, ALL))
    assert (drop.low, drop.likely, drop.high) == (2 * GIB - 100 * MIB, 3 * GIB - 300 * MIB, 3 * GIB - 150 * MIB)


def test_a_drop_of_2_is_slab_and_of_3_is_both() -> None:
    cache, both = known(predict_drop(ledger(), ALL)), known(predict_drop(ledger(), ALL, slab=True))
    slab = known(predict_drop(ledger(), ALL, cache=False, slab=True))
    assert both.likely == cache.likely + slab.likely
    assert [part.name for part in slab.parts] == ["slab"]
    assert 0 < slab.low < slab.likely < slab.high <= 400 * MIB


def test_names_that_nobody_uses_tell_how_much_slab_comes() -> None:
    guest = replace(ledger(), clues=Clues(unused_slab=Span(200 * MIB, 300 * MIB, 400 * MIB)))
    slab = known(predict_drop(guest, replace(ALL, slab=ONE), cache=False, slab=True))
    assert (slab.low, slab.likely) == (200 * MIB, 300 * MIB)
    assert slab.high >= 400 * MIB


def test_a_drop_of_slab_joins_what_lay_free_in_between() -> None:
    """On Linux 6.1, 233 MiB came of 196 MiB of slab, and at most 200 were predicted."""
    guest = replace(ledger(), clues=Clues(unused_slab=Span(200 * MIB, 300 * MIB, 400 * MIB)))
    joined = known(predict_drop(guest, replace(ALL, slab=ONE), cache=False, slab=True)).high - 400 * MIB
    assert 0 < joined < loose_free(guest)


def test_after_a_drop_of_slab_was_seen_what_is_above_its_floor_comes() -> None:
    shares = replace(ALL, slab=ONE, slab_floor=390 * MIB)
    slab = known(predict_drop(ledger(), shares, cache=False, slab=True))
    assert slab.likely == 10 * MIB
    assert 10 * MIB <= slab.high < 60 * MIB


def test_what_is_freed_inside_huge_pages_is_split_by_a_drop_of_slab_alone() -> None:
    guest = replace(ledger(), clues=Clues(freed_in_huge=Span(0, 500 * MIB, 512 * MIB)))
    assert [part.name for part in known(predict_drop(guest)).parts] == ["page cache"]
    everything = known(predict_drop(guest, slab=True))
    assert [part.name for part in everything.parts] == ["page cache", "slab", "inside huge pages"]


@pytest.mark.parametrize(("kernel", "most"), [((5, 15), 1.5), ((6, 1), 1.5), ((6, 6), 1.0), ((6, 18), 1.0)])
def test_older_kernels_reclaim_more_than_they_are_asked_for(kernel: tuple[int, int], most: float) -> None:
    guest = replace(ledger(), clues=Clues(kernel=kernel))
    shares = replace(shares_for(guest), cache=ONE)
    assert known(predict_reclaim(guest, GIB, shares)).high == round(most * GIB)


@pytest.mark.parametrize(("kernel", "swapped"), [((6, 6), True), ((6, 18), False), (None, True)])
def test_without_swappiness_a_reclaim_may_swap_out(kernel: tuple[int, int] | None, swapped: bool) -> None:
    guest = replace(ledger(cache=0, dirty=0, held=0, slab=0), clues=Clues(kernel=kernel), swap_free=GIB)
    made = known(predict_reclaim(guest, GIB // 2, ALL))
    assert ("swap" in [part.name for part in made.parts]) is swapped


def test_reclaim_frees_no_more_than_there_is() -> None:
    assert known(predict_reclaim(ledger(), GIB, ALL)).likely == GIB
    assert known(predict_reclaim(ledger(), 90 * GIB, ALL)).likely < 3 * GIB


def test_pressure_meets_all_free_memory_first_and_stays_above_the_floor() -> None:
    assert pressure_size(ledger(), GIB, 512 * MIB) == 4 * GIB
    assert known(predict_pressure(ledger(), GIB, 512 * MIB, ALL)).likely == GIB
    assert pressure_size(ledger(), 90 * GIB, 2 * GIB) == 4 * GIB
    limited = known(predict_pressure(ledger(), 90 * GIB, 2 * GIB, ALL))
    assert limited.likely == GIB
    assert "the floor of 2.0 GiB allows no more" in limited.basis
    assert known(predict_pressure(ledger(), GIB, 7 * GIB, ALL)).likely == 0
    assert pressure_size(ledger(), GIB, 7 * GIB) == 0


def test_pressure_pushes_out_what_the_kernel_keeps_free_as_well() -> None:
    guest = ledger(watermark=80 * MIB)
    assert pressure_size(guest, GIB, 512 * MIB) == 4 * GIB - 80 * MIB
    pressed = known(predict_pressure(guest, GIB, 512 * MIB, ALL))
    assert pressed.likely == GIB
    assert pressed.high == GIB + GIB + 80 * MIB
    limited = known(predict_pressure(guest, 90 * GIB, 2 * GIB, ALL))
    assert limited.likely == GIB + 80 * MIB
    assert limited.high == GIB + GIB + 160 * MIB


def test_a_kill_frees_what_a_process_has_for_itself() -> None:
    kill = known(predict_kill(ledger(fragmented=0), 700 * MIB, ALL))
    assert (kill.low, kill.likely, kill.high) == (700 * MIB,) * 3


def test_the_holes_that_a_hog_made_join_when_it_ends() -> None:
    kill = known(predict_kill(ledger(fragmented=400 * MIB), 400 * MIB, ALL, holes=390 * MIB))
    assert kill.low > 650 * MIB
    assert 700 * MIB < kill.likely <= kill.high


def test_what_a_process_shares_may_go_with_it() -> None:
    alone, sharing = (known(predict_kill(ledger(), GIB, ALL, shared=shared)) for shared in (0, 300 * MIB))
    assert (sharing.low, sharing.likely, sharing.high) == (alone.low, alone.likely, alone.high + 300 * MIB)


def test_where_nothing_is_reported_nothing_is_predicted() -> None:
    never = replace(ledger(), expected_host=NEVER)
    assert predict_compaction(never) == predict_drop(never) == predict_kill(never, GIB) == NEVER


def test_without_the_free_blocks_nothing_is_predicted() -> None:
    why = Unavailable("no buddyinfo")
    blind = replace(ledger(), free_split=why)
    made = (
        predict_compaction(blind),
        predict_drop(blind),
        predict_reclaim(blind, GIB),
        predict_pressure(blind, GIB, 0),
        predict_kill(blind, GIB),
    )
    assert made == (why,) * 5


def test_a_share_is_learned_and_its_ends_come_nearer() -> None:
    assumed = assume_shares(9).cache
    assert assumed.learn(3 * GIB, 0) is assumed
    share = assumed.learn(3 * GIB, 4 * GIB)
    assert (share.part, share.seen) == (0.75, 1)
    assert assumed.low < share.low < 0.75 < share.high < assumed.high
    share = share.learn(-GIB, 4 * GIB)
    assert (share.part, share.low, share.seen) == (0.375, 0.0, 2)
    assert Share(0.5, 0.4, 0.6, 3).learn(5, 4).high == 1.25


def test_the_error_is_what_came_less_what_was_said() -> None:
    before, after = FreeSplit(fragmented=GIB, reportable=GIB), FreeSplit(fragmented=0, reportable=3 * GIB)
    outcome = compare(Prediction(low=0, likely=GIB, high=3 * GIB), before, after)
    assert (outcome.gained, outcome.error) == (2 * GIB, GIB)


sizes = st.integers(0, 8 * GIB)


@given(sizes, sizes, sizes, sizes, sizes, sizes, st.integers(0, 10))
def test_the_three_figures_are_in_order_and_none_is_negative(
    fragmented: int, cache: int, slab: int, size: int, floor: int, available: int, order: int
) -> None:
    dirty = cache // 3
    guest = ledger(
        fragmented=fragmented,
        cache=cache,
        dirty=dirty,
        held=(cache - dirty) // 2,
        slab=slab,
        available=available,
        order=order,
    )
    for made in (
        predict_compaction(guest),
        predict_drop(guest),
        predict_drop(guest, slab=True),
        predict_reclaim(guest, size),
        predict_pressure(guest, size, floor),
        predict_kill(guest, size),
    ):
        prediction = known(made)
        assert 0 <= prediction.low <= prediction.likely <= prediction.high
        assert sum(part.likely for part in prediction.parts) == prediction.likely


spans = st.lists(sizes, min_size=3, max_size=3).map(lambda ends: Span(*sorted(ends)))
clues = st.builds(
    Clues,
    kernel=st.sampled_from([None, (5, 15), (6, 1), (6, 6), (6, 18)]),
    kept_by_cpus=sizes,
    held=spans,
    lazyfree=sizes,
    freed_in_huge=spans,
    pinned=sizes,
    unused_slab=st.none() | spans,
)


@given(clues, sizes, sizes, st.none() | sizes, st.integers(0, 10), sizes, st.lists(st.integers(0, 3 * GIB), max_size=4))
def test_whatever_is_known_and_was_seen_the_three_figures_are_in_order(
    known_clues: Clues, left: int, filled: int, floor: int | None, order: int, size: int, seen: list[int]
) -> None:
    guest = replace(ledger(order=order), clues=known_clues, swap_total=GIB, swap_free=GIB // 2)
    shares = replace(shares_for(guest), left=left, filled=filled, slab_floor=floor)
    for gained in seen:
        shares = replace(
            shares,
            cache=shares.cache.learn(gained, 2 * GIB),
            fragmented=shares.fragmented.learn(gained, 2 * GIB),
            anonymous=shares.anonymous.learn(gained, 2 * GIB),
        )
    for made in (
        predict_compaction(guest, shares),
        predict_split(guest, shares),
        predict_drop(guest, shares),
        predict_drop(guest, shares, cache=False, slab=True),
        predict_drop(guest, shares, slab=True),
        predict_reclaim(guest, size, shares),
        predict_pressure(guest, size, GIB, shares),
        predict_kill(guest, size, shares, holes=size // 2, shared=size // 3),
    ):
        prediction = known(made)
        assert 0 <= prediction.low <= prediction.likely <= prediction.high
        for part in prediction.parts:
            assert 0 <= part.low <= part.likely <= part.high
            assert part.basis
    joined = known(predict_compaction(guest, shares)).likely
    assert joined <= max(0, GIB - known_clues.kept_by_cpus - left), "what the last compaction left is promised again"
