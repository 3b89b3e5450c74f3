"""What WSL's init does when its gate opens: requests in bytes, and the words for them. Imports msgspec and ``core``."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wsltop.core.gate.rules import Algorithm
from wsltop.core.units import GIB, MIB
from wsltop.core.wslconfig.reclaim import Mode

LOW: Final = GIB
"""A-C: ``MemoryLow``; gradual rests once its target falls under this."""
HIGH: Final = 1.1 * GIB
"""A-C: ``MemoryHigh``; above this, gradual starts again."""
FLOOR: Final = 128 * MIB
"""D: cache that gradual leaves (``c_floorBytes``)."""
MIN_STEP: Final = 256 * MIB
MAX_STEP: Final = 1024 * MIB


class Memory(Struct, frozen=True, kw_only=True):
    """The figures that gradual looks at, in bytes."""

    total: int
    """MemTotal."""
    in_use: int
    """MemTotal less MemFree, page cache included: what A-C measure (``GetMemoryInUse``)."""
    cache: int
    """Active(file) + Inactive(file) + SReclaimable: what D measures (``GetReclaimableCacheBytes``)."""


def gradual_request(algorithm: Algorithm, memory: Memory, *, resting: bool = False) -> int:
    """Bytes that gradual asks of ``memory.reclaim`` in one idle look; 0 for none.

    A-C: 3 % of the memory in use while above 1 GiB; ``resting`` says that the target has been under 1 GiB in this
    idle period, and then it takes more than 1.1 GiB to start again. D: what is above 128 MiB of cache, at most 1/32
    of the RAM, clamped to 256 MiB..1 GiB.
    """
    if algorithm.rolling:
        step = min(max(memory.total // 32, MIN_STEP), MAX_STEP)
        return min(max(memory.cache - FLOOR, 0), step)
    if memory.in_use <= LOW or (resting and memory.in_use <= HIGH):
        return 0
    return int(memory.in_use - memory.in_use * 0.97)


def rests(request: int, memory: Memory) -> bool:
    """Whether A-C's gradual rests after this request: its target is under 1 GiB."""
    return memory.in_use - request < LOW


def describe(algorithm: Algorithm, mode: Mode) -> tuple[str, ...]:
    """What will be written when the gate opens, as clauses; first the reclaim, then the compaction."""
    if algorithm.rolling:
        return _describe_rolling(mode)
    compaction = (
        "compacts at any look, every 30 s, when the next second is quiet"
        if algorithm.forgets_probe
        else "compacts at a look when there was CPU use since the last check and the next second is quiet"
    )
    if mode == "disabled":
        return "reclaims no cache", f"{compaction}, even so"
    if mode == "gradual":
        return (
            "asks memory.reclaim for 3 % of the memory in use, every 30 s while idle and above 1 GiB",
            "names no swappiness, so anonymous memory can go to swap",
            compaction,
        )
    return "writes 1 to drop_caches: page cache, not slab; once per idle period", compaction


def _describe_rolling(mode: Mode) -> tuple[str, ...]:
    if mode == "disabled":
        return ("runs no thread: neither reclaim nor compaction",)
    if mode == "gradual":
        return (
            "asks memory.reclaim for the cache above 128 MiB, at most RAM/32 (256 MiB to 1 GiB) every 10 s while idle",
            "says swappiness=0, so anonymous memory stays",
            "compacts after each reclaim, and once per idle period",
        )
    return "writes 3 to drop_caches: page cache and slab; once per idle period", "then compacts"
