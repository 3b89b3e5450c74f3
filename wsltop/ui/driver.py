"""The terminal's driver: input without polling, output that never makes the app wait, and the terminal restored.

Written on Textual's public ``Driver``. Of its inside only the parser of key and mouse sequences is used, for whole
sequences that ``input.py`` has checked; ``tests/ui/test_driver.py`` names the versions that this was tried with.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Input

from wsltop.ui.input import Cursor, Escape, InputDecoder, Pasted, Sequence, Text, Unit, typed

READ: Final = 4096
STALLED: Final = 0.5
"""Seconds after which output that the terminal has not taken is a stall: frames are dropped until it takes some."""
PATIENCE: Final = 0.7
"""Seconds for the last output at the end."""
BOX_PATIENCE: Final = 0.5
"""Seconds for the text box that a leading ``g`` or ``/`` opens."""
DRAG_PAUSE: Final = 0.08
"""Seconds that input waits after a motion of a drag, so that one picture shows many of them."""
HANGUP: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL
KITTY: Final = 1 | 8 | 16
"""Tell keys from sequences, report all keys, with their text (the kitty keyboard protocol)."""
ENTER: Final = (
    "\x1b[?1049h"  # the other screen
    "\x1b[?1000h\x1b[?1002h\x1b[?1006h"  # buttons and drags of the mouse; never its every motion (1003)
    "\x1b[?25l\x1b[?1004h\x1b[?2004h\x1b[?7l"  # no cursor, focus, pastes in brackets, no wrap
)
LEAVE: Final = (
    "\x1b[?2004l\x1b[?7h\x1b[?1006l\x1b[?1002l\x1b[?1000l"
    "\x1b[<u"  # before the screen changes: each screen has a stack of its own (kitty)
    "\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
MOTION: Final = re.compile(r"\x1b\[<(\d+);")
ASK_SYNC: Final = "\x1b[?2026$p"
SAMPLE: Final = "■▲●█░▁─│×…"  # noqa: RUF001 - glyphs that some terminals and fonts draw two cells wide
ASK_WIDTH: Final = f"\x1b[2;1H{SAMPLE}\x1b[6n\x1b[2K\x1b[1;1H"
"""Writes the sample in the second row, asks where the cursor is then, and erases it: the terminal draws no frame
between."""
WIDTH_PATIENCE: Final = 1.0
"""Seconds for the answer: a later one is not believed."""


class Output:
    """Writes to the terminal from a thread of its own.

    Args:
        descriptor: the terminal.
        recovered: called, from that thread, when the terminal takes output again after frames were dropped.
    """

    def __init__(self, descriptor: int, recovered: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._recovered = recovered
        self._changed = threading.Condition()
        self._waiting: deque[tuple[float, bytes, bool]] = deque()
        self._writing = False
        self._dropped = False
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="wsltop-output")
        self._thread.start()

    def put(self, text: str, *, frame: bool) -> None:
        """Write ``text`` as soon as the terminal takes it; a frame is dropped while it takes none."""
        with self._changed:
            if frame and self._waiting and time.monotonic() - self._waiting[0][0] > STALLED:
                self._waiting = deque(one for one in self._waiting if not one[2])
                self._dropped = True
                return
            if frame and self._dropped:
                return
            self._waiting.append((time.monotonic(), text.encode("utf-8", "replace"), frame))
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until all is written; whether it was, in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while (self._waiting or self._writing) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._waiting and not self._writing

    def close(self) -> None:
        """End the thread; one that waits for the terminal is left behind."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join(0.1)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._over:
                    self._changed.wait()
                if not self._waiting:
                    return
                _, data, _ = self._waiting[0]
                self._writing = True
            written = self._write(data)
            with self._changed:
                self._writing = False
                if self._waiting and self._waiting[0][1] is data:
                    self._waiting.popleft()
                recovered = self._dropped and not self._waiting
                self._dropped = self._dropped and not recovered
                self._changed.notify_all()
            if not written:
                return
            if recovered:
                self._recovered()

    def _write(self, data: bytes) -> bool:
        """Write all of it, however long the terminal takes; False when there is no terminal any more."""
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:
                return False
        return True


class GlyphsAreWide(Message):
    """The terminal draws glyphs two cells wide for which Unicode lets it choose."""


