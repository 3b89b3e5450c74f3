"""The kinds of hogs: each takes its memory step by step, and says how it is held.

Imported by the hog itself: plain classes, because ``typing`` and ``dataclasses`` would double its start-up.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import time

from wsltop.hogs.load import PAGE, HogOptions, Hold, Load, noise_for

CHUNK = 1024**2
CACHESTAT = 451
"""The number of the system call, on every architecture; Linux 6.5."""
LOOK_AGAIN = 2.0
LOOK_SELDOM = 30.0
"""Seconds between two looks at how much is still cached: cachestat takes 0.1 ms per GiB, mincore 15 ms, and a hog that
uses CPU keeps WSL's idle reclaim from firing."""
ODD = bytes(number & 1 for number in range(256))
"""The lowest bit of each flag of mincore: the others are reserved."""
MADV_NOHUGEPAGE = 15
LEAKS_PER_SECOND = 10
PUNCH_PAGES = 8192
"""Pages that ``fragment`` decides on at a time."""
CHURN_PERIOD = 0.2
CHURN_CHUNK = 256 * PAGE


class Kind:
    """One kind of hog: what it does, and everything that the rest of wsltop must know about it."""

    __slots__ = ()
    name = ""
    about = ""
    """What it does, for people: a clause."""
    options: tuple[str, ...] = ("incompressible",)
    """The names of the options (``HogOptions``) that mean something to it."""
    lasts = False
    """What it does to memory ends with it, so an experiment keeps it until its action has been measured."""
    in_page_cache = False
    """What it takes is in no process: the hog itself must say how much is still there."""
    at_a_rate = False
    """It fills as slowly as it was asked to."""

    def fill(self, size: int, load: Load, options: HogOptions) -> Hold:
        """Take ``size`` bytes, asking ``load`` before each step; return how they are held.

        Raises:
            OSError: they cannot be taken; its text says why.
        """
        raise NotImplementedError

    def fault(self, options: HogOptions) -> str:
        """What is wrong with the options, as a clause; empty when nothing is."""
        if options.incompressible and "incompressible" not in self.options:
            return f"a {self.name} hog cannot be incompressible: its content is not its own"
        return ""


class Anonymous(Kind):
    """Touches every page of a private anonymous mapping, like ``stress --vm 1 --vm-bytes SIZE --vm-keep``."""

    __slots__ = ()
    name = "anonymous"
    about = "takes memory and keeps it"

    def fill(self, size: int, load: Load, options: HogOptions) -> Hold:
        """Touch every page of a private mapping."""
        memory = map_private(size)
        load.fill(memory, size, noise_for(options))
        return Hold(memory)


class Cache(Kind):
    """Fills the page cache with a file that has no name and takes no room on the disk."""

    __slots__ = ()
    name = "cache"
    about = "fills the file cache by reading a file of its own"
    options = ("directory",)
    lasts = True
    in_page_cache = True

    def fill(self, size: int, load: Load, options: HogOptions) -> Hold:
        """Read the file, hole by hole."""
        file = open_unnamed(options.directory)
        os.ftruncate(file, size)
        buffer = bytearray(CHUNK)
        while load.filled < size and (step := load.next_step(size - load.filled)):
            for place in range(load.filled, load.filled + step, CHUNK):
                os.preadv(file, [buffer], place)
            if load.filled == 0 and 2 * count_cached(file, step)[0] < step:
                raise OSError(errno.EOPNOTSUPP, f"{options.directory} has no page cache that fills (a tmpfs?)")
            load.grown(step)
        return Hold(file, tick=Watch(file, load))

    def fault(self, options: HogOptions) -> str:
        """The directory must be there."""
        if not options.directory.startswith("/"):
            return f"{options.directory} is not an absolute path"
        if not os.path.isdir(options.directory):  # noqa: PTH112 - pathlib would double the start-up
            return f"{options.directory} is no directory"
        return super().fault(options)


class Fragment(Kind):
    """Takes memory and frees a random half of its pages.

    What is freed lies between pages that are kept, so hardly any of it forms a block that is reported to the host,
    until compaction moves those together. Random, because compaction samples one page in 32 and overlooks a regular
    pattern. One mapping is punched page by page, which splits no mapping and so never meets the limit on their number;
    without huge pages, of which the kernel would keep the whole until it is split.
    """

    __slots__ = ()
    name = "fragment"
    about = "takes memory and frees a random half of its pages: free, but in pieces too small to report"
    lasts = True

    def fill(self, size: int, load: Load, options: HogOptions) -> Hold:
        """Fill a mapping, then free a random half of its pages."""
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


