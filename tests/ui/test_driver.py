"""The event that lets Textual's input thread rest: it wakes for input, for the end, for a terminal that goes."""

from __future__ import annotations

import os
import pty
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from wsltop.ui.driver import ATTENTIVE, RestingEvent

PATIENCE = 5.0


class Looker:
    """A thread that asks the event as Textual's does, and counts."""

    def __init__(self, event: RestingEvent) -> None:
        self.event = event
        self.asked = 0
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        self.event.rest_here()
        while not self.event.is_set():
            self.asked += 1
            time.sleep(0.01)


@pytest.fixture
def ends() -> Iterator[list[int]]:
    """The two ends of a terminal; those that a test closes it takes out."""
    ends = list(pty.openpty())
    yield ends
    for descriptor in ends:
        os.close(descriptor)


def wait_until_asked(looker: Looker, more_than: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while looker.asked <= more_than:
        assert time.monotonic() < deadline, "it never woke"
        time.sleep(0.01)


def end(looker: Looker) -> None:
    looker.event.set()
    looker.thread.join(PATIENCE)
    assert not looker.thread.is_alive()


def test_it_rests_until_there_is_input_and_looks_on_for_a_while(ends: list[int]) -> None:
    looker = Looker(RestingEvent(ends[1]))
    time.sleep(0.2)
    assert looker.asked == 0
    os.write(ends[0], b"x\n")
    wait_until_asked(looker, 3)  # Textual tells a lone Escape by looking again
    os.read(ends[1], 10)
    time.sleep(ATTENTIVE + 0.2)
    asked = looker.asked
    time.sleep(0.3)
    assert looker.asked <= asked + 1
    end(looker)


def test_the_end_wakes_it_and_it_can_begin_again(ends: list[int]) -> None:
    event = RestingEvent(ends[1])
    first = Looker(event)
    time.sleep(0.05)
    end(first)
    event.clear()
    assert not event.is_set()
    second = Looker(event)
    time.sleep(0.2)
    assert second.asked == 0
    end(second)


def test_others_are_answered_at_once(ends: list[int]) -> None:
    event = RestingEvent(ends[1])
    looker = Looker(event)
    before = time.monotonic()
    assert not event.is_set()
    assert time.monotonic() - before < 0.1
    end(looker)


def test_a_terminal_that_goes_is_told_once_as_the_kernel_would_and_does_not_make_it_spin(ends: list[int]) -> None:
    told: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: told.append(number))
    try:
        looker = Looker(RestingEvent(ends[1]))
        time.sleep(0.05)
        os.close(ends.pop(0))
        deadline = time.monotonic() + PATIENCE
        while not told:
            assert time.monotonic() < deadline, "nobody said so"
            time.sleep(0.01)
        time.sleep(0.2)
        assert (told, looker.asked) == ([signal.SIGHUP], 0)
        end(looker)
    finally:
        signal.signal(signal.SIGHUP, before)
