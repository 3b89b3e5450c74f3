"""The script of a toast: its grammar, its words, and that no text of ours is in it."""

from __future__ import annotations

import pytest

from tests.host.test_script import WORDS, parse
from wsltop.host.toast import LONGEST, SCRIPT, encode_text


def test_the_script_is_grammatical() -> None:
    assert not parse(SCRIPT).has_error
    assert parse(SCRIPT[:-1]).has_error


@pytest.mark.parametrize("bad", ['"', "%", "\\", "\n", "\r", "`", "^", "<", ">", "&", "  ", "$input"])
def test_the_script_survives_every_quoting(bad: str) -> None:
    assert bad not in SCRIPT


def test_the_script_has_no_word_that_windows_logs_as_a_warning() -> None:
    assert [word for word in WORDS.split() if word.lower() in SCRIPT.lower()] == []


def test_it_prints_before_it_reads_its_input() -> None:
    assert SCRIPT.index("WriteLine") < SCRIPT.index("ReadLine")


@pytest.mark.parametrize("text", ["plain", "日本 😀", '\';rm -rf "$x" `n', "\x1b]0;x\x07", ""])
def test_a_text_is_digits_and_commas(text: str) -> None:
    data = encode_text(text)
    assert data
    assert set(data) <= set(b"0123456789,")
    units = [int(code) for code in data.split(b",")]
    shown = b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le")
    assert not any(ord(char) < 32 for char in shown)


def test_a_text_is_cut() -> None:
    assert encode_text("x" * 5000).count(b",") == LONGEST - 1
