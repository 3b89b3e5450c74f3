"""The load of an experiment: hogs, or a command that the user names."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from msgspec.structs import replace

from wsltop.child import Child, signal_name
from wsltop.core.events import tell_cause
from wsltop.core.explanation import TIGHT
from wsltop.core.moment import Moment
from wsltop.core.prediction import holes_of
from wsltop.errors import CommandError, ExitCode, HogRefused, WsltopError
from wsltop.experiment import keeper
from wsltop.experiment.trial import ExperimentPlan
from wsltop.hogs.guard import INTERPRETER, PAGES_PER_TABLE, MemoryGuard, cost_of, headroom
from wsltop.hogs.load import HogOptions
from wsltop.hogs.pool import Hogs
from wsltop.model.sample import Reading, Sample, Unavailable
from wsltop.model.text import GIB, MIB, clean, format_size

LoadState: TypeAlias = Literal["filling", "full", "ending", "gone"]
LEAST_HOG: Final = 64 * MIB
"""A hog smaller than this does not stand out of the noise of two machines."""
ROUND: Final = 16 * MIB
MARGIN: Final = 0.95
"""The part of the room that is taken when a load is scaled down: memory moves, and repeats must fit as well."""
KEEP: Final = GIB
"""Bytes that stay on the host; on a small one less, the share of its RAM below which it is called short."""


class Load(Protocol):
    """Something that takes memory."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the figures must know about it."""

    @property
    def exit_code(self) -> int | None:
        """The code of a command that has ended; of a signal it is negative."""

    @property
    def failed(self) -> bool:
        """Whether it never loaded the guest."""

    @property
    def held(self) -> int:
        """Bytes that it held when it was last polled; 0 where only the load itself knows."""

    @property
    def holes(self) -> int:
        """Bytes that it had freed in between them: they join again when it ends."""

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
    held = 0
    holes = 0

    def __init__(self, pool: Hogs, plan: ExperimentPlan, options: HogOptions | None = None) -> None:
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
        """Note which of them ended before they were to."""
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
        self.held = sum(hog.resident for hog in hogs)
        self.holes = holes_of(hogs)
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
            self._pool.reap(number, 5.0)
        self._pool.read()


class Room(NamedTuple):
    """What a load may take of one side."""

    size: int
    """Bytes, never negative."""
    left: str
    """What there is and what of it must stay, as a clause."""
    help: str
    """What makes more room, as a clause."""


def fit(
    plan: ExperimentPlan, *, root: Path = Path("/"), floor: int | None = None, moment: Moment | None = None
) -> tuple[ExperimentPlan, str]:
    """The plan with hogs that fit, and a warning where they are smaller than asked for.

    They fit above the floor in Linux, and where ``moment`` tells what Windows has left, they leave enough there too.

    Raises:
        HogRefused: not even the smallest hogs fit, or the available memory is not known.
    """
    if plan.command:
        return plan, ""
    rooms = [room_in_guest(root, floor), *room_on_host(moment)]
    room = min(rooms, key=lambda one: one.size)
    if cost_of(plan.size) * plan.hogs <= room.size:
        return plan, ""
    pages = int(room.size * MARGIN) // plan.hogs - INTERPRETER
    size = pages * PAGES_PER_TABLE // (PAGES_PER_TABLE + 1) // ROUND * ROUND
    if size < min(LEAST_HOG, plan.size):
        hogs = f"{plan.hogs} hogs" if plan.hogs > 1 else "a hog"
        raise HogRefused(f"no room for {hogs}: {room.left}; {room.help}")
    asked = format_size(plan.size)
    return replace(plan, size=size), f"each hog takes {format_size(size)} in place of {asked}: {room.left}"


def room_in_guest(root: Path, floor: int | None) -> Room:
    """What may be taken in Linux.

    Raises:
        HogRefused: the available memory is not known.
    """
    try:
        with closing(MemoryGuard(str(root), floor)) as gauge:
            supply = gauge.read()
    except OSError as error:
        raise HogRefused(f"cannot tell how much memory is available ({error}): no experiment") from error
    left = (
        f"{format_size(supply.available)} of {format_size(supply.total)} are available and "
        f"{format_size(supply.floor)} of them must stay"
    )
    return Room(headroom(supply.available, supply.floor), left, "use fewer hogs, or end other programs")


