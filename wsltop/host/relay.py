"""Starts programs of Windows, and walks away from them: the process here is WSL's relay, which must not be killed.

When a relay ends before Windows has read from its socket for the first time, a thread of ``wsl.exe`` or
``wslhost.exe`` spins at 100 % of a CPU until the terminal closes, and the program goes on (WSL#41173). So a relay is
started directly, in a session of its own, with SIGPIPE at its default and pipes that only wsltop holds; no signal is
sent to one that has printed nothing, and none is tied to the life of wsltop. To end one, its pipes are closed: the end
of its input ends a program that reads it, and the first line into the closed output ends the relay, after which Windows
ends the program.

Each relay inherits a locked descriptor. While the lock is held, the last relay of that program still lives, and no
wsltop of this user starts it again.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable
from typing import Final

from wsltop.child import Child, Output, collect, never
from wsltop.host.failure import explain_exec
from wsltop.host.interop import Launch
from wsltop.host.runtime import open_runtime
from wsltop.model.sample import Reading, Unavailable

AGAIN: Final = 0.1
"""Seconds between two looks whether the last relay of a program has ended."""
HANGS: Final = 3.0
"""Seconds after which one that was left, had printed something and still lives hangs: killing it is safe then."""


class Relay(Child):
    """A running program of Windows."""

    left: float | None = None
    """When ``leave`` was called, on the monotonic clock."""

    def leave(self) -> None:
        """Close its pipes and walk away."""
        if self.left is None:
            self.left = time.monotonic()
            super().leave()

    @property
    def lives(self) -> bool:
        """Whether it still runs; kills one that has printed something, was left, and hangs."""
        if self.poll() is not None:
            return False
        if self.said and self.left is not None and time.monotonic() - self.left > HANGS:
            self.kill()
        return True


RUNNING: Final[dict[str, Relay]] = {}
"""The last relay of each program that this process started."""


def start_relay(launch: Launch, *, text: bytes | None = None) -> Relay | Unavailable | None:
    """Start a program of Windows; ``None`` while the last relay of it still lives.

    Args:
        launch: what to run.
        text: what to write to its input; ``None`` keeps the input open, so that its end can end the program.

    Returns:
        The relay, or why the kernel refused. Only its ``leave`` may end it.
    """
    program = launch.command[0]
    last = RUNNING.get(program)
    if last is not None and last.lives:
        return None
    try:
        lock = lock_program(launch)
    except BlockingIOError:
        return None
    try:
        relay = Relay(
            launch.command,
            directory=launch.directory,
            environment=launch.environment,
            text=text,
            inherit=() if lock is None else (lock,),
        )
    except OSError as error:
        return explain_exec(launch.name, error)
    finally:
        if lock is not None:
            os.close(lock)
    RUNNING[program] = relay
    return relay


def lock_program(launch: Launch) -> int | None:
    """A descriptor that holds the lock of the program; ``None`` where there is no place for locks.

    Raises:
        BlockingIOError: a relay of the program holds it.
    """
    folder = open_runtime(launch.runtime)
    if folder is None:
        return None
    try:
        return folder.lock(f"{launch.name}-{zlib.crc32(launch.command[0].encode(errors='replace')):08x}.relay")
    except BlockingIOError:
        raise
    except OSError:
        return None
    finally:
        folder.close()


def run_relay(
    launch: Launch, timeout: float, canceled: Callable[[], bool] = never, *, text: bytes = b""
) -> Reading[Output]:
    """Run a program of Windows with ``text`` as its input, and return all that it printed.

    Waits for the last relay of the program to end first. One that takes longer than ``timeout`` seconds is left
    running. Blocks: for background threads.
    """
    deadline = time.monotonic() + timeout
    while (relay := start_relay(launch, text=text)) is None:
        if time.monotonic() >= deadline or canceled():
            return still_lives(launch.name)
        time.sleep(AGAIN)
    if isinstance(relay, Unavailable):
        return relay
    try:
        return collect(relay, launch.name, deadline - time.monotonic(), canceled)
    finally:
        relay.leave()


def still_lives(name: str) -> Unavailable:
    """Why a program is not started again."""
    return Unavailable(
        f"the last {name} that wsltop started has not ended yet",
        "Windows is busy, or hangs: wsltop starts it again when the last one has ended.",
    )
