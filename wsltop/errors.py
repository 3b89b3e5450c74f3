"""The errors that wsltop raises on purpose, and the statuses with which it ends.

    WsltopError
    ├── UsageError        an option, a setting or a file that the user gave is wrong
    ├── RecordingError    a recording cannot be written or read
    ├── HogRefused        a hog would take more memory than the floor leaves
    └── CommandError      the command of an experiment cannot be run

A source never raises: it returns ``Unavailable``. These are for what a user asked for and cannot have.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Every status with which wsltop ends, and its meaning; ``--help``, the man page and the tests read this table."""

    OK = 0, "fine"
    FAILURE = 1, "a finding, an exceeded budget, a failed check, or a failure of wsltop"
    USAGE = 2, "wrong usage or settings"
    NOT_WSL = 3, "this is not WSL, where WSL is needed"
    TIMED_OUT = 124, "experiment -- COMMAND: --hold ended it"
    OWN_FAILURE = 125, "experiment: a figure of --fail-if is not known; with -- COMMAND, any failure of wsltop"
    CANNOT_RUN = 126, "experiment -- COMMAND: it cannot be run"
    NOT_FOUND = 127, "experiment -- COMMAND: there is no such program"
    HUNG_UP = 129, "ended by SIGHUP: the terminal is gone"
    INTERRUPTED = 130, "ended by SIGINT (Ctrl+C)"
    TERMINATED = 143, "ended by SIGTERM"

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        """A status with its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class WsltopError(Exception):
    """A clear end: the message names the input, the place and the remedy."""

    exit_code: ExitCode = ExitCode.FAILURE


class UsageError(WsltopError):
    """An option, a setting or a file that the user gave is wrong."""

    exit_code = ExitCode.USAGE


class RecordingError(WsltopError):
    """A recording cannot be written or read."""


class HogRefused(WsltopError):
    """A hog would take more memory than the floor leaves."""


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`` Did you mean compact or compile?``, to stand after a sentence; empty where no word comes near."""
    from difflib import get_close_matches  # only a mistake needs it

    known = {one.lower(): one for one in words}
    near = get_close_matches(word.lower()[:64], known, n=2)
    return f" Did you mean {' or '.join(known[one] for one in near)}?" if near else ""


class CommandError(WsltopError):
    """The command of an experiment cannot be run."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code
