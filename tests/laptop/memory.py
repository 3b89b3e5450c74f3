"""The memory of a simulated VM, and what Windows lends it: pure, stepped by its caller, all sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.laptop.texts import ORDERS, PAGE

MIB: Final = 1024**2
GIB: Final = 1024**3
PASS: Final = 2.0
"""Seconds from a free to the first pass of free page reporting, and between two passes (mm/page_reporting.c)."""
BATCH: Final = 32
"""Blocks that one call to the hypervisor carries."""
SCATTER: Final = (0.35, 0.25, 0.2, 0.12, 0.08)
"""How free memory below the reporting order is spread over the orders, in bytes."""
LOW: Final = 96 * MIB
"""Free memory that the kernel keeps by taking page cache back."""
HELD: Final = 0.35
"""Share of the page cache that programs have mapped at first: it stays when the cache is dropped."""
SETTLED: Final = 0.15
"""Share of scattered free memory that compaction leaves scattered."""
TORN: Final = 0.06
"""Share of what is freed that lies scattered at first."""


@dataclass
class Memory:
    """The memory of the VM; what is not listed is free."""

    total: int
    anonymous: int
    shared: int
    cache: int
    slab_reclaimable: int
    slab_unreclaimable: int
    kernel: int
    scattered: int
    """Free, in blocks below the reporting order."""
    order: int = 5
    beyond: int = 112 * MIB
    """Pages of the VM that are not part of MemTotal: the kernel itself."""
    overhead: int = 160 * MIB
    """What the VM takes on Windows beside the memory of the guest."""
    swap: int = 2 * GIB
    swapped: int = 0
    hogs: Mapping[str, int] = field(default_factory=dict)
    """What hogs of wsltop hold, by kind."""
    counters: dict[str, int] = field(default_factory=dict)
    """Events since boot, by the names of ``/proc/vmstat``."""
    mapped: int = -1
    """Page cache that programs have mapped; ``HELD`` of it at first."""
    reported: int = -1
    """Free bytes that Windows has back; all at first."""
    _waited: float = 0.0
    _holes: int = 0
    """Scattered free memory between the pages of hogs of the kind ``fragment``."""

    def __post_init__(self) -> None:
        """Begin settled: all that can be reported has been."""
        if self.mapped < 0:
            self.mapped = int(self.cache * HELD)
        if self.reported < 0:
            self.reported = self.reportable

    @property
    def hog(self) -> int:
        """What hogs hold of anonymous and shared memory; the page cache that one fills is in the cache."""
        return sum(self.hogs.values())

    @property
    def used(self) -> int:
        """All that is not free."""
        own = self.anonymous + self.shared + self.cache + self.kernel + self.slab_reclaimable + self.slab_unreclaimable
        return own + self.hog

    @property
    def held(self) -> int:
        """Page cache that cannot be dropped."""
        return min(self.cache, self.mapped)

    @property
    def free(self) -> int:
        """MemFree."""
        return self.total - self.used

    @property
    def reportable(self) -> int:
        """Free memory in blocks of at least the reporting order."""
        return max(0, self.free - self.scattered)

    @property
    def available(self) -> int:
        """MemAvailable, about."""
        return max(0, int(self.free - LOW + self.cache - self.held / 2 + self.slab_reclaimable / 2))

    @property
    def lent(self) -> int:
        """The working set of vmmemWSL: the pages that are not reported as free, and the VM itself."""
        return self.total + self.beyond - self.reported + self.overhead

    @property
    def blocks(self) -> list[int]:
        """Free blocks of each order, as ``/proc/buddyinfo`` shows them."""
        counts = [0] * ORDERS
        for number in range(self.order):
            counts[number] = int(self.scattered * SCATTER[min(number, 4)] / sum(SCATTER)) // PAGE >> number
        rest = self.free // PAGE - sum(count << number for number, count in enumerate(counts))
        counts[-1] = max(0, rest) >> (ORDERS - 1)
        rest -= counts[-1] << (ORDERS - 1)
        for number in range(ORDERS - 2, self.order - 1, -1):
            counts[number], rest = max(0, rest) >> number, rest & ((1 << number) - 1)
        counts[0] += max(0, rest)
        return counts

    def count(self, name: str, number: float = 1) -> None:
        """Raise a counter of events."""
        self.counters[name] = self.counters.get(name, 0) + int(number)

    def step(self, seconds: float) -> None:
        """Let time pass: the kernel keeps some memory free, and reports what became free."""
        self._make_room()
        self.scattered = max(0, min(self.scattered, int(self.free * 0.95)))
        self.reported = min(self.reported, self.reportable)  # what is taken from the free is lent at once
        if self.reported == self.reportable:
            self._waited = 0.0
            return
        self._waited += seconds
        while self._waited >= PASS:
            self._waited -= PASS
            self.reported = min(self.reportable, self.reported + self._one_pass())

    def _one_pass(self) -> int:
        """Bytes that one pass may report: some batches of each order's list (page_reporting_cycle in the kernel)."""
        return sum(
            (-(-count // 512) + 1) * BATCH * (PAGE << number)
            for number, count in enumerate(self.blocks)
            if count and number >= self.order
        )

    def _make_room(self) -> None:
        """Take page cache back, then swap out, when too little is free."""
        missing = LOW - self.free
        if missing <= 0:
            return
        taken = min(missing, max(0, self.cache - self.held))
        self.cache -= taken
        self.count("pgsteal_kswapd", taken // PAGE)
        self.count("pgsteal_file", taken // PAGE)
        self.count("pgscan_kswapd", taken * 1.5 // PAGE)
        out = max(0, min(missing - taken, self.swap - self.swapped, self.anonymous))
        self.anonymous -= out
        self.swapped += out
        self.count("pswpout", out // PAGE)
        self.count("pgsteal_anon", out // PAGE)

    def set_hogs(self, hogs: Mapping[str, int]) -> None:
        """Take over what hogs hold now; what one gives back lies partly scattered.

        A hog ``fragment`` gives back single pages while it lives, and what lies between them when it ends.
        """
        for kind, size in self.hogs.items():
            given = size - hogs.get(kind, 0)
            if given > 0 and kind == "fragment" and kind in hogs:
                self._holes += given
                self.scattered += given
            elif given > 0:
                self.scattered += int(given * TORN)
        if "fragment" not in hogs:
            self.scattered, self._holes = max(0, self.scattered - self._holes), 0
        self.hogs = dict(hogs)

    def end(self, size: int) -> None:
        """End a program of so many bytes."""
        size = min(size, self.anonymous)
        self.anonymous -= size
        self.scattered += int(size * TORN)

    def compact(self) -> None:
        """Move pages until free memory lies together."""
        moved = int(self.scattered * (1 - SETTLED))
        self.scattered -= moved
        self.count("compact_isolated", moved // PAGE)
        self.count("compact_migrate_scanned", moved * 2 // PAGE)
        self.count("compact_free_scanned", moved * 3 // PAGE)

    def drop(self, what: int) -> int:
        """Drop the page cache (1), slab (2) or both (3); how many bytes that freed."""
        cache = max(0, self.cache - self.held) if what & 1 else 0
        slab = int(self.slab_reclaimable * 0.6) if what & 2 else 0
        self.cache -= cache
        self.slab_reclaimable -= slab
        self.scattered += int((cache + slab) * TORN)
        self.count("drop_pagecache", what & 1)
        self.count("drop_slab", (what & 2) >> 1)
        return cache + slab

    def reclaim(self, size: int) -> int:
        """Take page cache back, as much as asked for or as there is; how many bytes that freed."""
        taken = max(0, min(size, self.cache - self.held))
        self.cache -= taken
        self.scattered += int(taken * TORN)
        for name in ("pgsteal_proactive", "pgsteal_file", "pgscan_proactive"):
            self.count(name, taken // PAGE)
        return taken
