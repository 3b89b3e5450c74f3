"""Textual's driver for Linux with an input thread of our own: it sleeps until there is input, and loses none.

Textual's own looks ten times a second, which was a quarter of all that the screen cost; it ends at a byte that is not
UTF-8; and takes a terminal's answers for keys. The parser of keys is Textual's, and private: tried with 8.2.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from typing import Any, Final

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.widgets import Input

from wsltop.ui.tokens import ESCAPE, WAIT, Tokenizer

HANGUP: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL
READ: Final = 4096


class WakingEvent(threading.Event):
    """Textual's signal that the input thread shall end; it wakes a thread that waits for ``descriptor``."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def set(self) -> None:
        """End the thread."""
        super().set()
        os.eventfd_write(self.descriptor, 1)

    def clear(self) -> None:
        """Let a thread run again."""
        super().clear()
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)


class QuietDriver(LinuxDriver):
    """Reads the terminal only when it has something to say."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.exit_event: WakingEvent = WakingEvent()

    def run_input_thread(self) -> None:
        """Wait for input and hand it on, until the event is set."""
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        poll.register(self.exit_event.descriptor, select.POLLIN)
        parser, tokenizer = XTermParser(self._debug), Tokenizer()
        while not self.exit_event.is_set():
            found = dict(poll.poll(WAIT * 1000 if tokenizer.waits else None))
            if found.get(self.fileno, 0) & select.POLLIN:
                data = self._read()
                self._hand_on(parser, tokenizer.feed(data, typing=isinstance(self._app.focused, Input)))
                if data:
                    continue
            elif not found:
                self._hand_on(parser, tokenizer.flush())
            if found.get(self.fileno, 0) & HANGUP or found.get(self.fileno, 0) & select.POLLIN:
                poll.unregister(self.fileno)  # it would answer at once from now on: no spinning
                self._tell_hangup()

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ)
        except OSError:  # EIO: the terminal is gone
            return b""

    def _hand_on(self, parser: XTermParser, pieces: list[str]) -> None:
        for piece in pieces:
            if piece == ESCAPE:  # the parser would wait for what follows; nothing does
                self.process_message(Key("escape", ESCAPE))
                continue
            for message in parser.feed(piece):
                self.process_message(message)

    def _tell_hangup(self) -> None:
        """Send the signal that the kernel sends only where the terminal was the controlling one."""
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGHUP)
