"""Splits what a terminal sends into keys, escape sequences and pastes; drops its answers and bad bytes. Pure.

The rules, which do not depend on what the screen shows:

- Bytes that are not UTF-8, NUL and C1 controls are dropped.
- OSC, DCS, SOS, PM and APC strings are answers of the terminal, and dropped whole, as are CSI sequences that neither a
  key nor the mouse sends. A torn one is waited for, 50 ms after each part, then dropped.
- Where the cursor is, below the first row, is an answer that is handed on; in the first row it could be a key (F3).
- Escape is a key 0.1 s after its byte when nothing follows. Escape and a printable that begins no sequence are two
  keys.
- What stands between the brackets of a paste is a paste; one whose end does not come ends after a second.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from typing import Final, NamedTuple, TypeAlias

ESC: Final = 0x1B
ESCAPE_DELAY: Final = 0.1
"""Seconds after which an Escape byte alone is the key."""
TORN_DELAY: Final = 0.05
"""Seconds for which the rest of a torn sequence is waited for."""
PASTE_DELAY: Final = 1.0
"""Seconds of silence after which a paste without an end is over."""
LONGEST_PASTE: Final = 1024 * 1024
LONGEST_STRING: Final = 64 * 1024
"""Bytes of an answer (OSC, DCS) that is waited for."""
LONGEST_CSI: Final = 64
PASTE_BEGIN, PASTE_END = b"\x1b[200~", b"\x1b[201~"
CSI: Final = re.compile(rb"\x1b\[[-0-?]*[ -/]*[@-~]")
CSI_SO_FAR: Final = re.compile(rb"\x1b\[[-0-?]*[ -/]*")
STRING_END: Final = re.compile(rb"\x07|\x1b\\|\x9c")
STRINGS: Final = b"]PX^_"
"""What follows Escape in OSC, DCS, SOS, PM and APC."""
LEADS: Final = b"[O" + STRINGS
"""What follows Escape in any sequence; Escape before another printable is a key of its own."""
KEY: Final = re.compile(
    r"\x1b\[(?:(?P<code>\d{1,7})(?::\d{0,7})*)?"  # the key, with its shifted and base forms (kitty)
    r"(?:;(?P<modifiers>\d{0,3})(?::(?P<event>\d))?(?:;(?P<text>\d{1,7}(?::\d{1,7})*)?)?)?(?P<end>[u~A-HPQRSZ])"
)
OTHER: Final = re.compile(
    r"\x1b\[(?:<\d{1,5};\d{1,5};\d{1,5}[Mm]|\?\d{1,5};\d\$y|[IO])"  # mouse (SGR), an answer about a mode, focus
)
CURSOR: Final = re.compile(rb"\x1b\[(\d{1,5});(\d{1,5})R")
"""The answer to where the cursor is: row and column, from 1 on."""
INTERRUPT: Final = "\x03"
"""Ctrl+C ends the program whatever stands around it."""
MOVES: Final = frozenset("jk<>[]{}+-=,.\t")
"""Keys that move or change a little: held over a slow line they count as often as they came."""


class Text(NamedTuple):
    """Characters of one read, between two sequences."""

    text: str


class Sequence(NamedTuple):
    """A whole escape sequence of a key, the mouse, the focus, or about a mode."""

    text: str


class Escape(NamedTuple):
    """The key."""


class Pasted(NamedTuple):
    """Pasted text."""

    text: str


class Cursor(NamedTuple):
    """Where the cursor is, as the terminal says: from 1 on, below the first row."""

    row: int
    column: int


Unit: TypeAlias = "Text | Sequence | Escape | Pasted | Cursor"


class InputDecoder:
    """Takes the bytes of a terminal as they come, in pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""
        self._paste: bytearray | None = None
        self._touched = 0.0
        self._decoder = getincrementaldecoder("utf-8")("ignore")

    @property
    def due(self) -> float | None:
        """When ``expire`` has something to say, on the caller's clock; None while nothing is waited for."""
        if self._paste is not None:
            return self._touched + PASTE_DELAY
        if not self._rest:
            return None
        return self._touched + (ESCAPE_DELAY if len(self._rest) == 1 else TORN_DELAY)

    def feed(self, data: bytes, now: float) -> list[Unit]:
        """Take the bytes of one read; what they complete."""
        self._touched = now
        self._rest += data
        units: list[Unit] = []
        while self._step(units):
            pass
        return units

    def expire(self, now: float) -> list[Unit]:
        """Give up on what has not been completed in time: an Escape is a key, all else is dropped."""
        if self.due is None or now < self.due:
            return []
        if self._paste is not None:
            return [self._end_paste()]
        alone = len(self._rest) <= 2  # Escape, or Escape and a letter that begins a sequence that did not come
        self._rest = b""
        return [Escape()] if alone else []

    def _step(self, units: list[Unit]) -> bool:
        """Take one unit from the front of what is there; False when there is nothing whole."""
        if self._paste is not None:
            return self._take_paste(units)
        if not self._rest:
            return False
        if self._rest[0] != ESC:
            plain, escape, rest = self._rest.partition(b"\x1b")
            text = self._decoder.decode(plain, final=bool(escape))
            self._rest = escape + rest
            text = "".join(char for char in text if char != "\0" and not "\x80" <= char <= "\x9f")
            if text:
                units.append(Text(text))
            return bool(escape)
        return self._take_sequence(units)

    def _take_sequence(self, units: list[Unit]) -> bool:
        rest = self._rest
        if len(rest) == 1:
            return False
        lead = rest[1]
        if lead not in LEADS:
            units.append(Escape())
            self._rest = rest[1:]
            return True
        if lead in STRINGS:
            end = STRING_END.search(rest, 2)
            if end is None:
                self._rest = rest if len(rest) <= LONGEST_STRING else b""
                return False
            self._rest = rest[end.end() :]
            return True
        if rest[1:2] == b"O" or rest[1:3] == b"[[":  # SS3, and the function keys of the console
            size = 3 if rest[1:2] == b"O" else 4
            return len(rest) >= size and self._hand_on(units, size)
        if rest[1:3] == b"[M":  # the mouse as X10 tells it, which is never asked for: three bytes of any kind
            if len(rest) < 6:
                return False
            self._rest = rest[6:]
            return True
        return self._take_csi(units)

    def _take_csi(self, units: list[Unit]) -> bool:
        rest = self._rest
        if rest.startswith(PASTE_BEGIN):
            self._paste, self._rest = bytearray(), rest[len(PASTE_BEGIN) :]
            return True
        whole = CSI.match(rest)
        if whole is None:
            so_far = CSI_SO_FAR.match(rest)
            size = len(rest) if so_far is None else so_far.end()
            if size == len(rest) and size <= LONGEST_CSI:
                return False
            self._rest = rest[max(size, 2) :]  # a byte that no CSI has: what came before it is no sequence
            return True
        return self._hand_on(units, whole.end())

    def _hand_on(self, units: list[Unit], size: int) -> bool:
        whole, self._rest = self._rest[:size], self._rest[size:]
        cursor = CURSOR.fullmatch(whole)
        if cursor is not None and int(cursor[1]) > 1:
            units.append(Cursor(int(cursor[1]), int(cursor[2])))
            return True
        sequence = printable_key(whole.decode("ascii", "ignore"))
        if sequence:
            units.append(Sequence(sequence))
        return True

    def _take_paste(self, units: list[Unit]) -> bool:
        if self._paste is None:
            return False
        before, end, after = self._rest.partition(PASTE_END)
        if end:
            self._paste += before[: LONGEST_PASTE - len(self._paste)]
            self._rest = after
            units.append(self._end_paste())
            return True
        # The end may be torn: its beginning stays.
        kept = next((size for size in range(len(PASTE_END) - 1, 0, -1) if self._rest.endswith(PASTE_END[:size])), 0)
        split = len(self._rest) - kept
        self._paste += self._rest[:split][: max(0, LONGEST_PASTE - len(self._paste))]
        self._rest = self._rest[split:]
        return False

    def _end_paste(self) -> Pasted:
        text = bytes(self._paste or b"").decode("utf-8", "ignore").replace("\0", "")
        self._paste = None
        return Pasted(text)


