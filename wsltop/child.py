"""A child process: start it, read what it prints without blocking, end it.

Everything that wsltop starts is a ``Child``: hogs, the command of an experiment, sudo, journalctl and the programs of
Windows. No shell is involved; the first word of a command is an absolute path.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final, Literal, NamedTuple

from wsltop.model.sample import Reading, Unavailable

if TYPE_CHECKING:
    import subprocess

ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
"""English messages, and nothing of the user's environment."""
CHUNK: Final = 64 * 1024
MOST_READS: Final = 16
"""Reads in one call: a program that prints without end must not hold its reader."""
KEPT: Final = 4 * 1024
"""Bytes that are kept of the end of each output."""
LONGEST_LINE: Final = 64 * 1024
OUTPUT_LIMIT: Final = 8 * 1024 * 1024
ERROR_LIMIT: Final = 64 * 1024
TOO_MUCH: Final = "printed too much"
GLANCE: Final = 0.2
"""Seconds between two looks at whether a command was canceled, or ended while a child of its own holds its output."""


class Child:
    """A running program, its pipes, and the end of what it printed.

    Its pid is safe to signal and to look up in ``/proc`` until ``poll`` has returned a code: until then the kernel
    gives the number to no other process.

    Args:
        command: an absolute path and its arguments.
        directory: its working directory; ``None`` keeps ours.
        environment: all of its environment; ``None`` hands on ours.
        text: what to write to its standard input, which then ends. ``None`` keeps the input open until
            ``close_input``, so that a program that reads it notices our end.
        errors: ``apart``: standard error has a pipe of its own; ``merged``: it goes where standard output goes;
            ``dropped``: to /dev/null.
        group: ``session``: it runs in a session of its own, without our terminal; ``group``: in our session, in a
            process group of its own. Either way a Ctrl+C in the terminal does not reach it. ``ours``: in our group, so
            that it has our terminal and Ctrl+C.
        inherit: descriptors that it gets besides its pipes.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        directory: str | None = "/",
        environment: Mapping[str, str] | None = None,
        text: bytes | None = None,
        errors: Literal["apart", "merged", "dropped"] = "apart",
        group: Literal["session", "group", "ours"] = "session",
        inherit: Sequence[int] = (),
    ) -> None:
        import subprocess  # takes 5 ms to load, and a snapshot may need no program

        reap_left()
        targets = {"apart": subprocess.PIPE, "merged": subprocess.STDOUT, "dropped": subprocess.DEVNULL}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if text == b"" else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=targets[errors],
            bufsize=0,
            cwd=directory,
            env=environment,
            pass_fds=inherit,
            start_new_session=group == "session",
            **(own_group() if group == "group" else {}),
        )
        self.pid: Final = self._process.pid
        self._leads = group != "ours"
        self.said = b""
        """The end of what it printed."""
        self.complaints = b""
        """The end of what it wrote to standard error, where that is apart."""
        self.taken = 0
        """Bytes of both that the last ``read`` took."""
        self._lines = LineSplitter()
        self._unsent = text or b""
        self._input_ends = text is not None
        self._input, self._output, self._errors = self._process.stdin, self._process.stdout, self._process.stderr
        for pipe in self._pipes():
            os.set_blocking(pipe.fileno(), False)
        self._send_rest()

    @property
    def code(self) -> int | None:
        """How it ended, as far as ``poll`` has seen: its exit status, or the number of a signal as a negative one."""
        return self._process.returncode

    def poll(self) -> int | None:
        """Its exit code once it has ended, which reaps it; never waits."""
        return self._process.poll()

    def has_ended(self) -> bool:
        """Whether it has ended; does not reap it, so that its number stays its own."""
        if self.code is not None:
            return True
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    @property
    def finished(self) -> bool:
        """Whether its output has been read to the end: it has ended, or closed it."""
        return self._output is None or self._output.closed

    def wait_output(self, seconds: float, wake: int = -1) -> None:
        """Wait until there is something to read, or ``seconds`` have passed, or the descriptor ``wake`` is readable."""
        poller = select.poll()
        for pipe in self._pipes():
            sends = pipe is self._input
            if not sends or self._unsent:
                poller.register(pipe.fileno(), select.POLLOUT if sends else select.POLLIN)
        if wake >= 0:
            poller.register(wake, select.POLLIN)
        poller.poll(1000 * max(0.0, seconds))
        self._send_rest()

    def read(self) -> bytes:
        """What it has printed since the last call, up to 1 MiB; takes in its standard error too. Never waits."""
        complaint, piece = self._read_pipe(self._errors), self._read_pipe(self._output)
        self.taken = len(complaint) + len(piece)
        self.complaints = (self.complaints + complaint)[-KEPT:]
        self.said = (self.said + piece)[-KEPT:]
        return piece

    def read_lines(self) -> list[bytes]:
        """The lines that it has completed since the last call, without newlines; never waits."""
        return self._lines.feed(self.read())

    def read_rest(self) -> bytes:
        """What it has printed after its last newline; forgets it."""
        return self._lines.rest()

    def send(self, text: bytes) -> None:
        """Write to its standard input, which stays open; what a full pipe does not take follows with later calls."""
        self._unsent += text
        self._send_rest()

    def close_input(self) -> None:
        """End its standard input."""
        close(self._input)

    def kill(self) -> None:
        """Send SIGKILL to it alone, unless it is reaped."""
        self._process.kill()

    def resume(self) -> None:
        """Send SIGCONT, unless it is reaped: another program may have stopped it, and then it does not read."""
        if self.code is None:
            self._process.send_signal(signal.SIGCONT)

    def kill_group(self) -> None:
        """Send SIGKILL to it and to what it started in its group, unless it is reaped; to it alone in our group.

        Raises:
            PermissionError: it runs as another user.
        """
        if not self._leads:
            self.kill()
        elif self.code is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)  # not reaped yet, so the group is still its own
            except ProcessLookupError:
                self._process.kill()

    def wait(self, seconds: float) -> int | None:
        """Its exit code, waited for at most ``seconds``; ``None`` when it is still there."""
        import subprocess

        try:
            return self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Close the pipes; may be called again."""
        for pipe in self._pipes():
            close(pipe)

    def leave(self) -> None:
        """Close the pipes and walk away: it gets no signal, and is reaped whenever it ends."""
        self.close()
        if self.poll() is None:
            with LEFT_LOCK:
                LEFT.append(self._process)
            atexit.unregister(forget_left)
            atexit.register(forget_left)

    def end(self, grace: float) -> int | None:
        """Close its input, give it ``grace`` seconds to end, then kill its group; its exit code."""
        self.close_input()
        deadline = time.monotonic() + grace
        while not self.has_ended() and time.monotonic() < deadline:
            self.wait_output(0.01)
            self.read()
        self.read()
        try:
            self.kill_group()
        except PermissionError:
            self._process.kill()
        code = self.wait(1.0)  # without one it is stuck in the kernel
        self.leave()
        return code

    def _pipes(self) -> list[IO[bytes]]:
        """The pipes that are still open."""
        return [pipe for pipe in (self._input, self._output, self._errors) if pipe is not None and not pipe.closed]

    def _send_rest(self) -> None:
        """Write what is not written yet, as far as the pipe takes it, and close the input when that was all."""
        if self._input is None or self._input.closed:
            return
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._input.fileno(), self._unsent) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = b""  # it has ended already; why, it says on its output
        if self._input_ends:
            self._input.close()

    def _read_pipe(self, pipe: IO[bytes] | None) -> bytes:
        """What a pipe holds; closes it at its end."""
        if pipe is None or pipe.closed:
            return b""
        pieces = []
        for _ in range(MOST_READS):
            try:
                piece = os.read(pipe.fileno(), CHUNK)
            except BlockingIOError:
                break
            except OSError:
                piece = b""
            if not piece:
                pipe.close()
                break
            pieces.append(piece)
        return b"".join(pieces)


