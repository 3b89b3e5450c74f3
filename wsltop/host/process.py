"""Watches a process of this machine instead of Windows: such as QEMU, which runs a virtual machine.

The one module here that needs psutil; import it only when it is asked for. A process is held by its pid and start
time, so that a later one with the same pid is never taken for it. A reading costs two small files of /proc.
"""

from __future__ import annotations

import os
from typing import Final

import psutil

from wsltop.clock import Clock
from wsltop.model.sample import HostMemory, Reading, Unavailable
from wsltop.model.text import clean

LOOK_AGAIN: Final = 5.0
"""Seconds between two searches by name: each reads a file per process of the machine."""
SHOWN_PIDS: Final = 8


class ProcessSource:
    """Reads one process by pid or by name; no thread, no child."""

    pids: tuple[int, ...] = ()

    def __init__(self, which: str, *, clock: Clock) -> None:
        self._which, self._clock = which, clock
        self._process: psutil.Process | None = None
        self._why = Unavailable("not looked for yet")
        self._searched: float | None = None
        self._final = False

    def start(self) -> None:
        """Look for the process, so that a pid means the process that has it now."""
        self.read()

    def close(self) -> None:
        """Let go of the process."""
        self._process = None

    def read(self) -> Reading[HostMemory]:
        """The process's resident memory, or why there is none."""
        now = self._clock.monotonic()
        process = self._process
        if process is not None:
            reading = self._measure(process, now)
            if not isinstance(reading, Unavailable):
                return reading
            self._process, self._why = None, reading
        if self._final or (self._searched is not None and now - self._searched < LOOK_AGAIN):
            return self._why
        self._searched = now
        found = self._search()
        if isinstance(found, Unavailable):
            self._why = found
            return found
        self._final = self._which.isdecimal()  # a later process with this pid is another one
        reading = self._measure(found, now)
        if isinstance(reading, Unavailable):
            self._why = reading
        else:
            self._process = found
        return reading

    def _search(self) -> Reading[psutil.Process]:
        """The one process that was named."""
        if self._which.isdecimal():
            return open_process(int(self._which))
        found = [process for process in psutil.process_iter(["name"]) if self._is_named(process)]
        if not found:
            return Unavailable(f"no process is named {clean(self._which)}", "Give its pid: --host process:PID")
        if len(found) > 1:
            pids = ", ".join(str(process.pid) for process in found[:SHOWN_PIDS])
            more = ", …" if len(found) > SHOWN_PIDS else ""
            return Unavailable(
                f"{len(found)} processes are named {clean(self._which)}: ambiguous",
                f"Give a pid: --host process:{found[0].pid}; there are {pids}{more}",
            )
        return found[0]

    def _is_named(self, process: psutil.Process) -> bool:
        return process.info["name"] == self._which and process.pid != os.getpid()

    def _measure(self, process: psutil.Process, now: float) -> Reading[HostMemory]:
        try:
            if not process.is_running():
                return self._ended(process.pid)
            memory = process.memory_info()
            name = clean(process.name())
        except psutil.NoSuchProcess:
            return self._ended(process.pid)
        except (psutil.Error, OSError) as error:
            return Unavailable(f"process {process.pid} cannot be read: {clean(str(error))}", "Run wsltop as its user.")
        if memory.rss <= 0:
            return Unavailable(
                f"process {process.pid} has no memory: a zombie or a kernel thread", "Name another process."
            )
        private = memory.rss - memory.shared
        machine = psutil.virtual_memory()
        return HostMemory(
            source="process",
            process=name,
            pid=process.pid,
            working_set=memory.rss,
            private_bytes=private if private > 0 else Unavailable("it shares all of its memory"),
            total=machine.total,
            available=machine.available,
            read_at=now,
        )

    def _ended(self, pid: int) -> Unavailable:
        return Unavailable(f"process {pid} has ended", "Start it again, or name another with --host process:NAME.")


def open_process(pid: int) -> Reading[psutil.Process]:
    """The process ``pid``, bound to its start time."""
    try:
        return psutil.Process(pid)
    except (psutil.Error, OSError, OverflowError):
        return Unavailable(f"there is no process {pid}", "Look for it with: ps -e")
