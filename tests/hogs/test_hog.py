"""The parts of the worker program that need no process of their own."""

from __future__ import annotations

import errno
import mmap
from pathlib import Path

import pytest

from wsltop.hogs import load

SIZE = 32 * 1024**2 + 1


def resident() -> int:
    """Anonymous memory of this process in bytes, counted page by page."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))


@pytest.mark.parametrize("advice", [load.MADV_POPULATE_WRITE, 9999], ids=["kernel 5.14", "older kernels"])
def test_every_page_is_touched(monkeypatch: pytest.MonkeyPatch, advice: int) -> None:
    monkeypatch.setattr(load, "MADV_POPULATE_WRITE", advice)
    with mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        before = resident()
        half = SIZE // 2 // load.PAGE * load.PAGE
        load.populate(memory, 0, half)
        assert half <= resident() - before < half + 4 * 1024**2
        load.populate(memory, half, SIZE - half)
        assert SIZE <= resident() - before < SIZE + 4 * 1024**2


class Poor(mmap.mmap):
    """A mapping for which the kernel has no page."""

    def madvise(self, option: int, start: int = 0, length: int = 0) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")


def test_a_kernel_without_memory_is_not_taken_for_an_old_one() -> None:
    with Poor(-1, load.PAGE) as memory, pytest.raises(OSError, match="Cannot allocate memory"):
        load.populate(memory, 0, load.PAGE)
