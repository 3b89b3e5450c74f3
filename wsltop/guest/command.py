"""Short-lived children: run a fixed program, wait a bounded time for a bounded amount of output."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from wsltop.model.reading import Reading, Unavailable

if TYPE_CHECKING:
    import subprocess
ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
"""English messages, and nothing of the user's environment."""
OUTPUT_LIMIT: Final = 8 * 1024 * 1024
ERROR_LIMIT: Final = 64 * 1024
GLANCE: Final = 0.2
"""Seconds between looks at whether the owner has gone."""


class Output(NamedTuple):
    """What a program printed, and how it ended."""

    stdout: bytes
    stderr: bytes
    status: int


def never() -> bool:
    """Stand for an owner who never goes."""
    return False


def run_command(
    argv: Sequence[str],
    timeout: float,
    cancelled: Callable[[], bool] = never,
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    directory: str = "/",
) -> Reading[Output]:
    """Run ``argv``, an absolute path and its arguments, without a shell and without input.

    It and its children are killed after ``timeout`` seconds, when they print more than ``OUTPUT_LIMIT`` bytes, or
    when ``cancelled`` says so. Blocks: for background threads.
    """
    import subprocess  # where files tell everything, no program is run: a snapshot need not load it

    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=directory,
            start_new_session=True,  # the kill reaches its children, and Ctrl-C in the terminal does not reach it
        )
    except OSError as error:
        return Unavailable(f"{argv[0]} cannot be run: {error.strerror or error}")
    with child:
        try:
            return _collect(child, argv[0], time.monotonic() + timeout, cancelled)
        finally:
            _kill(child)


def _collect(
    child: subprocess.Popen[bytes], name: str, deadline: float, cancelled: Callable[[], bool]
) -> Reading[Output]:
    """Read both pipes to their ends."""
    import subprocess

    pipes = [pipe.fileno() for pipe in (child.stdout, child.stderr) if pipe is not None]
    limits = dict(zip(pipes, (OUTPUT_LIMIT, ERROR_LIMIT), strict=True))
    received = {descriptor: bytearray() for descriptor in pipes}
    with selectors.DefaultSelector() as selector:
        for descriptor in pipes:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0 or cancelled():
                return Unavailable(f"{name} did not answer in time")
            for key, _ in selector.select(min(remaining, GLANCE)):
                piece = os.read(key.fd, 64 * 1024)
                received[key.fd] += piece
                if not piece:
                    selector.unregister(key.fd)
                elif len(received[key.fd]) > limits[key.fd]:
                    return Unavailable(f"{name} printed too much")
    try:
        status = child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Unavailable(f"{name} did not answer in time")
    stdout, stderr = (bytes(received[descriptor]) for descriptor in pipes)
    return Output(stdout, stderr, status)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and its group, unless it has been waited for: then the number may be someone else's."""
    if child.returncode is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            child.kill()
