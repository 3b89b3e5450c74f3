"""An experiment as text with a table and charts, as JSON, and as the file that the ending of a name asks for."""

from __future__ import annotations

import math
import os
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wsltop.charts.cells import BLOCK, Glyphs, plain
from wsltop.charts.timeline import Band, Column, Mark, TimelineInput, geometry_of, render_timeline
from wsltop.core.curve import Crossing
from wsltop.errors import UsageError, WsltopError
from wsltop.experiment.limits import Verdict
from wsltop.experiment.measure import Measures, Side, summarize, tell_result
from wsltop.experiment.trial import Ending, ExperimentPlan, Result, Trial
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import clean, format_duration, format_size
from wsltop.private import write_private
from wsltop.report.experiment_svg import draw, top_of
from wsltop.report.snapshot import Json, jsonable, missing
from wsltop.report.text import stamp

HALVED: Final = "time to 50 % host working-set reduction"
"""Microsoft's own metric for reclaim (microsoft/WSL, pull request 41096), under its own name."""
NOTHING: Final = "-"
NEVER: Final = "never"
WITHIN_NOISE: Final = "within noise"
"""What came back does not stand out of the noise, so it is not said when it came."""
ENDINGS: Final[dict[Ending, str]] = {
    "settled": "at rest",
    "not settled": "with memory still moving",
    "interrupted": "interrupted",
    "failed": "failed",
}
"""How a trial ended, in words."""


class Table(NamedTuple):
    """Cells of text; the first header is empty, and a row with one cell is a heading."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Group(NamedTuple):
    """Trials whose figures belong together."""

    title: str
    measures: tuple[Measures, ...]


def groups_of(result: Result, measures: Sequence[Measures]) -> tuple[Group, ...]:
    """The trials with the action, and the controls without it."""
    pairs = list(zip(result.trials, measures, strict=True))
    acted = tuple(measured for trial, measured in pairs if not trial.control)
    controls = tuple(measured for trial, measured in pairs if trial.control)
    titles = (f"with {result.plan.action}", f"without {result.plan.action}") if controls else ("", "")
    return tuple(Group(title, group) for title, group in zip(titles, (acted, controls), strict=True) if group)


def table_of(result: Result, measures: Sequence[Measures]) -> Table:
    """The table: a column for the guest and one for the host, for each group."""
    groups = groups_of(result, measures)
    headers = [""]
    for group in groups:
        more = f" {group.title}" if group.title else ""
        trials = f", {len(group.measures)} trials" if len(group.measures) > 1 else ""
        headers += [f"guest{more}{trials}", f"{outside_name(result, group.measures)}{more}"]
    rows = [row for row in rows_of(groups, result.plan) if len(row) == 1 or set(row[1:]) != {NOTHING}]
    kept = [row for row, after in zip(rows, [*rows[1:], ("",)], strict=True) if len(row) > 1 or len(after) > 1]
    return Table(tuple(headers), tuple(kept))


def outside_name(result: Result, measures: Sequence[Measures]) -> str:
    """The heading of the host's column: its source, or that it is the expected figure."""
    if not all(measured.measured for measured in measures):
        return "host (expected)"
    sources = dict.fromkeys(trial.source for trial in result.trials if trial.source)
    return f"host ({', '.join(sources)})"


def rows_of(groups: Sequence[Group], plan: ExperimentPlan) -> Iterator[tuple[str, ...]]:
    """Yield the rows in the order in which they are read."""
    yield ("load",)
    for name, pick in SIZES:
        yield (name, *(returned_cells(groups) if name == RETURNED else both(groups, pick)))
    yield (f"times since the {'action' if plan.lasting else 'release'}",)
    for name, when in CROSSINGS:
        yield (name, *both_times(groups, when))
    yield (HALVED, *outside_only(groups, halved_cell))
    yield ("lag behind the guest (half to half)", *outside_only(groups, lag_cell))
    yield ("nothing changed any more after", *outside_only(groups, settled_cell))
    yield ("cost",)
    yield ("CPU of the guest, load to release", *guest_only(groups, lambda one: one.cpu_load))
    yield ("CPU of the guest, release to end", *guest_only(groups, lambda one: one.cpu_after))
    if plan.action:
        yield (plan.action,)
        for title, figure in ACTION:
            yield (title, *outside_only(groups, partial(action_cell, figure)))


