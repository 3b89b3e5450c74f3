"""Runs an experiment: one trial after another, each a state machine that the caller steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, cast

from msgspec import Struct

from wsltop.core.curve import FEWEST
from wsltop.core.ledger import Ledger, keep_ledger
from wsltop.core.moment import Moment
from wsltop.core.prediction import Prediction, Shares, predict_kill
from wsltop.errors import WsltopError
from wsltop.experiment.load import CommandLoad, HogLoad, Load, fit
from wsltop.experiment.trial import ActionOutcome, Ending, ExperimentPlan, Phase, Recorder, Result, Stage, Trial
from wsltop.hogs.kinds import KINDS
from wsltop.hogs.load import HogOptions
from wsltop.hogs.pool import Hogs
from wsltop.model.sample import Event, Identity, Reading, Sample, Unavailable
from wsltop.reclaim.actions import ActionName
from wsltop.reclaim.perform import Done, Failed, ReclaimAction, Running, perform
from wsltop.reclaim.plan import Plan, find_pages, plan
from wsltop.reclaim.root import RootAccess, Way


class TrialAction:
    """The action of an experiment, prepared again in each trial.

    It uses root only because the user named the action.
    """

    def __init__(
        self, chosen: ExperimentPlan, access: RootAccess, way: Way | None = None, root: Path = Path("/")
    ) -> None:
        self._name = cast("ActionName", chosen.action)
        self._size, self._access, self._way, self._root = chosen.action_size, access, way, root
        self.shares: LearnedShares = lambda: None
        """What its prediction builds on."""

    def plan(self, ledger: Reading[Ledger]) -> Plan:
        """The plan of the action for the memory that ``ledger`` describes."""
        return plan(
            self._name,
            ledger=ledger,
            access=self._access,
            size=self._size,
            way=self._way,
            shares=self.shares(),
            root=self._root,
            pages=find_pages(self._name, self._access, self._root),
        )

    def check(self, ledger: Reading[Ledger]) -> Plan:
        """The plan for now, made before the experiment begins.

        Raises:
            WsltopError: it cannot be performed; the message says what to do.
        """
        planned = self.plan(ledger)
        if planned.blocked is not None and planned.way != "hog":  # the load may leave cache for a hog to push out
            raise WsltopError(f"{self._name}: {planned.blocked}")
        if planned.way == "paste":
            raise WsltopError(
                f"{self._name} needs root, and there is no way to it here: run wsltop as root, or with --way"
            )
        return planned

    def __call__(self, ledger: Reading[Ledger]) -> tuple[Reading[Prediction], ReclaimAction]:
        """Plan it for the memory of now: what it should return, and what performs it."""
        planned = self.plan(ledger)
        return planned.predicted, perform(planned)


class ChosenDemo(NamedTuple):
    """A demo as the user wants it."""

    plan: ExperimentPlan
    acting: TrialAction | None
    """Compacts memory; None where that is left out."""
    skipped: str
    """Why it is left out; empty where it is not."""


LearnedShares: TypeAlias = Callable[[], Shares | None]
"""Gives what came back of each kind of memory on this machine before; ``None``: nothing was seen."""
PrepareAction: TypeAlias = Callable[[Reading[Ledger]], tuple[Reading[Prediction], ReclaimAction]]
"""Prepares the action for a ledger: what it should return, and what performs it."""
LATE_ANSWER: Final = 12.0
"""Seconds by which the baseline is extended for a host that answers seldom."""
DRAINING: Final = 40.0
"""Seconds by which it is extended while the host still gets back what was freed before: reporting takes about 30."""
FILLING: Final = 120.0
"""Seconds within which hogs should be full."""
ENDING: Final = 30.0
"""Seconds within which a load should be gone; the kernel needs 0.1 s per GiB."""


class TrialRun:
    """One trial: takes a load through its phases and records both sides.

    Args:
        plan: what to do; its hogs fit above the floor.
        load: not started yet.
        prepare_action: prepares the action; ``None`` in a control, and where there is none.
        number: counts the trials from 1.
        interval: seconds between two samples.
        last: whether no trial follows: then nothing has to come to rest after a load that stayed.
        shares: what predictions build on.
    """

    def __init__(
        self,
        plan: ExperimentPlan,
        load: Load,
        prepare_action: PrepareAction | None,
        *,
        number: int,
        interval: float,
        last: bool,
        shares: LearnedShares,
    ) -> None:
        self.plan, self.load, self.number = plan, load, number
        self.phase: Phase = "baseline"
        self._prepare_action, self._last, self._shares = prepare_action, last, shares
        self._predicted: Reading[Prediction] | None = None
        self._since: float | None = None
        self._drained = False
        """Whether the host was still getting memory back in the baseline."""
        self._stages: list[Stage] = []
        self._record = Recorder(interval)
        self._remarks: list[str] = []
        self._ending: Ending = "interrupted"
        self._running: ReclaimAction | None = None
        self._outcome: ActionOutcome | None = None
        self._timed_out = False
        self._steps: dict[Phase, Callable[[float, float], Phase]] = {
            "baseline": self._baseline,
            "load": self._loading,
            "hold": self._holding,
            "release": self._releasing,
            "wait": self._waiting,
            "action": self._acting,
            "settle": self._settling,
            "clear": self._clearing,
        }

    @property
    def since(self) -> float | None:
        """When the current phase began, monotonic seconds; ``None`` before the first sample."""
        return self._since

    @property
    def outcome(self) -> ActionOutcome | None:
        """What has come of the action so far; ``None`` before it began."""
        return self._outcome

    def take(self, sample: Sample) -> None:
        """Take a sample in."""
        self.load.see(sample)
        if self.phase != "done":
            self._record.take(sample)

    def step(self, now: float) -> Phase:
        """Do what is due at ``now``, and return the phase that it is in then."""
        if self._since is None:
            if not self._record.ticks:
                return self.phase
            self._since = now
        while self.phase != "done":
            following = self._steps[self.phase](now, now - self._since)
            if following == self.phase:
                break
            self._enter(following, now)
        return self.phase

    def stop(self, now: float) -> None:
        """End it now; what was measured so far is kept."""
        if self.phase == "done":
            return
        if self._running is not None:
            self._running.cancel()
        if self.phase == "clear":
            self._enter("done", now)  # what was to be measured has been
            return
        self._ending = "interrupted"
        self._enter("done", now)

    def close(self) -> None:
        """End the load and the action, and wait for a bounded time until they are gone."""
        if self._running is not None:
            self._running.close()
        self.load.close()

    def trial(self, now: float, *, control: bool) -> Trial:
        """What was recorded until ``now``."""
        open_stage = () if self._since is None or self.phase == "done" else (Stage(self.phase, self._since, now),)
        return Trial(
            number=self.number,
            control=control,
            stages=(*self._stages, *open_stage),
            ticks=tuple(self._record.ticks),
            ending=self._ending,
            remarks=(*self._remarks, *self.load.remarks),
            action=self._outcome,
            predicted=self._predicted,
            exit_code=self.load.exit_code,
            timed_out=self._timed_out,
            source=self._record.source,
            missing=self._record.missing,
        )

    # Phases. Each takes the time and how long its phase has lasted, and returns the phase to be in now.

    def _baseline(self, now: float, lasted: float) -> Phase:
        patient = self._record.host_is_late and lasted < self.plan.baseline + LATE_ANSWER
        if lasted < self.plan.baseline or len(self._record.ticks) < FEWEST or patient:
            return "baseline"
        start = now - self.plan.baseline
        falls = self._record.host_falls(start)
        self._drained = self._drained or falls
        if self._drained:
            # As noise, what drains from before would make everything after it look like rest.
            self._record.forget(start)
        if falls and lasted < self.plan.baseline + DRAINING:
            return "baseline"
        if falls:
            self._remarks.append("the host was still getting back memory from before when the load began")
        self._record.end_baseline()
        try:
            self.load.start()
        except WsltopError as error:
            return self._fail(str(error))
        return "load"

    def _loading(self, now: float, lasted: float) -> Phase:
        state = self.load.poll()
        if state in ("gone", "ending"):
            return "release" if not self.load.failed else self._fail("")
        if self.plan.command:
            self._timed_out = self.plan.hold is not None and lasted >= self.plan.hold
            return "release" if self._timed_out else "load"
        if state == "filling" and lasted >= FILLING and not KINDS[self.plan.kind].at_a_rate:
            self._remarks.append(f"the hogs were not full after {FILLING:.0f} s: the machine swaps, or is too busy")
            return "hold"
        return "hold" if state == "full" else "load"

    def _holding(self, now: float, lasted: float) -> Phase:
        if self.load.poll() == "gone":
            return self._fail("") if self.load.failed else "release"
        if lasted < (self.plan.hold or 0.0):
            return "hold"
        if self.plan.lasting:
            return "settle" if self._prepare_action is None else "action"
        return "release"

    def _releasing(self, now: float, lasted: float) -> Phase:
        if self.load.poll() != "gone":
            if lasted < ENDING:
                return "release"
            self._remarks.append(f"the load was not gone after {ENDING:.0f} s")
        return "wait" if self.plan.action else "settle"

    def _waiting(self, now: float, lasted: float) -> Phase:
        if lasted < self.plan.settle and not self._rests(now):
            return "wait"
        return "settle" if self._prepare_action is None else "action"

    def _acting(self, now: float, lasted: float) -> Phase:
        if self._running is None or self._outcome is None:
            return "settle"
        progress = self._running.poll()
        if isinstance(progress, Running):
            return "action"
        outcome = self._outcome
        self._outcome = ActionOutcome(
            name=outcome.name,
            predicted=outcome.predicted,
            seconds=progress.seconds if isinstance(progress, Done) else lasted,
            done=isinstance(progress, Done),
            note=progress.reason if isinstance(progress, Failed) else progress.note,
            hint=progress.hint if isinstance(progress, Failed) else "",
        )
        self._running.close()
        self._running = None
        return "settle"

    def _settling(self, now: float, lasted: float) -> Phase:
        if self._rests(now):
            self._ending = "settled"
        elif lasted >= self.plan.settle:
            self._ending = "not settled"
        else:
            return "settle"
        return "clear" if self.plan.lasting else "done"

    def _clearing(self, now: float, lasted: float) -> Phase:
        if self.load.poll() != "gone" and lasted < ENDING:
            return "clear"
        if self._last or lasted >= ENDING + self.plan.settle or self._rests(now):
            return "done"
        return "clear"

    # What they share

    def _enter(self, phase: Phase, now: float) -> None:
        """End the current phase, and do what the next one begins with."""
        since = now if self._since is None else self._since
        self._stages.append(Stage(self.phase, since, now))
        self.phase, self._since = phase, now
        if phase in ("release", "clear"):
            if phase == "release" and self.load.held:
                self._predicted = self._predict_release()
            self.load.release()
        elif phase == "action" and self._prepare_action is not None:
            predicted, self._running = self._prepare_action(self._record.ledger)
            self._outcome = ActionOutcome(name=self.plan.action, predicted=predicted)
            self._running.start()

    def _predict_release(self) -> Reading[Prediction]:
        ledger = self._record.ledger
        if isinstance(ledger, Unavailable):
            return ledger
        return predict_kill(ledger, self.load.held, self._shares(), holes=self.load.holes)

    def _fail(self, why: str) -> Phase:
        if why:
            self._remarks.append(why)
        self._ending = "failed"
        return "done"

    def _rests(self, now: float) -> bool:
        """Whether nothing has changed since this phase began."""
        return self._record.rests(since=now if self._since is None else self._since, now=now, window=self.plan.window)


UNSAMPLED: Final = Unavailable("nothing was sampled")
UNKNOWN_IDENTITY: Final = Identity(kernel=UNSAMPLED, distro=UNSAMPLED, wsl_version=UNSAMPLED)


class Standing(Struct, frozen=True, kw_only=True):
    """How far an experiment has come."""

    phase: Phase
    seconds: float
    """In this phase."""
    most: float | None
    """The most seconds that the phase takes; ``None``: not known."""
    trial: int
    trials: int
    control: bool


class Experiment:
    """An experiment, from its first trial to its result.

    At each tick call ``take(sample)``, ``step(now)``, and ``events()`` for the timeline; at the end, or after ``stop``,
    ``result()``; and always ``close()``. Use it from the main thread only, like the pool of its hogs.

    Args:
        plan: what to do; see ``prepare`` for one that fits.
        make_load: makes the load of one trial, not started.
        prepare_action: prepares the plan's action, if it has one.
        interval: seconds between two samples.
        remarks: what a reader of the result must know, such as that the hogs were made smaller.
        shares: what predictions build on.
    """

    def __init__(
        self,
        plan: ExperimentPlan,
        make_load: Callable[[], Load],
        prepare_action: PrepareAction | None = None,
        *,
        interval: float,
        remarks: tuple[str, ...] = (),
        shares: LearnedShares = lambda: None,
    ) -> None:
        self.plan = plan
        self._shares = shares
        self.interrupted = ""
        self._make_load, self._prepare_action = make_load, prepare_action
        self._interval, self._remarks = interval, remarks
        self._controls = plan.trials
        self._over: list[Trial] = []
        self._now = 0.0
        self._first: Sample | None = None
        self._newest: Sample | None = None
        self._told: list[Event] = []
        self._run: TrialRun | None = self._next_run()

    @property
    def phase(self) -> Phase:
        """The phase of the current trial; ``done`` when there is none."""
        return "done" if self._run is None else self._run.phase

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self._run is None

    @property
    def failed(self) -> bool:
        """Whether a trial could not be done, or its action failed."""
        return any(one.ending == "failed" or (one.action is not None and not one.action.done) for one in self._over)

    @property
    def outcome(self) -> ActionOutcome | None:
        """What has come of the action of the current trial, or of the last one; ``None`` before it began."""
        if self._run is not None:
            return self._run.outcome
        return self._over[-1].action if self._over else None

    @property
    def command_runs(self) -> bool:
        """Whether the command of the plan runs now, and is not being ended."""
        return bool(self.plan.command) and self.phase == "load"

    @property
    def exit_code(self) -> int | None:
        """The code of the newest command that has ended; of a signal it is negative."""
        if self._run is not None and self._run.load.exit_code is not None:
            return self._run.load.exit_code
        return self._over[-1].exit_code if self._over else None

    def interrupt(self) -> None:
        """Send the running command SIGINT."""
        if self._run is not None and isinstance(self._run.load, CommandLoad):
            self._run.load.interrupt()

    def take(self, sample: Sample) -> None:
        """Take a sample in, from a sampler that knows the pool of the hogs."""
        self._first = self._first or sample
        self._newest = sample
        if self._run is not None:
            self._run.take(sample)

    def step(self, now: float) -> Phase:
        """Do what is due at ``now``, monotonic seconds, and return the phase that it is in then."""
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
        """How far it has come."""
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
        """End it now because of ``why``; ``result`` then has what was measured so far."""
        if self._run is not None:
            self.interrupted = why
            self._run.stop(now)
            self._conclude(now, go_on=False)
            self._mark("done", now)

    def close(self) -> None:
        """End all of its processes, and wait for a bounded time until they are gone."""
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
            identity=UNKNOWN_IDENTITY if self._newest is None else self._newest.identity,
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
            None if control else self._prepare_action,
            number=number,
            interval=self._interval,
            last=number == len(self._controls),
            shares=self._shares,
        )

    def _conclude(self, now: float, *, go_on: bool = True) -> None:
        """Keep the trial that is over, and begin the next one unless it failed."""
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
    pool: Hogs,
    *,
    interval: float,
    acting: TrialAction | None = None,
    options: HogOptions | None = None,
    shares: LearnedShares = lambda: None,
    moment: Moment | None = None,
) -> Experiment:
    """An experiment with hogs that fit this machine, not begun.

    Args:
        wanted: the plan; its hogs are made smaller where they do not fit.
        pool: takes the hogs.
        interval: seconds between two samples.
        acting: performs the plan's action, if it has one.
        options: of the hogs.
        shares: what predictions build on.
        moment: what the host has left; None: the hogs need to fit Linux only.

    Raises:
        HogRefused: not even a small load fits.
    """
    chosen, warning = fit(wanted, root=pool.root, floor=pool.floor, moment=moment)
    options = options or HogOptions(incompressible=chosen.incompressible)
    if acting is not None:
        acting.shares = shares

    def make_load() -> Load:
        return CommandLoad(chosen.command) if chosen.command else HogLoad(pool, chosen, options)

    return Experiment(
        chosen, make_load, acting, interval=interval, remarks=(warning,) if warning else (), shares=shares
    )
