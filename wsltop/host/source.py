"""A source of Windows' figures: the process that is the VM, and a long-lived child that reports it."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from wsltop.child import Child
from wsltop.clock import Clock
from wsltop.host.interop import FLOODED, STALE_SOCKET, Launch, explain_end, suspect_interop
from wsltop.host.relay import start_relay
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import HostMemory, VmProcess

WAITING: Final = Unavailable("waiting for Windows' first answer")
"""What is read until there is one."""


class HostSource(Protocol):
    """One way to learn what the host sees of this virtual machine."""

    def start(self) -> None:
        """Begin to ask; returns at once. May start a thread and a child process."""

    def read(self) -> Reading[HostMemory]:
        """The latest answer, or why there is none; never waits for the host."""

    def close(self) -> None:
        """End the children and threads within about a second; may be called again."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Our own processes on the Linux side, so that what they cost can be counted."""


class Contender(HostSource, Protocol):
    """A source that ``auto`` can choose among others."""

    @property
    def failing(self) -> bool:
        """True when it has failed often enough for another source to be worth a try."""

    @property
    def stopped(self) -> bool:
        """True when nothing of it runs any more: ``close`` will not wait."""

    def stop(self) -> None:
        """Tell it to end without waiting for it; ``close`` waits."""


class Refusal(Struct, frozen=True):
    """A child answered that it cannot do its work: end it and try again later."""

    why: Unavailable


class FixedSource:
    """A source that has nothing to ask: it says why, and costs nothing."""

    pids: tuple[int, ...] = ()

    def __init__(self, why: Unavailable) -> None:
        self._why = why

    def start(self) -> None:
        """Start nothing."""

    def read(self) -> Reading[HostMemory]:
        """Why there is no reading."""
        return self._why

    def close(self) -> None:
        """End nothing."""


NOT_FOUND: Final = Unavailable(
    "Windows shows no vmmemWSL or vmmem process",
    "Look for vmmemWSL in Task Manager's Details; if it is there, try --host tasklist.",
)
LARGEST: Final = 1 << 50
"""No Windows machine has a pebibyte of RAM: a larger size is a misread one."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A process of Windows whose name begins with ``vmmem``; sizes in bytes."""

    name: str
    pid: int
    working_set: int
    private: int | None = None


def list_vms(candidates: Sequence[Candidate]) -> tuple[VmProcess, ...]:
    """All of them, for whoever wants to know which other virtual machines hold memory."""
    return tuple(VmProcess(name=candidate.name, working_set=candidate.working_set) for candidate in candidates)


def choose_process(candidates: Sequence[Candidate]) -> Reading[Candidate]:
    """``vmmemWSL``, else the only ``vmmem``, else why none counts. The case of letters does not matter."""
    for name in ("vmmemwsl", "vmmem"):
        found = {one.pid: one for one in candidates if bare_name(one.name) == name}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            pids = ", ".join(str(pid) for pid in sorted(found))
            first = next(iter(found.values())).name
            return Unavailable(
                f"Windows runs {len(found)} processes named {first}: ambiguous",
                f"Stop the other virtual machines and look again; their process ids are {pids}.",
            )
    return NOT_FOUND


def bare_name(name: str) -> str:
    """The name to compare: lower case, without an ``.exe`` that Windows does not print but may one day."""
    return name.casefold().removesuffix(".exe")


def plausible_size(digits: str | int) -> int | None:
    """A size in bytes as a program of Windows printed it; ``None`` for one that cannot be true."""
    if isinstance(digits, str):
        if not digits.isdecimal() or len(digits) > 19:
            return None
        digits = int(digits)
    return digits if 0 < digits < LARGEST else None


Answer = HostMemory | Unavailable | Refusal | None
"""``Unavailable``: the child works, but there is nothing to read. ``None``: the line means nothing."""
Listener = Callable[[bytes, bytes, float], Answer]
"""Understands one line, what came on standard error before it, and when it came."""
LOOK_AGAIN: Final = 5.0
"""Seconds after which to look whether a silent child still lives."""
FLOOD_BYTES: Final = 128 * 1024
FLOOD_READS: Final = 200
"""More than this within one second is no answer but a flood; an answer is one line of a few hundred bytes."""

MOST_LINES: Final = 500
"""Lines of one reading that are looked at: more are a flood."""


class FloodMeter:
    """Counts what a child prints within a second."""

    def __init__(self) -> None:
        self.flooded = False
        self._second = self._bytes = self._reads = 0

    def add(self, size: int, now: float) -> None:
        """Note one reading of ``size`` bytes."""
        if int(now) != self._second:
            self._second, self._bytes, self._reads = int(now), 0, 0
        self._bytes += size
        self._reads += 1
        self.flooded = self.flooded or self._bytes > FLOOD_BYTES or self._reads > FLOOD_READS


class Pace(Struct, frozen=True, kw_only=True):
    """How patient a source is, in seconds."""

    first_answer: float = 20.0
    """PowerShell starts in half a second; on a busy machine it has been seen to take ten."""
    silence: float = 30.0
    """After this long without an answer the child counts as hung, and the last reading as lost."""
    first_pause: float = 1.0
    longest_pause: float = 60.0
    healthy: float = 60.0
    """A child that lived this long and answered was no failure: the pauses start anew."""
    grace: float = 0.3
    """What a child gets to end by itself after its stdin was closed."""


