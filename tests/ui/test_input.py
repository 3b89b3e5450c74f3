"""What a terminal sends, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.ui.input import (
    ESCAPE_DELAY,
    PASTE_DELAY,
    TORN_DELAY,
    Cursor,
    Escape,
    InputDecoder,
    Pasted,
    Sequence,
    Text,
    Unit,
    typed,
)


def units(*pieces: bytes, gap: float = 0.0, wait: bool = True) -> list[Unit]:
    """All that comes of pieces that arrive ``gap`` seconds apart."""
    decoder, now, found = InputDecoder(), 0.0, []
    for piece in pieces:
        found += decoder.expire(now)
        found += decoder.feed(piece, now)
        now += gap
    if wait:
        while (due := decoder.due) is not None:
            found += decoder.expire(due)
    return found


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (b"j", [Text("j")]),
        ("é漢".encode(), [Text("é漢")]),
        (b"\x1b", [Escape()]),
        (b"\x1b\x1b", [Escape(), Escape()]),
        (b"\x1bq", [Escape(), Text("q")]),
        (b"\x1b[A", [Sequence("\x1b[A")]),
        (b"\x1bOP", [Sequence("\x1bOP")]),
        (b"\x1b[[A", [Sequence("\x1b[[A")]),
        (b"\x1b[15~", [Sequence("\x1b[15~")]),
        (b"\x1b[1;5C", [Sequence("\x1b[1;5C")]),
        (b"\x1b[1;2R", [Sequence("\x1b[1;2R")]),
        (b"\x1b[2;21R", [Cursor(2, 21)]),
        (b"\x1b[97u", [Sequence("\x1b[97u")]),
        (b"\x1b[97;5:1u", [Sequence("\x1b[97;5u")]),
        (b"\x1b[97:65;2;65u", [Sequence("\x1b[97;2;65u")]),
        (b"\x1b[<0;12;3M\x1b[<0;12;3m", [Sequence("\x1b[<0;12;3M"), Sequence("\x1b[<0;12;3m")]),
        (b"\x1b[?2026;2$y", [Sequence("\x1b[?2026;2$y")]),
        (b"\x1b[I", [Sequence("\x1b[I")]),
        (b"\x1b[200~a\r\nb\x1b[201~c", [Pasted("a\r\nb"), Text("c")]),
    ],
)
def test_keys_and_the_mouse(sent: bytes, wanted: list[Unit]) -> None:
    assert units(sent) == wanted


@pytest.mark.parametrize(
    "sent",
    [
        b"\xe9",
        b"\xff\xfe",
        b"\0",
        b"\xc2\x9b",
        b"\x1b[M \x84\x90",
        b"\x1b[9999999999u",
        b"\x1b[1114112u",
        b"\x1b[55296u",
        b"\x1b[97;5:99u",
        b"\x1b[97;1:3u",
        b"\x1b[48;99999;99999;0;0t",
        b"\x1b[?62;22c",
        b"\x1b[>0;276;0c",
        b"\x1b[<32;-5;3M",
        b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
        b"\x1b]11;rgb:0c0c/0c0c/0c0c\x07",
        b"\x1bP>|tmux 3.4\x1b\\",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b[0n",
        b"\x1b[4;480;640t",
        b"\x1b[>0;10;1c",
        b"\x1b[12;",
        b"\x1b]11;rgb:ff",
        b"\x1bPq" + b"x" * 70_000,
    ],
)
def test_what_no_key_sends_is_dropped(sent: bytes) -> None:
    assert units(sent) == []
    assert units(sent, b"j", gap=0.2)[-1] == Text("j")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_an_answer_in_parts_does_nothing(size: int) -> None:
    answer = b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\"
    pieces = [answer[start : start + size] for start in range(0, len(answer), size)]
    assert units(*pieces, gap=TORN_DELAY / 2) == []


def test_a_torn_key_is_one_key() -> None:
    assert units(b"\x1b", b"[", b"A", gap=TORN_DELAY / 2) == [Sequence("\x1b[A")]
    assert units(b"\xe6", b"\x97\xa5", gap=0.01) == [Text("日")]


def test_escape_acts_soon_and_takes_no_key_with_it() -> None:
    decoder = InputDecoder()
    assert decoder.feed(b"\x1b", 10.0) == []
    assert decoder.due == pytest.approx(10.0 + ESCAPE_DELAY)
    assert decoder.expire(10.0 + ESCAPE_DELAY / 2) == []
    assert decoder.expire(10.0 + ESCAPE_DELAY) == [Escape()]
    assert decoder.feed(b"y", 10.2) == [Text("y")]


def test_a_paste_without_an_end_ends_by_itself() -> None:
    decoder = InputDecoder()
    decoder.feed(b"\x1b[200~abc", 5.0)
    assert decoder.expire(5.0 + PASTE_DELAY) == [Pasted("abc")]
    assert decoder.feed(b"q", 7.0) == [Text("q")]


def test_the_end_of_a_paste_may_be_torn() -> None:
    assert units(b"\x1b[200~ab\x1b[2", b"01~c") == [Pasted("ab"), Text("c")]


@given(st.lists(st.binary(max_size=40), max_size=8), st.floats(0, 0.3))
def test_no_bytes_are_too_odd(pieces: list[bytes], gap: float) -> None:
    for unit in units(*pieces, gap=gap):
        if isinstance(unit, Sequence):
            assert unit.text.startswith("\x1b")
            assert unit.text.isascii()


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30))
def test_letters_arrive_as_they_were_sent(text: str) -> None:
    assert units(text.encode()) == [Text(text)]


@pytest.mark.parametrize(
    ("run", "in_text_box", "wanted"),
    [
        ("c", False, "c"),
        ("cy", False, ""),
        ("directory", False, ""),
        ("10;rgb:ffff/ffff/ffff", False, ""),
        ("jjjj", False, "jjjj"),
        ("<<<", False, "<<<"),
        ("yyy", False, "y"),
        ("\r\r", False, "\r"),
        ("g-5m\r", False, "g-5m\r"),
        ("/node", False, "/node"),
        ("cy", True, "cy"),
        ("ab\x03cd", False, "\x03"),
        ("theme\r\r", True, "theme\r"),
    ],
)
def test_what_counts_of_a_burst(run: str, in_text_box: bool, wanted: str) -> None:
    assert typed(run, in_text_box=in_text_box) == wanted