def action_cell(figure: Callable[[Measures], int | None], group: Group) -> str:
    """A figure of the action."""
    return sizes_cell(map(figure, group.measures))


def both(groups: Sequence[Group], pick: Callable[[Side], float | None]) -> Iterator[str]:
    """Yield a size of each side of each group."""
    for group in groups:
        for sides in sides_of(group):
            yield sizes_cell(None if isinstance(side, Unavailable) else pick(side) for side in sides)


def returned_cells(groups: Sequence[Group]) -> Iterator[str]:
    """Yield what came back on each side of each group, and whether that is noise."""
    for group in groups:
        for sides in sides_of(group):
            there = [side for side in sides if not isinstance(side, Unavailable) and side.returned is not None]
            cell = sizes_cell(side.returned for side in there)
            yield f"{cell}, {WITHIN_NOISE}" if there and all(side.within_noise for side in there) else cell


def both_times(groups: Sequence[Group], when: Callable[[Side], Crossing | None]) -> Iterator[str]:
    """Yield a time of each side of each group."""
    for group in groups:
        for sides in sides_of(group):
            yield times_cell(sides, when)


def sides_of(group: Group) -> tuple[list[Reading[Side]], list[Reading[Side]]]:
    """The guest's sides and those of the host."""
    return [measured.guest for measured in group.measures], [measured.outside for measured in group.measures]


def outside_only(groups: Sequence[Group], cell: Callable[[Group], str]) -> Iterator[str]:
    """Yield cells for the host, none for the guest."""
    for group in groups:
        yield NOTHING
        yield cell(group)


def guest_only(groups: Sequence[Group], figure: Callable[[Measures], float | None]) -> Iterator[str]:
    """Yield seconds for the guest, none for the host."""
    for group in groups:
        yield figures_cell([figure(measured) for measured in group.measures], format_duration)
        yield NOTHING


def sizes_cell(figures: Iterator[float | None] | map[int | None]) -> str:
    """Sizes of several trials in one cell."""
    return figures_cell(list(figures), format_size)


def figures_cell(figures: Sequence[float | None], tell: Callable[[float], str]) -> str:
    """The median and, of several trials, the range."""
    found = summarize(figures)
    if found is None:
        return NOTHING
    if found.of == 1:
        return tell(found.middle)
    some = f" in {found.seen} of {found.of}" if found.seen < found.of else ""
    return f"{tell(found.middle)} ({tell(found.low)} to {tell(found.high)}){some}"


def times_cell(sides: Sequence[Reading[Side]], when: Callable[[Side], Crossing | None]) -> str:
    """When a level was reached: of one trial with its uncertainty, of several with their spread."""
    there = [side for side in sides if not isinstance(side, Unavailable) and side.floor is not None]
    crossings = [when(side) for side in there]
    reached = [crossing for crossing in crossings if crossing is not None]
    if not reached:
        if not there:
            return NOTHING
        return WITHIN_NOISE if any(side.within_noise for side in there) else NEVER
    if len(crossings) == 1:
        return tell_crossing(reached[0])
    return figures_cell([None if one is None else one.seconds for one in crossings], format_duration)


def tell_crossing(crossing: Crossing) -> str:
    """``3.9 s ± 0.1 s``; what a command freed before its end was seen is ``0.4 s ± 0.1 s before``."""
    early = " before" if crossing.seconds < 0 else ""
    return f"{format_duration(abs(crossing.seconds))} ± {format_duration(max(0.1, crossing.uncertainty))}{early}"


