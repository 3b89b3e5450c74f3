"""Predictions: their formulas, bounds and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.core.ledger import FreeSplit, Ledger
from wsltop.core.prediction import (
    Prediction,
    Share,
    Shares,
    assume_shares,
    compare,
    predict_compaction,
    predict_drop,
    predict_kill,
    predict_pressure,
    predict_reclaim,
    pressure_size,
)
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import ReportingOrder
from wsltop.model.units import GIB, MIB

ALL = Shares(fragmented=Share(1, 1), cache=Share(1, 1), slab=Share(0.5, 1), anonymous=Share(1, 1))


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
        watermark=watermark,
    )


def known(prediction: Reading[Prediction]) -> Prediction:
    assert isinstance(prediction, Prediction)
    return prediction


def test_compaction_joins_what_is_fragmented_and_no_more() -> None:
    fine, coarse = (known(predict_compaction(ledger(order=order))) for order in (5, 9))
    assert fine.high == coarse.high == GIB
    assert fine.likely == pytest.approx(0.85 * GIB, abs=1)
    assert coarse.likely == pytest.approx(0.6 * GIB, abs=1)
    assert fine.basis == "1.0 GiB is free in blocks that are too small to report; 85% of it is assumed"
    assert fine.tell() == "about 870 MiB, between 435 MiB and 1.0 GiB"


def test_a_drop_frees_what_is_clean_and_not_in_use() -> None:
    drop = known(predict_drop(ledger(), ALL))
    assert drop.likely == 3 * GIB - 300 * MIB
    assert drop.high == GIB + 3 * GIB - 100 * MIB
    assert drop.basis == (
        "clean page cache 2.7 GiB (left out: 100 MiB dirty, 200 MiB in use); 100% of it came back before"
    )
    assert "more of large files" in known(predict_drop(ledger())).basis
    everything = known(predict_drop(ledger(), ALL, slab=True))
    assert everything.likely == drop.likely + 200 * MIB
    assert everything.high == drop.high + 400 * MIB


def test_reclaim_frees_no_more_than_was_asked() -> None:
    assert known(predict_reclaim(ledger(), GIB, ALL)).likely == GIB
    assert known(predict_reclaim(ledger(), GIB, ALL)).high == 2 * GIB
    assert known(predict_reclaim(ledger(), 90 * GIB, ALL)).likely == 3 * GIB - 300 * MIB


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
    kill = known(predict_kill(ledger(), 700 * MIB, ALL))
    assert (kill.likely, kill.high) == (700 * MIB, 700 * MIB + GIB)


def test_without_the_free_blocks_nothing_is_predicted() -> None:
    from msgspec.structs import replace

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


def test_a_share_is_learned() -> None:
    share = assume_shares(9).cache
    assert share.learn(3 * GIB, 0) is share
    share = share.learn(3 * GIB, 4 * GIB)
    assert share == Share(0.75, 1)
    assert share.learn(-GIB, 4 * GIB) == Share(0.375, 2)
    assert Share(0.5, 3).learn(5, 4) == Share(0.75, 4)


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
