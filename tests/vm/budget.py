"""The time that a check may take: what would end too late is not begun, and what hangs is ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from tests.vm.scenarios import Row

UNLIMITED: Final = 2400.0
"""Seconds of a check without a limit; more than that means that something hangs."""
GRACE: Final = 120.0
"""Seconds beyond the limit for what has begun, before its machine is ended; that is a failure."""
BOOT: Final = 15.0
"""Seconds that a machine takes to start, its driver included."""


class Budget:
    """The seconds of a check, from now on; ``None``: as many as it takes.

    Used by several threads: each method does one thing that the interpreter does at once, or takes the lock.
    """

    def __init__(self, within: float | None) -> None:
        self.within = within
        self.left_out: list[str] = []
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._planned = self._taken = 0.0
        self._over = False

    def admits(self, row: Row) -> bool:
        """Whether a scenario that begins now would end in time, as fast as this machine has been so far."""
        if self._over or self.within is None:
            return not self._over
        with self._lock:
            pace = max(1.0, self._taken / self._planned) if self._planned else 1.0
        first = 0.0 if self._planned else BOOT
        return time.monotonic() + first + pace * row.seconds <= self._began + self.within

    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def learn(self, row: Row, seconds: float) -> None:
        """Take in how long a scenario took."""
        with self._lock:
            self._planned += row.seconds
            self._taken += seconds

    def leave_out(self, rows: Iterable[Row]) -> None:
        """Note what is not run."""
        self.left_out.extend(row.name for row in rows)

    @contextmanager
    def alarm(self, abort: Callable[[], None]) -> Iterator[None]:
        """Call ``abort`` when the time has been over for a while, unless this is left before."""

        def end() -> None:
            self._over = True
            abort()

        limit = UNLIMITED if self.within is None else self.within + GRACE
        timer = threading.Timer(max(0.0, self._began + limit - time.monotonic()), end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
