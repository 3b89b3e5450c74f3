"""Starts a program in a terminal of its own and reads what it draws, as fast as it comes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from tests.bench.failure import CannotMeasure

CHUNK = 1 << 16
GRACE = 3.0
"""Seconds that a program gets to end by itself."""


class PtyProgram:
    """A running program; the harness is its terminal, which answers no question.

    Args:
        command: the program and its arguments.
        size: columns and rows of the terminal.
        environ: the program's environment.
    """

    def __init__(self, command: Sequence[str], size: tuple[int, int], environ: Mapping[str, str]) -> None:
        columns, rows = size
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self.master, False)
        self.received = 0
        """Bytes it has drawn so far."""
        self.unread = b""
        """What it has drawn since the last ``forget``."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environ),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # its end is then a hang-up for the program
        )
        os.close(slave)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self.process.pid

    def __enter__(self) -> PtyProgram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self) -> bytes:
        """Take what it has drawn, without waiting."""
        data = b""
        with contextlib.suppress(BlockingIOError, OSError):  # EIO: it has closed its terminal
            data = os.read(self.master, CHUNK)
        self.received += len(data)
        self.unread = (self.unread + data)[-4 * CHUNK :]
        return data

    def press(self, key: str) -> float:
        """Type ``key``; when that was, on the monotonic clock."""
        now = time.monotonic()
        os.write(self.master, key.encode())
        return now

    def forget(self) -> None:
        """Drop what it has drawn so far."""
        while self.read():
            pass
        self.unread = b""

    def wait_for(self, words: bytes, patience: float = 20.0) -> float:
        """Wait until it has drawn ``words``; when that was, on the monotonic clock.

        Raises:
            CannotMeasure: it ended, or the time is over.
        """
        deadline = time.monotonic() + patience
        while words not in self.unread:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise CannotMeasure(f"{self.process.args!r} did not draw {words.decode()!r}: {self.unread[-300:]!r}")
            drain([self], 0.1)
        return time.monotonic()

    def close(self) -> None:
        """End it and its session."""
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, ending)
            deadline = time.monotonic() + GRACE
            while self.process.poll() is None and time.monotonic() < deadline:
                drain([self], 0.05)
        self.process.wait()
        os.close(self.master)


def drain(programs: Sequence[PtyProgram], patience: float) -> None:
    """Wait until one of ``programs`` draws, at most ``patience`` seconds, and take it."""
    poller = select.poll()
    by_descriptor = {program.master: program for program in programs}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.POLLIN)
    for descriptor, events in poller.poll(1000 * patience):
        if not by_descriptor[descriptor].read() and events & select.POLLHUP:
            time.sleep(min(patience, 0.05))  # it has gone: do not spin


def drain_for(programs: Sequence[PtyProgram], seconds: float) -> None:
    """Be the terminal of ``programs`` for a while."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        drain(programs, left)
