"""The kernel's memory files: meminfo, zoneinfo, buddyinfo, vmstat, stat, pressure, and the reporting order."""

from __future__ import annotations

import gzip
import re
import zlib
from heapq import nlargest
from pathlib import Path
from typing import Final, Literal, cast

from wsltop.guest.files import KernelFile, KernelFileSource, unreadable
from wsltop.model.sample import (
    Counters,
    CpuTimes,
    Dentries,
    FreeBlocks,
    Meminfo,
    Pressure,
    Reading,
    ReportingOrder,
    SlabCache,
    TransparentHugePages,
    Unavailable,
    Zone,
)
from wsltop.model.text import clean

KIB: Final = 1024
SIZE: Final = re.compile(r"^([A-Za-z0-9_()]+): *([0-9]{1,16}) kB\n", re.MULTILINE)
"""A line with a size. What the kernel calls kB is KiB (fs/proc/meminfo.c shifts pages by ``PAGE_SHIFT - 10``)."""
NONSENSE: Final = re.compile(r"^SwapFree: *[0-9]{17,20} kB\n", re.MULTILINE)
"""What WSL 1 may print: 16 EiB less something, with or without a blank ahead of it."""
HUGE_PAGES: Final = re.compile(r"^HugePages_Total: *([0-9]{1,10})\n", re.MULTILINE)
HUGE_PAGES_FREE: Final = re.compile(r"^HugePages_Free: *([0-9]{1,10})\n", re.MULTILINE)


def parse_meminfo(text: str) -> Reading[Meminfo]:
    """Parse ``/proc/meminfo`` into bytes; a line that every kernel since 4.19 prints must be there."""
    size = {name: int(value) * KIB for name, value in SIZE.findall(text)}
    try:
        return Meminfo(
            total=size["MemTotal"],
            free=size["MemFree"],
            available=size.get("MemAvailable"),
            buffers=size["Buffers"],
            cached=size["Cached"],
            swap_cached=size["SwapCached"],
            active_file=size["Active(file)"],
            inactive_file=size["Inactive(file)"],
            unevictable=size["Unevictable"],
            active_anon=size.get("Active(anon)"),
            inactive_anon=size.get("Inactive(anon)"),
            dirty=size["Dirty"],
            writeback=size["Writeback"],
            anon_pages=size["AnonPages"],
            mapped=size["Mapped"],
            shmem=size["Shmem"],
            slab_reclaimable=size["SReclaimable"],
            slab_unreclaimable=size["SUnreclaim"],
            page_tables=size["PageTables"],
            secondary_page_tables=size.get("SecPageTables"),
            vmalloc=size.get("VmallocUsed"),
            huge_pages=_huge_pages(text, size),
            huge_pages_free=_huge_pages_free(text, size),
            swap_total=size["SwapTotal"],
            swap_free=None if NONSENSE.search(text) else size["SwapFree"],
        )
    except KeyError as error:
        return Unavailable(f"/proc/meminfo has no {error.args[0]}")


def _huge_pages(text: str, size: dict[str, int]) -> int | None:
    """Bytes set aside for huge pages: of all sizes (Hugetlb), or of the default size on Linux before 4.17."""
    if "Hugetlb" in size:
        return size["Hugetlb"]
    count = HUGE_PAGES.search(text)
    if count is None or "Hugepagesize" not in size:
        return None
    return int(count[1]) * size["Hugepagesize"]


def _huge_pages_free(text: str, size: dict[str, int]) -> int | None:
    """Bytes of the pool of huge pages of the default size that no program has."""
    count = HUGE_PAGES_FREE.search(text)
    return None if count is None or "Hugepagesize" not in size else int(count[1]) * size["Hugepagesize"]


ARC_SIZE: Final = re.compile(r"^size\s+\d+\s+(\d{1,19})$", re.MULTILINE)


def read_arc(root: Path) -> Reading[int]:
    """Bytes of ZFS's cache, the row ``size`` of its arcstats; unavailable where there is no ZFS."""
    file = KernelFile(root / "proc/spl/kstat/zfs/arcstats")
    text = file.read()
    file.close()
    if isinstance(text, Unavailable):
        return Unavailable("there is no ZFS") if file.missing else text
    match = ARC_SIZE.search(text)
    return int(match[1]) if match else Unavailable("ZFS does not say how large its cache is")


