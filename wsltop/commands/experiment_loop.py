"""The clock of an experiment without a screen: steps it, samples for it, tells how far it is, and hears signals."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Final

import click

from wsltop.control.experiment import Experiment, Standing
from wsltop.core.experiment import ExperimentPlan
from wsltop.core.ledger import keep_ledger
from wsltop.core.reading import Unavailable
from wsltop.core.sample import Sample
from wsltop.core.units import format_duration, format_size
from wsltop.sampler import Sampler

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LINE: Final = 100
"""Columns of the progress line at the most: a longer one would wrap and could not be overwritten."""


class Interruption:
    """Notes the first signal that asks to end, and ends the sleep that it comes into."""

    def __init__(self) -> None:
        self.name = ""
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """A signal came."""
        self.name = self.name or signal.Signals(number).name
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b".")

    def sleep(self, seconds: float) -> None:
        """Wait, unless a signal has come or comes."""
        if not self.name:
            select.select([self._woken], [], [], max(0.0, seconds))

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._woken)
        os.close(self._wake)


@contextlib.contextmanager
def heard() -> Iterator[Interruption]:
    """Signals as notes instead of ends, for as long as it is open; a second one changes nothing.

    A hang-up that whoever started us has ignored stays ignored: that is how nohup works.
    """
    interruption = Interruption()
    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
    former = {number: signal.signal(number, interruption.hear) for number in SIGNALS if number not in ignored}
    try:
        yield interruption
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        interruption.close()


def run(experiment: Experiment, sampler: Sampler, interval: float, interruption: Interruption) -> None:
    """Run an experiment to its end or to the first signal; its processes are gone then."""
    line = ProgressLine()
    try:
        due = time.monotonic()
        while not experiment.finished:
            if interruption.name:
                experiment.stop(interruption.name, time.monotonic())
                break
            sample = sampler.sample()
            experiment.take(sample)
            experiment.step(time.monotonic())
            experiment.events()
            line.show(experiment.standing(time.monotonic()), experiment.plan, sample)
            due = max(due + interval, time.monotonic())  # what was missed is not made up for
            interruption.sleep(due - time.monotonic())
    finally:
        experiment.close()
        line.end()


class ProgressLine:
    """One line on standard error: rewritten on a terminal, elsewhere a line for each phase."""

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._phase: tuple[int, str] | None = None
        self._width = 0

    def show(self, standing: Standing, plan: ExperimentPlan, sample: Sample) -> None:
        """Say how far it is."""
        phase = (standing.trial, standing.phase)
        if not self._terminal:
            if phase != self._phase and standing.phase != "done":
                self._say(f"wsltop: {tell_phase(standing, plan)}\n")
            self._phase = phase
            return
        text = f"{tell_phase(standing, plan)} {tell_time(standing)}  {tell_memory(sample)}"[:LINE]
        self._say(f"\r{text.ljust(self._width)}")
        self._width = len(text)

    def end(self) -> None:
        """Clear the line."""
        if self._terminal and self._width:
            self._say(f"\r{' ' * self._width}\r")

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone; the signal that says so is on its way
            click.echo(text, nl=False, err=True)


def tell_phase(standing: Standing, plan: ExperimentPlan) -> str:
    """``trial 2 of 3: hold``."""
    which = f"trial {standing.trial} of {standing.trials}" if standing.trials > 1 else "experiment"
    control = f" (without {plan.action})" if standing.control else ""
    return f"{which}{control}: {standing.phase}"


def tell_time(standing: Standing) -> str:
    """Seconds of the phase, of how many at the most."""
    most = "" if standing.most is None else f" of {format_duration(standing.most)}"
    return f"{format_duration(standing.seconds)}{most}"


def tell_memory(sample: Sample) -> str:
    """Both sides in short."""
    ledger = keep_ledger(sample)
    guest = "?" if isinstance(ledger, Unavailable) else format_size(ledger.used)
    host = "?" if isinstance(sample.host, Unavailable) else format_size(sample.host.working_set)
    return f"guest used {guest}, host {host}"
