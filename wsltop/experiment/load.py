"""The load of an experiment: hogs, or a command that the user names."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from msgspec.structs import replace

from wsltop.child import Child, signal_name
from wsltop.core.events import tell_cause
from wsltop.errors import HogRefused, UsageError, WsltopError
from wsltop.experiment import keeper
from wsltop.experiment.spec import ExperimentPlan
from wsltop.hogs.guard import INTERPRETER, PAGES_PER_TABLE, MemoryGuard, cost_of, headroom
from wsltop.hogs.options import HogOptions
from wsltop.hogs.pool import HogPool
from wsltop.model.sample import Sample
from wsltop.model.text import clean
from wsltop.model.units import MIB, format_size

LoadState: TypeAlias = Literal["filling", "full", "ending", "gone"]
LEAST_HOG: Final = 64 * MIB
"""A hog smaller than this does not stand out of the noise of two machines."""
ROUND: Final = 16 * MIB
MARGIN: Final = 0.95
"""The part of the room that is taken when a load is scaled down: memory moves, and repeats must fit as well."""


class Load(Protocol):
    """Something that takes memory."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the figures must know about it."""

    @property
    def exit_code(self) -> int | None:
        """Of a command that has ended by itself."""

    @property
    def failed(self) -> bool:
        """Whether it never did what it should."""

    def start(self) -> None:
        """Begin to take memory.

        Raises:
            WsltopError: it cannot be started, or must not be.
        """

    def see(self, sample: Sample) -> None:
        """Look at a sample, for what became of the load."""

    def poll(self) -> LoadState:
        """What it does; never waits."""

    def release(self) -> None:
        """Begin to end it; ``poll`` says when it is gone."""

    def close(self) -> None:
        """End it and wait, for a bounded time, until it is gone."""


class HogLoad:
    """Hogs of a pool that may hold others too."""

    exit_code: int | None = None

    def __init__(self, pool: HogPool, plan: ExperimentPlan, options: HogOptions | None = None) -> None:
        self._pool, self._plan, self._options = pool, plan, options
        self._ids: frozenset[int] = frozenset()
        self._released = False
        self._notes: dict[int, str] = {}
        self._full = False

    @property
    def remarks(self) -> tuple[str, ...]:
        """What went otherwise than planned, hog by hog, the same said once."""
        return tuple(dict.fromkeys(self._notes.values()))

    @property
    def failed(self) -> bool:
        """Whether none of them ever held anything."""
        return not self._full

    def start(self) -> None:
        """Start them, all or none."""
        plan = self._plan
        self._ids = frozenset(self._pool.add(plan.size, plan.hogs, plan.kind, self._options))

    def see(self, sample: Sample) -> None:
        """Note which of them ended without being told to."""
        for ended in sample.hogs_ended:
            if ended.id in self._ids and not self._released:
                what = f"a hog ended early, with {format_size(ended.resident)}: {tell_cause(ended)}"
                self._notes[ended.id] = what

    def poll(self) -> LoadState:
        """``full`` once none of them grows any more."""
        hogs = [hog for hog in self._pool.read() if hog.id in self._ids]
        for hog in hogs:
            if hog.status in ("floor", "failed"):
                what = "stopped at" if hog.status == "floor" else "failed at"
                amount = f"{format_size(hog.resident)} of {format_size(hog.target)}"
                self._notes.setdefault(hog.id, f"a hog {what} {amount}: {hog.note}")
        if not hogs:
            return "gone"
        if self._released:
            return "ending"
        if any(hog.status in ("starting", "filling") for hog in hogs):
            return "filling"
        self._full = self._full or any(hog.status in ("holding", "floor") for hog in hogs)
        return "full"

    def release(self) -> None:
        """Kill them."""
        self._released = True
        for number in self._ids:
            self._pool.kill(number)

    def close(self) -> None:
        """Kill them and reap what is there; the pool waits when it is closed itself."""
        self.release()
        for number in self._ids:
            worker = self._pool.workers.get(number)
            if worker is not None:
                worker.reap(5.0)
        self._pool.read()


