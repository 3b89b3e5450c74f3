"""The program in a real terminal: a pty whose other end is a VT emulator that a test can read and type into."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import selectors
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil
import pyte

import wsltop

PATIENCE = 15.0
"""Seconds that a test waits for what takes a moment on an idle machine."""

SOURCES = Path(wsltop.__file__).parents[1]

OWN_TERMINAL = """
import fcntl, os, sys, termios
if "NO_HANGUP" not in os.environ:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the controlling terminal, so that closing it sends SIGHUP; then becomes the program."""

CLEAN_END = b"\x1b[?1049l", b"\x1b[?25h"
"""What leaves the alternate screen and shows the cursor."""

KEYS = re.compile(rb"\x1b\[[0-9;<]*[A-Za-z~]|\x1bO.|(?s:.)")
"""A key as a terminal sends it."""
SGR = re.compile(rb"\x1b\[([0-9;:]*)m")


class Terminal:
    """A terminal of ``columns`` x ``rows`` cells with wsltop in it.

    Args:
        folder: home of the program: its settings and state go there.
        arguments: of the command line.
        size: columns and rows.
        environ: variables beside the few that every terminal sets.
        before: a program and its arguments that start wsltop, ``prlimit --nofile=24``.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        size: tuple[int, int] = (80, 24),
        environ: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> None:
        self.screen = pyte.Screen(*size)
        self.raw = b""
        """All that the program has written."""
        self._stream = pyte.ByteStream(self.screen)
        self._changed = threading.Condition()
        self._drained = threading.Event()
        """The program's end of the terminal is closed, and all that it wrote is read."""
        self._woken, self._wake = os.pipe()
        self.master, slave = pty.openpty()
        self._name = os.ttyname(slave)
        self._set_size(size)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", OWN_TERMINAL, *before, *command(arguments)],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
                env=environment(folder) | dict(environ or {}),
                cwd=folder,
            )
        finally:
            os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What a user does

    def press(self, keys: str | bytes) -> None:
        """Type as a person does: one key at a time, each when the one before has been read."""
        data = keys.encode() if isinstance(keys, str) else keys
        for key in KEYS.findall(data):
            os.write(self.master, key)
            self._wait_for_reader()

    def send(self, data: bytes) -> None:
        """Send bytes at once, as a terminal does that answers."""
        os.write(self.master, data)

    def _wait_for_reader(self) -> None:
        """Wait until the program has read what was typed; one that does not read gets it all the same."""
        deadline = time.monotonic() + 1.0
        time.sleep(0.03)  # the kernel hands it over a little later
        try:
            descriptor = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        except OSError:
            return
        try:
            while time.monotonic() < deadline:
                waiting = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]
                if not waiting:
                    return
                time.sleep(0.002)
        finally:
            os.close(descriptor)

    def resize(self, columns: int, rows: int) -> None:
        """Drag the window's corner."""
        with self._changed:
            self.screen.resize(rows, columns)
            self._set_size((columns, rows))

    def hang_up(self) -> None:
        """Close the window."""
        # The reader closes it: while one thread waits in a read, closing in another would leave the terminal open.
        os.close(self._wake)
        self._reader.join(PATIENCE)
        self.master = -1

    # What a user sees

    @property
    def lines(self) -> list[str]:
        """The rows of the screen."""
        with self._changed:
            return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    def wait_until(self, condition: Callable[[], bool], seconds: float = PATIENCE, what: str = "") -> None:
        """Wait until ``condition`` holds; fail with the screen when it does not in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            over = self._drained.is_set() and self.process.poll() is not None
            left = 0.0 if over and not condition() else deadline - time.monotonic()
            assert left > 0, f"not within {seconds:g} s: {what or condition}; the screen:\n{self.text}"
            with self._changed:
                self._changed.wait(min(left, 0.05))

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until ``text`` stands somewhere on the screen."""
        self.wait_until(lambda: text in self.text, seconds, f"{text!r} on the screen")

    def wait_without(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until ``text`` stands nowhere on the screen."""
        self.wait_until(lambda: text not in self.text, seconds, f"no {text!r} on the screen")

    def wait_for_frame(self) -> None:
        """Wait for the first whole frame: its last row is the footer."""
        self.wait_until(lambda: "q quit" in self.lines[-1], what="the footer")

    def wait_for_end(self, seconds: float = PATIENCE) -> int:
        """Wait until the program has ended and all that it wrote is read; its exit status."""
        code = self.process.wait(seconds)
        assert self._drained.wait(PATIENCE)
        return code

    # Its processes

    def children(self, name: str = "") -> list[psutil.Process]:
        """The processes that the program has started, hosts and hogs; those with ``name`` in their command line."""
        try:
            found = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in found if any(name in word for word in words_of(process))]

    def hogs(self) -> list[psutil.Process]:
        """Its hogs."""
        return self.children("hogs/hog.py")

    def close(self) -> None:
        """End the program if need be, and let go of everything."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        if self.master >= 0:
            self.hang_up()

    def _read(self) -> None:
        master, woken = self.master, self._woken
        with selectors.DefaultSelector() as selector:
            selector.register(woken, selectors.EVENT_READ)
            selector.register(master, selectors.EVENT_READ)
            while woken not in {key.fd for key, _ in selector.select()}:
                try:
                    data = os.read(master, 65536)
                except OSError:  # EIO: nobody has the other end open any more
                    selector.unregister(master)
                    self._drained.set()
                    continue
                with self._changed:
                    self.raw += data
                    self._stream.feed(data)
                    self._changed.notify_all()
        os.close(master)
        os.close(woken)

    def _set_size(self, size: tuple[int, int]) -> None:
        columns, rows = size
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def command(arguments: Sequence[str]) -> list[str]:
    """The command line of the program, from the source tree and from an installed wheel alike."""
    return [sys.executable, "-m", "wsltop", *arguments]


def environment(folder: Path) -> dict[str, str]:
    """The variables of a plain terminal, with every folder of the user below ``folder``."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(SOURCES),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def words_of(process: psutil.Process) -> list[str]:
    """The command line of a process; empty when it is gone."""
    try:
        return process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def lives(process: psutil.Process) -> bool:
    """Whether a process runs; a zombie that nobody reaps does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_death(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Fail unless every process is gone within ``seconds``."""
    deadline = time.monotonic() + seconds
    while left := [process for process in processes if lives(process)]:
        assert time.monotonic() < deadline, f"still there after {seconds:g} s: {left}"
        time.sleep(0.01)


def color_parameters(raw: bytes) -> set[str]:
    """The parameters of all SGR sequences that choose a color; 39 and 49 only take one back."""
    found = set()
    for match in SGR.finditer(raw):
        for parameter in match[1].decode().replace(":", ";").split(";"):
            number = int(parameter or 0)
            if 30 <= number <= 38 or 40 <= number <= 48 or 90 <= number <= 107:
                found.add(parameter)
    return found
