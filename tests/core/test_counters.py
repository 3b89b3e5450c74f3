"""What /proc/vmstat says happened between two samples."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.samples import meminfo
from wsltop.core.events import WATCHED, Falls, counted_event, derive
from wsltop.model.sample import (
    Counters,
    Event,
    FreeBlocks,
    Identity,
    OwnUse,
    Reading,
    ReportingOrder,
    Sample,
    Unavailable,
)

MISSING = Unavailable("not read in this test")
MIB = 1024**2

QUIET = dict.fromkeys(sorted(WATCHED - {"allocstall", "allocstall_high"}), 1000)
"""The counters of a 6.18 kernel on x86-64, at rest."""

MEMINFO = meminfo()
SAMPLE = Sample(
    time=1_700_000_000.0,
    monotonic=600.0,
    identity=Identity(kernel=MISSING, distro=MISSING, wsl_version=MISSING),
    meminfo=MEMINFO,
    free_blocks=MISSING,
    zones=MISSING,
    reporting=MISSING,
    counters=Counters(values=QUIET),
    kernel_log=MISSING,
    host=MISSING,
    own=OwnUse(cpu=None, resident=MISSING),
)


def sample_of(counters: dict[str, int], *, after: float = 0.0) -> Sample:
    return replace(
        SAMPLE, time=SAMPLE.time + after, monotonic=SAMPLE.monotonic + after, counters=Counters(values=counters)
    )


def moved(**by: int) -> tuple[Event, ...]:
    """Derive the events of one second in which the counters moved by so much."""
    values = {name: value + by.get(name, 0) for name, value in QUIET.items()}
    return derive(SAMPLE, sample_of(values, after=1.0))


@pytest.mark.parametrize(
    ("by", "kind", "text", "level"),
    [
        (
            {
                "compact_migrate_scanned": 155_123,
                "compact_free_scanned": 1_034_211,
                "compact_isolated": 264_874,
                # as measured: compact_stall, compact_success and compact_daemon_* stay put
            },
            "compaction",
            "on request: 264 874 pages moved",
            6,
        ),
        ({"compact_migrate_scanned": 9000}, "compaction", "on request: nothing to move", 6),
        (
            {
                "compact_migrate_scanned": 5000,
                "compact_free_scanned": 7000,
                "compact_isolated": 2048,
                "compact_daemon_migrate_scanned": 5000,
                "compact_daemon_free_scanned": 7000,
            },
            "compaction",
            "by the kernel: 2 048 pages moved",
            6,
        ),
        (
            {
                "compact_migrate_scanned": 15000,
                "compact_isolated": 2048,
                "compact_daemon_migrate_scanned": 5000,
            },
            "compaction",
            "on request: 2 048 pages moved",
            6,
        ),
        (
            {"compact_migrate_scanned": 5000, "compact_isolated": 600, "compact_stall": 1},
            "compaction",
            "for 1 allocation: 600 pages moved",
            6,
        ),
        (
            {
                "compact_migrate_scanned": 5000,
                "compact_isolated": 600,
                "compact_stall": 3,
                "compact_daemon_free_scanned": 7,
            },
            "compaction",
            "by the kernel, for 3 allocations: 600 pages moved",
            6,
        ),
        ({"compact_isolated": 40_000}, "compaction", "40 000 pages moved", 6),  # a pass that has not ended
        ({"drop_pagecache": 1}, "cache drop", "file cache dropped", 6),
        ({"drop_slab": 1}, "cache drop", "slab dropped", 6),
        ({"drop_pagecache": 1, "drop_slab": 1}, "cache drop", "file cache and slab dropped", 6),
        ({"drop_pagecache": 2, "drop_slab": 2}, "cache drop", "file cache and slab dropped 2 times", 6),
        ({"drop_pagecache": 2, "drop_slab": 1}, "cache drop", "file cache dropped 2 times, slab once", 6),
        (
            {"pgsteal_direct": 105_472, "pgscan_direct": 262_144},
            "direct reclaim",
            "412 MiB reclaimed by programs that needed memory, 1.0 GiB looked at",
            6,
        ),
        (
            {"pgscan_direct": 262_144},
            "direct reclaim",
            "0 B reclaimed by programs that needed memory, 1.0 GiB looked at",
            6,
        ),
        (
            {"pgsteal_proactive": 65_536, "pgsteal_file": 65_536},
            "proactive reclaim",
            "256 MiB reclaimed on request (memory.reclaim)",
            6,
        ),
        (
            {"pgsteal_file": 65_000, "pgsteal_anon": 536},
            "proactive reclaim",
            "256 MiB reclaimed in control groups (memory.reclaim or a limit)",
            6,
        ),
        ({"pswpout": 307_200, "pswpin": 3072}, "swap", "1.2 GiB out, 12 MiB in", 6),
        ({"pswpin": 1}, "swap", "4.0 KiB in", 6),
        ({"oom_kill": 1}, "oom kill", "1 process killed: out of memory", 3),
        ({"oom_kill": 2}, "oom kill", "2 processes killed: out of memory", 3),
        (
            {"allocstall_normal": 1200, "allocstall_movable": 4},
            "stall",
            "1 204 allocations had to wait for reclaim",
            4,
        ),
    ],
)
def test_each_signature_makes_its_one_event(by: dict[str, int], kind: str, text: str, level: int) -> None:
    (event,) = moved(**by)
    assert (event.kind, event.text, event.level) == (kind, text, level)
    assert (event.origin, event.memory) == ("vmstat", True)


@pytest.mark.parametrize(
    "by",
    [
        {},
        {"compact_daemon_migrate_scanned": 5},
        # kcompactd and huge pages keep compacting a little on every busy machine
        {"compact_migrate_scanned": 100, "compact_isolated": 511, "compact_stall": 4},
        {"compact_migrate_scanned": 100, "compact_daemon_migrate_scanned": 100, "compact_isolated": 64},
        # background reclaim, told by the chart
        {"pgsteal_kswapd": 65_536, "pgsteal_file": 65_536},
        # khugepaged has its own counter
        {"pgsteal_khugepaged": 65_536, "pgsteal_anon": 65_536},
        # read while another CPU was between the two counters
        {"pgsteal_kswapd": 65_000, "pgsteal_file": 65_064},
    ],
)
def test_noise_makes_no_event(by: dict[str, int]) -> None:
    assert moved(**by) == ()


def test_an_event_stands_at_the_sample_that_shows_it() -> None:
    (event,) = moved(oom_kill=1)
    assert (event.start, event.end, event.time) == (601.0, 601.0, 1_700_000_001.0)


def test_causes_come_before_effects() -> None:
    events = moved(
        allocstall_normal=1,
        pgsteal_direct=10,
        pswpout=1,
        oom_kill=1,
        drop_pagecache=1,
        compact_migrate_scanned=1,
    )
    assert [event.kind for event in events] == [
        "stall",
        "direct reclaim",
        "swap",
        "oom kill",
        "cache drop",
        "compaction",
    ]


def test_a_cache_drop_tells_what_fell() -> None:
    values = QUIET | {"drop_pagecache": 1001, "drop_slab": 1001}
    after = replace(
        sample_of(values, after=1.0),
        meminfo=replace(MEMINFO, cached=300 * MIB, buffers=0, slab_reclaimable=90 * MIB),
    )
    (event,) = derive(SAMPLE, after)
    assert event.text == "file cache and slab dropped: file cache -5.0 GiB, slab -210 MiB"
    assert event.amounts == {"pagecache": 1, "slab": 1, "cache_change": -5100 * MIB, "slab_change": -210 * MIB}


def test_dropping_the_page_cache_alone_says_nothing_of_slab() -> None:
    values = QUIET | {"drop_pagecache": 1001}
    after = replace(sample_of(values, after=1.0), meminfo=replace(MEMINFO, slab_reclaimable=0))
    (event,) = derive(SAMPLE, after)
    assert event.text == "file cache dropped"


def test_a_drop_that_takes_several_ticks_tells_all_that_fell() -> None:
    """vm-truth F11: of 303 MiB of slab only the 280 KiB of the last tick were told."""
    falls, last = Falls(), SAMPLE
    for second, slab in enumerate((250, 200, 90, 1, 1), 1):
        memory = replace(MEMINFO, slab_reclaimable=slab * MIB)
        counted = QUIET | ({"drop_slab": 1001} if second == 5 else {})
        taken = replace(sample_of(counted, after=float(second)), meminfo=memory)
        falls.feed(last, taken)
        events, last = derive(last, taken, falls), taken
    (event,) = events
    assert event.amounts["slab_change"] == 1 * MIB - MEMINFO.slab_reclaimable
    assert MEMINFO.slab_reclaimable == 300 * MIB


def test_a_fall_ends_where_memory_stands_still_for_some_seconds() -> None:
    falls, last = Falls(), SAMPLE
    for second, slab in enumerate((200, 200, 200, 200, 200, 200, 200, 90), 1):
        taken = replace(sample_of(QUIET, after=float(second)), meminfo=replace(MEMINFO, slab_reclaimable=slab * MIB))
        falls.feed(last, taken)
        last = taken
    assert falls.start(last, "slab").monotonic == SAMPLE.monotonic + 7
    falls.end()
    assert falls.start(last, "slab") is last


def test_what_a_drop_freed_is_not_told_of_the_compaction_in_the_same_tick() -> None:
    """vm-truth F11: a drop's gain was credited to the compaction that WSL makes after it."""
    order = ReportingOrder(order=9, assumed=False)
    first = replace(SAMPLE, free_blocks=blocks(100), reporting=order)
    values = QUIET | {"compact_migrate_scanned": 2000, "drop_pagecache": 1001}
    second = replace(sample_of(values, after=1.0), free_blocks=blocks(306), reporting=order)
    drop, compaction = derive(first, second)
    assert drop.kind == "cache drop"
    assert "reportable_change" not in compaction.amounts


