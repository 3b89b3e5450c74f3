from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from textual.binding import Binding

from wsltop.charts.cells import ASCII, BLOCK, plain
from wsltop.model.sample import EventKind
from wsltop.ui.app import WsltopApp
from wsltop.ui.bindings import GROUPS, KEYS, Key, action_name, bindings, describe
from wsltop.ui.cards.help import EVENT_SIGNS, help_lines, sign_lines
from wsltop.ui.layout import PANEL_KEYS
from wsltop.ui.main import MainScreen
from wsltop.ui.panels.footer import KeyBar, KeyBarView, KeyHint
from wsltop.ui.panels.panel import width_of

MOVEMENT = {"h", "j", "k", "l", "g", "G", "b", "w", "n", "p", "u", "d", "e", "0", "up", "down", "left", "right"} | {
    "pageup",
    "pagedown",
    "home",
    "end",
    "space",
    "tab",
    "enter",
    "ctrl+n",
    "ctrl+p",
    "ctrl+d",
    "ctrl+u",
    "ctrl+f",
    "ctrl+b",
}


ALL = (*KEYS, *PANEL_KEYS)


def all_keys() -> list[str]:
    return [key for row in ALL for key in row.keys.split(",")]


def test_no_key_does_two_things() -> None:
    assert [key for key, count in Counter(all_keys()).items() if count > 1] == []


@pytest.mark.parametrize("absent", ["hogs", "replay"])
def test_no_two_footer_hints_have_the_same_place_or_words(absent: str) -> None:
    shown = [key for key in KEYS if key.footer and key.group != absent]
    assert max(Counter((key.pinned, key.footer) for key in shown).values()) == 1
    assert max(Counter(key.label for key in shown).values()) == 1


def test_nothing_that_people_move_with_kills() -> None:
    killing = {key for row in KEYS if "kill" in row.action for key in row.keys.split(",")}
    assert killing
    assert not killing & MOVEMENT


@pytest.mark.parametrize("key", ALL, ids=lambda key: key.action)
def test_every_action_exists(key: Key) -> None:
    name, _ = action_name(key)
    owner = WsltopApp if key.action.startswith("app.") else MainScreen
    assert callable(getattr(owner, f"action_{name}"))


@pytest.mark.parametrize("key", ALL, ids=lambda key: key.action)
def test_every_row_of_the_table_is_complete(key: Key) -> None:
    assert key.keys
    assert key.shown.isascii()
    assert key.label
    assert describe(key)
    assert key.group in dict(GROUPS)


def test_the_screen_binds_the_table() -> None:
    bound = [one.key for one in bindings(ALL) if isinstance(one, Binding)]
    assert bound == [key.keys for key in ALL]


@pytest.mark.parametrize(
    ("action", "name"),
    [("app.pause", ("pause", ())), ("size(-1)", ("size", (-1,))), ("fold('hogs')", ("fold", ("hogs",)))],
)
def test_an_action_is_taken_apart(action: str, name: tuple[str, tuple[object, ...]]) -> None:
    assert action_name(Key("a", "a", action, "", "", "view")) == name


@pytest.mark.parametrize("glyphs", [BLOCK, ASCII], ids=["block", "ascii"])
@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize("width", [38, 60, 77])
def test_the_help_card_fits_and_cuts_nothing(glyphs: object, works: bool, width: int) -> None:
    """At 40 columns the two columns of keys were folded into each other."""
    tier = BLOCK if glyphs is BLOCK else ASCII
    lines = help_lines(tier, lambda key: works, width)
    if width == 77:
        assert [plain(line).strip() for line in lines].index("Words") <= 25  # the words are scrolled to
    text = "\n".join(plain(line) for line in lines)
    assert all(width_of(line) <= width for line in lines)
    for key in KEYS:
        if key.group == ("replay" if works else "hogs"):
            continue  # over a recording the replay's keys stand in the place of the hogs'
        assert key.help in text
        assert key.shown in text or not key.help
    if tier is ASCII:
        assert text.isascii()


def test_the_help_card_explains_each_sign_once() -> None:
    """``┊`` was the cursor and a gap, and no sign of an event was explained anywhere."""
    lines = [plain(line).split() for line in sign_lines(77, BLOCK)]
    signs = [words[0] for words in lines if words and len(words[0]) == 1]
    assert len(signs) == len(set(signs))
    kinds = {kind for kinds, _ in EVENT_SIGNS for kind in kinds}
    assert kinds == {*get_args(EventKind), "kill"}
    assert {BLOCK.mark(kind) for kind in kinds} <= set(signs)
    assert {BLOCK.cursor, BLOCK.gap, BLOCK.over, BLOCK.selection, BLOCK.several} <= set(signs)
    for alike, _ in EVENT_SIGNS:
        assert len({BLOCK.mark(kind) for kind in alike}) == 1
        assert len({ASCII.mark(kind) for kind in alike}) == 1


@pytest.mark.parametrize("width", range(10, 201))
def test_the_footer_leaves_hints_out_whole_and_keeps_help_and_quit(width: int) -> None:
    hints = tuple(KeyHint(f"k{number}", f"word{number}") for number in range(12))
    pinned = (KeyHint("?", "help"), KeyHint("q", "quit"))
    bar = KeyBar(BLOCK, id="keys")
    (line,) = bar.paint(KeyBarView(hints, pinned), width, 1)
    text = plain(line)
    assert width_of(line) == width
    if width >= 18:
        assert text.endswith("? help q quit ")
        shown = text.removesuffix("? help q quit ").split("  ")
        assert {one.strip() for one in shown if one.strip()} <= {f"{hint.key} {hint.label}" for hint in hints}


def test_the_key_that_one_wants_now_comes_first_where_it_would_have_no_room() -> None:
    hints = tuple(KeyHint(f"k{number}", "word", now=number == 9) for number in range(12))
    bar = KeyBar(BLOCK, id="keys")
    narrow, wide = (plain(bar.paint(KeyBarView(hints, ()), width, 1)[0]) for width in (40, 200))
    assert narrow.split()[0] == "k9"
    assert wide.split()[0] == "k0"


def test_keys_go_and_never_their_words() -> None:
    """A footer of 80 cells with hogs said "v  b  p  space"."""
    hints = (KeyHint("a", "hog", yields=1), KeyHint("b", "bytes"), KeyHint("space", "pause", yields=2))
    bar = KeyBar(BLOCK, id="keys")
    told = [plain(bar.paint(KeyBarView(hints, ()), width, 1)[0]).split() for width in (31, 24, 19, 12, 8)]
    assert told == [
        ["a", "hog", "b", "bytes", "space", "pause"],
        ["b", "bytes", "space", "pause"],
        ["b", "bytes"],
        ["b", "bytes"],
        ["a", "hog"],
    ]
