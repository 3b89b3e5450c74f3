"""Cuts what a terminal sends into keys and sequences: bad bytes and the terminal's answers are dropped. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

ESCAPE: Final = "\x1b"
STRINGS: Final = frozenset("]PX^_")
"""Behind an escape they begin a string that ends with BEL or ESC \\: OSC, DCS, SOS, PM, APC (ECMA-48). Only terminals
send them, as answers."""
WAIT: Final = 0.05
"""Seconds in which the parts of a sequence follow each other; a lone Escape acts after as long."""
LONGEST: Final = 4096
"""Characters of a sequence, after which it is dropped."""
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
KNOWN: Final = re.compile(
    r"\x1b\[(?:<[-\d;]+[mM]|M...|[IO]|200~|201~|[\d:;]*[u~ABCDEFHPQRSZ]|\[[A-E]|\?\d+;\d+\$y|48;[\d:;]+t)", re.DOTALL
)
"""The CSI sequences that are keys, mouse, focus, paste, or what Textual asks for. All others are answers."""
REPEATED: Final = frozenset("jk[]{}+-=<>,.") | {"\t"}
"""Keys that move: held down over a slow line they come several in one read, and count as often."""
INTERRUPT: Final = "\x03"
"""Ctrl+C ends the program whatever stands around it."""
OPENERS: Final = ("g", "/")
"""Keys that open a line to type into: what follows in the same read is typed there."""


class Tokenizer:
    """Cuts bytes into pieces for a parser of keys: each piece is whole.

    What was typed by a person comes one key at a time. So different printable characters in one read are no keys but
    an answer of the terminal that has lost its escape (microsoft/terminal#18600), unless they go into a line of text.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
        self._open = ""
        """An unfinished sequence."""
        self._pasting = False

    @property
    def waits(self) -> bool:
        """Whether a sequence is unfinished: then ``flush`` after ``WAIT`` seconds without more."""
        return bool(self._open)

    def feed(self, data: bytes, *, typing: bool = False) -> list[str]:
        """The pieces in what was read at once.

        Args:
            data: what was read.
            typing: whether a line of text has the focus.
        """
        text, self._open = self._open + self._decode(data), ""
        pieces: list[str] = []
        plain = ""
        position = 0
        while position < len(text):
            if text[position] != ESCAPE:
                plain += text[position]
                position += 1
                continue
            pieces += self._plain(plain, typing=typing)
            plain = ""
            end = end_of(text, position)
            if end is None:
                self._open = text[position:] if len(text) - position <= LONGEST else ""
                return pieces
            pieces += self._sequence(text[position:end])
            position = end
        return pieces + list(self._plain(plain, typing=typing))

    def flush(self) -> list[str]:
        """The pieces of a sequence to which nothing more has come."""
        left, self._open = self._open, ""
        if len(left) > 2:
            return []  # an answer that was torn, or a key that was: neither can be told
        return list(left)

    def _sequence(self, sequence: str) -> Iterator[str]:
        if sequence == ESCAPE:
            yield ESCAPE
        elif sequence[1] == "[":
            if KNOWN.fullmatch(sequence):
                self._pasting = sequence == PASTE_BEGINS or (self._pasting and sequence != PASTE_ENDS)
                yield sequence
        elif sequence[1] == "O" and len(sequence) == 3:
            yield sequence
        elif sequence[1] not in STRINGS and sequence[1] != "\\":  # that is the end of an answer that was torn
            yield ESCAPE
            yield sequence[1]

    def _plain(self, text: str, *, typing: bool) -> Iterator[str]:
        if not text:
            return
        if self._pasting or typing or text.startswith(OPENERS) or len(text) == 1:
            yield from ([text] if self._pasting else text)
            return
        printable = {char for char in text if char.isprintable()}
        if len(printable) > 1:
            yield from (char for char in text if char == INTERRUPT)
            return
        seen = ""
        for char in text:
            if char not in seen or char in REPEATED:
                yield char
            seen += char


def end_of(text: str, start: int) -> int | None:
    """Where the sequence at ``start`` ends, which is an escape; None while it is not whole."""
    if start + 1 >= len(text):
        return None
    kind = text[start + 1]
    if kind == ESCAPE:
        return start + 1
    if kind == "[":
        return end_of_csi(text, start)
    if kind == "O":
        return start + 3 if start + 2 < len(text) else None
    if kind in STRINGS:
        ends = [
            text.find(mark, start + 2) + len(mark) for mark in ("\x07", "\x1b\\") if text.find(mark, start + 2) >= 0
        ]
        return min(ends, default=None)
    return start + 2


def end_of_csi(text: str, start: int) -> int | None:
    """The same for a control sequence: parameters, then a final character (ECMA-48 5.4)."""
    position = start + 2
    if text[position : position + 1] == "[":  # the Linux console's function keys
        return position + 2 if position + 1 < len(text) else None
    if text[position : position + 1] == "M":  # the mouse in its oldest encoding
        return position + 4 if position + 3 < len(text) else None
    while position < len(text):
        if text[position] == ESCAPE:
            return position
        if "@" <= text[position] <= "~":
            return position + 1
        position += 1
    return None
