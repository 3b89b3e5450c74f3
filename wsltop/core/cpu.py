"""CPU time since boot, as ``/proc/stat`` counts it. A struct and nothing else; the file is read in ``wsltop.guest``."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

USER_HZ: Final = 100
"""Ticks per second in ``/proc/stat``: fixed by the kernel's ABI on x86-64 and arm64, whatever CONFIG_HZ is."""


class CpuTimes(Struct, frozen=True, kw_only=True, tag="stat"):
    """The ``cpu`` line of ``/proc/stat``, all CPUs summed, in ticks of 1/100 s since boot (fs/proc/stat.c).

    ``None``: this kernel does not print the column. ``guest`` time is contained in ``user`` and not repeated.
    """

    user: int
    """Time in user mode of processes that are not niced: the only column that WSL up to 2.9.4 looks at."""
    nice: int
    """Time in user mode of processes with a nice value above 0."""
    system: int
    idle: int
    iowait: int | None = None
    """Linux 2.5.41."""
    irq: int | None = None
    """Linux 2.6.0."""
    softirq: int | None = None
    """Linux 2.6.0."""
    steal: int | None = None
    """Linux 2.6.11."""
    cpus: int
    """CPUs that are online: the number of ``cpuN`` lines."""
    boot_time: int | None = None
    """``btime``: wall clock of the boot, seconds since the epoch."""
