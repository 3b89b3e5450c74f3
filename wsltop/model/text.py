"""Text for people: cleaned of what controls a terminal, and sizes, shares, times written out and read."""

from __future__ import annotations

import re
import shlex
import unicodedata
from datetime import datetime
from typing import Final

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


KIB: Final = 1024
MIB: Final = 1024**2
GIB: Final = 1024**3
SUFFIXES: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
SIZE: Final = re.compile(r"\s*([0-9]{1,20})(?:\.([0-9]{1,20}))?\s*(?:([kmgtp])i?)?b?\s*", re.ASCII | re.IGNORECASE)
DURATION: Final = re.compile(r"\s*([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*(ms|s|min|m|h|d)?\s*", re.ASCII | re.IGNORECASE)
SECONDS_IN: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def format_size(size: float) -> str:
    """At most three digits and an IEC suffix: ``512 MiB``, ``1.5 GiB``, ``-3.2 GiB``."""
    sign, rest = ("-", -size) if size < 0 else ("", size)
    index = 0
    while rest >= 999.5 and index < len(SUFFIXES) - 1:
        rest /= 1024
        index += 1
    if index == 0 or rest >= 99.95:
        number = f"{rest:.0f}"
    else:
        number = f"{rest:.1f}"
        if index < 3 and rest >= 9.95:
            number = f"{rest:.0f}"
    return f"{sign}{number} {SUFFIXES[index]}"


def format_range(low: float, high: float) -> str:
    """Two sizes, with one suffix where it is the same: ``2.5 to 3.5 GiB``, ``900 MiB to 1.1 GiB``."""
    first, last = format_size(low), format_size(high)
    number, suffix = first.split(" ")
    return f"{number} to {last}" if last.endswith(f" {suffix}") else f"{first} to {last}"


def format_short(size: float) -> str:
    """A size where there is little room: ``2.4G``, ``123G``, below one GiB ``61M``, and ``0``."""
    if size < GIB:
        return f"{round(size / MIB)}M" if size >= MIB / 2 else "0"
    gib = size / GIB
    return f"{gib:.0f}G" if gib >= 99.95 else f"{gib:.1f}G"


def parse_size(text: str) -> int:
    """Bytes from ``1G``, ``512MiB``, ``1.5 GiB``, ``4096``; a suffix is a power of 1024.

    Raises:
        ValueError: the text is no size.
    """
    match = SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 512M or 1.5G")
    whole, decimals, suffix = match[1], match[2] or "", match[3]
    power = " kmgtp".index(suffix.lower()) if suffix else 0
    return int(int(whole + decimals) * 1024**power // 10 ** len(decimals))


def format_duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``, ``3 d 4 h``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def format_clock(wall_clock: float, now: float | None = None) -> str:
    """``14:03:20``, or ``2026-11-25 14:03:20`` where that is another day than ``now``; seconds since the epoch."""
    try:
        then = datetime.fromtimestamp(wall_clock).astimezone()
        same = now is None or then.date() == datetime.fromtimestamp(now).astimezone().date()
    except (OSError, OverflowError, ValueError):
        return "??:??:??"  # a recording may hold any number
    return f"{then:%H:%M:%S}" if same else f"{then:%Y-%m-%d %H:%M:%S}"


def write_as_root(text: str, path: str) -> str:
    """The command to paste into a shell that writes a text to a file as root: ``echo 1 | sudo tee /proc/…``."""
    return f"echo {shlex.quote(text)} | sudo tee {shlex.quote(path)}"


def parse_duration(text: str) -> float:
    """Seconds from ``5``, ``0.5``, ``90s``, ``5m``, ``5min``, ``2h``, ``1d``.

    Raises:
        ValueError: the text is no duration.
    """
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m or 2h")
    return float(match[1]) * SECONDS_IN[(match[2] or "s").lower()]
