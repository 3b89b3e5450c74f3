"""The ledger: the guest's RAM in disjoint buckets that sum to MemTotal, and what Windows should hold for it."""

from __future__ import annotations

import math
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.clues import Clues, gather_clues
from wsltop.model.sample import FreeBlocks, HostMemory, Meminfo, Reading, ReportingOrder, Sample, Unavailable, Zone
from wsltop.model.text import MIB


class FreeSplit(Struct, frozen=True, kw_only=True, tag="split"):
    """Free memory, by whether the host can have it back as it lies. Bytes; together MemFree and what the CPUs keep."""

    fragmented: int
    reportable: int


BUCKETS: Final = (
    "anonymous",
    "shared",
    "cache",
    "slab_reclaimable",
    "slab_unreclaimable",
    "page_tables",
    "huge_pages",
    "freed_in_huge",
    "kernel_other",
)
"""The fields of ``Ledger`` that add up, with what is free, to all of the guest's memory."""


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
    freed_in_huge: int = 0
    """Unmapped inside huge pages that are not split: a drop of slab splits them, and compaction then returns them."""
    free_split: Reading[FreeSplit]
    reporting: Reading[ReportingOrder]
    present: Reading[int]
    """RAM that the VM has, the kernel's own part included."""
    expected_host: Reading[int]
    swap_total: int
    swap_free: Reading[int]
    of_windows: bool = False
    """WSL 1: the figures are those of Windows, and ``kernel_other`` is what Windows and its programs hold."""
    cache_dirty: int = 0
    cache_held: int = 0
    watermark: int = 0
    """Free memory that the kernel keeps: programs that want it push page cache out instead; 0 when not known."""
    expected_most: Reading[int] = Unavailable("the free lists are not known")
    """The host holds no more than this, where ``expected_host`` is not known too."""
    pool_untouched: int = 0
    """Of the huge pages, what no program has touched and the host may not hold: 0 where the kernel clears the pool."""
    clues: Clues = Clues()
    """What predictions look at beside the buckets."""

    @property
    def never_reported(self) -> bool:
        """Whether the reporting order says that no free block is ever reported."""
        return self.expected_host == NEVER

    @property
    def cache_clean(self) -> int:
        """Page cache that a drop frees."""
        return self.cache - self.cache_dirty - self.cache_held

    @property
    def swap_used(self) -> Reading[int]:
        """Swap in use."""
        free = self.swap_free
        return free if isinstance(free, Unavailable) else max(0, self.swap_total - free)


WSL1: Final = Unavailable("WSL 1 has no virtual machine: its memory figures are those of Windows")


def keep_ledger(sample: Sample) -> Reading[Ledger]:
    """Put every byte of the sample's RAM into its bucket."""
    meminfo = sample.meminfo
    if isinstance(meminfo, Unavailable):
        return meminfo
    reportable = WSL1 if sample.surroundings.flavor == "wsl1" else reportable_free(sample)
    kept = 0 if isinstance(reportable, Unavailable) else kept_by_cpus(sample)
    buckets = fill_buckets(meminfo, kept)
    clues = gather_clues(sample, meminfo, buckets["cache"], buckets["kernel_other"])
    buckets["freed_in_huge"] = clues.freed_in_huge.likely
    buckets["kernel_other"] -= clues.freed_in_huge.likely
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
        expected_host=NEVER if never_reports(sample) else expect_host(present, reportable),
        expected_most=present if never_reports(sample) else expect_host(present, reportable),
        swap_total=meminfo.swap_total,
        swap_free=free_swap(meminfo),
        of_windows=sample.surroundings.flavor == "wsl1",
        watermark=low_watermark(sample),
        pool_untouched=untouched_pool(sample, meminfo),
        clues=clues,
        **split_cache(meminfo, buckets["cache"], clues.held.likely),
    )


def free_swap(meminfo: Meminfo) -> Reading[int]:
    """Bytes of swap that are free, where the figure can be."""
    if meminfo.swap_free is None or meminfo.swap_free > meminfo.swap_total:
        return Unavailable("the kernel tells more free swap than there is")
    return meminfo.swap_free


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


NEVER: Final = Unavailable(
    "free pages are not reported (page_reporting_order), so the host keeps what was ever touched",
    "Set page_reporting_order to 5, or restart the VM: wsl --shutdown",
)


