"""From the start of the program to its first complete picture."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import PEERS_READY, READY, WSLTOP, find_peers, open_program


def measure_start(runs: int, _seconds: float) -> Iterator[Measurement]:
    """wsltop and the peers in turn."""
    commands: dict[str, tuple[str, ...] | None] = {"wsltop": WSLTOP, **find_peers()}
    ready = {"wsltop": READY, **PEERS_READY}
    first_picture(WSLTOP, READY)  # the files come from the disk once
    figures: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            if command is not None:
                figures[name].append(first_picture(command, ready[name]))
    own = figures.pop("wsltop")
    yield Measurement(
        what="start to first complete frame",
        unit="s",
        runs=own,
        peers=figures,
        target=Limit(value=0.6, ratios={"glances": 0.5}),
    )


def first_picture(command: tuple[str, ...], words: bytes) -> float:
    """Seconds until the words that end the first picture are there."""
    with open_program(command) as program:
        return program.wait_for(words) - program.started
