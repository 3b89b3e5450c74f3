"""Prints measurements for people."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.measurement import Measurement

HEAD = ("what", "unit", "target now", "later", "measured", "peers", "ratio", "now", "later")


def format_table(measurements: Sequence[Measurement]) -> str:
    """One row per measurement, and one more per further peer."""
    rows: list[tuple[str, ...]] = [HEAD]
    for measurement in measurements:
        rows += rows_of(measurement)
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def rows_of(one: Measurement) -> list[tuple[str, ...]]:
    """The rows of one measurement."""
    peers = [(f"{peer} {one.tell(runs)}", tell_ratio(one.ratio(peer))) for peer, runs in one.peers.items()] or [
        ("", "")
    ]
    first = (
        one.what,
        one.unit,
        one.tell_limit(one.now),
        one.tell_limit(one.later),
        one.tell(one.runs),
        *peers[0],
        one.holds(one.now),
        one.holds(one.later),
    )
    return [first, *(("", "", "", "", "", peer, ratio, "", "") for peer, ratio in peers[1:])]


def tell_ratio(ratio: float | None) -> str:
    """``0.52 x``."""
    return "" if ratio is None else f"{ratio:.2f} x"
