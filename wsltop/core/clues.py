"""What predictions need beyond the ledger's buckets: ranges, where the kernel's files leave room for doubt."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from wsltop.model.sample import Meminfo, Sample, Unavailable

RELEASE: Final = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)


class Span(Struct, frozen=True, tag="span"):
    """A size that is known as a range. Bytes, low <= likely <= high."""

    low: int = 0
    likely: int = 0
    high: int = 0


class Clues(Struct, frozen=True, kw_only=True, tag="clues"):
    """What a sample says about how memory lies. Bytes."""

    kernel: tuple[int, int] | None = None
    """Major and minor version of the kernel; ``None``: not known."""
    kept_by_cpus: int = 0
    """Free pages on the CPUs' own lists: neither compaction nor reporting sees them."""
    takes_more: Span = Span()
    """What the list of the CPU that frees memory may still take of it."""
    gives_back: int = 0
    """At most so much of what the CPUs keep on their lists comes back while an act goes on."""
    near: int = 0
    """Free memory in blocks one to three orders below the reporting order: little is missing for them to join."""
    held: Span = Span()
    """Page cache that a drop cannot free as it is mapped, locked or in memory for good (ramfs)."""
    lazyfree: int = 0
    """At most so much was given up by its programs (MADV_FREE) and stands in the lists of files until it is taken."""
    freed_in_huge: Span = Span()
    """Pages that are unmapped inside huge pages, and free once these are split; 0 where no huge page waits for it."""
    pinned: int = 0
    """Memory that is unmapped and still referenced, by a pipe or a device: what is free in between cannot be joined."""
    unused_slab: Span | None = None
    """Reclaimable slab that is not in use, by the counts of names of files (dentries); ``None``: they are not known."""
    names_in_use: bool = False
    """Whether so many names are in use that they may lie between those that are not."""
    dirty_between: int = 0
    """Dirty pages of block devices: what file systems note of their files lies between the cache of these files."""
    swap_cached: int = 0
    """In swap and still in RAM: it goes with its program, which does not count it as resident."""


def gather_clues(sample: Sample, meminfo: Meminfo, cache: int, kernel_other: int) -> Clues:
    """Gather the clues of a sample.

    Args:
        sample: the sample.
        meminfo: its meminfo.
        cache: the ledger's page cache, bytes.
        kernel_other: memory of the kernel that no other bucket explains, bytes.
    """
    kernel = version_of(sample)
    lazyfree = lazily_freed(sample)
    freed_in_huge = find_freed_in_huge(sample, meminfo, kernel_other)
    return Clues(
        kernel=kernel,
        kept_by_cpus=0
        if isinstance(sample.zones, Unavailable)
        else pages(sample, sum(z.per_cpu for z in sample.zones)),
        takes_more=list_room(sample),
        gives_back=list_excess(sample),
        near=near_blocks(sample),
        held=hold_cache(sample, meminfo, cache, lazyfree, folio=FOLIO if kernel and kernel >= LARGE_FOLIOS else 1),
        lazyfree=lazyfree,
        freed_in_huge=freed_in_huge,
        pinned=find_pinned(meminfo, freed_in_huge, kernel_other),
        unused_slab=find_unused_slab(sample, meminfo),
        names_in_use=are_names_in_use(sample),
        dirty_between=min(meminfo.buffers, meminfo.dirty + meminfo.writeback),
        swap_cached=meminfo.swap_cached,
    )


def pages(sample: Sample, count: int) -> int:
    """Pages in bytes."""
    return count * sample.page_size


def count_kept(sample: Sample) -> int:
    """Free pages on the CPUs' own lists, bytes."""
    return 0 if isinstance(sample.zones, Unavailable) else pages(sample, sum(zone.per_cpu for zone in sample.zones))


def list_room(sample: Sample) -> Span:
    """What the list of the CPU that frees memory may still take of it, bytes.

    Each CPU keeps up to its part of the zone's low watermark (mm/page_alloc.c, ``zone_highsize``). From Linux 6.7 on
    its list is that long afterwards; before, it was seen to stay short.
    """
    if isinstance(sample.zones, Unavailable):
        return Span()
    room = pages(sample, sum(max(0, zone.low - zone.per_cpu) for zone in sample.zones))
    room //= 1 if isinstance(sample.cpu, Unavailable) else max(1, sample.cpu.cpus)
    return Span(0, room, room) if lists_grow(sample) else Span(0, 0, room)


