"""The program that one hog runs: take memory, say how far it is, keep it, end with its parent.

Run as ``python -I -S hog.py PARENT KIND SIZE FLOOR``, with a pipe as stdin that nobody writes to and a pipe as
stdout. It says what it does in lines ``STATUS FILLED SECONDS NOTE``: a status of ``wsltop.core.sample.HogStatus``,
bytes, seconds since it began to fill, and a clause for people that may be empty.

It ends when its parent does: the kernel kills it (``wsltop.tether``), and should that fail, its stdin ends. Imports
only the standard library and what starts quickly: the first page is due within 100 ms of the key press. Under
``-I -S`` neither this folder nor site-packages is on the path, so the program appends the folder that holds wsltop.
"""

from __future__ import annotations

import errno
import mmap
import os
import select
import sys
import time
from collections.abc import Callable

if __name__ == "__main__":
    sys.path.append(os.path.abspath(__file__).rsplit("/", 3)[0])  # noqa: PTH100 - pathlib would double the start-up

from wsltop.control.available import Gauge
from wsltop.control.floor import headroom
from wsltop.tether import die_with_parent, name_process

NAME = "wsltop-hog"
"""What ``ps`` and the OOM killer's message call a hog."""

STDIN, STDOUT = 0, 1
PAGE = mmap.PAGESIZE
MADV_POPULATE_WRITE = 23
"""Linux 5.14; the mmap module has no name for it."""

STEP = 16 * 1024**2
"""Bytes between two looks at available memory: 5 ms of filling, of which the look costs 1 %."""
LEAST_STEP = 256 * 1024
SHARE = 16
"""A step takes at most this part of what is left, so that as many hogs may fill at once and none breaks the floor."""

REPORT_EVERY = 0.1


class Load:
    """How far a hog is: asks before it grows, and tells its parent."""

    def __init__(self, gauge: Gauge) -> None:
        self.gauge = gauge
        self.started = time.monotonic()
        self.filled = 0
        self.reported = -REPORT_EVERY
        self.unsent = b""
        self.note = ""
        """Why it stopped before its target; empty when it did not."""
        self.poller = select.poll()
        self.poller.register(STDIN, select.POLLIN)
        os.set_blocking(STDOUT, False)

    def next_step(self, wanted: int) -> int:
        """Bytes to take now, at most ``wanted``; 0 when the floor is reached. Ends the program if the parent did."""
        if self.poller.poll(0):
            os._exit(0)
        supply = self.gauge.read()
        step = min(STEP, headroom(supply.available, supply.floor) // SHARE // PAGE * PAGE)
        if step < min(LEAST_STEP, wanted):
            self.note = f"{supply.name} is near the floor"
            return 0
        return min(step, wanted)

    def grown(self, step: int) -> None:
        """Count ``step`` bytes more; tell the parent now and then."""
        self.filled += step
        if time.monotonic() - self.started - self.reported >= REPORT_EVERY:
            self.report("filling")

    def report(self, status: str, note: str = "") -> None:
        """Send one line. If the pipe is full it waits in ``unsent`` for a newer one or a reader; it never blocks."""
        self.reported = time.monotonic() - self.started
        self.unsent = f"{status} {self.filled} {self.reported:.6f} {note}\n".encode()
        self.send()

    def send(self) -> None:
        """Write the unsent line, whole or not at all (it is shorter than PIPE_BUF); end if nobody reads any more."""
        try:
            os.write(STDOUT, self.unsent)
        except BlockingIOError:
            return
        except BrokenPipeError:
            os._exit(0)
        self.unsent = b""

    def keep(self, held: object) -> None:
        """Sleep in the kernel, ``held`` still referred to, until the parent ends."""
        while self.unsent:
            self.poller.register(STDOUT, select.POLLOUT)
            if any(fd == STDIN for fd, _ in self.poller.poll()):
                return
            self.send()
            self.poller.unregister(STDOUT)
        self.poller.poll()


def anonymous(size: int, load: Load) -> object:
    """Touch every page of a private anonymous mapping, like ``stress --vm 1 --vm-bytes SIZE --vm-keep``.

    One mapping without MAP_NORESERVE: a kernel that does not overcommit refuses it as a whole, before any page. It is
    not advised to use huge pages: WSL's kernel gives them on request only, and 4 KiB pages are what programs have.
    """
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    while load.filled < size and (step := load.next_step(size - load.filled)):
        populate(memory, load.filled, step)
        load.grown(step)
    return memory


KINDS: dict[str, Callable[[int, Load], object]] = {"anonymous": anonymous}
"""What a hog can do: takes its memory, asking ``Load`` before each step, and returns whatever must stay referred to."""


def populate(memory: mmap.mmap, start: int, length: int) -> None:
    """Make pages resident and dirty; ``start`` is on a page boundary."""
    try:
        memory.madvise(MADV_POPULATE_WRITE, start, length)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        memory[start : start + length : PAGE] = bytes(-(-length // PAGE))


def volunteer() -> None:
    """Be the OOM killer's first choice: 1000 is the most that oom_score_adj takes, and raising it is open to all."""
    score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(score, b"1000")
    os.close(score)


def main(parent: int, kind: str, size: int, floor: int | None) -> int:
    """Run a hog until its parent ends; the exit code."""
    die_with_parent(parent)
    volunteer()  # where that is forbidden it ends here: a hog that is not the first victim must not grow
    name_process(NAME)
    load = Load(Gauge("/", floor))
    try:
        held = KINDS[kind](size, load)
    except MemoryError:
        load.report("failed", "out of memory")
        return 1
    except OSError as error:
        load.report("failed", error.strerror or str(error))
        return 1
    load.report("floor" if load.note else "holding", load.note)
    load.keep(held)
    return 0


if __name__ == "__main__":
    os._exit(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if sys.argv[4] else None))