def fit(plan: ExperimentPlan, *, root: Path = Path("/"), floor: int | None = None) -> tuple[ExperimentPlan, str]:
    """The plan with hogs that fit above the floor, and a warning where they are smaller than asked for.

    Raises:
        HogRefused: not even the smallest hogs fit, or nobody can tell.
    """
    if plan.command:
        return plan, ""
    try:
        with closing(MemoryGuard(str(root), floor)) as gauge:
            supply = gauge.read()
    except OSError as error:
        raise HogRefused(f"cannot tell how much memory is available ({error}): no experiment") from error
    room = headroom(supply.available, supply.floor)
    if cost_of(plan.size) * plan.hogs <= room:
        return plan, ""
    size = (int(room * MARGIN) // plan.hogs - INTERPRETER) * PAGES_PER_TABLE // (PAGES_PER_TABLE + 1) // ROUND * ROUND
    left = (
        f"{format_size(supply.available)} of {format_size(supply.total)} are available and "
        f"{format_size(supply.floor)} of them must stay"
    )
    if size < min(LEAST_HOG, plan.size):
        raise HogRefused(f"no room for {plan.hogs} hogs: {left}; use fewer with --hogs, or end other programs")
    asked = format_size(plan.size)
    return replace(plan, size=size), f"each hog takes {format_size(size)} in place of {asked}: {left}"


AT_ONCE: Final = 1.0
"""A command that fails within so many seconds was called wrongly, and loaded nothing."""
CLOSING: Final = keeper.PATIENCE + 2.0
SHOWN_LINES: Final = 5
LONGEST_LINE: Final = 160


class CommandLoad:
    """A program below a keeper, which ends all of it when wsltop ends, however that does."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._child: Child | None = None
        self._started = 0.0
        self._lived = 0.0
        self._released = False
        self._left = 0
        self._said: tuple[str, ...] = ()
        self.exit_code: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed at once."""
        return not self._released and self.exit_code not in (None, 0) and self._lived < AT_ONCE

    @property
    def remarks(self) -> tuple[str, ...]:
        """How it ended, when that was not as it should, and what it said last."""
        remarks: list[str] = []
        code = self.exit_code
        if code and not self._released:
            name = clean(os.path.basename(self._command[0]))  # noqa: PTH119 - a text
            how = f"was ended by {signal_name(-code)}" if code < 0 else f"ended with status {code}"
            said = f", saying: {' | '.join(self._said)}" if self._said else ""
            remarks.append(f"{name} {how}{said}")
        if self._left and not self._released:
            remarks.append(f"it left {self._left} processes behind, which were ended")
        return tuple(remarks)

    def start(self) -> None:
        """Start it in a session of its own, with nothing to read; its working directory and environment are ours."""
        try:
            self._child = Child(
                [sys.executable, "-I", "-S", keeper.__file__, *self._command], directory=None, errors="dropped"
            )
        except OSError as error:
            raise WsltopError(f"cannot start {self._command[0]}: {error.strerror}") from error
        self._started = time.monotonic()

    def see(self, sample: Sample) -> None:
        """A command is in no sample."""

    def poll(self) -> LoadState:
        """``filling`` for as long as it runs: nobody knows when a command has all it wants."""
        child = self._child
        if child is None:
            return "gone"
        gone = child.poll() is not None
        self._listen(child)
        if gone:
            return "gone"
        return "ending" if self._released or self.exit_code is not None else "filling"

    def release(self) -> None:
        """Ask the keeper to end the command."""
        if self._child is not None and self.exit_code is None and not self._released:
            self._released = True
            self._child.send(b"t")

    def close(self) -> None:
        """Kill all of it and wait until it is gone."""
        child = self._child
        if child is None:
            return
        self._released = self._released or self.exit_code is None
        child.close_input()
        if child.wait(CLOSING) is None:
            return  # something of it belongs to root; the keeper goes on
        self._listen(child)
        child.close()

    def _listen(self, child: Child) -> None:
        """Take in what the keeper reports."""
        for line in child.read_lines():
            word, _, value = line.decode().partition(" ")
            if word == "ended":
                self.exit_code = int(value)
                self._lived = time.monotonic() - self._started
            elif word == "said":
                self._said = last_lines(bytes.fromhex(value))
            elif word == "left":
                self._left = int(value)


def last_lines(said: bytes) -> tuple[str, ...]:
    """The end of what a program printed, fit to be shown."""
    lines = [clean(line).strip()[:LONGEST_LINE] for line in said.decode(errors="replace").splitlines()]
    return tuple([line for line in lines if line][-SHOWN_LINES:])


def resolve(command: Sequence[str]) -> tuple[str, ...]:
    """The command with the absolute path of its program, which the user named: found once, in PATH.

    Raises:
        UsageError: there is no such program.
    """
    path = shutil.which(command[0])
    if path is None:
        raise UsageError(f"there is no program {clean(command[0])}: install it, or give its path")
    return (os.path.abspath(path), *command[1:])  # noqa: PTH100 - links keep their names: busybox, ccache