SLAB_LINE: Final = re.compile(
    r"^(\S{1,64}) +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +([0-9]{1,4}) : .* : slabdata +[0-9]+ +([0-9]{1,16}) +[0-9]+$",
    re.MULTILINE | re.ASCII,
)
"""``slabinfo - version: 2.1`` (mm/slab_common.c): pages of a slab, and slabs."""
SLABS: Final = 8
"""Kinds that are kept."""


def parse_slabinfo(text: str, page_size: int) -> Reading[tuple[SlabCache, ...]]:
    """Parse ``/proc/slabinfo``: the largest kinds of kernel objects, largest first."""
    caches = [
        SlabCache(clean(name), int(slabs) * int(pages) * page_size) for name, pages, slabs in SLAB_LINE.findall(text)
    ]
    if not caches:
        return Unavailable("/proc/slabinfo is not what Linux writes")
    return tuple(nlargest(SLABS, caches, key=lambda cache: cache.size))


def read_slabs(root: Path, page_size: int) -> Reading[tuple[SlabCache, ...]]:
    """The largest kinds of kernel objects. Only root may read the file, and not every kernel of WSL has it."""
    file = KernelFile(root / "proc/slabinfo")
    text = file.read()
    file.close()
    return text if isinstance(text, Unavailable) else parse_slabinfo(text, page_size)


class MeminfoSource(KernelFileSource[Meminfo]):
    """Reads ``/proc/meminfo``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/meminfo", parse_meminfo)


PER_CPU: Final = re.compile(r"\n +count: +([0-9]{1,19})\n")
"""One for each CPU, below ``pagesets``."""
HEAD: Final = re.compile(r"([0-9]{1,6}), zone +(\w{1,32})\n", re.ASCII)
PAGES: Final = re.compile(
    r"""
      \n\ \ pages\ free \ + [0-9]+ \n
      (?: \ + boost     \ + [0-9]+ \n )?            # Linux 5.19
          \ + min       \ + [0-9]+ \n
          \ + low       \ + ([0-9]{1,19}) \n
      (?: \ + [a-z_]+   \ + [0-9]+ \n ){0,8}?       # high, promo (Linux 6.13), spanned
          \ + present   \ + ([0-9]{1,19}) \n
          \ + managed   \ + ([0-9]{1,19}) \n
    """,
    re.VERBOSE,
)
"""The block that every zone has (``zoneinfo_show_print`` in mm/vmstat.c).

Ahead of it stand the statistics of the node, behind it those of the zone and of each CPU, where ``high`` occurs again.
"""


def parse_zoneinfo(text: str) -> Reading[tuple[Zone, ...]]:
    """Parse ``/proc/zoneinfo``, in pages; zones without pages, which Linux prints since 4.12, are left out."""
    zones: list[Zone] = []
    for section in ("\n" + text).split("\nNode ")[1:]:
        head = HEAD.match(section)
        start = section.find("\n  pages free")
        pages = PAGES.match(section, start) if start >= 0 else None
        if head is None or pages is None:
            return Unavailable("/proc/zoneinfo has a zone without page counts")
        present = int(pages[2])
        if present:
            zones.append(
                Zone(
                    node=int(head[1]),
                    zone=head[2],
                    present=present,
                    managed=int(pages[3]),
                    low=int(pages[1]),
                    per_cpu=sum(map(int, PER_CPU.findall(section, pages.end()))),
                )
            )
    return tuple(zones) if zones else Unavailable("/proc/zoneinfo lists no zone with pages")


class ZoneinfoSource(KernelFileSource[tuple[Zone, ...]]):
    """Reads ``/proc/zoneinfo``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/zoneinfo", parse_zoneinfo)


BUDDY_LINE: Final = re.compile(
    r"^Node +([0-9]{1,6}), zone +(\w{1,32})((?: +[0-9]{1,19})+) *\n", re.MULTILINE | re.ASCII
)
"""One zone (``frag_show_print`` in mm/vmstat.c); the number of orders is a choice of the kernel's build."""


