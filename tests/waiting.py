"""Waiting for what another process or thread does."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Poll until the condition holds; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"still not so after {seconds} s")
        time.sleep(0.005)


def is_readable(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read within ``seconds``; of a number above 1023 too, which ``select`` refuses."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(1000 * seconds))


def wait_for_command_line(pid: int) -> None:
    """Wait until a process that was just started has its command line.

    The kernel sets it after exec has closed the descriptor that ``Popen`` waits for.
    """
    wait_until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes() != b"")
