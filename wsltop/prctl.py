"""Process controls of Linux: die with the parent, set the process name."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15


def tethered(command: Sequence[str]) -> list[str]:
    """The argument vector that runs ``command`` (an absolute path first) as a child that dies with its parent."""
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), str(os.getpid()), *command]  # noqa: PTH100


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends; end at once if ``parent`` is no longer the parent."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def name_process(name: str) -> None:
    """Set the name that ``ps`` and the OOM killer's message show, 15 bytes at the most."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell: that is the point