def room_on_host(moment: Moment | None) -> Iterator[Room]:
    """Yield what may be taken until Windows is short, where it is known what it has left.

    What it lends already and Linux has free is taken first, so it comes on top; see ``left_on_host``.
    """
    if moment is None or isinstance(moment.host, Unavailable) or isinstance(moment.host.available, Unavailable):
        return
    host, available = moment.host, moment.host.available
    keep = KEEP if isinstance(host.total, Unavailable) else min(KEEP, int(host.total * TIGHT))
    of = "" if isinstance(host.total, Unavailable) else f" of {format_size(host.total)}"
    who = "Windows" if host.is_windows else "the host"
    yield Room(
        max(0, available - keep) + free_but_lent(moment),
        f"{who} has {format_size(available)}{of} left and {format_size(keep)} must stay",
        f"give memory back first, or end programs of {who}",
    )


def free_but_lent(moment: Moment) -> int:
    """Bytes that Linux has free in blocks that were never given back."""
    ledger = moment.ledger
    if isinstance(ledger, Unavailable) or isinstance(ledger.free_split, Unavailable):
        return 0
    return ledger.free_split.fragmented


def left_on_host(moment: Moment, size: int) -> Reading[int]:
    """Bytes that the host will have left at least while a load of ``size`` bytes is held.

    What Linux has free in blocks that were never given back is lent already, and is taken first.
    """
    host = moment.host
    if isinstance(host, Unavailable):
        return host
    if isinstance(host.available, Unavailable):
        return host.available
    return max(0, host.available - max(0, size - free_but_lent(moment)))


def tell_left_on_host(moment: Moment, size: int) -> tuple[str, str] | None:
    """The host's name, and what it has now and at least while ``size`` bytes are held; None where that is not known."""
    host, least = moment.host, left_on_host(moment, size)
    if isinstance(host, Unavailable) or isinstance(host.available, Unavailable) or isinstance(least, Unavailable):
        return None
    name = "Windows" if host.is_windows else "host"
    return name, f"has {format_size(host.available)} available now, at least {format_size(least)} then"


AT_ONCE: Final = 1.0
"""A command that fails within so many seconds was called wrongly, and loaded nothing."""
CLOSING: Final = keeper.PATIENCE + 2.0
STARTING: Final = 10.0
"""Seconds within which a command must run."""


