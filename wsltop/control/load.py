"""The load of an experiment: what takes memory on purpose, and how it is made to fit. Hogs here, commands beside."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from msgspec.structs import replace

from wsltop.control.available import Gauge
from wsltop.control.floor import INTERPRETER, PAGES_PER_TABLE, cost_of, headroom
from wsltop.control.hog_options import HogOptions
from wsltop.control.hogs import HogPool
from wsltop.core.experiment import ExperimentPlan
from wsltop.core.hog_events import tell_cause
from wsltop.core.sample import Sample
from wsltop.core.units import MIB, format_size
from wsltop.errors import HogRefused

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
        with closing(Gauge(str(root), floor)) as gauge:
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