def printable_key(sequence: str) -> str:
    """A sequence that a key, the mouse or a mode sends, in a form that every parser takes; empty for any other."""
    if sequence.startswith(("\x1bO", "\x1b[[")) or OTHER.fullmatch(sequence):
        return sequence
    match = KEY.fullmatch(sequence)
    if match is None or match["event"] not in (None, "1", "2"):
        return ""
    code, text, end = match["code"], match["text"], match["end"]
    if end == "R" and code not in (None, "1"):
        return ""  # where the cursor is, and no F3
    if end == "u" and not all(is_character(int(one)) for one in (code or "1", *(text or "1").split(":"))):
        return ""
    parts = [code or "", match["modifiers"] or "", text or ""]
    while parts and not parts[-1]:
        parts.pop()
    return f"\x1b[{';'.join(parts)}{end}"


def is_character(code: int) -> bool:
    """Whether a number is a character of Unicode, no control of C1 and no surrogate."""
    return 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF


def typed(run: str, *, in_text_box: bool) -> str:
    """What counts of the characters that came in one read.

    Different keys in one read are a paste without brackets, or an answer of the terminal: no hand is that fast. They
    do nothing, except in a text box and after a leading ``g`` or ``/``, which open one. The same key several times is
    a held key: it counts as often as it came where it moves, and once where it acts.
    """
    if INTERRUPT in run:
        return INTERRUPT
    if in_text_box:
        return re.sub(r"\r+", "\r", run)  # a second Enter in the same read would act on what the first has left
    if len(run) == 1:
        return run
    if len(set(run)) > 1:
        return run if run[0] in "g/" else ""
    return run if run[0] in MOVES else run[0]
