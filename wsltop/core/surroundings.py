"""What changes slowly or costs more to find out than a tick may: read every few seconds and carried by each sample."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from wsltop.core.cpu import CpuTimes
from wsltop.core.gate.blockers import ProcessCpu
from wsltop.core.groups import Groups
from wsltop.core.holders import Holders
from wsltop.core.mounts import Mounts
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.wslconfig import WslconfigFile

WslFlavor = Literal["wsl2", "wsl1", "none"]

NOT_READ = Unavailable("not read")


class Surroundings(Struct, frozen=True, kw_only=True, tag="surroundings"):
    """The machine around the figures."""

    flavor: Reading[WslFlavor] = NOT_READ
    wslconfig: Reading[WslconfigFile] = NOT_READ
    mounts: Reading[Mounts] = NOT_READ
    groups: Reading[Groups] = NOT_READ
    cmdline: Reading[str] = NOT_READ
    """``/proc/cmdline``."""
    reclaim_file: Reading[bool] = NOT_READ
    """Whether ``memory.reclaim`` exists in the root of the cgroup2 file system."""
    page_reporting: Reading[bool] = NOT_READ
    """Whether ``/sys/module/page_reporting`` exists."""
    interop_fault: Unavailable | None = None
    """What is visibly wrong with interop."""


class Census(Struct, frozen=True, kw_only=True, tag="census"):
    """The processes, counted at one moment."""

    read_at: float
    """Monotonic seconds."""
    holders: Holders
    """Who holds memory; of the processes only the biggest are kept."""
    since: CpuTimes | None = None
    """The CPU columns at the census before, with which ``busy`` began; None in the first census."""
    until: CpuTimes | None = None
    busy: tuple[ProcessCpu, ...] = ()
    """What the processes computed since then; the busiest only, and all of our own."""
