"""From a key to its effect on the screen."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import READY, WSLTOP, open_program
from tests.bench.pty_program import drain_for

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
