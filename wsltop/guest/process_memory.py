"""What the kernel says of the memory of a process that is to be ended: ``/proc/PID/status`` and ``/proc/PID/maps``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.prediction import ProcessMemory
from wsltop.model.text import KIB

SIZE: Final = re.compile(r"^(VmHWM|VmRSS|VmSwap|RssShmem):\s+([0-9]{1,15}) kB$", re.MULTILINE | re.ASCII)
SHARED: Final = re.compile(
    r"^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ..[-x]s [0-9a-f]+ \S+ [0-9]+ +(.*)$", re.MULTILINE | re.ASCII
)
"""A mapping that its program shares with others: start, end and name."""
NAMELESS: Final = re.compile(r"^/memfd:| \(deleted\)$")
"""Shared memory that goes with its last user: memfd, shared anonymous memory, files that are deleted."""


def read_process_memory(root: Path, pid: int) -> ProcessMemory | None:
    """What a process holds and has held; None where that cannot be read. Its mappings only its owner may read."""
    try:
        status = (root / f"proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    try:
        maps = (root / f"proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        maps = None
    return parse_process_memory(status, maps)


def parse_process_memory(status: str, maps: str | None) -> ProcessMemory:
    """What a process holds and has held, from the texts of its two files; ``maps`` is None where it was not read."""
    sizes = {name: int(size) * KIB for name, size in SIZE.findall(status)}
    swapped = sizes.get("VmSwap", 0)
    named = 0
    for start, end, name in SHARED.findall(maps or ""):
        named += 0 if NAMELESS.search(name) else int(end, 16) - int(start, 16)
    return ProcessMemory(
        swapped=swapped,
        freed=max(0, sizes.get("VmHWM", 0) - sizes.get("VmRSS", 0) - swapped),
        nameless=0 if maps is None else max(0, sizes.get("RssShmem", 0) - named),
    )
