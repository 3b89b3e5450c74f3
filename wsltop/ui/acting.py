"""An action that was started from the screen: followed from tick to tick, and told when it has settled."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from msgspec import Struct
from textual.timer import Timer

from wsltop.core.moment import Moment
from wsltop.core.reclaimed import ReclaimWatch
from wsltop.core.session import Session
from wsltop.reclaim.actions import ActionName
from wsltop.reclaim.perform import Done, Failed, ReclaimAction, Running, perform
from wsltop.reclaim.plan import Plan
from wsltop.reclaim.root import find_root_access
from wsltop.report.text import reclaimed_lines, tell_reclaimed
from wsltop.sampler import Sampler
from wsltop.system import System
from wsltop.ui.cards.plan import PlanScreen, Proposal
from wsltop.ui.exporting import ExportingApp

LOOK_EVERY: Final = 0.1
"""Seconds between two looks at what runs: the hog of ``pressure`` ends when somebody sees that it is full, and a
sample may be a minute away."""


class Told(Struct, frozen=True, kw_only=True):
    """What there is to say once an action is over."""

    toast: str
    """All of it, for a while."""
    mark: str
    """In a line, for the events, where it stays."""
    failed: bool = False


class ScreenAction:
    """One action: start it, poll it often, feed it each moment; and it says what came of it."""

    def __init__(self, plan: Plan, baseline: Moment) -> None:
        self.plan = plan
        self._performance: ReclaimAction = perform(plan)
        self._watch = ReclaimWatch(plan.predicted)
        self._watch.take(baseline)
        self._watch.begin(baseline.sample.monotonic)
        self._done_at: float | None = None
        self._note = ""

    def start(self) -> None:
        """Begin."""
        self._performance.start()

    def poll(self) -> Told | None:
        """Look how far it is; a message when it has failed."""
        progress = self._performance.poll()
        if isinstance(progress, Failed):
            return Told(
                toast=str(progress),
                mark=f"{self.plan.name}: failed, {progress.reason}",
                failed=True,
            )
        return None

    @property
    def runs(self) -> bool:
        """Whether something still runs; afterwards only the memory moves."""
        return isinstance(self._performance.poll(), Running)

    def take(self, moment: Moment) -> Told | None:
        """Take the next moment; a message when the action has failed or its memory has settled."""
        self._watch.take(moment)
        now = moment.sample.monotonic
        if self._done_at is None:
            progress = self._performance.poll()
            if isinstance(progress, Done):
                self._done_at, self._note = now, progress.note
            return self.poll()
        if not self._watch.rests(self._done_at, now):
            return None
        result = self._watch.result()
        lines = [*reclaimed_lines(result), *filter(None, [self._note])]
        return Told(toast="\n".join(lines), mark=tell_reclaimed(self.plan.name, result, self._note))

    def close(self) -> None:
        """Give it up, if it still runs."""
        self._performance.close()


class ActingApp(ExportingApp):
    """An app that gives memory back when the user says so."""

    sampler: Sampler | None
    controls = True
    """Whether hogs and actions are to be had: not over a recording."""
    system = System()
    """What is looked at, and where actions take effect."""
    session: Session
    """What goes on, whatever is shown."""
    _action: ScreenAction | None = None
    _looking: Timer | None = None

    @abstractmethod
    def tick(self) -> None:
        """Take a sample and show it."""

    def mark(self, text: str, *, level: int = 6) -> None:
        """Tell in the events, on the timeline and in recordings what has just been done."""
        if self.sampler is not None:
            self.sampler.mark(text, level=level)

    def ask_action(self, name: ActionName) -> None:
        """Show what an action would do; run it if the user says so."""
        if self.session.moment is None or not self.controls:
            return
        if self._action is not None:
            self.notify(f"{self._action.plan.name} has not settled yet", severity="warning")
            return
        system = self.system
        access = find_root_access(system.root, system.environ, system.drive)
        proposal = Proposal(name, access, self.session, system.root)

        def answered(run: bool | None) -> None:
            if run:
                self._start_action(proposal.plan)

        self.push_screen(PlanScreen(self.options.glyphs, proposal), answered)

    def _start_action(self, planned: Plan) -> None:
        """Begin, with a sample from right before as the measure of what comes back."""
        self.mark(f"{planned.name} was started here")
        self.tick()
        moment = self.session.moment
        if moment is None:
            return
        self._action = ScreenAction(planned, moment)
        self._action.start()
        self._looking = self.set_interval(LOOK_EVERY, self._look)

    def _look(self) -> None:
        """See how far the action is, between two samples."""
        action = self._action
        told = None if action is None else action.poll()
        if told is not None:
            self._tell_action(told)
        elif self._looking is not None and (action is None or not action.runs):
            self._looking.stop()

    def _follow_action(self) -> None:
        """Tell what came of the action, once it has settled."""
        action, moment = self._action, self.session.moment
        told = None if action is None or moment is None else action.take(moment)
        if told is not None:
            self._tell_action(told)

    def _tell_action(self, told: Told) -> None:
        """Show it for a while, and keep it in the events."""
        if self._action is not None:
            self.notify(
                told.toast,
                title=self._action.plan.name,
                severity="warning" if told.failed else "information",
                timeout=15,
            )
        self.mark(told.mark, level=4 if told.failed else 6)
        self.close_action()

    def close_action(self) -> None:
        """Let go of the action; what still runs of it is ended."""
        action, self._action = self._action, None
        if self._looking is not None:
            self._looking.stop()
        if action is not None:
            action.close()

    def on_unmount(self) -> None:
        """The program ends: so does what it began."""
        self.close_action()
