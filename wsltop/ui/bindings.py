"""The one table of keys: bindings, footer, help and palette are made from it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final, Literal, NamedTuple

from textual.binding import Binding, BindingType

from wsltop.reclaim.actions import ACTIONS

Group = Literal["hogs", "replay", "view", "events", "program"]
Need = Literal["live", "hogs", "travel", "look-back", "play", "back"]
"""What an action needs: this machine, a hog that can be killed, a way to earlier samples, a look back of the live
screen, a recording that plays, a list that stands still."""
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
    """What it does, for the help; empty when the row above it speaks for it."""
    group: Group
    footer: int = 0
    """Place in the footer, the lowest first; 0 keeps it out of the footer."""
    pinned: bool = False
    """Stands at the right end of the footer, whatever gives way."""
    needs: Need | None = None
    phrase: str = ""
    """What it does, for the palette, where the help does not say it."""


KEYS: Final = (
    Key(
        "a",
        "a",
        "app.add_hogs(1)",
        "hog",
        "Add a hog of that size",
        "hogs",
        1,
        needs="live",
        phrase="Add a hog: a process that takes memory",
    ),
    Key(
        "A",
        "A",
        "app.add_hogs(4)",
        "four",
        "Add four, as stress --vm 4",
        "hogs",
        12,
        needs="live",
        phrase="Add four hogs, as stress --vm 4 does",
    ),
    Key(
        "x",
        "x",
        "app.kill_hog",
        "kill",
        "Kill the selected or newest",
        "hogs",
        2,
        needs="hogs",
        phrase="Kill the selected hog, or the newest",
    ),
    Key("X", "X", "app.kill_hogs", "all", "Kill all hogs", "hogs", 3, needs="hogs"),
    Key(
        "less_than_sign",
        "< >",
        "size(-1)",
        "smaller",
        "Size of the next hog",
        "hogs",
        16,
        needs="live",
        phrase="Make the next hog smaller",
    ),
    Key("greater_than_sign", ">", "size(1)", "larger", "", "hogs", 17, needs="live", phrase="Make the next hog larger"),
    Key(
        "t",
        "t",
        "kind",
        "kind",
        "Kind of the next hog",
        "hogs",
        18,
        needs="live",
        phrase="Change the kind of the next hog",
    ),
    Key(
        "e",
        "e",
        "app.experiment",
        "demo",
        "Load, kill, watch: measured",
        "hogs",
        6,
        needs="live",
        phrase="Plan the demo: load, kill, and watch Windows get it back",
    ),
    Key("c", "c", "app.act('compact')", "compact", "Compact memory; asks first", "hogs", 4, needs="live"),
    Key("d", "d D", "app.act('drop-cache')", "drop", "Drop cache (D: slab); asks", "hogs", 5, needs="live"),
    Key("D", "D", "app.act('drop-all')", "drop all", "", "hogs", 20, needs="live"),
    Key("m", "m u", "app.act('reclaim')", "reclaim", "Reclaim (u: by hog); asks", "hogs", 14, needs="live"),
    Key("u", "u", "app.act('pressure')", "pressure", "", "hogs", 23, needs="live"),
    Key(
        "space",
        "space",
        "app.pause",
        "pause",
        "Pause; [ ] { } g look back",
        "view",
        10,
        phrase="Pause the screen, or go on",
    ),
    Key(
        "v",
        "v",
        "app.card('verdict')",
        "why",
        "All findings, what to do",
        "view",
        7,
        phrase="Show all findings and what to do",
    ),
    Key(
        "b",
        "b",
        "app.card('ledger')",
        "bytes",
        "Every byte, what comes back",
        "view",
        8,
        phrase="Show every byte and what could come back",
    ),
    Key(
        "p",
        "p /",
        "app.card('holders')",
        "who",
        "Who holds it (/ finds)",
        "view",
        9,
        phrase="Show who holds the memory",
    ),
    Key("slash", "/", "app.find_process", "find", "", "view", phrase="Find a process by its name or its command line"),
    Key(
        "plus,equals_sign",
        "+ -",
        "zoom(-1)",
        "zoom in",
        "Shorter or longer time",
        "view",
        21,
        phrase="Show a shorter time",
    ),
    Key("minus", "-", "zoom(1)", "zoom out", "", "view", 22, phrase="Show a longer time"),
    Key(
        "0",
        "0",
        "reset_zoom",
        "5 min",
        "The last 5 minutes",
        "view",
        phrase="Show the last 5 minutes, or the whole recording",
    ),
    Key("tab", "tab", "app.focus_next", "focus", "Go between hogs and events", "view", phrase="Go to the other list"),
    Key("j,down", "j k", "move(1)", "down", "Move in the list; arrows too", "view", phrase="Go down in the list"),
    Key("k,up", "k", "move(-1)", "up", "", "view", phrase="Go up in the list"),
    Key(
        "f",
        "f",
        "filter",
        "filter",
        "Memory events, or all",
        "events",
        11,
        phrase="Show memory events only, or all of the log",
    ),
    Key(
        "pageup",
        "PgUp Dn",
        "page(-1)",
        "back",
        "Scroll up, stop following",
        "events",
        phrase="Go a page back in the events",
    ),
    Key("pagedown", "PgDn", "page(1)", "on", "", "events", phrase="Go a page on in the events"),
    Key("home", "Home", "first", "first", "The first event", "events", phrase="Go to the first event"),
    Key(
        "end,G",
        "End",
        "follow",
        "follow",
        "Follow the newest again",
        "events",
        -1,
        needs="back",
        phrase="Follow the newest events again",
    ),
    Key("enter", "Enter", "app.open_event", "open", "", "events", phrase="Open the selected event"),
    Key(
        "left_square_bracket",
        "[ ]",
        "app.step(-1)",
        "step",
        "One sample back or on",
        "replay",
        31,
        needs="travel",
        phrase="Go back by one sample",
    ),
    Key(
        "right_square_bracket",
        "]",
        "app.step(1)",
        "step on",
        "",
        "replay",
        needs="travel",
        phrase="Go on by one sample",
    ),
    Key(
        "left_curly_bracket",
        "{ }",
        "app.seek(-1)",
        "event",
        "The last or next event",
        "replay",
        32,
        needs="travel",
        phrase="Go to the last event",
    ),
    Key(
        "right_curly_bracket",
        "}",
        "app.seek(1)",
        "next event",
        "",
        "replay",
        needs="travel",
        phrase="Go to the next event",
    ),
    Key("g", "g", "app.go_to", "go to", "Go to a time", "replay", 33, needs="travel"),
    Key("escape", "Esc", "app.live", "live", "", "replay", 34, needs="look-back", phrase="Show what goes on now again"),
    Key(
        "comma",
        ", .",
        "app.speed(-1)",
        "speed",
        "Play slower or faster",
        "replay",
        35,
        needs="play",
        phrase="Play slower",
    ),
    Key("full_stop", ".", "app.speed(1)", "faster", "", "replay", needs="play", phrase="Play faster"),
    Key(
        "z",
        "z",
        "app.rest",
        "rest",
        "Slow to 4 s until a key",
        "program",
        needs="live",
        phrase="Rest: sample every 4 s until a key is pressed",
    ),
    Key(
        "r",
        "r",
        "app.record",
        "record",
        "Record to a file, or end it",
        "program",
        13,
        needs="live",
        phrase="Record to a file, or end the recording",
    ),
    Key(
        "y",
        "y s",
        "app.copy",
        "copy",
        "Copy report (s: picture)",
        "program",
        15,
        phrase="Copy a report of what the screen shows",
    ),
    Key("s", "s", "app.save_screenshot", "picture", "", "program", 19, phrase="Save a picture of the screen"),
    Key("ctrl+p", "ctrl+p", "app.command_palette", "palette", "All commands, and themes", "program"),
    Key(
        "question_mark,h,f1",
        "? h F1",
        "app.help",
        "help",
        "This help",
        "program",
        1,
        True,
        phrase="Help: all keys, and what the words mean",
    ),
    Key("q", "q", "app.quit", "quit", "Quit; all hogs end", "program", 2, True, phrase="Quit; all hogs end"),
)


def describe(key: Key) -> str:
    """What a key does, in a phrase."""
    name, parameters = action_name(key)
    if name == "act":  # two of them share a row of the help
        return next(action.title for action in ACTIONS.values() if action.name in parameters)
    return key.phrase or key.help


def bindings(keys: Iterable[Key]) -> list[BindingType]:
    """Textual's bindings of ``keys``."""
    return [Binding(key.keys, key.action, key.label, show=False, tooltip=describe(key), id=key.action) for key in keys]


@cache
def action_name(key: Key) -> tuple[str, tuple[object, ...]]:
    """The action's name and its parameters, as ``check_action`` gets them."""
    name, _, rest = key.action.removeprefix("app.").partition("(")
    text = rest.rstrip(")")
    if not text:
        return name, ()
    return name, (text.strip("'"),) if text.startswith("'") else (int(text),)


NEEDS: Final = {action_name(key)[0]: key.needs for key in KEYS}
"""What each action needs, by its name."""
