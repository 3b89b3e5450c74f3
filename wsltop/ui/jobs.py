"""What goes on over many samples while the screen shows them: a recording, an experiment, an action."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wsltop.child import keep_files_free
from wsltop.core.events import DEMO, DEMO_END, DEMO_START
from wsltop.core.history import Point
from wsltop.core.moment import Moment, chart_point
from wsltop.core.prediction import Prediction
from wsltop.core.reclaimed import ReclaimWatch
from wsltop.core.session import Session
from wsltop.errors import RecordingError
from wsltop.experiment.retold import retell
from wsltop.experiment.run import ChosenDemo, prepare
from wsltop.experiment.trial import demo_names
from wsltop.hogs.pool import Hogs
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import MIB, format_duration, format_size
from wsltop.reclaim.end import ProcessEnd
from wsltop.reclaim.perform import Done, Failed, Running, perform
from wsltop.reclaim.plan import Plan
from wsltop.recording.timeline_index import SampleLog
from wsltop.recording.writer import RecordingWriter
from wsltop.report.demo import DemoResult, make_result
from wsltop.report.text import say_reclaimed, tell_reclaimed
from wsltop.ui.context import Context, DemoFrame, DemoPhase, log_line, stamp

WORTH_WATCHING: Final = 32 * MIB
"""Bytes below which what a process gives back is not told apart from all else that moves."""
LONGEST_END: Final = 120.0
"""Seconds after which a process that does not end is given up."""


class Told(Struct, frozen=True, kw_only=True):
    """What there is to say at the end of a job."""

    title: str
    toast: str
    """All of it, for a while."""
    mark: str = ""
    """In a line, for the events, where it stays."""
    failed: bool = False
    demo: DemoResult | None = None
    """What the demo measured, for a card of its own; None where there is none."""
    timeout: float | None = None
    """Seconds that the toast stays; None: as long as any."""


class Job:
    """Takes each moment until it is over."""

    @property
    def runs(self) -> bool:
        """Whether something runs that has to be looked at between two samples."""
        return False

    def take(self, moment: Moment) -> Told | None:
        """Take the next moment; what there is to say when that was the last."""
        raise NotImplementedError

    def poll(self) -> Told | None:
        """Look between two samples; what there is to say when it is over."""
        return None

    def close(self) -> None:
        """End it, and what runs for it."""
        raise NotImplementedError


class Recorder(Job):
    """Writes the samples of a session into a new file.

    Raises:
        OSError, RecordingError: the file cannot be made.
    """

    def __init__(self, folder: Path, interval: float, session: Session, show: Callable[[str], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._show = show
        self.path = folder / f"recording-{stamp()}.wsltop"
        with keep_files_free():
            self._writer = RecordingWriter(self.path, interval=interval, session=session)

    def take(self, moment: Moment) -> Told | None:
        """Write the sample, and show how much there is."""
        try:
            self._writer.write(moment.sample)
        except RecordingError as error:
            return Told(title="the recording ended", toast=str(error), failed=True)
        self._show(f"REC {format_size(self._writer.size)} {format_duration(self._writer.age)}")
        return None

    def end(self) -> Told:
        """Close the file; what was recorded where."""
        self._show("")
        try:
            self._writer.close()
        except RecordingError as error:
            return Told(title="the recording ended", toast=str(error), failed=True)
        size = format_size(self._writer.size)  # the name goes first: where the line is cut, it stays
        return Told(title="", toast=f"recorded {size} to {self.path.name}: wsltop replay {self.path}")

    def close(self) -> None:
        """Let what was recorded reach the disk."""
        self._show("")
        with contextlib.suppress(RecordingError):  # the screen is gone; each sample was committed when it came
            self._writer.close()


class LiveExperiment(Job):
    """The demo: hogs are loaded, held and killed, memory is compacted, and what comes back is measured to the end.

    Args:
        chosen: what to do; smaller hogs are taken where these do not fit.
        pool: takes the hogs.
        context: shows the phase; the journal of its live session has the log line of the compaction.
        mark: puts a line into the events.

    Raises:
        WsltopError: there is no room for the hogs.
    """

    def __init__(self, chosen: ChosenDemo, pool: Hogs, context: Context, mark: Callable[[str], None]) -> None:
        session = context.live
        self._session, self._context, self._mark, self._skipped = session, context, mark, chosen.skipped
        self._experiment = prepare(
            chosen.plan,
            pool,
            interval=context.interval,
            acting=chosen.acting,
            shares=lambda: session.outcomes.shares,
            moment=session.moment,
        )
        self._names = demo_names(acted=chosen.acting is not None)
        plan = self._experiment.plan
        point = None if session.moment is None else chart_point(session.moment)
        top = 0 if session.moment is None else (0 if point is None else point.peak) + plan.hogs * plan.size
        context.demo_frame = DemoFrame(hogs=plan.hogs, top=top)
        self._began: float | None = None
        self._now = 0.0
        """Monotonic time of the newest sample."""
        self._acted: float | None = None
        """When the compaction began, monotonic."""
        self._phase = ""
        self._log = ""
        self._held_at: float | None = None
        """When the speaker stopped it, monotonic; None: it goes on."""

    def take(self, moment: Moment) -> Told | None:
        """Go on, unless it is held; the result when it has settled."""
        now = moment.sample.monotonic
        self._began = now if self._began is None else self._began
        self._experiment.take(moment.sample)
        if not self.held:
            self._experiment.step(now)
        self._follow(now)
        return self._result() if self._experiment.finished else None

    @property
    def held(self) -> bool:
        """Whether the speaker has stopped it."""
        return self._held_at is not None

    def hold(self) -> None:
        """Stay in the phase while the speaker talks, or go on."""
        self._held_at = None if self.held else self._now
        self._follow(None)

    def stop(self, monotonic: float) -> Told:
        """End it early; what was seen until now."""
        self._experiment.stop("the user", monotonic)
        told = self._result()
        self.close()
        return told

    def _follow(self, now: float | None) -> None:
        """Mark a phase that begins, look for the log line, and show how far it is; ``None``: at the newest sample."""
        if now is not None:
            self._now = now
        self._mark_phase()
        if self._phase == "compact" and self._acted is None:
            self._acted = self._now
        if self._acted is not None:
            outcome = self._experiment.outcome
            failed = "" if outcome is None or outcome.done or not outcome.note else f"none, it failed: {outcome.note}"
            self._log = failed or log_line(self._session.journal, self._acted)
        standing = self._experiment.standing(self._now)
        self._context.running_demo = DemoPhase(
            name=self._phase or DEMO_START,
            seconds=standing.seconds,
            most=standing.most,
            held=self.held,
            held_for=0.0 if self._held_at is None else self._now - self._held_at,
            elapsed=0.0 if self._began is None else self._now - self._began,
            log=self._log,
        )

    def _result(self) -> Told:
        result = self._experiment.result()
        self._mark_phase()
        demo = make_result(result, log=self._log, skipped=self._skipped)
        begun = bool(result.trials) and result.trials[0].start_of("release", "action") is not None
        return Told(
            title="demo",
            toast=demo.verdict,
            mark=f"demo result: {demo.verdict}" if begun else "",
            demo=demo if begun else None,
            timeout=20,
        )

    def _mark_phase(self) -> None:
        """Mark the phase that it is in now; phases that have one name for the audience are one."""
        self._experiment.events()
        name = self._names[self._experiment.phase]
        if name != self._phase:
            self._phase = name
            self._mark(f"{DEMO}{name}")

    def close(self) -> None:
        """End its hogs."""
        self._context.running_demo = None
        self._experiment.close()


class EndRun(Job):
    """A process that was asked to end: watches until it has ended and what it held has come back.

    Args:
        target: the process; closed with the job.
        name: what it is called.
        predicted: what should come back.
        baseline: the moment right before it was asked.
    """

    def __init__(self, target: ProcessEnd, name: str, predicted: Reading[Prediction], baseline: Moment) -> None:
        self.name, self.pid = name, target.pid
        self._target = target
        self._watch = ReclaimWatch(predicted)
        self._watch.take(baseline)
        self._began = baseline.sample.monotonic
        self._watch.begin(self._began)
        self._small = not isinstance(predicted, Unavailable) and predicted.likely < WORTH_WATCHING
        self._ended_at: float | None = None

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._target.ended

    def kill(self) -> None:
        """End it at once; one that has ended meanwhile stays as it is."""
        with contextlib.suppress(OSError):
            self._target.kill()

    def take(self, moment: Moment) -> Told | None:
        """Take the next moment; what to say when it has ended and its memory has settled."""
        self._watch.take(moment)
        now = moment.sample.monotonic
        if self._ended_at is None and self.ended:
            self._ended_at = now
        if self._ended_at is None:
            late = now - self._began >= LONGEST_END
            return Told(title="", toast=f"{self.name}, pid {self.pid}, is still there", failed=True) if late else None
        if self._small:
            return Told(title="", toast=f"{self.name} has ended")
        if not self._watch.rests(self._ended_at, now):
            return None
        result = self._watch.result()
        return Told(
            title=f"{self.name} has ended",
            toast=say_reclaimed(result),
            mark=tell_reclaimed(f"{self.name} has ended", result),
            timeout=15,
        )

    def close(self) -> None:
        """Let go of the process."""
        self._target.close()


class RetoldDemo(Job):
    """The demo in a recording: its result, when it is over there.

    Args:
        log: the recording.
        context: gets what is known of the whole demo.
    """

    def __init__(self, log: SampleLog, context: Context) -> None:
        self._log, self._context = log, context
        self._demo = self._retell()

    def take(self, moment: Moment) -> Told | None:
        """Take the next moment; the result at the end of the demo."""
        if self._demo is None or all(mark.text != f"{DEMO}{DEMO_END}" for mark in moment.sample.marks):
            return None
        trial = self._demo.trial
        acted = None if trial is None else trial.start_of("action")
        demo = self._demo
        if acted is not None:
            demo = replace(demo, log=log_line(self._context.log.journal, acted, moment.sample.monotonic))
        return Told(title="demo", toast=demo.verdict, demo=demo)

    def _retell(self) -> DemoResult | None:
        log = self._log
        result = retell((log.sample(number) for number in range(log.count)), self._context.interval)
        if result is None:
            return None
        demo = make_result(result, skipped="" if result.plan.action else "it is not in this recording")
        lengths: dict[str, float] = {}
        for stage in result.trials[0].stages:
            name = demo.names[stage.phase]
            lengths[name] = lengths.get(name, 0.0) + stage.end - stage.start
        points = (Point(tick.time, tick.used, tick.cache, tick.host, tick.expected) for tick in result.trials[0].ticks)
        top = max((point.peak for point in points), default=0)
        self._context.demo_frame = DemoFrame(hogs=result.plan.hogs, top=top, lengths=lengths)
        return demo

    def close(self) -> None:
        """Nothing runs for it."""


class ActionRun(Job):
    """One action that gives memory back: runs it, and watches what comes of it until that has settled."""

    def __init__(self, plan: Plan, baseline: Moment) -> None:

        self.plan = plan
        self._action = perform(plan)
        self._watch = ReclaimWatch(plan.predicted)
        self._watch.take(baseline)
        self._watch.begin(baseline.sample.monotonic)
        self._done_at: float | None = None
        self._note = ""
        self._action.start()

    @property
    def runs(self) -> bool:
        """Whether something still runs; afterwards only the memory moves."""

        return isinstance(self._action.poll(), Running)

    def poll(self) -> Told | None:
        """Look how far it is; what to say when it has failed."""

        progress = self._action.poll()
        if not isinstance(progress, Failed):
            return None
        return Told(
            title=self.plan.name,
            toast=str(progress),
            mark=f"{self.plan.name}: failed, {progress.reason}",
            failed=True,
            timeout=15,
        )

    def take(self, moment: Moment) -> Told | None:
        """Take the next moment; what to say when it has failed or its memory has settled."""

        self._watch.take(moment)
        now = moment.sample.monotonic
        if self._done_at is None:
            progress = self._action.poll()
            if isinstance(progress, Done):
                self._done_at, self._note = now, progress.note
                if self.plan.way == "wsl":
                    self._watch.begin(now)  # Windows takes seconds to make a session for root
            return self.poll()
        if not self._watch.rests(self._done_at, now):
            return None
        result = self._watch.result()
        lines = [say_reclaimed(result), *filter(None, [self._note])]
        return Told(
            title=self.plan.name,
            toast="\n".join(lines),
            mark=tell_reclaimed(self.plan.name, result, self._note),
            timeout=15,
        )

    def close(self) -> None:
        """End what still runs."""
        self._action.close()
