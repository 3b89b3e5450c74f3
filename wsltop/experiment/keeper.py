"""The program that runs the command of an experiment and ends all that it started.

``keeper.py STDIN STDOUT STDERR COMMAND ARG …``: the first three are the descriptors that the command gets as its own.
It runs in wsltop's session and process group, so the terminal and Ctrl+C are the command's as if no wsltop stood
between them.

A command starts others (``make -j8``, ``stress --vm 4``), and what the kernel does when their parent ends reaches only
the first. So orphans below this program become its children (prctl(2), PR_SET_CHILD_SUBREAPER), and when wsltop ends,
however it ends, the pipe that is its input ends and it kills them all.

Input: ``t`` asks to end the command: SIGTERM, then SIGKILL; ``i`` sends it SIGINT; the end of the input: SIGKILL at
once. Output, in lines: ``started``, or ``failed ERRNO`` where the command cannot be run; ``note TEXT`` what this
program could not do; ``ended CODE`` (a signal is negative); ``left N`` how many processes the command left behind. The
program ends when the last of them is gone. Run with ``-I -S``; imports what starts quickly.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

if __name__ == "__main__":
    sys.path.append(os.path.abspath(__file__).rsplit("/", 3)[0])  # noqa: PTH100 - pathlib would double the start-up

from wsltop.prctl import adopt_orphans, die_with_parent, go_on_without_parent, name_process, prefer_oom

CANNOT_START = 126
PATIENCE = 3.0
"""Seconds from SIGTERM to SIGKILL."""
AGAIN = 0.05
"""Seconds between two rounds of killing: what was started in between is killed in the next."""
GIVEN_UP = 10.0
"""Seconds of killing after which what is left belongs to another user (sudo), or hangs in the kernel."""
TERMINAL_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)
"""A terminal sends them to the whole group, so to the command too: this program stays to reap it."""


class Keeper:
    """Runs one command; ``streams`` are the descriptors of its standard input, output and error."""

    def __init__(self, streams: list[int], command: list[str]) -> None:
        self.streams, self.command = streams, command
        self.killing = False
        self.deadline = float("inf")
        self.last = float("inf")
        self.woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.former = {number: signal.signal(number, signal.SIG_IGN) for number in TERMINAL_SIGNALS}
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.poller = select.poll()
        for fd in (0, self.woken):
            self.poller.register(fd, select.POLLIN)
        self.main = 0

    def run(self) -> int:
        """Start the command and stay until all of it is gone."""
        answer, question = os.pipe2(os.O_CLOEXEC)
        keeper = os.getpid()
        self.main = os.fork()
        if self.main == 0:
            self.become_command(keeper, question)
        for fd in {question, *self.streams} - {0, 1, 2}:
            os.close(fd)
        self.report_start(answer)
        while self.reap():
            for fd, _ in self.poller.poll(self.pause()):
                self.attend(fd)
            self.go_on_ending()
        return 0

    def become_command(self, keeper: int, question: int) -> None:
        """In the child: the command's streams and signals, the OOM killer's first choice; then the command."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and execve keeps what is ignored
        for number, handler in self.former.items():
            signal.signal(number, signal.SIG_IGN if handler is signal.SIG_IGN else signal.SIG_DFL)
        for target, fd in enumerate(self.streams):
            os.dup2(fd, target)
        for fd in self.streams:
            os.close(fd)
        die_with_parent(keeper)
        try:
            prefer_oom()
        except OSError as error:
            os.write(question, f"note the OOM killer may not choose it first: {error.strerror}\n".encode())
        try:
            os.execv(self.command[0], self.command)  # noqa: S606 - no shell: that is the point
        except OSError as error:
            os.write(question, f"failed {error.errno}\n".encode())
        os._exit(CANNOT_START)

    def report_start(self, answer: int) -> None:
        """Wait until the command runs or cannot be run, and report it."""
        said = b""
        while piece := os.read(answer, 4096):
            said += piece
        os.close(answer)
        failed = b"failed " in said
        report(said.decode() + ("" if failed else "started\n"))
        if failed:
            os.waitpid(self.main, 0)
            self.main = 0

    def pause(self) -> float | None:
        """Milliseconds until there is something to do unasked."""
        if self.killing:
            return AGAIN * 1000
        return None if self.deadline == float("inf") else max(0.0, self.deadline - time.monotonic()) * 1000

    def attend(self, fd: int) -> None:
        """Read what has come."""
        if fd == self.woken:
            os.read(fd, 4096)
            return
        asked = os.read(fd, 1)
        if asked == b"t":
            self.terminate()
        elif asked == b"i":
            send(signal.SIGINT)
        elif not asked:
            self.poller.unregister(fd)
            self.kill()

    def reap(self) -> bool:
        """Reap what has ended; false when nothing is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return time.monotonic() < self.last
                if pid == self.main:
                    self.main = 0
                    report(f"ended {os.waitstatus_to_exitcode(status)}\nleft {len(offspring(os.getpid()))}\n")
                    self.terminate()  # what the command left behind must go too
        except ChildProcessError:
            return False

    def terminate(self) -> None:
        """Ask all of them to end."""
        if self.deadline == float("inf"):
            self.deadline = time.monotonic() + PATIENCE
            send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill all of them from now on."""
        if not self.killing:
            self.killing = True
            self.last = time.monotonic() + GIVEN_UP
            send(signal.SIGKILL)

    def go_on_ending(self) -> None:
        """Kill when it is time, and again what was started since."""
        if self.killing:
            send(signal.SIGKILL)
        elif time.monotonic() >= self.deadline:
            self.kill()


def send(number: int) -> None:
    """Signal every process below this one, the oldest generation first."""
    for pid in offspring(os.getpid()):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue  # it has ended, or is root's


def offspring(ancestor: int) -> list[int]:
    """The live processes below ``ancestor``, by the parents that ``/proc/PID/stat`` names."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would double the start-up
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if len(fields) > 1 and fields[0] not in (b"Z", b"X"):
                children.setdefault(int(fields[1]), []).append(int(name))
    found = [ancestor]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def report(lines: str) -> None:
    """Report to wsltop, if it is still there."""
    try:
        os.write(1, lines.encode())
    except BrokenPipeError:
        return


if __name__ == "__main__":
    adopt_orphans()
    go_on_without_parent()
    name_process("wsltop-keeper")
    sys.exit(Keeper([int(word) for word in sys.argv[1:4]], sys.argv[4:]).run())