def parse_buddyinfo(text: str) -> Reading[tuple[FreeBlocks, ...]]:
    """Parse ``/proc/buddyinfo``: one entry a zone that has pages, in the kernel's order, NUMA nodes included."""
    zones = tuple(
        FreeBlocks(node=int(node), zone=zone, counts=tuple(map(int, counts.split())))
        for node, zone, counts in BUDDY_LINE.findall(text)
    )
    if not zones:
        return Unavailable("/proc/buddyinfo lists no zone")
    # A line that was not understood, or was cut off, is memory that would be missing from every sum.
    if len(zones) != text.count("\n") or not text.endswith("\n"):
        return Unavailable("/proc/buddyinfo has a line that is no zone")
    return zones


class BuddyinfoSource(KernelFileSource[tuple[FreeBlocks, ...]]):
    """Reads ``/proc/buddyinfo``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/buddyinfo", parse_buddyinfo)


COUNTERS: Final = (
    "compact_migrate_scanned",
    "compact_free_scanned",
    "compact_isolated",
    "compact_stall",
    "compact_fail",
    "compact_success",
    "compact_daemon_wake",
    "compact_daemon_migrate_scanned",
    "compact_daemon_free_scanned",
    "drop_pagecache",
    "drop_slab",
    "pglazyfree",
    "pglazyfreed",
    "thp_deferred_split_page",
    "thp_split_page",
    "allocstall",
    "pgsteal_kswapd",
    "pgsteal_direct",
    "pgsteal_proactive",
    "pgsteal_khugepaged",
    "pgsteal_anon",
    "pgsteal_file",
    "pgscan_kswapd",
    "pgscan_direct",
    "pgscan_proactive",
    "pgscan_khugepaged",
    "pswpin",
    "pswpout",
    "oom_kill",
    "pgmajfault",
    "workingset_refault_anon",
    "workingset_refault_file",
    "balloon_inflate",
    "balloon_deflate",
)
"""The counters that wsltop uses, by one name whatever the kernel calls them (include/linux/vm_event_item.h)."""
SPLIT_BY_ZONE: Final = ("allocstall", "pgsteal_kswapd", "pgsteal_direct", "pgscan_kswapd", "pgscan_direct")
"""Counters that are the sum over the zones: ``allocstall`` since Linux 4.10, the others before 4.8."""
ZONES: Final = ("dma", "dma32", "normal", "high", "movable", "device")
SPELLINGS: Final = (
    {name: name for name in COUNTERS}
    | {f"{name}_{zone}": name for name in SPLIT_BY_ZONE for zone in ZONES}
    # Until Linux 5.9 refaults of anonymous pages were not counted: the one counter is that of file pages.
    | {"workingset_refault": "workingset_refault_file"}
)
"""From the kernel's name to ours."""
VMSTAT_LINE: Final = re.compile(
    r"\n((?:allocstall|balloon|compact|drop|oom|pglazy|pgmaj|pgscan|pgsteal|pswp|thp_def|thp_split_page|workingset_refault)\w*)"
    r" ([0-9]{1,19})(?=\n)",
    re.ASCII,
)
"""A line that may be a counter of ours; the prefixes make it three times as fast as matching every line."""


def parse_vmstat(text: str) -> Reading[Counters]:
    """Parse ``/proc/vmstat``: the counters of ``COUNTERS`` that this kernel has; pages or events since boot."""
    if not text.endswith("\n"):
        return Unavailable("/proc/vmstat is cut off")
    values: dict[str, int] = {}
    for spelling, value in VMSTAT_LINE.findall("\n" + text):
        name = SPELLINGS.get(spelling)
        if name is not None:
            values[name] = values.get(name, 0) + int(value)
    return Counters(values=values) if values else Unavailable("/proc/vmstat has none of the counters")


