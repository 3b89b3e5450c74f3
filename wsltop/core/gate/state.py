"""What the gate says, as frozen structs: windows, verdict, countdown, compaction. Imports msgspec and ``core``."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from wsltop.core.gate.rules import Algorithm
from wsltop.core.wslconfig.reclaim import Mode

Certainty = Literal["configured", "default", "unknown"]
"""How the mode is known: read in ``.wslconfig``, absent there, or the file could not be read (assumed)."""

Verdict = Literal["open", "shut", "unknown", "off"]
"""``unknown``: not watched for long enough. ``off``: the mode reclaims nothing."""


class WindowState(Struct, frozen=True, kw_only=True):
    """One window of the rule. Shares are of all CPUs, 0 to 1, counted in the columns that the rule counts."""

    name: str
    seconds: int
    busy: float | None
    """Share over the window, or over the watched part of it; ``None`` when nothing of it was watched."""
    limit: float
    watched: float
    """Seconds of the window that wsltop has seen, or can compute."""
    ok: bool | None
    """Within the limit; ``None`` when what is known allows both."""
    sure: bool
    """True when ``ok`` holds wherever between two samples the ticks fell."""


class Bounds(Struct, frozen=True, kw_only=True):
    """A moment ahead that is known within bounds, in seconds from the last sample."""

    earliest: float
    latest: float


class CompactionState(Struct, frozen=True, kw_only=True):
    """Compaction in A-C, which has a test of its own and runs in every mode."""

    due: bool | None
    """More than 10 ms per CPU of user time since the last probe; ``None`` when the last probe is not known."""
    quiet: bool | None
    """User time of the last second under 1 % of all CPUs, as the probe would find it."""
    busy: float | None
    """Share of all CPUs in user mode over the last second."""
    limit: float
    last: float | None
    """Seconds since a compaction by WSL was observed."""


class GateState(Struct, frozen=True, kw_only=True):
    """The gate as it would be judged if WSL looked at this moment."""

    algorithm: Algorithm
    mode: Mode
    certainty: Certainty
    verdict: Verdict
    reason: str
    """Why, as a clause."""
    windows: tuple[WindowState, ...]
    look: Bounds | None
    """The next look of WSL; ``None`` when there is no thread that looks."""
    phase_known: bool
    """Whether the timer's phase was learned from an event; otherwise the next look is anywhere within the period."""
    opens: Bounds | None
    """The first look that can act if everything went idle now; ``None`` if none will: off, or spent."""
    spent: bool | None
    """dropCache: it has fired in this idle period and waits for a busy look. ``None``: not known. False otherwise."""
    open_for: float | None
    """Seconds for which the gate has been seen open without a break."""
    overdue: bool
    """Open over two looks, armed, and nothing was seen: mode off, thread ended, or another rule."""
    fired: int
    """Actions by WSL that were observed."""
    last_fired: float | None
    """Seconds since the last of them."""
    compaction: CompactionState | None
    """``None`` in D, where compaction belongs to the reclaim."""
    intent: tuple[str, ...]
    """What it will do when it opens, as clauses."""
