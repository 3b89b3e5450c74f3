"""The one place where time enters the program, so that tests and replays can bring their own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells both times that wsltop uses."""

    def time(self) -> float:
        """Wall clock, seconds since the epoch."""

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC, seconds since boot on Linux: the clock of the kernel log's stamps."""


class SystemClock:
    """The clock of this machine."""

    def time(self) -> float:
        """Wall clock, seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC, seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class RootClock(SystemClock):
    """The clock of a guest whose ``/proc`` is below ``root``: its monotonic time goes on from its ``/proc/uptime``.

    The stamps of that guest's kernel log are then in the past, as they are on a real machine. Where there is no such
    file, the monotonic time is this machine's.
    """

    def __init__(self, root: Path) -> None:
        self._ahead = 0.0
        try:
            self._ahead = float((root / "proc/uptime").read_text().split()[0]) - time.monotonic()
        except (OSError, ValueError, IndexError):
            return

    def monotonic(self) -> float:
        """Seconds since that guest booted."""
        return time.monotonic() + self._ahead


SYSTEM_CLOCK = SystemClock()
