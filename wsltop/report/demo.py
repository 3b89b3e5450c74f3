"""The result of the demo: its figures in a few rows, its curves, its text for a clipboard, and one slide as SVG."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from wsltop.charts.cells import BLOCK, Glyphs, Line, Span
from wsltop.charts.timeline import Band, render_timeline
from wsltop.core.curve import LEAST_BAND
from wsltop.core.events import DEMO_SHADED
from wsltop.experiment.measure import (
    MORE,
    ActionFigures,
    Measures,
    Side,
    cut_short,
    host_name,
    measure_all,
    summarize,
    tell_half,
    tell_result,
    tell_where,
)
from wsltop.experiment.trial import Phase, Result, Trial, demo_names
from wsltop.model.sample import Unavailable, known
from wsltop.model.text import clean, format_duration, format_range, format_size
from wsltop.report.experiment import Plot, remarks_of, report
from wsltop.report.experiment_svg import WIDTH, draw, text


class DemoResult(Struct, frozen=True, kw_only=True):
    """What the demo measured, and what it was told of compaction."""

    result: Result
    measures: tuple[Measures, ...]
    kill: Measures | None
    """The figures until the compaction began; ``None``: nothing was sampled."""
    told: str
    """What came back of the load, as a sentence."""
    log: str = ""
    """The line of the kernel log about the compaction, or wsltop's own event in its place."""
    skipped: str = ""
    """Why there was no compaction; empty where there was one."""

    @property
    def verdict(self) -> str:
        """What came back of the load, and of the compaction."""
        figures = self.measures[0].action if self.measures else None
        trial = self.trial
        if trial is None or trial.action is None or figures is None:
            return self.told
        if not trial.action.done:
            return f"{self.told} Compaction failed."
        if trial.ending == "interrupted":
            return f"{self.told} What compaction gave was not measured to its end."
        came = figures.came
        gave = "nothing more" if came is None or came < LEAST_BAND else f"{format_size(came)} more"
        return f"{self.told} Compaction gave {gave}."

    @property
    def trial(self) -> Trial | None:
        """The one trial, if it began."""
        return self.result.trials[0] if self.result.trials and self.result.trials[0].ticks else None

    @property
    def cut(self) -> bool:
        """Whether it was ended while what the hogs held was still coming back."""
        trial = self.trial
        return trial is not None and self.kill is not None and cut_short(until_action(trial), self.kill)

    @property
    def names(self) -> dict[Phase, str]:
        """What the phases are called."""
        return demo_names(acted=self.trial is not None and self.trial.action is not None)


class Fact(NamedTuple):
    """One row of the result."""

    name: str
    text: str
    style: str = "value"


def make_result(result: Result, *, log: str = "", skipped: str = "") -> DemoResult:
    """The result with its figures. What the hogs gave is measured until the compaction began."""
    trials = tuple(until_action(trial) for trial in result.trials)
    alone = replace(result, plan=replace(result.plan, action=""), trials=trials)
    figures = measure_all(alone)
    released = any(trial.start_of("release", "action") is not None for trial in trials)
    unreleased = bool(result.interrupted) and not released
    return DemoResult(
        result=result,
        measures=measure_all(result),
        kill=figures[0] if figures else None,
        told="You ended the demo before memory was released." if unreleased else clean(tell_result(alone, figures)),
        log=log,
        skipped=skipped,
    )


def until_action(trial: Trial) -> Trial:
    """The trial as it was when its action began; all of it where the load stayed for the action, or there was none."""
    action = trial.start_of("action")
    wait = next((stage for stage in trial.stages if stage.phase == "wait"), None)
    if action is None or wait is None:
        return trial
    return replace(
        trial,
        stages=tuple(stage for stage in trial.stages if stage.start < action),
        ticks=tuple(tick for tick in trial.ticks if tick.time <= action),
        action=None,
        ending="settled",
    )


def facts(demo: DemoResult) -> Iterator[Fact]:
    """Yield the rows: peak, what came back, what is stuck and why, the predictions, the log line, remarks."""
    for measured in demo.measures[:1]:
        if demo.kill is not None and not isinstance(demo.kill.outside, Unavailable):
            yield from side_facts(demo, demo.kill, demo.kill.outside)
        if demo.kill is not None and demo.kill.release is not None and not demo.cut:
            kill, outside = demo.kill.release, known(demo.kill.outside)
            yield from prediction_fact("the kill", kill if outside is None else replace(kill, came=outside.returned))
        trial = demo.trial
        if trial is not None and trial.action is not None and not trial.action.done:
            yield Fact("compact", str(Unavailable(f"failed: {trial.action.note}", trial.action.hint)), "warning")
        elif measured.action is not None and trial is not None and trial.ending != "interrupted":
            yield from prediction_fact("compaction", measured.action)
    if demo.skipped:
        yield Fact("compact", f"left out: {demo.skipped}", "warning")
    if demo.log:
        yield Fact("log line", demo.log)
    for remark in remarks_of(demo.result):
        if demo.trial is None or demo.trial.action is None or demo.trial.action.note not in remark:
            yield Fact("remark", remark, "muted")


