"""The grammar and the encoding of .wslconfig, as WSL reads them."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
NAME: Final = LETTERS | frozenset("0123456789")
ESCAPES: Final = {"\\": "\\", '"': '"', "b": "\b", "n": "\n", "t": "\t", "\r": "", "\n": ""}
LONGEST_NAME: Final = 256
"""A hostile file must not make each of its entries as long as itself."""
ProblemKind = Literal["key", "section", "equals", "quote", "escape"]
"""``key``: the line starts with no letter; ``section``: a malformed ``[header]``; ``equals``: no ``=`` after the name;
``quote``: a quote stays open; ``escape``: a backslash before a character that WSL does not know."""


class Entry(Struct, frozen=True, kw_only=True):
    """One ``key=value`` that WSL gets to see."""

    name: str
    """What WSL looks up: ``wsl2.memory``; without a dot when there is no usable section."""
    section: str
    key: str
    value: str
    """Without quotes, with escapes replaced, without blanks at either end."""
    line: int
    """Counts from 1; where the key stands."""


class Header(Struct, frozen=True, kw_only=True):
    """One well-formed ``[section]``."""

    name: str
    line: int


class Problem(Struct, frozen=True, kw_only=True):
    """One line that WSL skips."""

    line: int
    kind: ProblemKind
    text: str
    """The line as it stands in the file."""
    detail: str = ""
    """The offending character, where there is one."""


class WslConfig(Struct, frozen=True, kw_only=True, tag="wslconfig"):
    """A parsed ``.wslconfig``; one without entries stands for an absent file too."""

    entries: tuple[Entry, ...] = ()
    headers: tuple[Header, ...] = ()
    problems: tuple[Problem, ...] = ()

    def first(self, *names: str) -> Entry | None:
        """The entry that counts for a key and its aliases: the first one, even if its value is invalid."""
        wanted = {name.lower() for name in names}
        return next((entry for entry in self.entries if entry.name.lower() in wanted), None)


def parse(text: str) -> WslConfig:
    """Parse a whole file; never raises, whatever the text."""
    scanner = Scanner(text.replace("\r\n", "\n").partition("\x1a")[0])
    scanner.run()
    return WslConfig(entries=tuple(scanner.entries), headers=tuple(scanner.headers), problems=tuple(scanner.problems))


class Scanner:
    """Walks over the text once.

    A malformed header leaves traces, as in WSL: it does not start a section, but the part of its name that was read
    has overwritten the name of the section before, cut or padded with NUL to the length of that.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.counted = 0
        self.line = 1
        self.section = ""
        self.entries: list[Entry] = []
        self.headers: list[Header] = []
        self.problems: list[Problem] = []

    def run(self) -> None:
        """Read lines until the text ends."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t\r\n":
                self.at += 1
            elif char == "#":
                self.at = self.end_of_line()
            elif char == "[":
                self.read_header()
            elif char in LETTERS:
                self.read_entry()
            else:
                self.skip_line("key", self.here(), char)

    def read_header(self) -> None:
        """Read ``[name]``; the current section changes only when the whole line is good."""
        line = self.here()
        self.at += 1
        if self.peek() not in LETTERS:
            return self.skip_line("section", line, self.peek())
        name, length = self.take_name(), len(self.section)
        self.section = name[:length].ljust(length, "\0")
        if self.peek() != "]":
            return self.skip_line("section", line, self.peek())
        self.at += 1
        self.skip_blanks()
        if self.peek() not in ("", "\n", "\r", "#"):
            return self.skip_line("section", line, self.peek())
        self.section = name
        self.headers.append(Header(name=name, line=line))
        return None

    def read_entry(self) -> None:
        """Read ``key = value``."""
        line = self.here()
        key = self.take_name()
        name = f"{self.section}.{key}" if self.section else key
        self.skip_blanks()
        if self.peek() != "=":
            return self.skip_line("equals", line, self.peek())
        self.at += 1
        self.skip_blanks()
        value = self.take_value(line)
        if value is not None:
            # A C string ends at its first NUL: both the padded section and the value.
            name, section, value = (part.partition("\0")[0] for part in (name, self.section, value))
            self.entries.append(Entry(name=name, section=section, key=key, value=value, line=line))
        return None

    def take_value(self, line: int) -> str | None:
        """Read up to the end of the line or a comment; ``None``: the line is bad and skipped."""
        parts: list[str] = []
        kept = 0  # the parts up to here end in something else than a blank outside of an escape
        quoted = False
        while (char := self.peek()) not in ("", "\n", "\r"):
            if char == "#" and not quoted:
                break
            self.at += 1
            if char == '"':
                quoted = not quoted
            elif char == "\\":
                escaped = self.peek()
                if escaped not in ESCAPES:
                    self.skip_line("escape", line, escaped)
                    return None
                self.at += 1
                parts.append(ESCAPES[escaped])
            else:
                parts.append(char)
            if char not in " \t":
                kept = len(parts)
        if quoted:
            self.skip_line("quote", line, '"')
            return None
        return "".join(parts[:kept])

    def take_name(self) -> str:
        """Read ASCII letters and digits; return no more of them than any key needs."""
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in NAME:
            self.at += 1
        return self.text[start : min(self.at, start + LONGEST_NAME)]

    def skip_blanks(self) -> None:
        """Step over blanks and tabs."""
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def skip_line(self, kind: ProblemKind, line: int, detail: str) -> None:
        """Note a problem and go to the end of the line where it was found."""
        shown = self.text.rfind("\n", 0, self.at) + 1
        self.at = self.end_of_line()
        self.problems.append(Problem(line=line, kind=kind, text=self.text[shown : self.at], detail=detail))

    def peek(self) -> str:
        """The next character, empty at the end."""
        return self.text[self.at : self.at + 1]

    def here(self) -> int:
        """The number of the current line."""
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def end_of_line(self) -> int:
        """Where the current line ends."""
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end
