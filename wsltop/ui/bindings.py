"""The one table of keys: bindings, footer, help and palette are made from it."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, NamedTuple

from textual.binding import Binding, BindingType

from wsltop.reclaim.actions import ACTIONS

Group = Literal["hogs", "replay", "view", "events", "program"]
GROUPS: Final[tuple[tuple[Group, str], ...]] = (
    ("hogs", "Hogs, and giving memory back"),
    ("replay", "Going through time"),
    ("view", "View"),
    ("events", "Events"),
    ("program", "Program"),
)


class Key(NamedTuple):
    """One thing a user can do."""

    keys: str
    """Textual's names of the keys, separated by commas."""
    shown: str
    """How people write them."""
    action: str
    label: str
    """One or two words, for the footer."""
    help: str
    """What it does, for help and palette; empty when the row above it in the help speaks for it."""
    group: Group
    footer: int = 0
    """Place in the footer, the lowest first; 0 keeps it out of the footer."""
    pinned: bool = False
    """Stands at the right end of the footer, whatever gives way."""


KEYS: Final = (
    Key("a", "a", "add_hogs(1)", "add", "Add a hog of that size", "hogs", 1),
    Key("A", "A", "add_hogs(4)", "four", "Add four, as stress --vm 4", "hogs", 2),
    Key("x,delete", "x", "kill_hog", "kill", "Kill the selected or newest", "hogs", 3),
    Key("X", "X", "kill_hogs", "kill all", "Kill all hogs", "hogs", 4),
    Key("less_than_sign", "< >", "size(-1)", "smaller", "Size of the next hog", "hogs", 13),
    Key("greater_than_sign", ">", "size(1)", "larger", "", "hogs", 14),
    Key("t", "t", "kind", "kind", "Kind of the next hog", "hogs", 22),
    Key("e", "e", "experiment", "experiment", "Load, kill, watch: measured", "hogs", 23),
    Key("c", "c", "act('compact')", "compact", "Compact memory; asks first", "hogs", 6),
    Key("d", "d D", "act('drop-cache')", "drop", "Drop cache, D slab too; asks", "hogs", 7),
    Key("D", "D", "act('drop-all')", "drop all", "", "hogs", 19),
    Key("m", "m u", "act('reclaim')", "reclaim", "Some cache, u by a hog; asks", "hogs", 25),
    Key("u", "u", "act('pressure')", "pressure", "", "hogs", 26),
    Key("space", "space", "pause", "pause", "Pause; [ ] { } g look back", "view", 5),
    Key("v", "v", "card('verdict')", "verdict", "All findings, what to do", "view", 8),
    Key("b", "b", "card('ledger')", "bytes", "Every byte, what comes back", "view", 11),
    Key("p", "p", "card('holders')", "processes", "Who holds the memory", "view", 12),
    Key("plus,equals_sign", "+ -", "zoom(-1)", "zoom in", "Shorter or longer time", "view", 20),
    Key("minus", "-", "zoom(1)", "zoom out", "", "view", 21),
    Key("0", "0", "reset_zoom", "5 min", "The last 5 minutes", "view"),
    Key("1", "1-6", "fold('memory')", "memory on or off", "Panels on or off, in order", "view"),
    Key("2", "2", "fold('timeline')", "timeline on or off", "", "view"),
    Key("3", "3", "fold('hogs')", "hogs on or off", "", "view"),
    Key("4", "4", "fold('events')", "events on or off", "", "view"),
    Key("5", "5", "fold('verdict')", "verdict on or off", "", "view"),
    Key("6", "6", "fold('gate')", "idle gate on or off", "", "view"),
    Key("tab", "tab", "app.focus_next", "focus", "Go between hogs and events", "view"),
    Key("j,down", "j k", "move(1)", "down", "Move in the list; arrows too", "view"),
    Key("k,up", "k", "move(-1)", "up", "", "view"),
    Key("f", "f", "filter", "filter", "Memory events, or all", "events", 9),
    Key("pageup", "PgUp Dn", "page(-1)", "back", "Look back, stop following", "events"),
    Key("pagedown", "PgDn", "page(1)", "on", "", "events"),
    Key("home", "Home", "first", "first", "The first event", "events"),
    Key("end,G", "End", "follow", "follow", "Follow the newest again", "events", 15),
    Key("left_square_bracket", "[ ]", "step(-1)", "step", "One sample back or on", "replay", 1),
    Key("right_square_bracket", "]", "step(1)", "step on", "", "replay"),
    Key("left_curly_bracket", "{ }", "seek(-1)", "event", "The event before or after", "replay", 3),
    Key("right_curly_bracket", "}", "seek(1)", "next event", "", "replay"),
    Key("g", "g", "go_to", "go to", "Go to a time", "replay", 6),
    Key("comma", ", .", "speed(-1)", "speed", "Play slower or faster", "replay", 17),
    Key("full_stop", ".", "speed(1)", "faster", "", "replay"),
    Key("z", "z", "rest", "rest", "Look every 4 s until a key", "program"),
    Key("r", "r", "record", "record", "Record to a file, or end it", "program", 24),
    Key("y", "y s", "copy", "copy", "Copy a report, s a picture", "program", 10),
    Key("s", "s", "save_screenshot", "screenshot", "", "program", 16),
    Key("ctrl+p", "ctrl+p", "app.command_palette", "palette", "All commands, and themes", "program"),
    Key("question_mark,h,f1", "? h F1", "help", "help", "This help", "program", 1, True),
    Key("q", "q", "app.quit", "quit", "Quit; all hogs end", "program", 2, True),
)


def describe(key: Key) -> str:
    """What a key does, in a phrase."""
    name, parameters = action_name(key)
    if name == "act":  # two of them share a row of the help
        return next(action.title for action in ACTIONS.values() if action.name in parameters)
    return key.help or f"{key.label[0].upper()}{key.label[1:]}"


def bindings() -> list[BindingType]:
    """Textual's bindings of the table."""
    return [Binding(key.keys, key.action, key.label, show=False, tooltip=describe(key), id=key.action) for key in KEYS]


@cache
def action_name(key: Key) -> tuple[str, tuple[object, ...]]:
    """The action's name and its parameters, as ``check_action`` gets them."""
    name, _, rest = key.action.partition("(")
    text = rest.rstrip(")")
    if not text:
        return name, ()
    return name, (text.strip("'"),) if text.startswith("'") else (int(text),)
