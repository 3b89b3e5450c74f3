"""Takes memory and holds it until its input ends: ``take.py small|huge|shared MIB``.

``small`` asks for 4-KiB pages, ``huge`` for transparent huge pages, ``shared`` takes tmpfs. Prints ``held``.
"""

from __future__ import annotations

import mmap
import os
import sys

STEP = 16 << 20
MADV_HUGEPAGE, MADV_NOHUGEPAGE = 14, 15


def main(kind: str, size: int) -> None:
    """Take, tell, hold."""
    if kind == "shared":
        memory = shared(size)
    else:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(MADV_HUGEPAGE if kind == "huge" else MADV_NOHUGEPAGE)
    for start in range(0, size, STEP):
        end = min(start + STEP, size)
        memory[start : end : mmap.PAGESIZE] = bytes(-(-(end - start) // mmap.PAGESIZE))
    os.write(1, b"held\n")
    os.read(0, 1)


def shared(size: int) -> mmap.mmap:
    """A mapping of a file in memory."""
    file = os.memfd_create("take")
    os.ftruncate(file, size)
    return mmap.mmap(file, size)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) << 20)
