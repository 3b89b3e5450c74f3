"""How fast a hog takes its memory, against stress-ng, both watched from outside in the same way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.bench.cpu import resident, tree
from tests.bench.failure import CannotMeasure
from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import find_program
from wsltop.errors import HogRefused
from wsltop.hogs.pool import HogPool

GIB = 1 << 30
SIZE = GIB
FIRST = 16 << 20
"""Resident bytes that no worker has before it fills, and the first step of a hog."""
BEGUN = 64 << 20
"""From here on a worker certainly fills."""
LOOK_EVERY = 0.002
PATIENCE = 60.0
STRESS = ("--vm", "1", "--vm-bytes", "1G", "--vm-populate", "--vm-keep", "--timeout", "60s", "--quiet")


class Fill(NamedTuple):
    """Seconds since the start, as seen in ``/proc/PID/statm`` every 2 ms."""

    first: float
    """Until the first 16 MiB were resident."""
    full: float
    """Until 1 GiB was."""
    speed: float
    """GiB/s between 64 MiB and 1 GiB."""


def measure_hog(runs: int, _seconds: float) -> Iterator[Measurement]:
    """In turn, each first every second time: the hypervisor backs what it has just taken back more slowly."""
    stress = find_program("stress-ng")
    fill_with_hog()  # warm up: what has never been touched is slower
    hogs: list[Fill] = []
    spoken: list[float] = []
    rivals: list[Fill] = []

    def take_hog() -> None:
        fill, speed = fill_with_hog()
        hogs.append(fill)
        spoken.append(speed)

    def take_rival() -> None:
        if stress is not None:
            rivals.append(fill_with_stress(stress))

    for run in range(runs):
        for take in (take_hog, take_rival) if run % 2 == 0 else (take_rival, take_hog):
            take()
    peers = [rival.speed for rival in rivals]
    yield rate("hog of 1 GiB, start to all resident", [1 / one.full for one in hogs], [1 / one.full for one in rivals])
    yield rate("  while it fills, from outside", [one.speed for one in hogs], peers)
    yield rate("  while it fills, as the pool says", spoken, peers)
    yield Measurement(
        what="  start to first 16 MiB",
        unit="ms",
        digits=1,
        runs=[1000 * one.first for one in hogs],
        peers={"stress-ng": [1000 * one.first for one in rivals]},
        target=Limit(value=100),
    )


def rate(what: str, own: list[float], peer: list[float]) -> Measurement:
    """A speed against that of stress-ng."""
    return Measurement(
        what=what,
        unit="GiB/s",
        runs=own,
        peers={"stress-ng": peer},
        target=Limit(ratios={"stress-ng": 0.95}),
        more_is_better=True,
    )


def fill_with_hog() -> tuple[Fill, float]:
    """A hog of the pool: what is seen from outside, and the speed that the pool tells."""
    with HogPool() as pool:
        began = time.monotonic()
        try:
            pool.add(SIZE)
        except HogRefused as refused:
            raise CannotMeasure(str(refused)) from refused
        pid = pool.pids[0]
        fill = watch(began, lambda: resident(pid))
        while (hogs := pool.read()) and hogs[0].status in ("starting", "filling"):
            time.sleep(LOOK_EVERY)
        speed = hogs[0].speed if hogs and hogs[0].status == "holding" else None
        if speed is None:
            raise CannotMeasure("the hog ended before it was full")
        return fill, speed / GIB


def fill_with_stress(path: str) -> Fill:
    """One worker of stress-ng, whichever of its processes that is."""
    began = time.monotonic()
    process = subprocess.Popen(
        [path, *STRESS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return watch(began, lambda: max(resident(pid) for pid in tree(process.pid)))
    finally:
        workers = list(tree(process.pid))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        wait_for_end(workers)


def wait_for_end(pids: list[int]) -> None:
    """Wait until the memory of killed processes is back."""
    deadline = time.monotonic() + PATIENCE
    while any(resident(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)


def watch(began: float, look: Callable[[], int]) -> Fill:
    """Look at resident memory until it is full."""
    first = None
    begun: tuple[float, int] | None = None
    while True:
        size = look()
        now = time.monotonic() - began
        if first is None and size >= FIRST:
            first = now
        if begun is None and size >= BEGUN:
            begun = (now, size)
        if first is not None and begun is not None and size >= SIZE:
            return Fill(first=first, full=now, speed=(size - begun[1]) / GIB / max(1e-9, now - begun[0]))
        if now > PATIENCE:
            raise CannotMeasure(f"1 GiB was not resident after {PATIENCE:.0f} s")
        time.sleep(LOOK_EVERY)
