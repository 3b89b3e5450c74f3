"""Text of strangers, made safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import controls
from wsltop.model.text import ascii_only, clean

FORBIDDEN = controls()

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x9b\x9d\x90[]P^_X;m?0\x07\\\x9c\u202e\u2066\u200f\t\n\r\x7f\u2028日\ud800"),
    ),
    max_size=40,
)


def test_the_forbidden_characters_are_those_that_are_known_to_do_harm() -> None:
    assert {0x00, 0x07, 0x0A, 0x1B, 0x7F, 0x85, 0x9B, 0x202E, 0x2066, 0x2069} <= FORBIDDEN
    assert not FORBIDDEN & set(range(0x20, 0x7F))


@given(HOSTILE)
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    cleaned = clean(text)
    assert not FORBIDDEN.intersection(map(ord, cleaned))
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in cleaned}
    cleaned.encode()


@given(HOSTILE)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"])))
def test_what_can_be_read_stays(text: str) -> None:
    assert clean(text) == text


def test_every_control_character_alone_and_in_a_word_goes() -> None:
    for code in FORBIDDEN - {0x1B, 0x9B}:
        assert clean(f"a{chr(code)}b") in {"ab", "a b"}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("日本語 한국어 Ünïcödé €", "日本語 한국어 Ünïcödé €"),
        ("שלום مرحبا", "שלום مرحبا"),
        ("😀 e\u0301", "😀 e\u0301"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;2;1;2;3mred", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07rest", "rest"),
        ("\x1b]52;c;ZXZpbA==\x1b\\rest", "rest"),
        ("\x1bP1$r\x1b\\rest", "rest"),
        ("\x1b]8;;http://a\x9crest", "rest"),
        ("\x1b]0;never ends", ""),
        ("\x1bcreset", "reset"),
        ("\x1b(0line", "line"),
        ("\x1b", ""),
        ("\x1b\x1b[31m", ""),
        ("\x1b\u200b[31mred", "[31mred"),
        ("exe\u202egnp.exe", "exegnp.exe"),
        ("\u2066a\u2069\u200e\u200f\u061c", "a"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("a\tb\nc\r\nd\ve\ff", "a b c  d e f"),
        ("line\u2028end\u0085", "lineend"),
        ("half\ud83d", "half"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
        ("", ""),
    ],
)
def test_known_tricks(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(("text", "shown"), [("plain", "plain"), ("日本 Ü", "?? ?"), ("", "")])
def test_an_ascii_terminal_gets_ascii(text: str, shown: str) -> None:
    assert ascii_only(text) == shown
