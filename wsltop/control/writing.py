"""One write to a file of the kernel by a program of its own: started, polled, given up. Never waits.

What is to be written goes in as the program's input; no shell, nothing of the user's environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Final

from wsltop.clock import Clock
from wsltop.control.complaints import INVALID, PARTLY, explain_failure
from wsltop.control.plan import Plan
from wsltop.control.progress import Done, Failed, Progress, Running
from wsltop.control.root import Start

KEPT: Final = 4 * 1024
FIRST_TOOK_MORE: Final = "this kernel takes no swappiness here: programs may have been swapped out as well"
OTHER_WAY: Final = "Go through wsl.exe, without a password: w in the plan, --way wsl on the command line."
LESS: Final = "less was reclaimed than asked for: there is no more to take"


class Writing:
    """Performs a plan that starts a writer.

    Args:
        plan: what to do; it has ``start`` and ``texts``.
        clock: times it.
        timeout: seconds after which it is given up.
    """

    def __init__(self, plan: Plan, start: Start, clock: Clock, timeout: float) -> None:
        self._plan, self._start, self._clock, self._timeout = plan, start, clock, timeout
        self._turn = 0
        self._said = b""
        self._began = clock.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._progress: Progress = Running(seconds=0.0)

    def start(self) -> None:
        """Start the writer."""
        self._began = self._clock.monotonic()
        self._launch()

    def poll(self) -> Progress:
        """How far it is; takes in what the program said, and reaps it."""
        process = self._process
        if process is None:
            return self._progress
        code = process.poll()
        self._hear(process)
        if code is not None:
            self._forget()
        if not isinstance(self._progress, Running):
            return self._progress  # given up before; now it is reaped as well
        seconds = self._clock.monotonic() - self._began
        if code is not None:
            self._conclude(code, seconds)
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
        if self._process is not None:
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                return  # the kernel is busy with it, or it is root's
            self._forget()

    def _launch(self) -> None:
        """Start the program with the text whose turn it is.

        It gets no terminal of its own to ask on. Only sudo stays in the session of ours, in the background: what it
        remembers of a password that was given, it remembers for the terminal (sudoers(5), timestamp_type).
        """
        keeps_terminal = self._plan.way == "sudo"
        self._said = b""
        try:
            process = subprocess.Popen(
                self._start.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,  # wsl.exe complains on standard output
                bufsize=0,
                cwd=self._start.directory,
                env=self._start.environment,
                process_group=0 if keeps_terminal else None,  # no Ctrl+C meant for us
                start_new_session=not keeps_terminal,
            )
        except OSError as error:
            self._progress = Failed(reason=f"cannot start {self._start.argv[0]}: {error.strerror}")
            return
        self._process = process
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
        if process.stdin is not None:
            try:
                process.stdin.write(self._plan.texts[self._turn].encode())
                process.stdin.close()
            except BrokenPipeError:
                pass  # it has ended already; why, it says itself

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        """Take in what there is to read, of a flood the end."""
        if process.stdout is None or process.stdout.closed:
            return
        for _ in range(16):
            piece = process.stdout.read(64 * 1024)
            if not piece:
                return
            self._said = (self._said + piece)[-KEPT:]

    def _conclude(self, code: int, seconds: float) -> None:
        """Tell how it ended, or go on with the text for older kernels."""
        if code == 0:
            note = FIRST_TOOK_MORE if self._turn else ""
            self._progress = Done(seconds=seconds, note=note)
        elif code > 0 and INVALID.encode() in self._said and self._turn + 1 < len(self._plan.texts):
            self._turn += 1
            self._launch()
        elif code > 0 and PARTLY.encode() in self._said and self._plan.action.name == "reclaim":
            self._progress = Done(seconds=seconds, note=LESS)
        else:
            plan = self._plan
            why = explain_failure(plan.way, code, self._said, plan.path, plan.command)
            hint = f"{OTHER_WAY} {why.hint}".strip() if plan.by_wsl else why.hint
            self._progress = Failed(reason=why.reason, hint=hint)

    def _give_up(self, why: str) -> None:
        """Kill the program and all that it started, as far as that is allowed, and say why."""
        reason = f"{os.path.basename(self._start.argv[0])}: {why}"  # noqa: PTH119 - a text
        hint = f"Run by hand: {self._plan.command}" if self._plan.command else ""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)  # not reaped yet, so the group is still its own
            except PermissionError:
                hint = "It runs as root and cannot be ended from here: what it does may still take effect."
            except ProcessLookupError:
                pass
        self._progress = Failed(reason=reason, hint=hint)

    def _forget(self) -> None:
        """Let go of a program that is reaped."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = None