def never_reports(sample: Sample) -> bool:
    """Whether the order says that no block is ever reported, whatever the kernel log says.

    Up to 6.1 that is an order of at least the number of orders; from 6.2 on, -1 (mm/page_reporting.c).
    """
    if isinstance(sample.reporting, Unavailable) or isinstance(sample.free_blocks, Unavailable):
        return False
    return sample.reporting.order >= max((len(zone.counts) for zone in sample.free_blocks), default=1)


def untouched_pool(sample: Sample, meminfo: Meminfo) -> int:
    """Bytes of reserved huge pages that the host may not hold: nobody has written to them, not even the kernel."""
    return 0 if sample.surroundings.init_on_alloc is True else meminfo.huge_pages_free or 0


def split_cache(meminfo: Meminfo, cache: int, held: int) -> dict[str, int]:
    """The parts of the page cache that a drop does not free; together never more than ``cache``."""
    dirty = min(cache, meminfo.dirty + meminfo.writeback)
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
    """Until the last of it has been reported, as it is likely; 0 when everything has been."""
    earliest: float = 0.0
    lately: int = 0
    """Bytes that were reported within the last seconds, by the model: the host's answer may be older than that."""
    latest: float = 0.0
    """Between which seconds it is: where the kernel's next pass falls is not known, nor over which lists blocks lie."""