def list_excess(sample: Sample) -> int:
    """What the CPUs' lists may give back, bytes: from Linux 6.7 on what is above the watermark, and before, all."""
    if isinstance(sample.zones, Unavailable):
        return 0
    grow = lists_grow(sample)
    return pages(sample, sum(max(0, zone.per_cpu - grow * zone.low) for zone in sample.zones))


def lists_grow(sample: Sample) -> bool:
    """Whether the CPUs' lists of free pages grow and shrink by themselves."""
    kernel = version_of(sample)
    return kernel is None or kernel >= LISTS_GROW


def version_of(sample: Sample) -> tuple[int, int] | None:
    """Major and minor version of the sample's kernel."""
    release = sample.identity.kernel
    found = None if isinstance(release, Unavailable) else RELEASE.match(release)
    return None if found is None else (int(found[1]), int(found[2]))


def counter(sample: Sample, name: str) -> int | None:
    """A counter of vmstat, or None where this kernel has none."""
    return None if isinstance(sample.counters, Unavailable) else sample.counters.values.get(name)


def near_blocks(sample: Sample) -> int:
    """Free memory in blocks of one to three orders below the reporting order, bytes."""
    if isinstance(sample.free_blocks, Unavailable) or isinstance(sample.reporting, Unavailable):
        return 0
    order = sample.reporting.order
    return pages(
        sample,
        sum(
            count << exponent
            for zone in sample.free_blocks
            for exponent, count in enumerate(zone.counts)
            if order - 3 <= exponent < order
        ),
    )


def lazily_freed(sample: Sample) -> int:
    """At most so much memory was given up with MADV_FREE and is not taken yet, bytes.

    The counters say how much was given up and how much of that the kernel took; what ended with its program, or was
    written again, is in neither. So it is also no more than what the lists of files hold beyond the page cache.
    """
    given, taken = counter(sample, "pglazyfree"), counter(sample, "pglazyfreed")
    if given is None or isinstance(sample.meminfo, Unavailable):
        return 0
    meminfo = sample.meminfo
    return max(0, min(pages(sample, given - (taken or 0)), meminfo.inactive_file, meminfo.anon_pages))


LISTS_GROW: Final = (6, 7)
"""From this kernel on the CPUs' lists of free pages grow and shrink by themselves."""
LARGE_FOLIOS: Final = (6, 16)
"""From this kernel on page cache of ext4 lies in large folios, which stay whole where one of their pages is mapped."""
FOLIO: Final = 2
"""Times the mapped page cache that may be held by it then. Programs map their files nearly whole: of mixtures with 90
MiB mapped no more than that was held. Single pages mapped here and there can hold 400 times as much."""


def hold_cache(sample: Sample, meminfo: Meminfo, cache: int, lazyfree: int, *, folio: int = 1) -> Span:
    """Page cache that a drop cannot free.

    Mapped file cache is Mapped less mapped shared memory, of which at least what visible processes map, and at most all
    of Shmem, is mapped; likely is all that is no file of a tmpfs, as these are seldom mapped. What is not on the lists
    that can be evicted (locked, ramfs) may be the same pages or others: the held part lies between the larger of the
    two and their sum.
    """
    evictable = meminfo.active_file + meminfo.inactive_file
    off_lists = max(0, cache - evictable), max(0, cache - max(0, evictable - lazyfree))
    least_shared = min(meminfo.shmem, mapped_shared(sample))
    likely_shared = least_shared or max(0, meminfo.shmem - in_tmpfs(sample))
    likely_mapped = max(0, meminfo.mapped - likely_shared)
    mapped = max(0, meminfo.mapped - meminfo.shmem), max(0, meminfo.mapped - least_shared)
    low = min(cache, max(off_lists[0], mapped[0]))
    likely = min(cache, max(off_lists[0], likely_mapped))
    high = min(cache, off_lists[1] + folio * mapped[1])
    return Span(low, max(low, min(likely, high)), max(low, high))


def mapped_shared(sample: Sample) -> int:
    """At least so much shared memory is mapped: the sum of Pss_Shmem of the processes for which it was read."""
    if isinstance(sample.census, Unavailable):
        return 0
    return sum(
        process.pss.shared or 0
        for process in sample.census.holders.processes
        if not isinstance(process.pss, Unavailable)
    )


