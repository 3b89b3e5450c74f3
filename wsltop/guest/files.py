"""Small text files of the kernel, opened once and read again each tick.

The kernel generates a file of ``/proc`` or ``/sys`` again at each read from offset 0 (fs/seq_file.c, fs/kernfs/file.c),
so ``pread`` on a descriptor that stays open gives new figures at a third of the cost of opening the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from wsltop.model.sample import Reading, Unavailable

CHUNK: Final = 32 * 1024
"""Bytes asked for at once; the files in question are 1 to 10 KB on a PC."""
LIMIT: Final = 4 * 1024 * 1024
"""Bytes; a longer file is no kernel file."""
T = TypeVar("T")


class KernelFile:
    """One file, kept open; opened again after an error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.missing = False
        """Whether the last read found no such file."""
        self._descriptor: int | None = None

    def read(self) -> Reading[str]:
        """Read the whole file; bytes that are not UTF-8 become replacement characters."""
        try:
            try:
                return self._read()
            except OSError:
                if self._descriptor is None:
                    raise
                # The descriptor may have gone stale (a remount, a reloaded module): once more, from the start.
                self.close()
                return self._read()
        except OSError as error:
            self.close()
            self.missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            return unreadable(self.path, error)

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _read(self) -> Reading[str]:
        if self._descriptor is None:
            # Not blocking: a FIFO in the file's place must not hang the caller.
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self.missing = False
        data = os.pread(self._descriptor, CHUNK, 0)
        # A file of several records may come in several pieces; only an empty piece is the end.
        while piece := os.pread(self._descriptor, CHUNK, len(data)):
            data += piece
            if len(data) > LIMIT:
                return Unavailable(f"{self.path} is too long to be a kernel file")
        return data.decode("utf-8", "replace")


class KernelFileSource(Generic[T]):
    """A kernel file and what its text means."""

    def __init__(self, path: Path, parse: Callable[[str], Reading[T]]) -> None:
        self._file = KernelFile(path)
        self._parse = parse

    def read(self) -> Reading[T]:
        """Read the file once and parse it."""
        text = self._file.read()
        return text if isinstance(text, Unavailable) else self._parse(text)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def unreadable(path: Path, error: OSError) -> Unavailable:
    """Say why a file could not be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Unavailable(f"there is no {path}")
    if isinstance(error, PermissionError):
        return Unavailable(f"reading {path} is not permitted", "Run wsltop as a user who may read it.")
    return Unavailable(f"{path} cannot be read: {error.strerror or error}")


def read_small(path: Path) -> str:
    """The first 64 KiB of a file as text, empty when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(64 * 1024).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def is_there(path: Path) -> bool:
    """Whether ``path`` exists, as far as we may look; an impossible name does not."""
    try:
        return path.exists()
    except OSError:
        return False


def list_directory(directory: Path) -> list[Path]:
    """What a directory holds, sorted; nothing when it cannot be read."""
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []
