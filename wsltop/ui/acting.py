"""An action that was started from the screen: followed from tick to tick, and told when it has settled."""

from __future__ import annotations

from wsltop.control.actions import ActionName
from wsltop.control.perform import Performance, perform
from wsltop.control.plan import Plan, plan
from wsltop.control.progress import Done, Failed
from wsltop.control.root import find_root_access
from wsltop.core.event import Event
from wsltop.core.moment import Moment
from wsltop.core.reclaimed import ReclaimWatch
from wsltop.core.session import Session
from wsltop.record.reclaimed import reclaimed_lines
from wsltop.ui.exporting import ExportingApp
from wsltop.ui.screens.plan import PlanScreen


class ScreenAction:
    """One action; feed it each moment and it says what there is to say."""

    def __init__(self, plan: Plan, baseline: Moment) -> None:
        self.name = plan.action.name
        self._performance: Performance = perform(plan)
        self._watch = ReclaimWatch(plan.predicted)
        self._watch.take(baseline)
        self._baseline = baseline
        self._done_at: float | None = None
        self.over = False

    def start(self) -> Event:
        """Begin; the mark for the journal."""
        sample = self._baseline.sample
        self._watch.begin(sample.monotonic)
        self._performance.start()
        return Event(
            kind="mark",
            origin="wsltop",
            time=sample.time,
            start=sample.monotonic,
            end=sample.monotonic,
            text=f"{self.name} was started here",
        )

    def take(self, moment: Moment) -> str | None:
        """Take the next moment; a message when the action has failed or has settled."""
        self._watch.take(moment)
        now = moment.sample.monotonic
        if self._done_at is None:
            progress = self._performance.poll()
            if isinstance(progress, Failed):
                self.over = True
                return f"{progress.reason}. {progress.hint}".strip()
            if isinstance(progress, Done):
                self._done_at = now
            return None
        if not self._watch.rests(self._done_at, now):
            return None
        self.over = True
        return "\n".join(reclaimed_lines(self._watch.result()))

    def close(self) -> None:
        """Give it up, if it still runs."""
        self._performance.close()


class ActingApp(ExportingApp):
    """An app that gives memory back when the user says so."""

    controls = True
    """Whether hogs and actions are to be had: not over a recording."""
    session: Session
    """What goes on, whatever is shown."""
    _action: ScreenAction | None = None

    def ask_action(self, name: ActionName) -> None:
        """Show what an action would do; run it if the user says so."""
        moment = self.session.moment
        if moment is None or not self.controls:
            return
        if self._action is not None:
            self.notify(f"{self._action.name} has not settled yet", severity="warning")
            return
        shares = self.session.outcomes.shares
        access = find_root_access(drive=self.options.drive)
        planned = plan(name, ledger=moment.ledger, access=access, shares=shares)

        def answered(run: bool | None) -> None:
            if run:
                self._start_action(planned)

        self.push_screen(PlanScreen(self.options.glyphs, planned), answered)

    def _start_action(self, planned: Plan) -> None:
        moment = self.session.moment
        if moment is not None:
            self._action = ScreenAction(planned, moment)
            self.session.journal.add([self._action.start()])

    def _follow_action(self) -> None:
        """Tell what came of the action, once it has settled."""
        action, moment = self._action, self.session.moment
        if action is None or moment is None:
            return
        message = action.take(moment)
        if message is not None:
            self.notify(message, title=action.name, timeout=15)
        if action.over:
            action.close()
            self._action = None
