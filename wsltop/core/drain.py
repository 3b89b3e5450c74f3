"""Draining: how much freed memory the kernel has not reported to the host yet, and how long that will take.

No file says what has been reported. But every block that becomes free is reported once, at a known pace
(mm/page_reporting.c): about two seconds after a free the worker makes a pass, and one more every two seconds while
there is something left; a pass gives back, for each zone and order, about (ceil(free blocks / 512) + 1) * 32 blocks.
So the growth of the free lists is the work, and the pace is the clock. Seen to match on a real kernel: passes of 896,
640 and 512 MiB; 2 GiB in 8.5 s.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

from wsltop.core.sample import FreeBlocks

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
