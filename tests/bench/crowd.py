"""The process view on a machine with thousands of processes: what it costs while it is shown, and while it is not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import READY, WSLTOP, open_program
from tests.bench.pty_program import drain_for
from tests.bench.screen import meter

CROWD = 3000
FORK = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        signal.pause()
        os._exit(0)
print("ready", flush=True)
signal.pause()
"""
HEADING = b"who holds it"


def measure_crowd(runs: int, seconds: float) -> Iterator[Measurement]:
    """The same program with the view hidden, then shown, among the processes; and hidden without them."""
    alone: list[float] = []
    hidden: list[float] = []
    shown: list[float] = []
    for _ in range(runs):
        alone.append(cost(seconds, show=False))
        with crowd(CROWD):
            hidden.append(cost(seconds, show=False))
            shown.append(cost(seconds, show=True))
    yield Measurement(
        what=f"process view of {CROWD} processes: CPU", unit="% of a core", runs=shown, target=Limit(value=1.0)
    )
    yield Measurement(
        what="  the view hidden: more than without them",
        unit="% of a core",
        runs=[with_crowd - without for with_crowd, without in zip(hidden, alone, strict=True)],
    )


def cost(seconds: float, *, show: bool) -> float:
    """Per cent of a core that the screen uses."""
    with open_program((*WSLTOP, "--no-quiet")) as program:
        program.wait_for(READY)
        drain_for([program], 3.0)
        if show:
            program.press("p")
            program.wait_for(HEADING)
            drain_for([program], 5.0)
        return meter([program], seconds)[0].cpu


@contextlib.contextmanager
def crowd(count: int) -> Iterator[None]:
    """So many processes that only wait."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", FORK, str(count)], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
