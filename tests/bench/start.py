"""From the start of the program to its first complete picture."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import PEERS_READY, READY, WSLTOP, environment, find_peers, open_program

LIBRARY = "import textual.app"
"""What every program that is built on Textual waits for."""


def measure_start(runs: int, _seconds: float) -> Iterator[Measurement]:
    """wsltop, the import of its library and the peers in turn."""
    commands: dict[str, tuple[str, ...] | None] = {"wsltop": WSLTOP, **find_peers()}
    ready = {"wsltop": READY, **PEERS_READY}
    first_picture(WSLTOP, READY)  # the files come from the disk once
    figures: dict[str, list[float]] = {name: [] for name in (*commands, LIBRARY)}
    for _ in range(runs):
        figures[LIBRARY].append(import_library())
        for name, command in commands.items():
            if command is not None:
                figures[name].append(first_picture(command, ready[name]))
    own = figures.pop("wsltop")
    yield Measurement(
        what="start to first complete frame",
        unit="s",
        runs=own,
        peers=figures,
        target=Limit(value=0.6, ratios={LIBRARY: 1.4}),
    )


def import_library() -> float:
    """Seconds that Python takes to start and to import the library of the screen."""
    began = time.monotonic()
    subprocess.run((sys.executable, "-c", LIBRARY), env=environment(), check=True)
    return time.monotonic() - began


def first_picture(command: tuple[str, ...], words: bytes) -> float:
    """Seconds until the words that end the first picture are there."""
    with open_program(command) as program:
        return program.wait_for(words) - program.started
