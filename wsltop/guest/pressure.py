"""``/proc/pressure/memory``: the share of time in which tasks waited for memory (PSI)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Pressure
from wsltop.guest.files import KernelFile

LINE: Final = re.compile(
    r"^(some|full) avg10=([0-9]{1,3}\.[0-9]{2}) avg60=([0-9]{1,3}\.[0-9]{2}) avg300=[0-9.]{4,6} total=([0-9]{1,20})$",
    re.MULTILINE | re.ASCII,
)

ABSENT: Final = Unavailable(
    "this kernel has no pressure figures (PSI)",
    "Run `wsl --update` on Windows: the kernels of WSL 2.5 and later have them.",
)


def parse_pressure(text: str) -> Reading[Pressure]:
    """Parse a PSI file (kernel/sched/psi.c, psi_show): percent become shares, microseconds become seconds."""
    lines = {kind: (float(avg10), float(avg60), int(total)) for kind, avg10, avg60, total in LINE.findall(text)}
    if len(lines) < 2:
        return Unavailable("/proc/pressure/memory is not what Linux writes")
    some, full = lines["some"], lines["full"]
    return Pressure(
        some_avg10=some[0] / 100,
        some_avg60=some[1] / 100,
        some_total=some[2] / 1e6,
        full_avg10=full[0] / 100,
        full_avg60=full[1] / 100,
        full_total=full[2] / 1e6,
    )


class PressureSource:
    """Reads ``/proc/pressure/memory``; WSL's kernel 5.15 was built without it."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._file = KernelFile(root / "proc/pressure/memory")

    def read(self) -> Reading[Pressure]:
        """Read the file once and parse it."""
        text = self._file.read()
        if not isinstance(text, Unavailable):
            return parse_pressure(text)
        return ABSENT if self._file.missing else text

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
