"""The ledger: buckets that sum to MemTotal to the byte, whatever the kernel prints."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from tests.guest.texts import KERNELS
from tests.samples import MIB, PAGE, USED_PARTS, kernel_sample, meminfo, sample, small_sample
from wsltop.core.ledger import FreeSplit, Ledger, keep_ledger, reportable_free
from wsltop.guest.kernel_files import BuddyinfoSource, MeminfoSource, ReportingSource, ZoneinfoSource
from wsltop.model.sample import FreeBlocks, Meminfo, Reading, ReportingOrder, Sample, Unavailable, Zone

GONE = Unavailable("gone", "Look for it.")

SIZES = st.one_of(st.just(0), st.integers(0, 64).map(lambda number: number * MIB), st.integers(0, 1 << 46))
PAGES = st.one_of(st.just(0), st.integers(0, 1 << 12), st.integers(0, 1 << 34))
OPTIONAL = {"available", "secondary_page_tables", "huge_pages"}
MEMINFOS: st.SearchStrategy[Meminfo] = st.builds(
    Meminfo,
    **{name: st.none() | SIZES if name in OPTIONAL else SIZES for name in Meminfo.__struct_fields__},
)
BLOCKS = st.builds(FreeBlocks, node=st.just(0), zone=st.just("Normal"), counts=st.tuples(*[st.integers(0, 999)] * 11))
ZONES = st.builds(Zone, node=st.just(0), zone=st.just("Normal"), present=PAGES, managed=PAGES, low=PAGES, per_cpu=PAGES)
MISSING = st.just(GONE)
SAMPLES: st.SearchStrategy[Sample] = st.builds(
    sample,
    meminfo=MEMINFOS,
    free_blocks=MISSING | st.tuples(BLOCKS) | st.tuples(BLOCKS, BLOCKS),
    zones=MISSING | st.tuples(ZONES) | st.tuples(ZONES, ZONES),
    reporting=MISSING | st.builds(ReportingOrder, order=st.integers(0, 12), assumed=st.booleans()),
)


def ledger_of(taken: Sample) -> Ledger:
    ledger = keep_ledger(taken)
    assert isinstance(ledger, Ledger)
    return ledger


def split_of(taken: Sample) -> FreeSplit:
    split = ledger_of(taken).free_split
    assert isinstance(split, FreeSplit)
    return split


def check(taken: Sample) -> None:
    """The promises of every ledger."""
    ledger = ledger_of(taken)
    rest = [getattr(ledger, name) for name in USED_PARTS]
    assert min(rest) >= 0
    if isinstance(ledger.free_split, FreeSplit):
        rest += [ledger.free_split.fragmented, ledger.free_split.reportable]
        assert sum(rest) == ledger.total
        assert min(rest) >= 0
    else:
        assert sum(rest) + ledger.free == ledger.total
    parts = (ledger.cache_clean, ledger.cache_dirty, ledger.cache_held)
    assert min(parts) >= 0
    assert sum(parts) == ledger.cache
    assert 0 <= ledger.free <= ledger.total
    assert 0 <= ledger.available <= ledger.total
    assert ledger.used == ledger.total - ledger.available
    assert isinstance(ledger.swap_used, Unavailable) or ledger.swap_used >= 0
    if isinstance(ledger.expected_host, int):
        assert ledger.expected_host >= 0


@pytest.mark.parametrize("order", [0, 5, 9, 10, 11])
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_buckets_of_a_known_kernel_sum_to_its_total(kernel: str, order: int) -> None:
    check(kernel_sample(kernel, reporting=ReportingOrder(order=order, assumed=False)))


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_buckets_of_a_known_kernel_are_what_its_meminfo_says(kernel: str) -> None:
    taken = kernel_sample(kernel)
    told = taken.meminfo
    assert isinstance(told, Meminfo)
    ledger = ledger_of(taken)
    assert ledger.anonymous == told.anon_pages
    assert ledger.shared == told.shmem
    assert ledger.cache == told.cached + told.buffers - told.shmem
    assert ledger.slab_unreclaimable == told.slab_unreclaimable
    assert ledger.page_tables == told.page_tables + (told.secondary_page_tables or 0)
    assert (ledger.free, ledger.available) == (told.free, told.available)
    split = split_of(taken)
    assert split.reportable < split.reportable + split.fragmented


@pytest.mark.slow
@given(SAMPLES)
def test_no_figures_however_contradictory_break_the_sum(taken: Sample) -> None:
    check(taken)


@pytest.mark.slow
@given(SAMPLES)
def test_a_missing_field_gives_no_number(taken: Sample) -> None:
    ledger = ledger_of(taken)
    free_known = not isinstance(taken.free_blocks, Unavailable) and not isinstance(taken.reporting, Unavailable)
    assert isinstance(ledger.free_split, FreeSplit) == free_known
    assert isinstance(ledger.present, int) == (not isinstance(taken.zones, Unavailable))
    never = isinstance(taken.reporting, ReportingOrder) and taken.reporting.order > 10
    whole = free_known and isinstance(ledger.present, int)
    assert isinstance(ledger.expected_host, int) == (whole and not never)
    assert isinstance(ledger.expected_most, int) == whole


@pytest.mark.parametrize("part", ["free_blocks", "reporting"])
def test_without_blocks_or_order_free_memory_is_not_split(part: str) -> None:
    ledger = ledger_of(replace(small_sample(), **{part: GONE}))
    assert ledger.free_split == GONE
    assert ledger.expected_host == GONE
    assert ledger.free == 1000 * MIB
    assert ledger.kernel_other == 8000 * MIB - 1000 * MIB - (900 + 200 + 5200 + 300 + 100 + 20) * MIB


def test_without_zones_nothing_is_expected_of_the_host() -> None:
    ledger = ledger_of(small_sample(zones=GONE))
    assert ledger.present == GONE
    assert ledger.expected_host == GONE


def test_without_meminfo_there_is_no_ledger() -> None:
    assert keep_ledger(small_sample(meminfo=GONE)) == GONE


@pytest.mark.parametrize(("order", "reportable"), [(0, 1000), (5, 900), (6, 600), (9, 600), (10, 0), (11, 0)])
def test_the_order_tells_which_free_memory_the_host_can_have(order: int, reportable: int) -> None:
    taken = small_sample(reporting=ReportingOrder(order=order, assumed=False))
    assert split_of(taken) == FreeSplit(fragmented=(1000 - reportable) * MIB, reportable=reportable * MIB)


def test_the_host_is_expected_to_hold_what_is_present_and_not_reportable() -> None:
    assert ledger_of(small_sample()).expected_host == (8200 - 600) * MIB


def test_the_watermark_is_that_of_all_zones() -> None:
    zones = tuple(
        Zone(node=0, zone=name, present=4100 * 256, managed=4000 * 256, low=1000) for name in ("DMA", "Normal")
    )
    assert ledger_of(small_sample(zones=zones)).watermark == 2000 * 4096
    assert ledger_of(small_sample(zones=GONE)).watermark == 0


def test_memory_that_is_not_initialized_yet_is_free_for_the_host() -> None:
    zone = Zone(node=0, zone="Normal", present=8200 * 256, managed=5000 * 256, low=1000)
    taken = small_sample(zones=(zone,), meminfo=meminfo(free=4000 * MIB, cached=2300 * MIB))
    assert split_of(taken) == FreeSplit(fragmented=400 * MIB, reportable=3600 * MIB)
    assert ledger_of(taken).expected_host == (8200 - 3600) * MIB
    check(taken)


def test_pages_on_the_lists_of_cpus_are_free_and_not_for_the_host() -> None:
    zone = Zone(node=0, zone="Normal", present=8200 * 256, managed=8000 * 256, low=1000, per_cpu=80 * 256)
    taken = small_sample(zones=(zone,))
    without, ledger = ledger_of(small_sample()), ledger_of(taken)
    assert split_of(taken) == FreeSplit(fragmented=480 * MIB, reportable=600 * MIB)
    assert ledger.kernel_other == without.kernel_other - 80 * MIB
    assert ledger.expected_host == without.expected_host
    check(taken)


def test_lists_of_cpus_cannot_hold_more_than_what_nothing_else_explains() -> None:
    zone = Zone(node=0, zone="Normal", present=8200 * 256, managed=8000 * 256, low=1000, per_cpu=8000 * 256)
    ledger = ledger_of(small_sample(zones=(zone,)))
    assert ledger.kernel_other == 0
    check(small_sample(zones=(zone,)))


def test_more_free_blocks_than_free_memory_are_cut_to_it() -> None:
    taken = small_sample(meminfo=meminfo(free=500 * MIB))
    assert split_of(taken) == FreeSplit(fragmented=0, reportable=500 * MIB)


def test_counters_that_disagree_take_from_the_largest_bucket() -> None:
    ledger = ledger_of(small_sample(meminfo=meminfo(free=1000 * MIB, cached=6000 * MIB)))
    assert ledger.kernel_other == 0
    assert ledger.cache == (8000 - 1000 - 900 - 200 - 300 - 100 - 20) * MIB
    assert ledger.anonymous == 900 * MIB


def test_available_memory_of_the_machine_is_not_believed_in_a_container() -> None:
    ledger = ledger_of(small_sample(meminfo=meminfo(available=9000 * MIB)))
    assert (ledger.available, ledger.used) == (1000 * MIB, 7000 * MIB)


def test_more_free_memory_than_there_is_does_not_make_used_memory_negative() -> None:
    ledger = ledger_of(small_sample(meminfo=meminfo(free=9000 * MIB, available=None)))
    assert (ledger.free, ledger.used) == (8000 * MIB, 0)


def test_a_kernel_without_available_memory_has_its_free_memory_instead() -> None:
    assert ledger_of(small_sample(meminfo=meminfo(available=None))).available == 1000 * MIB


def test_fields_that_a_kernel_lacks_count_as_nothing_of_their_bucket() -> None:
    taken = small_sample(meminfo=meminfo(secondary_page_tables=None, huge_pages=None))
    assert ledger_of(taken).huge_pages == 0
    assert ledger_of(taken).page_tables == 20 * MIB
    both = small_sample(meminfo=meminfo(secondary_page_tables=5 * MIB, huge_pages=64 * MIB))
    assert ledger_of(both).page_tables == 25 * MIB
    assert ledger_of(both).huge_pages == 64 * MIB
    check(both)


def test_pages_may_be_larger() -> None:
    taken = small_sample(page_size=4 * PAGE, meminfo=meminfo(total=32_000 * MIB, free=4000 * MIB))
    assert reportable_free(taken) == 4 * 600 * MIB


def read_live() -> Sample:
    """What this machine says now; free memory and its blocks first, as the sampler does."""
    sources = (MeminfoSource(), BuddyinfoSource(), ZoneinfoSource(), ReportingSource())
    readings: list[Reading[object]] = [source.read() for source in sources]
    for source in sources:
        source.close()
    names = ("meminfo", "free_blocks", "zones", "reporting")
    return sample(page_size=os.sysconf("SC_PAGE_SIZE"), **dict(zip(names, readings, strict=True)))


def test_the_buckets_of_this_machine_sum_to_its_total() -> None:
    for _ in range(5):
        check(read_live())


def test_no_bucket_of_this_machine_is_empty_that_cannot_be() -> None:
    ledger = asdict(ledger_of(read_live()))
    for name in ("anonymous", "cache", "slab_reclaimable", "slab_unreclaimable", "page_tables", "kernel_other"):
        assert ledger[name] > 0, name


@pytest.mark.skipif(not Path("/usr/bin/free").exists(), reason="free of procps is not installed")
def test_used_free_and_available_are_what_free_says() -> None:
    differences: list[dict[str, int]] = []
    for _ in range(20):
        before = ledger_of(read_live())
        run = subprocess.run(["/usr/bin/free", "-b", "-w"], capture_output=True, text=True, check=True)
        head, row = run.stdout.splitlines()[:2]
        told = dict(zip(head.split(), map(int, row.split()[1:]), strict=True))
        after = ledger_of(read_live())
        assert told["total"] == before.total
        differences.append(
            {
                name: min(abs(told[name] - getattr(ledger, name)) for ledger in (before, after))
                for name in ("free", "available", "used")
            }
        )
        if told["used"] + told["available"] != told["total"]:
            del differences[-1]["used"]  # procps before 4.0 says it otherwise
        if max(differences[-1].values()) <= 8 * MIB:
            return
        time.sleep(0.1)
    raise AssertionError(differences)
