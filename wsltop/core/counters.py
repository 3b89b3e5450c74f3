"""Events that only counters tell: what ``/proc/vmstat`` says happened between two samples.

WSL writes ``compact_memory`` and ``memory.reclaim`` without a word in the kernel log, so these counters are the only
witness. What each of them means (mm/vmstat.c names them):

    compaction        mm/compaction.c counts what a pass scanned when the pass ends (compact_*_scanned), and pages as
                      they are isolated. kcompactd counts its passes a second time (compact_daemon_*), an allocation
                      that compacts counts compact_stall; what neither explains was requested through compact_memory.
    cache drop        fs/drop_caches.c: drop_pagecache for 1, drop_slab for 2, both for 3, when the drop is done.
    direct reclaim    mm/vmscan.c: pgsteal_direct, pgscan_direct, by allocations that found too little free memory.
    stall             mm/vmscan.c: allocstall_*, how many such allocations (one allocstall before Linux 4.10).
    proactive reclaim mm/vmscan.c: pgsteal_proactive (Linux 6.15). Until 7.0 reclaim inside a control group, that of
                      memory.reclaim in the root group too, moves none of the counters by cause, but pgsteal_anon and
                      pgsteal_file (Linux 5.9) always move: what the causes do not explain happened in control groups.
    swap              pswpin, pswpout; mm/page_io.c.
    oom kill          oom_kill (Linux 4.13), of the whole machine and of control groups; mm/oom_kill.c.

Background reclaim (pgsteal_kswapd) makes no event: under load it never ends, and the chart shows what it does.

A counted event stands at the sample that first shows it, as a moment, not at the one before: so it never comes before
its cause, be it a line of the kernel log or a key that was pressed between the two. It is late by at most one tick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from wsltop.core.event import Event, EventKind
from wsltop.core.ledger import reportable_free
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Meminfo, Sample
from wsltop.core.wording import describe

COMPACT_SCANNED: Final = ("compact_migrate_scanned", "compact_free_scanned")
DAEMON_SCANNED: Final = ("compact_daemon_migrate_scanned", "compact_daemon_free_scanned")
STEAL_BY_TYPE: Final = ("pgsteal_anon", "pgsteal_file")
STEAL_BY_CAUSE: Final = ("pgsteal_kswapd", "pgsteal_direct")
STEAL_BY_NEWER_CAUSE: Final = ("pgsteal_khugepaged", "pgsteal_proactive")
"""On kernels without them their share is in pgsteal_direct."""
STALLS: Final = tuple(f"allocstall{zone}" for zone in ("", "_dma", "_dma32", "_normal", "_high", "_movable", "_device"))
WATCHED: Final = frozenset(
    {
        *COMPACT_SCANNED,
        *DAEMON_SCANNED,
        *STEAL_BY_TYPE,
        *STEAL_BY_CAUSE,
        *STEAL_BY_NEWER_CAUSE,
        *STALLS,
        "compact_isolated",
        "compact_stall",
        "drop_pagecache",
        "drop_slab",
        "oom_kill",
        "pgscan_direct",
        "pswpin",
        "pswpout",
    }
)
"""Every counter that is looked at; what else a sample holds is ignored."""

NOTABLE_PAGES: Final = 512
"""Compaction that the kernel does by itself is told from this many isolated pages on: one huge page, nothing to see."""
NOTABLE_REMAINDER: Final = 256
"""Pages reclaimed that no cause explains are believed from here on: counters of other CPUs move while they are read."""
NONSENSE: Final = 1 << 62
"""No counter moves, and no memory changes, by this much; it comes from a damaged recording."""


class Step(NamedTuple):
    """Two samples, and by how much each counter moved that both of them have."""

    moved: dict[str, int]
    previous: Sample
    current: Sample

    def total(self, names: tuple[str, ...]) -> int:
        """By how much these counters moved together; one that is missing did not."""
        return sum(self.moved.get(name, 0) for name in names)

    def size(self, name: str) -> int:
        """By how much a counter of pages moved, in bytes."""
        return self.moved.get(name, 0) * self.current.page_size


def derive(previous: Sample, current: Sample) -> tuple[Event, ...]:
    """Tell what the counters say happened between two samples; nothing across a reboot or where they are missing."""
    moved = movement(previous, current)
    if not moved:
        return ()
    step = Step(moved, previous, current)
    events = []
    for kind, level, read in READERS:
        amounts = read(step)
        if amounts:
            event = counted_event(kind, amounts, time=current.time, monotonic=current.monotonic, level=level)
            events.append(event)
    return tuple(events)


def counted_event(kind: EventKind, amounts: dict[str, int], *, time: float, monotonic: float, level: int = 6) -> Event:
    """Make the event of one tick, as a moment, with its text."""
    return Event(
        kind=kind,
        origin="vmstat",
        time=time,
        start=monotonic,
        end=monotonic,
        text=describe(kind, amounts, 0.0),
        level=level,
        amounts=amounts,
    )


def movement(previous: Sample, current: Sample) -> dict[str, int]:
    """By how much every watched counter moved; empty when none did, or when the samples are of different boots."""
    if isinstance(previous.counters, Unavailable) or isinstance(current.counters, Unavailable):
        return {}
    before, after = previous.counters.values, current.counters.values
    if before == after or current.monotonic <= previous.monotonic:
        return {}
    moved = {name: after[name] - before[name] for name in WATCHED if name in after and name in before}
    # Counters never fall during a boot. Where one did, the others are of another boot too, even those that rose.
    if min(moved.values(), default=0) < 0 or not 0 < max(moved.values(), default=0) < NONSENSE:
        return {}
    return moved


def read_compaction(step: Step) -> dict[str, int]:
    """Pages isolated and scanned, by whose wish, and what it did to reportable free memory."""
    isolated, scanned = step.moved.get("compact_isolated", 0), step.total(COMPACT_SCANNED)
    daemon, stalls = step.total(DAEMON_SCANNED), step.moved.get("compact_stall", 0)
    requested = 0
    if not stalls and step.moved.keys() >= {"compact_stall", *DAEMON_SCANNED}:
        requested = max(0, scanned - daemon)
    if not requested and isolated < NOTABLE_PAGES:
        return {}
    amounts = {"isolated": isolated, "scanned": scanned, "requested": requested, "daemon": daemon, "stalls": stalls}
    return amounts | change("reportable_change", reportable_free(step.previous), reportable_free(step.current))


def read_cache_drop(step: Step) -> dict[str, int]:
    """How often which cache was dropped, and how it changed. What fell in earlier ticks of a long drop is not in it."""
    pagecache, slab = step.moved.get("drop_pagecache", 0), step.moved.get("drop_slab", 0)
    if not pagecache and not slab:
        return {}
    amounts = {"pagecache": pagecache, "slab": slab}
    before, after = step.previous.meminfo, step.current.meminfo
    if isinstance(before, Unavailable) or isinstance(after, Unavailable):
        return amounts
    if pagecache:
        amounts |= change("cache_change", page_cache(before), page_cache(after))
    if slab:
        amounts |= change("slab_change", before.slab_reclaimable, after.slab_reclaimable)
    return amounts


def read_direct_reclaim(step: Step) -> dict[str, int]:
    """Bytes that allocations reclaimed themselves, and looked at for it."""
    amounts = {"reclaimed": step.size("pgsteal_direct"), "scanned": step.size("pgscan_direct")}
    return amounts if any(amounts.values()) else {}


def read_stall(step: Step) -> dict[str, int]:
    """Allocations that had to reclaim."""
    stalls = step.total(STALLS)
    return {"stalls": stalls} if stalls else {}


def read_proactive_reclaim(step: Step) -> dict[str, int]:
    """Bytes reclaimed on request, and bytes reclaimed in control groups for whatever reason."""
    remainder = 0
    if step.moved.keys() >= {*STEAL_BY_TYPE, *STEAL_BY_CAUSE}:
        remainder = step.total(STEAL_BY_TYPE) - step.total(STEAL_BY_CAUSE) - step.total(STEAL_BY_NEWER_CAUSE)
    if remainder < NOTABLE_REMAINDER:
        remainder = 0
    amounts = {"requested": step.size("pgsteal_proactive"), "in_cgroups": remainder * step.current.page_size}
    return amounts if any(amounts.values()) else {}


def read_swap(step: Step) -> dict[str, int]:
    """Bytes written to and read from swap."""
    amounts = {"out": step.size("pswpout"), "in": step.size("pswpin")}
    return amounts if any(amounts.values()) else {}


def read_oom_kill(step: Step) -> dict[str, int]:
    """Processes that the OOM killer ended."""
    killed = step.moved.get("oom_kill", 0)
    return {"killed": killed} if killed else {}


def page_cache(meminfo: Meminfo) -> int:
    """Page cache that is no tmpfs, as the ledger counts it."""
    return meminfo.cached + meminfo.buffers - meminfo.shmem


def change(name: str, before: Reading[int], after: Reading[int]) -> dict[str, int]:
    """Name a signed change, or nothing when either side is not known."""
    if isinstance(before, Unavailable) or isinstance(after, Unavailable) or abs(after - before) >= NONSENSE:
        return {}
    return {name: after - before}


READERS: Final[tuple[tuple[EventKind, int, Callable[[Step], dict[str, int]]], ...]] = (
    ("stall", 4, read_stall),
    ("direct reclaim", 6, read_direct_reclaim),
    ("proactive reclaim", 6, read_proactive_reclaim),
    ("swap", 6, read_swap),
    ("oom kill", 3, read_oom_kill),
    ("cache drop", 6, read_cache_drop),
    ("compaction", 6, read_compaction),
)
"""Kind, syslog severity and reader, in the order in which one leads to the next within a tick."""
