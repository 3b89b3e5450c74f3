"""What stays in memory: the screen over an hour and over seven days, at one sample a second.

Time is simulated, everything else is real: the sampler reads this machine each time, and the app takes the sample as it
always does. It runs in a process of its own without a terminal; after the first hour the screen is made too small to
paint on, for painting keeps nothing and takes most of the time.
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
from wsltop.charts.glyphs import BLOCK
from wsltop.control.hogs import HogPool
from wsltop.core.session import Session
from wsltop.host.choose import open_host
from wsltop.sampler import Sampler
from wsltop.ui.app import WsltopApp
from wsltop.ui.exporting import ScreenOptions

MIB = 1 << 20
HOUR = 3600
WEEK = 7 * 24 * HOUR
PROGRAM = """
from wsltop.ui.lean import import_without_tls
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
        result = subprocess.run((sys.executable, "-c", PROGRAM), env=environment(), capture_output=True, check=True)
        hour, week = map(float, result.stdout.split())
        hours.append(hour)
        weeks.append(week - hour)
    yield Measurement(what="resident after 1 h, simulated", unit="MiB", digits=1, runs=hours, target=Limit(value=48))
    yield Measurement(what="  more after 7 days, simulated", unit="MiB", digits=1, runs=weeks, target=Limit(value=8))


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


async def live_for_a_week(folder: Path) -> tuple[float, float]:
    """MiB resident after an hour and after a week."""
    options = ScreenOptions(glyphs=BLOCK, color=True, theme=None, hog_size=MIB, state_folder=folder, patience=None)
    with HogPool() as pool:
        app = WsltopApp(Sampler(open_host("none", interval=1.0), pool, clock=FastClock()), Session(1.0), pool, options)
        async with app.run_test(size=SIZE) as pilot:
            for ticks in range(HOUR):
                app.tick()
                if ticks % 2 == 0:
                    await asyncio.sleep(0.02)  # the frames are painted as they are live
            hour = resident(os.getpid()) / MIB
            await pilot.resize_terminal(40, 10)
            await pilot.pause()
            for ticks in range(WEEK - HOUR):
                app.tick()
                if ticks % BREATH == 0:
                    await asyncio.sleep(0)
            await pilot.resize_terminal(*SIZE)
            await pilot.pause()
            app.tick()
            await pilot.pause()
            return hour, resident(os.getpid()) / MIB


def main() -> None:
    """Print both figures."""
    with tempfile.TemporaryDirectory() as folder:
        print(*asyncio.run(live_for_a_week(Path(folder))))
