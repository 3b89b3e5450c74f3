"""Performs a plan without blocking: start it, poll it at every tick, cancel it, close it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from wsltop.child import Child, signal_name
from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.hogs.worker import Worker
from wsltop.host.failure import decode_text, explain_end, telling_line
from wsltop.host.interop import Launch
from wsltop.host.relay import Relay, start_relay, still_lives
from wsltop.model.sample import Unavailable
from wsltop.model.text import format_size
from wsltop.reclaim.plan import Plan
from wsltop.reclaim.root import Start, Way


class Running(Struct, frozen=True, kw_only=True):
    """It goes on."""

    seconds: float
    note: str = ""


class Done(Struct, frozen=True, kw_only=True):
    """It did what was asked; what came of it shows in the next samples."""

    seconds: float
    note: str = ""
    """What was different from the plan, as a clause."""


class Failed(Struct, frozen=True, kw_only=True):
    """It did not."""

    reason: str
    hint: str = ""

    def __str__(self) -> str:
        """The reason, and the hint where there is one."""
        return str(Unavailable(self.reason, self.hint))


Progress: TypeAlias = Running | Done | Failed
INVALID: Final = "Invalid argument"
PARTLY: Final = "Resource temporarily unavailable"
PROGRAMS: Final[dict[Way, str]] = {"sudo": "sudo", "wsl": "wsl.exe"}
PASTE: Final = "Run by hand: {command}"


class Sign(Struct, frozen=True):
    """A pattern of an error message, and the reason and hint for people."""

    words: re.Pattern[str]
    reason: str
    hint: str


def sign(words: str, reason: str, hint: str = PASTE) -> Sign:
    """A row of the table below."""
    return Sign(re.compile(words, re.IGNORECASE), reason, hint)


SUDO: Final = (
    sign(
        r"password is required|terminal is required|askpass|authentication is required|no tty present",
        "sudo needs a password",
    ),
    sign(
        r"not in the sudoers file|is not allowed to|may not run sudo|afraid I can't do that",
        "sudo does not allow this user to do it",
        "Ask the administrator, or use the way through wsl.exe.",
    ),
    sign(r"must have a tty", "sudo is set up to work in a terminal only (requiretty)"),
    sign(
        r"no new privileges|must be owned by uid 0|effective uid is not 0|nosuid",
        "sudo cannot become root here: a container or sandbox forbids it",
        "Run wsltop in the distribution itself.",
    ),
    sign(r"account.*expired|authentication (?:failure|error)|PAM ", "sudo refuses: {line}"),
)
WRITER: Final = (  # only of a line that names the file: a missing tee has its own message
    sign(
        r": Read-only file system$",
        "{path} is read-only: this is a container",
        "Run wsltop in the distribution itself, outside the container.",
    ),
    sign(
        r": (?:Permission denied|Operation not permitted)$",
        "not even root may write {path} here: a container or sandbox forbids it",
        "Run wsltop in the distribution itself, outside the container.",
    ),
    sign(r": No such file or directory$", "this kernel has no {path}", ""),
    sign(rf": {INVALID}$", "this kernel does not take what was written to {path}", ""),
)


def explain_failure(way: Way, code: int, said: bytes, path: str, command: str) -> Unavailable:
    """Why the program of an action failed.

    Args:
        way: how it became root.
        code: its return code as ``subprocess`` gives it (a signal is negative).
        said: the end of what it printed.
        path: what it was to write to.
        command: what the user can paste instead.
    """
    program = PROGRAMS.get(way, "the write")
    if code < 0:
        name = signal_name(-code)
        return Unavailable(f"{program} was interrupted by {name}: nothing was done, as far as is known", hint(command))
    lines = [line.strip() for line in decode_text(said).splitlines() if line.strip()]
    for row in (*SUDO, *WRITER) if way == "sudo" else WRITER:
        for line in lines:
            if row.words.search(line) and (row in SUDO or path in line):
                told = telling_line(line)
                return Unavailable(
                    row.reason.format(path=path, line=told), hint(command) if row.hint == PASTE else row.hint
                )
    if way == "wsl":
        return explain_end("wsl.exe", code, said)
    last = telling_line("\n".join(reversed(lines)))
    return Unavailable(f"{program} failed" + (f": {last}" if last else f" with status {code}"), hint(command))


def hint(command: str) -> str:
    """What to do instead."""
    return PASTE.format(command=command) if command else ""


FIRST_TOOK_MORE: Final = "this kernel takes no swappiness here: programs may have been swapped out as well"
OTHER_WAY: Final = "Go through wsl.exe, without a password: w in the plan, --way wsl on the command line."
LESS: Final = "less was reclaimed than asked for: there is no more to take"


class WriteAction:
    """Performs a plan that starts a writer.

    Args:
        plan: what to do; it has ``start`` and ``texts``.
        clock: times it.
        timeout: seconds after which it is given up.
    """

    def __init__(self, plan: Plan, start: Start, clock: Clock, timeout: float) -> None:
        self._plan, self._start, self._clock, self._timeout = plan, start, clock, timeout
        self._turn = 0
        self._began = clock.monotonic()
        self._child: Child | None = None
        self._waits = False
        self._progress: Progress = Running(seconds=0.0)

    def start(self) -> None:
        """Start the writer."""
        self._began = self._clock.monotonic()
        self._launch()

    def poll(self) -> Progress:
        """How far it is; takes in what the program said, and reaps it."""
        if self._waits and isinstance(self._progress, Running):
            self._launch()
        child = self._child
        if child is None:
            seconds = self._clock.monotonic() - self._began
            if self._waits and seconds >= self._timeout:
                self._waits, self._progress = False, Failed(reason=still_lives("wsl.exe").reason)
            return self._progress
        code = child.poll()
        child.read()
        if code is not None:
            child.close()
            self._child = None
        if not isinstance(self._progress, Running):
            return self._progress  # given up before; now it is reaped as well
        seconds = self._clock.monotonic() - self._began
        if code is not None:
            self._conclude(code, child.said, seconds)
        elif seconds >= self._timeout:
            self._give_up(f"no answer within {self._timeout:g} s")
        else:
            self._progress = Running(seconds=seconds)
        return self._progress

    def cancel(self) -> None:
        """Give it up. What the kernel is at already may still take effect."""
        if isinstance(self._progress, Running):
            self._give_up("canceled")

    def close(self, patience: float = 1.0) -> None:
        """Give it up and wait, for a bounded time, until the program is gone."""
        self.cancel()
        if isinstance(self._child, Relay):
            self._child.leave()
            self._child = None
        if self._child is not None and self._child.wait(patience) is not None:  # else it is root's, or in the kernel
            self._child.close()
            self._child = None

    def _launch_wsl(self) -> None:
        """Start wsl.exe, which is a relay and must never be killed; wait with it while the last one still runs."""
        start = self._start
        launch = Launch(
            command=start.argv, directory=start.directory, environment=start.environment, runtime=start.runtime
        )
        relay = start_relay(launch, text=self._plan.texts[self._turn].encode())
        self._waits = relay is None
        if isinstance(relay, Unavailable):
            self._progress = Failed(reason=relay.reason, hint=relay.hint)
        else:
            self._child = relay

    def _launch(self) -> None:
        """Start the program with the text whose turn it is.

        It gets no terminal of its own to ask on. Only sudo stays in the session of ours, in the background: what it
        remembers of a password that was given, it remembers for the terminal (sudoers(5), timestamp_type).
        """
        if self._plan.way == "wsl":
            self._launch_wsl()
            return
        try:
            self._child = Child(
                self._start.argv,
                directory=self._start.directory,
                environment=self._start.environment,
                text=self._plan.texts[self._turn].encode(),
                errors="merged",  # wsl.exe complains on standard output
                group="group" if self._plan.way == "sudo" else "session",
            )
        except OSError as error:
            self._progress = Failed(reason=f"cannot start {self._start.argv[0]}: {error.strerror}")

    def _conclude(self, code: int, said: bytes, seconds: float) -> None:
        """Tell how it ended, or go on with the text for older kernels."""
        if code == 0:
            note = FIRST_TOOK_MORE if self._turn else ""
            self._progress = Done(seconds=seconds, note=note)
        elif code > 0 and f"{self._plan.path}: {INVALID}".encode() in said and self._turn + 1 < len(self._plan.texts):
            self._turn += 1
            self._launch()
        elif code > 0 and PARTLY.encode() in said and self._plan.action.name == "reclaim":
            self._progress = Done(seconds=seconds, note=LESS)
        else:
            plan = self._plan
            why = explain_failure(plan.way, code, said, plan.path, plan.command)
            hint = f"{OTHER_WAY} {why.hint}".strip() if plan.by_wsl else why.hint
            self._progress = Failed(reason=why.reason, hint=hint)

    def _give_up(self, why: str) -> None:
        """End the program and all that it started, as far as that is allowed, and say why."""
        reason = f"{os.path.basename(self._start.argv[0])}: {why}"  # noqa: PTH119 - a text
        hint = f"Run by hand: {self._plan.command}" if self._plan.command else ""
        self._waits = False
        if isinstance(self._child, Relay):
            self._child.leave()  # killing it could end the distribution's init (WSL#41592)
            self._child = None
            hint = "It was left running, because ending wsl.exe may harm WSL: what it does may still take effect."
        elif self._child is not None:
            try:
                self._child.kill_group()
            except PermissionError:
                hint = "It runs as root and cannot be ended from here: what it does may still take effect."
        self._progress = Failed(reason=reason, hint=hint)


TIMEOUT: Final = 60.0
"""Seconds: compacting or dropping tens of GiB takes several; a sudo that asks a server for its rules does as well."""


class ReclaimAction(Protocol):
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
) -> ReclaimAction:
    """What performs a plan, not yet started. A plan that is blocked or only has a command to paste fails at once."""
    if plan.blocked is not None:
        return RefusedAction(Failed(reason=plan.blocked.reason, hint=plan.blocked.hint))
    if plan.way == "hog":
        return HogAction(plan, clock, timeout, root)
    if plan.start is None:
        return RefusedAction(Failed(reason=f"{plan.action.name} needs root", hint=f"Run by hand: {plan.command}"))
    return WriteAction(plan, plan.start, clock, timeout)


class RefusedAction:
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


class HogAction:
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
