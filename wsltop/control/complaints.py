"""Why an action failed, told from how its program ended and what it said. Pure.

sudo and tee are run with English messages. What wsl.exe says itself is in the language of Windows: only its
identifiers count.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from wsltop.control.ending import signal_name
from wsltop.control.root import Way
from wsltop.core.reading import Unavailable
from wsltop.host.decoding import decode_text
from wsltop.host.reasons import explain_end, telling_line

INVALID: Final = "Invalid argument"
PARTLY: Final = "Resource temporarily unavailable"

PROGRAMS: Final[dict[Way, str]] = {"sudo": "sudo", "wsl": "wsl.exe"}
PASTE: Final = "Run by hand: {command}"


class Sign(Struct, frozen=True):
    """Words by which a failure is known, and how it is told."""

    words: re.Pattern[str]
    reason: str
    hint: str


def sign(words: str, reason: str, hint: str = PASTE) -> Sign:
    """A row of the table below."""
    return Sign(re.compile(words, re.IGNORECASE), reason, hint)


SUDO: Final = (
    sign(
        r"password is required|terminal is required|askpass|authentication is required|no tty present",
        "sudo needs a password",
    ),
    sign(
        r"not in the sudoers file|is not allowed to|may not run sudo|afraid I can't do that",
        "sudo does not allow this user to do it",
        "Ask the administrator, or use the way through wsl.exe.",
    ),
    sign(r"must have a tty", "sudo is set up to work in a terminal only (requiretty)"),
    sign(
        r"no new privileges|must be owned by uid 0|effective uid is not 0|nosuid",
        "sudo cannot become root here: a container or sandbox forbids it",
        "Run wsltop in the distribution itself.",
    ),
    sign(r"account.*expired|authentication (?:failure|error)|PAM ", "sudo refuses: {line}"),
)
WRITER: Final = (  # only of a line that names the file: a missing tee is told by itself
    sign(
        r": Read-only file system$",
        "{path} is read-only: this is a container",
        "Run wsltop in the distribution itself, outside the container.",
    ),
    sign(
        r": (?:Permission denied|Operation not permitted)$",
        "not even root may write {path} here: a container or sandbox forbids it",
        "Run wsltop in the distribution itself, outside the container.",
    ),
    sign(r": No such file or directory$", "this kernel has no {path}", ""),
    sign(rf": {INVALID}$", "this kernel does not take what was written to {path}", ""),
)


def explain_failure(way: Way, code: int, said: bytes, path: str, command: str) -> Unavailable:
    """Why the program of an action failed.

    Args:
        way: how it became root.
        code: its return code as ``subprocess`` gives it (a signal is negative).
        said: the end of what it printed.
        path: what it was to write to.
        command: what the user can paste instead.
    """
    program = PROGRAMS.get(way, "the write")
    if code < 0:
        name = signal_name(-code)
        return Unavailable(f"{program} was interrupted by {name}: nothing was done, as far as is known", hint(command))
    lines = [line.strip() for line in decode_text(said).splitlines() if line.strip()]
    for row in (*SUDO, *WRITER) if way == "sudo" else WRITER:
        for line in lines:
            if row.words.search(line) and (row in SUDO or path in line):
                told = telling_line(line)
                return Unavailable(
                    row.reason.format(path=path, line=told), hint(command) if row.hint == PASTE else row.hint
                )
    if way == "wsl":
        return explain_end("wsl.exe", code, said)
    last = telling_line("\n".join(reversed(lines)))
    return Unavailable(f"{program} failed" + (f": {last}" if last else f" with status {code}"), hint(command))


def hint(command: str) -> str:
    """What to do instead."""
    return PASTE.format(command=command) if command else ""
