"""Performs a plan without making its caller wait: start it, poll it at every tick, cancel it, close it.

Use it from the main thread only: the kernel ends a hog when the *thread* that started it ends.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.control.plan import Plan
from wsltop.control.progress import Done, Failed, Progress, Running
from wsltop.control.worker import Worker
from wsltop.control.writing import Writing
from wsltop.core.units import format_size

__all__ = ["Done", "Failed", "Performance", "Progress", "Running", "perform"]

TIMEOUT: Final = 60.0
"""Seconds: compacting or dropping tens of GiB takes several; a sudo that asks a server for its rules does as well."""


class Performance(Protocol):
    """A plan that is being performed."""

    def start(self) -> None:
        """Begin; call it once."""

    def poll(self) -> Progress:
        """How far it is; never waits. Once it is not ``Running`` it stays as it is."""

    def cancel(self) -> None:
        """Give it up at once."""

    def close(self) -> None:
        """Give it up and wait, for a bounded time, until nothing of it runs."""


def perform(
    plan: Plan, *, clock: Clock = SYSTEM_CLOCK, timeout: float = TIMEOUT, root: Path = Path("/")
) -> Performance:
    """What performs a plan, not yet started. A plan that is blocked or only has a command to paste fails at once."""
    if plan.blocked is not None:
        return Refusing(Failed(reason=plan.blocked.reason, hint=plan.blocked.hint))
    if plan.way == "hog":
        return Pressing(plan, clock, timeout, root)
    if plan.start is None:
        return Refusing(Failed(reason=f"{plan.action.name} needs root", hint=f"Run by hand: {plan.command}"))
    return Writing(plan, plan.start, clock, timeout)


class Refusing:
    """A plan that cannot be performed."""

    def __init__(self, failed: Failed) -> None:
        self._failed = failed

    def start(self) -> None:
        """Start nothing."""

    def poll(self) -> Progress:
        """Why not."""
        return self._failed

    def cancel(self) -> None:
        """There is nothing to cancel."""

    def close(self) -> None:
        """There is nothing to close."""


class Pressing:
    """Pushes page cache out with a hog that is ended as soon as it is full, or has come to the floor."""

    def __init__(self, plan: Plan, clock: Clock, timeout: float, root: Path) -> None:
        self._plan, self._clock, self._timeout, self._root = plan, clock, timeout, root
        self._began = clock.monotonic()
        self._worker: Worker | None = None
        self._full = False
        self._progress: Progress = Running(seconds=0.0)

    def start(self) -> None:
        """Start the hog."""
        plan = self._plan
        self._began = self._clock.monotonic()
        try:
            self._worker = Worker(0, "anonymous", plan.hog, plan.floor, self._clock, self._root)
        except OSError as error:
            self._progress = Failed(reason=f"cannot start a process: {error.strerror}", hint="End other programs.")

    def poll(self) -> Progress:
        """How far the hog is; ends it when it is full."""
        worker = self._worker
        if worker is None:
            return self._progress
        alive = worker.update()
        seconds = self._clock.monotonic() - self._began
        if not alive:
            self._conclude(worker, seconds)
        elif isinstance(self._progress, Running):
            if worker.status in ("holding", "floor"):
                self._full = True
                worker.kill()
            elif seconds >= self._timeout:
                self._give_up(f"the hog is not full after {self._timeout:g} s: the machine swaps, or is too busy")
                return self._progress
            self._progress = Running(
                seconds=seconds, note=f"{format_size(worker.filled)} of {format_size(self._plan.hog)}"
            )
        return self._progress

    def cancel(self) -> None:
        """End the hog."""
        if isinstance(self._progress, Running):
            self._give_up("canceled")

    def close(self) -> None:
        """End the hog and wait, for a bounded time, until the kernel has its memory back."""
        self.cancel()
        if self._worker is not None and self._worker.reap(5.0):
            self.poll()

    def _give_up(self, why: str) -> None:
        if self._worker is not None:
            self._worker.kill()
        self._progress = Failed(reason=why)

    def _conclude(self, worker: Worker, seconds: float) -> None:
        """Tell how it ended."""
        ended = worker.ended(0)
        worker.close()
        self._worker = None
        if not isinstance(self._progress, Running):
            return
        if self._full:
            stopped = worker.filled < self._plan.hog
            note = f"stopped at the floor, after {format_size(worker.filled)}" if stopped else ""
            self._progress = Done(seconds=seconds, note=note)
        else:
            self._progress = Failed(
                reason=f"the hog ended before it was full ({ended.note})",
                hint="Another program may have ended it, or the OOM killer: see the events.",
            )
