"""A running hog: its options, how far it has filled, and what it holds.

Imported by the hog itself: plain classes, because ``typing`` and ``dataclasses`` would double its start-up.
"""

from __future__ import annotations

import errno
import mmap
import os
import select
import time
from collections.abc import Callable

from wsltop.hogs.guard import MemoryGuard, headroom

MIB = 1024**2


class HogOptions:
    """The options of one hog; a kind ignores those that mean nothing to it."""

    __slots__ = ("cpu", "directory", "incompressible", "rate")

    def __init__(
        self,
        *,
        incompressible: bool = False,
        directory: str = "/var/tmp",  # noqa: S108 - only a file without a name is made there
        rate: int = 64 * MIB,
        cpu: float = 0.05,
    ) -> None:
        self.incompressible = incompressible
        """Fill with random bytes: Windows compresses memory that it finds idle, and zeros to nothing."""
        self.directory = directory
        """``cache``: where its file is; on a disk, for a tmpfs has no cache that could be dropped."""
        self.rate = rate
        """``leak``: bytes per second."""
        self.cpu = cpu
        """``churn``: share of one core, above 0 and up to 1."""

    def words(self) -> list[str]:
        """The options as arguments of the hog's program."""
        return [f"{name}={getattr(self, name)}" for name in self.__slots__]


def parse_options(words: list[str]) -> HogOptions:
    """The options from arguments.

    Raises:
        KeyError, ValueError: they were not made by ``HogOptions.words``.
    """
    found = dict(word.split("=", 1) for word in words)
    options = HogOptions()
    for name, text in found.items():
        if name == "incompressible":
            options.incompressible = text == "True"
        elif name == "directory":
            options.directory = text
        elif name == "rate":
            options.rate = int(text)
        elif name == "cpu":
            options.cpu = float(text)
        else:
            raise KeyError(name)
    return options


class Hold:
    """What a hog holds, and what it does while it holds it."""

    __slots__ = ("memory", "note", "tick")

    def __init__(self, memory: object, *, note: str = "", tick: Callable[[], float] | None = None) -> None:
        self.memory = memory
        """The mapping, or the file."""
        self.note = note
        """What to tell about it, as a clause."""
        self.tick = tick
        """Called now and then; returns the seconds until the next time. ``None``: sleep until the parent ends."""


PAGE = mmap.PAGESIZE
NOISE_BLOCK = MIB


class Noise:
    """Random content in which no two pages are alike, so that neither compression nor merging finds anything."""

    __slots__ = ("block", "turn")

    def __init__(self) -> None:
        self.block = memoryview(b"")
        self.turn = 0

    def write(self, memory: mmap.mmap, start: int, length: int) -> None:
        """Fill a part of a mapping.

        One random block serves for 4096 of its size, each time from one byte further on: a page's worth of offsets
        makes as many different pages, and the kernel's generator would take as long as all the rest.
        """
        for place in range(start, start + length, NOISE_BLOCK):
            shift = self.turn % PAGE
            if shift == 0:
                self.block = memoryview(os.urandom(NOISE_BLOCK + PAGE))
            part = min(NOISE_BLOCK, start + length - place)
            memory[place : place + part] = self.block[shift : shift + part]
            self.turn += 1


def noise_for(options: HogOptions) -> Noise | None:
    """Where the content comes from; ``None`` for zeros."""
    return Noise() if options.incompressible else None


STDIN, STDOUT = 0, 1
MADV_POPULATE_WRITE = 23
"""Linux 5.14; the mmap module has no name for it."""
STEP = 16 * 1024**2
"""Bytes between two looks at available memory: 5 ms of filling, of which the look costs 1 %."""
LEAST_STEP = 256 * 1024
SHARE = 16
"""A step takes at most this part of what is left, so that as many hogs may fill at once and none breaks the floor."""
REPORT_EVERY = 0.1


class Load:
    """How far a hog has filled: asks before it grows, and tells its parent."""

    def __init__(self, gauge: MemoryGuard) -> None:
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
        """Tell the parent when the amount that is held has changed without our doing."""
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
        """Write the unsent line, whole or not at all (it is shorter than PIPE_BUF); end if the reader is gone."""
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
