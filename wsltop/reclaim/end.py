"""Ends a process that is not ours: by a pidfd whose start time was checked, so that no other one is ever signaled."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path

from wsltop.model.sample import Unavailable


class ProcessEnd:
    """A process that can be ended. Close it.

    Args:
        pid: its number.
        started: its start time in ticks after boot, which tells it from another process with the same number.
        root: where ``proc`` is.

    Raises:
        ProcessLookupError: it has ended, and maybe another process has its number.
    """

    def __init__(self, pid: int, started: int, root: Path = Path("/")) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)
        # The number cannot be used again while the pidfd is open, so what is read now is of the process that it holds.
        if start_of(pid, root) != started:
            self.close()
            raise ProcessLookupError(f"process {pid} has ended")

    def terminate(self) -> None:
        """Ask it to end (SIGTERM).

        Raises:
            PermissionError: it belongs to another user.
            ProcessLookupError: it has ended.
        """
        signal.pidfd_send_signal(self._descriptor, signal.SIGTERM)

    def kill(self) -> None:
        """End it (SIGKILL); raises as ``terminate``."""
        signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    @property
    def ended(self) -> bool:
        """Whether it has ended: a pidfd can be read then."""
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        return bool(poller.poll(0))

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def start_of(pid: int, root: Path = Path("/")) -> int | None:
    """When a process started, in ticks after boot; None when it is gone (field 22 of ``/proc/PID/stat``, proc(5))."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = (root / f"proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(text.rpartition(")")[2].split()[19])  # the name may hold blanks and brackets
    return None


def refusal(pid: int, *, own: bool) -> Unavailable | None:
    """Why wsltop does not end a process, or None."""
    if pid == 1:
        return Unavailable("pid 1 is the init of this distribution", "Run on Windows: wsl --terminate DISTRO")
    if own or pid == os.getpid():
        return Unavailable("that is wsltop itself", "Press q to quit.")
    return None


def command_for(pid: int, root: Path = Path("/")) -> str:
    """The command that ends a process of another user; empty where it is ours, or root looks."""
    with contextlib.suppress(OSError):
        owner = (root / f"proc/{pid}").stat().st_uid
        if os.geteuid() not in (0, owner):
            return f"sudo kill {pid}"
    return ""


def ancestors(root: Path = Path("/")) -> tuple[int, ...]:
    """The processes from which wsltop was started: a shell, an editor's server."""
    found: list[int] = []
    pid = os.getpid()
    for _ in range(64):
        try:
            text = (root / f"proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            pid = int(text.rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
        if pid <= 1:
            break
        found.append(pid)
    return tuple(found)
