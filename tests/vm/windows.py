"""The host's part of the Windows in the guest: a drive C with two programs, and the figures that they print.

The working set is the resident memory of the guest's RAM, ``RssShmem`` of QEMU.
What is written is kept as well: the host's own curve.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from pathlib import Path
from typing import Final

from tests.vm.curve import Point
from wsltop.host.interop import POWERSHELL, TASKLIST

PERIOD: Final = 0.1
"""Seconds between two figures."""
KEPT: Final = 18_000
"""Figures that the curve holds: half an hour."""
KIB: Final = 1024


class Windows:
    """Writes the figures again and again until it is closed."""

    def __init__(self, drive: Path) -> None:
        self.drive = drive
        self.curve: deque[Point] = deque(maxlen=KEPT)
        self._pid = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="windows", daemon=True)
        for program in (POWERSHELL, TASKLIST):
            path = drive / program
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"MZ stand-in\n")
            path.chmod(0o755)
        (drive / "vm").mkdir()

    def watch(self, pid: int) -> None:
        """Show the process ``pid`` as ``vmmemWSL``."""
        self._pid = pid
        self.write()
        self._thread.start()

    def write(self) -> None:
        """Write the figures, whole or not at all."""
        machine = read_fields(Path("/proc/meminfo"))
        size = working_set(self._pid)
        self.curve.append(Point(time.monotonic(), size))
        figures = {
            "working_set": size,
            "total": machine["MemTotal"],
            "available": machine["MemAvailable"],
        }
        scratch = self.drive / "vm/figures.new"
        scratch.write_text(json.dumps(figures))
        scratch.rename(self.drive / "vm/figures.json")

    def close(self) -> None:
        """Stop writing."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(PERIOD):
            try:
                self.write()
            except (OSError, KeyError):  # QEMU has ended
                return


def working_set(pid: int) -> int:
    """Bytes of the guest's RAM that the host holds."""
    return read_fields(Path(f"/proc/{pid}/status"))["RssShmem"]


def read_fields(path: Path) -> dict[str, int]:
    """The sizes in a file of lines such as ``MemTotal: 5 kB``, in bytes."""
    found = re.findall(r"^(\w+):\s+(\d+) kB$", path.read_text(), re.MULTILINE)
    return {name: int(number) * KIB for name, number in found}