def side_facts(demo: DemoResult, measured: Measures, side: Side) -> Iterator[Fact]:
    """Yield peak, what came back, and what is stuck."""
    who = host_name(demo.result, [measured])
    lends = f"{who} lent" if measured.measured else "expected to be lent:"
    peak = f"{lends} {format_size(side.peak)}, {format_size(max(0, side.taken))} more than before"
    yield Fact("peak", f"{peak[0].upper()}{peak[1:]}")
    if side.returned is None or side.retained is None:
        return
    if demo.cut:
        yield Fact("returned", f"{format_size(max(0, side.returned))} until it was ended; more was on its way")
        return
    share = "" if side.share is None else f" ({side.share:.0%})" if side.share <= MORE else ", more than the load"
    half = tell_half(summarize([None if side.t50 is None else side.t50.seconds]))
    most = "" if side.t90 is None else f", 90 % {format_duration(max(0.0, side.t90.seconds))} after it"
    yield Fact("returned", f"{format_size(side.returned)}{share}{half}{most}")
    if side.retained <= side.band:
        yield Fact("stuck", "nothing: it is back where it was before")
    else:
        yield Fact("stuck", f"{format_size(side.retained)}{stuck_cause(measured, side)}", "warning")


def stuck_cause(measured: Measures, side: Side) -> str:
    """Why a part did not come back, where that part is large enough to tell."""
    return tell_where([measured], side.retained) if side.retained else ""


def prediction_fact(what: str, figures: ActionFigures) -> Iterator[Fact]:
    """Yield what was predicted of an act, what came, and whether that lies in the range."""
    predicted = figures.predicted
    if predicted is None or figures.came is None:
        return
    span = format_range(predicted.low, predicted.high)
    told = f"{what} was to give {format_size(predicted.likely)} ({span}) and gave {format_size(figures.came)}: "
    inside = figures.inside
    yield Fact(
        "predicted", told + ("inside the range" if inside else "outside the range"), "value" if inside else "error"
    )


def bands_of(demo: DemoResult, trial: Trial, plot: Plot) -> tuple[Band, ...]:
    """The phases as bands of the plot; phases with one name are one band."""
    bands = []
    for name, stages in groupby(trial.stages, key=lambda stage: demo.names[stage.phase]):
        found = list(stages)
        bands.append(Band(plot.place(found[0].start), plot.place(found[-1].end), name, name in DEMO_SHADED))
    if bands:
        bands[-1] = bands[-1]._replace(end=plot.geometry.columns)
    return tuple(bands)


def curves(demo: DemoResult, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """What Linux used and what Windows lent, in ``width`` x ``height`` cells, with the phases above."""
    trial = demo.trial
    if trial is None or height < 4:
        return []
    plot = Plot(trial, width, height - 1)
    lines = render_timeline(plot.timeline(bands=bands_of(demo, trial, plot)), width, height - 1, glyphs)[:-1]
    gutter, columns = plot.geometry.gutter, plot.geometry.columns
    style = "host" if plot.measured else "expected"
    stroke = (glyphs.measured if plot.measured else glyphs.expected).across
    end = format_duration(plot.seconds)
    legend: Line = (
        Span(" " * gutter + "0 s  ", "axis"),
        Span(glyphs.rises[-1], "used"),
        Span(" used  ", "note"),
        Span(glyphs.area_cache, "cache"),
        Span(" cache  ", "note"),
        Span(stroke, style),
        Span(" Windows" if plot.measured else " expected", "note"),
    )
    room = gutter + columns - sum(len(span.text) for span in legend)
    if room < len(end) + 1:
        legend, room = (Span(" " * gutter + "0 s", "axis"),), columns - 3
    return [*lines, (*legend, Span(end.rjust(room), "axis"))]


def copied(demo: DemoResult) -> str:
    """The result as text: the rows of the card, then the whole report of the experiment."""
    rows = "".join(f"{fact.name:<9}  {clean(fact.text)}\n" for fact in facts(demo))
    return f"{demo.verdict}\n\n{rows}\n{report(demo.result, demo.measures, BLOCK)}"


SLIDE_HEIGHT: Final = 540
"""Pixels of a slide at least: 16:9 with the width of the curves."""
TITLE_LETTERS: Final = 60
FACT_LETTERS: Final = 92
STYLE: Final = "style='font: {size}px system-ui, DejaVu Sans, sans-serif; font-weight: {weight}; fill: {color}'"


def slide(demo: DemoResult) -> str:
    """One slide: the verdict, the curves, the figures. SVG without scripts, fonts or other files."""
    y, body = 20, []
    for row in textwrap.wrap(demo.verdict, TITLE_LETTERS):
        y += 28
        body.append(letters(32, y, row, size=22, weight="bold"))
    # The marks in the picture are of what the sentence and the rows tell: until the compaction began.
    picture = draw(demo.result, demo.measures if demo.kill is None else (demo.kill,), demo.names)
    inner = picture.replace("<svg ", f'<svg x="0" y="{y + 12}" ', 1).rstrip()
    y += 12 + int(picture.partition('height="')[2].partition('"')[0]) + 10
    for fact in facts(demo):
        color = "#cf222e" if fact.style == "error" else "#9a6700" if fact.style == "warning" else "#24292f"
        for number, row in enumerate(textwrap.wrap(clean(fact.text), FACT_LETTERS)):
            y += 22
            if number == 0:
                body.append(letters(64, y, fact.name, size=15, color="#57606a"))
            body.append(letters(160, y, row, size=16, color=color))
    height = max(SLIDE_HEIGHT, y + 24)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">'
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', inner, *body, "</svg>\n"])


def letters(x: int, y: int, words: str, *, size: int, weight: str = "normal", color: str = "#24292f") -> str:
    """One line of text."""
    style = STYLE.format(size=size, weight=weight, color=color)
    return f'<text x="{x}" y="{y}" {style}>{text(words)}</text>'
