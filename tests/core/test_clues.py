"""Clues: what the kernel's files say about how memory lies, as ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.samples import MIB, meminfo, small_sample
from wsltop.core.clues import Clues, Span
from wsltop.core.ledger import Ledger, keep_ledger
from wsltop.model.sample import (
    Counters,
    Dentries,
    Meminfo,
    Mounts,
    Sample,
    Surroundings,
    Tmpfs,
    TransparentHugePages,
    Unavailable,
)


def clues_of(seen: Sample) -> Clues:
    return ledger_of(seen).clues


def ledger_of(seen: Sample) -> Ledger:
    ledger = keep_ledger(seen)
    assert not isinstance(ledger, Unavailable)
    return ledger


def with_memory(**sizes: int) -> Sample:
    """A guest of 8000 MiB with 1000 MiB of page cache; sizes in MiB."""
    parts = {"buffers": 0, "cached": 1000, "active_file": 1000, "inactive_file": 0, "mapped": 0, "shmem": 0} | sizes
    return small_sample(meminfo=meminfo(**{name: size * MIB for name, size in parts.items()}))


def mib(span: Span) -> tuple[int, int, int]:
    return span.low // MIB, span.likely // MIB, span.high // MIB


def test_mapped_cache_beside_shared_memory_that_nobody_maps_is_held() -> None:
    """vm-truth F2: 768 mapped beside 600 of tmpfs: all of Shmem was taken for mapped, 1068 were promised for 513."""
    seen = with_memory(cached=1880, active_file=1280, mapped=768, shmem=600)
    assert mib(clues_of(seen).held) == (168, 168, 768)
    files = Tmpfs(place="/dev/shm", used=600 * MIB, size=None, device="0:25")
    again = replace(files, place="/run/shm")
    mounts = Mounts(tmpfs=(files, again), cgroups=Unavailable("not read"))
    assert mib(clues_of(replace(seen, surroundings=Surroundings(mounts=mounts))).held) == (168, 768, 768)


def test_locked_cache_is_not_held_twice() -> None:
    """vm-truth F2: 768 mapped and locked of 1280; 0 was promised, and 513 came."""
    ledger = ledger_of(with_memory(cached=1280, active_file=512, mapped=768, dirty=0, writeback=0))
    assert mib(ledger.clues.held)[:2] == (768, 768)
    assert ledger.cache_clean == 512 * MIB


def test_what_was_given_up_lazily_is_no_cache() -> None:
    """MADV_FREE pages lie on the lists of files: then less of the cache may be evictable than these hold."""
    seen = with_memory(cached=1000, active_file=700, inactive_file=300, anon_pages=900)
    assert isinstance(seen.counters, Counters)
    lazy = replace(seen, counters=Counters(values={**seen.counters.values, "pglazyfree": 300 * 256, "pglazyfreed": 0}))
    assert clues_of(lazy).lazyfree == 300 * MIB
    assert mib(clues_of(lazy).held) == (0, 0, 300)


def test_from_6_16_on_more_may_be_held_than_is_mapped() -> None:
    seen = with_memory(mapped=100)
    for release, most in (("6.6.87.2-microsoft", 100), ("6.18.33.2-microsoft", 200)):
        held = clues_of(replace(seen, identity=replace(seen.identity, kernel=release))).held
        assert mib(held) == (100, 100, most)


def huge(found: int, *, deferred: int = 500, split: int = 0, partly: int | None = None, **sizes: int) -> Sample:
    """A guest in which ``found`` MiB of anonymous memory are mapped by nobody."""
    seen = small_sample()
    assert isinstance(seen.meminfo, Meminfo)
    plain = replace(seen.meminfo, active_anon=seen.meminfo.anon_pages, inactive_anon=0)
    assert plain.unmapped_anonymous is not None
    memory = replace(plain, active_anon=plain.anon_pages + found * MIB - plain.unmapped_anonymous)
    assert isinstance(seen.counters, Counters)
    pages = TransparentHugePages(mode="always", partially_mapped=None if partly is None else partly * MIB)
    waiting = {"thp_deferred_split_page": deferred, "thp_split_page": split}
    return replace(
        seen,
        meminfo=replace(memory, **{name: size * MIB for name, size in sizes.items()}),
        counters=Counters(values={**seen.counters.values, **waiting}),
        surroundings=replace(Surroundings(), huge_pages=pages),
    )


def test_what_is_freed_inside_huge_pages_is_a_part_of_its_own() -> None:
    """vm-truth F10: half-freed huge pages were "other kernel" memory."""
    plain, found = ledger_of(small_sample()), ledger_of(huge(200))
    assert found.freed_in_huge == 200 * MIB
    assert found.kernel_other == plain.kernel_other - 200 * MIB


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (huge(200, deferred=0), (0, 0, 0)),
        (huge(200, swap_cached=50), (150, 150, 200)),
        (huge(200, partly=120), (120, 120, 120)),
        (huge(200, deferred=80, split=20), (120, 120, 160)),
        (huge(-50), (0, 0, 0)),
    ],
    ids=["no huge page waits", "swap cache", "the kernel says less", "some were split", "none"],
)
def test_how_much_is_freed_inside_huge_pages_is_a_range(seen: Sample, expected: tuple[int, int, int]) -> None:
    assert mib(clues_of(seen).freed_in_huge) == expected


def test_locked_and_lazily_freed_memory_does_not_hide_what_nobody_maps() -> None:
    """They are mapped and on other lists: 300 of 435 MiB freed inside huge pages were once not seen."""
    seen = huge(200)
    assert isinstance(seen.meminfo, Meminfo)
    assert seen.meminfo.active_anon is not None
    moved = replace(
        seen.meminfo,
        active_anon=seen.meminfo.active_anon - 190 * MIB,
        unevictable=seen.meminfo.unevictable + 100 * MIB,
        inactive_file=seen.meminfo.inactive_file + 90 * MIB,
    )
    assert mib(clues_of(replace(seen, meminfo=moved)).freed_in_huge) == (200, 200, 200)


@pytest.mark.parametrize(
    ("seen", "pinned"),
    [(huge(200, deferred=0), 200), (huge(200), 0), (huge(200, partly=0), 200), (huge(200, partly=150), 50)],
    ids=["no huge page waits", "not known", "none is partly mapped", "the rest"],
)
def test_what_is_unmapped_and_still_referenced_is_pinned(seen: Sample, pinned: int) -> None:
    """vm-truth F3: half of the pages pinned by pipes; compaction cannot join what lies between."""
    assert clues_of(seen).pinned == pinned * MIB


def test_unused_names_tell_what_of_the_slab_nobody_uses() -> None:
    seen = small_sample(dentries=Dentries(total=1_100_000, unused=1_000_000, negative=1_000_000))
    unused = clues_of(seen).unused_slab
    assert unused is not None
    assert mib(unused) == (167, 185, 204)
    assert clues_of(seen).names_in_use
    assert not clues_of(
        small_sample(dentries=Dentries(total=1_010_000, unused=1_000_000, negative=1_000_000))
    ).names_in_use
    assert clues_of(small_sample()).unused_slab is None


sizes = st.integers(0, 9 * 1024) | st.integers(0, 1 << 40)


@given(st.dictionaries(st.sampled_from(["cached", "active_file", "inactive_file", "mapped", "shmem", "dirty"]), sizes))
def test_the_ends_of_what_is_held_are_in_order_and_within_the_cache(parts: dict[str, int]) -> None:
    ledger = ledger_of(with_memory(**parts))
    held = ledger.clues.held
    assert 0 <= held.low <= held.likely <= held.high <= ledger.cache
    assert ledger.cache_clean >= 0
