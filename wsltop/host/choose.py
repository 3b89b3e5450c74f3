"""Opens the source of Windows' figures that the user asked for; auto tries PowerShell, then tasklist."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.errors import UsageError, did_you_mean
from wsltop.guest.identity import identify_guest
from wsltop.host.failure import explain_guest
from wsltop.host.interop import Windows
from wsltop.host.runtime import open_runtime
from wsltop.host.source import NOT_FOUND, Contender, FixedSource, HostSource
from wsltop.model.sample import WAITING, HostMemory, Reading, Unavailable

if TYPE_CHECKING:
    from wsltop.host.source import Pace
Opener = Callable[[], Contender]


class AutoSource:
    """Tries sources in order.

    Args:
        openers: make the sources, the best first, by their name.
    """

    def __init__(self, openers: Sequence[tuple[str, Opener]]) -> None:
        self._openers = tuple(openers)
        self._running: dict[str, Contender] = {}
        self._retired: list[Contender] = []
        self._winner: str | None = None
        self._demoted: set[str] = set()
        self._why: dict[str, Unavailable] = {}
        self._closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """The children of all sources that run."""
        return tuple(pid for source in (*self._running.values(), *self._retired) for pid in source.pids)

    def start(self) -> None:
        """Start the best source."""
        if not self._running and not self._closed:
            self._start_next()

    def read(self) -> Reading[HostMemory]:
        """The winner's answer; before there is one, why there is none, the best source's reason first."""
        for name in list(self._running):
            source = self._running[name]
            reading = source.read()
            if not isinstance(reading, Unavailable):
                self._choose(name)
                return self._with_reason(name, reading)
            self._why[name] = reading
            if name == self._winner:
                if not source.failing:
                    return reading
                self._demote(name)
        self._consider_next()
        return self._most_useful()

    def close(self) -> None:
        """End every source, all at the same time."""
        self._closed = True
        sources = [*self._running.values(), *self._retired]
        for source in sources:
            source.stop()
        for source in sources:
            source.close()
        self._running.clear()
        self._retired.clear()

    def _choose(self, name: str) -> None:
        """Let ``name`` win: the others end."""
        self._winner = name
        for other in [other for other in self._running if other != name]:
            source = self._running.pop(other)
            source.stop()
            self._retired.append(source)

    def _demote(self, name: str) -> None:
        """Take the win from a source that fails for good; it is tried again only when all others failed, too."""
        self._winner = None
        self._demoted.add(name)
        source = self._running.pop(name)
        source.stop()
        self._retired.append(source)

    def _consider_next(self) -> None:
        """Start another source when all that run have failed, or do not see the process."""
        hopeless = all(source.failing or self._why.get(name) == NOT_FOUND for name, source in self._running.items())
        if hopeless and not self._closed:
            self._start_next()

    def _start_next(self) -> None:
        idle = [(name, opener) for name, opener in self._openers if name not in self._running]
        fresh = [(name, opener) for name, opener in idle if name not in self._demoted]
        for name, opener in (fresh or idle)[:1]:
            self._forget_ended()
            self._demoted.discard(name)
            self._running[name] = opener()
            self._running[name].start()

    def _forget_ended(self) -> None:
        """Close the sources that were told to end and have done so; never waits."""
        for source in [source for source in self._retired if source.stopped]:
            source.close()
            self._retired.remove(source)

    def _most_useful(self) -> Unavailable:
        """The reasons of the sources in their order; each once; one that waits is left out if another failed."""
        reasons = [(name, self._why[name]) for name, _ in self._openers if name in self._why]
        told = [(name, why) for name, why in reasons if why != WAITING]
        if not told:
            return WAITING
        name, first = told[0]
        others = [f"{other}: {why.reason}" for other, why in told[1:] if why.reason != first.reason]
        if not others:
            return first
        return Unavailable("; ".join((f"{name}: {first.reason}", *others)), first.hint)

    def _with_reason(self, name: str, reading: HostMemory) -> HostMemory:
        """A reading of a lesser source, its missing parts explained by what the better one said."""
        better = next((self._why[one] for one, _ in self._openers if one != name and one in self._why), None)
        if name == self._openers[0][0] or better is None or better == WAITING:
            return reading
        why = Unavailable(f"{name} does not tell it, and {self._openers[0][0]} failed: {better.reason}", better.hint)
        explained = {
            field: why
            for field in ("private_bytes", "total", "available")
            if isinstance(getattr(reading, field), Unavailable)
        }
        return structs.replace(reading, **explained)


class Source(Struct, frozen=True, kw_only=True):
    """A row of the table below: a program of Windows that can be asked."""

    name: str
    module: str
    """Where it is opened: ``open_NAME`` and ``period_for``; loaded when it is asked."""


SOURCES: Final = (
    Source(name="powershell", module="wsltop.host.powershell"),
    Source(name="tasklist", module="wsltop.host.tasklist"),
)
"""The programs that ``auto`` tries, the best first."""
CHOICES: Final = ("auto", *(source.name for source in SOURCES), "process:NAME-or-PID", "none")
NOT_ASKED: Final = Unavailable("the host is not asked: --host none", "Leave --host out to ask Windows.")


def open_host(
    choice: str,
    *,
    interval: float,
    drive: Path | None = None,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    clock: Clock = SYSTEM_CLOCK,
    pace: Pace | None = None,
) -> HostSource:
    """The source for ``choice``; start it, read it once per tick, close it.

    Args:
        choice: one of ``CHOICES``.
        interval: seconds between two samples of wsltop.
        drive: where the user says that Windows' system drive is mounted. Then it is not looked for, and a source
            that is named does not ask whether this is WSL.
        root: where ``proc``, ``etc`` and ``run`` are found.
        pace: how patient to be; by default a reading is lost after 30 s or 10 intervals, whichever is longer.

    Raises:
        UsageError: there is no such source.
    """
    check_choice(choice)
    if choice == "none":
        return FixedSource(NOT_ASKED)
    if choice.startswith("process:"):
        from wsltop.host.process import ProcessSource  # psutil: only for whom it is asked

        return ProcessSource(choice.removeprefix("process:"), clock=clock)
    if drive is None or choice == "auto":
        why = explain_guest(identify_guest(root, environ))
        if why is not None:
            return FixedSource(why)
    windows = Windows(root=root, environ=dict(environ), drive=drive)
    return ask_windows(choice, windows, interval=interval, clock=clock, pace=pace)


def ask_windows(choice: str, windows: Windows, *, interval: float, clock: Clock, pace: Pace | None) -> HostSource:
    """The source that asks Windows, or uses the answers that another wsltop of this user gets."""
    from wsltop.host.source import Pace

    patience = pace or Pace(silence=max(30.0, 10 * interval))
    openers = tuple(
        (source.name, partial(open_shared, source, windows, interval, clock, patience)) for source in SOURCES
    )
    return AutoSource(openers) if choice == "auto" else dict(openers)[choice]()


def open_shared(source: Source, windows: Windows, interval: float, clock: Clock, pace: Pace) -> Contender:
    """One source, shared with the other wsltops of this user where they have a place to share it."""
    module = import_module(source.module)
    make = partial(getattr(module, f"open_{source.name}"), windows, pace=pace, clock=clock)
    folder = open_runtime(windows.runtime)
    mounts = windows.mounts()
    if folder is None or not mounts:
        if folder is not None:
            folder.close()
        alone: Contender = make(interval=interval)
        return alone
    from wsltop.host.shared import SharedSource

    return SharedSource(
        source.name,
        lambda period, publish: make(interval=period, publish=publish),
        folder,
        drive=mounts[0],
        period=module.period_for(interval),
        silence=pace.silence,
        clock=clock,
    )


def check_choice(choice: str) -> None:
    """Refuse a ``--host`` that names no source.

    Raises:
        UsageError: with the choices.
    """
    known = choice in {"auto", "none", *(source.name for source in SOURCES)}
    which = choice.removeprefix("process:")
    if not known and (which == choice or not which.strip() or which in {"0", "NAME-or-PID"}):
        raise UsageError(f"--host {choice!r} is none of {', '.join(CHOICES)}.{did_you_mean(choice, CHOICES)}")
