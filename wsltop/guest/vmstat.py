"""``/proc/vmstat``: what the memory management has done since boot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Counters
from wsltop.guest.files import KernelFileSource

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

LINE: Final = re.compile(
    r"\n((?:allocstall|balloon|compact|drop|oom|pgmaj|pgscan|pgsteal|pswp|workingset_refault)\w*) ([0-9]{1,19})(?=\n)",
    re.ASCII,
)
"""A line that may be a counter of ours; the prefixes make it three times as fast as matching every line."""


def parse_vmstat(text: str) -> Reading[Counters]:
    """Parse ``/proc/vmstat``: the counters of ``COUNTERS`` that this kernel has; pages or events since boot."""
    if not text.endswith("\n"):
        return Unavailable("/proc/vmstat is cut off")
    values: dict[str, int] = {}
    for spelling, value in LINE.findall("\n" + text):
        name = SPELLINGS.get(spelling)
        if name is not None:
            values[name] = values.get(name, 0) + int(value)
    return Counters(values=values) if values else Unavailable("/proc/vmstat has none of the counters")


class VmstatSource(KernelFileSource[Counters]):
    """Reads ``/proc/vmstat``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/vmstat", parse_vmstat)
