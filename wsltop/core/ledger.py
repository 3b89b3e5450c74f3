"""The ledger: the guest's RAM in disjoint buckets that sum to MemTotal to the byte, and what the host should hold.

Formulas (fs/proc/meminfo.c, mm/page_alloc.c, mm/page_reporting.c):

    used             MemTotal - MemAvailable, as ``free`` of procps 4 says it
    anonymous        AnonPages
    shared           Shmem (tmpfs, shared memory)
    cache            Cached + Buffers - Shmem; swap cache is left out: it is in AnonPages while it is mapped
      dirty          of it Dirty + Writeback: must be written before it can be dropped
      held           of it what a drop leaves: Mapped - Shmem (Mapped counts mapped shared memory too, so this may be
                     too little), and what is on no list of evictable file pages: cache - Active(file) - Inactive(file)
      clean          the rest: what a drop frees
    slab             SReclaimable, SUnreclaim
    page tables      PageTables + SecPageTables
    huge pages       Hugetlb: the reserved pool, used or not
    reportable free  free blocks of at least the reporting order (/proc/buddyinfo), and pages that the kernel has not
                     initialized yet: MemTotal - managed pages (/proc/zoneinfo), zero once deferred initialization ends.
                     Nobody has ever touched those, so the host does not hold them either.
    fragmented free  MemFree - reportable free + the free pages on the CPUs' own lists (/proc/zoneinfo, pagesets),
                     which MemFree leaves out: free, and not for the host as it lies
    kernel other     what remains: stacks, per-CPU data, drivers, swap cache, buffers of the network …
    expected host    present pages (/proc/zoneinfo) - reportable free
    watermark        the zones' low watermarks (/proc/zoneinfo); no bucket, a part of free memory

The kernel's counters are read one after another while the machine goes on, and some lag by a few pages per CPU. Where
they contradict each other by that little, the largest bucket gives way, so that the sum holds and nothing is negative.
"""

from __future__ import annotations

from msgspec import Struct

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import FreeBlocks, Meminfo, ReportingOrder, Sample, Zone


class FreeSplit(Struct, frozen=True, kw_only=True, tag="split"):
    """Free memory, by whether the host can have it back as it lies. Bytes; together MemFree and what the CPUs keep."""

    fragmented: int
    reportable: int


class Ledger(Struct, frozen=True, kw_only=True, tag="ledger"):
    """Every byte of the guest's RAM. Bytes."""

    total: int
    used: int
    free: int
    available: int
    anonymous: int
    shared: int
    cache: int
    slab_reclaimable: int
    slab_unreclaimable: int
    page_tables: int
    huge_pages: int
    kernel_other: int
    free_split: Reading[FreeSplit]
    reporting: Reading[ReportingOrder]
    present: Reading[int]
    """RAM that the VM has, the kernel's own part included."""
    expected_host: Reading[int]
    swap_total: int
    swap_free: int
    cache_dirty: int = 0
    cache_held: int = 0
    watermark: int = 0
    """Free memory that the kernel keeps: programs that want it push page cache out instead; 0 when not known."""

    @property
    def cache_clean(self) -> int:
        """Page cache that a drop frees."""
        return self.cache - self.cache_dirty - self.cache_held

    @property
    def swap_used(self) -> int:
        """Swap in use."""
        return max(0, self.swap_total - self.swap_free)


def keep_ledger(sample: Sample) -> Reading[Ledger]:
    """Put every byte of the sample's RAM into its bucket."""
    meminfo = sample.meminfo
    if isinstance(meminfo, Unavailable):
        return meminfo
    reportable = reportable_free(sample)
    kept = 0 if isinstance(reportable, Unavailable) else kept_by_cpus(sample)
    buckets = fill_buckets(meminfo, kept)
    free = min(meminfo.free, meminfo.total)
    available = free if meminfo.available is None else meminfo.available
    if available > meminfo.total:  # as procps does: inside some containers MemAvailable is the machine's
        available = free
    present = present_memory(sample)
    return Ledger(
        total=meminfo.total,
        used=meminfo.total - available,
        free=free,
        available=available,
        **buckets,
        free_split=split_free(meminfo.total - sum(buckets.values()), reportable),
        reporting=sample.reporting,
        present=present,
        expected_host=expect_host(present, reportable),
        swap_total=meminfo.swap_total,
        swap_free=meminfo.swap_free,
        watermark=low_watermark(sample),
        **split_cache(meminfo, buckets["cache"]),
    )