def blocks(free_9: int) -> Reading[tuple[FreeBlocks, ...]]:
    return (FreeBlocks(node=0, zone="Normal", counts=(500, 0, 0, 0, 0, 0, 0, 0, 0, free_9, 0)),)


@pytest.mark.parametrize(("before", "after", "told"), [(100, 306, ", +412 MiB to give back"), (306, 100, None)])
def test_a_compaction_tells_the_change_of_reportable_free(before: int, after: int, told: str | None) -> None:
    order = ReportingOrder(order=9, assumed=False)
    first = replace(SAMPLE, free_blocks=blocks(before), reporting=order)
    values = QUIET | {"compact_migrate_scanned": 2000, "compact_isolated": 265_874}
    second = replace(sample_of(values, after=1.0), free_blocks=blocks(after), reporting=order)
    (event,) = derive(first, second)
    assert event.text == "on request: 264 874 pages moved" + (told or ", -412 MiB to give back")
    assert event.amounts["reportable_change"] == (after - before) * 2 * MIB


def test_without_the_counters_of_the_kernel_itself_nobody_is_named() -> None:
    """Linux before 4.12 does not count what kcompactd scans."""
    old = {name: value for name, value in QUIET.items() if not name.startswith("compact_daemon")}
    before, after = sample_of(old), sample_of(old | {"compact_free_scanned": 9000, "compact_isolated": 2000}, after=1.0)
    (event,) = derive(before, after)
    assert event.text == "1 000 pages moved"


