"""One trial of an experiment as a state machine that never sleeps: whoever has the clock steps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from wsltop.control.load import Load
from wsltop.control.perform import Performance
from wsltop.control.progress import Done, Failed, Running
from wsltop.core.experiment import ActionOutcome, Ending, ExperimentPlan, Phase, Stage, Trial
from wsltop.core.experiment.curve import FEWEST
from wsltop.core.experiment.recorder import Recorder
from wsltop.core.ledger import Ledger
from wsltop.core.prediction import Prediction
from wsltop.core.reading import Reading
from wsltop.core.sample import Sample
from wsltop.errors import WsltopError

Act: TypeAlias = Callable[[Reading[Ledger]], tuple[Reading[Prediction], Performance]]
"""Prepares the action for a ledger: what it promises, and how it is performed."""

LATE_ANSWER: Final = 12.0
"""Seconds by which the baseline is extended for a host that answers seldom."""
DRAINING: Final = 40.0
"""Seconds by which it is extended for a host that is still getting back what was freed before: reporting is through
with everything in about thirty."""
FILLING: Final = 120.0
"""Seconds within which hogs should be full."""
ENDING: Final = 30.0
"""Seconds within which a load should be gone; the kernel needs 0.1 s per GiB."""


class TrialRun:
    """Takes one load through its phases.

    Args:
        plan: what to do; its hogs fit.
        load: not started yet.
        act: the action; ``None`` in a control, and where there is none.
        number: counts the trials from 1.
        interval: seconds between two samples.
        last: no trial follows, so nothing has to come to rest after a lasting load.
    """

    def __init__(
        self, plan: ExperimentPlan, load: Load, act: Act | None, *, number: int, interval: float, last: bool
    ) -> None:
        self.plan, self.load, self.number = plan, load, number
        self.phase: Phase = "baseline"
        self._act, self._last = act, last
        self._since: float | None = None
        self._drained = False
        """Whether the host was still getting memory back in the baseline."""
        self._stages: list[Stage] = []
        self._record = Recorder(interval)
        self._remarks: list[str] = []
        self._ending: Ending = "interrupted"
        self._performance: Performance | None = None
        self._outcome: ActionOutcome | None = None
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
        """When the present phase began, monotonic; ``None`` before the first sample."""
        return self._since

    def take(self, sample: Sample) -> None:
        """Take a sample in."""
        self.load.see(sample)
        if self.phase != "done":
            self._record.take(sample)

    def step(self, now: float) -> Phase:
        """Go on to whatever ``now`` asks for; the phase after that."""
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
        """End it here: what was measured so far is kept."""
        if self.phase == "done":
            return
        if self._performance is not None:
            self._performance.cancel()
        if self.phase == "clear":
            self._enter("done", now)  # what was to be measured has been
            return
        self._ending = "interrupted"
        self._enter("done", now)

    def close(self) -> None:
        """End the load and the action, and wait for a bounded time until they are gone."""
        if self._performance is not None:
            self._performance.close()
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
            exit_code=self.load.exit_code,
            source=self._record.source,
            missing=self._record.missing,
        )

    # Phases: each returns the one to be in now, from the time and from how long it has been in its own.

    def _baseline(self, now: float, lasted: float) -> Phase:
        patient = self._record.host_is_late and lasted < self.plan.baseline + LATE_ANSWER
        if lasted < self.plan.baseline or len(self._record.ticks) < FEWEST or patient:
            return "baseline"
        start = now - self.plan.baseline
        falls = self._record.host_falls(start)
        self._drained = self._drained or falls
        if self._drained:
            # Taken for noise, what drains from before would make everything after it look like rest.
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
            return "release" if self.plan.hold is not None and lasted >= self.plan.hold else "load"
        if state == "filling" and lasted >= FILLING and self.plan.kind != "leak":
            self._remarks.append(f"the hogs were not full after {FILLING:.0f} s: the machine swaps, or is too busy")
            return "hold"
        return "hold" if state == "full" else "load"

    def _holding(self, now: float, lasted: float) -> Phase:
        if self.load.poll() == "gone":
            return self._fail("") if self.load.failed else "release"
        if lasted < (self.plan.hold or 0.0):
            return "hold"
        if self.plan.lasting:
            return "settle" if self._act is None else "action"
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
        return "settle" if self._act is None else "action"

    def _acting(self, now: float, lasted: float) -> Phase:
        if self._performance is None or self._outcome is None:
            return "settle"
        progress = self._performance.poll()
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
        self._performance.close()
        self._performance = None
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
        """Close the phase that was and do what the next one begins with."""
        since = now if self._since is None else self._since
        self._stages.append(Stage(self.phase, since, now))
        self.phase, self._since = phase, now
        if phase in ("release", "clear"):
            self.load.release()
        elif phase == "action" and self._act is not None:
            predicted, self._performance = self._act(self._record.ledger)
            self._outcome = ActionOutcome(name=self.plan.action, predicted=predicted)
            self._performance.start()

    def _fail(self, why: str) -> Phase:
        if why:
            self._remarks.append(why)
        self._ending = "failed"
        return "done"

    def _rests(self, now: float) -> bool:
        """Whether nothing has changed since this phase began."""
        return self._record.rests(since=now if self._since is None else self._since, now=now, window=self.plan.window)
