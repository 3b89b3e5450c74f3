"""From a key to its effect on the screen, and what a drag on the timeline costs."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator

from tests.bench.cpu import Meter
from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import READY, WSLTOP, open_program
from tests.bench.pty_program import drain_for

CELLS = (*range(90, 40, -1), *range(41, 90))
"""Columns of the timeline, there and back."""
ROW = 18
PACE = 0.1
"""Seconds from cell to cell."""
PAST = 75.0
"""Seconds of samples to go through."""
STEPS = (("-", b"last 2 min"), ("+", b"last 1 min"))
"""Keys, and the heading of the timeline that each leads to; it starts with the last minute."""


def measure_key(runs: int, _seconds: float) -> Iterator[Measurement]:
    """Zoom in and out at moments that have nothing to do with the tick."""
    figures: list[float] = []
    with open_program(WSLTOP) as program:
        program.wait_for(READY)
        drain_for([program], 3.0)
        for key, words in itertools.islice(itertools.cycle(STEPS), runs):
            drain_for([program], random.uniform(0.2, 0.8))
            program.forget()
            pressed = program.press(key)
            figures.append(1000 * (program.wait_for(words) - pressed))
    yield Measurement(what="key + or - to the new heading", unit="ms", digits=1, runs=figures, target=Limit(value=50))


def measure_drag(runs: int, seconds: float) -> Iterator[Measurement]:
    """Drag the mouse over the timeline, ten cells a second: each shows the whole screen as it was then."""
    figures: list[float] = []
    for _ in range(runs):
        with open_program((*WSLTOP, "--no-quiet")) as program:
            program.wait_for(READY)
            drain_for([program], PAST)
            os.write(program.master, f"\x1b[<0;{CELLS[0]};{ROW}M".encode())
            meter = Meter(program.pid)
            before, began = meter.read().nanoseconds, time.monotonic()
            for cell in itertools.cycle(CELLS):
                if time.monotonic() - began >= min(seconds, 20.0):
                    break
                os.write(program.master, f"\x1b[<32;{cell};{ROW}M".encode())
                drain_for([program], PACE)
            figures.append((meter.read().nanoseconds - before) / (time.monotonic() - began) / 1e7)
    yield Measurement(
        what="a drag on the timeline, 10 cells a second: CPU", unit="% of a core", runs=figures, target=Limit(value=1)
    )