class Drain:
    """Follows the free lists from sample to sample.

    The kernel reports in passes of two seconds. Each pass takes a part of the list of each zone, order and migrate
    type, and ``/proc/buddyinfo`` adds the types up: one list is assumed to hold nearly all; more of them are faster.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[int, str, int], int] = {}
        self._pending: dict[tuple[int, str, int], int] = {}
        self._last: float | None = None
        self._order: int | None = None
        self._waited = 0.0
        """Seconds since the last pass, while anything is draining."""
        self._reported: list[tuple[float, int]] = []
        """When a pass was taken to be over, and the bytes that it reported."""

    def feed(self, monotonic: float, free_blocks: tuple[FreeBlocks, ...], order: int, page_size: int) -> Draining:
        """Take the free lists of a sample; what is left to report then."""
        elapsed = 0.0 if self._last is None else max(0.0, monotonic - self._last)
        # Blocks that a change of the order has made reportable wait until one of their size is freed.
        first = self._last is None or order != self._order
        self._last, self._order = monotonic, order
        counts = {
            (zone.node, zone.zone, exponent): count
            for zone in free_blocks
            for exponent, count in enumerate(zone.counts)
            if exponent >= order
        }
        passes, reported = self._count_passes(elapsed), 0
        for key, count in counts.items():
            before = self._counts.get(key, count if first else 0)
            pending = max(0, self._pending.get(key, 0) - passes * pace(before))
            reported += (self._pending.get(key, 0) - pending) * page_size << key[2]
            # What has become free since is to be reported; blocks that were taken again need no report.
            self._pending[key] = min(count, max(0, pending + count - before))
        self._counts = counts
        lately = self._report(monotonic, reported)
        left = {key: blocks for key, blocks in self._pending.items() if blocks and key in counts}
        self._pending = left
        if not left:
            self._waited = 0.0
            return Draining(size=0, seconds=0.0, lately=lately)
        slow = max(math.ceil(blocks / pace(counts[key])) for key, blocks in left.items())
        fast = max(math.ceil(blocks / (pace(counts[key]) + OTHER_LISTS * 2 * BATCH)) for key, blocks in left.items())
        return Draining(
            size=sum(blocks * page_size << key[2] for key, blocks in left.items()),
            seconds=PASS * slow - self._waited,
            earliest=max(0.0, PASS * (fast - 1) - self._waited),
            latest=PASS * (slow + 1) - self._waited,
            lately=lately,
        )

    def _report(self, monotonic: float, reported: int) -> int:
        """Note what a pass reported; the bytes of the last seconds."""
        self._reported = [(when, size) for when, size in self._reported if 0 <= monotonic - when <= LATELY]
        if reported:
            self._reported.append((monotonic, reported))
        return sum(size for _, size in self._reported)

    def _count_passes(self, elapsed: float) -> int:
        """Passes that are over since the last sample: a pass counts when its two seconds are over."""
        if not self._pending:
            return 0
        passes, self._waited = divmod(self._waited + elapsed, PASS)
        return int(passes)


LATELY: Final = 2 * PASS
"""Seconds by which the kernel's passes, or the host's answer, may be behind the model."""
OTHER_LISTS: Final = 2
"""Migrate types beside the one that is assumed: movable, unmovable and reclaimable blocks have lists of their own."""


def pace(blocks: int) -> int:
    """Blocks of a list of ``blocks`` that one pass reports."""
    return (math.ceil(blocks / SHARE) + 1) * BATCH


CHANGED: Final = Unavailable(
    "the reporting order was changed while the VM runs: what had been reported before, or not, is not known",
    "wsl --shutdown ends that",
)
TAKES_EFFECT: Final = 60.0
"""Seconds after which a lower order is in force for all that is free, once a block of its size was freed: 30 passes."""


class OrderWatch:
    """Follows the reporting order; after a change while the VM runs, what the host holds is known from above only.

    A raised order leaves smaller blocks reported that were reported before. A lowered one reports smaller blocks only
    after one of their size was freed. In both cases the host holds no more than by the larger of the two orders.
    """

    def __init__(self) -> None:
        self._order: int | None = None
        self._bound: int | None = None
        self._count = 0
        self._freed: float | None = None

    def feed(self, sample: Sample, ledger: Ledger) -> Ledger:
        """Take a sample; its ledger, with what the host holds at most where no more is known."""
        if isinstance(sample.reporting, Unavailable) or isinstance(sample.free_blocks, Unavailable):
            return ledger
        order = sample.reporting.order
        count = sum(sum(zone.counts[order:]) for zone in sample.free_blocks)
        if self._order is not None and order != self._order:
            self._bound, self._freed = max(self._order, order, self._bound or 0), None
        elif self._bound is not None and order < self._bound and self._freed is None and count > self._count:
            self._freed = sample.monotonic
        self._order, self._count = order, count
        if self._freed is not None and sample.monotonic - self._freed >= TAKES_EFFECT:
            self._bound = self._freed = None
        if self._bound is None:
            return ledger
        reportable = free_pages_from(sample.free_blocks, self._bound) * sample.page_size
        most = expect_host(ledger.present, reportable)
        return replace(ledger, expected_host=CHANGED, expected_most=most)


PartId = Literal[
    "programs",
    "shared",
    "cache-clean",
    "cache-in-use",
    "cache-dirty",
    "slab-reclaimable",
    "slab-fixed",
    "page-tables",
    "zfs-cache",
    "kernel-other",
    "huge-pages",
    "freed-in-huge-pages",
    "scattered-free",
    "on-its-way",
    "vm-itself",
    "trimmed",
    "not-known",
]
GroupId = Literal["programs", "shared", "file cache", "slab", "kernel", "huge pages", "scattered free", "other"]
PARTS: Final[dict[PartId, tuple[GroupId, str]]] = {
    "programs": ("programs", "memory of programs"),
    "shared": ("shared", "shared memory and tmpfs files"),
    "cache-clean": ("file cache", "file cache not in use"),
    "cache-in-use": ("file cache", "file cache in use"),
    "cache-dirty": ("file cache", "file cache not yet written"),
    "slab-reclaimable": ("slab", "names and inodes of files (slab)"),
    "slab-fixed": ("kernel", "kernel objects (slab)"),
    "page-tables": ("kernel", "page tables"),
    "zfs-cache": ("kernel", "cache of ZFS (ARC)"),
    "kernel-other": ("kernel", "other kernel memory"),
    "huge-pages": ("huge pages", "huge page pool"),
    "freed-in-huge-pages": ("scattered free", "freed inside huge pages"),
    "scattered-free": ("scattered free", "scattered free memory"),
    "on-its-way": ("other", "on its way back to Windows"),
    "vm-itself": ("other", "the VM itself"),
    "trimmed": ("other", "trimmed or compressed by Windows"),
    "not-known": ("other", "not known"),
}
"""Each part with the group that bars and legend show it in, and its name on the screen."""

NOISE: Final = 64 * MIB
NOISE_SHARE: Final = 0.01
"""The model was within 5 MiB of a real host; two clocks, one of them on Windows, are less exact."""


class Part(Struct, frozen=True, kw_only=True, tag="part"):
    """One part of what Windows lends."""

    id: PartId
    size: int
    """Bytes; negative for ``trimmed`` alone."""

    @property
    def group(self) -> GroupId:
        """The group in bars and legend."""
        return PARTS[self.id][0]

    @property
    def name(self) -> str:
        """The name on the screen."""
        return PARTS[self.id][1]


class Lent(Struct, frozen=True, kw_only=True, tag="lent"):
    """What Windows lends to the VM. Bytes."""

    size: int
    measured: bool
    """False: Windows could not be read, and this is what it is expected to lend."""
    used: int
    """What Linux uses: MemTotal minus MemAvailable."""
    parts: tuple[Part, ...]
    """Only parts that are not 0; together ``size``."""
    vm: int | None = None
    """The memory that the VM has, so what Linux can be lent at most; None where it is not known."""

    def __getitem__(self, part: PartId) -> int:
        """Bytes of one part; 0 where it is none."""
        return next((one.size for one in self.parts if one.id == part), 0)

    def group(self, group: GroupId) -> int:
        """Bytes of all parts of a group."""
        return sum(part.size for part in self.parts if part.group == group)

    @property
    def programs(self) -> int:
        """What programs hold: their own memory, shared memory, and the files they have open."""
        return self["programs"] + self["shared"] + self["cache-in-use"]

    @property
    def beyond_programs(self) -> int:
        """What is lent beyond that."""
        return max(0, self.size - self.programs)

    @property
    def beyond_use(self) -> int:
        """What is lent beyond what Linux uses."""
        return max(0, self.size - self.used)

    @property
    def beyond_vm(self) -> int:
        """What is lent beyond all of the VM's memory: to the process that runs it; 0 where that is not known."""
        return 0 if self.vm is None else max(0, self.size - self.vm)

    @property
    def cause(self) -> Part:
        """The largest part beyond what programs hold, or what programs hold where that is more."""
        others = [part for part in self.parts if part.group not in ("programs", "shared")]
        largest = max(others, key=lambda part: part.size, default=None)
        if largest is None or largest.size < self.programs:
            return Part(id="programs", size=self.programs)
        return largest


