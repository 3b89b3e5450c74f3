"""What stays in memory: the screen over an hour and over seven days, at one sample a second.

Time is simulated, everything else is real: the sampler reads this machine each time, and the app takes the sample as it
always does. It runs in processes of its own without a terminal, the hour with a usual screen, the week with one that is
too small to paint on, for painting keeps nothing and takes most of the time.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.cpu import resident
from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import SIZE, environment
from wsltop.charts.cells import BLOCK
from wsltop.core.session import Session
from wsltop.hogs.pool import HogPool
from wsltop.host.choose import open_host
from wsltop.sampler import Sampler
from wsltop.ui.app import WsltopApp
from wsltop.ui.context import ScreenOptions
from wsltop.ui.sources import LiveSource

MIB = 1 << 20
HOUR = 3600
WEEK = 7 * 24
TOO_SMALL = (40, 10)
"""A terminal on which nothing is painted."""
PROGRAM = """
from wsltop.ui.terminal import import_without_tls
import_without_tls()
from tests.bench.endurance import main
main()
"""
"""Imports as the screen does."""
BREATH = 50
"""Ticks between two turns of the event loop."""


def measure_endurance(runs: int, _seconds: float) -> Iterator[Measurement]:
    """The resident memory of a process that has seen a week."""
    hours: list[float] = []
    weeks: list[float] = []
    for _ in range(runs):
        hours += run("hour")
        first, last = run("week")
        weeks.append(last - first)
    yield Measurement(what="resident after 1 h, simulated", unit="MiB", digits=1, runs=hours, target=Limit(value=48))
    yield Measurement(what="  more after 7 days, simulated", unit="MiB", digits=1, runs=weeks, target=Limit(value=8))


def run(what: str) -> list[float]:
    """The figures that a process of its own prints."""
    command = (sys.executable, "-c", PROGRAM, what)
    return list(map(float, subprocess.run(command, env=environment(), capture_output=True, check=True).stdout.split()))


class FastClock:
    """Goes on by a second with each look at the monotonic time."""

    def __init__(self) -> None:
        self.began, self.now, self.wall = time.monotonic(), time.monotonic(), time.time()

    def monotonic(self) -> float:
        """A second later than the last time."""
        self.now += 1.0
        return self.now

    def time(self) -> float:
        """The wall clock that belongs to it."""
        return self.wall + self.now - self.began


async def live(folder: Path, size: tuple[int, int], hours: int) -> tuple[float, float]:
    """MiB resident after the first of some hours and after the last."""
    options = ScreenOptions(glyphs=BLOCK, color=True, theme=None, hog_size=MIB, state_folder=folder)
    hour = 0.0
    with HogPool() as pool:
        sampler = Sampler(open_host("none", interval=1.0), pool, clock=FastClock())
        app = WsltopApp(LiveSource(sampler, Session(1.0)), pool, options)
        async with app.run_test(size=size):
            for ticks in range(hours * HOUR):
                if ticks == HOUR:
                    hour = resident(os.getpid()) / MIB
                app.tick()
                if ticks % BREATH == 0:
                    await asyncio.sleep(0.02)  # what the ticks asked for is painted
            return hour, resident(os.getpid()) / MIB


def main() -> None:
    """Print what is resident after an hour on a usual screen; after an hour and after a week on a small one."""
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1] == "hour":
            _, hour = asyncio.run(live(Path(folder), SIZE, 1))
            print(hour)
        else:
            print(*asyncio.run(live(Path(folder), TOO_SMALL, WEEK)))
