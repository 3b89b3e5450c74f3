from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import Literal

import pytest

from wsltop.ui.terminal import can_copy, wants_color, why_no_screen

Ends = tuple[int, int]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """The two ends of a terminal."""
    master, slave = pty.openpty()
    yield master, slave
    for descriptor in (master, slave):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_a_terminal_can_show_the_screen(ends: Ends) -> None:
    with os.fdopen(os.dup(ends[1])) as tty:
        assert why_no_screen(tty, tty, tty, {"TERM": "xterm-256color"}) is None
        assert why_no_screen(tty, tty, tty, {"TERM": "dumb"}) == "TERM='dumb' cannot show a full screen"
        assert why_no_screen(tty, tty, tty, {}) == "TERM='' cannot show a full screen"
        pipe = io.StringIO()
        assert why_no_screen(pipe, tty, tty, {"TERM": "xterm"}) == "standard input is not a terminal"
        assert why_no_screen(tty, pipe, tty, {"TERM": "xterm"}) == "standard output is not a terminal"
        assert why_no_screen(tty, tty, pipe, {"TERM": "xterm"}) == "standard error is not a terminal"


@pytest.mark.parametrize(
    ("choice", "environ", "color"),
    [
        ("auto", {}, True),
        ("auto", {"NO_COLOR": ""}, True),
        ("auto", {"NO_COLOR": "1"}, False),
        ("auto", {"NO_COLOR": "0"}, False),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {}, False),
    ],
)
def test_no_color_counts_when_it_is_not_empty(
    choice: Literal["auto", "always", "never"], environ: dict[str, str], color: bool
) -> None:
    assert wants_color(choice, environ) is color


@pytest.mark.parametrize(("term", "copies"), [("xterm-256color", True), ("linux", False), ("dumb", False), ("", False)])
def test_only_terminals_that_may_have_a_clipboard_are_asked(term: str, copies: bool) -> None:
    assert can_copy({"TERM": term}) is copies