def halved_cell(group: Group) -> str:
    """When the host's figure was half of its peak."""
    return times_cell([measured.outside for measured in group.measures], lambda side: side.halved)


def lag_cell(group: Group) -> str:
    """How long after the guest the host had half of it back."""
    lags = [measured.lag for measured in group.measures]
    if len(lags) == 1 and lags[0] is not None:
        return tell_crossing(lags[0])
    return figures_cell([None if lag is None else lag.seconds for lag in lags], format_duration)


def settled_cell(group: Group) -> str:
    """When it came to rest."""
    if all(isinstance(one.outside, Unavailable) or one.outside.floor is None for one in group.measures):
        return NOTHING
    cell = figures_cell([measured.settled_after for measured in group.measures], format_duration)
    return NEVER if cell == NOTHING else cell


RETURNED: Final = "returned"
SIZES: Final[tuple[tuple[str, Callable[[Side], float | None]], ...]] = (
    ("baseline", lambda side: side.baseline),
    ("peak", lambda side: side.peak),
    ("taken by the load", lambda side: side.taken),
    ("floor", lambda side: side.floor),
    (RETURNED, lambda side: side.returned),
    ("retained above the baseline", lambda side: side.retained),
    ("taken again after the lowest", lambda side: side.rebound or None),
)
CROSSINGS: Final[tuple[tuple[str, Callable[[Side], Crossing | None]], ...]] = (
    ("first return", lambda side: side.first),
    ("t50, half of what came back", lambda side: side.t50),
    ("t90", lambda side: side.t90),
)
ACTION: Final[tuple[tuple[str, Callable[[Measures], int | None]], ...]] = (
    ("predicted", lambda one: one.action.predicted.likely if one.action and one.action.predicted else None),
    ("became reportable", lambda one: None if one.action is None else one.action.gained),
    ("came back", lambda one: None if one.action is None else one.action.came),
    ("error of the prediction", lambda one: None if one.action is None else one.action.error),
    ("returned by the host since", lambda one: None if one.action is None else one.action.host_returned),
)


def shares_of(result: Result, measures: Sequence[Measures]) -> tuple[str, ...]:
    """The row of shares, which is in percent, for the table."""
    cells = ["returned, share of what was taken"]
    for group in groups_of(result, measures):
        for sides in sides_of(group):
            shares = [None if isinstance(side, Unavailable) else side.share for side in sides]
            cells.append(figures_cell(shares, lambda share: f"{share:.0%}"))
    return tuple(cells)


def facts_of(result: Result) -> tuple[tuple[str, str], ...]:
    """What was done and where, as headings and texts, fit to be shown."""
    identity = result.identity
    names = (identity.distro, identity.wsl_version, identity.kernel)
    where = ", ".join(name for name in names if not isinstance(name, Unavailable))
    facts = [
        ("when", stamp(result.time)),
        ("where", f"{where}, {format_size(result.total)}"),
        *plan_facts(result.plan),
        ("sampled", f"every {result.interval:g} s"),
    ]
    endings = dict.fromkeys(ENDINGS[trial.ending] for trial in result.trials)
    facts.append(("ended", ", ".join(endings) or "before it began"))
    return tuple((name, clean(text)) for name, text in facts)


def plan_facts(plan: ExperimentPlan) -> Iterator[tuple[str, str]]:
    """Yield what a plan will do."""
    if plan.command:
        until = "until it ends" if plan.hold is None else f"for at most {format_duration(plan.hold)}"
        yield ("load", f"{shlex.join(plan.command)}, {until}")
    else:
        held = f"held {format_duration(plan.hold or 0.0)}"
        stays = ", ended after the action was measured" if plan.lasting else ""
        count = f"{plan.hogs} hogs" if plan.hogs > 1 else "1 hog"
        yield ("load", f"{count} of {format_size(plan.size)}, {plan.hog_kind}, {held}{stays}")
    if plan.action:
        size = f" {format_size(plan.action_size)}" if plan.action_size else ""
        yield ("action", f"{plan.action}{size}{', each trial also without it' if plan.control else ''}")
    yield ("times", f"baseline {format_duration(plan.baseline)}, at most {format_duration(plan.settle)} to settle")
    if len(plan.trials) > 1:
        yield ("trials", str(len(plan.trials)))


