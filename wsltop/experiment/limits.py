"""Limits on the figures of an experiment: ``--fail-if 'host.peak>6GiB'``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from wsltop.errors import UsageError, did_you_mean
from wsltop.experiment.measure import Measures, Side, summarize
from wsltop.experiment.trial import Result
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import clean, format_duration, format_size, parse_duration, parse_size

Unit: TypeAlias = Literal["size", "share", "time"]


class Figure(NamedTuple):
    """A figure that can be limited."""

    unit: Unit
    about: str
    of: Callable[[Side], float | None]
    """Bytes, a share from 0 to 1, or seconds; ``None``: it was interrupted before there was one."""
    needs_load: bool = False
    """Whether it means nothing where the load does not stand out of the noise."""


def never(seconds: float | None) -> float:
    """A time; what never happened is later than any."""
    return math.inf if seconds is None else seconds


FIGURES: Final = {
    "baseline": Figure("size", "before the load", lambda side: side.baseline),
    "peak": Figure("size", "the most under load", lambda side: side.peak),
    "taken": Figure("size", "what the load added: peak less baseline", lambda side: side.taken),
    "returned": Figure("size", "what came back of it; with % its share", lambda side: side.returned, True),
    "retained": Figure("size", "what is kept above the baseline", lambda side: side.retained),
    "t50": Figure("time", "from the release to half of what came back", lambda side: time_of(side, "t50"), True),
    "t90": Figure("time", "to nine tenths of it", lambda side: time_of(side, "t90"), True),
}
"""By its name behind ``guest.``, ``host.`` or ``expected.``; alone it is the host's."""
SHARE: Final = Figure("share", "", lambda side: side.share, True)
"""``returned`` in percent."""
SIDES: Final = {
    "guest": "memory of the guest that is not free",
    "host": "the working set that Windows, or --host, reports",
    "expected": "what the host should hold by the guest's own figures; known without Windows",
}
COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
EXPRESSION: Final = re.compile(r"\s*([a-z0-9_.]+)\s*(>=|<=|>|<)\s*(.+?)\s*", re.IGNORECASE)


class Limit(NamedTuple):
    """One ``--fail-if``: it fails where the comparison is true."""

    text: str
    side: str
    name: str
    figure: Figure
    comparison: str
    bound: float


class Verdict(NamedTuple):
    """What became of a limit."""

    limit: Limit
    value: Reading[float]
    """The median of the trials with the action, as the table shows it."""

    @property
    def failed(self) -> bool:
        """Whether the figure is known and outside the limit."""
        limit, value = self.limit, self.value
        return not isinstance(value, Unavailable) and COMPARE[limit.comparison](value, limit.bound)


def parse_limit(text: str) -> Limit:
    """The limit that an expression such as ``returned<80%`` means.

    Raises:
        UsageError: it is none; says what is wrong with it.
    """
    name = f"--fail-if '{clean(text)}'"
    match = EXPRESSION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{name} has no comparison. Quote it, since a shell takes < and > for itself: --fail-if 'host.peak>6GiB'"
        )
    written, comparison, bound = match[1].lower(), match[2], match[3]
    side, _, figure = written.rpartition(".")
    side = side or "host"
    if side not in SIDES or figure not in FIGURES:
        known = ", ".join(FIGURES)
        near = did_you_mean(written, [f"{one}.{other}" for one in SIDES for other in FIGURES])
        raise UsageError(
            f"{name}: there is no figure {written}.{near} Figures: {known}, behind {', '.join(SIDES)} and a dot"
        )
    if bound.endswith("%"):
        if figure != "returned":
            raise UsageError(f"{name}: only returned has a share in %")
        return Limit(clean(text), side, figure, SHARE, comparison, read_percent(name, bound))
    chosen = FIGURES[figure]
    return Limit(clean(text), side, figure, chosen, comparison, read_bound(name, chosen.unit, bound))


def read_percent(name: str, text: str) -> float:
    """A share from ``80%``."""
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = math.nan
    if not math.isfinite(share):
        raise UsageError(f"{name}: {clean(text)} is not a share such as 80%")
    return share


def read_bound(name: str, unit: Unit, text: str) -> float:
    """Bytes or seconds from a text with its unit."""
    try:
        bound: float = parse_size(text) if unit == "size" else parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    if unit == "size" and text.strip()[-1].isdigit():
        raise UsageError(f"{name}: {clean(text)} has no unit: K, M, G or T, such as 6G or 6GiB")
    return bound


def judge(limits: Sequence[Limit], result: Result, measures: Sequence[Measures]) -> list[Verdict]:
    """What became of each limit."""
    return [Verdict(limit, value_of(limit, result, measures)) for limit in limits]


def value_of(limit: Limit, result: Result, measures: Sequence[Measures]) -> Reading[float]:
    """The median of a figure over the trials that are no controls, or why it is not known."""
    found: list[float] = []
    missing = Unavailable("nothing was measured")
    for trial, one in zip(result.trials, measures, strict=True):
        if not trial.control:
            value = figure_of(limit, one)
            if isinstance(value, Unavailable):
                missing = value
            else:
                found.append(value)
    summary = summarize(found)
    return missing if summary is None else summary.middle


def figure_of(limit: Limit, measured: Measures) -> Reading[float]:
    """The figure of one trial."""
    side: Reading[Side] = getattr(measured, limit.side)
    if isinstance(side, Unavailable):
        return side
    if limit.figure.needs_load and not side.shows:
        noise, taken = format_size(side.band), format_size(side.taken)
        return Unavailable(f"the load does not stand out: it added {taken}, and {noise} is noise")
    value = limit.figure.of(side)
    return Unavailable("it ended before the load was released") if value is None else value


def time_of(side: Side, name: str) -> float | None:
    """Seconds of a crossing; infinite where it never came, ``None`` where the load was not released."""
    if side.floor is None:
        return None
    crossing = getattr(side, name)
    return never(None if crossing is None else crossing.seconds)


def tell_verdict(verdict: Verdict) -> str:
    """The line about one limit: figure, limit and value."""
    limit, value = verdict.limit, verdict.value
    name = f"{limit.side}.{limit.name}"
    if isinstance(value, Unavailable):
        return f"fail-if {limit.text}: {name} is not known: {value}"
    return f"fail-if {limit.text}: {name} is {tell_value(limit, value)}: {'FAILED' if verdict.failed else 'ok'}"


def tell_value(limit: Limit, value: float) -> str:
    """A value in the unit of its figure."""
    if limit.figure.unit == "size":
        return format_size(value)
    if limit.figure.unit == "share":
        return f"{value:.0%}"
    return "never" if math.isinf(value) else format_duration(value)


def help_lines() -> Iterator[str]:
    """Yield what ``--help`` lists: sides, figures and units."""
    for side, about in SIDES.items():
        yield f"  {side + '.':<10} {about}"
    for name, figure in FIGURES.items():
        unit = {"size": "size", "time": "time", "share": ""}[figure.unit]
        yield f"  {name:<10} {unit}: {figure.about}"
