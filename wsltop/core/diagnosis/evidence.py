"""The evidence that rules look at, and the figures that several of them need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from wsltop.core.explanation import Explanation
from wsltop.core.gate.rules import IdleRule, effective_mode
from wsltop.core.gate.watch import Blockers, GateState
from wsltop.core.history import Point
from wsltop.core.holders import FamilyGrowth
from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment
from wsltop.core.wslconfig.effective import Mode, ReclaimMode, Suggestion
from wsltop.core.wslconfig.lint import ConfigFinding
from wsltop.model.sample import (
    Event,
    EventKind,
    Groups,
    Holders,
    HostMemory,
    Mounts,
    Reading,
    Sample,
    SlabCache,
    Unavailable,
    VmProcess,
    known,
)
from wsltop.model.text import GIB, clean

Flavor = Literal["wsl2", "wsl1", "none"]
NOT_READ: Final = Unavailable("not read")


class SwapCount(Struct, frozen=True, kw_only=True, tag="swap_count"):
    """Bytes that were swapped in and out from boot until a sample."""

    monotonic: float
    inward: int
    outward: int


class SwapRates(Struct, frozen=True, kw_only=True, tag="swap_rates"):
    """Traffic with the swap, in bytes per second."""

    inward: float
    outward: float
    seconds: float
    """The length of the measurement."""


class Evidence(Struct, frozen=True, kw_only=True):
    """The newest moment, what came before it, and what is known about the machine."""

    moment: Moment
    explanation: Reading[Explanation] = NOT_READ
    """What Windows lends and why; every finding about that reads it."""
    flavor: Reading[Flavor] = NOT_READ
    past: tuple[Point, ...] = ()
    """The history of the last minute or more, oldest first."""
    swap_rates: Reading[SwapRates] = NOT_READ
    events: tuple[Event, ...] = ()
    """The journal's events about memory, oldest first."""
    gates: Reading[tuple[GateState, ...]] = NOT_READ
    """One for each rule that may apply to this WSL: what is claimed must hold for all of them."""
    reclaim: Reading[ReclaimMode] = NOT_READ
    blockers: Reading[Blockers] = NOT_READ
    """Who used the CPU, best over the last ten seconds or more."""
    config: Reading[tuple[ConfigFinding, ...]] = NOT_READ
    """What is wrong with ``.wslconfig``: ``lint_file``, ``lint`` and ``effective`` together."""
    suggestion: Reading[Suggestion] = NOT_READ
    holders: Reading[Holders] = NOT_READ
    growth: Reading[tuple[FamilyGrowth, ...]] = NOT_READ
    groups: Reading[Groups] = NOT_READ
    mounts: Reading[Mounts] = NOT_READ
    reclaim_file: Reading[bool] = NOT_READ
    """Whether ``memory.reclaim`` exists in the root of the cgroup2 file system."""
    cmdline: Reading[str] = NOT_READ
    page_reporting: Reading[bool] = NOT_READ
    """Whether ``/sys/module/page_reporting`` exists."""
    interop_fault: Unavailable | None = None
    """What is visibly wrong with interop; ``None`` when nothing is, or it was not looked at."""
    vms: Reading[tuple[VmProcess, ...]] = NOT_READ
    """All ``vmmem*`` of Windows."""
    silenced: frozenset[str] = frozenset()
    """Ids of findings that the user does not want to see."""

    @property
    def uptime(self) -> float:
        """Seconds since the VM booted: Linux counts CLOCK_MONOTONIC from there (time asleep is left out)."""
        return self.moment.sample.monotonic

    @property
    def on_wsl(self) -> bool:
        """True when this is known to be WSL 2."""
        return self.flavor == "wsl2"


def count_swap(sample: Sample) -> Reading[SwapCount]:
    """What has been swapped since boot (``pswpin``, ``pswpout`` of ``/proc/vmstat``, which count pages)."""
    if isinstance(sample.counters, Unavailable):
        return sample.counters
    values = sample.counters.values
    if not {"pswpin", "pswpout"} <= values.keys():
        return Unavailable("this kernel does not count swap traffic")
    size = sample.page_size
    return SwapCount(monotonic=sample.monotonic, inward=values["pswpin"] * size, outward=values["pswpout"] * size)


