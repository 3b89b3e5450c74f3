"""The input thread: it sleeps until there is input, survives bad bytes, and says when the terminal is gone."""

from __future__ import annotations

import os
import pty
import signal
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual.events import Key
from textual.message import Message

from tests.waiting import wait_until
from wsltop.ui.input import QuietDriver, WakingEvent


class Heard(QuietDriver):
    """A driver without an app: it keeps what it hears."""

    def __init__(self, descriptor: int) -> None:
        self.fileno = descriptor
        self._debug = False
        self._app = SimpleNamespace(focused=None)  # type: ignore[assignment]
        self.exit_event = WakingEvent()
        self.messages: list[Message] = []
        self.thread = threading.Thread(target=self.run_input_thread, daemon=True)
        self.thread.start()

    def process_message(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.messages if isinstance(message, Key)]

    def end(self) -> None:
        self.exit_event.set()
        self.thread.join(5.0)
        assert not self.thread.is_alive()


@pytest.fixture
def ends() -> Iterator[list[int]]:
    """The two ends of a terminal; those that a test closes it takes out."""
    ends = list(pty.openpty())
    tty.setraw(ends[1])
    yield ends
    for descriptor in ends:
        os.close(descriptor)


def test_keys_are_heard_at_once_and_an_escape_before_long(ends: list[int]) -> None:
    heard = Heard(ends[1])
    os.write(ends[0], b"j")
    wait_until(lambda: heard.keys == ["j"])
    os.write(ends[0], b"\x1b")
    began = time.monotonic()
    wait_until(lambda: heard.keys == ["j", "escape"])
    assert time.monotonic() - began < 1.0
    os.write(ends[0], b"q")
    wait_until(lambda: heard.keys == ["j", "escape", "q"])
    heard.end()


def test_bad_bytes_do_not_end_it(ends: list[int]) -> None:
    heard = Heard(ends[1])
    os.write(ends[0], b"\xff\xfe\xc3(")
    time.sleep(0.05)
    os.write(ends[0], b"\x1b[A")
    wait_until(lambda: "up" in heard.keys)
    heard.end()


def test_an_answer_of_the_terminal_is_no_key(ends: list[int]) -> None:
    heard = Heard(ends[1])
    os.write(ends[0], b"\x1b]11;rgb:0c0c/0c0c/0c0c\x1b\\")
    time.sleep(0.2)
    os.write(ends[0], b"v")
    wait_until(lambda: heard.keys == ["v"])
    heard.end()


def test_it_sleeps_while_there_is_nothing(ends: list[int]) -> None:
    heard = Heard(ends[1])
    time.sleep(0.05)
    status = Path(f"/proc/self/task/{heard.thread.native_id}/status")

    def switches() -> int:
        return sum(int(line.split()[1]) for line in status.read_text().splitlines() if "ctxt_switches" in line)

    before = switches()
    time.sleep(0.5)
    assert switches() - before <= 1
    heard.end()


def test_a_terminal_that_goes_is_told_once_as_the_kernel_would_and_does_not_make_it_spin(ends: list[int]) -> None:
    told: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: told.append(number))
    try:
        heard = Heard(ends[1])
        time.sleep(0.05)
        os.close(ends.pop(0))
        wait_until(lambda: bool(told))
        time.sleep(0.2)
        assert told == [signal.SIGHUP]
        heard.end()
    finally:
        signal.signal(signal.SIGHUP, before)
