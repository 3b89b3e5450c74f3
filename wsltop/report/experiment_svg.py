"""The curves of an experiment as one SVG picture, without scripts, fonts or other files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from wsltop.charts.timeline import size_ticks, size_unit
from wsltop.core.curve import Dot
from wsltop.experiment.measure import Measures, Side, host_dots
from wsltop.experiment.trial import Phase, Result, Tick, Trial
from wsltop.model.text import clean, format_duration

WIDTH: Final = 960
PANEL: Final = 300
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 44, 36
PLOT: Final = WIDTH - LEFT - RIGHT
HEIGHT: Final = PANEL - TOP - BOTTOM
LETTER: Final = 7
"""Pixels that the widest letter of a phase's name takes."""
TICKS: Final = 10
STEPS: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
SVG_STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.small { font-size: 11px; fill: #57606a; }
.band0 { fill: #f6f8fa; } .band1 { fill: #eaeef2; }
.used { fill: #1f6feb; fill-opacity: .75; } .cache { fill: #9ecbff; fill-opacity: .8; }
.host { fill: none; stroke: #cf222e; stroke-width: 2.5; }
.expected { fill: none; stroke: #8250df; stroke-width: 1.5; stroke-dasharray: 6 3; }
.note { paint-order: stroke; stroke: #f6f8fa; stroke-width: 3px; stroke-linejoin: round; }
.axis { stroke: #8c959f; } .grid { stroke: #d0d7de; } .half { stroke: #cf222e; stroke-dasharray: 2 3; }
"""


class Frame(NamedTuple):
    """Where the panel of one trial is, and its scales."""

    top: float
    start: float
    seconds: float
    maximum: int

    def x(self, time: float) -> float:
        """The column of a time."""
        return LEFT + PLOT * (time - self.start) / self.seconds

    def y(self, size: float) -> float:
        """The row of a size."""
        return self.top + TOP + HEIGHT * (1 - size / self.maximum)


def draw(result: Result, measures: Sequence[Measures], names: Mapping[Phase, str] | None = None) -> str:
    """All trials below each other, on the same scales; ``names``: what the phases are called instead of their own."""
    pairs = [(trial, one) for trial, one in zip(result.trials, measures, strict=True) if trial.ticks]
    height = PANEL * max(1, len(pairs)) + 30
    seconds = max((span_of(trial) for trial, _ in pairs), default=1.0)
    maximum = max((top_of(trial) for trial, _ in pairs), default=1)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img">',
        f"<title>{text(heading(result))}</title>",
        f"<style>{SVG_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (trial, one) in enumerate(pairs):
        frame = Frame(number * PANEL, trial.ticks[0].time, seconds, maximum)
        lines += panel(result, trial, one, frame, names or {})
    if not pairs:
        lines.append(f'<text x="{LEFT}" y="{TOP}">Nothing was sampled.</text>')
    lines += legend(height - 10, any(one.measured for _, one in pairs))
    return "\n".join([*lines, "</svg>\n"])


def heading(result: Result) -> str:
    """What the picture shows."""
    plan = result.plan
    load = " ".join(plan.command) if plan.command else f"{plan.hogs} hogs, {plan.hog_kind}"
    return f"wsltop experiment: {load}" + (f", then {plan.action}" if plan.action else "")


def span_of(trial: Trial) -> float:
    """Seconds that a trial was sampled."""
    return max(1.0, trial.ticks[-1].time - trial.ticks[0].time)


def top_of(trial: Trial) -> int:
    """The top of the scale: a little above all that is drawn."""
    highest = max(max(tick.used + tick.cache, tick.host or 0, tick.expected or 0) for tick in trial.ticks)
    return max(1, highest * 21 // 20)


def panel(result: Result, trial: Trial, measured: Measures, frame: Frame, names: Mapping[Phase, str]) -> Iterator[str]:
    """Yield the drawing of one trial."""
    which = f" {trial.number} of {len(result.plan.trials)}" if len(result.plan.trials) > 1 else ""
    kind = f", without {result.plan.action}" if trial.control else ""
    if not names:
        yield f'<text x="{LEFT}" y="{frame.top + 16:g}">{text(f"trial{which}{kind}: {trial.ending}")}</text>'
    yield from bands(trial, frame, names)
    yield from size_axis(frame)
    yield from time_axis(trial, frame)
    ticks = reduced(trial.ticks)
    zeros = [Dot(tick.time, 0) for tick in ticks]
    used = [Dot(tick.time, tick.used) for tick in ticks]
    stack = [Dot(tick.time, tick.used + tick.cache) for tick in ticks]
    yield area("cache", used, stack, frame)
    yield area("used", zeros, used, frame)
    yield line("expected", [Dot(tick.time, tick.expected) for tick in ticks if tick.expected is not None], frame)
    yield line("host", host_dots(ticks), frame)
    release = trial.start_of("release", "action", "settle")
    outside = measured.outside
    if isinstance(outside, Side) and outside.t50 is not None and release is not None:
        yield from half_mark(release + outside.t50.seconds, outside.t50.seconds, frame)


def half_mark(time: float, seconds: float, frame: Frame) -> Iterator[str]:
    """Yield the mark where half of it was back."""
    x = frame.x(time)
    yield f'<line class="half" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top + TOP:g}" y2="{frame.y(0):.1f}"/>'
    yield f'<text class="small note" x="{x + 4:.1f}" y="{frame.top + TOP + 12:g}">t50 {format_duration(seconds)}</text>'


def bands(trial: Trial, frame: Frame, names: Mapping[Phase, str]) -> Iterator[str]:
    """Yield the phases as bands, named where there is room."""
    for number, stage in enumerate(trial.stages):
        start, end = frame.x(max(stage.start, frame.start)), frame.x(max(stage.end, frame.start))
        name = text(names.get(stage.phase, stage.phase))
        yield (
            f'<rect class="band{number % 2}" x="{start:.1f}" y="{frame.top + TOP - 18:g}" '
            f'width="{max(0.0, end - start):.1f}" height="{HEIGHT + 18}">'
            f"<title>{name}, {format_duration(stage.end - stage.start)}</title></rect>"
        )
        if end - start >= LETTER * len(name):
            yield f'<text class="small" x="{start + 3:.1f}" y="{frame.top + TOP - 5:g}">{name}</text>'


def size_axis(frame: Frame) -> Iterator[str]:
    """Yield the sizes at the left."""
    for tick in size_ticks(frame.maximum, 12):
        y = frame.y(tick.size)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="small" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick.label}</text>'
    unit = size_unit(frame.maximum)
    yield f'<text class="small" x="{LEFT - 6}" y="{frame.y(0) + 4:.1f}" text-anchor="end">0 {unit}</text>'


def time_axis(trial: Trial, frame: Frame) -> Iterator[str]:
    """Yield the seconds below: zero is the release, or the start where there was none."""
    y = frame.y(0)
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    zero = trial.start_of("release", "action", "settle") or frame.start
    name = "release" if trial.start_of("release") is not None else "0 s"
    step = next((step for step in STEPS if frame.seconds / step <= TICKS), STEPS[-1])
    first = -int((zero - frame.start) // step)
    for turn in range(first, int((frame.start + frame.seconds - zero) // step) + 1):
        x = frame.x(zero + turn * step)
        sign = "-" if turn < 0 else ""
        label = f"{sign}{format_duration(abs(turn * step))}" if turn else name
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{y + 4:.1f}"/>'
        yield f'<text class="small" x="{x:.1f}" y="{y + 17:.1f}" text-anchor="middle">{label}</text>'


def reduced(ticks: Sequence[Tick]) -> list[Tick]:
    """Not more ticks than there are half pixels: of those that share one, the one with the highest use."""
    if len(ticks) <= 2 * PLOT:
        return list(ticks)
    size = -(-len(ticks) // (2 * PLOT))
    return [max(ticks[start : start + size], key=lambda tick: tick.taken) for start in range(0, len(ticks), size)]


def area(name: str, lower: Sequence[Dot], upper: Sequence[Dot], frame: Frame) -> str:
    """A filled area between two curves."""
    outline = [*upper, *reversed(lower)]
    return f'<polygon class="{name}" points="{points(outline, frame)}"/>'


def line(name: str, dots: Sequence[Dot], frame: Frame) -> str:
    """A curve."""
    return f'<polyline class="{name}" points="{points(dots, frame)}"/>'


def points(dots: Sequence[Dot], frame: Frame) -> str:
    """The coordinates of a curve; an answer from before the first sample stands at its beginning."""
    return " ".join(f"{max(frame.x(dot.time), LEFT):.1f},{frame.y(dot.size):.1f}" for dot in dots)


def legend(y: float, measured: bool) -> Iterator[str]:
    """Yield what the colors mean."""
    entries = [("used", "guest: used"), ("cache", "guest: file cache"), ("expected", "host: expected")]
    if measured:
        entries.append(("host", "host: measured"))
    x = float(LEFT)
    for name, label in entries:
        if name in ("used", "cache"):
            yield f'<rect class="{name}" x="{x:g}" y="{y - 9:g}" width="14" height="10"/>'
        else:
            yield f'<line class="{name}" x1="{x:g}" x2="{x + 14:g}" y1="{y - 4:g}" y2="{y - 4:g}"/>'
        yield f'<text class="small" x="{x + 19:g}" y="{y:g}">{label}</text>'
        x += 40 + LETTER * len(label)


def text(words: str) -> str:
    """Text from outside, fit for XML."""
    return escape(clean(words))
