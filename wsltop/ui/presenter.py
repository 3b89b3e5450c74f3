"""Makes the views of the panels from the session and the way the user looks at it. No widgets, no Textual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wsltop.charts.cells import Line
from wsltop.charts.glyphs import Glyphs
from wsltop.core.diagnosis.finding import Finding, rank
from wsltop.core.events import tell_kind
from wsltop.core.history import Columns, Point
from wsltop.core.moment import Insight, Moment
from wsltop.core.session import Session
from wsltop.hogs.guard import floor_for
from wsltop.model.reading import Unavailable, known
from wsltop.model.sample import Hog
from wsltop.ui.cards.holders import holder_lines
from wsltop.ui.cards.ledger import ledger_lines
from wsltop.ui.layout import Rows, lay_out
from wsltop.ui.panels.events import EventsView, Position, events_view, move
from wsltop.ui.panels.gate import GateView, gate_view
from wsltop.ui.panels.hogs import HINT, HogsView, hogs_view
from wsltop.ui.panels.memory import MemoryView, memory_view, tell
from wsltop.ui.panels.scrubber import ScrubberView
from wsltop.ui.panels.status import Pause, StatusView, status_view
from wsltop.ui.panels.timeline import TimelineView, timeline_view
from wsltop.ui.panels.verdict import VerdictView, finding_card, verdict_view
from wsltop.ui.viewstate import ViewState

GATE_EVERY = 4.0
"""Seconds between two pictures of the gate: its shortest window is ten seconds, and each picture costs CPU in it."""


class Presenter:
    """One session, looked at in one way."""

    def __init__(self, session: Session, state: ViewState) -> None:
        self.session = session
        """What is shown."""
        self.live = session
        """What goes on: another one while the view stands still."""
        self.state = state
        self.banner: str | None = None
        """What the status line says instead of live or paused."""
        self.hint = HINT
        """What the hogs panel says when there are none; over a recording, what that is."""
        self.scrubber: ScrubberView | None = None
        """Where in time the view is, while one can go elsewhere."""
        self.recording = ""
        """``REC 1.2 MiB 14 min``, while the screen is recorded."""
        self.interval = session.interval
        """Seconds between two samples, when it does not rest."""
        self.resting: float | None = None
        """The same while it rests because nothing happens, or None."""
        self._columns: Columns | None = None
        self._gate: tuple[object, GateView] | None = None

    def follow(self, session: Session) -> None:
        """Show a session that goes on, or the same one after a leap."""
        self.live = session
        self.look_at(session)

    def look_at(self, session: Session) -> None:
        """Show a session that stands still; the one that goes on stays."""
        if session is not self.session:
            self.state.follow()  # what was held in the list of events may not have happened yet
        self.session = session
        self._columns = self._gate = None

    @property
    def moment(self) -> Moment | None:
        """What the panels show."""
        return self.session.moment

    @property
    def frozen(self) -> bool:
        """Whether the view stands still."""
        return self.session is not self.live

    def take(self, point: Point | None) -> None:
        """Let the timeline follow a new point of the history."""
        if point is not None and self._columns is not None and not self.frozen:
            self._columns.add(point)

    def size_of_vm(self, moment: Moment) -> int:
        """The top of the timeline: the RAM that the VM has, in bytes."""
        ledger = moment.ledger
        if isinstance(ledger, Unavailable):
            return 1
        return ledger.total if isinstance(ledger.present, Unavailable) else max(ledger.present, ledger.total)

    def floor(self) -> int | None:
        """Available memory that hogs leave alone, or None when the total is not known."""
        moment = self.session.moment
        if moment is None or isinstance(moment.ledger, Unavailable):
            return None
        return floor_for(moment.ledger.total)

    def status(self, moment: Moment, *, with_verdict: bool) -> StatusView:
        """The status line; with the word of a bad verdict where that has no panel."""
        return status_view(
            moment,
            finding=next(
                (one for one in self.findings[:1] if with_verdict and rank(one.severity) > rank("note")), None
            ),
            interval=self.interval,
            resting=self.resting,
            paused=self._pause(moment) if self.frozen else None,
            banner=self.banner,
            recording=self.recording,
        )

    def _pause(self, moment: Moment) -> Pause:
        now = self.live.moment or moment
        return Pause(
            time=moment.sample.time,
            behind=max(0.0, now.sample.monotonic - moment.sample.monotonic),
            waiting=max(0, self.live.samples - self.session.samples),
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is the matter."""
        return self.session.findings

    @property
    def insight(self) -> Insight:
        """What is known of gate, processes and settings."""
        return self.session.insight

    @property
    def has_gate(self) -> bool:
        """Whether there is an idle gate: only in WSL."""
        return bool(self.insight.gates)

    def fold(self, width: int, height: int, hogs: Sequence[Hog]) -> Rows | None:
        """How the panels share a terminal; None when it is too small."""
        shown = len(self.shown_hogs(hogs))
        return lay_out(width, height, shown, self.state.hidden, gate=self.has_gate, scrubber=self.scrubber is not None)

    def verdict(self) -> VerdictView:
        """The verdict panel."""
        return verdict_view(self.findings)

    def gate(self) -> GateView:
        """The gate panel; its figures move every few seconds, at once only when a gate opens or shuts."""
        insight, moment = self.insight, self.moment
        now = 0.0 if moment is None else moment.sample.monotonic
        state = (tuple(gate.verdict for gate in insight.gates), now // GATE_EVERY)
        if self._gate is None or self._gate[0] != state:
            self._gate = (state, self._make_gate(insight))
        return self._gate[1]

    def _make_gate(self, insight: Insight) -> GateView:
        blockers = known(insight.blockers)
        return gate_view(insight.gates, blockers, "" if insight.gates else "CPU times cannot be read")

    def findings_card(self, width: int, glyphs: Glyphs) -> Iterable[Line]:
        """All findings."""
        return finding_card(self.findings, width, glyphs)

    def ledger_card(self, width: int, glyphs: Glyphs) -> Iterable[Line]:
        """Every byte, and what could come back."""
        moment = self.moment
        if moment is None:
            return ()
        held = sum(hog.resident for hog in moment.sample.hogs)
        return ledger_lines(moment, self.session.outcomes, held, width, glyphs)

    def holders_card(self, width: int, glyphs: Glyphs) -> Iterable[Line]:
        """Who holds the memory."""
        return () if self.moment is None else holder_lines(self.moment, self.insight.growth, width, glyphs)

    def memory(self, moment: Moment) -> MemoryView:
        """The memory panel."""
        return memory_view(moment)

    def timeline(self, moment: Moment, count: int) -> TimelineView:
        """The timeline with ``count`` columns."""
        now, window = moment.sample.monotonic, self.state.window
        columns = self._columns
        if columns is None or (columns.window, columns.count) != (window, count):
            columns = self._columns = Columns(self.session.history, window, count, now)
        host = moment.sample.host
        return timeline_view(
            columns,
            self.session.journal.between(now - window, now),
            maximum=self.size_of_vm(moment),
            host_label="Windows" if isinstance(host, Unavailable) or host.source != "process" else "host",
            cursor=self._cursor_time(),
        )

    def hogs(self, hogs: Sequence[Hog], *, focused: bool) -> HogsView:
        """The hogs: those of now, or those of the frozen moment."""
        shown = self.shown_hogs(hogs)
        return hogs_view(
            shown,
            selected=self.state.chosen_hog(shown),
            next_size=self.state.hog_size,
            next_kind=tell_kind(self.state.hog_kind, incompressible=self.state.hog_incompressible),
            floor=self.floor(),
            hint=self.hint,
            focused=focused,
        )

    def shown_hogs(self, hogs: Sequence[Hog]) -> Sequence[Hog]:
        """``hogs``, which are those of now, or those of the frozen moment."""
        moment = self.moment
        return moment.sample.hogs if self.frozen and moment is not None else hogs

    def events(self, moment: Moment, *, rows: int, focused: bool) -> EventsView:
        """The list of events, ``rows`` high."""
        log = moment.sample.kernel_log
        return events_view(
            self.state.events(self.session),
            self.state.position,
            rows=rows,
            everything=self.state.everything,
            problem=tell(log) if isinstance(log, Unavailable) else "",
            focused=focused,
        )

    def move_events(self, step: int | None, rows: int) -> None:
        """Move the selection in the events by ``step``; None goes to the first."""
        events = self.state.events(self.session)
        count = len(events)
        position = move(self.state.position, -count if step is None else step, count, rows)
        self.state.place(position, events)

    def pick_event(self, row: int, rows: int) -> None:
        """Select the event in a row of the shown list."""
        events = self.state.events(self.session)
        position = self.state.position
        top = max(0, len(events) - rows) if position.following else position.top
        if top + row < len(events):
            picked = Position(top=top, cursor=top + row, following=False, seen=len(events))
            self.state.place(picked, events)

    def _cursor_time(self) -> float | None:
        """The time of the selected event: the timeline marks it."""
        position = self.state.position
        if position.following or position.cursor is None:
            return None
        events = self.state.events(self.session)
        return events[position.cursor].start if position.cursor < len(events) else None