LEFT: Final[list[subprocess.Popen[bytes]]] = []
"""Children that were left running, to be reaped when they have ended."""
LEFT_LOCK: Final = threading.Lock()


def reap_left() -> None:
    """Reap the children that were left and have ended since."""
    with LEFT_LOCK:
        LEFT[:] = [process for process in LEFT if process.poll() is None]


def forget_left() -> None:
    """Let Python not warn at our end of children that still run: they were left on purpose."""
    with LEFT_LOCK:
        for process in LEFT:
            if process.poll() is None:
                process.returncode = 0


def own_group() -> dict[str, Any]:
    """The argument of ``Popen`` that gives a child a process group of its own in our session."""
    return {"process_group": 0} if sys.version_info >= (3, 11) else {"preexec_fn": os.setpgrp}


@contextmanager
def keep_files_free(count: int = 6) -> Iterator[None]:
    """Hold ``count`` descriptors back from what is opened within, so that they are free afterwards.

    For what stays open at the user's wish. Without any descriptor left Textual and Python fail in places where no
    error is handled, and the screen is deaf.

    Raises:
        OSError: there are not so many; ``EMFILE`` where the limit of open files is reached.
    """
    held: list[int] = []
    try:
        while len(held) < count:
            held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)


def close(pipe: IO[bytes] | None) -> None:
    """Close a pipe that may be gone already, or not be there."""
    if pipe is not None:
        pipe.close()


