"""``/proc/stat``: where the CPUs spent their time since boot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.cpu import CpuTimes
from wsltop.core.reading import Reading, Unavailable
from wsltop.guest.files import KernelFileSource

TOTAL: Final = re.compile(r"^cpu[ \t]+([0-9]{1,20}(?:[ \t]+[0-9]{1,20}){3,15})[ \t]*\n", re.ASCII)
CPU: Final = re.compile(r"\ncpu[0-9]{1,5} ", re.ASCII)
BOOT_TIME: Final = re.compile(r"\nbtime ([0-9]{1,12})\n", re.ASCII)


def parse_stat(text: str) -> Reading[CpuTimes]:
    """Parse ``/proc/stat``: ticks of 1/100 s; columns that this kernel lacks are ``None`` (fs/proc/stat.c)."""
    match = TOTAL.match(text)
    if match is None:
        return Unavailable("/proc/stat has no cpu line")
    cpus = len(CPU.findall(text))
    if not cpus:
        return Unavailable("/proc/stat names no CPU")
    columns = [int(column) for column in match[1].split()]
    user, nice, system, idle = columns[:4]
    newer: list[int | None] = [*columns[4:8], None, None, None, None]
    iowait, irq, softirq, steal = newer[:4]
    boot_time = BOOT_TIME.search(text)
    return CpuTimes(
        user=user,
        nice=nice,
        system=system,
        idle=idle,
        iowait=iowait,
        irq=irq,
        softirq=softirq,
        steal=steal,
        cpus=cpus,
        boot_time=int(boot_time[1]) if boot_time else None,
    )


class StatSource(KernelFileSource[CpuTimes]):
    """Reads ``/proc/stat``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/stat", parse_stat)
