"""Prints measurements for people, and as the table of the README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.bench.measurement import Measurement

HEAD: Final = ("what", "unit", "target", "measured", "peers", "ratio", "holds")


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


def format_markdown(measurements: Sequence[Measurement]) -> str:
    """The same as a table of Markdown: one row per measurement, its peers in one cell."""
    lines = ["| what | target | measured | peers | |", "|---|---|---|---|---|"]
    for one in measurements:
        peers = "; ".join(
            f"{peer} {one.tell(runs)}" + (f" ({tell_ratio(one.ratio(peer))})" if runs else "")
            for peer, runs in one.peers.items()
        )
        what = one.what.strip()
        what = f"… {what}" if one.what.startswith(" ") else what
        target = "" if one.target is None else one.tell_target()
        lines.append(f"| {what}, {one.unit} | {target} | {one.tell(one.runs)} | {peers} | {bold_no(one.holds)} |")
    return "\n".join(lines)


def bold_no(verdict: str) -> str:
    """A target that is missed must not hide."""
    return "**no**" if verdict == "no" else verdict


def rows_of(one: Measurement) -> list[tuple[str, ...]]:
    """The rows of one measurement."""
    peers = [(f"{peer} {one.tell(runs)}", tell_ratio(one.ratio(peer))) for peer, runs in one.peers.items()] or [
        ("", "")
    ]
    first = (one.what, one.unit, one.tell_target(), one.tell(one.runs), *peers[0], one.holds)
    return [first, *(("", "", "", "", peer, ratio, "") for peer, ratio in peers[1:])]


def tell_ratio(ratio: float | None) -> str:
    """``0.52 x``."""
    return "" if ratio is None else f"{ratio:.2f} x"
