"""The kernel log through a command, asked every few seconds from a thread of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, Literal, Protocol

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import KernelLog, KernelRecord
from wsltop.guest.command import Output, run_command

INTERVAL: Final = 5.0
"""Seconds between two runs: a run costs some milliseconds of CPU."""
TIMEOUT: Final = 5.0
"""Seconds that a run may take."""
CAPACITY: Final = 5000
"""Records kept for a reader who does not come."""
RECORDS_PER_READ: Final = 500


class LogCommand(Protocol):
    """A program that prints the kernel log."""

    @property
    def origin(self) -> Literal["dmesg", "journal"]:
        """What it is called in the log."""

    def fetch(self, run: Callable[[Sequence[str]], Reading[Output]]) -> Reading[list[KernelRecord]]:
        """Run it and return the records that were not there the last time."""


class LogPoll:
    """Runs the first of ``commands`` that works, and hands out what it prints."""

    def __init__(self, commands: Sequence[LogCommand], interval: float = INTERVAL, timeout: float = TIMEOUT) -> None:
        self._commands = commands
        self._interval = interval
        self._timeout = timeout
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._closed = threading.Event()
        self._working: LogCommand | None = None
        self._failure = Unavailable("the kernel log has not been read yet")
        self._records: deque[KernelRecord] = deque()
        self._lost = 0
        self._newest = -1.0
        self._thread = threading.Thread(target=self._run, name="kernel-log", daemon=True)
        self._thread.start()

    def read(self) -> Reading[KernelLog]:
        """Return the records that came since the last call, at most ``RECORDS_PER_READ``; never waits."""
        with self._lock:
            if self._working is None:
                return self._failure
            records = tuple(islice(self._records, RECORDS_PER_READ))
            for _ in records:
                self._records.popleft()
            lost, self._lost = self._lost, 0
            return KernelLog(origin=self._working.origin, records=records, lost=lost)

    def wait(self, timeout: float) -> bool:
        """Wait until the first run has ended; whether it has."""
        return self._answered.wait(timeout)

    def stop(self) -> None:
        """Ask the thread to end, without waiting for it; a command that is running is killed."""
        self._closed.set()

    def close(self) -> None:
        """End the thread and what it runs."""
        self.stop()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._fetch()
            self._answered.set()
            self._closed.wait(self._interval)

    def _fetch(self) -> None:
        failure = self._failure
        for command in [self._working] if self._working is not None else self._commands:
            records = command.fetch(lambda argv: run_command(argv, self._timeout, self._closed.is_set))
            if isinstance(records, Unavailable):
                failure = records
                continue
            with self._lock:
                self._keep(records, another=command is not self._working)
                self._working = command
            return
        with self._lock:
            self._working, self._failure = None, failure

    def _keep(self, records: Sequence[KernelRecord], another: bool) -> None:
        # A command that takes over from another prints the whole log again.
        new = [record for record in records if not another or record.monotonic > self._newest]
        self._records.extend(new)
        if new:
            self._newest = max(self._newest, new[-1].monotonic)
        while len(self._records) > CAPACITY:
            self._records.popleft()
            self._lost += 1
