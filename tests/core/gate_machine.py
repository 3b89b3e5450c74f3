"""An invented machine for the tests of the gate: counters second by second, from rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wsltop.model.sample import CpuTimes

COLUMNS = ("user", "nice", "system", "iowait")


def machine(segments: Sequence[Mapping[str, int]], base: int = 0, cpus: int = 4) -> Iterator[tuple[float, CpuTimes]]:
    """One sample per second, from t = 1; rates are ticks per 10 s of all CPUs, spread evenly."""
    time = 0
    used = {"user": base, "nice": 0, "system": 0, "iowait": 0, "idle": 0}
    for segment in segments:
        if segment.get("suspended"):
            time += segment["seconds"]
            continue
        used["user"] -= segment.get("user_back", 0)
        used["idle"] -= segment.get("idle_back", 0)
        rates = {column: segment.get(column, 0) for column in COLUMNS}
        for second in range(segment["seconds"]):
            time += 1
            room = cpus * 100
            for column, rate in rates.items():
                ticks = rate * (second + 1) // 10 - rate * second // 10
                used[column] += ticks
                room -= ticks
            used["idle"] += room
            yield float(time), times(**used, cpus=cpus)


def times(
    user: int = 0, nice: int = 0, system: int = 0, idle: int = 0, iowait: int = 0, steal: int = 0, cpus: int = 4
) -> CpuTimes:
    return CpuTimes(
        user=user, nice=nice, system=system, idle=idle, iowait=iowait, irq=0, softirq=0, steal=steal, cpus=cpus
    )
