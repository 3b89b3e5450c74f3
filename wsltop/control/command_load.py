"""A command as the load of an experiment: any program that the user names, with all that it starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final, cast

from wsltop.control import keeper
from wsltop.control.ending import signal_name
from wsltop.control.load import LoadState
from wsltop.core.sample import Sample
from wsltop.core.text import clean
from wsltop.errors import UsageError, WsltopError

AT_ONCE: Final = 1.0
"""A command that fails within so many seconds was called wrongly, and loaded nothing."""
CLOSING: Final = keeper.PATIENCE + 2.0
SHOWN_LINES: Final = 5
LONGEST_LINE: Final = 160


class CommandLoad:
    """A program below a keeper, which ends all of it when wsltop ends, however that does."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._started = 0.0
        self._lived = 0.0
        self._released = False
        self._left = 0
        self._said: tuple[str, ...] = ()
        self.exit_code: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed at once."""
        return not self._released and self.exit_code not in (None, 0) and self._lived < AT_ONCE

    @property
    def remarks(self) -> tuple[str, ...]:
        """How it ended, when that was not as it should, and what it said last."""
        remarks: list[str] = []
        code = self.exit_code
        if code and not self._released:
            name = clean(os.path.basename(self._command[0]))  # noqa: PTH119 - a text
            how = f"was ended by {signal_name(-code)}" if code < 0 else f"ended with status {code}"
            said = f", saying: {' | '.join(self._said)}" if self._said else ""
            remarks.append(f"{name} {how}{said}")
        if self._left and not self._released:
            remarks.append(f"it left {self._left} processes behind, which were ended")
        return tuple(remarks)

    def start(self) -> None:
        """Start it in a session of its own, with nothing to read; its working directory and environment are ours."""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, *self._command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise WsltopError(f"cannot start {self._command[0]}: {error.strerror}") from error
        self._started = time.monotonic()
        os.set_blocking(self._pipe("stdout").fileno(), False)

    def see(self, sample: Sample) -> None:
        """A command is in no sample."""

    def poll(self) -> LoadState:
        """``filling`` for as long as it runs: nobody knows when a command has all it wants."""
        process = self._process
        if process is None:
            return "gone"
        gone = process.poll() is not None
        self._listen()
        if gone:
            return "gone"
        return "ending" if self._released or self.exit_code is not None else "filling"

    def release(self) -> None:
        """Ask it to end; the keeper sees to it."""
        if self._process is not None and self.exit_code is None and not self._released:
            self._released = True
            with suppress(BrokenPipeError):  # it is ending already
                self._pipe("stdin").write(b"t")

    def close(self) -> None:
        """Kill all of it and wait until it is gone."""
        process = self._process
        if process is None:
            return
        self._released = self._released or self.exit_code is None
        self._pipe("stdin").close()
        try:
            process.wait(CLOSING)
        except subprocess.TimeoutExpired:
            return  # something of it belongs to root; the keeper goes on
        self._listen()
        self._pipe("stdout").close()

    def _pipe(self, name: str) -> IO[bytes]:
        return cast("IO[bytes]", getattr(self._process, name))

    def _listen(self) -> None:
        """Take in what the keeper says."""
        stdout = self._pipe("stdout")
        while not stdout.closed and (piece := stdout.read(65536)):
            *lines, self._rest = (self._rest + piece).split(b"\n")
            for line in lines:
                word, _, value = line.decode().partition(" ")
                if word == "ended":
                    self.exit_code = int(value)
                    self._lived = time.monotonic() - self._started
                elif word == "said":
                    self._said = last_lines(bytes.fromhex(value))
                elif word == "left":
                    self._left = int(value)


def last_lines(said: bytes) -> tuple[str, ...]:
    """The end of what a program printed, fit to be shown."""
    lines = [clean(line).strip()[:LONGEST_LINE] for line in said.decode(errors="replace").splitlines()]
    return tuple([line for line in lines if line][-SHOWN_LINES:])


def resolve(command: Sequence[str]) -> tuple[str, ...]:
    """The command with the absolute path of its program, which the user named: found once, in PATH.

    Raises:
        UsageError: there is no such program.
    """
    path = shutil.which(command[0])
    if path is None:
        raise UsageError(f"there is no program {clean(command[0])}: install it, or give its path")
    return (os.path.abspath(path), *command[1:])  # noqa: PTH100 - links keep their names: busybox, ccache
