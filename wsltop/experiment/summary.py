"""The verdict of an experiment, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from wsltop.experiment.measure import Measures, Side, Summary, summarize
from wsltop.experiment.trial import Result
from wsltop.model.reading import Unavailable
from wsltop.model.units import format_duration, format_size

NEARLY_ALL: Final = 0.9
NOTHING: Final = 0.1
AT_ONCE: Final = 0.05
LEFT: Final = 0.1
MORE: Final = 1.1
"""Above this share more than the load has come back, so a share would say nothing."""
MUCH: Final = 0.25
"""The share of the load that must be missing in a place for the verdict to name it."""


def tell_result(result: Result, measures: Sequence[Measures]) -> str:
    """The verdict over all trials with the action, compared with those without it."""
    pairs = list(zip(result.trials, measures, strict=True))
    with_action = [measured for trial, measured in pairs if not trial.control]
    without = [measured for trial, measured in pairs if trial.control]
    chosen = [measured for measured in with_action if released(measured)] or [
        measured for measured in without if released(measured)
    ]
    if not chosen:
        return tell_nothing(result, measures)
    clauses = [tell_return(result, chosen), *tell_caveats(result, chosen), *tell_action(result, chosen, without)]
    return f"{'; '.join(clauses)}."


def released(measured: Measures) -> bool:
    """Whether the load was released and the outside's figures are known after it."""
    return not isinstance(measured.outside, Unavailable) and measured.outside.floor is not None


def tell_nothing(result: Result, measures: Sequence[Measures]) -> str:
    """Why there is no verdict."""
    if result.interrupted:
        return f"Interrupted by {result.interrupted} before anything could come back: no verdict."
    if not measures:
        return "Nothing was measured: no verdict."
    outside, remarks = measures[-1].outside, result.trials[-1].remarks
    why = remarks[-1] if remarks else "the load was never released"
    if not remarks and isinstance(outside, Unavailable):
        why = outside.reason
    return f"No verdict: {why}."


def sides(measures: Sequence[Measures]) -> list[Side]:
    """The figures of the outside, as far as they are there."""
    return [measured.outside for measured in measures if not isinstance(measured.outside, Unavailable)]


def host_name(result: Result, measures: Sequence[Measures]) -> str:
    """The name of the host as the subject of a sentence."""
    if not all(measured.measured for measured in measures):
        return "the host, by the guest's own figures since it was not read,"
    process = any(trial.source == "process" for trial in result.trials)
    return "the host's process" if process else "Windows"


def tell_return(result: Result, chosen: Sequence[Measures]) -> str:
    """How much came back, and how soon."""
    there = sides(chosen)
    name = host_name(result, chosen)
    capital = name[0].upper() + name[1:]
    taken = middle([side.taken for side in there])
    if not any(side.shows for side in there):
        band = middle([side.band for side in there])
        whose = "expected of the host" if not all(one.measured for one in chosen) else f"that {name} lends"
        rose = format_size(max(0.0, taken))
        return f"The load did not show: the memory {whose} rose by {rose}, and {format_size(band)} is noise"
    share = middle([side.share for side in there])
    returned, retained = middle([side.returned for side in there]), middle([side.retained for side in there])
    # The two figures are rounded alike, so that "4.0 of 4.0 GiB" does not hide what the share says.
    part = f"{format_size(returned)} of {format_size(taken)} ({share:.0%})"
    if share > MORE:
        part = f"{format_size(returned)}, more than the {format_size(taken)} of the load,"
    t50 = summarize([side.t50.seconds if side.t50 is not None else None for side in there])
    if share >= NEARLY_ALL:
        return f"{capital} got {part} back{tell_half(t50)}"
    why = tell_where(chosen, taken)
    if share >= NOTHING:
        return f"{capital} got only {part} back{tell_half(t50)}; {format_size(retained)} is kept{why}"
    return f"{capital} got next to nothing back: {part}; {format_size(retained)} is kept{why}"


def tell_half(t50: Summary | None) -> str:
    """When half of it was back."""
    if t50 is None:
        return ""
    if t50.middle < AT_ONCE:
        return ", half of it at once" if t50.middle > -AT_ONCE else ", half of it before the release"
    return f", half of it {format_duration(t50.middle)} after the release"


def tell_where(chosen: Sequence[Measures], taken: float) -> str:
    """Where the rest is: in use, in small blocks, or reported and not taken by the host."""
    guest = [measured.guest for measured in chosen if not isinstance(measured.guest, Unavailable)]
    expected = [measured.expected for measured in chosen if not isinstance(measured.expected, Unavailable)]
    if middle([side.retained for side in guest]) > MUCH * taken:
        return ", because the guest still uses it, for programs or as page cache"
    if middle([side.retained for side in expected]) > MUCH * taken:
        return ": free in the guest, but in blocks too small to report"
    return ": the guest has freed it in blocks large enough to report, and the host still holds it"


def tell_caveats(result: Result, chosen: Sequence[Measures]) -> Iterator[str]:
    """Yield what weakens the figures."""
    endings = {trial.ending for trial in result.trials if not trial.control} or {"interrupted"}
    if "not settled" in endings:
        yield f"it never settled: memory was still moving after {format_duration(result.plan.settle)}"
    kept, band = middle([side.retained for side in sides(chosen)]), middle([side.band for side in sides(chosen)])
    if kept < -band and kept < -LEFT * middle([side.taken for side in sides(chosen)]):
        yield f"it ended {format_size(-kept)} below the baseline, so something else gave memory back as well"
    rebound = max((side.rebound for side in sides(chosen)), default=0)
    if rebound:
        yield f"{format_size(rebound)} of it was taken again afterwards"
    if result.interrupted:
        yield f"interrupted by {result.interrupted}, so these figures are of what was measured until then"


def tell_action(result: Result, chosen: Sequence[Measures], without: Sequence[Measures]) -> Iterator[str]:
    """Yield what the action gave, what was predicted, and what came without it."""
    acted = [measured.action for measured in chosen if measured.action is not None]
    gains = [figures.gained for figures in acted if figures.gained is not None]
    failed = next((trial.action for trial in result.trials if trial.action is not None and not trial.action.done), None)
    if failed is not None:
        yield f"{failed.name} failed: {failed.note}"
    elif gains and result.plan.action and any(figures.predicted is not None for figures in acted):
        likely = middle([figures.predicted.likely for figures in acted if figures.predicted is not None])
        error = middle([figures.error for figures in acted])
        yield (
            f"{result.plan.action} made {format_size(middle(gains))} reportable, "
            f"predicted were {format_size(likely)} (error {tell_signed(error)})"
        )
    plain = [figures.gained for figures in (one.action for one in without) if figures is not None]
    control = summarize(plain)
    if control is not None and gains:
        yield f"without it {format_size(control.middle)} came"


def tell_signed(size: float) -> str:
    """A size with its sign."""
    return f"{'+' if size >= 0 else ''}{format_size(size)}"


def middle(figures: Sequence[float | None]) -> float:
    """The median of those that are there, 0 when none is."""
    found = summarize(figures)
    return 0.0 if found is None else found.middle
