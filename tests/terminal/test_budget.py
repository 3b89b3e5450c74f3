"""A guard of what the screen costs, in counts and not in seconds: what wakes it, what it reads, what it draws.

WSL reclaims memory only when the whole VM rests, so a wakeup too many matters. The bounds are two to three times what
was seen.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bench.cpu import Meter
from tests.bench.programs import READY, WSLTOP, open_program
from tests.bench.pty_program import drain_for

SECONDS = 4.0
STRETCHES = 3
"""The quietest one counts: a cache that another program drops, so that pages are read again, wakes the screen too."""


class Counts(NamedTuple):
    """Per second."""

    wakeups: float
    reads: float
    drawn: float
    """Bytes."""


def count(*arguments: str) -> Counts:
    """Let the screen stand for a while in a terminal of 160x48."""
    with open_program((*WSLTOP, "--host", "none", *arguments)) as program:
        program.wait_for(READY)
        drain_for([program], 3.0)
        meter = Meter(program.pid)
        stretches = []
        for _ in range(STRETCHES):
            before, reads, drawn, began = meter.read(), reads_of(program.pid), program.received, time.monotonic()
            drain_for([program], SECONDS)
            seconds = time.monotonic() - began
            stretches.append(
                Counts(
                    wakeups=(meter.read().wakeups - before.wakeups) / seconds,
                    reads=(reads_of(program.pid) - reads) / seconds,
                    drawn=(program.received - drawn) / seconds,
                )
            )
        return Counts(*map(min, zip(*stretches, strict=True)))


def reads_of(pid: int) -> int:
    """System calls that read, as the kernel counts them."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("syscr:")))


@pytest.fixture(autouse=True)
def _counted_by_the_kernel() -> None:
    for name in ("schedstat", "io"):
        if not Path("/proc/self", name).exists():
            pytest.skip(f"this kernel has no /proc/PID/{name}")


@pytest.mark.slow
def test_a_tick_wakes_reads_and_draws_little() -> None:
    counts = count("--no-quiet")
    assert counts.wakeups <= 6, counts
    assert 1 <= counts.reads <= 50, counts
    assert counts.drawn <= 8000, counts


@pytest.mark.slow
def test_at_rest_it_hardly_wakes() -> None:
    """At the pace of rest, chosen by hand: what else runs on this machine may move memory, and that ends a rest."""
    counts = count("--every", "4", "--no-quiet")
    assert counts.wakeups <= 3, counts
    assert counts.reads <= 25, counts
