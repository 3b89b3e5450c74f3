"""The whole main screen, nothing happening: CPU, memory, wakeups, bytes drawn."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from tests.bench.cpu import Meter, resident_tree
from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import WSLTOP, find_peers, open_program
from tests.bench.pty_program import PtyProgram, drain_for

WARM_UP = 5.0
MIB = 1 << 20


def measure_screen(runs: int, seconds: float) -> Iterator[Measurement]:
    """All programs run side by side, each in a terminal of its own, so that the machine's noise meets them alike."""
    peers = find_peers()
    results: dict[str, list[Idle]] = {"wsltop": [], **{name: [] for name in peers}}
    for _ in range(runs):
        for name, idle in watch({"wsltop": (*WSLTOP, "--no-quiet"), **peers}, seconds).items():
            results[name].append(idle)
    size = "main screen 160x48, 1 Hz"
    targets: tuple[tuple[str, str, str, int, Limit | None], ...] = (
        ("cpu", "CPU", "% of a core", 2, Limit(value=0.5, ratios={"htop": 1.0, "glances": 0.25})),
        ("resident", "resident", "MiB", 1, None),
        ("wakeups", "wakeups", "1/s", 1, None),
        ("drawn", "drawn", "bytes/s", 0, None),
    )
    for field, what, unit, digits, target in targets:
        figures = {name: [getattr(idle, field) for idle in idles] for name, idles in results.items()}
        own = figures.pop("wsltop")
        what = f"{size}: {what}" if field == "cpu" else f"  {what}"
        yield Measurement(what=what, unit=unit, runs=own, peers=figures, target=target, digits=digits)


def measure_quiet(runs: int, seconds: float) -> Iterator[Measurement]:
    """The screen at rest, as it comes to be by itself after a minute."""
    figures = []
    for _ in range(runs):
        with open_program((*WSLTOP, "--quiet")) as program:
            program.wait_for(b"QUIET", patience=120.0)
            figures.append(meter([program], seconds)[0].cpu)
    yield Measurement(
        what="the same at rest, a sample every 4 s: CPU",
        unit="% of a core",
        runs=figures,
        target=Limit(value=0.15),
    )


class Idle:
    """What one program used between two readings."""

    def __init__(self, program: PtyProgram) -> None:
        self.program = program
        self.meter = Meter(program.pid)
        self.before, self.received, self.since = self.meter.read(), program.received, time.monotonic()
        self.cpu = self.resident = self.wakeups = self.drawn = 0.0

    def finish(self) -> None:
        """Work out the figures per second."""
        seconds = time.monotonic() - self.since
        after = self.meter.read()
        self.cpu = (after.nanoseconds - self.before.nanoseconds) / seconds / 1e7
        self.wakeups = (after.wakeups - self.before.wakeups) / seconds
        self.drawn = (self.program.received - self.received) / seconds
        self.resident = resident_tree(self.program.pid) / MIB


def watch(commands: dict[str, tuple[str, ...] | None], seconds: float) -> dict[str, Idle]:
    """Run the programs at the same time and meter each; those that are not installed are left out."""
    with contextlib.ExitStack() as stack:
        programs = {
            name: stack.enter_context(open_program(command))
            for name, command in commands.items()
            if command is not None
        }
        drain_for(list(programs.values()), WARM_UP)
        return dict(zip(programs, meter(list(programs.values()), seconds), strict=True))


def meter(programs: Sequence[PtyProgram], seconds: float) -> list[Idle]:
    """Be the terminal of programs for a while, and meter each."""
    idles = [Idle(program) for program in programs]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        drain_for(programs, min(left, 2.0))
        for idle in idles:
            idle.meter.read()
    for idle in idles:
        idle.finish()
    return idles
