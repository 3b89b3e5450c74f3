"""The program that runs the command of an experiment and ends all that it started: ``keeper.py COMMAND ARG …``.

A command starts others (``make -j8``, ``stress --vm 4``), and what the kernel does when their parent ends reaches none
but the first. So this program stands between: orphans below it become its children (prctl(2), PR_SET_CHILD_SUBREAPER),
and when wsltop ends, however it ends, the pipe that is its input ends and it kills them all.

Input: ``t`` asks to end the command: SIGTERM, then SIGKILL. Its end: SIGKILL at once. Output, in lines: ``ended CODE``
when the command did (a signal is negative), ``said HEX`` the last it printed, ``left N`` how many processes it had left
behind. The program ends when the last of them is gone. Run with ``-I -S``; imports what starts quickly.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

if __name__ == "__main__":
    sys.path.append(os.path.abspath(__file__).rsplit("/", 3)[0])  # noqa: PTH100 - pathlib would double the start-up

from wsltop.prctl import adopt_orphans, die_with_parent, name_process, prefer_oom

CANNOT_START = 127
KEPT = 4096
PATIENCE = 3.0
"""Seconds from SIGTERM to SIGKILL."""
AGAIN = 0.05
"""Seconds between two rounds of killing: what was started meanwhile is caught by the next."""
GIVEN_UP = 10.0
"""Seconds of killing after which what is left belongs to somebody else (sudo), or to the kernel."""


class Keeper:
    """Runs one command."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.said = b""
        self.killing = False
        self.deadline = float("inf")
        self.last = float("inf")
        self.woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.output, self.output_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.poller = select.poll()
        for fd in (0, self.woken, self.output):
            self.poller.register(fd, select.POLLIN)
        self.main = 0

    def run(self) -> int:
        """Start the command and stay until all of it is gone."""
        os.set_blocking(self.output_end, True)  # the command's side: programs do not expect otherwise
        keeper = os.getpid()
        self.main = os.fork()
        if self.main == 0:
            run_command(self.command, keeper, self.output_end)
        os.close(self.output_end)
        while self.reap():
            for fd, _ in self.poller.poll(self.pause()):
                self.attend(fd)
            self.go_on_ending()
        return 0

    def pause(self) -> float | None:
        """Milliseconds until there is something to do unasked."""
        if self.killing:
            return AGAIN * 1000
        return None if self.deadline == float("inf") else max(0.0, self.deadline - time.monotonic()) * 1000

    def attend(self, fd: int) -> None:
        """Read what there is."""
        if fd == self.woken:
            os.read(fd, 4096)
        elif fd == self.output:
            piece = os.read(fd, 65536)
            self.said = (self.said + piece)[-KEPT:]
            if not piece:
                self.poller.unregister(fd)
        elif os.read(fd, 1):
            self.terminate()
        else:
            self.poller.unregister(fd)
            self.kill()

    def reap(self) -> bool:
        """Take in who ended; false when nobody is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return time.monotonic() < self.last
                if pid == self.main:
                    self.main = 0
                    self.tell(os.waitstatus_to_exitcode(status))
        except ChildProcessError:
            return False

    def tell(self, code: int) -> None:
        """The command itself has ended; what it left behind must go too."""
        self.drain()
        left = len(offspring(os.getpid()))
        report(f"ended {code}\nsaid {self.said.hex()}\nleft {left}\n")
        self.terminate()

    def drain(self) -> None:
        """Read the last that it printed."""
        try:
            while piece := os.read(self.output, 65536):
                self.said = (self.said + piece)[-KEPT:]
        except BlockingIOError:
            return

    def terminate(self) -> None:
        """Ask everybody to end."""
        if self.deadline == float("inf"):
            self.deadline = time.monotonic() + PATIENCE
            send(signal.SIGTERM)

    def kill(self) -> None:
        """Stop asking."""
        if not self.killing:
            self.killing = True
            self.last = time.monotonic() + GIVEN_UP
            send(signal.SIGKILL)

    def go_on_ending(self) -> None:
        """Kill when it is time, and again whoever has come since."""
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
            continue  # ended meanwhile, or root's


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


def run_command(command: list[str], keeper: int, output: int) -> None:
    """In the child: a session of its own, nothing to read, the OOM killer's first choice; then the command."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so across execve
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        die_with_parent(keeper)
        prefer_oom()
        os.execv(command[0], command)  # noqa: S606 - no shell: that is the point
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error.strerror}\n".encode(errors="replace"))
    os._exit(CANNOT_START)


def report(lines: str) -> None:
    """Tell wsltop, if it is still there."""
    try:
        os.write(1, lines.encode())
    except BrokenPipeError:
        return


if __name__ == "__main__":
    adopt_orphans()
    name_process("wsltop-keeper")
    sys.exit(Keeper(sys.argv[1:]).run())
