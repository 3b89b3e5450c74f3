"""Hours of the real screen on the simulated laptop, by a script that never changes; nothing may grow.

The screen and a replay run side by side, each in a terminal of its own. A cycle of the script opens and closes cards,
looks back, makes and ends a hog, records, resizes and drags; at its end all is closed, and memory, descriptors, threads
and CPU are read. Descriptors and threads must not grow after the first third of the cycles. Memory and CPU time grow
for half an hour, while caches and the timeline fill: a shorter run holds memory only to its bound, and says so.
"""

from __future__ import annotations

import os
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from fcntl import ioctl
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from tests.bench.cpu import resident, threads
from tests.bench.pty_program import PtyProgram, drain_for
from tests.laptop.scenarios import SCENARIOS
from tests.laptop.simulator import Laptop
from tests.terminal.harness import command, cpu_seconds, environment
from wsltop.model.text import MIB

SIZE: Final = (160, 48)
LEAST_CYCLES: Final = 6
WARM_UP: Final = 1800.0
"""Seconds after which memory and CPU time must not grow any more."""
MOST_RESIDENT: Final = 72.0
"""MiB that a program may have at any time."""
MORE_RESIDENT: Final = 3.0
"""MiB by which memory may grow over the cycles that count."""
MORE_CPU: Final = 1.5
"""What the CPU time of a cycle may grow by, as a factor: other programs move it."""

ESC: Final = "\x1b"
DRAG: Final = (*(f"\x1b[<{32 if n else 0};{60 + n};20M" for n in range(12)), "\x1b[<0;71;20m")
Step: TypeAlias = "tuple[str | tuple[int, int], float]"
"""What is typed, or the new size, and the seconds after it."""


def typed(keys: str, seconds: float) -> tuple[Step, ...]:
    """Each key, and so long after it."""
    return tuple((key, seconds) for key in keys)


SCREEN: Final[tuple[Step, ...]] = (
    *typed(f"pjo{ESC}v{ESC}b{ESC}?{ESC}cn", 0.7),
    *typed("rraX", 2.0),
    *typed(f"+-ff[[{{{ESC}", 0.5),
    *(((100, 30), 1.0), ((60, 15), 1.0), (SIZE, 1.0)),
    *((one, 0.05) for one in DRAG),
    *((ESC, 0.5), ("\x10", 0.5), ("hel", 0.5), (ESC, 0.5), (ESC, 0.5), ("s", 1.0)),
)
REPLAY: Final[tuple[Step, ...]] = (
    *typed(f" ]][}}{{p{ESC}b{ESC}", 0.6),
    *(("g", 0.5), ("50%", 0.3), ("\r", 1.0), (" ", 2.0), (".", 1.0), (",", 1.0), ((100, 30), 1.0), (SIZE, 1.0)),
    *(("g", 0.5), ("start", 0.3), ("\r", 1.0), ("0", 0.5)),
)


class Reading(NamedTuple):
    """A program at the end of a cycle."""

    resident: float
    """MiB."""
    descriptors: int
    threads: int
    cpu: float
    """Seconds of CPU that the cycle took."""
    at: float
    """Seconds since the start."""