DENTRY: Final = 195
"""Bytes of a name: 21 objects of 192 bytes in a page (fs/dcache.c, struct dentry on 64 bits)."""
INODE: Final = 900
"""Bytes of an inode, about: 600 to 1100 by file system."""
WITH_OTHERS: Final = 3000
"""At most so much goes with an inode: its name, its extents, the tree of its pages."""
SURE: Final = 0.9
"""Of names of what is not there: some lie in pages with others."""
FEW: Final = 0.015
"""A part of all names. Those in use since the boot lie by themselves: of 11,000 of them none kept a block of 800,000
others. Those of files that were opened meanwhile may lie in between."""


def in_tmpfs(sample: Sample) -> int:
    """Bytes of the files of every tmpfs that can be seen, each file system once."""
    mounts = sample.surroundings.mounts
    if isinstance(mounts, Unavailable):
        return 0
    used = {tmpfs.device: tmpfs.used for tmpfs in mounts.tmpfs}
    return sum(size for size in used.values() if not isinstance(size, Unavailable))


def find_unused_slab(sample: Sample, meminfo: Meminfo) -> Span | None:
    """Reclaimable slab that is not in use.

    Names of what is not there lie together, as they were looked up one after the other, and go. A name of a file holds
    an inode, which goes with it; but a page with one file that is open stays, and of files of which one in six was open
    nothing was seen to come. The rest of the slab may be in use or not.
    """
    dentries = sample.dentries
    if isinstance(dentries, Unavailable):
        return None
    size = meminfo.slab_reclaimable
    negative = dentries.unused if dentries.negative is None else dentries.negative
    names = min(size, negative * DENTRY)
    with_inode = max(0, dentries.unused - negative)
    # Beside files that are open, inodes stay: of the slab of 31,000 unused ones 8 MiB went, and their names came alone.
    each, at_most = (DENTRY, DENTRY) if are_names_in_use(sample) else (DENTRY + INODE, WITH_OTHERS)
    likely = min(size, names + with_inode * each // 2)
    most = names + with_inode * at_most + size // 16
    return Span(round(SURE * names), likely, max(likely, min(size, most)))


def are_names_in_use(sample: Sample) -> bool:
    """Whether more names are in use than those that were there since the boot."""
    names = sample.dentries
    return not isinstance(names, Unavailable) and names.total - names.unused > FEW * names.total


def find_pinned(meminfo: Meminfo, freed_in_huge: Span, kernel_other: int) -> int:
    """Anonymous memory that nothing maps, and that is neither freed inside huge pages nor in swap as well."""
    unmapped = (meminfo.unmapped_anonymous or 0) - meminfo.swap_cached - freed_in_huge.likely
    return max(0, min(kernel_other, unmapped))


def find_freed_in_huge(sample: Sample, meminfo: Meminfo, kernel_other: int) -> Span:
    """Memory that is unmapped inside huge pages that are not split yet.

    It is anonymous memory that nothing maps, as far as huge pages wait to be split that may hold it. Pages in the swap
    cache may be mapped or not. The rest is unmapped and still referenced, which is another thing.
    """
    unmapped = meminfo.unmapped_anonymous
    if unmapped is None:
        return Span()
    least, most = (min(kernel_other, end) for end in waiting_to_split(sample))
    # What was swapped out and is still in RAM is seldom mapped: 176 MiB of it were once taken for freed memory.
    low, high = max(0, min(least, unmapped - meminfo.swap_cached)), max(0, min(most, unmapped))
    return Span(low, low, high)


def waiting_to_split(sample: Sample) -> tuple[int, int]:
    """Bytes of huge pages of which a part is unmapped: likely, and at most.

    Kernels from 6.12 on say it. Before, it is what has begun to wait since the boot, less what was split: of that some
    had not waited.
    """
    huge = sample.surroundings.huge_pages
    if not isinstance(huge, Unavailable) and huge.partially_mapped is not None:
        return huge.partially_mapped, huge.partially_mapped
    begun, split = counter(sample, "thp_deferred_split_page") or 0, counter(sample, "thp_split_page") or 0
    return HUGE * max(0, begun - split), HUGE * begun


HUGE: Final = 2 << 20
"""Bytes of a huge page on x86-64, and on arm64 with pages of 4 KiB."""
