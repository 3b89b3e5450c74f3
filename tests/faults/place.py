"""The place of one trial: a home of its own, and everything that is started from it ended afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

from tests.host.stand_ins import FakeDrive
from tests.shell import environ_of
from tests.terminal.harness import Terminal, lives

VARIABLE: Final = "WSLTOP_FAULT"
"""A variable in the environment of all that a trial starts, by which its processes are found again."""
FIRST_FRAME: Final = 20.0


class Skip(Exception):
    """A row cannot be tried here; says why."""


class Place:
    """What a row gets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.token = f"{os.getpid()}-{time.monotonic_ns()}"
        self._stack = ExitStack()

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        for process in self.processes():
            process.kill()

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of a user who is at home here."""
        kept = environ_of(self.home)
        kept.pop("PYTHONWARNINGS", None)
        return kept | {VARIABLE: self.token} | more

    def terminal(
        self, *arguments: str, size: tuple[int, int] = (80, 24), before: Sequence[str] = (), **more: str
    ) -> Terminal:
        """wsltop in a terminal, with its first frame on it, or ended; ``before`` is the program that starts it."""
        shown = self._stack.enter_context(
            Terminal(self.home, *arguments, size=size, environ={VARIABLE: self.token, **more}, before=before)
        )
        shown.wait_until(lambda: "q quit" in shown.text or shown.process.poll() is not None, FIRST_FRAME, "a frame")
        return shown

    def start(self, *arguments: object, **more: str) -> subprocess.Popen[bytes]:
        """Start a command in the background, its output kept in pipes."""
        process = subprocess.Popen(
            [sys.executable, "-m", "wsltop", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home,
            env=self.environ(**more),
        )
        self._stack.callback(end, process)
        return process

    def run(
        self,
        *arguments: object,
        timeout: float = 30.0,
        before: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end, ``before`` being the program that starts it."""
        return subprocess.run(
            [*before, sys.executable, "-m", "wsltop", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.home,
            env=self.environ() | dict(environ or {}),
            timeout=timeout,
            check=False,
        )

    def drive(self) -> FakeDrive:
        """An empty drive of Windows."""
        return FakeDrive(self.folder)

    def processes(self) -> list[psutil.Process]:
        """All that a trial has started and that still lives."""
        wanted, below = f"{VARIABLE}={self.token}".encode(), f"{self.folder}/c/Windows/".encode()
        found = []
        for process in psutil.process_iter():
            try:
                text = Path(f"/proc/{process.pid}/environ").read_bytes()
                command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            except OSError:
                continue
            windows = any(word.startswith(below) for word in command.split(b"\0")[:3])  # its environment is its own
            if (windows or wanted in text.split(b"\0")) and process.pid != os.getpid() and lives(process):
                found.append(process)
        return found


ODD: Final = ("missing", "empty", "a FIFO", "a folder", "/dev/zero", "a loop of links")
"""What may stand where a file is expected."""


def make_odd(kind: str, path: Path) -> Path:
    """Make one of ``ODD``; where it is: at ``path``, or somewhere else where it exists already."""
    if kind == "empty":
        path.touch()
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a loop of links":
        path.symlink_to(path.name)
    elif kind == "/dev/zero":
        return Path(kind)
    else:
        assert kind == "missing"
    return path


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and let go of its pipes."""
    if process.poll() is None:
        process.kill()
    process.communicate()


def leave(terminal: Terminal) -> int:
    """Press q until it ends; its status. A key that comes together with another, to a busy program, does nothing."""
    for _ in range(4):
        terminal.press("q")
        with suppress(subprocess.TimeoutExpired):
            return terminal.wait_for_end(5.0)
    raise AssertionError(f"q does not end it:\n{terminal.text}")


def settings_of(terminal: Terminal) -> list[object]:
    """The terminal's settings, as ``stty`` would say them."""
    return list(termios.tcgetattr(terminal.master))


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until ``condition`` holds; how long it took.

    Raises:
        AssertionError: not in time.
    """
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - began


def clean_message(done: subprocess.CompletedProcess[bytes], statuses: tuple[int, ...]) -> str:
    """The last line of the complaints; fails on a traceback, a control character or another status."""
    text = done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in text, text[-600:]
    assert done.returncode in statuses, f"status {done.returncode}: {text[-300:]}"
    assert not any(ord(char) < 32 and char not in "\n\t" for char in text), repr(text[-200:])
    return f"status {done.returncode}" + (f", {text.strip().splitlines()[-1][:90]}" if text.strip() else "")
