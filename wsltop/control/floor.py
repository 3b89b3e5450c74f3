"""The floor: the available memory that no hog may take, and what is left above it. Pure; a hog imports it at start.

Why a floor at all: WSL's guest has no spare. When it runs out, the OOM killer ends programs of the user, and long
before that the page cache is gone and every program crawls.
"""

from __future__ import annotations

MIB = 1024**2

LEAST = 512 * MIB
SHARE = 20
TINY_SHARE = 4

INTERPRETER = 12 * MIB
"""What a hog takes before its first page: a bare interpreter with ctypes (10 MiB measured), and its kernel side."""
PAGES_PER_TABLE = 512
"""One page of page table maps 512 pages (x86-64 and arm64 with 4 KiB pages)."""


def floor_for(total: int) -> int:
    """Bytes of available memory to keep in a machine, or a cgroup, of ``total`` bytes.

    5 % of it, because what runs in a guest grows with the guest; but at least 512 MiB, which the shell, the editor's
    server, the interop with Windows and wsltop itself need to stay quick; but never more than a quarter, because below
    2 GiB the 512 MiB would leave nothing to show. MemAvailable, which is held against it, is already net of the low
    watermarks and of half the page cache (mm/show_mem.c, si_mem_available).
    """
    return min(max(LEAST, total // SHARE), total // TINY_SHARE)


def cost_of(size: int) -> int:
    """Bytes that a hog of ``size`` bytes takes from the machine: its pages, their page tables, its interpreter."""
    return size + size // PAGES_PER_TABLE + INTERPRETER


def headroom(available: int, floor: int, promised: int = 0) -> int:
    """Bytes that may be taken now, never negative.

    ``promised`` is what hogs that already run still have to fill: it is free now and will not be.
    """
    return max(0, available - floor - promised)
