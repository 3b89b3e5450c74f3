"""Round numbers along the axes: sizes up the side, ages along the bottom. Pure."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Final, NamedTuple

from wsltop.model.units import GIB, MIB

ROWS_APART: Final = 2
"""Size labels keep at least this many rows from one another."""
TALL: Final = 12
"""An axis of so many rows keeps them twice as far apart."""
COLUMNS_APART: Final = 2
"""Blanks between two time labels, at least."""
MOST_TIMES: Final = 6
"""More labels than this do not make a time axis easier to read."""
ROUNDING: Final = 1e-9
"""Forgives floating point when an age falls on a boundary."""
TIME_UNITS: Final = (
    ("s", 1, 120, (1, 2, 5, 10, 15, 20, 30, 60)),
    ("m", 60, 7200, (1, 2, 5, 10, 15, 20, 30, 60)),
    ("h", 3600, 172800, (1, 2, 3, 4, 6, 12, 24)),
    ("d", 86400, 0, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
)
"""Suffix, seconds, the longest window labeled in this unit (0: no limit), and steps that people count in."""


class SizeTick(NamedTuple):
    """A labeled size: bytes, the row that contains it counted from the bottom, and its number without the unit."""

    size: int
    row: int
    label: str


class TimeTick(NamedTuple):
    """A labeled age: the column that contains it, and where its label starts."""

    column: int
    start: int
    label: str


def size_unit(maximum: int) -> str:
    """Return the unit of the labels on a size axis."""
    return "GiB" if maximum >= GIB else "MiB"


def size_ticks(maximum: int, rows: int) -> tuple[SizeTick, ...]:
    """Return the ticks of an axis of ``rows`` rows from zero to ``maximum`` bytes, lowest first, without zero.

    Steps are powers of two, as memory is sold; the smallest step is taken whose labels are far enough apart. An axis
    too short for that gets one tick, at the largest power of two that it holds. The maximum has a tick of its own.
    """
    if maximum < MIB or rows <= 0:
        return ()
    apart = ROWS_APART * (1 if rows < TALL else 2)
    step = MIB
    while step * rows < apart * maximum and step * 2 <= maximum:
        step *= 2
    sizes = range(step, maximum + 1, step)
    unit = GIB if maximum >= GIB else MIB
    if step * rows < apart * maximum:
        sizes = range(step, step + 1)
    ticks = [SizeTick(size, min(size * rows // maximum, rows - 1), f"{size / unit:g}") for size in sizes]
    top = SizeTick(maximum, rows - 1, f"{round(maximum / unit, 1):g}")
    kept = [tick for tick in ticks if tick.row <= top.row - ROWS_APART or tick.size == maximum]
    if rows < 2 * ROWS_APART or (kept and kept[-1].size == maximum):
        return tuple(kept or ticks)
    return (*kept, top)


def time_ticks(window_seconds: float, width: int, end: str = "now") -> tuple[TimeTick, ...]:
    """Return the ticks of a time axis of ``width`` columns, oldest first.

    Labels are in one unit, ``-5m`` to ``-1m``, then ``end`` at the right end; they never touch.
    """
    if width < len(end):
        return ()
    now = TimeTick(width - 1, width - len(end), end)
    if not 0 < window_seconds < inf:
        return (now,)
    suffix, seconds, _, steps = next(unit for unit in TIME_UNITS if window_seconds <= unit[2] or not unit[2])
    for step in steps:
        count = int(window_seconds / (step * seconds) + ROUNDING)
        if count > MOST_TIMES:
            continue
        columns = width * seconds / window_seconds
        ticks = [_time_tick(turn * step, suffix, columns, width) for turn in range(count, 0, -1)]
        ticks.append(now)
        if all(left.start + len(left.label) + COLUMNS_APART <= right.start for left, right in pairwise(ticks)):
            return tuple(ticks)
    return (now,)


def _time_tick(age: int, suffix: str, columns: float, width: int) -> TimeTick:
    """A tick with its label centered under it; ``columns`` is the width of one unit of age."""
    label = f"-{age}{suffix}"
    column = max(width - 1 - int(age * columns + ROUNDING), 0)
    return TimeTick(column, max(column - len(label) // 2, 0), label)
