"""The terminal: whether there is one, what it can show, how to leave it; and Textual without OpenSSL."""

from __future__ import annotations

import gc
import importlib
import locale
import os
import sys
import termios
from collections.abc import Mapping
from typing import IO, Any, Literal

UNABLE = frozenset({"dumb", "unknown", ""})
"""Values of TERM under which nothing but lines of text can be expected."""
NO_OSC52 = frozenset({"linux", "vt100", "vt220", "ansi", "cons25"})
"""Terminals without a clipboard of their own."""


def why_no_screen(
    stdin: IO[str] | None, stdout: IO[str] | None, stderr: IO[str] | None, environ: Mapping[str, str]
) -> str | None:
    """Why no full screen can be shown here, or None when it can. Textual draws on standard error."""
    for stream, name in ((stdin, "standard input"), (stdout, "standard output"), (stderr, "standard error")):
        if stream is None or not stream.isatty():  # None: closed before the program began
            return f"{name} is not a terminal"
    if environ.get("TERM", "") in UNABLE:
        return f"TERM={environ.get('TERM', '')!r} cannot show a full screen"
    return None


def wants_color(choice: Literal["auto", "always", "never"], environ: Mapping[str, str]) -> bool:
    """Whether to use color; NO_COLOR counts when it is not empty (no-color.org)."""
    if choice == "auto":
        return not environ.get("NO_COLOR")
    return choice == "always"


def encoding() -> str:
    """The encoding of the user's locale, which tells what the terminal's font can be expected to show."""
    # getpreferredencoding says UTF-8 in Python's own UTF-8 mode, as under LC_ALL=C
    return locale.nl_langinfo(locale.CODESET)


def can_copy(environ: Mapping[str, str]) -> bool:
    """Whether the terminal may know OSC 52; it does not answer, so nobody can know that it does."""
    return environ.get("TERM", "") not in UNABLE | NO_OSC52


def is_gone() -> bool:
    """Whether the terminal of standard input is there no more."""
    try:
        termios.tcgetattr(0)
    except termios.error:
        return True
    return False


def vanish(status: int) -> None:
    """End at once without a word: there is nobody left to tell, and writing would only fail or block."""
    os._exit(status)


def prepare_start() -> None:
    """Make the imports of the screen quick: without OpenSSL, and without looking for garbage among what stays.

    The app looks for garbage again after its first frame.
    """
    gc.disable()
    import_without_tls()


def import_without_tls(name: str = "asyncio") -> None:
    """Import a module that makes do without ``ssl``, unless somebody has imported either before."""
    modules: dict[str, Any] = sys.modules
    if name in modules or "ssl" in modules:
        return
    modules["ssl"] = None  # an import of it fails; so the reference of Python's import system says
    try:
        importlib.import_module(name)
    finally:
        del modules["ssl"]