def swap_rates(earlier: Reading[SwapCount], later: Reading[SwapCount]) -> Reading[SwapRates]:
    """Measure the swap traffic between two samples of one boot."""
    if isinstance(earlier, Unavailable):
        return earlier
    if isinstance(later, Unavailable):
        return later
    seconds = later.monotonic - earlier.monotonic
    inward, outward = later.inward - earlier.inward, later.outward - earlier.outward
    if seconds <= 0 or inward < 0 or outward < 0:
        return Unavailable("the samples are not of one boot in order")
    return SwapRates(inward=inward / seconds, outward=outward / seconds, seconds=seconds)


BIG: Final = GIB
"""File cache below this is what any Linux keeps: Windows does not miss it, and reading it again takes time."""
HEAVY_SHARE: Final = 4
"""A quarter of the guest's RAM in cache is what people notice in Task Manager."""


def explained(evidence: Evidence) -> Explanation | None:
    """What Windows lends and why; ``None`` where that is not known."""
    return known(evidence.explanation)


def ledger_of(evidence: Evidence) -> Ledger | None:
    """The ledger of a guest that has RAM."""
    ledger = known(evidence.moment.ledger)
    return ledger if ledger is not None and ledger.total > 0 else None


def host_of(evidence: Evidence) -> HostMemory | None:
    """What the host says now."""
    return known(evidence.moment.host)


def host_name(evidence: Evidence) -> str:
    """How to call the host."""
    return "Windows" if evidence.on_wsl else "the host"


def gates_of(evidence: Evidence) -> tuple[GateState, ...]:
    """The gates that may apply; none when that is not known."""
    return known(evidence.gates) or ()


def sure_mode(evidence: Evidence) -> Mode | None:
    """The mode of reclaim; None where it is assumed."""
    reclaim = known(evidence.reclaim)
    return None if reclaim is None or reclaim.certainty == "assumed" else reclaim.mode


def running_mode(evidence: Evidence) -> Mode | None:
    """The mode that runs; None where it is assumed: ``gradual`` without ``memory.reclaim`` is dropCache."""
    mode = sure_mode(evidence)
    return None if mode is None else effective_mode(mode, known(evidence.reclaim_file))


def rules_of(evidence: Evidence) -> tuple[IdleRule, ...]:
    """The idle rules that this WSL may have; none when that is not known. What holds for all of them is certain."""
    return tuple(gate.rule for gate in gates_of(evidence))


def never_compacts(evidence: Evidence) -> bool:
    """Whether WSL certainly never compacts in the mode that is set."""
    mode, rules = sure_mode(evidence), rules_of(evidence)
    return mode is not None and bool(rules) and not any(rule.compacts(mode) for rule in rules)


def weight_of_cache(evidence: Evidence, ledger: Ledger) -> Literal["note", "warning"]:
    """How bad it is that file cache stays: a warning where Windows is short, or may be and it is much."""
    explanation = explained(evidence)
    matter = None if explanation is None else explanation.matter
    if matter is None or matter.id == "windows-unknown":
        return "warning" if ledger.cache_clean >= ledger.total // HEAVY_SHARE else "note"
    return "warning" if matter.weight in ("warning", "problem") else "note"


RECLAIMABLE: Final = re.compile(
    r"dentry|(?!shmem_)\w*inode(?:_cache)?|radix_tree_node|buffer_head|kmalloc-rcl-\w+|xfs_\w+|btrfs_\w+"
)
"""Kinds of kernel objects that a drop frees; the kernel does not mark them in ``/proc/slabinfo``."""


SLABS_SHOWN: Final = 3


def slab_caches(evidence: Evidence, *, reclaimable: bool) -> tuple[SlabCache, ...]:
    """The largest kinds of kernel objects that a drop frees, or does not; none where they cannot be read."""
    caches = known(evidence.moment.sample.surroundings.slab_caches) or ()
    return tuple(one for one in caches if (RECLAIMABLE.fullmatch(one.name) is not None) == reclaimable)[:SLABS_SHOWN]


def recent(evidence: Evidence, kind: EventKind, seconds: float) -> Iterator[Event]:
    """Yield the events of a kind that ended at most so many seconds ago, oldest first."""
    since = evidence.moment.sample.monotonic - seconds
    return (event for event in evidence.events if event.kind == kind and event.end >= since)


def short(text: str, limit: int = 40) -> str:
    """Text from outside, made safe and cut to fit into a sentence."""
    text = clean(text).strip()
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def clause(text: str) -> str:
    """A clause without the stop at its end, so that it can be put into a sentence."""
    return text.rstrip(" .")
