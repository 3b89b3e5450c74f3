"""``/proc/PID/stat`` and ``statm``: one process in two short files, read through one kept descriptor of ``/proc``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.text import clean

ONE_READ: Final = 4096
"""Bytes: more than any of these files has, so that one read is all of it."""
NOT_BLOCKING: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
"""A FIFO in the file's place must not hang the caller."""


class ProcessStat(NamedTuple):
    """The fields of ``/proc/PID/stat`` that wsltop uses (fs/proc/array.c, do_task_stat)."""

    name: str
    state: str
    parent: int
    user_ticks: int
    system_ticks: int
    nice: int
    started: int
    """Ticks after boot."""
    rss: int
    """Pages."""


def parse_process_stat(data: bytes) -> Reading[ProcessStat]:
    """Parse ``/proc/PID/stat``; the name may contain anything, ``) S 1`` too: it ends at the *last* parenthesis."""
    start, end = data.find(b"("), data.rfind(b")")
    fields = data[end + 1 :].split(None, 23)
    if not 0 < start < end or len(fields) < 22 or not fields[0].isalpha():
        return Unavailable("the stat file of a process is not what Linux writes")
    try:
        parent, user, system, started, rss = (int(fields[index]) for index in (1, 11, 12, 19, 21))
        nice = int(fields[16])
    except ValueError:
        return Unavailable("the stat file of a process has a field that is no number")
    if min(parent, user, system, started, rss) < 0 or not -20 <= nice <= 19:
        return Unavailable("the stat file of a process has a field out of range")
    name = clean(data[start + 1 : end].decode("utf-8", "replace")).strip()
    return ProcessStat(
        name or "(no name)", fields[0].decode("ascii", "replace"), parent, user, system, nice, started, rss
    )


def parse_statm(data: bytes) -> Reading[tuple[int, int]]:
    """Parse ``/proc/PID/statm``: resident and shared, in pages; ``shared`` is file and shared memory."""
    fields = data.split(None, 3)
    if len(fields) < 3 or not (fields[1].isdigit() and fields[2].isdigit()):
        return Unavailable("the statm file of a process is not what Linux writes")
    resident, shared = int(fields[1]), int(fields[2])
    return resident, min(shared, resident)


class ProcFiles:
    """Opens the files of processes below one descriptor of ``/proc``, which saves walking the path each time."""

    def __init__(self, root: Path = Path("/"), on_read: Callable[[int, str], None] | None = None) -> None:
        self._path = root / "proc"
        self._on_read = on_read
        self._descriptor: int | None = None

    def pids(self) -> list[int]:
        """The pids that can be seen.

        Raises:
            OSError: there is no ``/proc``, or it may not be listed.
        """
        try:
            return self._list()
        except OSError:
            self.close()  # The descriptor may be stale after a remount: once more, from the start.
            return self._list()

    def read(self, pid: int, name: str) -> bytes:
        """The start of one file of a process, as much as one read gives.

        Raises:
            OSError: the process is gone (ENOENT, ESRCH) or the file is not for us (EACCES, EPERM).
        """
        if self._on_read is not None:
            self._on_read(pid, name)
        descriptor = os.open(f"{pid}/{name}", NOT_BLOCKING, dir_fd=self._open())
        try:
            return os.read(descriptor, ONE_READ)
        finally:
            os.close(descriptor)

    def own_pid(self) -> int:
        """This process's pid as this ``/proc`` counts: a ``/proc`` of an outer PID namespace has other numbers."""
        try:
            return int(os.readlink("self", dir_fd=self._open()))
        except (OSError, ValueError):
            return os.getpid()

    def close(self) -> None:
        """Let go of ``/proc``; the next read opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _list(self) -> list[int]:
        with os.scandir(self._open()) as entries:
            names = [entry.name for entry in entries]
        return [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 11]

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, NOT_BLOCKING | os.O_DIRECTORY)
        return self._descriptor
