"""What can go wrong on purpose, and how the program ends.

    WsltopError
    ├── UsageError        an option, a setting or a file that the user gave is wrong
    ├── RecordingError    a recording cannot be written or read
    └── HogRefused        a hog would take more memory than the floor leaves

A source never raises: it returns ``Unavailable``. These are for what a user asked for and cannot have.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How wsltop ends; documented in the README."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_WSL = 3
    INTERRUPTED = 130


class WsltopError(Exception):
    """A clear end: the message names the input, the place and the remedy."""

    exit_code = ExitCode.FAILURE


class UsageError(WsltopError):
    """An option, a setting or a file that the user gave is wrong."""

    exit_code = ExitCode.USAGE


class RecordingError(WsltopError):
    """A recording cannot be written or read."""


class HogRefused(WsltopError):
    """A hog would take more memory than the floor leaves."""