def signal_name(number: int) -> str:
    """``SIGTERM``, or ``signal 40`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class LineSplitter:
    """Cuts a stream of bytes into lines without their newline. How the stream arrives in chunks does not matter.

    A line longer than ``limit`` bytes is dropped whole, so that a stream without newlines takes bounded memory.
    """

    def __init__(self, limit: int = LONGEST_LINE) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that ``chunk`` completes."""
        lines: list[bytes] = []
        *finished, rest = chunk.split(b"\n")
        for piece in finished:
            self._hold(piece)
            if not self._skipping:
                lines.append(bytes(self._rest))
            self._rest.clear()
            self._skipping = False
        self._hold(rest)
        return lines

    def rest(self) -> bytes:
        """What has come since the last newline; forgets it."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _hold(self, piece: bytes) -> None:
        if not self._skipping:
            self._rest += piece
            if len(self._rest) > self._limit:
                self._rest.clear()
                self._skipping = True


class Output(NamedTuple):
    """What a program printed, and how it ended."""

    stdout: bytes
    stderr: bytes
    status: int


def never() -> bool:
    """Stand for an owner who never cancels."""
    return False


def run_command(
    command: Sequence[str], timeout: float, canceled: Callable[[], bool] = never, *, limit: int = OUTPUT_LIMIT
) -> Reading[Output]:
    """Run ``command`` without input and with ``ENVIRONMENT``, and return all that it printed.

    It and its children are killed after ``timeout`` seconds, when they print more than ``limit`` bytes, or when
    ``canceled`` says so. Blocks: for background threads.
    """
    try:
        child = Child(command, environment=ENVIRONMENT, text=b"")
    except OSError as error:
        return Unavailable(f"{command[0]} cannot be run: {error.strerror or error}")
    try:
        return collect(child, command[0], timeout, canceled, limit=limit)
    finally:
        child.end(0.0)


def collect(
    child: Child, name: str, timeout: float, canceled: Callable[[], bool] = never, *, limit: int = OUTPUT_LIMIT
) -> Reading[Output]:
    """All that a child prints until it ends; does not end it.

    Args:
        child: a child that was just started.
        name: what messages call it.
        timeout: seconds after which it is not waited for any longer.
        canceled: asked five times a second whether to stop.
        limit: bytes of standard output; one that prints more is not listened to any longer.
    """
    deadline = time.monotonic() + timeout
    printed = bytearray()
    complained = 0
    while True:
        piece = child.read()
        printed += piece
        complained += child.taken - len(piece)
        if len(printed) > limit or complained > ERROR_LIMIT:
            return Unavailable(f"{name} {TOO_MUCH}")
        if child.finished and child.poll() is not None:
            child.read()
            return Output(bytes(printed), child.complaints, child.poll() or 0)
        left = deadline - time.monotonic()
        if left <= 0 or canceled():
            return Unavailable(f"{name} did not answer in time")
        child.wait_output(min(left, 0.02 if child.finished else GLANCE))