def remarks_of(result: Result) -> tuple[str, ...]:
    """What a reader of the figures must know, each said once, fit to be shown."""
    remarks = list(result.remarks)
    for trial in result.trials:
        remarks += trial.remarks
        if trial.missing is not None:
            remarks.append(f"the host was not read: {trial.missing}")
        if trial.action is not None and trial.action.note:
            remarks.append(str(Unavailable(f"{trial.action.name}: {trial.action.note}", trial.action.hint)))
    return tuple(clean(remark) for remark in dict.fromkeys(remarks))


CHART: Final = (78, 12)
"""Columns and rows of a chart."""
WIDE: Final = 120
"""Columns that a table may take before it is cut in two."""


def report(result: Result, measures: Sequence[Measures], glyphs: Glyphs) -> str:
    """The whole report, ending with a newline."""
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
    """The table with a row for the shares below what was returned."""
    table = table_of(result, measures)
    rows: list[tuple[str, ...]] = []
    for row in table.rows:
        rows.append(row)
        if row[0] == RETURNED:
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


class Plot:
    """The curves of one trial as the columns of a timeline of ``width`` x ``height`` cells."""

    def __init__(self, trial: Trial, width: int, height: int) -> None:
        self.maximum = top_of(trial)
        self.geometry = geometry_of(self.maximum, width, height)
        self.first = trial.ticks[0].time
        self.seconds = max(1.0, trial.ticks[-1].time - self.first)
        self.measured = any(tick.host is not None for tick in trial.ticks)
        self._trial = trial

    def place(self, time: float) -> int:
        """The column of a monotonic time."""
        columns = self.geometry.columns
        return min(columns - 1, max(0, int((time - self.first) / self.seconds * columns)))

    def timeline(self, marks: tuple[Mark, ...] = (), bands: tuple[Band, ...] = ()) -> TimelineInput:
        """The timeline, with marks and bands at its columns."""
        columns: list[Column | None] = [None] * self.geometry.columns
        for tick in self._trial.ticks:
            host = tick.host if self.measured else tick.expected
            columns[self.place(tick.time)] = Column(tick.used, tick.cache, host)
        for index in range(1, len(columns)):
            columns[index] = columns[index] or columns[index - 1]  # a column shorter than the interval
        return TimelineInput(
            columns=tuple(columns),
            maximum=self.maximum,
            window_seconds=self.seconds,
            marks=marks,
            bands=bands,
            host_style="measured" if self.measured else "expected",
        )


def chart(result: Result, trial: Trial, glyphs: Glyphs) -> list[str]:
    """The curves of one trial in characters; below, its phases and the seconds since its start."""
    plot = Plot(trial, *CHART)
    geometry, measured = plot.geometry, plot.measured
    marks = tuple(Mark(plot.place(one.start), "mark", one.phase) for one in trial.stages if one.end > plot.first)
    lines = [plain(line).rstrip() for line in render_timeline(plot.timeline(marks), *CHART, glyphs)][:-1]
    which = f"trial {trial.number}{', without ' + result.plan.action if trial.control else ''}: "
    title = which if len(result.plan.trials) > 1 else ""
    area = f"{glyphs.rises[-1]} used, {glyphs.area_cache} file cache"
    stroke = glyphs.measured.across if measured else glyphs.expected.across
    host = f"{stroke} host, {'measured' if measured else 'expected'}"
    end = format_duration(plot.seconds)
    return [f"{title}{area}, {host}", *lines, " " * geometry.gutter + "0 s" + end.rjust(geometry.columns - 3)]


