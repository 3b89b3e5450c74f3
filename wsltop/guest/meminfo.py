"""``/proc/meminfo``: how much memory there is and what holds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Meminfo
from wsltop.guest.files import KernelFileSource

KIB: Final = 1024

SIZE: Final = re.compile(r"^([A-Za-z0-9_()]+): *([0-9]{1,16}) kB\n", re.MULTILINE)
"""A line with a size. What the kernel calls kB is KiB (fs/proc/meminfo.c shifts pages by ``PAGE_SHIFT - 10``)."""
HUGE_PAGES: Final = re.compile(r"^HugePages_Total: *([0-9]{1,10})\n", re.MULTILINE)


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
            dirty=size["Dirty"],
            writeback=size["Writeback"],
            anon_pages=size["AnonPages"],
            mapped=size["Mapped"],
            shmem=size["Shmem"],
            slab_reclaimable=size["SReclaimable"],
            slab_unreclaimable=size["SUnreclaim"],
            kernel_stack=size["KernelStack"],
            page_tables=size["PageTables"],
            secondary_page_tables=size.get("SecPageTables"),
            percpu=size.get("Percpu"),
            huge_pages=_huge_pages(text, size),
            swap_total=size["SwapTotal"],
            swap_free=size["SwapFree"],
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


class MeminfoSource(KernelFileSource[Meminfo]):
    """Reads ``/proc/meminfo``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/meminfo", parse_meminfo)
