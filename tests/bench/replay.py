"""A recording of a day at 1 Hz: its size, what a sample costs, to open it, to go anywhere in it, to export it."""

from __future__ import annotations

import contextlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from tests.bench.failure import CannotMeasure
from tests.bench.measurement import Limit, Measurement
from wsltop.host.choose import open_host
from wsltop.model.sample import CpuTimes, HostMemory, KernelLog, Sample
from wsltop.model.text import GIB, MIB
from wsltop.recording.player import Player
from wsltop.recording.reader import Recording
from wsltop.recording.writer import RecordingWriter
from wsltop.sampler import Sampler

T = TypeVar("T")

DAY = 24 * 3600
TAKEN = 20
"""Samples of this machine from which the day is made."""
JUMPS = 20
STEPS = 20
SEED = 4
TIMES = """
import resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Prints the seconds and the KiB of a program; a process of its own, as a child starts with its parent's size."""


def measure_replay(runs: int, _seconds: float) -> Iterator[Measurement]:
    """What a day takes on the disk; what its samples, its opening, jumps in it and its exports take of time."""
    opened: list[float] = []
    cold: list[float] = []
    worst: list[float] = []
    back: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.wsltop"
        size, costs = record_day(path)
        for run in range(runs):
            began = time.perf_counter()
            with Recording.open(path) as recording:
                player = Player(recording, paused=True)
                opened.append(time.perf_counter() - began)
                player.explore()  # the screen does so five times a second
                times = list(time_jumps(player, random.Random(SEED + run)))
                cold.append(statistics.median(times))
                worst.append(max(times))
                back.append(statistics.median(timed(player.step, -1) for _ in range(STEPS)))
        known = [statistics.median(times) for times in jump_when_known(path, runs)]
        exports = {style: [export_day(path, style) for _ in range(runs)] for style in ("csv", "jsonl")}
    yield Measurement(what="a recording of a day", unit="MB", digits=1, runs=[size / 1e6], target=Limit(value=50))
    yield Measurement(what="  CPU of a sample", unit="us", digits=0, runs=costs, target=Limit(value=1000))
    yield Measurement(what="  open it", unit="s", digits=2, runs=opened, target=Limit(value=0.3))
    yield Measurement(
        what=f"  go anywhere, one of {JUMPS}", unit="ms", digits=0, runs=ms(cold), target=Limit(value=100)
    )
    yield Measurement(what="  go anywhere, the slowest", unit="ms", digits=0, runs=ms(worst), target=Limit(value=100))
    yield Measurement(what="  one sample back", unit="ms", digits=0, runs=ms(back), target=Limit(value=100))
    yield Measurement(
        what="  go anywhere when all is known", unit="ms", digits=0, runs=ms(known), target=Limit(value=100)
    )

    for style, taken in exports.items():
        what, waits, peaks = f"  export it as {style}", [one[0] for one in taken], [one[1] for one in taken]
        yield Measurement(what=what, unit="s", digits=1, runs=waits, target=Limit(value=10))
        yield Measurement(what=f"{what}, resident", unit="MiB", digits=0, runs=peaks, target=Limit(value=100))


def export_day(path: Path, style: str) -> tuple[float, float]:
    """Seconds and MiB resident that an export takes."""
    output = path.with_suffix(f".{style}")
    command = [sys.executable, "-m", "wsltop", "export", str(path), "--format", style, "-o", str(output)]
    done = subprocess.run([sys.executable, "-c", TIMES, *command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMeasure(f"wsltop export failed: {done.stderr}")
    output.unlink()
    seconds, kibibytes = done.stdout.split()
    return float(seconds), int(kibibytes) / 1024


def jump_when_known(path: Path, runs: int) -> Iterator[list[float]]:
    """Yield the times of jumps in a recording that was explored as a whole."""
    with Recording.open(path) as recording:
        player = Player(recording, paused=True)
        while player.explore():
            pass
        for run in range(runs):
            yield list(time_jumps(player, random.Random(SEED + run)))


def time_jumps(player: Player, chance: random.Random) -> Iterator[float]:
    """Yield the seconds of each jump to somewhere."""
    for _ in range(JUMPS):
        place = f"{chance.randrange(DAY)}s"
        yield timed(player.go_to, place)


def timed(act: Callable[[T], object], argument: T) -> float:
    """How long it takes, in seconds."""
    began = time.perf_counter()
    act(argument)
    return time.perf_counter() - began


def ms(seconds: Sequence[float]) -> list[float]:
    """Seconds in milliseconds."""
    return [1000 * one for one in seconds]


def record_day(path: Path) -> tuple[int, list[float]]:
    """Record a day of this machine as if it were WSL: its own samples over and over, with changing figures.

    Returns:
        The bytes of the file, and microseconds of CPU for a sample, of each tenth of the day.
    """
    with contextlib.closing(Sampler(open_host("none", interval=1.0))) as sampler:
        taken = [sampler.sample() for _ in range(TAKEN)]
    chance = random.Random(SEED)
    writer = RecordingWriter(path, interval=1.0)
    busy, costs = 0, [0.0] * 10
    for second in range(DAY):
        busy += chance.randrange(3)
        sample = make_sample(taken[second % TAKEN], taken[0], second, busy, chance)
        began = time.thread_time()
        writer.write(sample)
        costs[second * 10 // DAY] += time.thread_time() - began
    writer.close()
    return path.stat().st_size, [1e6 * cost / (DAY / 10) for cost in costs]


def make_sample(one: Sample, first: Sample, second: int, busy: int, chance: random.Random) -> Sample:
    """The sample of a second of the day; ``busy`` ticks of the CPUs have been used since it began."""
    monotonic = first.monotonic + second + chance.random() / 1000
    log, cpu = one.kernel_log, first.cpu
    if isinstance(log, KernelLog):
        log = replace(log, records=log.records if second == 0 else log.records[: second % 30 == 0])
    if isinstance(cpu, CpuTimes):
        cpu = replace(cpu, user=cpu.user + busy, idle=cpu.idle + 100 * cpu.cpus * second - busy)
    host = HostMemory(
        source="powershell",
        process="vmmemWSL",
        pid=4711,
        working_set=7 * GIB + chance.randrange(64) * MIB,
        private_bytes=8 * GIB,
        total=16 * GIB,
        available=6 * GIB,
        read_at=monotonic - 0.3,
    )
    return replace(
        one,
        time=first.time - DAY + second,
        monotonic=monotonic,
        kernel_log=log,
        cpu=cpu,
        host=host,
        surroundings=replace(first.surroundings, flavor="wsl2"),
    )
