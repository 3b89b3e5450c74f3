"""The hog that fills the page cache without filling the disk.

It makes a file without a name (open(2), O_TMPFILE) that is one hole, and reads it: a disk's file system puts a page of
zeros into the cache for each page of a hole, just as it would for data. So nothing is written, Windows' ``ext4.vhdx``
does not grow (it would not shrink again), and the pages are clean: dropping the cache frees them at once. When the
process ends, however it ends, the file is gone, and its cache with it. Imported by the hog: see ``hog``.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os

from wsltop.control.hog_hold import Hold
from wsltop.control.hog_options import HogOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsltop.control.hog import Load

PAGE = mmap.PAGESIZE
CHUNK = 1024**2
CACHESTAT = 451
"""The number of the system call, on every architecture; Linux 6.5."""
LOOK_AGAIN = 2.0
LOOK_SELDOM = 30.0
"""Seconds between two looks at how much is still cached: cachestat takes 0.1 ms per GiB, mincore 15 ms, and a hog that
uses CPU keeps WSL's idle reclaim from firing."""


def cache(size: int, load: Load, options: HogOptions) -> Hold:
    """Fill the page cache with ``size`` bytes.

    Raises:
        OSError: the directory is of no use; its text names the directory.
    """
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
    """Bytes of the first ``size`` of a file that are in the page cache, and the seconds until one may look again."""
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


ODD = bytes(number & 1 for number in range(256))
"""The lowest bit of each flag: the others are reserved."""
