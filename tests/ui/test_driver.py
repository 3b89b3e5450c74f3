"""The terminal's driver: input without polling, output that waits for nobody."""

from __future__ import annotations

import os
import time
from importlib.metadata import version

import pytest

from wsltop.ui.driver import STALLED, Output, newest_motions
from wsltop.ui.input import Sequence, Text

TRIED: frozenset[str] = frozenset({"8.2.7", "8.2.8"})
"""Versions of Textual whose parser of sequences the driver was tried with."""


def test_this_version_of_textual_was_tried() -> None:
    assert version("textual") in TRIED, "run tests/terminal and python -m tests.faults terminals, then add it here"


def test_output_is_written_in_order() -> None:
    reading, writing = os.pipe()
    output = Output(writing, lambda: None)
    for text in ("one ", "two ", "three"):
        output.put(text, frame=True)
    assert output.drain(2.0)
    output.close()
    assert os.read(reading, 100) == b"one two three"
    os.close(reading)
    os.close(writing)


def test_frames_are_dropped_while_nobody_reads_and_all_is_painted_afterwards() -> None:
    reading, writing = os.pipe()
    recovered: list[bool] = []
    output = Output(writing, lambda: recovered.append(True))
    output.put("x" * 1_000_000, frame=True)
    time.sleep(STALLED + 0.1)
    began = time.monotonic()
    for _ in range(1000):
        output.put("y" * 10_000, frame=True)
    output.put("control", frame=False)
    assert time.monotonic() - began < 1.0
    assert not output.drain(0.1)
    got = b""
    while not got.endswith(b"control"):
        got += os.read(reading, 65536)
    assert b"y" not in got
    deadline = time.monotonic() + 2.0
    while not recovered and time.monotonic() < deadline:
        time.sleep(0.01)
    assert recovered == [True]
    output.put("again", frame=True)
    assert output.drain(2.0)
    assert os.read(reading, 100) == b"again"
    output.close()
    os.close(reading)
    os.close(writing)


def test_output_to_a_terminal_that_is_gone_ends() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    output = Output(writing, lambda: None)
    output.put("x", frame=True)
    assert output.drain(2.0)
    output.close()
    os.close(writing)


@pytest.mark.parametrize("middle", [[], [Text("x")]])
def test_only_the_newest_motion_of_a_drag_counts(middle: list[Text]) -> None:
    first, second = Sequence("\x1b[<32;5;5M"), Sequence("\x1b[<32;6;5M")
    press = Sequence("\x1b[<0;5;5M")
    assert newest_motions([press, first, *middle, second]) == [press, *([first] if middle else []), *middle, second]
