"""The ledger: the guest's RAM in disjoint buckets that sum to MemTotal, and what Windows should hold for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct

from wsltop.core.history import Point
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import FreeBlocks, HostMemory, Meminfo, ReportingOrder, Sample, Zone
from wsltop.model.units import MIB, format_duration, format_size


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


PASS: Final = 2.0
"""Seconds between two passes (PAGE_REPORTING_DELAY)."""
BATCH: Final = 32
"""Blocks per call to the hypervisor (PAGE_REPORTING_CAPACITY)."""
SHARE: Final = 512
"""A pass takes a sixteenth of a list in batches of 32: one batch for each 512 blocks (page_reporting_cycle)."""


class Draining(Struct, frozen=True, kw_only=True):
    """What is on its way to the host."""

    size: int
    """Bytes that are free and not reported yet; 0 when everything has been."""
    seconds: float
    """Until the last of it has been reported; 0 when everything has been."""


class Drain:
    """Follows the free lists from sample to sample."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, str, int], int] = {}
        self._pending: dict[tuple[int, str, int], float] = {}
        self._last: float | None = None

    def feed(self, monotonic: float, free_blocks: tuple[FreeBlocks, ...], order: int, page_size: int) -> Draining:
        """Take the free lists of a sample; what is left to report then."""
        elapsed = 0.0 if self._last is None else max(0.0, monotonic - self._last)
        first = self._last is None
        self._last = monotonic
        counts = {
            (zone.node, zone.zone, exponent): count
            for zone in free_blocks
            for exponent, count in enumerate(zone.counts)
            if exponent >= order
        }
        for key, count in counts.items():
            before = count if first else self._counts.get(key, 0)
            self._follow(key, before, count, elapsed)
        self._counts = counts
        left = {key: blocks for key, blocks in self._pending.items() if blocks >= 1}
        return Draining(
            size=sum(math.floor(blocks) * page_size << key[2] for key, blocks in left.items()),
            seconds=max((self._seconds(key, blocks) for key, blocks in left.items()), default=0.0),
        )

    def _follow(self, key: tuple[int, str, int], before: int, now: int, elapsed: float) -> None:
        """Report at the kernel's pace, then add what has become free; blocks that were taken again need no report."""
        pending = self._pending.get(key, 0.0)
        pending = max(0.0, pending - pace(before) * elapsed / PASS)
        self._pending[key] = min(float(now), max(0.0, pending + (now - before)))

    def _seconds(self, key: tuple[int, str, int], blocks: float) -> float:
        return PASS * math.ceil(blocks / pace(self._counts[key]))


def pace(blocks: int) -> int:
    """Blocks of a list of ``blocks`` that one pass reports."""
    return (math.ceil(blocks / SHARE) + 1) * BATCH


WORTH_TELLING = 32 * MIB
"""Parts below this are left out of the sentence: they are noise beside figures in GiB."""


class Gap(Struct, frozen=True, kw_only=True, tag="gap"):
    """Host minus guest."""

    size: int
    """Bytes; negative when the host holds less than the guest uses."""
    measured: bool
    """False: the host could not be read, and the expected figure stands in."""
    sentence: str


def explain_gap(ledger: Reading[Ledger], host: Reading[HostMemory]) -> Reading[Gap]:
    """Compare the working set (or, where there is none, the expected host memory) with the guest's used memory."""
    if isinstance(ledger, Unavailable):
        return ledger
    if not isinstance(host, Unavailable):
        size = host.working_set - ledger.used
        who = "the host" if host.source == "process" else "Windows"
        return Gap(size=size, measured=True, sentence=tell_gap(ledger, size, who))
    if isinstance(ledger.expected_host, Unavailable):
        return ledger.expected_host
    size = ledger.expected_host - ledger.used
    return Gap(size=size, measured=False, sentence=tell_gap(ledger, size, None))


def tell_gap(ledger: Ledger, size: int, who: str | None) -> str:
    """Name the parts of the gap: cache, fragmented free memory, and the rest by its sign; ``None`` only expects it."""
    keeps = "Expected" if who is None else f"{who[0].upper()}{who[1:]} keeps"
    if size < -WORTH_TELLING:
        why = "part of what is free is held in reserve" if who is None else "it has trimmed or compressed the VM"
        return f"{keeps} less than the guest uses: {why}"
    if size < WORTH_TELLING:
        return f"{keeps} what the guest uses, and no more"
    split = ledger.free_split
    parts = [
        (ledger.cache + ledger.slab_reclaimable, "cache"),
        (0 if isinstance(split, Unavailable) else split.fragmented, "fragmented free"),
    ]
    rest = size - sum(part for part, _ in parts)
    parts.append((rest, "draining, or the VM's own"))
    told = [f"{format_size(part)} {name}" for part, name in parts if part >= WORTH_TELLING]
    if rest <= -WORTH_TELLING:
        told.append(f"less {format_size(-rest)} that it does not hold")
    return f"{keeps}: {', '.join(told)}"


Meaning = Literal["settled", "draining", "overhead", "trimmed"]
NOISE: Final = 64 * MIB
"""The model was within 5 MiB of a real host; two clocks, one of them on Windows, are not that exact."""
NOISE_SHARE: Final = 0.01
LOOK_BACK: Final = 60.0
"""Seconds over which the trend is read."""


class Residue(Struct, frozen=True, kw_only=True):
    """Host minus model."""

    size: int
    """Bytes."""
    meaning: Meaning
    sentence: str


def explain_residue(
    working_set: int, expected: int, draining: Draining | None, points: Iterable[Point], now: float
) -> Residue:
    """Say what the residue is, by its sign, by what is draining, and by when memory was last freed.

    Args:
        working_set: the host's figure in bytes.
        expected: what the model expects, in bytes.
        draining: what is on its way, where the free lists could be followed.
        points: the history of about the last minute, oldest first.
        now: monotonic time of the sample.
    """
    size = working_set - expected
    noise = max(NOISE, int(expected * NOISE_SHARE))
    freed = freed_ago(points, now)
    if size < -noise:
        sentence = (
            f"{format_size(-size)} less than the guest holds: Windows has trimmed or compressed the VM; "
            "that is no reclaim"
        )
        return Residue(size=size, meaning="trimmed", sentence=sentence)
    if size <= noise:
        return Residue(size=size, meaning="settled", sentence="the host holds what it should, within noise")
    if draining is not None and draining.size and freed is not None:
        sentence = (
            f"{format_size(size)} still draining after a free {format_duration(freed)} ago; "
            f"{format_duration(draining.seconds)} left"
        )
        return Residue(size=size, meaning="draining", sentence=sentence)
    sentence = f"{format_size(size)} beyond the guest's own: VM overhead, or free memory that was not reported"
    return Residue(size=size, meaning="overhead", sentence=sentence)


def freed_ago(points: Iterable[Point], now: float) -> float | None:
    """Seconds since the expected host memory last fell by more than noise within a second or two, or None."""
    latest: float | None = None
    previous: Point | None = None
    for point in points:
        if previous is not None and fell(previous.expected, point.expected):
            latest = point.monotonic
        previous = point
    return None if latest is None else max(0.0, now - latest)


def fell(before: int | None, now: int | None) -> bool:
    """Whether the expected host memory fell by more than noise from one sample to the next."""
    return before is not None and now is not None and before - now > NOISE
