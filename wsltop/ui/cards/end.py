"""Asks before a process is ended: what it is, what that would give back, what it costs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.page_map import predict_kill_by_pages
from wsltop.core.prediction import Prediction
from wsltop.core.session import Session
from wsltop.guest.page_flags import read_page_map
from wsltop.guest.process_details import ProcessDetails
from wsltop.guest.process_memory import read_process_memory
from wsltop.model.sample import Hog, ProcessUse, Unavailable, known
from wsltop.model.text import clean, format_size
from wsltop.reclaim.end import ProcessEnd, ancestors, command_for, refusal
from wsltop.ui.cards.card import Question
from wsltop.ui.cards.process import predict_end, tell_end
from wsltop.ui.context import Context
from wsltop.ui.jobs import EndRun, Job
from wsltop.ui.panels.panel import heading, wrap
from wsltop.ui.thread import in_daemon

MOST: Final = 6
"""Rows of one paragraph."""
TERM_PATIENCE: Final = 5.0
"""Seconds that a process has to end before it may be killed."""


class EndPlan:
    """One process that the user wants to end. Close it, or hand ``target`` to what ends it.

    Args:
        use: the process.
        seen: its owner and command line, where they are shown.
        session: predicts what comes back.

    Raises:
        OSError: it has ended, or it cannot be watched.
    """

    def __init__(self, use: ProcessUse, seen: ProcessDetails | None, session: Session) -> None:
        self.name = clean(use.name)
        self.predicted = predict_end(session, use)
        self.target: ProcessEnd | None = None
        """None: wsltop does not end it, and the facts say why."""
        self._use, self._seen, self._session = use, seen, session
        self._refused = refusal(use.pid, own=use.own)
        self._command = command_for(use.pid)
        if self._refused is None and not self._command:
            self.target = ProcessEnd(use.pid, use.started)

    def learn(self) -> Sequence[str]:
        """The facts once root has seen where each page lies: 0.1 s for each GiB, so call it in another thread."""
        if os.geteuid() == 0 and self._refused is None:
            self.predicted = predict_by_pages(self._session, self._use.pid) or self.predicted
        return self.facts

    @property
    def facts(self) -> Sequence[str]:
        """What there is to know before the answer, a paragraph each."""
        if self._refused is not None:
            return (str(self._refused),)
        use, seen = self._use, self._seen
        owner = f" of {seen.owner}" if seen is not None and seen.owner else ""
        facts = [f"{self.name}{owner}, pid {use.pid}, holds {format_size(use.held)}."]
        if seen is not None and seen.command:
            facts.append(seen.command)
        facts.append(f"Ending it {tell_end(self.predicted)}. What is not saved in it is lost.")
        if use.pid in ancestors():
            facts.append(f"wsltop itself was started from {self.name}, and may end with it.")
        if self._command:
            facts.append(f"It belongs to another user. To end it, run: {self._command}")
        return facts


def predict_by_pages(session: Session, pid: int) -> Prediction | None:
    """What ending a process would give back, by where its pages lie; ``None`` where that cannot be read."""
    pages = read_page_map(pid=pid)
    ledger = None if session.moment is None else session.moment.ledger
    if isinstance(pages, Unavailable) or ledger is None or isinstance(ledger, Unavailable):
        return None
    memory = read_process_memory(Path("/"), pid)
    return known(predict_kill_by_pages(pages, ledger, 0 if memory is None else memory.swapped))


class EndScreen(Question):
    """A question with its consequences; y does it, Enter, Escape, n and q do not.

    Args:
        glyphs: what it is drawn with.
        title: the question.
        facts: what there is to know before the answer, a paragraph each.
        can: whether y does anything.
        learn: gives the facts again when more of them is known; called in another thread.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "answer(True)", "end it")]

    def __init__(
        self,
        glyphs: Glyphs,
        title: str,
        facts: Sequence[str],
        *,
        can: bool = True,
        learn: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        super().__init__(glyphs)
        self.title_text, self.facts, self._can, self._learn = title, facts, can, learn

    def on_mount(self) -> None:
        """Show the question, and what is learned a moment later."""
        super().on_mount()
        if self._learn is not None:
            self.run_worker(self._show_learned(self._learn))

    async def _show_learned(self, learn: Callable[[], Sequence[str]]) -> None:
        self.facts = await in_daemon(learn)
        self.show_lines()

    @property
    def can(self) -> bool:
        """Whether wsltop ends it."""
        return self._can

    def text_lines(self, width: int) -> Iterator[Line]:
        """The question and the facts."""
        yield heading(clean(self.title_text), "", width, self.glyphs)
        for fact in self.facts:
            for row in wrap(clean(fact), width - 1, MOST, self.glyphs):
                yield (Span(f" {row}", "value"),)


def ask_for_hogs(hogs: Sequence[Hog], glyphs: Glyphs) -> EndScreen:
    """The question whether hogs of ours are to be killed: which they are, and that no other process is meant."""
    title = "Kill this hog?" if len(hogs) == 1 else f"Kill {len(hogs)} hogs?"
    named = [f"{hog.pid} {hog.kind} {format_size(hog.resident)}" for hog in hogs[:MOST]]
    more = f" and {len(hogs) - MOST} more" if len(hogs) > MOST else ""
    facts = (
        f"{', '.join(named)}{more}: started by wsltop.",
        "The list of processes is closed: here x and X kill hogs. p opens the list again.",
    )
    return EndScreen(glyphs, title, facts)


class ProcessEnding:
    """Ends one process: asks, signals it, asks again when it is still there, and leaves a job that watches.

    Args:
        context: what is shown.
        jobs: what goes on.
        ask: shows a question, and calls back with the answer.
        refuse: says why nothing is ended.
        later: calls back after so many seconds.
        tick: takes a sample.
        mark: puts what was done into the events.
    """

    def __init__(
        self,
        context: Context,
        jobs: dict[str, Job],
        *,
        ask: Callable[[EndScreen, Callable[[bool | None], None]], object],
        refuse: Callable[[str], None],
        later: Callable[[float, Callable[[], None]], object],
        tick: Callable[[], None],
        mark: Callable[[str], None],
    ) -> None:
        self._context, self._jobs = context, jobs
        self._ask, self._refuse, self._later, self._tick, self._mark = ask, refuse, later, tick, mark

    def begin(self, use: ProcessUse, seen: ProcessDetails | None, root: Path) -> None:
        """Ask whether a process is to be ended; below another root than ``/`` its number is another process here."""
        if not self._context.shows_now:
            live = "only live: press space first"
            self._refuse(live if self._context.can_act else "these are processes of a recording")
            return
        if root != Path("/"):
            self._refuse("below --root no process is signaled")
            return
        try:
            plan = EndPlan(use, seen, self._context.live)
        except OSError:
            self._refuse(f"process {use.pid} has ended")
            return
        target = plan.target

        def answered(yes: bool | None) -> None:
            if target is None:
                return
            if yes:
                self._terminate(plan, target)
            else:
                target.close()

        screen = EndScreen(
            self._context.glyphs, f"End {plan.name}?", plan.facts, can=target is not None, learn=plan.learn
        )
        self._ask(screen, answered)

    def _terminate(self, plan: EndPlan, target: ProcessEnd) -> None:
        self._tick()  # a sample from right before is the measure of what comes back
        moment = self._context.live.moment
        try:
            target.terminate()
        except OSError as error:
            self._refuse(f"{plan.name}: {error.strerror or error}")
            target.close()
            return
        self._mark(f"{plan.name} (pid {target.pid}) was ended here")
        if moment is None:
            target.close()
            return
        job, name = EndRun(target, plan.name, plan.predicted, moment), f"end {target.pid}"
        before = self._jobs.pop(name, None)
        if before is not None:
            before.close()
        self._jobs[name] = job
        self._later(TERM_PATIENCE, lambda: self._ask_again(name, job))

    def _ask_again(self, name: str, job: EndRun) -> None:
        """Ask whether a process that is still there is to be killed."""
        if self._jobs.get(name) is not job or job.ended:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                job.kill()
            elif self._jobs.get(name) is job:
                self._jobs.pop(name).close()

        facts = (f"{job.name}, pid {job.pid}, is still there {TERM_PATIENCE:.0f} s after it was asked to end.",)
        self._ask(EndScreen(self._context.glyphs, f"Kill {job.name} at once?", facts), answered)
