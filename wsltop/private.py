"""Files that only their owner can read: reports, pictures, crash files, state."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Final

PATIENCE: Final = 2.0
"""Seconds for which a FIFO waits for its reader, who may be started together with us."""


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600, whole or not at all; what cannot be written leaves the old file as it was.

    A symbolic link is never followed. A device, or a FIFO that is read within ``PATIENCE``, is written to as it is.

    Raises:
        OSError: it cannot be written; ``ELOOP`` where ``path`` is a symbolic link, ``ENXIO`` where it is a FIFO that
            nothing reads.
    """
    try:
        _write(path, text.encode("utf-8"))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _write(path: Path, data: bytes) -> None:
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
    if path.exists() and not path.is_file():
        descriptor = _open_device(path)
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return
    new = path.with_name(f".{path.name[:200]}.{os.urandom(4).hex()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(new, path)  # noqa: PTH105 - one call, no new object
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _open_device(path: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > deadline:
                raise
        time.sleep(0.05)
