"""A source of Windows' figures: the process that is the VM, and a long-lived child that reports it."""

from __future__ import annotations

import os
import select
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from wsltop.child import TOO_MUCH, collect
from wsltop.clock import Clock
from wsltop.host.failure import STALE_SOCKET, explain_end, suspect_interop
from wsltop.host.interop import Launch
from wsltop.host.relay import AGAIN, Relay, start_relay, still_lives
from wsltop.model.sample import WAITING, HostMemory, Reading, SeveralVms, Unavailable, VmProcess
from wsltop.model.text import format_size


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
    "Look for vmmemWSL or vmmem in Task Manager's Details: if it is there, please report it.",
)
WHICH_VM: Final = (
    "To see which is WSL's, press a: it is the one that grows by the hog's size in Task Manager's Details. "
    "Or run hcsdiag list in a terminal of an administrator."
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
    """All processes that stand for virtual machines, ours among them."""
    return tuple(VmProcess(name=candidate.name, working_set=candidate.working_set) for candidate in candidates)


def choose_process(candidates: Sequence[Candidate]) -> Reading[Candidate]:
    """``vmmemWSL``, else the only ``vmmem``, else why none counts. The case of letters does not matter."""
    for name in ("vmmemwsl", "vmmem"):
        found = {one.pid: one for one in candidates if bare_name(one.name) == name}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            largest = sorted(found.values(), key=lambda one: -one.working_set)
            sizes = ", ".join(format_size(one.working_set) for one in largest)
            return SeveralVms(
                f"Windows runs {len(found)} virtual machines named {largest[0].name} ({sizes})",
                WHICH_VM,
                vms=list_vms(largest),
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


Answer = HostMemory | Unavailable | None
"""``Unavailable``: the program works, but there is nothing to read. ``None``: the line means nothing."""
Listener = Callable[[bytes, bytes, float], Answer]
"""Understands one line, what came on standard error before it, and when it came."""
Publisher = Callable[[Reading[HostMemory], bool, float], None]
"""Takes each new reading, whether the source fails, and for how many seconds no other may come."""
LOOK_AGAIN: Final = 5.0
"""Seconds after which to look whether a silent program still runs."""
LET_GO: Final = 5.0
"""Seconds that the last program of another wsltop gets to end before that counts as a failure."""
RELAX: Final = 60.0
"""Seconds for which a longer interval must be enough for all before the program is started again with it."""
FLOOD_BYTES: Final = 128 * 1024
FLOOD_READS: Final = 200
"""More than this within one second is no answer but a flood; an answer is one line of a few hundred bytes."""
MOST_LINES: Final = 500
"""Lines of one reading that are looked at: more are a flood."""


class FloodMeter:
    """Counts what a program prints within a second."""

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
    """After this long without an answer a program counts as hung, and the last reading as lost."""
    first_pause: float = 1.0
    longest_pause: float = 60.0
    healthy: float = 60.0
    """A program that ran this long and answered was no failure: the next pause is the first again."""


class AskingSource(ABC):
    """Asks one program of Windows in a thread of its own, again and again after failures, until it is closed.

    Args:
        name: the program's file name, for messages.
        prepare: how to start it; given whether ``WSL_INTEROP`` can be trusted, and the seconds between two answers.
        find_fault: what is visibly wrong with interop, asked when the program fails.
        period: seconds between two answers.
        publish: is given each answer and each failure, in the thread of the source.
    """

    def __init__(
        self,
        name: str,
        prepare: Callable[[bool, float], Reading[Launch]],
        find_fault: Callable[[], Unavailable | None],
        *,
        period: float,
        pace: Pace,
        clock: Clock,
        publish: Publisher | None = None,
    ) -> None:
        self.period = period
        """Seconds between two answers, as asked for now; may be set while it runs."""
        self._name, self._prepare, self._find_fault = name, prepare, find_fault
        self._pace, self._clock, self._publish = pace, clock, publish
        self._latest: Reading[HostMemory] = WAITING
        self._failure: Unavailable | None = None
        self._misses = self._restarts = 0
        self._relay: Relay | None = None
        self._own_socket = True
        self._thread: threading.Thread | None = None
        self._wake = -1
        self._stopping = threading.Event()

    @property
    def pids(self) -> tuple[int, ...]:
        """The relay of the program, while it is listened to."""
        relay = self._relay
        return () if relay is None else (relay.pid,)

    @property
    def failing(self) -> bool:
        """True after two runs without an answer, one that timed out, or four that ended early."""
        return self._misses >= 2 or self._restarts >= 4

    def start(self) -> None:
        """Start the thread that starts the program: finding it may wait for a slow drive."""
        if self._thread is None and not self._stopping.is_set():
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._thread = threading.Thread(target=self._run, name=f"host {self._name}", daemon=True)
            self._thread.start()

    def read(self) -> Reading[HostMemory]:
        """The last answer, unless it is too old or the program failed twice since."""
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
        """Ask the thread to leave the program and to end."""
        self._stopping.set()
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Leave the program, end the thread and wait for it, about a second at most."""
        self.stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1.0)
            if not thread.is_alive():
                os.close(self._wake)
            self._wake = -1
        if not isinstance(self._latest, Unavailable):
            self._latest = Unavailable("the host is not asked any more")

    @abstractmethod
    def _converse(self, launch: Launch) -> tuple[Unavailable | None, int]:
        """Ask until it fails or must stop: why it failed, ``None`` if it did not, and how many answers it gave."""

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            launch = self._prepare(self._own_socket, self.period)
            failure, answers = (launch, 0) if isinstance(launch, Unavailable) else self._converse(launch)
            if self._stopping.is_set():
                return
            if failure is None:
                continue
            lived = self._clock.monotonic() - began
            self._own_socket = failure is not STALE_SOCKET
            self._restarts = 0 if answers and lived >= self._pace.healthy else self._restarts + 1
            self._misses = 0 if answers else self._misses + 1 + failure.reason.startswith("timed out")
            pause = min(self._pace.longest_pause, self._pace.first_pause * 2.0 ** min(max(0, self._restarts - 1), 30))
            self._fail(failure, pause)
            self._pause(pause)

    def _start(self, launch: Launch, text: bytes | None) -> Relay | Unavailable | None:
        """Start the program once the last one has ended, however long that takes; ``None`` when it must stop.

        The last failure stands meanwhile. Where there was none, another wsltop's program lives: it gets ``LET_GO``
        seconds to end, and is then told as a failure, so that another source is tried.
        """
        waited = 0.0
        while (relay := start_relay(launch, text=text)) is None:
            if self._pause(AGAIN):
                return None
            waited += AGAIN
            if waited >= LET_GO:
                waited = 0.0
                self._misses = max(2, self._misses)
                self._fail(self._failure or still_lives(self._name), LET_GO)
        if not isinstance(relay, Unavailable):
            self._relay = relay
        return relay

    def _leave(self, relay: Relay) -> None:
        """Let go of the program."""
        relay.leave()
        self._relay = None

    def _accept(self, answer: HostMemory | Unavailable) -> None:
        """Take in an answer."""
        self._latest, self._failure, self._misses = answer, None, 0
        if self._publish is not None:
            self._publish(answer, False, 0.0)

    def _fail(self, failure: Unavailable, pause: float) -> None:
        """Take in a failure, ``pause`` seconds before the next attempt."""
        self._failure = failure
        if self._publish is not None:
            self._publish(failure, self.failing, pause + self._pace.first_answer)

    def _pause(self, seconds: float) -> bool:
        """Wait, unless it must stop; whether it must."""
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        if not self._stopping.is_set():
            poller.poll(1000 * max(0.0, seconds))
        return self._stopping.is_set()

    def _explain(self, relay: Relay, code: int | None, answers: int) -> Unavailable:
        """Why the program ended."""
        fault = None if answers else self._find_fault() or suspect_interop(code, relay.complaints)
        return explain_end(self._name, code, relay.complaints, fault, printed=bool(relay.said))

    def _flooded(self) -> Unavailable:
        return Unavailable(
            f"{self._name} prints far more than an answer, and is not listened to", try_other(self._name)
        )

    def _timed_out(self, seconds: float) -> Unavailable:
        return Unavailable(
            f"timed out: no answer from {self._name} in {seconds:.0f} s",
            "Windows may be busy or asleep; wsltop goes on trying.",
        )


class StreamSource(AskingSource):
    """Listens to one program that prints a line per answer for as long as it runs."""

    def __init__(
        self,
        name: str,
        prepare: Callable[[bool, float], Reading[Launch]],
        listen: Listener,
        find_fault: Callable[[], Unavailable | None],
        *,
        period: float,
        pace: Pace,
        clock: Clock,
        publish: Publisher | None = None,
    ) -> None:
        super().__init__(name, prepare, find_fault, period=period, pace=pace, clock=clock, publish=publish)
        self._listen = listen

    def _converse(self, launch: Launch) -> tuple[Unavailable | None, int]:
        started_for = self.period
        relay = self._start(launch, None)
        if relay is None or isinstance(relay, Unavailable):
            return relay, 0
        answers, why = 0, None
        try:
            answers, why, over = self._hear_out(relay, started_for)
        finally:
            code = relay.wait(0.3) if relay.finished or relay.has_ended() else None
            relay.read()  # what it wrote to standard error last
            self._leave(relay)
        return why or (self._explain(relay, code, answers) if over else None), answers

    def _hear_out(self, relay: Relay, started_for: float) -> tuple[int, Unavailable | None, bool]:
        """Listen until the program ends or must be left: how many answers, why it is left, whether it ended."""
        answers = garbage = 0
        meter = FloodMeter()
        heard = relaxed = self._clock.monotonic()
        while not self._stopping.is_set() and not relay.finished:
            if meter.flooded:
                return answers, self._flooded(), False
            now = self._clock.monotonic()
            relaxed = now if self.period <= started_for else relaxed
            if answers and (self.period < started_for or now - relaxed > RELAX):
                return answers, None, False  # answers are wanted more often, or for long no longer so often
            silent = now - heard
            left = (self._pace.silence if answers else self._pace.first_answer) - silent
            if left <= 0:
                return answers, self._garbled() if garbage else self._timed_out(silent), False
            relay.wait_output(min(left, LOOK_AGAIN), self._wake)
            ended = relay.has_ended()
            lines = relay.read_lines()
            if ended and not relay.taken:
                break  # a child of its own holds its output open
            now = self._clock.monotonic()
            meter.add(relay.taken, now)
            for line in lines[:MOST_LINES]:
                answer = self._listen(line, relay.complaints, now)
                if answer is None:
                    garbage += bool(line.strip())
                    continue
                relay.complaints = b""  # it has answered since
                self._accept(answer)
                answers, heard = answers + 1, now
        return answers, None, not self._stopping.is_set()

    def _garbled(self) -> Unavailable:
        return Unavailable(f"{self._name} printed nothing that wsltop understands", try_other(self._name))


class RepeatSource(AskingSource):
    """Runs one program to its end every few seconds.

    Args:
        conclude: understands the whole output of a run that ended with status 0.
    """

    def __init__(
        self,
        name: str,
        prepare: Callable[[bool, float], Reading[Launch]],
        conclude: Callable[[bytes, float], HostMemory | Unavailable],
        find_fault: Callable[[], Unavailable | None],
        *,
        period: float,
        pace: Pace,
        clock: Clock,
        publish: Publisher | None = None,
    ) -> None:
        super().__init__(name, prepare, find_fault, period=period, pace=pace, clock=clock, publish=publish)
        self._conclude = conclude

    def _converse(self, launch: Launch) -> tuple[Unavailable | None, int]:
        answers = 0
        while True:
            began = self._clock.monotonic()
            relay = self._start(launch, b"")
            if relay is None or isinstance(relay, Unavailable):
                return relay, answers
            try:
                output = collect(relay, self._name, self._pace.first_answer, self._stopping.is_set, limit=FLOOD_BYTES)
            finally:
                self._leave(relay)
            now = self._clock.monotonic()
            if isinstance(output, Unavailable):
                flooded = output.reason.endswith(TOO_MUCH)
                return (self._flooded() if flooded else self._timed_out(now - began)), answers
            if output.status:
                return self._explain(relay, output.status, 0), answers
            self._accept(self._conclude(output.stdout, now))
            answers += 1
            if self._pause(self.period - (now - began)):
                return None, answers


def try_other(name: str) -> str:
    """Advice to try another source than the one that runs ``name``."""
    return "Try --host powershell." if name.startswith("tasklist") else "Try --host tasklist."
