"""An experiment as JSON, for programs: names and meanings that stay.

Sizes are integer bytes, times are seconds since the release. ``null`` stands for what did not happen: a time that was
never reached, a figure of a trial that was interrupted before. A side that could not be read is
``{"unavailable": reason, "hint": what to do}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from wsltop.core.experiment import Crossing, Measures, Result, Side, Trial, tell_result
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.text import clean
from wsltop.record.snapshot import Json, missing, plain

SCHEMA: Final = 1
"""Raised when a name changes its meaning or goes away; new names do not raise it."""
COLUMNS: Final = ("time", "taken", "used", "cache", "available", "expected", "host")
"""Of the samples; ``time`` is seconds since the first."""


def encode(result: Result, measures: Sequence[Measures]) -> str:
    """The document as indented text, without a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(document(result, measures)), indent=2).decode()


def document(result: Result, measures: Sequence[Measures]) -> dict[str, Json]:
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
            "version": plain(identity.wsl_version),
            "kernel": plain(identity.kernel),
            "distro": plain(identity.distro),
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
        "trials": [trial_part(trial, one) for trial, one in zip(result.trials, measures, strict=True)],
    }


def trial_part(trial: Trial, measured: Measures) -> dict[str, Json]:
    """One trial."""
    first = trial.ticks[0].time if trial.ticks else 0.0
    return {
        "number": trial.number,
        "control": trial.control,
        "ending": trial.ending,
        "exit_code": trial.exit_code,
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
        "predicted": None if predicted is None else predicted.estimate,
        "at_most": None if predicted is None else predicted.at_most,
        "gained": figures.gained,
        "error": figures.error,
        "host_returned": figures.host_returned,
    }


def crossing_part(crossing: Crossing | None) -> Json:
    """A time and by how much it may be wrong."""
    if crossing is None:
        return None
    return {"seconds": rounded(crossing.seconds), "uncertainty": rounded(crossing.uncertainty)}


def rounded(figure: float | None) -> float | None:
    """Milliseconds are more than is known."""
    return None if figure is None else round(figure, 3)