class StreamSource:
    """Asks one program of Windows, for as long as it takes.

    Args:
        name: the program's file name, for messages.
        prepare: how to start it; given whether ``WSL_INTEROP`` can be trusted.
        listen: understands a line.
        find_fault: what is visibly wrong with interop, asked when the program fails.
    """

    def __init__(
        self,
        name: str,
        prepare: Callable[[bool], Reading[Launch]],
        listen: Listener,
        find_fault: Callable[[], Unavailable | None],
        *,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._name, self._prepare, self._listen, self._find_fault = name, prepare, listen, find_fault
        self._pace, self._clock = pace, clock
        self._latest: Reading[HostMemory] = WAITING
        self._failure: Unavailable | None = None
        self._misses = self._restarts = 0
        self._pid: int | None = None
        self._own_socket = True
        self._thread: threading.Thread | None = None
        self._wake = -1
        self._stopping = threading.Event()

    @property
    def pids(self) -> tuple[int, ...]:
        """The child, while it runs."""
        pid = self._pid
        return () if pid is None else (pid,)

    @property
    def failing(self) -> bool:
        """True after two runs without an answer, one that timed out, or four that ended early."""
        return self._misses >= 2 or self._restarts >= 4

    def start(self) -> None:
        """Start the thread that starts the child: finding the program may wait for a slow drive."""
        if self._thread is None and not self._stopping.is_set():
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._thread = threading.Thread(target=self._run, name=f"host {self._name}", daemon=True)
            self._thread.start()

    def read(self) -> Reading[HostMemory]:
        """The last answer, unless it is too old or the child failed twice since."""
        latest, failure = self._latest, self._failure
        if isinstance(latest, Unavailable):
            return failure if failure is not None else latest
        if failure is not None and self._misses >= 2:
            return failure
        age = self._clock.monotonic() - latest.read_at
        if age <= self._pace.silence:
            return latest
        return failure if failure is not None else self._timed_out(age)

    @property
    def stopped(self) -> bool:
        """True when no thread runs: ``close`` will not wait."""
        return self._thread is None or not self._thread.is_alive()

    def stop(self) -> None:
        """Ask the thread to end the child and itself."""
        self._stopping.set()
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """End the child and the thread; waits a little more than a second at the most."""
        self.stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1.0 + self._pace.grace)
            if not thread.is_alive():
                os.close(self._wake)
            self._wake = -1
        if not isinstance(self._latest, Unavailable):
            self._latest = Unavailable("the host is not asked any more")

    def _run(self) -> None:
        wake = self._wake
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            failure, answered = self._converse(wake)
            if self._stopping.is_set():
                return
            lived = self._clock.monotonic() - began
            self._own_socket = failure is not STALE_SOCKET
            self._restarts = 0 if answered and lived >= self._pace.healthy else self._restarts + 1
            self._misses = 0 if answered else self._misses + 1 + failure.reason.startswith("timed out")
            self._failure = failure
            pause = min(self._pace.longest_pause, self._pace.first_pause * 2.0 ** min(max(0, self._restarts - 1), 30))
            poller.poll(1000 * pause)

    def _converse(self, wake: int) -> tuple[Unavailable, bool]:
        """Run one child from start to end: why it ended, and whether it gave a reading."""
        launch = self._prepare(self._own_socket)
        if isinstance(launch, Unavailable):
            return launch, False
        child = start_relay(launch)
        if isinstance(child, Unavailable):
            return child, False
        self._pid = child.pid
        answers, why = 0, None
        try:
            answers, why = self._hear_out(child, wake)
        finally:
            code = child.end(self._pace.grace)
            self._pid = None
        if why is None:
            fault = None if answers else self._find_fault() or suspect_interop(code, child.complaints)
            why = explain_end(self._name, code, child.complaints, fault)
        return why, answers > 0

    def _hear_out(self, child: Child, wake: int) -> tuple[int, Unavailable | None]:
        """Listen until the child is over or must be ended: how many answers, and why unless its end tells."""
        answers = garbage = 0
        heard = self._clock.monotonic()
        meter = FloodMeter()
        while not self._stopping.is_set() and not child.finished:
            if meter.flooded:
                return answers, Unavailable(f"{self._name}: {FLOODED.reason}", FLOODED.hint)
            silent = self._clock.monotonic() - heard
            left = (self._pace.silence if answers else self._pace.first_answer) - silent
            if left <= 0:
                return answers, self._garbled() if garbage else self._timed_out(silent)
            child.wait_output(min(left, LOOK_AGAIN), wake)
            ended = child.has_ended()
            lines = child.read_lines()
            if ended and not child.taken:
                return answers, None  # a child of its own holds its output open
            now = self._clock.monotonic()
            meter.add(child.taken, now)
            for line in lines[:MOST_LINES]:
                answer = self._listen(line, child.complaints, now)
                if isinstance(answer, Refusal):
                    return answers, answer.why
                if answer is None:
                    garbage += bool(line.strip())
                    continue
                child.complaints = b""  # it has answered since
                self._latest, self._failure, self._misses = answer, None, 0
                answers, heard = answers + 1, now
        return answers, None

    def _timed_out(self, seconds: float) -> Unavailable:
        return Unavailable(
            f"timed out: no answer from {self._name} in {seconds:.0f} s",
            "Windows may be busy or asleep; wsltop goes on trying.",
        )

    def _garbled(self) -> Unavailable:
        return Unavailable(
            f"{self._name} printed nothing that wsltop understands", "Try --host tasklist or --host powershell."
        )
