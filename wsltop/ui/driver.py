"""Textual's driver for Linux, resting: its input thread sleeps until there is input.

Textual's own looks ten times a second.
Measured, those looks were a quarter of all that the screen cost, and three quarters of its wakeups.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from typing import Any, Final

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

ATTENTIVE: Final = 1.0
"""Seconds after input in which Textual goes on looking by itself: its parser tells a lone Escape by the time."""
HANGUP: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL


class RestingEvent(threading.Event):
    """Textual's question whether to end, asked before each look: answered late when asked by the thread that rests.

    Args:
        descriptor: the terminal's input.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._resting: int | None = None
        self._active_until = 0.0
        self._end = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._terminal = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(self._end, select.POLLIN)

    def rest_here(self) -> None:
        """From now on the thread that calls this waits in ``is_set`` until there is something to do."""
        self._resting = threading.get_ident()

    def is_set(self) -> bool:
        """Whether the thread shall end."""
        if threading.get_ident() == self._resting and time.monotonic() >= self._active_until:
            self._wait()
        return super().is_set()

    def set(self) -> None:
        """End the thread, which may be resting."""
        super().set()
        os.eventfd_write(self._end, 1)

    def clear(self) -> None:
        """Let a thread rest again."""
        super().clear()
        self._active_until = 0.0
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._end)

    def _wait(self) -> None:
        found = dict(self._poll.poll())
        self._active_until = time.monotonic() + ATTENTIVE
        if found.get(self._terminal, 0) & HANGUP:
            self._poll.unregister(self._terminal)  # it would answer at once from now on: no spinning
            self._tell_hangup()
            self._poll.poll()

    def _tell_hangup(self) -> None:
        """Send the signal that the kernel sends only where the terminal was the controlling one."""
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGHUP)


class RestingDriver(LinuxDriver):
    """Textual's own driver with an event that lets its input thread rest.

    Should another version of Textual ask its event differently, the thread looks as often as Textual has it look.
    """

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.exit_event: RestingEvent = RestingEvent(self.fileno)

    def run_input_thread(self) -> None:
        """Wait for input and hand it on, until the event is set."""
        self.exit_event.rest_here()
        super().run_input_thread()
