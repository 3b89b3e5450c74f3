"""The program that one hog runs: take memory, say how far it is, keep it, end with its parent.

Run as ``python -I -S hog.py PARENT KIND SIZE FLOOR [NAME=VALUE …]`` (``hog_options``), with a pipe as stdin that
nobody writes to and a pipe as stdout. It says what it does in lines ``STATUS FILLED SECONDS NOTE``: a status of
``wsltop.core.sample.HogStatus``, bytes, seconds since it began to fill, and a clause for people that may be empty.

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

if __name__ == "__main__":
    sys.path.append(os.path.abspath(__file__).rsplit("/", 3)[0])  # noqa: PTH100 - pathlib would double the start-up

from wsltop.control.available import Gauge
from wsltop.control.floor import headroom
from wsltop.control.hog_hold import Hold
from wsltop.control.hog_kinds import KINDS, Noise
from wsltop.control.hog_options import HogOptions, parse_options
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
        self.status, self.said = "starting", ""
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

    def fill(self, memory: mmap.mmap, size: int, noise: Noise | None) -> None:
        """Take ``size`` bytes of a mapping as fast as it goes, or as much as the floor leaves."""
        while self.filled < size and (step := self.next_step(size - self.filled)):
            self.take(memory, step, noise)

    def take(self, memory: mmap.mmap, step: int, noise: Noise | None) -> None:
        """Make the next ``step`` bytes of a mapping resident, with zeros or noise."""
        populate(memory, self.filled, step)
        if noise is not None:
            noise.write(memory, self.filled, step)
        self.grown(step)

    def grown(self, step: int) -> None:
        """Count ``step`` bytes more; tell the parent now and then."""
        self.filled += step
        if time.monotonic() - self.started - self.reported >= REPORT_EVERY:
            self.report("filling")

    def changed(self, held: int) -> None:
        """Tell the parent when what is held has become another amount by itself."""
        if held != self.filled:
            self.filled = held
            self.report(self.status, self.said)

    def pause(self, seconds: float) -> None:
        """Wait; end the program if the parent did."""
        if self.poller.poll(seconds * 1000):
            os._exit(0)

    def report(self, status: str, note: str = "") -> None:
        """Send one line. If the pipe is full it waits in ``unsent`` for a newer one or a reader; it never blocks."""
        self.status, self.said = status, note
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

    def keep(self, hold: Hold) -> None:
        """Sleep in the kernel, what is held still referred to, until the parent ends."""
        while True:
            pause = None if hold.tick is None else hold.tick() * 1000
            if self.unsent:
                self.poller.register(STDOUT, select.POLLOUT)
            ready = {fd for fd, _ in self.poller.poll(pause)}
            if self.unsent:
                self.poller.unregister(STDOUT)
                self.send()
            if STDIN in ready:
                return


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


def main(parent: int, kind: str, size: int, floor: int | None, options: HogOptions) -> int:
    """Run a hog until its parent ends; the exit code."""
    die_with_parent(parent)
    volunteer()  # where that is forbidden it ends here: a hog that is not the first victim must not grow
    name_process(NAME)
    load = Load(Gauge("/", floor))
    try:
        hold = KINDS[kind](size, load, options)
    except MemoryError:
        load.report("failed", "out of memory")
        return 1
    except OSError as error:
        load.report("failed", error.strerror or str(error))
        return 1
    load.report("floor" if load.note else "holding", load.note or hold.note)
    load.keep(hold)
    return 0


def run(parent: str, kind: str, size: str, floor: str, *options: str) -> int:
    """Run a hog from the arguments of the program; the exit code."""
    return main(int(parent), kind, int(size), int(floor) if floor else None, parse_options(list(options)))


if __name__ == "__main__":
    os._exit(run(*sys.argv[1:]))
