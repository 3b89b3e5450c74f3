"""How many machines have room here: a scenario that fills its guest makes the host hold all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.vm.missing import PartsMissing
from tests.vm.windows import read_fields

MIB: Final = 1 << 20
MACHINE: Final = (4096 + 512) * MIB
"""The most that one takes: the RAM of its guest, and what QEMU needs."""


def count_machines() -> int:
    """How many fit.

    Raises:
        PartsMissing: not a single one.
    """
    free = min([read_fields(Path("/proc/meminfo"))["MemAvailable"], *limits(Path("/sys/fs/cgroup"))])
    if free < MACHINE:
        raise PartsMissing(f"{free // MIB} MiB of memory are free, and a machine takes up to {MACHINE // MIB} MiB")
    return free // MACHINE


def limits(root: Path) -> Iterator[int]:
    """What is left of the limit of this container, if it has one."""
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            limit, taken = (root / most).read_text().strip(), (root / used).read_text()
        except OSError:
            continue
        if limit.isdecimal():
            yield max(0, int(limit) - int(taken))
