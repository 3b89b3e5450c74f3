"""Stands in for the thread of WSL's init that drops the cache of an idle guest (``autoMemoryReclaim=dropCache``).

The rule is that of microsoft/WSL src/linux/init/util.cpp after 2.9.4: a look every ten seconds; idle is at most
``LIMIT`` thousandths of all processors' time, in the last interval *and* over a full window of two minutes; then, once
per idle period, ``3`` to ``drop_caches`` and ``1`` to ``compact_memory``; its own work is kept out of the next sample.
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
from pathlib import Path

PERIOD = 10.0
WINDOW = 12
LIMIT = 5
"""Thousandths; a machine that emulates its processors may be given more, for everything takes longer there."""
PR_SET_NAME = 15

Times = tuple[int, int]
"""Busy and idle ticks."""


def read_times() -> Times:
    """The first line of ``/proc/stat``: user nice system idle iowait irq softirq steal …"""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq, steal = fields
    return user + nice + system + irq + softirq + steal, idle + iowait


def is_idle(busy: int, idle: int, limit: int) -> bool:
    """Whether so many ticks are within the limit."""
    return busy * 1000 <= (busy + idle) * limit


def reclaim() -> dict[str, tuple[float, float]]:
    """Drop, then compact; when each began and ended, monotonic."""
    done = {}
    for name, text in (("drop_caches", "3"), ("compact_memory", "1")):
        began = time.monotonic()
        Path("/proc/sys/vm", name).write_text(text)
        done[name] = (began, time.monotonic())
    return done


def main(limit: int) -> None:
    """Look every ten seconds until the input ends."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, b"mini_init", 0, 0, 0)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    window: deque[Times] = deque(maxlen=WINDOW)
    acted = False
    last = read_times()
    while not select.select([0], [], [], PERIOD)[0]:
        now = read_times()
        window.append((now[0] - last[0], now[1] - last[1]))
        busy, idle = (sum(one[part] for one in window) for part in (0, 1))
        full = len(window) == WINDOW and is_idle(busy, idle, limit)
        acted = acted and (full or len(window) < WINDOW)
        news: dict[str, object] = {"busy": window[-1][0], "total": sum(window[-1]), "window": len(window)}
        if full and not acted and is_idle(*window[-1], limit):
            news |= reclaim()
            acted = True
            now = read_times()
        last = now
        os.write(1, json.dumps(news).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LIMIT)