def explain_lent(
    ledger: Ledger, host: Reading[HostMemory], draining: Reading[Draining], *, arc: int = 0
) -> Reading[Lent]:
    """Split what Windows lends into parts that add up to the byte.

    Args:
        ledger: the guest's buckets.
        host: Windows' figure, fresh; else what is expected stands for it.
        draining: what was freed and is not reported yet.
        arc: bytes of ZFS's cache, which the ledger counts as other kernel memory.

    Returns:
        The parts, or why neither the one figure nor the other is known.
    """
    expected = ledger.expected_host
    if isinstance(host, Unavailable):
        if isinstance(expected, Unavailable):
            return expected
        size, measured = expected, False
    else:
        size, measured = host.working_set, True
    split = ledger.free_split
    sizes: dict[PartId, int] = {
        "programs": ledger.anonymous,
        "shared": ledger.shared,
        "cache-clean": ledger.cache_clean,
        "cache-in-use": ledger.cache_held,
        "cache-dirty": ledger.cache_dirty,
        "slab-reclaimable": ledger.slab_reclaimable,
        "slab-fixed": ledger.slab_unreclaimable,
        "page-tables": ledger.page_tables,
        "kernel-other": ledger.kernel_other,
        "huge-pages": ledger.huge_pages,
        "freed-in-huge-pages": ledger.freed_in_huge,
        "scattered-free": 0 if isinstance(split, Unavailable) else split.fragmented,
    }
    if isinstance(expected, Unavailable):
        sizes["scattered-free"] = 0  # whether Windows holds free memory is what cannot be known
        rest = size - sum(sizes.values())
        sizes["not-known" if rest >= 0 else "trimmed"] = rest
    else:
        # What the kernel took before it counted MemTotal: its image, and the descriptors of all pages.
        sizes["kernel-other"] += max(0, expected - sum(sizes.values()))
        rest = size - sum(sizes.values())
        if rest > 0 and measured and not isinstance(draining, Unavailable):
            sizes["on-its-way"] = min(draining.size + draining.lately, rest)
            rest -= sizes["on-its-way"]
        if rest < 0 and measured:  # a pool that nobody has touched was never lent, rather than trimmed
            untouched = min(ledger.pool_untouched, -rest)
            sizes["huge-pages"] -= untouched
            rest += untouched
        sizes["vm-itself" if rest >= 0 else "trimmed"] = rest
    sizes["zfs-cache"] = min(arc, sizes["kernel-other"])
    sizes["kernel-other"] -= sizes["zfs-cache"]
    parts = tuple(Part(id=part, size=sizes[part]) for part in PARTS if sizes.get(part))
    vm = None if isinstance(ledger.present, Unavailable) else max(ledger.present, ledger.total)
    return Lent(size=size, measured=measured, used=ledger.used, parts=parts, vm=vm)


def order_sizes(blocks: tuple[FreeBlocks, ...], page_size: int) -> list[int]:
    """Free bytes by order, all zones together."""
    sizes = [0] * max((len(zone.counts) for zone in blocks), default=0)
    for zone in blocks:
        for order, count in enumerate(zone.counts):
            sizes[order] += (count << order) * page_size
    return sizes
