"""wsltop's folder below the user's runtime directory: locks and small files that all running wsltops share.

It is ``$XDG_RUNTIME_DIR/wsltop``, with ``--root`` ``DIR/run/wsltop``. Nobody but the user can write there. Where the
runtime directory is missing or belongs to somebody else (WSL#10846), there is no such folder, and nothing is shared.
Locks are flock(2) locks: the kernel releases them however a process ends, so no pid is ever compared, and
distributions that share the folder may use it together.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER: Final = "wsltop"
MOST_BYTES: Final = 64 * 1024
"""Of a file that is read here; an answer has about a kilobyte."""
PLAIN: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def runtime_base(root: Path, environ: Mapping[str, str]) -> str:
    """The user's runtime directory, below which wsltop's folder is; empty where there is none."""
    if root != Path("/"):
        return str(root / "run")
    base = environ.get("XDG_RUNTIME_DIR", "")
    return base if base.startswith("/") else ""


class RuntimeFolder:
    """The folder, held open; every name is taken relative to it and no link is followed."""

    def __init__(self, descriptor: int) -> None:
        self._folder = descriptor

    def lock(self, name: str) -> int:
        """An open descriptor of the file ``name`` that holds its lock; closing the last copy of it releases the lock.

        It is close-on-exec: hand it to a child by name if the child is to hold the lock as well.

        Raises:
            BlockingIOError: another process holds it.
            OSError: the file cannot be made, or is not ours.
        """
        while True:
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT | PLAIN, 0o600, dir_fd=self._folder)
            try:
                check_file(descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_nlink:
                    return descriptor
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)  # removed between the two calls: make it again

    def read(self, name: str) -> bytes | None:
        """What the file ``name`` holds; ``None`` when it is not there, not ours, or larger than 64 KiB."""
        try:
            descriptor = os.open(name, os.O_RDONLY | PLAIN, dir_fd=self._folder)
        except OSError:
            return None
        try:
            check_file(descriptor)
            data = os.read(descriptor, MOST_BYTES + 1)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return data if len(data) <= MOST_BYTES else None

    def write(self, name: str, data: bytes) -> None:
        """Replace the file ``name``: a reader sees the old or the new content, never a part.

        Raises:
            OSError: it cannot be written; the old content stays.
        """
        new = f"{name}.{os.urandom(4).hex()}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN, 0o600, dir_fd=self._folder)
        try:
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)
            os.rename(new, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError:
            self.remove(new)
            raise

    def remove(self, name: str) -> None:
        """Remove the file ``name``, if it is there."""
        try:
            os.unlink(name, dir_fd=self._folder)
        except OSError:
            return

    def names(self) -> list[str]:
        """The files in the folder."""
        try:
            return os.listdir(self._folder)  # noqa: PTH208 - of a descriptor
        except OSError:
            return []

    def close(self) -> None:
        """Close it; locks that were taken stay."""
        os.close(self._folder)


def open_runtime(base: str) -> RuntimeFolder | None:
    """wsltop's folder below the runtime directory ``base``, made if it is missing; ``None`` where it cannot be ours."""
    if not base:
        return None
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        above = os.open(base, flags)
    except OSError:
        return None
    try:
        if os.fstat(above).st_uid != os.geteuid():
            return None
        with suppress(FileExistsError):
            os.mkdir(FOLDER, 0o700, dir_fd=above)
        folder = os.open(FOLDER, flags | os.O_NOFOLLOW, dir_fd=above)
    except OSError:
        return None
    finally:
        os.close(above)
    status = os.fstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        os.close(folder)
        return None
    return RuntimeFolder(folder)


def check_file(descriptor: int) -> None:
    """Accept only a plain file of ours.

    Raises:
        OSError: it is something else.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise PermissionError("not a private file of this user")