class KeysAtOnce(Message):
    """Different keys came in one read: they are taken for a paste, and do nothing."""


class TerminalDriver(Driver):
    """Shows an app on the terminal of this process."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._input = 0 if sys.__stdin__ is None else sys.__stdin__.fileno()
        self._terminal = 2 if sys.__stderr__ is None else sys.__stderr__.fileno()
        self._before: list[Any] | None = None
        """The terminal's settings as they were."""
        self._raw: list[Any] | None = None
        self._output: Output | None = None
        self._reader: threading.Thread | None = None
        self._wake: int | None = None
        self._suspended = False
        self._parser = XTermParser()
        signal.signal(signal.SIGTSTP, self._stop)
        signal.signal(signal.SIGCONT, self._continue)

    # Textual's interface

    @property
    def can_suspend(self) -> bool:
        """Whether ctrl+z works."""
        return True

    def write(self, data: str) -> None:
        """Show a frame; it is dropped while the terminal takes no output."""
        if self._output is not None:
            self._output.put(data, frame=True)

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        if self._output is not None:
            return
        self._output = Output(self._terminal, self._repaint)
        with contextlib.suppress(termios.error):
            self._before = termios.tcgetattr(self._input)
        self._make_raw()
        self._enter()
        signal.signal(signal.SIGWINCH, lambda *_: self._tell_size())
        self._tell_size()
        woken, self._wake = os.pipe2(os.O_CLOEXEC)
        reader = threading.Thread(target=self._read, args=(woken,), daemon=True, name="wsltop-input")
        reader.start()
        self._reader = reader

    def disable_input(self) -> None:
        """Listen no more."""
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        reader, wake, self._reader, self._wake = self._reader, self._wake, None, None
        if wake is not None:
            os.close(wake)
        if reader is not None and reader is not threading.current_thread():
            reader.join(PATIENCE)
        with contextlib.suppress(termios.error):
            termios.tcflush(self._input, termios.TCIFLUSH)

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was: its settings always, its modes as far as it takes output."""
        self.disable_input()
        output, self._output = self._output, None
        if output is not None:
            output.put(LEAVE, frame=False)
            output.drain(PATIENCE)
        self._set(self._before)
        if output is not None:
            output.close()

    # The terminal

    def _make_raw(self) -> None:
        if self._before is None:
            return
        raw: list[Any] = [part if not isinstance(part, list) else list(part) for part in self._before]
        raw[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        raw[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
        raw[tty.CC][termios.VMIN], raw[tty.CC][termios.VTIME] = 1, 0
        self._raw = raw
        self._set(raw)

    def _set(self, settings: list[Any] | None) -> None:
        """Change the terminal's settings; in the background the kernel stops this process until it is in front."""
        for _ in range(100 if settings is not None else 0):
            try:
                termios.tcsetattr(self._input, termios.TCSANOW, settings or [])
            except termios.error as error:
                if error.args[0] == 4:  # EINTR: it was stopped meanwhile
                    continue
            return

    def _enter(self) -> None:
        if self._output is not None:
            modes = ENTER if self._mouse else ENTER.replace("\x1b[?1000h\x1b[?1002h\x1b[?1006h", "")
            keys = "" if constants.DISABLE_KITTY_KEY else f"\x1b[>{KITTY}u"
            sync = "" if os.environ.get("TERM_PROGRAM") == "Apple_Terminal" else ASK_SYNC
            self._output.put(modes + keys + sync, frame=False)

    def _tell_size(self) -> None:
        try:
            width, height = os.get_terminal_size(self._terminal)
        except OSError:
            width, height = 0, 0
        size = Size(width or 80, height or 24)
        self.send_message(events.Resize(size, size))

    def _repaint(self) -> None:
        """Have the whole screen painted, from any thread."""
        self._loop.call_soon_threadsafe(self._paint_all)

    def _paint_all(self) -> None:
        self._app.refresh(layout=True)
        self._app.screen.refresh(layout=True)

    # Stopped and continued

    def _stop(self, *_: object) -> None:
        """Suspended by the user: the terminal is the shell's meanwhile."""
        if self._output is not None:
            self.suspend_application_mode()
            self._suspended = True
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self, *_: object) -> None:
        """Go on: after a suspension by taking the terminal over again, else with what a shell may have changed."""
        if self._suspended:
            self._suspended = False
            self.resume_application_mode()
            self.send_message(self.SignalResume())
        elif self._output is not None:
            self._set(self._raw)
            self._enter()
        if self._output is not None:
            self._repaint()

    # Input

    def _read(self, woken: int) -> None:
        """Wait for input and hand it on, until the other end of ``woken`` is closed or the terminal goes."""
        decoder = InputDecoder()
        poll = select.poll()
        for descriptor in (self._input, woken):
            poll.register(descriptor, select.POLLIN)
        try:
            while True:
                now = time.monotonic()
                due = decoder.due
                ready = dict(poll.poll(None if due is None else max(0.0, (due - now) * 1000)))
                if woken in ready:
                    return
                if not ready:
                    self._hand_on(decoder.expire(time.monotonic()))
                    continue
                data = b""
                if ready[self._input] & select.POLLIN:
                    with contextlib.suppress(OSError):
                        data = os.read(self._input, READ)
                if not data:
                    self._lost(woken)
                    return
                units = newest_motions(decoder.feed(data, time.monotonic()))
                self._hand_on(units)
                if units and is_motion(units[-1]):
                    time.sleep(DRAG_PAUSE)
        finally:
            os.close(woken)

    def _lost(self, woken: int) -> None:
        """The terminal is gone: send the signal that the kernel sends only where it was the controlling one."""
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGHUP)
        poll = select.poll()
        poll.register(woken, select.POLLIN)
        poll.poll()

    def _hand_on(self, units: Iterable[Unit]) -> None:
        for unit in units:
            if isinstance(unit, Escape):
                self.process_message(events.Key("escape", "\x1b"))
            elif isinstance(unit, Pasted):
                self.process_message(events.Paste(unit.text))
            elif isinstance(unit, Sequence):
                self._parse(unit.text)
            elif isinstance(unit, Cursor):
                self._take_cursor(unit)
            else:
                self._type(unit)

    def _take_cursor(self, cursor: Cursor) -> None:
        """Take an answer about the cursor; nothing was asked."""

    def _type(self, unit: Text) -> None:
        text = typed(unit.text, in_text_box=self._in_text_box())
        if not text:
            self.send_message(KeysAtOnce())
        for number, char in enumerate(text):
            if number == 1 and text[0] in "g/" and len(set(text)) > 1 and not self._wait_for_text_box():
                return
            self._parse(char)

    def _in_text_box(self) -> bool:
        return isinstance(self._app.focused, Input)

    def _wait_for_text_box(self) -> bool:
        deadline = time.monotonic() + BOX_PATIENCE
        while not self._in_text_box():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def _parse(self, text: str) -> None:
        """Let Textual's parser make events of one key or sequence; one that it does not know leaves no trace."""
        messages: list[Message] = list(self._parser.feed(text))
        if not messages:
            before = self._parser
            self._parser = XTermParser()
            self._parser.last_x, self._parser.last_y = before.last_x, before.last_y
        for message in messages:
            self.process_message(message)


