"""One long-lived program of Windows as a child process: started tied to us, heard in lines, ended whatever it does.

All of its methods are called from the one thread that started it, and that thread must outlive it (``tether``).
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from typing import Final

from wsltop.host.interop import Launch, LineSplitter
from wsltop.model.reading import Unavailable
from wsltop.prctl import tethered

CHUNK: Final = 16 * 1024
KEPT_ERRORS: Final = 4 * 1024
FLOOD_BYTES: Final = 128 * 1024
FLOOD_CHUNKS: Final = 200
"""More than this within one second is no answer but a flood; an answer is one line of a few hundred bytes."""


class Child:
    """A child that prints lines until its stdin closes.

    Args:
        launch: what to run.
        wake: a file descriptor that turns readable when waiting must end.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, launch: Launch, wake: int) -> None:
        self._process = subprocess.Popen(
            tethered(launch.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=launch.directory,
            env=launch.environment,
            close_fds=True,
            start_new_session=True,  # no terminal to read keys from, no Ctrl+C meant for us
        )
        self.pid: Final = self._process.pid
        self.flooded = False
        self.over = False
        """It has ended, or closed its output: nothing more will come."""
        self._lines = LineSplitter()
        self._errors = bytearray()
        self._second = time.monotonic()
        self._bytes = self._chunks = 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(wake, selectors.EVENT_READ)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                self._selector.register(pipe, selectors.EVENT_READ)

    def hear(self, timeout: float) -> list[bytes]:
        """Wait at most ``timeout`` seconds for output; the lines that it completed, empty when there are none."""
        ready = {key.fd for key, _ in self._selector.select(timeout)}
        stdout, stderr = self._process.stdout, self._process.stderr
        if stderr is not None and not stderr.closed and stderr.fileno() in ready:
            chunk = self._take(stderr.fileno())
            self._errors = (self._errors + chunk)[-KEPT_ERRORS:]
            if not chunk:
                self._selector.unregister(stderr)
                stderr.close()
        if stdout is not None and stdout.fileno() in ready:
            chunk = self._take(stdout.fileno())
            self.over = not chunk
            return self._lines.feed(chunk)
        if not ready and self._has_ended():  # a grandchild may hold its output open
            self.over = True
        return []

    @property
    def errors(self) -> bytes:
        """The last 4 KiB that it wrote to standard error since ``forget_errors``."""
        return bytes(self._errors)

    def forget_errors(self) -> None:
        """Drop what it wrote to standard error: it has answered since."""
        self._errors.clear()

    def end(self, grace: float) -> int | None:
        """Close its stdin, give it ``grace`` seconds, then kill it and all that it started; its exit code."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        deadline = time.monotonic() + grace
        while not self._has_ended() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._drain_errors()
        try:
            os.killpg(self.pid, signal.SIGKILL)  # not reaped yet, so the group is still its own
        except (ProcessLookupError, PermissionError):
            process.kill()
        try:
            code: int | None = process.wait(1.0)
        except subprocess.TimeoutExpired:
            code = None  # stuck in the kernel; its tether ends it later
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        self._selector.close()
        return code

    def _take(self, descriptor: int) -> bytes:
        """One read of what is there; counts it against the flood limit."""
        try:
            chunk = os.read(descriptor, CHUNK)
        except OSError:
            return b""
        now = time.monotonic()
        if now - self._second >= 1.0:
            self._second, self._bytes, self._chunks = now, 0, 0
        self._bytes += len(chunk)
        self._chunks += 1
        if self._bytes > FLOOD_BYTES or self._chunks > FLOOD_CHUNKS:
            self.flooded = True
        return chunk

    def _drain_errors(self) -> None:
        """Take what is left in the error pipe, without waiting for more."""
        stderr = self._process.stderr
        if stderr is None or stderr.closed:
            return
        os.set_blocking(stderr.fileno(), False)
        for _ in range(8):
            chunk = self._take(stderr.fileno())
            if not chunk:
                return
            self._errors = (self._errors + chunk)[-KEPT_ERRORS:]

    def _has_ended(self) -> bool:
        """Whether it has ended; does not reap it."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True


def start_child(launch: Launch, wake: int) -> Child | Unavailable:
    """Start a child, or say why the kernel refused."""
    try:
        return Child(launch, wake)
    except OSError as error:
        return Unavailable(
            f"cannot start {os.path.basename(launch.command[0])}: {error.strerror}",  # noqa: PTH119 - a text
            "Free some memory, or look whether the Windows drive is still mounted.",
        )
