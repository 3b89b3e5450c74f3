"""Signals that ask a command to end, as notes: it ends where that loses nothing."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Notes the first signal that asks to end, and ends the sleep that it comes into."""

    def __init__(self) -> None:
        self.number = 0
        """Of the signal; 0 when none has come."""
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def name(self) -> str:
        """The name of the signal; empty when none has come."""
        return signal.Signals(self.number).name if self.number else ""

    def fileno(self) -> int:
        """A descriptor that can be read once a signal has come."""
        return self._woken

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal."""
        self.number = self.number or number
        with contextlib.suppress(BlockingIOError):  # the pipe is full: it can be read
            os.write(self._wake, b".")

    def forget(self) -> None:
        """Wait for the next signal: this one was for another process."""
        self.number = 0
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def sleep(self, seconds: float) -> None:
        """Wait, unless a signal has come or comes."""
        if not self.number:
            select.select([self._woken], [], [], max(0.0, seconds))

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._woken)
        os.close(self._wake)


@contextlib.contextmanager
def noted_signals(*unheeded: signal.Signals) -> Iterator[Interruption]:
    """Signals as notes, for as long as it is open. A handler that raised could end a command in the middle of a write.

    A signal that our parent ignores stays ignored: that is how nohup works. ``unheeded`` signals do nothing. They are
    not ignored either: a program that is started would inherit that.
    """
    interruption = Interruption()
    handlers = dict.fromkeys(SIGNALS, interruption.note) | dict.fromkeys(unheeded, lambda *_: None)
    wanted = {number: one for number, one in handlers.items() if signal.getsignal(number) is not signal.SIG_IGN}
    former = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield interruption
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        interruption.close()
