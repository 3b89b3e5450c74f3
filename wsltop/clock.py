"""The one place where time enters the program, so that tests and replays can bring their own."""

from __future__ import annotations

import time
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


SYSTEM_CLOCK = SystemClock()
