"""The laptop in a time that a test steps: minutes of it pass in a moment."""

from __future__ import annotations

from pathlib import Path

from tests.laptop.scenarios import Scenario
from tests.laptop.simulator import Laptop
from wsltop.clock import SystemClock
from wsltop.core.session import Session
from wsltop.model.sample import HostMemory, Reading
from wsltop.system import System, read_environ

NOW = 1_790_000_000.0
"""The wall clock at the beginning, seconds since the epoch."""


class SteppedClock(SystemClock):
    """A clock that stands still until it is stepped; its monotonic time is that of the VM."""

    def __init__(self, uptime: float) -> None:
        self._uptime = uptime
        self.passed = 0.0

    def time(self) -> float:
        """Wall clock."""
        return NOW + self.passed

    def monotonic(self) -> float:
        """Seconds since the VM booted."""
        return self._uptime + self.passed

    def sleep(self, seconds: float) -> None:
        """Step by so many seconds."""
        self.passed += seconds


class LaptopHost:
    """Windows' figures, as of this moment."""

    pids: tuple[int, ...] = ()

    def __init__(self, laptop: Laptop, clock: SystemClock) -> None:
        self._laptop = laptop
        self._clock = clock

    def start(self) -> None:
        """There is nothing to start."""

    def close(self) -> None:
        """There is nothing to close."""

    def read(self) -> Reading[HostMemory]:
        """What PowerShell would tell."""
        laptop = self._laptop
        return HostMemory(
            source="powershell",
            process="vmmemWSL",
            pid=9448,
            working_set=laptop.memory.lent,
            private_bytes=laptop.memory.lent,
            total=laptop.scenario.windows,
            available=laptop.available,
            read_at=self._clock.monotonic(),
        )


class SteppedLaptop:
    """A laptop with a session of wsltop that watches it; close it afterwards.

    Args:
        root: an empty folder.
        every: seconds between two samples.
    """

    def __init__(self, root: Path, scenario: Scenario, every: float = 1.0) -> None:
        self.clock = SteppedClock(scenario.uptime)
        self.laptop = Laptop(root, scenario, self.clock)
        system = System(root=root, environ=read_environ(root), clock=self.clock)
        self.session = Session(every)
        self._every = every
        self._sampler = system.open_sampler(LaptopHost(self.laptop, self.clock))
        self._sampler.wait(2.0)
        self.session.take(self._sampler.sample())

    def watch(self, seconds: float) -> Session:
        """Let time pass, one sample after another; the session."""
        for _ in range(round(seconds / self._every)):
            self.clock.sleep(self._every)
            self.laptop.step(self._every)
            self.session.take(self._sampler.sample())
        return self.session

    def close(self) -> None:
        """Close every file."""
        self._sampler.close()
        self.laptop.close()
