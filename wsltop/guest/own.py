"""What wsltop itself costs: its CPU and that of its children on the Linux side, and its resident memory."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from wsltop.guest.files import KernelFile
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import OwnUse

TICKS = os.sysconf("SC_CLK_TCK")
WINDOW = 5.0
"""Seconds over which the share is a mean: it varies from second to second, and each change is painted."""
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


class OwnUseSource:
    """Reads this process's own use between two calls."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._statm = KernelFile(root / "proc/self/statm")
        self._past: deque[tuple[float, float]] = deque()
        self._children: dict[int, float] = {}

    def read(self, monotonic: float, children: Iterable[int] = ()) -> OwnUse:
        """The share of a core over the last few seconds, and the resident memory now."""
        used = time.process_time() + self._children_time(children)
        while len(self._past) > 1 and monotonic - self._past[0][0] > WINDOW:
            self._past.popleft()
        cpu = None
        if self._past and monotonic > self._past[0][0]:
            cpu = max(0.0, used - self._past[0][1]) / (monotonic - self._past[0][0])
        self._past.append((monotonic, used))
        return OwnUse(cpu=cpu, resident=self._resident())

    def close(self) -> None:
        """Close the file."""
        self._statm.close()

    def _children_time(self, children: Iterable[int]) -> float:
        """CPU seconds of the children, those that have ended included."""
        for pid in children:
            try:
                text = (self._proc / str(pid) / "stat").read_text(errors="replace")
            except OSError:
                continue
            fields = text.rpartition(")")[2].split()
            self._children[pid] = (int(fields[11]) + int(fields[12])) / TICKS  # utime and stime, proc(5)
        return sum(self._children.values())

    def _resident(self) -> Reading[int]:
        text = self._statm.read()
        if isinstance(text, Unavailable):
            return text
        return int(text.split()[1]) * PAGE_SIZE
