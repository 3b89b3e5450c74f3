"""The scenario of the screen: wsltop in a terminal of the guest, and both of its sides move."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

import pyte

from tests.vm.findings import MIB, Finding, at_least, at_most
from tests.vm.lab import Lab
from tests.vm.link import Job
from tests.vm.missing import MachineFailed

ROWS, COLUMNS = 40, 120
UNITS: Final = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
SIZE: Final = r"([\d.]+) (KiB|MiB|GiB)"
HOST: Final = re.compile(SIZE + r" vmmemWSL")
USED: Final = re.compile(SIZE + r" used")
HOGS: Final = 4 * 256 * MIB
ROUNDING: Final = 110 * MIB
"""The screen shows tenths of a GiB, and is up to two seconds behind."""


class Screen:
    """What the program shows."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._screen.display)

    def wait_until(self, condition: Callable[[str], bool], what: str, timeout: float = 60.0) -> str:
        """Watch until a condition holds."""
        deadline = time.monotonic() + timeout
        while not condition(self.text()):
            if time.monotonic() > deadline or self.job.code is not None:
                raise MachineFailed(f"{what}: the screen does not show it:\n{self.text()}")
            self.feed(0.5)
        return self.text()

    def feed(self, timeout: float) -> None:
        """Take in what is printed next."""
        if said := self.job.read(timeout):
            self._stream.feed(said)


def show_both_sides(lab: Lab) -> Iterator[Finding]:
    """Start four hogs by key, watch both bars, kill them by key, and leave."""
    lab.stop()
    time.sleep(5.0)
    screen = Screen(lab.machine.start(sys.executable, "-m", "wsltop", pty=(ROWS, COLUMNS)))
    screen.wait_until(lambda text: bool(HOST.search(text) and USED.search(text)), "both sides")
    host, used = both(screen.text())
    yield at_most("shown host from measured", ROUNDING, abs(host - lab.machine.working_set()))
    screen.job.write("<<A")  # halved twice: four hogs of 256 MiB

    def have_risen(text: str) -> bool:
        return min(both(text)[0] - host, both(text)[1] - used) > HOGS - ROUNDING

    screen.wait_until(have_risen, "both sides risen")
    rest(screen, 4.0)
    high = both(screen.text())
    yield at_least("guest risen by", HOGS - ROUNDING, high[1] - used)
    yield at_least("host risen by", HOGS - ROUNDING, high[0] - host)
    yield at_most("shown host from measured", ROUNDING, abs(high[0] - lab.machine.working_set()))
    screen.job.write("X")

    def have_fallen(text: str) -> bool:
        return max(both(text)[0] - host, both(text)[1] - used) < 2 * ROUNDING

    screen.wait_until(have_fallen, "both sides fallen")
    low = both(screen.text())
    yield at_least("guest fallen by", HOGS - 2 * ROUNDING, high[1] - low[1])
    yield at_least("host fallen by", HOGS - 2 * ROUNDING, high[0] - low[0])
    hogs = len(re.findall(r"\bhogs?\b", screen.text()))
    yield Finding("the events name hogs", "≥ 1", str(hogs), hogs >= 1)
    screen.job.write("q")
    rest(screen, 10.0)
    yield Finding("its exit status", "0", str(screen.job.code), screen.job.code == 0)
    lab.start()


def rest(screen: Screen, seconds: float) -> None:
    """Let it go on for a while, or until it ends."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and screen.job.code is None:
        screen.feed(0.2)


def both(text: str) -> tuple[float, float]:
    """The two figures, bytes: host, and used by the guest; endless where the screen does not show them."""
    found = [pattern.search(text) for pattern in (HOST, USED)]
    host, used = [float(match[1]) * UNITS[match[2]] if match else float("nan") for match in found]
    return host, used
