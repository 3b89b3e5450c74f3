"""An experiment: its trials one after another, each with a load of its own. Stepped by whoever has the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from wsltop.control.acting import Acting
from wsltop.control.command_load import CommandLoad
from wsltop.control.hog_options import HogOptions
from wsltop.control.hogs import HogPool
from wsltop.control.load import HogLoad, Load, fit
from wsltop.control.trial import Act, TrialRun
from wsltop.core.event import Event
from wsltop.core.experiment import ExperimentPlan, Phase, Result, Trial
from wsltop.core.ledger import keep_ledger
from wsltop.core.reading import Unavailable
from wsltop.core.sample import Identity, Sample

UNSAMPLED: Final = Unavailable("nothing was sampled")
NOBODY: Final = Identity(kernel=UNSAMPLED, distro=UNSAMPLED, wsl_version=UNSAMPLED)


class Standing(Struct, frozen=True, kw_only=True):
    """How far an experiment is."""

    phase: Phase
    seconds: float
    """In this phase."""
    most: float | None
    """How long the phase takes at the most; ``None``: nobody knows."""
    trial: int
    trials: int
    control: bool


class Experiment:
    """Runs a plan.

    Per tick: ``step(now)``, ``take(sample)``, and ``events()`` for the timeline; at the end, or after ``stop``,
    ``result()``; and ``close()`` whatever happened. Use it from the main thread only, as the pool of its hogs.

    Args:
        plan: what to do; see ``prepare`` for one that fits.
        make_load: makes the load of one trial, not started.
        act: the plan's action.
        interval: seconds between two samples.
        remarks: what a reader of the result must know beforehand.
    """

    def __init__(
        self,
        plan: ExperimentPlan,
        make_load: Callable[[], Load],
        act: Act | None = None,
        *,
        interval: float,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self.plan = plan
        self.interrupted = ""
        self._make_load, self._act, self._interval, self._remarks = make_load, act, interval, remarks
        self._controls = plan.trials
        self._over: list[Trial] = []
        self._now = 0.0
        self._first: Sample | None = None
        self._newest: Sample | None = None
        self._told: list[Event] = []
        self._run: TrialRun | None = self._next_run()

    @property
    def phase(self) -> Phase:
        """The phase of the present trial; ``done`` when there is none."""
        return "done" if self._run is None else self._run.phase

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self._run is None

    @property
    def failed(self) -> bool:
        """Whether a trial could not be done, or its action failed."""
        return any(one.ending == "failed" or (one.action is not None and not one.action.done) for one in self._over)

    def take(self, sample: Sample) -> None:
        """Take a sample in: of the sampler that knows the pool."""
        self._first = self._first or sample
        self._newest = sample
        if self._run is not None:
            self._run.take(sample)

    def step(self, now: float) -> Phase:
        """Do what is due at ``now``, monotonic seconds; the phase after that."""
        self._now = now
        if self._run is None:
            return "done"
        before = (self._run.phase, self._run.since)
        phase = self._run.step(now)
        if (phase, self._run.since) != before:
            self._mark(phase, now)
        if phase == "done":
            self._conclude(now)
        return self.phase

    def events(self) -> tuple[Event, ...]:
        """The phases that began since the last call, as marks for the timeline."""
        told, self._told = tuple(self._told), []
        return told

    def standing(self, now: float) -> Standing:
        """How far it is."""
        number = min(len(self._over) + 1, len(self._controls))
        since = None if self._run is None else self._run.since
        return Standing(
            phase=self.phase,
            seconds=0.0 if since is None else now - since,
            most=self._most(self.phase),
            trial=number,
            trials=len(self._controls),
            control=self._controls[number - 1] and bool(self.plan.action),
        )

    def stop(self, why: str, now: float) -> None:
        """End it here; ``result`` then tells what was measured so far."""
        if self._run is not None:
            self.interrupted = why
            self._run.stop(now)
            self._conclude(now, go_on=False)
            self._mark("done", now)

    def close(self) -> None:
        """End every process of it and wait, for a bounded time, until they are gone."""
        if self._run is not None:
            self.stop("its end", self._now)

    def result(self) -> Result:
        """What was measured."""
        sample = self._first
        ledger = UNSAMPLED if sample is None else keep_ledger(sample)
        return Result(
            plan=self.plan,
            time=0.0 if sample is None else sample.time,
            interval=self._interval,
            total=0 if isinstance(ledger, Unavailable) else ledger.total,
            identity=NOBODY if self._newest is None else self._newest.identity,
            trials=tuple(self._over),
            remarks=self._remarks,
            interrupted=self.interrupted,
        )

    def _most(self, phase: Phase) -> float | None:
        plan = self.plan
        limits: dict[Phase, float | None] = {"baseline": plan.baseline, "wait": plan.settle, "settle": plan.settle}
        limits["load" if plan.command else "hold"] = plan.hold
        return limits.get(phase)

    def _next_run(self) -> TrialRun | None:
        number = len(self._over) + 1
        if number > len(self._controls):
            return None
        control = self._controls[number - 1]
        return TrialRun(
            self.plan,
            self._make_load(),
            None if control else self._act,
            number=number,
            interval=self._interval,
            last=number == len(self._controls),
        )

    def _conclude(self, now: float, *, go_on: bool = True) -> None:
        """Put the trial that is over aside, and begin the next one unless this one failed."""
        run = self._run
        if run is None:
            return
        run.close()
        trial = run.trial(now, control=self._controls[len(self._over)])
        self._over.append(trial)
        self._run = self._next_run() if go_on and trial.ending != "failed" else None
        if self._run is not None and self._newest is not None:
            self._run.take(self._newest)

    def _mark(self, phase: Phase, now: float) -> None:
        sample = self._newest
        time = now if sample is None else sample.time + now - sample.monotonic
        which = f" {len(self._over) + 1} of {len(self._controls)}" if len(self._controls) > 1 else ""
        self._told.append(
            Event(
                kind="mark",
                origin="wsltop",
                time=time,
                start=now,
                end=now,
                text=f"experiment{which}: {phase}",
            )
        )


def prepare(
    wanted: ExperimentPlan,
    pool: HogPool,
    *,
    interval: float,
    acting: Acting | None = None,
    options: HogOptions | None = None,
) -> Experiment:
    """An experiment that fits this machine, not begun.

    Raises:
        HogRefused: not even a small load fits above the floor.
    """
    chosen, warning = fit(wanted, root=pool.root, floor=pool.floor)
    options = options or HogOptions(incompressible=chosen.incompressible)

    def make_load() -> Load:
        return CommandLoad(chosen.command) if chosen.command else HogLoad(pool, chosen, options)

    return Experiment(chosen, make_load, acting, interval=interval, remarks=(warning,) if warning else ())
