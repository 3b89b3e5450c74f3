"""Records the classic experiment in the guest, and prints the recording in base64.

``python -m tests.vm.guest.story FILE``: 20 s of rest, four hogs of 384 MiB, killed at 55 s, over at 95 s; a sample a
second. The sampler, the hogs and the writer are wsltop's, as behind its screen.
"""

from __future__ import annotations

import base64
import sys
import time
from pathlib import Path
from typing import Final

from wsltop.core.events import DEMO
from wsltop.hogs.pool import HogPool
from wsltop.host.choose import open_host
from wsltop.host.source import HostSource
from wsltop.model.sample import Unavailable
from wsltop.model.text import MIB
from wsltop.recording.writer import RecordingWriter
from wsltop.sampler import Sampler

HOGS, SIZE = 4, 384 * MIB
LOAD, KILL, END = 20, 55, 95
"""Seconds since the first sample."""
PHASES: Final = {10: "baseline", LOAD: "load", 26: "hold", KILL: "end", KILL + 1: "returning", KILL + 17: "result"}
"""Marks of the phases of the demo: `wsltop demo --replay` shows them."""
INTERVAL: Final = 1.0
PATIENCE: Final = 20.0
"""Seconds for the host's first answer."""


def main(path: Path) -> None:
    """Record it."""
    host = open_host("powershell", interval=INTERVAL, drive=None)
    with HogPool() as pool:
        sampler = Sampler(host, pool)
        try:
            host.start()
            wait_for(host)
            record(path, sampler, pool)
        finally:
            sampler.close()
            host.close()
    sys.stdout.write(base64.b64encode(path.read_bytes()).decode() + "\n")


def wait_for(host: HostSource) -> None:
    """Wait for the host's first answer: the first sample brings the kernel's log, and must not be lost for that."""
    deadline = time.monotonic() + PATIENCE
    while isinstance(host.read(), Unavailable) and time.monotonic() < deadline:
        time.sleep(0.1)


def record(path: Path, sampler: Sampler, pool: HogPool) -> None:
    """Sample to the end of the story."""
    writer = RecordingWriter(path, interval=INTERVAL)
    start = time.monotonic()
    for second in range(END):
        time.sleep(max(0.0, start + second * INTERVAL - time.monotonic()))
        if second in PHASES:
            sampler.mark(f"{DEMO}{PHASES[second]}")
        if second == LOAD:
            pool.add(SIZE, HOGS, "anonymous")
        if second == KILL:
            pool.kill_all()
        writer.write(sampler.sample())
    writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
