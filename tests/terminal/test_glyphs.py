"""Terminals that draw the glyphs of the screen two cells wide get the ascii ones."""

from __future__ import annotations

import time

import pytest

from tests.terminal.conftest import Open
from tests.terminal.harness import Terminal
from wsltop.ui.driver import SAMPLE, WIDTH_PATIENCE

pytestmark = pytest.mark.slow
ASK = b"\x1b[6n"


def wait_for_question(terminal: Terminal) -> None:
    terminal.wait_until(lambda: ASK in terminal.raw, what="the question where the cursor is")


def answer(cells: int) -> bytes:
    """What a terminal says that draws each glyph ``cells`` wide."""
    return f"\x1b[2;{len(SAMPLE) * cells + 1}R".encode()


@pytest.mark.parametrize("torn", [False, True])
def test_a_terminal_that_draws_them_two_cells_wide_gets_ascii(open_terminal: Open, torn: bool) -> None:
    terminal = open_terminal("--host", "none")
    wait_for_question(terminal)
    said = answer(2)
    for part in (said[:4], said[4:]) if torn else (said,):
        terminal.send(part)
        time.sleep(0.01)
    terminal.wait_for_frame()
    terminal.wait_until(lambda: terminal.text.isascii(), what="nothing but ascii")
    terminal.press("b")
    terminal.wait_for("Esc close")
    assert terminal.text.isascii()
    assert terminal.raw.count(ASK) == 1


@pytest.mark.parametrize("said", [answer(1), b"", b"\x1b[1;41R", b"\x1b[2;1R"])
def test_any_other_answer_and_none_change_nothing(open_terminal: Open, said: bytes) -> None:
    terminal = open_terminal("--host", "none")
    wait_for_question(terminal)
    terminal.send(said)
    terminal.wait_for_frame()
    time.sleep(0.3)
    assert "──" in terminal.text
    assert SAMPLE not in terminal.text
    terminal.press("q")
    assert terminal.wait_for_end() == 0


def test_a_late_answer_is_not_believed(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none")
    wait_for_question(terminal)
    time.sleep(WIDTH_PATIENCE + 0.1)
    terminal.send(answer(2))
    terminal.wait_for_frame()
    time.sleep(0.3)
    assert "──" in terminal.text
    assert "LIVE" in terminal.text


@pytest.mark.parametrize("choice", ["ascii", "block"])
def test_nothing_is_asked_where_the_user_has_chosen(open_terminal: Open, choice: str) -> None:
    terminal = open_terminal("--host", "none", "--glyphs", choice)
    terminal.wait_for_frame()
    assert ASK not in terminal.raw
    assert terminal.text.isascii() == (choice == "ascii")
