"""Stands in for the thread of WSL's init that drops the cache of an idle guest (``autoMemoryReclaim=dropCache``).

``wsl_init.py D|C``. The rules are those of microsoft/WSL, ``ConfigureMemoryReduction`` and what followed it:

    D   after 2.9.4 (src/linux/init/util.cpp): a look every ten seconds; idle is at most 0.5 % of all processors' time,
        in the last interval *and* over a full window of two minutes; then, once per idle period, ``3`` to
        ``drop_caches`` and ``1`` to ``compact_memory``; its own work is kept out of the next sample.
    C   2.8.7 to 2.9.4 (B, 2.7.2 on, is the same): a look every 30 s, at user time alone; idle is less than 15 ticks per
        processor, in the last interval *and* on the average of a ring of 20, ten minutes; then, once per idle period,
        ``1`` to ``drop_caches``. Compaction whenever a processor's tick of user time has passed since the last look,
        and the next second is idle. Here at a fifth of its times and ticks: two minutes are long enough for a check.

Prints one object per look, with what it did. Ends when its input does.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

PERIOD_D, WINDOW_D = 10.0, 12
LIMIT_D = 5
"""Thousandths."""
FIFTH = 5
PERIOD_C, RING_C = 30.0 / FIFTH, 20
LIMIT_C = 15 // FIFTH
"""Ticks per processor in one period."""
PR_SET_NAME = 15

Spans = dict[str, tuple[float, float]]
"""What was written to which file, and when that began and ended, monotonic."""


def read_ticks() -> list[int]:
    """The first line of ``/proc/stat``: user nice system idle iowait irq softirq steal …"""
    return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]


def read_times() -> tuple[int, int]:
    """Busy and idle ticks."""
    user, nice, system, idle, iowait, irq, softirq, steal = read_ticks()
    return user + nice + system + irq + softirq + steal, idle + iowait


def write(name: str, text: str) -> Spans:
    """Write to a file below ``/proc/sys/vm``."""
    began = time.monotonic()
    Path("/proc/sys/vm", name).write_text(text)
    return {name: (began, time.monotonic())}


class RuleD:
    """The newest rule."""

    period = PERIOD_D

    def __init__(self) -> None:
        self.window: deque[tuple[int, int]] = deque(maxlen=WINDOW_D)
        self.acted = False
        self.last = read_times()

    def look(self) -> dict[str, object]:
        """Take a sample, and act where the guest is idle."""
        now = read_times()
        self.window.append((now[0] - self.last[0], now[1] - self.last[1]))
        busy, idle = (sum(one[part] for one in self.window) for part in (0, 1))
        full = len(self.window) == WINDOW_D
        quiet = full and is_idle(busy, idle)
        self.acted = self.acted and (quiet or not full)
        newest = self.window[-1]
        news: dict[str, object] = {"busy": newest[0], "total": sum(newest)}
        if quiet and not self.acted and is_idle(*newest):
            news |= write("drop_caches", "3") | write("compact_memory", "1")
            self.acted = True
            now = read_times()
        self.last = now
        return news


def is_idle(busy: int, idle: int) -> bool:
    """Whether so many ticks are within the limit of D."""
    return busy * 1000 <= (busy + idle) * LIMIT_D


class RuleC:
    """The rule before it."""

    period = PERIOD_C

    def __init__(self) -> None:
        self.cpus = os.cpu_count() or 1
        self.ring: deque[int] = deque(maxlen=RING_C)
        self.acted = False
        self.last = self.compared = read_ticks()[0]
        self.looked = time.monotonic()

    def look(self) -> dict[str, object]:
        """Take a sample of user time, and act where the guest is idle."""
        now = read_ticks()[0]
        used, self.last = now - self.last, now
        limit = LIMIT_C * self.cpus
        full = len(self.ring) == RING_C
        idle = used < limit and full and used + sum(self.ring) < limit * (RING_C + 1)
        self.ring.append(used)
        self.acted = self.acted and used < limit
        passed, self.looked = time.monotonic() - self.looked, time.monotonic()
        news: dict[str, object] = {"busy": used, "total": round(passed * os.sysconf("SC_CLK_TCK") * self.cpus)}
        if idle and not self.acted:
            news |= write("drop_caches", "1")
            self.acted = True
        return news | self.compact(now)

    def compact(self, now: int) -> Spans:
        """Compact when there was user time since the last time, and there is none in the next second."""
        due, self.compared = now - self.compared > self.cpus, now
        if not due:
            return {}
        time.sleep(1.0)
        return write("compact_memory", "1") if read_ticks()[0] - now < self.cpus else {}


RULES: dict[str, Callable[[], RuleC | RuleD]] = {"C": RuleC, "D": RuleD}


def main(name: str) -> None:
    """Look until the input ends."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, b"mini_init", 0, 0, 0)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    rule = RULES[name]()
    while not select.select([0], [], [], rule.period)[0]:
        os.write(1, json.dumps(rule.look()).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