class CommandLoad:
    """A command below a keeper, which ends all of it when wsltop ends, however that does.

    The command has our standard input, output and error, our terminal and our working directory.
    """

    held = 0
    holes = 0

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._child: Child | None = None
        self._runs = False
        self._started = 0.0
        self._lived = 0.0
        self._released = False
        self._left = 0
        self._notes: list[str] = []
        self._refused: CommandError | None = None
        self.exit_code: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed at once, or never ran."""
        if self._runs and self.exit_code is None:
            return not self._released and self._child is not None and self._child.code is not None
        return not self._released and self.exit_code not in (None, 0) and self._lived < AT_ONCE

    @property
    def remarks(self) -> tuple[str, ...]:
        """How it ended, when that was not as it should, and what wsltop could not do for it."""
        remarks = list(self._notes)
        code = self.exit_code
        if code and self._runs and not self._released:
            how = f"was ended by {signal_name(-code)}" if code < 0 else f"ended with status {code}"
            remarks.append(f"{self._name} {how}")
        elif self._runs and code is None and self.failed:
            remarks.append(f"wsltop's helper ended before {self._name} did, so that was ended too")
        if self._left and not self._released:
            remarks.append(f"{self._name} left {self._left} processes behind, which were ended")
        return tuple(remarks)

    @property
    def _name(self) -> str:
        return clean(os.path.basename(self._command[0]))  # noqa: PTH119 - a text

    def start(self) -> None:
        """Start it, and wait until it runs.

        Raises:
            CommandError: it cannot be run; ``exit_code`` then is the status that says so.
        """
        streams = [stream_copy(number) for number in range(3)]
        words = [sys.executable, "-I", "-S", keeper.__file__, *map(str, streams), *self._command]
        try:
            self._child = Child(words, directory=None, group="ours", inherit=(*streams, *inherited()))
        except OSError as error:
            raise WsltopError(f"cannot start {sys.executable}: {error.strerror}") from error
        finally:
            for fd in streams:
                os.close(fd)
        deadline = time.monotonic() + STARTING
        while not self._runs and self._refused is None and time.monotonic() < deadline:
            self._child.wait_output(0.1)
            self._listen(self._child)
            if self._child.has_ended():
                break
        self._listen(self._child)
        if self._refused is not None:
            raise self._refused
        if not self._runs:
            said = last_line(self._child.complaints)
            raise WsltopError(f"wsltop's helper did not start {self._name}: {said or 'it says nothing'}")
        self._started = time.monotonic()

    def see(self, sample: Sample) -> None:
        """A command is in no sample."""

    def poll(self) -> LoadState:
        """``filling`` for as long as it runs: only the command knows when it has all that it wants."""
        child = self._child
        if child is None:
            return "gone"
        gone = child.poll() is not None
        self._listen(child)
        if gone:
            return "gone"
        return "ending" if self._released or self.exit_code is not None else "filling"

    def interrupt(self) -> None:
        """Send it SIGINT."""
        if self._child is not None and self.exit_code is None:
            self._child.resume()
            self._child.send(b"i")

    def release(self) -> None:
        """Ask the keeper to end the command."""
        if self._child is not None and self.exit_code is None and not self._released:
            self._released = True
            self._child.resume()
            self._child.send(b"t")

    def close(self) -> None:
        """End it and wait until it is gone: by SIGTERM, and by SIGKILL where that does not help."""
        child = self._child
        if child is None:
            return
        self.release()
        child.resume()
        child.wait(keeper.PATIENCE)
        child.close_input()
        if child.wait(CLOSING) is None:
            return  # something of it belongs to root; the keeper goes on
        self._listen(child)
        child.close()

    def _listen(self, child: Child) -> None:
        """Take in what the keeper reports."""
        for line in child.read_lines():
            word, _, value = line.decode().partition(" ")
            if word == "started":
                self._runs = True
            elif word == "failed":
                missing = int(value) == errno.ENOENT and not os.path.exists(self._command[0])  # noqa: PTH110
                self.exit_code = status = ExitCode.NOT_FOUND if missing else ExitCode.CANNOT_RUN
                name, reason = clean(self._command[0]), os.strerror(int(value))
                self._refused = CommandError(f"{name} cannot be run: {reason}", status)
            elif word == "note":
                self._notes.append(value)
            elif word == "ended":
                self.exit_code = int(value)
                self._lived = time.monotonic() - self._started
            elif word == "left":
                self._left = int(value)


def stream_copy(number: int) -> int:
    """A copy of one of our standard streams, away from their numbers; of /dev/null where it is closed."""
    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            return fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, 10)
        finally:
            os.close(null)


def inherited() -> list[int]:
    """The descriptors that we were started with besides the standard ones, as of bash's ``<(…)`` and make's jobs."""
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names, not paths
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
        except OSError:
            continue  # the one that the listing itself was read with
    return found


def last_line(said: bytes) -> str:
    """The last line that a program printed, fit to be shown."""
    lines = [clean(line).strip() for line in said.decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def resolve(command: Sequence[str]) -> tuple[str, ...]:
    """The command with the absolute path of its program, found in PATH, which is the user's choice here.

    Raises:
        CommandError: there is no such program, or it may not be run.
    """
    path = shutil.which(command[0])
    if path is None:
        name = clean(command[0])
        if "/" in command[0] and os.path.exists(command[0]):  # noqa: PTH110 - a text
            raise CommandError(f"{name} cannot be run: it is not a program", ExitCode.CANNOT_RUN)
        raise CommandError(f"there is no program {name}: install it, or give its path", ExitCode.NOT_FOUND)
    return (os.path.abspath(path), *command[1:])  # noqa: PTH100 - links keep their names: busybox, ccache
