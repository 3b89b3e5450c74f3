"""An event: something with a time. The common currency of the kernel log, the counters, the host and our own acts."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

EventKind = Literal[
    "log",  # a line of the kernel log that is about nothing below
    "compaction",
    "cache drop",
    "direct reclaim",
    "proactive reclaim",
    "swap",
    "stall",
    "oom kill",
    "balloon",
    "reporting",
    "init",  # WSL's init speaks
    "hog",
    "return",  # memory that Windows got back
    "mark",
]
Origin = Literal["kmsg", "dmesg", "journal", "vmstat", "wsltop", "host"]
"""Who says so."""


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened, or is still happening."""

    kind: EventKind
    origin: Origin
    time: float
    """Wall clock of the start, seconds since the epoch."""
    start: float
    """Monotonic start, seconds: its place on the timeline."""
    end: float
    """Monotonic end; equal to ``start`` for a moment, and grows while the same thing goes on."""
    text: str
    """What to tell, stripped of control characters."""
    memory: bool = True
    """False: hidden unless all of the log is shown."""
    level: int = 6
    """Syslog severity: 3 and below is an error, 4 a warning."""
    amounts: dict[str, int] = {}
    """Figures behind the text, by name, in bytes or counts; they add up while the event goes on."""
