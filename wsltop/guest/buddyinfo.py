"""``/proc/buddyinfo``: free blocks by size, which decide what can go back to the host."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import FreeBlocks
from wsltop.guest.files import KernelFileSource

LINE: Final = re.compile(r"^Node +([0-9]{1,6}), zone +(\w{1,32})((?: +[0-9]{1,19})+) *\n", re.MULTILINE | re.ASCII)
"""One zone (``frag_show_print`` in mm/vmstat.c); the number of orders is a choice of the kernel's build."""


def parse_buddyinfo(text: str) -> Reading[tuple[FreeBlocks, ...]]:
    """Parse ``/proc/buddyinfo``: one entry a zone that has pages, in the kernel's order, NUMA nodes included."""
    zones = tuple(
        FreeBlocks(node=int(node), zone=zone, counts=tuple(map(int, counts.split())))
        for node, zone, counts in LINE.findall(text)
    )
    if not zones:
        return Unavailable("/proc/buddyinfo lists no zone")
    # A line that was not understood, or was cut off, is memory that would go missing in every sum.
    if len(zones) != text.count("\n") or not text.endswith("\n"):
        return Unavailable("/proc/buddyinfo has a line that is no zone")
    return zones


class BuddyinfoSource(KernelFileSource[tuple[FreeBlocks, ...]]):
    """Reads ``/proc/buddyinfo``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/buddyinfo", parse_buddyinfo)