class Subject:
    """A program that is watched, with its script and what was read of it."""

    def __init__(self, name: str, program: PtyProgram, script: Sequence[Step]) -> None:
        self.name, self.program, self.script = name, program, script
        self.readings: list[Reading] = []
        self._cpu = 0.0
        self._began = time.monotonic()

    def _age(self) -> float:
        return time.monotonic() - self._began

    def steps(self) -> Iterator[float]:
        """Do a step of the script; yields the seconds until the next one."""
        for what, pause in self.script:
            if isinstance(what, tuple):
                ioctl(self.program.master, termios.TIOCSWINSZ, struct.pack("HHHH", what[1], what[0], 0, 0))
            else:
                self.program.press(what)
            yield pause

    def read(self) -> None:
        """Read what the program uses now."""
        pid = self.program.pid
        cpu = cpu_seconds(pid)
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names, not paths
        self.readings.append(Reading(resident(pid) / MIB, descriptors, len(threads(pid)), cpu - self._cpu, self._age()))
        self._cpu = cpu

    @property
    def settled(self) -> list[Reading]:
        """The cycles in which memory and CPU time must not grow any more."""
        return [one for one in self.readings if one.at >= WARM_UP]

    def faults(self) -> list[str]:
        """What grows."""
        found = []
        before, after = halves(self.readings[len(self.readings) // 3 :])
        for what in ("descriptors", "threads"):
            most, more = (max(getattr(one, what) for one in part) for part in (before, after))
            if more > most:
                found.append(f"{what} grow from {most} to {more}")
        largest = max(one.resident for one in self.readings)
        if largest > MOST_RESIDENT:
            found.append(f"{largest:.1f} MiB resident")
        settled = self.settled
        if len(settled) >= LEAST_CYCLES:
            grown = trend([one.resident for one in settled]) * len(settled)
            if grown > MORE_RESIDENT:
                found.append(f"memory grows by {grown:.1f} MiB in {len(settled)} cycles")
            less, more_cpu = (statistics.median(one.cpu for one in part) for part in halves(settled))
            if more_cpu > MORE_CPU * less:
                found.append(f"the CPU time of a cycle grows from {less:.2f} to {more_cpu:.2f} s")
        return [f"{self.name}: {one}" for one in found]

    def tell(self) -> str:
        """The first and the last cycle."""
        first, last = self.readings[0], self.readings[-1]
        return (
            f"{self.name}: {len(self.readings)} cycles; resident {first.resident:.1f} to {last.resident:.1f} MiB, "
            f"descriptors {first.descriptors} to {last.descriptors}, threads {first.threads} to {last.threads}, "
            f"CPU {self.readings[1].cpu:.2f} to {last.cpu:.2f} s a cycle"
            + ("" if len(self.settled) >= LEAST_CYCLES else "; too short to judge the trend of memory and CPU")
        )


def halves(readings: Sequence[Reading]) -> tuple[Sequence[Reading], Sequence[Reading]]:
    """The first and the second half."""
    middle = len(readings) // 2
    return readings[:middle], readings[middle:]


def trend(values: Sequence[float]) -> float:
    """The growth from one value to the next: the median slope of all pairs, which outliers do not move (Theil, Sen)."""
    return statistics.median((b - a) / (n - m) for (m, a), (n, b) in combinations(enumerate(values), 2))


def soak(hours: float) -> int:
    """Run so long and print the figures; 1 where something grows."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        root, home = folder / "root", folder / "home"
        home.mkdir()
        settings = home / "config/wsltop/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('hog_size = "64M"\n')
        environ = environment(home)
        with (
            Laptop(root, SCENARIOS["laptop"]) as laptop,
            PtyProgram(command(("--root", str(root), "--no-quiet")), SIZE, environ) as screen,
            PtyProgram(command(("replay", "--sample")), SIZE, environ) as replay,
        ):
            laptop.watched = screen.pid
            for program in (screen, replay):
                program.wait_for(b"quit")
            subjects = [Subject("screen", screen, SCREEN), Subject("replay", replay, REPLAY)]
            run(subjects, time.monotonic() + hours * 3600)
    found = [fault for subject in subjects for fault in subject.faults()]
    for subject in subjects:
        print(subject.tell())
    for fault in found:
        print(f"FAILS: {fault}")
    return 1 if found else 0


def run(subjects: Sequence[Subject], end: float) -> None:
    """Go through the scripts again and again until ``end``, and often enough to see a trend."""
    programs = [subject.program for subject in subjects]
    while time.monotonic() < end or len(subjects[0].readings) < LEAST_CYCLES:
        due = [(time.monotonic(), number, subject.steps()) for number, subject in enumerate(subjects)]
        while due:
            due.sort(key=lambda one: one[:2])
            when, number, steps = due.pop(0)
            drain_for(programs, max(0.01, when - time.monotonic()))
            pause = next(steps, None)
            if pause is not None:
                due.append((time.monotonic() + pause, number, steps))
        drain_for(programs, 2.0)
        for subject in subjects:
            if subject.program.process.poll() is not None:
                raise SystemExit(f"{subject.name} ended with {subject.program.process.poll()}")
            subject.read()
            subject.program.forget()
        print(" | ".join(f"{one.name} {one.readings[-1]}" for one in subjects), file=sys.stderr, flush=True)