class Churn(Kind):
    """Takes memory and writes to its pages again and again, for a bounded share of a core."""

    __slots__ = ()
    name = "churn"
    about = "takes memory and keeps touching it; uses CPU, so WSL's idle reclaim may not fire"
    options = ("incompressible", "cpu")

    def fill(self, size: int, load: Load, options: HogOptions) -> Hold:
        """Fill a mapping, then touch it in turns."""
        memory = map_private(size)
        load.fill(memory, size, noise_for(options))
        return Hold(memory, note=f"uses {options.cpu:.0%} of a core", tick=Toucher(memory, load.filled, options.cpu))

    def fault(self, options: HogOptions) -> str:
        """The share must be one."""
        if not 0 < options.cpu <= 1:
            return "a churn's share of a core is above 0 and at most 1"
        return super().fault(options)


class Leak(Kind):
    """Grows at a rate, in steps of a tenth of a second or of a page."""

    __slots__ = ()
    name = "leak"
    about = "grows slowly, at a rate"
    options = ("incompressible", "rate")
    at_a_rate = True

    def fill(self, size: int, load: Load, options: HogOptions) -> Hold:
        """Fill a mapping a step at a time, with pauses."""
        memory = map_private(size)
        noise = noise_for(options)
        wanted = max(PAGE, options.rate // LEAKS_PER_SECOND // PAGE * PAGE)
        while load.filled < size and (step := load.next_step(min(wanted, size - load.filled))):
            load.take(memory, step, noise)
            load.pause(step / options.rate)
        return Hold(memory)

    def fault(self, options: HogOptions) -> str:
        """The rate must be above zero."""
        return "a leak needs a rate above zero" if options.rate < 1 else super().fault(options)


class Shared(Kind):
    """Takes shared memory, as a file in ``/dev/shm`` would.

    A memfd is the same memory without a name: nothing stays behind, and no mount's size limits it.
    """

    __slots__ = ()
    name = "shared"
    about = "takes shared memory (tmpfs)"

    def fill(self, size: int, load: Load, options: HogOptions) -> Hold:
        """Touch every page of a memfd."""
        file = os.memfd_create("wsltop-hog", os.MFD_CLOEXEC)
        os.ftruncate(file, size)
        memory = mmap.mmap(file, size)
        os.close(file)
        load.fill(memory, size, noise_for(options))
        return Hold(memory)


KINDS: dict[str, Kind] = {kind.name: kind for kind in (Anonymous(), Cache(), Fragment(), Churn(), Leak(), Shared())}
"""Every kind of hog by its name."""
PLAIN = Anonymous.name
"""The kind to begin with."""


def map_private(size: int) -> mmap.mmap:
    """A private anonymous mapping.

    Without MAP_NORESERVE: a kernel that does not overcommit refuses it as a whole, before any page. It is not advised
    to use huge pages: WSL's kernel gives them on request only, and 4 KiB pages are what programs have.
    """
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def open_unnamed(directory: str) -> int:
    """A descriptor of an empty file that has no name.

    Raises:
        OSError: it cannot be made there; the text names the directory.
    """
    flags = os.O_RDWR | os.O_CLOEXEC
    try:
        try:
            return os.open(directory, flags | os.O_TMPFILE, 0o600)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
        path = f"{directory}/.wsltop-hog-{os.getpid()}-{os.urandom(8).hex()}"
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        os.unlink(path)  # noqa: PTH108 - pathlib would double the hog's start-up
    except OSError as error:
        raise OSError(error.errno, f"no file can be made in {directory}: {error.strerror}") from error
    return file


class Watch:
    """Keeps the parent up to date on how much is still cached: a dropped cache must not look like a held one."""

    __slots__ = ("file", "load")

    def __init__(self, file: int, load: Load) -> None:
        self.file, self.load = file, load

    def __call__(self) -> float:
        """Look, and report when it has changed; seconds until the next look."""
        size = os.fstat(self.file).st_size
        cached, pause = count_cached(self.file, size)
        self.load.changed(min(cached, size))
        return pause


class Range(ctypes.Structure):
    """``struct cachestat_range`` (include/uapi/linux/mman.h)."""

    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


def count_cached(file: int, size: int) -> tuple[int, float]:
    """Bytes of the first ``size`` of a file that are in the page cache, and seconds until the next look."""
    counts = (ctypes.c_uint64 * 5)()
    libc = ctypes.CDLL(None)
    if libc.syscall(CACHESTAT, file, ctypes.byref(Range(0, size)), counts, 0) == 0:
        return counts[0] * PAGE, LOOK_AGAIN
    return count_in_core(file, size), LOOK_SELDOM


def count_in_core(file: int, size: int) -> int:
    """The same from mincore(2), which every kernel has."""
    memory = mmap.mmap(file, size)  # writable, for ctypes needs that to tell the address; nothing is written
    flags = (ctypes.c_ubyte * -(-size // PAGE))()
    first = ctypes.c_char.from_buffer(memory)
    failed = ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), flags)
    del first
    memory.close()
    return 0 if failed else bytes(flags).translate(ODD).count(1) * PAGE


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


class Toucher:
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