class VmstatSource(KernelFileSource[Counters]):
    """Reads ``/proc/vmstat``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/vmstat", parse_vmstat)


NAMES: Final = re.compile(r"([0-9]{1,19})\t(-?[0-9]{1,19})\t-?[0-9]+\t-?[0-9]+\t(-?[0-9]{1,19})\t", re.ASCII)


def parse_dentry_state(text: str) -> Reading[Dentries]:
    """Parse ``/proc/sys/fs/dentry-state`` (Documentation/admin-guide/sysctl/fs.rst): counts of dentries."""
    found = NAMES.match(text)
    if found is None:
        return Unavailable("/proc/sys/fs/dentry-state is not what Linux writes")
    # The counts are sums over CPUs, read while they move: one may be a little below 0.
    total, unused, negative = (max(0, int(part)) for part in found.groups())
    return Dentries(total=total, unused=min(unused, total), negative=negative)


class DentrySource(KernelFileSource[Dentries]):
    """Reads ``/proc/sys/fs/dentry-state``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/sys/fs/dentry-state", parse_dentry_state)


HUGE_PAGE_FOLDER: Final = "sys/kernel/mm/transparent_hugepage"
MODE: Final = re.compile(r"\[(always|madvise|never)\]")
HUGE_SIZE: Final = re.compile(r"hugepages-([0-9]{1,9})kB", re.ASCII)


def read_huge_pages(root: Path = Path("/")) -> Reading[TransparentHugePages]:
    """Read when programs get transparent huge pages, and how much of these is partly unmapped."""
    folder = root / HUGE_PAGE_FOLDER
    try:
        mode = MODE.search((folder / "enabled").read_text(errors="replace"))
        sizes = [(HUGE_SIZE.fullmatch(path.name), path) for path in folder.glob("hugepages-*")]
    except OSError as error:
        return unreadable(folder, error)
    if mode is None:
        return Unavailable(f"{folder}/enabled is not what Linux writes")
    parts = [part for size, path in sizes if size and (part := partially_mapped(path, int(size[1]) * KIB)) is not None]
    chosen = cast(Literal["always", "madvise", "never"], mode[1])
    return TransparentHugePages(mode=chosen, partially_mapped=sum(parts) if parts else None)


def partially_mapped(folder: Path, size: int) -> int | None:
    """Bytes of huge pages of one size of which a part is unmapped; None where the kernel does not say."""
    try:
        text = (folder / "stats/nr_anon_partially_mapped").read_text(errors="replace").strip()
    except OSError:
        return None
    return int(text) * size if text.isascii() and text.isdecimal() else None


INIT_OPTION: Final = re.compile(r"(?:^|\s)init_on_alloc=(\S+)")
INIT_CONFIG: Final = re.compile(rb"^CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y$", re.MULTILINE)
YES: Final = frozenset({"1", "y", "Y", "on", "On", "ON"})
CONFIG_LIMIT: Final = 4 * 1024 * 1024


def read_init_on_alloc(root: Path = Path("/")) -> Reading[bool]:
    """Read whether the kernel clears what it allocates: by its command line, else by ``/proc/config.gz``."""
    try:
        options = INIT_OPTION.findall((root / "proc/cmdline").read_text(errors="replace"))
        if options:
            return options[-1] in YES
        with gzip.open(root / "proc/config.gz") as file:
            return INIT_CONFIG.search(file.read(CONFIG_LIMIT)) is not None
    except (OSError, EOFError, zlib.error) as error:
        return Unavailable(f"neither the command line nor /proc/config.gz says it: {type(error).__name__}")


TOTAL: Final = re.compile(r"^cpu[ \t]+([0-9]{1,20}(?:[ \t]+[0-9]{1,20}){3,15})[ \t]*\n", re.ASCII)
CPU: Final = re.compile(r"\ncpu[0-9]{1,5} ", re.ASCII)
BOOT_TIME: Final = re.compile(r"\nbtime ([0-9]{1,12})\n", re.ASCII)