SCHEMA: Final = 1
"""Raised when a name changes its meaning or goes away; new names do not raise it."""
COLUMNS: Final = ("time", "taken", "used", "cache", "available", "expected", "host")
"""Of the samples; ``time`` is seconds since the first."""


def encode(result: Result, measures: Sequence[Measures], verdicts: Sequence[Verdict] = ()) -> str:
    """The document as indented text, without a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(document(result, measures, verdicts)), indent=2).decode()


def document(result: Result, measures: Sequence[Measures], verdicts: Sequence[Verdict]) -> dict[str, Json]:
    """The documented object."""
    plan = result.plan
    identity = result.identity
    return {
        "schema": SCHEMA,
        "time": result.time,
        "verdict": clean(tell_result(result, measures)),
        "interrupted": result.interrupted or None,
        "remarks": [clean(remark) for remark in result.remarks],
        "interval": result.interval,
        "total": result.total,
        "wsl": {
            "version": jsonable(identity.wsl_version),
            "kernel": jsonable(identity.kernel),
            "distro": jsonable(identity.distro),
        },
        "plan": {
            "command": [clean(word) for word in plan.command],
            "hogs": 0 if plan.command else plan.hogs,
            "size": 0 if plan.command else plan.size,
            "kind": None if plan.command else plan.kind,
            "incompressible": plan.incompressible,
            "baseline": plan.baseline,
            "hold": plan.hold,
            "settle": plan.settle,
            "action": plan.action or None,
            "action_size": plan.action_size,
            "repeat": plan.repeat,
            "control": plan.control,
        },
        "limits": [limit_part(verdict) for verdict in verdicts],
        "trials": [trial_part(trial, one) for trial, one in zip(result.trials, measures, strict=True)],
    }


def limit_part(verdict: Verdict) -> dict[str, Json]:
    """What became of one --fail-if; a time that never came is ``null``."""
    limit, value = verdict.limit, verdict.value
    known = value if isinstance(value, Unavailable) or math.isfinite(value) else None
    return {
        "expression": limit.text,
        "figure": f"{limit.side}.{limit.name}",
        "unit": {"size": "bytes", "share": "share", "time": "seconds"}[limit.figure.unit],
        "bound": limit.bound,
        "value": missing(known) if isinstance(known, Unavailable) else known,
        "failed": verdict.failed,
    }


def trial_part(trial: Trial, measured: Measures) -> dict[str, Json]:
    """One trial."""
    first = trial.ticks[0].time if trial.ticks else 0.0
    return {
        "number": trial.number,
        "control": trial.control,
        "ending": trial.ending,
        "exit_code": trial.exit_code,
        "timed_out": trial.timed_out,
        "remarks": [clean(remark) for remark in trial.remarks],
        "host_source": trial.source or None,
        "guest": side_part(measured.guest),
        "host": side_part(measured.host),
        "expected": side_part(measured.expected),
        "lag": crossing_part(measured.lag),
        "settled_after": rounded(measured.settled_after),
        "cpu_load": rounded(measured.cpu_load),
        "cpu_after": rounded(measured.cpu_after),
        "least_available": measured.least_available,
        "action": action_part(trial, measured),
        "phases": [
            {"phase": stage.phase, "start": rounded(stage.start - first), "end": rounded(stage.end - first)}
            for stage in trial.stages
        ],
        "columns": list(COLUMNS),
        "samples": [
            [rounded(tick.time - first), tick.taken, tick.used, tick.cache, tick.available, tick.expected, tick.host]
            for tick in trial.ticks
        ],
    }


def side_part(side: Reading[Side]) -> Json:
    """The figures of one curve."""
    if isinstance(side, Unavailable):
        return missing(side)
    return {
        "baseline": side.baseline,
        "peak": side.peak,
        "floor": side.floor,
        "taken": side.taken,
        "returned": side.returned,
        "share": rounded(side.share),
        "retained": side.retained,
        "rebound": side.rebound,
        "noise": side.band,
        "step": rounded(side.step),
        "first_return": crossing_part(side.first),
        "t50": crossing_part(side.t50),
        "t90": crossing_part(side.t90),
        "time_to_50_percent_reduction": crossing_part(side.halved),
    }


def action_part(trial: Trial, measured: Measures) -> Json:
    """What the action promised and gave."""
    figures, outcome = measured.action, trial.action
    if figures is None:
        return None
    predicted = figures.predicted
    return {
        "name": None if outcome is None else outcome.name,
        "done": outcome is not None and outcome.done,
        "note": None if outcome is None else clean(outcome.note),
        "seconds": None if outcome is None else rounded(outcome.seconds),
        "predicted": None if predicted is None else predicted.likely,
        "predicted_low": None if predicted is None else predicted.low,
        "predicted_high": None if predicted is None else predicted.high,
        "gained": figures.gained,
        "came": figures.came,
        "error": figures.error,
        "host_returned": figures.host_returned,
    }


def crossing_part(crossing: Crossing | None) -> Json:
    """A time and by how much it may be wrong."""
    if crossing is None:
        return None
    return {"seconds": rounded(crossing.seconds), "uncertainty": rounded(crossing.uncertainty)}


def rounded(figure: float | None) -> float | None:
    """A figure with three decimals: more is not known."""
    return None if figure is None else round(figure, 3)


KINDS: Final = (".txt", ".json", ".md", ".html", ".svg")
"""Endings of names; a name without one, such as /dev/stderr, is text, or JSON with --json."""
SPECIAL: Final = re.compile(r"([\\`*_\[\]<>#|~&$@])")
"""What Markdown could take for markup; it lets a backslash stand before any of them."""
STYLE: Final = "body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; } svg { max-width: 100%; height: auto; }"
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def markdown(result: Result, measures: Sequence[Measures]) -> str:
    """A page in Markdown: the verdict, and the text report as a block."""
    text = report(result, measures, BLOCK)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"# wsltop experiment\n\n**{mark(tell_result(result, measures))}**\n\n{fence}text\n{text}{fence}\n"


def mark(text: str) -> str:
    """Text that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\1", clean(text))


