"""A machine with wsltop's sampler in it, and what can be done and seen there."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from tests.vm.findings import MIB, Finding, compare
from tests.vm.guest.driver import Tick
from tests.vm.link import Job
from tests.vm.machine import Machine
from tests.vm.missing import MachineFailed
from wsltop.model.sample import Event, EventKind, Origin

QUIET: Final = 5.0
"""Seconds without a change, two passes of the kernel's reporting and more: then it is settled."""
STILL: Final = 2 * MIB
"""A change below this is none."""
SETTLE_TIME: Final = 60.0
CLOCKS: Final = 0.15
"""Seconds by which a stamp of the kernel log and CLOCK_MONOTONIC, read by another process, may differ."""
ANNOUNCE: Final = 75.0


class State(NamedTuple):
    """Figures of one moment, bytes."""

    time: float
    """Of the host."""
    measured: int
    """The guest's RAM that the host holds."""
    expected: int
    tick: Tick


class Span(NamedTuple):
    """When something was done: monotonic time of the guest."""

    start: float
    end: float


class Lab:
    """Runs the driver in a machine and follows it."""

    def __init__(self, machine: Machine, interval: float = 1.0) -> None:
        self.machine, self.interval = machine, interval
        self.events: tuple[Event, ...] = ()
        self.job: Job | None = None
        self.rest = b""

    def start(self, interval: float = 1.0) -> None:
        """Start the driver; wait until it has the host's figure."""
        self.interval = interval
        self.events, self.rest = (), b""
        self.job = self.machine.start(sys.executable, "-m", "tests.vm.guest.driver", str(interval))
        self.wait_until(lambda state: "working_set" in host_of(state.tick), "the host's figure", ANNOUNCE)

    def stop(self) -> None:
        """End the driver, and its hogs with it."""
        if self.job is not None:
            self.job.write('{"quit": true}\n')
            for _ in self.job.stream(ANNOUNCE):
                pass
            self.job = None

    def next_state(self) -> State:
        """Wait for the next tick."""
        if self.job is None:
            raise MachineFailed("the driver does not run")
        while b"\n" not in self.rest:
            said = self.job.read(self.interval + ANNOUNCE)
            if not said:
                raise MachineFailed(f"the driver has ended or says nothing: {self.rest.decode()[-2000:]}")
            self.rest += said
        line, self.rest = self.rest.split(b"\n", 1)
        try:
            tick = msgspec.json.decode(line, type=Tick)
        except msgspec.MsgspecError:
            raise MachineFailed(f"the driver complains: {(line + self.rest).decode()[-2000:]}") from None
        if tick.events is not None:
            self.events = tick.events
        return State(time.monotonic(), self.machine.working_set(), expected_of(tick), tick)

    def wait_until(self, condition: Callable[[State], bool], what: str, timeout: float = SETTLE_TIME) -> State:
        """Follow the ticks until a condition holds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            state = self.next_state()
            if condition(state):
                return state
        raise MachineFailed(f"{what}: not within {timeout:.0f} s")

    def settle(self) -> State:
        """Wait until neither side has changed for two passes of the reporting."""
        seen: list[State] = []

        def is_still(state: State) -> bool:
            seen.append(state)
            recent = [one for one in seen if one.time >= state.time - QUIET]
            return recent[0] is not seen[0] and all(spread(recent, part) < STILL for part in ("measured", "expected"))

        return self.wait_until(is_still, "settling")

    def pass_time(self, seconds: float) -> None:
        """Follow the ticks for some seconds of the guest's time."""
        began = self.next_state().tick.monotonic
        self.wait_until(lambda state: state.tick.monotonic - began > seconds, "time", 4 * seconds)

    def hogs(self, kind: str, size: int, count: int = 1) -> None:
        """Start hogs and wait until all hold what they should."""
        self.command(hog=[kind, size, count])

        def is_full(state: State) -> bool:
            if state.tick.refused:
                raise MachineFailed(state.tick.refused)
            return len(state.tick.hogs) == count and all(hog.status == "holding" for hog in state.tick.hogs)

        self.wait_until(is_full, f"{count} hogs of kind {kind}")

    def kill(self) -> None:
        """Kill all hogs and wait until they are gone."""
        self.command(kill=True)
        self.wait_until(lambda state: not state.tick.hogs, "the end of the hogs")

    def command(self, **command: object) -> None:
        """Tell the driver something."""
        if self.job is None:
            raise MachineFailed("the driver does not run")
        self.job.write(json.dumps(command) + "\n")

    def act(self, script: str) -> Span:
        """Run a line of shell as root; when it ran. The shell is busybox, so its process is named so."""
        clock = "read now rest </proc/uptime; echo $now"
        said = self.machine.run("/run/vm/busybox", "sh", "-c", f"{clock}; {script}; {clock}")
        words = said.split()
        if len(words) != 2:
            raise MachineFailed(f"{script}: {said[-500:]}")
        start, end = words
        return Span(float(start) - 0.01, float(end) + 0.01)  # uptime has hundredths

    @contextmanager
    def holding(self, kind: str, size: int) -> Iterator[None]:
        """Memory taken by a program that is none of ours; MiB."""
        job = self.machine.start(sys.executable, "-I", "-S", "tests/vm/guest/take.py", kind, str(size))
        if job.read(ANNOUNCE) != b"held\n":
            raise MachineFailed("the memory was not taken")
        try:
            yield
        finally:
            job.write("\n")
            for _ in job.stream(ANNOUNCE):
                pass

    def told(self, kind: EventKind, origin: Origin, span: Span) -> Finding:
        """Whether exactly one event of this kind and origin tells of what was done, at the right second."""
        late = CLOCKS if origin == "kmsg" else self.interval + CLOCKS
        return told(self.events, kind, origin, span, late)


def told(events: Iterable[Event], kind: EventKind, origin: Origin, span: Span, late: float) -> Finding:
    """Look for the one event in ``span``, at most ``late`` seconds after it."""
    around = [one for one in events if (one.kind, one.origin) == (kind, origin) and span.start - 5 < one.start]
    right = [one for one in around if span.start - CLOCKS <= one.start <= span.end + late]
    measured = ", ".join(f"{one.start - span.start:+.2f} s" for one in around) or "none"
    expected = f"one within {span.end + late - span.start:.1f} s"
    return Finding(f"event “{kind}” of {origin}", expected, measured, len(around) == len(right) == 1)


def spread(states: list[State], part: str) -> int:
    """How far a figure has moved."""
    values = [int(getattr(state, part)) for state in states]
    return max(values) - min(values)


def expected_of(tick: Tick) -> int:
    """``guest.expected_host`` of a snapshot; -1 where it is not known."""
    found = tick.snapshot["guest"].get("expected_host")
    return found if isinstance(found, int) else -1


def host_of(tick: Tick) -> dict[str, Any]:
    """The host's part of a snapshot."""
    found: dict[str, Any] = tick.snapshot["host"]
    return found


def guest_size(state: State, name: str) -> int:
    """A figure of the guest, bytes."""
    found = state.tick.snapshot["guest"].get(name)
    if not isinstance(found, int):
        raise MachineFailed(f"the snapshot does not know {name}: {found}")
    return found


def point(what: str, state: State) -> Finding:
    """The claim at a settled point."""
    return compare(what, state.expected, state.measured)