class MeasuringDriver(TerminalDriver):
    """Asks the terminal once how wide it draws the glyphs of the screen; one that does not answer draws them in one
    cell, as nearly all do."""

    _asked = 0.0
    """When it was asked, on the monotonic clock; 0: it has not been."""

    def start_application_mode(self) -> None:
        """Take the terminal over, and ask it the first time."""
        super().start_application_mode()
        if not self._asked and self._output is not None:
            self._asked = time.monotonic()
            self._output.put(ASK_WIDTH, frame=False)

    def _take_cursor(self, cursor: Cursor) -> None:
        if cursor.row == 2 and time.monotonic() - self._asked < WIDTH_PATIENCE and cursor.column > len(SAMPLE) + 1:
            self.send_message(GlyphsAreWide())


def newest_motions(units: Iterable[Unit]) -> list[Unit]:
    """The units without those motions of the mouse that another one follows at once."""
    kept: list[Unit] = []
    for unit in units:
        if kept and is_motion(unit) and is_motion(kept[-1]):
            kept.pop()
        kept.append(unit)
    return kept


def is_motion(unit: Unit) -> bool:
    """Whether it is a motion of the mouse with a button down."""
    match = MOTION.match(unit.text) if isinstance(unit, Sequence) else None
    return match is not None and int(match[1]) & 96 == 32