def fill_buckets(meminfo: Meminfo, kept: int) -> dict[str, int]:
    """The buckets other than free memory: none negative, and with MemFree and ``kept`` their sum is MemTotal.

    ``kept`` is what the CPUs keep on their lists: it gives way when it is more than what no other bucket explains.
    """
    buckets = {
        "anonymous": meminfo.anon_pages,
        "shared": meminfo.shmem,
        "cache": max(0, meminfo.cached + meminfo.buffers - meminfo.shmem),
        "slab_reclaimable": meminfo.slab_reclaimable,
        "slab_unreclaimable": meminfo.slab_unreclaimable,
        "page_tables": meminfo.page_tables + (meminfo.secondary_page_tables or 0),
        "huge_pages": meminfo.huge_pages or 0,
    }
    rest = max(0, meminfo.total - meminfo.free) - sum(buckets.values())
    while rest < 0:
        largest = max(buckets, key=lambda name: buckets[name])
        taken = min(-rest, buckets[largest])
        buckets[largest] -= taken
        rest += taken
    buckets["kernel_other"] = rest - min(kept, rest)
    return buckets


def split_cache(meminfo: Meminfo, cache: int) -> dict[str, int]:
    """The parts of the page cache that a drop does not free; together never more than ``cache``."""
    dirty = min(cache, meminfo.dirty + meminfo.writeback)
    evictable = meminfo.active_file + meminfo.inactive_file
    held = max(0, cache - evictable) + min(max(0, meminfo.mapped - meminfo.shmem), evictable)
    return {"cache_dirty": dirty, "cache_held": min(cache - dirty, held)}


def split_free(free: int, reportable: Reading[int]) -> Reading[FreeSplit]:
    """Free memory in two; free blocks that were counted a moment later than MemFree cannot be more than it."""
    if isinstance(reportable, Unavailable):
        return reportable
    reportable = min(reportable, free)
    return FreeSplit(fragmented=free - reportable, reportable=reportable)


def reportable_free(sample: Sample) -> Reading[int]:
    """Free memory that the host can have back as it lies, in bytes."""
    if isinstance(sample.free_blocks, Unavailable):
        return sample.free_blocks
    if isinstance(sample.reporting, Unavailable):
        return sample.reporting
    pages = free_pages_from(sample.free_blocks, sample.reporting.order)
    return pages * sample.page_size + uninitialized(sample)


def free_pages_from(free_blocks: tuple[FreeBlocks, ...], order: int) -> int:
    """Free pages in blocks of at least ``order``."""
    return sum(
        count << exponent for zone in free_blocks for exponent, count in enumerate(zone.counts) if exponent >= order
    )


def uninitialized(sample: Sample) -> int:
    """Bytes that MemTotal counts and no zone manages yet (mm/mm_init.c, deferred initialization of struct pages)."""
    if isinstance(sample.zones, Unavailable) or isinstance(sample.meminfo, Unavailable):
        return 0
    managed = sum(zone.managed for zone in sample.zones) * sample.page_size
    return max(0, sample.meminfo.total - managed)


def kept_by_cpus(sample: Sample) -> int:
    """Bytes of free pages on the CPUs' own lists (mm/page_alloc.c, per-CPU pagesets)."""
    if isinstance(sample.zones, Unavailable):
        return 0
    return sum(zone.per_cpu for zone in sample.zones) * sample.page_size


def low_watermark(sample: Sample) -> int:
    """Bytes of free memory at which the kernel begins to push page cache out (mm/vmscan.c, kswapd)."""
    if isinstance(sample.zones, Unavailable):
        return 0
    return sum(zone.low for zone in sample.zones) * sample.page_size


def present_memory(sample: Sample) -> Reading[int]:
    """RAM that the VM has, in bytes: MemTotal is less, by what the kernel took before it counted."""
    if isinstance(sample.zones, Unavailable):
        return sample.zones
    return sum_present(sample.zones) * sample.page_size


def sum_present(zones: tuple[Zone, ...]) -> int:
    """Pages present in all zones."""
    return sum(zone.present for zone in zones)


def expect_host(present: Reading[int], reportable: Reading[int]) -> Reading[int]:
    """What the host holds once everything reportable has been reported (design: the model that makes it exact)."""
    if isinstance(present, Unavailable):
        return present
    if isinstance(reportable, Unavailable):
        return reportable
    return max(0, present - reportable)