@pytest.mark.parametrize("name", sorted(QUIET))
def test_a_counter_that_one_sample_lacks_moves_nothing(name: str) -> None:
    without = {key: value for key, value in QUIET.items() if key != name}
    grown = sample_of(QUIET | {name: 500_000}, after=1.0)
    assert derive(sample_of(without), grown) == ()
    assert derive(SAMPLE, sample_of(without, after=1.0)) == ()


def test_after_a_reboot_nothing_is_told_even_by_counters_that_rose() -> None:
    assert derive(SAMPLE, sample_of(QUIET | {"oom_kill": 2000, "pswpin": 3}, after=1.0)) == ()


def test_time_that_stands_still_or_goes_back_tells_nothing() -> None:
    values = QUIET | {"oom_kill": 1001}
    assert derive(SAMPLE, sample_of(values)) == ()
    assert derive(SAMPLE, sample_of(values, after=-5.0)) == ()


def test_unreadable_counters_tell_nothing() -> None:
    blind = replace(SAMPLE, counters=Unavailable("gone"), monotonic=601.0)
    assert derive(SAMPLE, blind) == ()
    assert derive(blind, sample_of(QUIET | {"oom_kill": 1001}, after=2.0)) == ()


def test_unreadable_parts_leave_their_figure_out() -> None:
    values = QUIET | {"drop_pagecache": 1001, "compact_migrate_scanned": 2000, "compact_isolated": 1600}
    after = replace(sample_of(values, after=1.0), meminfo=Unavailable("gone"))
    assert [event.text for event in derive(SAMPLE, after)] == ["file cache dropped", "on request: 600 pages moved"]


def test_damaged_counters_tell_nothing() -> None:
    assert derive(SAMPLE, sample_of(QUIET | {"pswpin": 10**400}, after=1.0)) == ()


VALUES = st.dictionaries(st.sampled_from(sorted(WATCHED)), st.integers(0, 2**64 - 1) | st.integers(0, 5000))
BLOCKS = st.tuples(
    st.builds(
        FreeBlocks,
        node=st.just(0),
        zone=st.just("Normal"),
        counts=st.lists(st.integers(0, 2**32), max_size=11).map(tuple),
    )
)


@st.composite
def random_samples(draw: st.DrawFn) -> Sample:
    none = st.just(MISSING)
    sizes = st.integers(0, 2**50)
    return replace(
        SAMPLE,
        monotonic=draw(st.floats(0, 1e9)),
        counters=draw(st.builds(Counters, values=VALUES) | none),
        free_blocks=draw(BLOCKS | none),
        reporting=draw(st.builds(ReportingOrder, order=st.integers(0, 12), assumed=st.booleans()) | none),
        meminfo=draw(st.builds(lambda c, s, r: replace(MEMINFO, cached=c, shmem=s, slab_reclaimable=r), *[sizes] * 3)),
    )


@pytest.mark.slow
@given(random_samples(), random_samples())
@settings(max_examples=300)
def test_any_two_samples_give_events_without_negative_amounts(one: Sample, other: Sample) -> None:
    for event in derive(one, other):
        assert event.text
        assert event.text.isascii()
        for name, amount in event.amounts.items():
            assert amount >= 0 or name.endswith("_change")
        assert event == counted_event(
            event.kind, event.amounts, time=event.time, monotonic=event.start, level=event.level
        )


def best_cost(one: Sample, other: Sample) -> float:
    costs = []
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(200):
            derive(one, other)
        costs.append((time.perf_counter() - started) / 200)
    return min(costs)


def test_a_quiet_second_costs_less_than_30_microseconds() -> None:
    unread = sample_of(QUIET | {"pgfault": 5}, after=1.0)
    assert best_cost(SAMPLE, sample_of(dict(QUIET), after=1.0)) < 30e-6
    assert best_cost(SAMPLE, unread) < 30e-6
