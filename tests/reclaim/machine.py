"""A machine below a directory: its programs, its files of the kernel, its Windows drive, and a ledger."""

from __future__ import annotations

import time
from pathlib import Path

from wsltop.core.ledger import FreeSplit, Ledger
from wsltop.model.sample import ReportingOrder
from wsltop.model.text import GIB
from wsltop.reclaim.perform import Done, Failed, ReclaimAction, Running
from wsltop.reclaim.root import RootAccess, find_root_access

LEDGER = Ledger(
    total=8 * GIB,
    used=2 * GIB,
    free=3 * GIB,
    available=6 * GIB,
    anonymous=GIB,
    shared=0,
    cache=3 * GIB,
    slab_reclaimable=GIB,
    slab_unreclaimable=0,
    page_tables=0,
    huge_pages=0,
    kernel_other=0,
    free_split=FreeSplit(fragmented=GIB, reportable=2 * GIB),
    reporting=ReportingOrder(order=5, assumed=False),
    present=8 * GIB,
    expected_host=6 * GIB,
    swap_total=0,
    swap_free=0,
)

TEE = '#!/bin/sh\nexec /usr/bin/tee "$@"\n'
SUDO_WORKS = '#!/bin/sh\n[ "$1 $2" = "-n --" ] || exit 9\nshift 2\nexec "$@"\n'


class Machine:
    """Everything that the actions look at, below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.compact = self.put("proc/sys/vm/compact_memory", "")
        self.drop = self.put("proc/sys/vm/drop_caches", "")
        self.tee = self.program("usr/bin/tee", TEE)

    def put(self, path: str, text: str) -> Path:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def program(self, path: str, script: str) -> Path:
        """Write a program."""
        file = self.put(path, script)
        file.chmod(0o755)
        return file

    def sudo(self, script: str = SUDO_WORKS) -> Path:
        """Install a sudo."""
        return self.program("usr/bin/sudo", script)

    def wsl(self, script: str) -> Path:
        """Install wsl.exe on a drive of Windows."""
        return self.program("c/Windows/System32/wsl.exe", script)

    def access(self, uid: int = 1000, **environ: str) -> RootAccess:
        """The ways to root for a user."""
        return find_root_access(self.root, environ, self.root / "c", uid)


def finish(performance: ReclaimAction, seconds: float = 5.0) -> Done | Failed:
    """Start, wait for the end, and let go."""
    performance.start()
    deadline = time.monotonic() + seconds
    while isinstance(progress := performance.poll(), Running):
        assert time.monotonic() < deadline, "it does not end"
        time.sleep(0.005)
    performance.close()
    return progress
