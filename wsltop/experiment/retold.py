"""A demo that was recorded, measured again from the samples and the marks of the recording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, cast

from wsltop.core.curve import REST
from wsltop.core.events import DEMO, DEMO_END, DEMO_START
from wsltop.core.ledger import Ledger
from wsltop.core.prediction import Prediction, Shares, predict_compaction, predict_hogs
from wsltop.core.session import Session
from wsltop.experiment.trial import ActionOutcome, ExperimentPlan, Phase, Recorder, Result, Stage, Trial
from wsltop.model.sample import Hog, Reading, Sample, Unavailable

AFTER_KILL: Final[dict[str, Phase]] = {"end": "release", "returning": "settle"}
"""The experiment's phases by the names that only the demo uses, where no compaction follows."""
EARLIER: Final = 600
"""Samples before the demo from which is learned how memory comes back here: all of a long recording takes too long."""
SLACK: Final = 1.0
"""Seconds by which a mark may be later than the phase that it stands for."""
BEFORE_COMPACTION: Final[dict[str, Phase]] = {"end": "release", "returning": "wait"}


class Foreseen(NamedTuple):
    """What predictions are made from at one sample."""

    sample: Sample
    ledger: Reading[Ledger]
    shares: Shares | None


def retell(samples: Iterable[Sample], interval: float) -> Result | None:
    """The last demo in a recording; None where there is none.

    Args:
        samples: all of the recording, oldest first.
        interval: seconds between two of them.
    """
    every = list(samples)
    marks = [
        (mark.monotonic, mark.text.removeprefix(DEMO))
        for sample in every
        for mark in sample.marks
        if mark.text.startswith(DEMO)
    ]
    first = max((place for place, (_, name) in enumerate(marks) if name == DEMO_START), default=None)
    if first is None:
        return None
    marks = marks[first:]
    end = next((time for time, name in marks if name == DEMO_END), every[-1].monotonic)
    kept = [sample for sample in every if marks[0][0] <= sample.monotonic <= end]
    if not kept:
        return None
    earlier = [sample for sample in every if sample.monotonic < marks[0][0]][-EARLIER:]
    hogs = max((sample.hogs for sample in kept), key=len, default=())
    foreseen = foresee((*earlier, *kept), interval)
    ledger = foreseen[len(earlier)].ledger
    trial = trial_of(marks, kept, interval, foreseen, finished=marks[-1][1] == DEMO_END)
    return Result(
        plan=plan_of(hogs, acted=trial.action is not None),
        time=kept[0].time,
        interval=interval,
        total=0 if isinstance(ledger, Unavailable) else ledger.total,
        identity=kept[-1].identity,
        trials=(trial,),
    )


def plan_of(hogs: Sequence[Hog], *, acted: bool) -> ExperimentPlan:
    """What was planned, as far as the hogs tell it."""
    if not hogs:
        return ExperimentPlan(action="compact" if acted else "")
    return ExperimentPlan(
        hogs=len(hogs), size=hogs[0].target, kind=hogs[0].kind, action="compact" if acted else "", hold=None
    )


def trial_of(
    marks: Sequence[tuple[float, str]],
    samples: Sequence[Sample],
    interval: float,
    foreseen: Sequence[Foreseen],
    *,
    finished: bool,
) -> Trial:
    """The trial: its phases from the marks, its ticks from the samples, its predictions from the samples before."""
    recorder = Recorder(interval)
    for sample in samples:
        recorder.take(sample)
    begun = {name: time for time, name in reversed(marks)}  # the first of each name
    acted = begun.get("compact")
    names = AFTER_KILL if acted is None else BEFORE_COMPACTION
    stages: list[Stage] = []
    for place, (start, name) in enumerate(marks):
        end = marks[place + 1][0] if place + 1 < len(marks) else samples[-1].monotonic
        if name == "compact":
            stages += [Stage("action", start, start), Stage("settle", start, end)]
        elif name != DEMO_END:
            stages.append(Stage(names.get(name, cast("Phase", name)), start, end))
    return Trial(
        number=1,
        control=False,
        stages=tuple(stages),
        ticks=tuple(recorder.ticks),
        ending="settled" if finished and could_rest(stages) else "interrupted",
        action=None if acted is None else outcome_of(foreseen, acted),
        predicted=kill_of(foreseen, begun["end"]) if "end" in begun else None,
        source=recorder.source,
        missing=recorder.missing,
    )


def could_rest(stages: Sequence[Stage]) -> bool:
    """Whether memory had time to come to rest after the release: a demo that was ended early leaves the same marks."""
    waited = [stage for stage in stages if stage.phase in ("wait", "settle")]
    return bool(waited) and waited[-1].end - waited[-1].start >= REST - SLACK


def last_before(foreseen: Sequence[Foreseen], monotonic: float) -> int:
    """The place of the last sample that shows what was before a time, or of the first of all."""
    earlier = (place for place in reversed(range(len(foreseen))) if foreseen[place].sample.monotonic < monotonic)
    return next(earlier, 0)


def foresee(samples: Iterable[Sample], interval: float) -> list[Foreseen]:
    """What predictions of each sample are made from, as the session that tells its events has it."""
    session, found = Session(interval), []
    for sample in samples:
        session.take(sample, shown=False)
        moment = session.moment
        ledger = Unavailable("nothing was sampled") if moment is None else moment.ledger
        found.append(Foreseen(sample, ledger, session.outcomes.shares))
    return found


def kill_of(foreseen: Sequence[Foreseen], ended: float) -> Reading[Prediction]:
    """What ending the hogs should return, at the last sample that shows them all."""
    place = last_before(foreseen, ended)
    most = len(foreseen[place].sample.hogs)
    while place + 1 < len(foreseen) and most and len(foreseen[place + 1].sample.hogs) == most:
        place += 1
    sample, ledger, shares = foreseen[place]
    return ledger if isinstance(ledger, Unavailable) else predict_hogs(ledger, sample.hogs, shares)


def outcome_of(foreseen: Sequence[Foreseen], acted: float) -> ActionOutcome:
    """The compaction that followed a time, with what it should return."""
    _, ledger, shares = foreseen[last_before(foreseen, acted)]
    predicted = ledger if isinstance(ledger, Unavailable) else predict_compaction(ledger, shares)
    return ActionOutcome(name="compact", predicted=predicted, done=True)
