"""What a terminal sends, cut into keys and sequences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.ui.tokens import Tokenizer

ESC = "\x1b"
ANSWERS = [
    b"\x1b]11;rgb:0c0c/0c0c/0c0c\x1b\\",
    b"\x1b]10;rgb:ffff/ffff/ffff\x07",
    b"\x1bP>|tmux 3.3a\x1b\\",
    b"\x1b_Gi=1;OK\x1b\\",
    b"\x1b[?62;4;22c",
    b"\x1b[>0;10;1c",
    b"\x1b[0n",
    b"\x1b[4;480;640t",
    b"]11;rgb:0c0c/0c0c/0c0c\\",
    b"]11;rgb:0c0c/0c0c/0c0c",
    b"10;rgb:ffff/ffff/ffff\\",
    b"10;rgb:ffff/ffff/ffff",
]
"""As terminals send them, and as tmux 3852 and terminal 18600 pass them on, without their escapes."""


def pieces(*reads: bytes, typing: bool = False) -> list[str]:
    """What comes out of some reads after which nothing more comes."""
    tokenizer = Tokenizer()
    made = [piece for data in reads for piece in tokenizer.feed(data, typing=typing)]
    return made + tokenizer.flush()


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_of_the_terminal_does_nothing(answer: bytes) -> None:
    assert pieces(answer) == []


@pytest.mark.parametrize("answer", [answer for answer in ANSWERS if answer.startswith(b"\x1b")])
def test_nor_does_one_that_comes_in_parts(answer: bytes) -> None:
    for cut in range(1, len(answer)):
        if answer[:cut] != b"\x1b" or answer[1:2] in b"]P_[":
            assert pieces(answer[:cut], answer[cut:]) == [], cut


@pytest.mark.parametrize(
    ("data", "made"),
    [
        (b"a", ["a"]),
        (b"\x1b", [ESC]),
        (b"\x1bx", [ESC, "x"]),
        (b"\x1b\x1b", [ESC, ESC]),
        (b"\x1b[A", ["\x1b[A"]),
        (b"\x1bOP", ["\x1bOP"]),
        (b"\x1b[15~\x1b[B", ["\x1b[15~", "\x1b[B"]),
        (b"\x1b[<0;10;5M\x1b[<0;10;5m", ["\x1b[<0;10;5M", "\x1b[<0;10;5m"]),
        (b"\x1b[97;1u", ["\x1b[97;1u"]),
        (b"\x1b[I", ["\x1b[I"]),
        (b"\x1b[?2026;2$y", ["\x1b[?2026;2$y"]),
        (b"\x03", ["\x03"]),
        (b"g14:03\r", list("g14:03\r")),
        (b"/node\r", list("/node\r")),
    ],
)
def test_keys_and_sequences_come_whole(data: bytes, made: list[str]) -> None:
    assert pieces(data) == made
    if data.startswith(b"\x1b[") or data == b"\x1bOP":
        tokenizer = Tokenizer()
        assert [piece for byte in data for piece in tokenizer.feed(bytes([byte]))] == made


def test_a_key_after_an_escape_is_not_lost() -> None:
    """Textual's input thread lost an Escape and the key after it."""
    tokenizer = Tokenizer()
    assert tokenizer.feed(b"\x1b") == []
    assert tokenizer.waits
    assert tokenizer.flush() == [ESC]
    assert tokenizer.feed(b"q") == ["q"]


@pytest.mark.parametrize(("data", "count"), [(b"jjj", 3), (b"[[[[", 4), (b"aaa", 1), (b"XX", 1), (b"  ", 1)])
def test_a_held_key_moves_as_often_as_it_came_and_acts_once(data: bytes, count: int) -> None:
    assert len(pieces(data)) == count


@pytest.mark.parametrize("data", [b"axX", b"rm -rf", "dé".encode()])
def test_different_characters_at_once_are_no_keys_but_text(data: bytes) -> None:
    assert pieces(data) == []
    assert "".join(pieces(data, typing=True)) == data.decode()


def test_control_c_ends_whatever_stands_around_it() -> None:
    assert pieces(b"ab\x03cd") == ["\x03"]


def test_bad_bytes_are_dropped() -> None:
    assert pieces(b"\xff\xfe") == []
    assert pieces(b"\xc3", b"\xa9") == ["é"]
    assert pieces(b"\xff", b"a") == ["a"]


def test_what_is_pasted_comes_as_one_text() -> None:
    assert pieces(b"\x1b[200~rm -rf /\x1b[201~q") == ["\x1b[200~", "rm -rf /", "\x1b[201~", "q"]


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_whatever_comes_is_cut_and_nothing_waits_for_ever(reads: list[bytes]) -> None:
    tokenizer = Tokenizer()
    for data in reads:
        tokenizer.feed(data)
    tokenizer.flush()
    assert not tokenizer.waits
