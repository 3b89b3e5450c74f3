"""Which rule applies here: by the version of WSL, else by what was observed, else both; and in which mode.

Imports the standard library, msgspec and ``core``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec.structs import replace

from wsltop.core.gate.rules import A, Algorithm, B, C, D
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.wslconfig.keys import parse_version
from wsltop.core.wslconfig.reclaim import Mode

DROP_LINE: Final = re.compile(r"mini_init \(\d+\): drop_caches: (\d+)")
"""The kernel's own line (fs/drop_caches.c) with WSL's init as the writer; any other name is not WSL."""

Dropped = Literal[1, 3]
"""What was written to drop_caches: 1 the page cache, 3 slab too."""


def algorithms_for(version: Reading[str], observed: Dropped | None = None) -> tuple[Algorithm, ...]:
    """The rule of this WSL; more than one where that cannot be decided.

    The ranges come from comparing the function in every tag from 2.5.8 to 2.9.4. ``observed`` is what WSL's init was
    seen writing to drop_caches; it decides only where the version is unknown or its rule is itself an assumption.
    """
    parsed = None if isinstance(version, Unavailable) else parse_version(version)
    if parsed is None or len(parsed) < 3:
        why = "the version of WSL is unknown"
        if observed is not None:
            return (_seen(observed, why),)
        return replace(C, assumed=why), replace(D, assumed=why)
    found = _by_version(parsed[:3])
    if found.assumed and observed is not None and found.drops != observed:
        return (_seen(observed, found.assumed),)
    return (found,)


def _seen(observed: Dropped, why: str) -> Algorithm:
    nearest = D if observed == 3 else C
    return replace(nearest, assumed=f"{why}; init was seen writing {observed} to drop_caches")


def _by_version(version: tuple[int, ...]) -> Algorithm:
    line, patch = version[:2], version[2]
    if version < (2, 0, 0):
        return replace(A, assumed="before 2.0.0 there was no autoMemoryReclaim, and the source is closed")
    if version < (2, 5, 8):
        return replace(A, assumed="the source before 2.5.8 is closed; this is the nearest rule known")
    if version <= (2, 6, 3) or (line == (2, 7) and patch <= 1):
        return A
    if line == (2, 6):
        return replace(A, assumed="a release newer than the sources read; the 2.6 line had this rule")
    if line == (2, 7):
        return B if patch <= 11 else replace(B, assumed="a release newer than the sources read; the 2.7 line kept it")
    if line == (2, 8):
        return B if patch <= 6 else C
    if version <= (2, 9, 4):
        return C
    if version < (2, 9, 8):
        return replace(D, assumed="the new rule came after 2.9.4; which release carried it first is not certain")
    return D


def effective_mode(mode: Mode, reclaim_file: bool | None) -> Mode:
    """What a mode becomes: without a writable ``/sys/fs/cgroup/memory.reclaim``, gradual falls back to dropCache.

    ``reclaim_file`` says whether that file exists; ``None`` when it is not known.
    """
    return "dropCache" if mode == "gradual" and reclaim_file is False else mode


def dropped_by_init(line: str) -> Dropped | None:
    """What WSL's init wrote to drop_caches, when this line of the kernel log says that it did."""
    match = DROP_LINE.search(line)
    value = int(match[1]) & 3 if match else 0
    return 1 if value == 1 else 3 if value == 3 else None


def dropped_by_counters(before: Mapping[str, int], after: Mapping[str, int]) -> Dropped | None:
    """What somebody wrote to drop_caches between two readings of ``/proc/vmstat``.

    ``drop_pagecache`` and ``drop_slab`` go up by one per write (fs/drop_caches.c). The counters do not name the
    writer: only a drop at idle that nobody asked for is WSL's.
    """
    if not {"drop_pagecache", "drop_slab"} <= before.keys() & after.keys():
        return None
    cache = after["drop_pagecache"] - before["drop_pagecache"]
    slab = after["drop_slab"] - before["drop_slab"]
    if cache <= 0 or slab < 0:
        return None
    return 3 if slab else 1
