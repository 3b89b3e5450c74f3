"""The kinds of hogs: each takes its memory step by step, and says how it is held.

A kind is a function of the size, a ``Load`` to ask before each step, and the options. What it takes has no name in
any file system and belongs to its process alone, so that the kernel takes all of it back however the process ends.
Imported by the hog: see ``hog`` for what may be imported.
"""

from __future__ import annotations

import errno
import mmap
import os
import time
from collections.abc import Callable

from wsltop.control.hog_cache import cache
from wsltop.control.hog_hold import Hold
from wsltop.control.hog_options import MIB, HogOptions

TYPE_CHECKING = False  # the constant of ``typing``, which takes longer to import than all of this
if TYPE_CHECKING:
    from wsltop.control.hog import Load

PAGE = mmap.PAGESIZE
MADV_NOHUGEPAGE = 15

NOISE_BLOCK = MIB
LEAKS_PER_SECOND = 10
PUNCH_PAGES = 8192
"""Pages that ``fragment`` decides on at a time."""
CHURN_PERIOD = 0.2
CHURN_CHUNK = 256 * PAGE


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


def map_private(size: int) -> mmap.mmap:
    """A private anonymous mapping.

    Without MAP_NORESERVE: a kernel that does not overcommit refuses it as a whole, before any page. It is not advised
    to use huge pages: WSL's kernel gives them on request only, and 4 KiB pages are what programs have.
    """
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def anonymous(size: int, load: Load, options: HogOptions) -> Hold:
    """Touch every page of a private anonymous mapping, like ``stress --vm 1 --vm-bytes SIZE --vm-keep``."""
    memory = map_private(size)
    load.fill(memory, size, noise_for(options))
    return Hold(memory)


def shared(size: int, load: Load, options: HogOptions) -> Hold:
    """Take shared memory, as a file in ``/dev/shm`` would.

    A memfd is the same memory without a name: nothing stays behind, and no mount's size limits it.
    """
    file = os.memfd_create("wsltop-hog", os.MFD_CLOEXEC)
    os.ftruncate(file, size)
    memory = mmap.mmap(file, size)
    os.close(file)
    load.fill(memory, size, noise_for(options))
    return Hold(memory)


def leak(size: int, load: Load, options: HogOptions) -> Hold:
    """Grow at a rate, in steps of a tenth of a second or of a page."""
    memory = map_private(size)
    noise = noise_for(options)
    wanted = max(PAGE, options.rate // LEAKS_PER_SECOND // PAGE * PAGE)
    while load.filled < size and (step := load.next_step(min(wanted, size - load.filled))):
        load.take(memory, step, noise)
        load.pause(step / options.rate)
    return Hold(memory)


def fragment(size: int, load: Load, options: HogOptions) -> Hold:
    """Take memory and free a random half of its pages.

    What is freed lies between pages that are kept, so hardly any of it forms a block that the host is told of, until
    compaction moves those together. Random, because compaction samples one page in 32 and overlooks a regular pattern.
    One mapping is punched page by page, which splits no mapping and so never meets the limit on their number; without
    huge pages, of which the kernel would keep the whole until it is split.
    """
    memory = map_private(size)
    try:
        memory.madvise(MADV_NOHUGEPAGE)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a kernel without transparent huge pages
            raise
    load.fill(memory, size, noise_for(options))
    for start in range(0, load.filled // PAGE, PUNCH_PAGES):
        load.pause(0)
        punch(memory, start, min(start + PUNCH_PAGES, load.filled // PAGE))
    return Hold(memory, note="a random half is free again")


def punch(memory: mmap.mmap, first: int, end: int) -> None:
    """Free each page from ``first`` up to ``end`` with a chance of one half, neighbors in one call."""
    coins = os.urandom(end - first)
    run = first
    for page in range(first, end):
        if coins[page - first] & 1:
            if run < page:
                memory.madvise(mmap.MADV_DONTNEED, run * PAGE, (page - run) * PAGE)
            run = page + 1
    if run < end:
        memory.madvise(mmap.MADV_DONTNEED, run * PAGE, (end - run) * PAGE)


def churn(size: int, load: Load, options: HogOptions) -> Hold:
    """Take memory and write to its pages again and again, for a bounded share of a core."""
    memory = map_private(size)
    load.fill(memory, size, noise_for(options))
    return Hold(memory, note=f"uses {options.cpu:.0%} of a core", tick=Churn(memory, load.filled, options.cpu))


class Churn:
    """Touches a mapping in turns; a call works for a moment and says how long to sleep."""

    __slots__ = ("memory", "place", "share", "size", "turn")

    def __init__(self, memory: mmap.mmap, size: int, share: float) -> None:
        self.memory, self.size, self.share = memory, size, share
        self.place = self.turn = 0

    def __call__(self) -> float:
        """Touch pages; seconds until the next call.

        The time that passes stands for the time that is used: on a busy machine it rather does less than its share.
        """
        began = now = time.monotonic()
        while self.size and now < began + CHURN_PERIOD * self.share:
            end = min(self.place + CHURN_CHUNK, self.size)
            self.memory[self.place : end : PAGE] = bytes([self.turn & 0xFF]) * -(-(end - self.place) // PAGE)
            self.place = end if end < self.size else 0
            self.turn += 1
            now = time.monotonic()
        return max(CHURN_PERIOD, now - began) if not self.size else (now - began) * (1 / self.share - 1)


KINDS: dict[str, Callable[[int, Load, HogOptions], Hold]] = {
    "anonymous": anonymous,
    "cache": cache,
    "fragment": fragment,
    "churn": churn,
    "leak": leak,
    "shared": shared,
}
"""What a hog can do: takes its memory, asking ``Load`` before each step, and returns how it is held."""
