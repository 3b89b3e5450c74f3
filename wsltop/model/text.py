"""Text from outside, made safe to show.

Process names, kernel messages and what Windows prints are written by strangers. A terminal obeys control
characters, and bidirectional marks reorder what the reader sees, so neither may reach the screen.
"""

from __future__ import annotations

import re
import unicodedata

ESCAPE_SEQUENCE = re.compile(
    r"""
      \x1b\[ [0-?]* [ -/]* [@-~]                          # CSI: colors, cursor
    | \x1b[\]P^_X] [^\x07\x1b\x9c]* (?:\x07|\x1b\\|\x9c)? # OSC, DCS, PM, APC, SOS: titles, clipboard
    | \x9b [0-?]* [ -/]* [@-~]                            # CSI as one C1 character
    | \x1b [ -/]* [0-~]                                   # two-character sequences
    """,
    re.VERBOSE,
)
REMOVED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (bidirectional marks, zero-width), surrogate, private, unassigned, line and paragraph separators."""


def clean(text: str) -> str:
    """Strip escape sequences, control and bidirectional characters; white space becomes single blanks' width."""
    if text.isprintable():  # nothing of the categories below is
        return text
    text = ESCAPE_SEQUENCE.sub("", text)
    text = re.sub(r"[\t\n\r\v\f]", " ", text)
    return "".join(char for char in text if unicodedata.category(char) not in REMOVED_CATEGORIES)


def ascii_only(text: str) -> str:
    """Replace what an ASCII terminal cannot show by ``?``."""
    return text if text.isascii() else text.encode("ascii", "replace").decode("ascii")
