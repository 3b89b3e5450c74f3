"""The host's end of the serial port on which the agent in the guest listens."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from tests.vm.missing import MachineFailed

RETRY: Final = 0.05


class Job:
    """A command that runs in the guest."""

    def __init__(self, link: Link, number: int) -> None:
        self._link, self.number = link, number
        self.said: queue.SimpleQueue[bytes | int] = queue.SimpleQueue()
        self.code: int | None = None

    def read(self, timeout: float) -> bytes | None:
        """What it prints next, empty at its end; ``None`` when it says nothing in time."""
        if self.code is not None:
            return b""
        try:
            said = self.said.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None
        if isinstance(said, int):
            self.code = said
            return b""
        return said

    def stream(self, timeout: float) -> Iterator[bytes]:
        """What it prints until it ends.

        Raises:
            MachineFailed: it does not end in time; it is killed.
        """
        deadline = time.monotonic() + timeout
        while (said := self.read(deadline - time.monotonic())) != b"":
            if said is None:
                self.kill()
                raise MachineFailed(f"the command did not end within {timeout:.0f} s")
            yield said

    def write(self, text: str) -> None:
        """Type."""
        self._link.send(job=self.number, input=text)

    def kill(self, signal: int = 9) -> None:
        """Send a signal to its process group."""
        self._link.send(job=self.number, signal=signal)


class Link:
    """The connection; a thread of its own reads it."""

    def __init__(self, path: str, is_alive: Any, timeout: float) -> None:
        self._jobs: dict[int, Job] = {}
        self._last = 0
        self.ready: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.clock: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._socket = connect(path, is_alive, timeout)
        self._thread = threading.Thread(target=self._listen, name="link", daemon=True)
        self._thread.start()

    def run(self, *command: str, pty: tuple[int, int] | None = None, env: dict[str, str] | None = None) -> Job:
        """Start a command; ``pty`` is rows and columns of its terminal."""
        self._last += 1
        job = self._jobs[self._last] = Job(self, self._last)
        self.send(job=job.number, run=command, pty=pty, env=env or {})
        return job

    def send(self, **message: object) -> None:
        """Send one message to the agent."""
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _listen(self) -> None:
        rest = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))
        for job in self._jobs.values():
            job.said.put(-1)  # so that a reader of this job does not wait for ever

    def _hear(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self.ready.put(message["ready"])
        elif "clock" in message:
            self.clock.put(message["clock"])
        elif "out" in message:
            self._jobs[message["job"]].said.put(message["out"].encode("latin-1"))
        else:
            self._jobs[message["job"]].said.put(int(message["end"]))


def connect(path: str, is_alive: Any, timeout: float) -> socket.socket:
    """Connect to the socket that QEMU makes."""
    deadline = time.monotonic() + timeout
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            if not is_alive() or time.monotonic() > deadline:
                raise MachineFailed("QEMU did not start") from None
            time.sleep(RETRY)
        else:
            return connection
