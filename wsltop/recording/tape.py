"""The file as the writer of a recording sees it: it grows at the end, and each piece is in it as a whole or not at all.

One writer at a time: the file is created exclusively, and locked where the file system can lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from wsltop.errors import RecordingError

COPY_AT_ONCE: Final = 1024 * 1024
MODE: Final = 0o600
"""A recording holds process names and the kernel log: it is for its owner."""


class Tape:
    """An open file that only grows.

    Args:
        path: where it is; its folder must exist.
        overwrite: replace a file of that name, unless another wsltop is writing to it.

    Raises:
        RecordingError: it exists, is no regular file, is being recorded to, or cannot be created.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self.size = 0
        self._descriptor = create(path, overwrite=overwrite)
        self._place = path.resolve()  # a link stays one when the file behind it is replaced
        # Some file systems do not count links: there nobody can tell that the file was deleted.
        self._counts_links = os.fstat(self._descriptor).st_nlink > 0

    @property
    def closed(self) -> bool:
        """Whether nothing can be appended any more."""
        return self._descriptor < 0

    def append(self, data: bytes) -> None:
        """Hand ``data`` to the operating system. After an error the file is as it was before, and closed.

        Raises:
            RecordingError: the disk is full, the file was deleted, or it cannot be written to.
        """
        try:
            if self._counts_links and os.fstat(self._descriptor).st_nlink == 0:
                raise RecordingError(f"{self.path} was deleted: the recording ends")
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise self._give_up(error) from error
        except RecordingError:
            self.close()
            raise
        self.size += len(data)

    def sync(self) -> None:
        """Wait until all of it is on the disk.

        Raises:
            RecordingError: it cannot be.
        """
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            # Pipes and some network drives cannot; everything else is a disk that has failed.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
                raise self._give_up(error) from error

    def drop(self, start: int, end: int) -> None:
        """Take the bytes from ``start`` to ``end`` out. Whoever has the file open goes on reading it as it was.

        Raises:
            RecordingError: there is no room for the copy that this takes; the file is as it was, and closed.
        """
        copy = self._place.with_name(f".{self._place.name}.{os.getpid()}.new")
        try:
            descriptor = os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
            try:
                lock(descriptor)
                copy_range(self._descriptor, descriptor, 0, start)
                copy_range(self._descriptor, descriptor, end, self.size)
                os.fsync(descriptor)
                copy.replace(self._place)
            except OSError:
                os.close(descriptor)
                copy.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._give_up(error) from error
        os.close(self._descriptor)
        self._descriptor = descriptor
        self.size -= end - start

    def close(self) -> None:
        """Let go of the file; may be called again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _give_up(self, error: OSError) -> RecordingError:
        with suppress(OSError):  # the reader copes with what cannot be taken back
            os.ftruncate(self._descriptor, self.size)
        self.close()
        reason = error.strerror or str(error)
        return RecordingError(f"{self.path} cannot be written: {reason}; the recording ends, what it has is kept")


def create(path: Path, *, overwrite: bool) -> int:
    """Create and lock the file; return its descriptor."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if overwrite else os.O_EXCL)
    try:
        if overwrite and path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise RecordingError(f"{path} is not a regular file: give the name of a file to record to")
        descriptor = os.open(path, flags, MODE)
    except FileExistsError:
        raise RecordingError(f"{path} exists: give another name, or add --overwrite") from None
    except OSError as error:
        raise RecordingError(f"cannot create {path}: {error.strerror or error}") from error
    try:
        lock(descriptor)
        os.ftruncate(descriptor, 0)
    except BlockingIOError:
        os.close(descriptor)
        raise RecordingError(f"{path} is being recorded to by another wsltop: give another name") from None
    except OSError as error:
        os.close(descriptor)
        raise RecordingError(f"cannot write {path}: {error.strerror or error}") from error
    return descriptor


def lock(descriptor: int) -> None:
    """Lock the file for this process.

    Raises:
        BlockingIOError: another has it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # this file system has no locks (a Windows drive): the exclusive creation must do


def copy_range(source: int, target: int, start: int, end: int) -> None:
    """Append the bytes of ``source`` from ``start`` to ``end`` to ``target``."""
    while start < end:
        data = os.pread(source, min(COPY_AT_ONCE, end - start), start)
        if not data:
            raise OSError(errno.EIO, "the file is shorter than what was written")
        start += len(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(target, rest) :]
