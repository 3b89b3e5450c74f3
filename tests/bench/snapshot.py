"""How long a program that asks for one sample waits."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import WSLTOP, environment

SNAPSHOT = (*WSLTOP, "snapshot", "--json", "--host", "none")
"""Without Windows, which takes its own time to answer."""
PEER = (sys.executable, "-c", "import psutil")


def measure_snapshot(runs: int, _seconds: float) -> Iterator[Measurement]:
    """The command and its peer in turn."""
    run_once(SNAPSHOT)
    own: list[float] = []
    peer: list[float] = []
    for _ in range(runs):
        own.append(run_once(SNAPSHOT))
        peer.append(run_once(PEER))
    yield Measurement(
        what="snapshot --json --host none",
        unit="s",
        digits=3,
        runs=own,
        peers={"import psutil": peer},
        target=Limit(value=0.15, ratios={"import psutil": 3.0}),
    )


def run_once(command: tuple[str, ...]) -> float:
    """Seconds from start to end."""
    began = time.perf_counter()
    subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
