"""An experiment as plain text: facts, chart, table and verdict, for the terminal and inside Markdown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from wsltop.charts.cells import plain
from wsltop.charts.glyphs import Glyphs
from wsltop.charts.timeline import Column, Mark, TimelineInput, geometry_of, render_timeline
from wsltop.core.experiment import Measures, Result, Trial, tell_result
from wsltop.core.text import clean
from wsltop.core.units import format_duration
from wsltop.record.experiment_chart import top_of
from wsltop.record.experiment_table import Table, facts_of, remarks_of, shares_of, table_of

CHART: Final = (78, 12)
"""Columns and rows of a chart."""
AFTER: Final = "returned"
WIDE: Final = 120
"""Columns that a table may take before it is cut in two."""


def report(result: Result, measures: Sequence[Measures], glyphs: Glyphs) -> str:
    """All of it, ending with a newline."""
    lines = ["wsltop experiment"]
    lines += [f"  {name:<8} {text}" for name, text in facts_of(result)]
    for trial in result.trials:
        if trial.ticks:
            lines += ["", *chart(result, trial, glyphs)]
    lines += ["", *table_lines(with_shares(result, measures)), ""]
    lines += [f"remark   {remark}" for remark in remarks_of(result)]
    lines.append(f"verdict  {clean(tell_result(result, measures))}")
    return "\n".join(lines) + "\n"


def with_shares(result: Result, measures: Sequence[Measures]) -> Table:
    """The table with the shares beside what was returned."""
    table = table_of(result, measures)
    rows: list[tuple[str, ...]] = []
    for row in table.rows:
        rows.append(row)
        if row[0] == AFTER:
            rows.append(shares_of(result, measures))
    return Table(table.headers, tuple(rows))


def table_lines(table: Table) -> Iterator[str]:
    """Yield the table's lines, in columns; trials with and without the action below each other where that is wide."""
    lines = list(lines_of(table))
    if len(table.headers) <= 3 or max(map(cells, lines)) <= WIDE:
        yield from lines
        return
    for first in range(1, len(table.headers), 2):
        part = slice(first, first + 2)
        rows = tuple(row if len(row) == 1 else (row[0], *row[part]) for row in table.rows)
        if first > 1:
            yield ""
        yield from lines_of(Table((table.headers[0], *table.headers[part]), rows))


def lines_of(table: Table) -> Iterator[str]:
    """Yield the lines of a table as it is."""
    full = [table.headers, *(row for row in table.rows if len(row) > 1)]
    widths = [max(cells(row[index]) for row in full) for index in range(len(table.headers))]
    for row in (table.headers, *table.rows):
        if len(row) == 1:
            yield row[0]
            continue
        first, *rest = row
        padded = [" " * (width - cells(cell)) + cell for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([f"  {first}{' ' * (widths[0] - cells(first))}", *padded]).rstrip()


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def chart(result: Result, trial: Trial, glyphs: Glyphs) -> list[str]:
    """The curves of one trial in characters; below, its phases and the seconds since its start."""
    width, height = CHART
    maximum = top_of(trial)
    geometry = geometry_of(maximum, width, height)
    first, last = trial.ticks[0].time, trial.ticks[-1].time
    seconds = max(1.0, last - first)

    def place(time: float) -> int:
        return min(geometry.columns - 1, max(0, int((time - first) / seconds * geometry.columns)))

    columns: list[Column | None] = [None] * geometry.columns
    measured = any(tick.host is not None for tick in trial.ticks)
    for tick in trial.ticks:
        columns[place(tick.time)] = Column(tick.used, tick.cache, tick.host if measured else tick.expected)
    for index in range(1, len(columns)):
        columns[index] = columns[index] or columns[index - 1]  # a column shorter than the interval
    marks = tuple(Mark(place(stage.start), "mark", stage.phase) for stage in trial.stages if stage.end > first)
    drawn = TimelineInput(
        columns=tuple(columns),
        maximum=maximum,
        window_seconds=seconds,
        marks=marks,
        host_style="measured" if measured else "expected",
    )
    lines = [plain(line).rstrip() for line in render_timeline(drawn, width, height, glyphs)][:-1]
    which = f"trial {trial.number}{', without ' + result.plan.action if trial.control else ''}: "
    title = which if len(result.plan.trials) > 1 else ""
    area = f"{glyphs.rises[-1]} used, {glyphs.area_cache} page cache"
    stroke = glyphs.measured.across if measured else glyphs.expected.across
    host = f"{stroke} host, {'measured' if measured else 'expected'}"
    end = format_duration(seconds)
    return [f"{title}{area}, {host}", *lines, " " * geometry.gutter + "0 s" + end.rjust(geometry.columns - 3)]
