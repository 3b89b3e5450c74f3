"""Made-up trials whose answers are known: a load of 800 MiB over 400, held for 10 s and released at 20 s."""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec.structs import replace

from wsltop.core.prediction import Prediction
from wsltop.experiment.trial import ActionOutcome, Ending, ExperimentPlan, Phase, Result, Stage, Tick, Trial
from wsltop.model.sample import Identity, Unavailable

MIB = 1024**2
BASE, TAKEN = 400, 800
LOADED, RELEASED, OVER = 6.0, 20.0, 60.0
WINDOW = 6.0

Shape = Callable[[float], float]
"""MiB of the load that are held, from the seconds since the release."""


def exponential(half: float) -> Shape:
    """Half of it is gone every ``half`` seconds, from the release on."""
    return lambda since: TAKEN * 0.5 ** (since / half)


def steps(size: float, every: float = 2.0) -> Shape:
    """``size`` MiB at each pass of the reporting."""
    return lambda since: max(0.0, TAKEN - size * math.floor(since / every))


def at_once(since: float) -> float:
    """All of it is gone at the release."""
    return 0.0


def never(since: float) -> float:
    """Nothing is given back."""
    return TAKEN


def curve(shape: Shape) -> Callable[[float], int]:
    """Bytes at a time of the trial: baseline, a load that fills within a second, then the shape."""

    def size(time: float) -> int:
        if time < LOADED:
            return BASE * MIB
        if time < RELEASED:
            return round((BASE + TAKEN * min(1.0, time - LOADED)) * MIB)
        return round((BASE + shape(time - RELEASED)) * MIB)

    return size


def trial(
    host: Shape | None,
    *,
    guest: Shape = at_once,
    expected: Shape | None = at_once,
    interval: float = 0.25,
    host_every: float | None = None,
    gap: tuple[float, float] | None = None,
    noise: Callable[[int], int] = lambda number: 0,
    ending: Ending = "settled",
    phases: tuple[tuple[Phase, float], ...] = (("baseline", 0), ("load", LOADED), ("hold", 8), ("release", RELEASED)),
    over: float = OVER,
    action: ActionOutcome | None = None,
    control: bool = False,
) -> Trial:
    """A trial in which both sides follow a shape."""
    taken = curve(guest)
    ticks = []
    every = host_every or interval
    for number in range(round(over / interval) + 1):
        time = number * interval
        asked = math.floor(time / every + 1e-9) * every
        answered = host is not None and not (gap and gap[0] <= asked < gap[1])
        size = taken(time) + noise(number)
        ticks.append(
            Tick(
                time=time,
                taken=size,
                used=size * 3 // 4,
                cache=size // 4,
                available=8192 * MIB - size,
                expected=None if expected is None else curve(expected)(time),
                host=curve(host)(asked) + noise(number) if host is not None and answered else None,
                host_at=asked if answered else None,
                busy=number * 0.01,
            )
        )
    starts = [*phases, ("settle", RELEASED + 0.5)] if phases[-1][0] == "release" else list(phases)
    ends = [start for _, start in starts[1:]] + [over]
    stages = tuple(Stage(phase, start, end) for (phase, start), end in zip(starts, ends, strict=True))
    return Trial(
        number=1,
        control=control,
        stages=stages,
        ticks=tuple(ticks),
        ending=ending,
        source="" if host is None else "powershell",
        missing=Unavailable("interop is disabled", "Turn it on.") if host is None else None,
        action=action,
    )


def result(*trials: Trial, interrupted: str = "", **changes: object) -> Result:
    """An experiment of these trials."""
    plan = replace(ExperimentPlan(hogs=1, size=TAKEN * MIB, repeat=len(trials)), **changes)
    return Result(
        plan=plan,
        time=1_700_000_000.0,
        interval=0.25,
        total=8192 * MIB,
        identity=Identity(kernel="6.6.87.2-microsoft-standard-WSL2", distro="Ubuntu", wsl_version="2.6.3.0"),
        trials=trials,
        interrupted=interrupted,
    )


def acted(likely: int, *, done: bool = True, note: str = "") -> ActionOutcome:
    """A compaction that promised ``likely`` MiB."""
    predicted = Prediction(low=0, likely=likely * MIB, high=2 * likely * MIB)
    return ActionOutcome(name="compact", predicted=predicted, done=done, note=note)
