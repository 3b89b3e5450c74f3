"""What becomes reportable, by where each page lies."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.reclaim.machine import LEDGER
from wsltop.core.page_map import (
    CACHE,
    Act,
    Kind,
    PageMap,
    beside_lists,
    compact,
    free_kinds,
    kind_of,
    predict_by_pages,
    predict_kill_by_pages,
)
from wsltop.core.prediction import Prediction, joinable, shares_for
from wsltop.model.sample import ReportingOrder
from wsltop.model.text import KIB, MIB

PAGE = 4096
BLOCK = 512
KPF = {
    "reserved": 32,
    "dirty": 4,
    "lru": 5,
    "active": 6,
    "slab": 7,
    "buddy": 10,
    "mapped": 11,
    "anonymous": 12,
    "swapbacked": 14,
}


def pages_of(*runs: tuple[Kind, int]) -> PageMap:
    """Runs of pages of a kind, in one zone."""
    kinds = b"".join(bytes([kind]) * count for kind, count in runs)
    return PageMap(kinds=kinds, zones=((0, len(kinds)),))


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("buddy",), Kind.FREE),
        ((), Kind.BLANK),
        (("reserved",), Kind.FIXED),
        (("slab",), Kind.SLAB),
        (("lru",), Kind.CLEAN),
        (("lru", "active"), Kind.ACTIVE),
        (("lru", "dirty"), Kind.DIRTY),
        (("lru", "mapped"), Kind.MAPPED),
        (("lru", "swapbacked", "dirty"), Kind.SHARED),
        (("lru", "mapped", "anonymous", "swapbacked"), Kind.ANONYMOUS),
        (("lru", "mapped", "anonymous"), Kind.LAZY),
        (("anonymous", "swapbacked"), Kind.PINNED),
    ],
)
def test_the_flags_say_what_a_page_is(names: tuple[str, ...], kind: Kind) -> None:
    assert kind_of(sum(1 << KPF[name] for name in names)) is kind


def test_a_block_comes_back_when_all_its_pages_are_free() -> None:
    pages = pages_of((Kind.CLEAN, 32), (Kind.CLEAN, 31), (Kind.ANONYMOUS, 1), (Kind.FREE, 16), (Kind.ACTIVE, 16))
    assert free_kinds(pages, 5, *CACHE) == 2 * 32 * PAGE
    assert free_kinds(pages, 6, *CACHE) == 0


def test_what_is_free_already_is_not_gained() -> None:
    assert free_kinds(pages_of((Kind.FREE, 64), (Kind.CLEAN, 64)), 5, *CACHE) == 64 * PAGE


def test_a_block_never_spans_two_zones() -> None:
    pages = PageMap(kinds=bytes([Kind.CLEAN]) * 64, zones=((0, 48), (48, 64)))
    assert free_kinds(pages, 5, *CACHE) == 32 * PAGE


def test_compaction_joins_a_half_that_is_free() -> None:
    scattered = ((Kind.FREE, 1), (Kind.ANONYMOUS, 1)) * (4 * BLOCK)
    gained = compact(pages_of(*scattered), 5)
    assert 3 * BLOCK * PAGE <= gained <= 4 * BLOCK * PAGE


def test_compaction_joins_nothing_between_pinned_pages() -> None:
    """33 MiB came of a half that was free beside a half that pipes held, and 223 were promised."""
    assert compact(pages_of(*((Kind.FREE, 1), (Kind.PINNED, 1)) * (4 * BLOCK)), 5) == 0


def test_a_second_compaction_is_promised_nothing() -> None:
    bottom, top = (Kind.FREE, 4 * BLOCK), (Kind.ANONYMOUS, 4 * BLOCK)
    assert compact(pages_of(bottom, top), 5) == 0


@given(st.lists(st.sampled_from(list(Kind)[:13]), max_size=4 * BLOCK), st.sampled_from([5, 7, 9]))
def test_nothing_gives_more_than_there_is(kinds: list[Kind], order: int) -> None:
    pages = PageMap(kinds=bytes(kinds), zones=((0, len(kinds)),))
    free = kinds.count(Kind.FREE) * PAGE
    cache = sum(kinds.count(kind) for kind in CACHE) * PAGE
    assert 0 <= free_kinds(pages, order, *CACHE) <= cache + free
    assert compact(pages, order) <= free


def test_a_process_gives_back_the_blocks_that_hold_nothing_but_its_pages() -> None:
    pages = pages_of(
        (Kind.ENDING, 2 * 8192), (Kind.ENDING, 31), (Kind.SLAB, 1), (Kind.ENDING_TOO, 8192), (Kind.FREE, 32)
    )
    alone = predict_kill_by_pages(pages, LEDGER)
    assert isinstance(alone, Prediction)
    sizes = {part.name: part for part in alone.parts}
    assert 0.9 * 64 * MIB < sizes["anonymous"].likely <= 64 * MIB
    assert 0.9 * 32 * MIB < sizes["shared"].likely <= 32 * MIB
    assert sizes["shared"].low == 0, "the file may be open elsewhere"


@given(
    st.lists(st.sampled_from(list(Kind)), max_size=2 * BLOCK), st.sampled_from([5, 7, 9, 10]), st.integers(0, 1 << 24)
)
def test_the_three_figures_are_in_order(kinds: list[Kind], order: int, size: int) -> None:
    pages = PageMap(kinds=bytes(kinds), zones=((0, len(kinds)),))
    guest = replace(LEDGER, reporting=ReportingOrder(order=order, assumed=False))
    acts = [predict_by_pages(act, pages, guest, size) for act in get_args(Act)]
    for made in (*acts, predict_kill_by_pages(pages, guest, size)):
        assert isinstance(made, Prediction)
        assert 0 <= made.low <= made.likely <= made.high


def test_a_second_compaction_is_promised_nothing_whatever_the_pages_look_like() -> None:
    scattered = pages_of(*((Kind.FREE, 1), (Kind.ANONYMOUS, 1)) * (4 * BLOCK))
    after = replace(shares_for(LEDGER), left=joinable(LEDGER, shares_for(LEDGER)))
    made = predict_by_pages("compact", scattered, LEDGER, 0, after)
    assert isinstance(made, Prediction)
    assert made.likely == 0
    assert made.high <= 8 * MIB


def test_what_the_cpus_lists_keep_apart_may_come_back_as_well() -> None:
    """103 MiB came of a kill whose own pages filled 14: lists of 105 MiB kept the others apart, and gave back 50."""
    pages = pages_of((Kind.ENDING, 32), *[(Kind.ENDING, 31), (Kind.BLANK, 1)] * 100, (Kind.BLANK, 320))
    assert free_kinds(pages, 5, Kind.ENDING) == 128 * KIB
    assert beside_lists(pages, 5, Kind.ENDING) == 100 * 128 * KIB
