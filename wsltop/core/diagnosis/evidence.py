"""Everything that a rule may look at. From what was not read, and is ``Unavailable``, no rule claims anything."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from wsltop.core.event import Event
from wsltop.core.gate import Blockers, GateState
from wsltop.core.groups import Groups
from wsltop.core.growth import FamilyGrowth
from wsltop.core.history import Point
from wsltop.core.holders import Holders
from wsltop.core.moment import Moment
from wsltop.core.mounts import Mounts
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Sample, VmProcess
from wsltop.core.wslconfig import ConfigFinding, ReclaimMode, Suggestion

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
    """Over how long it was measured."""


class Evidence(Struct, frozen=True, kw_only=True):
    """The newest moment, what came before it, and what is known about the machine."""

    moment: Moment
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
    """What is visibly wrong with interop; ``None`` when nothing is, or nobody looked."""
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
