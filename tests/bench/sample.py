"""One sample of the guest: all files of the kernel read and understood, in this process."""

from __future__ import annotations

import contextlib
import gc
import statistics
import time
import tracemalloc
from collections.abc import Iterator

from tests.bench.measurement import Limit, Measurement
from wsltop.core.session import Session
from wsltop.host.choose import open_host
from wsltop.recording.recent import SPAN, Recent
from wsltop.sampler import Sampler

SAMPLES = 1000


def measure_sample(runs: int, _seconds: float) -> Iterator[Measurement]:
    """The median of many samples, and what memory they leave behind."""
    with contextlib.closing(Sampler(open_host("none", interval=1.0))) as sampler:
        sampler.sample()
        times = [statistics.median(time_samples(sampler)) for _ in range(runs)]
        kept = [statistics.median(time_keeping(sampler)) for _ in range(runs)]
        grown = [leftover(sampler) for _ in range(runs)]
    yield Measurement(
        what=f"one guest sample, median of {SAMPLES}", unit="us", digits=0, runs=times, target=Limit(value=400)
    )
    yield Measurement(what="  keep it for a look back, median", unit="us", digits=0, runs=kept, target=Limit(value=150))
    yield Measurement(what=f"  left in memory by {SAMPLES} samples", unit="KiB", digits=1, runs=grown)


def time_samples(sampler: Sampler) -> Iterator[float]:
    """Yield the microseconds of each sample."""
    for _ in range(SAMPLES):
        began = time.perf_counter_ns()
        sampler.sample()
        yield (time.perf_counter_ns() - began) / 1000


def time_keeping(sampler: Sampler) -> Iterator[float]:
    """Yield the microseconds that it takes to keep each sample in memory."""
    recent, session = Recent(1.0), Session(1.0, fine_span=SPAN)
    for _ in range(SAMPLES):
        sample = sampler.sample()
        began = time.perf_counter_ns()
        recent.take(sample, session)
        yield (time.perf_counter_ns() - began) / 1000
        session.take(sample, shown=False)


def leftover(sampler: Sampler) -> float:
    """KiB that Python holds more after the samples than before."""
    tracemalloc.start()
    sampler.sample()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(SAMPLES):
        sampler.sample()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / 1024
