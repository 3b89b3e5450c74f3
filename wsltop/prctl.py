"""What a process of ours sets for itself: to die with its parent, its name, to be the OOM killer's first choice.

Imported by programs that run under ``-I -S`` and must start quickly.
"""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends; end at once if ``parent`` is no longer the parent.

    The kernel takes the end of the *thread* that started this process for the parent's (prctl(2)).
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def go_on_without_parent() -> None:
    """Ask the kernel for SIGCONT when the parent ends, so that a stopped process reads the end of its input."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends (prctl(2), a subreaper)."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def prefer_oom() -> None:
    """Become the OOM killer's first choice: 1000 is the most that oom_score_adj takes, and any user may raise it.

    Raises:
        OSError: a sandbox forbids it.
    """
    score = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    os.write(score, b"1000")
    os.close(score)


def name_process(name: str) -> None:
    """Set the name that ``ps`` and the OOM killer's message show; the kernel keeps 15 bytes."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)
