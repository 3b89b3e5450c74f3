"""The reporting order: from which size on a free block is offered to the host."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import ReportingOrder
from wsltop.guest.files import KernelFile

PAGEBLOCK_ORDER: Final = 9
"""2 MiB on x86-64 and on arm64 with 4 KiB pages (include/linux/pageblock-flags.h)."""
LARGEST_ORDER: Final = 63
"""No machine has a larger block; a number above is not an order, such as -1 printed without its sign."""

NUMBER: Final = re.compile(r"-?[0-9]{1,20}\n?", re.ASCII)


def parse_order(text: str) -> Reading[ReportingOrder]:
    """Parse ``page_reporting_order`` (mm/page_reporting.c), a power of two of pages.

    -1 means that nobody has chosen; kernels 5.14 to 6.1 may print it unsigned, as 4294967295. The pageblock order
    stands in, as it does in the kernel. An order above the largest block of the allocator (11 and more on x86-64) is
    *kept*: the kernel loops from the order up to its largest block, so with such an order it reports nothing, and a
    sum over ``/proc/buddyinfo`` from that order on is 0, which is the truth. 5.14 to 6.1 print 11 until a driver has
    registered; later kernels refuse to be set above 10.
    """
    if NUMBER.fullmatch(text) is None:
        return Unavailable("page_reporting_order is not a number")
    order = int(text)
    if 0 <= order <= LARGEST_ORDER:
        return ReportingOrder(order=order, assumed=False)
    return ReportingOrder(order=PAGEBLOCK_ORDER, assumed=True)


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
        """Let go of the file."""
        self._file.close()