def parse_stat(text: str) -> Reading[CpuTimes]:
    """Parse ``/proc/stat``: ticks of 1/100 s; columns that this kernel lacks are ``None`` (fs/proc/stat.c)."""
    match = TOTAL.match(text)
    if match is None:
        return Unavailable("/proc/stat has no cpu line")
    cpus = len(CPU.findall(text))
    if not cpus:
        return Unavailable("/proc/stat names no CPU")
    columns = [int(column) for column in match[1].split()]
    user, nice, system, idle = columns[:4]
    newer: list[int | None] = [*columns[4:8], None, None, None, None]
    iowait, irq, softirq, steal = newer[:4]
    boot_time = BOOT_TIME.search(text)
    return CpuTimes(
        user=user,
        nice=nice,
        system=system,
        idle=idle,
        iowait=iowait,
        irq=irq,
        softirq=softirq,
        steal=steal,
        cpus=cpus,
        boot_time=int(boot_time[1]) if boot_time else None,
    )


class StatSource(KernelFileSource[CpuTimes]):
    """Reads ``/proc/stat``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/stat", parse_stat)


PSI_LINE: Final = re.compile(
    r"^(some|full) avg10=([0-9]{1,3}\.[0-9]{2}) avg60=([0-9]{1,3}\.[0-9]{2}) avg300=[0-9.]{4,6} total=([0-9]{1,20})$",
    re.MULTILINE | re.ASCII,
)
ABSENT: Final = Unavailable(
    "this kernel has no pressure figures (PSI)",
    "Run `wsl --update` on Windows: the kernels of WSL 2.5 and later have them.",
)


def parse_pressure(text: str) -> Reading[Pressure]:
    """Parse a PSI file (kernel/sched/psi.c, psi_show): percent become shares, microseconds become seconds."""
    lines = {kind: (float(avg10), float(avg60), int(total)) for kind, avg10, avg60, total in PSI_LINE.findall(text)}
    if len(lines) < 2:
        return Unavailable("/proc/pressure/memory is not what Linux writes")
    some, full = lines["some"], lines["full"]
    return Pressure(
        some_avg10=some[0] / 100,
        some_avg60=some[1] / 100,
        full_avg10=full[0] / 100,
        full_avg60=full[1] / 100,
    )


class PressureSource:
    """Reads ``/proc/pressure/memory``; WSL's kernel 5.15 was built without it."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._file = KernelFile(root / "proc/pressure/memory")

    def read(self) -> Reading[Pressure]:
        """Read the file once and parse it."""
        text = self._file.read()
        if not isinstance(text, Unavailable):
            return parse_pressure(text)
        return ABSENT if self._file.missing else text

    def close(self) -> None:
        """Close the file."""
        self._file.close()


PAGEBLOCK_ORDER: Final = 9
"""2 MiB on x86-64 and on arm64 with 4 KiB pages (include/linux/pageblock-flags.h)."""
LARGEST_ORDER: Final = 63
"""No machine has such a block: it stands for "never", and for every number that is no order."""
NUMBER: Final = re.compile(r"-?[0-9]{1,20}\n?", re.ASCII)


def parse_order(text: str) -> Reading[ReportingOrder]:
    """Parse ``page_reporting_order`` (mm/page_reporting.c), a power of two of pages.

    The kernel loops from the order up to its largest block, so with an order above that (11 and more on x86-64) it
    reports nothing, and a sum over ``/proc/buddyinfo`` from that order on is 0, which is the truth. 5.14 to 6.1 print
    11 until a driver has registered, later kernels -1, which becomes an order that no machine has.
    """
    if NUMBER.fullmatch(text) is None:
        return Unavailable("page_reporting_order is not a number")
    order = int(text)
    if 0 <= order <= LARGEST_ORDER:
        return ReportingOrder(order=order, assumed=False)
    return ReportingOrder(order=LARGEST_ORDER, assumed=False)


class ReportingSource:
    """Reads ``/sys/module/page_reporting/parameters/page_reporting_order``."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._file = KernelFile(root / "sys/module/page_reporting/parameters/page_reporting_order")

    def read(self) -> Reading[ReportingOrder]:
        """Read the order each time: WSL's init may set it after boot.

        Where there is no such parameter (Linux before 5.14, or built without page reporting), the pageblock order is
        assumed.
        """
        text = self._file.read()
        if not isinstance(text, Unavailable):
            return parse_order(text)
        return ReportingOrder(order=PAGEBLOCK_ORDER, assumed=True) if self._file.missing else text

    def close(self) -> None:
        """Close the file."""
        self._file.close()
