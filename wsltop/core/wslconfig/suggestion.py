"""What to write as ``memory=``, from what was seen.

The question behind it (WSL#4669, #7215, #13142): a limit that is too high gives the page cache room that Windows
misses, one that is too low throws out the cache that the work needs, and the machine reads its disk instead of working.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.units import GIB, MIB, format_duration, format_size
from wsltop.core.wslconfig.values import render_size

MARGIN: Final = 4
"""A quarter on top of what was seen, and at least a GiB: tomorrow's build is not today's."""

FLOOR: Final = 2 * GIB
"""Less makes distributions with systemd and an editor's server swap."""

STEP: Final = 512 * MIB

SHORT: Final = 3600.0
"""Observed for less than this many seconds, a peak says little."""


class Observed(Struct, frozen=True, kw_only=True):
    """The most that was seen of each, in bytes."""

    peak_used: int
    """MemTotal less MemAvailable: what the guest cannot do without."""
    active_cache: int = 0
    """Active(file): page cache that was used more than once, beyond what MemAvailable counts as needed."""
    swap_used: int = 0
    """Anonymous memory that did not fit."""
    seconds: float | None = None
    """How long was looked."""


class Suggestion(Struct, frozen=True, kw_only=True):
    """A line for ``.wslconfig``, and why."""

    line: str
    size: int
    reasons: tuple[str, ...]


def suggest_memory(observed: Observed, total: int, windows_total: Reading[int]) -> Suggestion:
    """Suggest ``memory=`` for the working set that was seen. ``total`` is MemTotal."""
    working_set = observed.peak_used + observed.active_cache + observed.swap_used
    margin = max(working_set // MARGIN, GIB)
    size = round_up(max(working_set + margin, FLOOR))
    reasons = [
        f"at the peak {format_size(observed.peak_used)} were in use",
        *([f"{format_size(observed.active_cache)} of page cache were in active use"] * bool(observed.active_cache)),
        *([f"{format_size(observed.swap_used)} were swapped out"] * bool(observed.swap_used)),
        f"{format_size(margin)} are margin",
    ]
    if isinstance(windows_total, Unavailable):
        reasons.append(f"Windows' RAM is unknown ({windows_total.reason}): leave it at least 4 GiB")
    else:
        ceiling = max((windows_total - max(windows_total // MARGIN, 4 * GIB)) // STEP * STEP, windows_total // 2)
        if size > ceiling:
            size = round_down(ceiling)
            reasons.append(f"less than that sum, because Windows has {format_size(windows_total)} and needs its part")
    if observed.peak_used + observed.swap_used >= total - total // 10:
        reasons.append(f"the peak touched the present limit of {format_size(total)}: the need may be higher")
    if observed.seconds is not None and observed.seconds < SHORT:
        reasons.append(f"seen in {format_duration(observed.seconds)} only: look again after a day's work")
    return Suggestion(line=f"memory={render_size(size)}", size=size, reasons=tuple(reasons))


def round_up(size: int) -> int:
    """Return the next size that people write: half GiB below 4 GiB, whole ones above."""
    step = STEP if size <= 4 * GIB else GIB
    return -(-size // step) * step


def round_down(size: int) -> int:
    """Return the previous size that people write, at least one step."""
    step = STEP if size <= 4 * GIB else GIB
    return max(size // step * step, STEP)