def html(result: Result, measures: Sequence[Measures]) -> str:
    """A page for browsers: the verdict, the picture and the text report. No script, and nothing to load."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>wsltop experiment</title><style>{STYLE}</style></head><body>\n"
        f"<h1>wsltop experiment</h1><p><b>{escape(clean(tell_result(result, measures)))}</b></p>\n"
        f"{draw(result, measures)}<pre>{escape(report(result, measures, BLOCK))}</pre></body></html>\n"
    )


def check_output(path: Path) -> None:
    """Refuse a file that could not be written, before the experiment takes its time.

    Raises:
        UsageError: its kind is not known, or it cannot be written there.
    """
    name = clean(str(path))
    if path.suffix and path.suffix.lower() not in KINDS:
        raise UsageError(f"--output {name}: its name must end with one of {', '.join(KINDS)}")
    if path.is_dir():
        raise UsageError(f"--output {name}: this is a directory")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--output {name}: there is no such directory")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"--output {name}: this user may not write there")


def write_output(
    path: Path, result: Result, measures: Sequence[Measures], verdicts: Sequence[Verdict], glyphs: Glyphs, *, json: bool
) -> None:
    """Write one file; ``json`` decides where its name says nothing.

    Raises:
        WsltopError: it cannot be written.
    """
    kind = path.suffix.lower() or (".json" if json else ".txt")
    if kind == ".json":
        text = encode(result, measures, verdicts) + "\n"
    elif kind == ".txt":
        text = report(result, measures, glyphs)
    else:
        text = {".md": markdown, ".html": html, ".svg": draw}[kind](result, measures)
    try:
        write_private(path, text)
    except OSError as error:
        raise WsltopError(f"cannot write {clean(str(path))}: {error.strerror}") from error
