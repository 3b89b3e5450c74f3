"""What is shown and how the user looks at it: panels and cards make their views from this. No widgets, no Textual."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from wsltop.charts.glyphs import Glyphs
from wsltop.core.diagnosis.finding import Finding
from wsltop.core.explanation import Explanation
from wsltop.core.moment import Insight, Moment
from wsltop.core.session import Session
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import Hog
from wsltop.ui.bindings import NEEDS, Key, action_name
from wsltop.ui.viewstate import GROWING, ViewState


class TimeLine(Struct, frozen=True, kw_only=True):
    """A stretch of time that can be gone through, and the place in it."""

    start: float
    """Wall clock of the first sample."""
    end: float
    """Wall clock of the last sample."""
    share: float
    """How much of the time is over at the place, 0 to 1."""
    marks: tuple[float, ...]
    """Where events begin, as shares likewise."""
    plays: bool
    """Whether it can be played, at several speeds."""


class DemoPhase(Struct, frozen=True, kw_only=True):
    """How far the demo has come."""

    name: str
    seconds: float
    """In this phase."""
    most: float | None
    """The most that the phase takes; None: that is not known."""
    held: bool
    """Whether the speaker has stopped it."""


class Notice(Struct, frozen=True):
    """A short message; empty when there is none."""

    text: str = ""
    failed: bool = False


class Context:
    """One session, looked at in one way.

    Args:
        session: what is shown.
        state: what keys and mouse have chosen.
        glyphs: what charts are drawn with.
        can_act: whether hogs and actions are to be had: not over a recording.
        hint: what stands where there are no hogs; over a recording, what that is.
    """

    def __init__(
        self, session: Session, state: ViewState, glyphs: Glyphs, *, can_act: bool = True, hint: str = ""
    ) -> None:
        self.session = session
        """What is shown."""
        self.live = session
        """What goes on: another session while the view stands still."""
        self.leaps = 0
        """How often another place in time has been shown: what panels keep from tick to tick holds for one of them."""
        self.state = state
        self.glyphs = glyphs
        self.can_act = can_act
        self.hint = hint
        self.interval = session.interval
        """Seconds between two samples, when it does not rest."""
        self.anchor: float | None = None
        """Monotonic time at which a look back began: the right end of the timeline stays there."""
        self.resting: float | None = None
        """The same while it rests because nothing happens, or None."""
        self.hogs: Sequence[Hog] = ()
        """Our hogs as they are now, whatever moment is shown."""
        self.banner: str | None = None
        """What the status line says instead of live or paused."""
        self.time_line: TimeLine | None = None
        """Where in time the view is, while one can go elsewhere."""
        self.demo: DemoPhase | None = None
        """The phase of the demo that runs."""
        self.notice = Notice()
        """What the user is told for a while, in the status line."""
        self.recording = ""
        """``REC 1.2 MiB 14 min``, while the screen is recorded."""

    def show(self, session: Session, live: Session) -> None:
        """Show ``session``; ``live`` is the one that goes on, the same one when the view does not stand still."""
        if session is not self.session:
            self.state.follow()  # what was held in the list of events may not have happened yet
        self.leaps += 1
        self.session, self.live = session, live
        now = live.moment
        if session is live:
            self.anchor = None
        elif self.anchor is None and now is not None:
            self.anchor = now.sample.monotonic

    @property
    def moment(self) -> Moment | None:
        """The moment shown."""
        return self.session.moment

    @property
    def frozen(self) -> bool:
        """Whether the view stands still while samples go on."""
        return self.session is not self.live

    @property
    def log(self) -> Session:
        """The session whose events and history are listed: in a look back all of them, not only those until then."""
        return self.live if self.frozen else self.session

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the moment, worst first."""
        return self.session.findings

    @property
    def insight(self) -> Insight:
        """What is known of gates, processes and settings."""
        return self.session.insight

    @property
    def explanation(self) -> Reading[Explanation]:
        """What Windows lends and why, what gives it back."""
        return self.session.explanation

    @property
    def window(self) -> float:
        """Seconds that the timeline shows."""
        if self.state.window is not None:
            return self.state.window
        moment, first = self.moment, next(self.session.history.since(0.0), None)
        watched = 0.0 if moment is None or first is None else moment.sample.monotonic - first.monotonic
        return next((window for window in GROWING if window >= watched), GROWING[-1])

    @property
    def shown_hogs(self) -> Sequence[Hog]:
        """The hogs of now, or those of the moment where that is another one."""
        moment = self.moment
        return moment.sample.hogs if moment is not None and (self.frozen or not self.can_act) else self.hogs

    @property
    def vm_size(self) -> int:
        """The RAM that the VM has, in bytes; 1 while it is unknown. The top of the timeline."""
        ledger = Unavailable("") if self.moment is None else self.moment.ledger
        if isinstance(ledger, Unavailable):
            return 1
        return ledger.total if isinstance(ledger.present, Unavailable) else max(ledger.present, ledger.total)

    def allows(self, action: str) -> bool:
        """Whether an action of the table of keys, by its name, does something now."""
        match NEEDS.get(action):
            case "live":
                return self.can_act
            case "hogs":
                return self.can_act and any(hog.status != "ending" for hog in self.hogs)
            case "travel":
                return self.time_line is not None or self.can_act
            case "look-back":
                return self.time_line is not None and self.can_act
            case "play":
                return self.time_line is not None and self.time_line.plays
            case "back":
                return not self.state.position.following
            case _:
                return True

    def works(self, key: Key) -> bool:
        """Whether a key does something now."""
        return self.allows(action_name(key)[0])
