"""Records the classic experiment in the guest, and prints the recording in base64.

``python -m tests.vm.guest.story FILE``: 20 s of rest, four hogs of 384 MiB, killed at 55 s, memory compacted at 75 s,
over at 100 s; a sample a second. The sampler, the hogs and the writer are wsltop's, as behind its screen. A process of
512 MiB that has freed every other page or so is there from the start: what it freed comes back only by compaction.
"""

from __future__ import annotations

import base64
import sys
import threading
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
FRAGMENTED = 512 * MIB
"""Of the process that scatters free memory."""
LOAD, KILL, COMPACT, END = 20, 55, 75, 100
"""Seconds since the first sample."""
PHASES: Final = {10: "baseline", LOAD: "load", KILL: "end", COMPACT: "compact", COMPACT + 15: "result"}
"""Phases of the demo by the second at which they begin, for `wsltop demo --replay`; the others follow the hogs."""
LOG_LINE: Final = "<6>WSL2: Performing memory compaction.\n"
"""What WSL's init wrote to the kernel log with each compaction until about 2022; the kernel itself says nothing."""
INTERVAL: Final = 1.0
PATIENCE: Final = 20.0
"""Seconds for the host's first answer, and for the memory to be scattered."""


def main(path: Path) -> None:
    """Record it."""
    host = open_host("powershell", interval=INTERVAL, drive=None)
    with HogPool() as scattering, HogPool() as pool:
        scatter(scattering)
        sampler = Sampler(host, pool)
        try:
            host.start()
            wait_for(host)
            record(path, sampler, pool)
        finally:
            sampler.close()
            host.close()
    sys.stdout.write(base64.b64encode(path.read_bytes()).decode() + "\n")


def scatter(pool: HogPool) -> None:
    """Start what scatters free memory, and wait until it has."""
    pool.add(FRAGMENTED, 1, "fragment")
    deadline = time.monotonic() + PATIENCE
    while any(hog.status != "holding" for hog in pool.read()) and time.monotonic() < deadline:
        time.sleep(0.1)


def wait_for(host: HostSource) -> None:
    """Wait for the host's first answer: the first sample brings the kernel's log, and must not be lost for that."""
    deadline = time.monotonic() + PATIENCE
    while isinstance(host.read(), Unavailable) and time.monotonic() < deadline:
        time.sleep(0.1)


def record(path: Path, sampler: Sampler, pool: HogPool) -> None:
    """Sample to the end of the story."""
    writer = RecordingWriter(path, interval=INTERVAL)
    start, phase = time.monotonic(), ""
    for second in range(END):
        time.sleep(max(0.0, start + second * INTERVAL - time.monotonic()))
        name = PHASES.get(second) or reached(phase, pool)
        if name:
            phase = name
            sampler.mark(f"{DEMO}{name}")
        if second == LOAD:
            pool.add(SIZE, HOGS, "anonymous")
        if second == KILL:
            pool.kill_all()
        if second == COMPACT:
            threading.Thread(target=compact, daemon=True).start()  # it may take longer than a second
        writer.write(sampler.sample())
    writer.close()


def reached(phase: str, pool: HogPool) -> str:
    """The phase that begins because the hogs are full, or gone; empty: none."""
    hogs = pool.read()
    if phase == "load" and hogs and all(hog.status == "holding" for hog in hogs):
        return "hold"
    return "returning" if phase == "end" and not hogs else ""


def compact() -> None:
    """Compact all of memory, and log it as WSL does."""
    Path("/dev/kmsg").write_text(LOG_LINE)
    Path("/proc/sys/vm/compact_memory").write_text("1")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
