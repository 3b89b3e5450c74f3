"""What is shown, how the user looks at it, and what was chosen at the start: panels and cards make their views from it.

No widgets, no Textual.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from math import inf
from operator import attrgetter
from pathlib import Path
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from wsltop.charts.cells import Glyphs
from wsltop.charts.timeline import Ghost, round_up
from wsltop.core.diagnosis.finding import Finding
from wsltop.core.event_list import EventGroup
from wsltop.core.event_log import LOG_ORIGINS, EventLog
from wsltop.core.events import DEMO_END, DEMO_START, demo_phase
from wsltop.core.explanation import Explanation
from wsltop.core.moment import Insight, Moment
from wsltop.core.session import Session
from wsltop.hogs.kinds import KINDS, PLAIN
from wsltop.host.interop import Launch, Windows
from wsltop.model.sample import Event, Hog, ProcessCpu, ProcessUse, Reading, Unavailable
from wsltop.model.text import MIB, format_clock
from wsltop.system import System
from wsltop.ui.bindings import NEEDS, Key, action_name


class ScreenOptions(Struct, frozen=True, kw_only=True):
    """What the command line, the settings and the terminal ask for."""

    glyphs: Glyphs
    measures_glyphs: bool = False
    """Whether the terminal is asked how wide it draws them: not where the user chose them."""
    color: bool
    theme: str | None
    hog_size: int
    state_folder: Path
    command_lines: bool = True
    """Whether the list of processes begins with their command lines."""
    clip: Launch | None = None
    """How to start Windows' clip.exe, inside WSL."""
    mouse: bool = True
    osc52: bool = True
    """Whether the terminal may have a clipboard that escape sequences reach."""
    patience: float | None = None
    """Seconds without key and movement after which the screen samples less often; None: never."""
    windows: Windows | None = None
    """The Windows that a report asks for its distributions; None in a replay."""
    demo: bool = False
    """Whether it begins with the plan of the demo."""
    system: System = System()
    """The machine that is looked at, and where actions take effect."""


def stamp() -> str:
    """The time of now for a file's name."""
    return time.strftime("%Y%m%d-%H%M%S")


def tell_file(path: Path) -> str:
    """A file in a notice, ``recording-20261126-140320.wsltop in /home/ada``: where a line is cut, the name stays."""
    return f"{path.name} in {path.parent}"


WINDOWS: Final = (60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0, 43200.0, 86400.0)
"""The time windows that ``+`` and ``-`` step through, in seconds."""
DEFAULT_WINDOW: Final = 300.0
GROWING: Final = (60.0, 120.0, 180.0, 300.0)
"""What the timeline shows while the data comes in, until the user zooms: it never starts nearly empty."""
LEAST_HOG: Final = 64 * MIB
CHOICES: Final = ((PLAIN, False), (PLAIN, True), *((kind, False) for kind in KINDS if kind != PLAIN))
"""The kinds of hogs in turn, and whether their content is incompressible: of the plain ones it can be."""


ProcessOrder: TypeAlias = Literal["held", "growth", "CPU", "name"]
ORDERS: Final[tuple[ProcessOrder, ...]] = ("held", "growth", "CPU", "name")
"""What the processes can be ordered by, in turn."""


class Position(Struct, frozen=True, kw_only=True):
    """Where the list of events stands."""

    top: int = 0
    """Index of the first row shown; counts only while ``following`` is off."""
    cursor: int | None = None
    """Index of the selected event: of the second that is shown in a look back."""
    following: bool = True
    seen: int = 0
    """Events that there were when following stopped."""


def scroll(position: Position, top: int, count: int, rows: int) -> Position:
    """Let row ``top`` be the first one shown in a list of ``count`` events, of which ``rows`` are shown.

    Moving away from the end stops following; reaching it resumes that.
    """
    last = max(0, count - rows)
    if top >= last or not last:
        return Position()
    return Position(top=max(0, top), following=False, seen=count if position.following else position.seen)


def place_of(event: Event, events: Sequence[Event]) -> int | None:
    """The index of an event, of the row that holds it, or of what it has become since, in a list in order of time."""
    places = range(*(cut(events, event.start, key=attrgetter("start")) for cut in (bisect_left, bisect_right)))
    same = [place for place in places if (events[place].kind, events[place].origin) == (event.kind, event.origin)]
    if not same:
        return next((place for place in reversed(range(places.start)) if holds(events[place], event)), None)
    return next((place for place in same if events[place].text == event.text), same[0])


def holds(row: Event, event: Event) -> bool:
    """Whether a row of several events has this one among them."""
    if row is event or not isinstance(row, EventGroup) or row.end < event.start:
        return False
    sign = (event.start, event.kind, event.origin)
    return any((part.start, part.kind, part.origin) == sign for part in row.parts)


class ViewState(Struct, kw_only=True):
    """Changed by keys and mouse, read when the panels make their views."""

    window: float | None = None
    """Seconds that the timeline shows; None: it grows with the data."""
    everything: bool = False
    """Whether the events show all of the kernel log."""
    position: Position = Position()
    selected_hog: int | None = None
    selected_process: tuple[int, int] | None = None
    """Pid and start time: the selection follows the process, not the row."""
    process_row: int = 0
    """The row that it had: the one to select when the process has ended."""
    process_order: ProcessOrder = "held"
    process_filter: str = ""
    """What the processes that are listed have in their pid, name, owner, place or command line."""
    command_lines: bool = True
    """Whether they are shown; never in a picture."""
    hog_size: int
    """Bytes of the next hog."""
    hog_kind: str = PLAIN
    hog_incompressible: bool = False
    hidden: frozenset[str] = frozenset()
    """Names of the panels that the user has switched off."""
    held: tuple[Event, ...] | None = None
    """The events as they were when the list stopped following."""

    def zoom(self, step: int, shown: float) -> None:
        """Take the next longer (1) or shorter (-1) window than ``shown`` seconds."""
        nearest = min(range(len(WINDOWS)), key=lambda index: abs(WINDOWS[index] - shown))
        self.window = WINDOWS[min(len(WINDOWS) - 1, max(0, nearest + step))]

    def resize_hog(self, step: int, most: int) -> None:
        """Double (1) or halve (-1) the size of the next hog, within 64 MiB and ``most``."""
        size = self.hog_size * 2 if step > 0 else self.hog_size // 2
        self.hog_size = max(LEAST_HOG, min(size, max(LEAST_HOG, most)))

    def change_kind(self) -> None:
        """Take the next kind of hog."""
        place = CHOICES.index((self.hog_kind, self.hog_incompressible)) + 1
        self.hog_kind, self.hog_incompressible = CHOICES[place % len(CHOICES)]

    def move_hog(self, step: int, hogs: Sequence[Hog]) -> None:
        """Select the hog ``step`` rows on."""
        ids = [hog.id for hog in hogs]
        if not ids:
            self.selected_hog = None
            return
        chosen = self.chosen_hog(hogs)
        place = ids.index(self.selected_hog if chosen is None and self.selected_hog in ids else chosen or ids[-1])
        self.selected_hog = ids[min(len(ids) - 1, max(0, place + step))]

    def chosen_hog(self, hogs: Sequence[Hog]) -> int | None:
        """The selected hog, or the newest that is not ending already."""
        alive = [hog.id for hog in hogs if hog.status != "ending"]
        if self.selected_hog in alive:
            return self.selected_hog
        return alive[-1] if alive else None

    def chosen_process(self, processes: Sequence[ProcessUse]) -> ProcessUse | None:
        """The selected process; when it has ended, the one in its row. From now on that one is followed."""
        keys = [(use.pid, use.started) for use in processes]
        if not keys:
            return None
        if self.selected_process in keys:
            self.process_row = keys.index(self.selected_process)
        else:
            self.process_row = min(self.process_row, len(keys) - 1)
            self.selected_process = keys[self.process_row]
        return processes[self.process_row]

    def select_process(self, row: int, processes: Sequence[ProcessUse]) -> None:
        """Select the process in a row, or the nearest."""
        if processes:
            self.process_row = min(len(processes) - 1, max(0, row))
            chosen = processes[self.process_row]
            self.selected_process = (chosen.pid, chosen.started)

    def change_order(self) -> None:
        """Take the next order of the processes."""
        self.process_order = ORDERS[(ORDERS.index(self.process_order) + 1) % len(ORDERS)]

    def toggle(self, panel: str) -> None:
        """Show a hidden panel, hide a shown one."""
        self.hidden ^= {panel}

    def events(self, session: Session) -> Sequence[Event]:
        """The events to list, oldest first.

        While the list stands still, what it showed keeps its place: the log may merge, insert and drop events, and
        here only what is newer is added.
        """
        events = session.listed(self.everything)
        if not self.held:
            return events
        last = self.held[-1].start
        newer = bisect_right(events, last, key=attrgetter("start"))
        return self.held + tuple(events[newer:])

    def follow(self) -> None:
        """Let the list of events follow its end."""
        self.position = Position()
        self.held = None

    def scroll_events(self, session: Session, top: int, rows: int) -> None:
        """Let event ``top`` have the first of ``rows`` rows; the list stays as it is until it follows its end again."""
        events = self.events(session)
        self.position = scroll(self.position, top, len(events), rows)
        if self.position.following:
            self.held = None
        elif self.held is None:
            self.held = tuple(events)


class TimeLine(Struct, frozen=True, kw_only=True):
    """A stretch of time that can be gone through, and the place in it."""

    start: float
    """Wall clock of the first sample."""
    end: float
    """Wall clock of the last sample."""
    newest: float
    """Monotonic time of the last sample."""
    share: float
    """How much of the time is over at the place, 0 to 1."""
    marks: tuple[float, ...]
    """Where events begin, as shares likewise."""
    plays: bool
    """Whether it can be played, at several speeds."""
    event: Event | None = None
    """The event that was gone to, while its second is shown."""


class DemoPhase(Struct, frozen=True, kw_only=True):
    """How far the demo has come, or had come at the second that is shown."""

    name: str
    seconds: float
    """In this phase."""
    most: float | None
    """The most that the phase takes; None: that is not known."""
    held: bool = False
    """Whether the speaker has stopped it."""
    held_for: float = 0.0
    """Seconds since then."""
    runs: bool = True
    """Whether it goes on now, so that keys hold and end it."""
    elapsed: float = 0.0
    """Seconds since the demo began."""
    log: str = ""
    """The log line of the compaction, once there is one."""


USUAL_HOGS: Final = 4
"""Hogs of a demo that nothing has changed."""


class DemoFrame(Struct, frozen=True, kw_only=True):
    """What is known of a whole demo from its start, so that nothing on the screen has to move for a later phase."""

    hogs: int | None = None
    """How many hogs the demo starts; None: unknown, as of a recorded one that was not read to its end first."""
    top: int = 0
    """Bytes of the highest figure that it will show, as far as that can be told; 0: unknown."""
    lengths: Mapping[str, float] = {}
    """Seconds that each phase takes, by its name; only of a recorded demo."""

    @property
    def rows(self) -> int:
        """Rows to keep for hogs: one each, and as many as a demo usually has where their number is unknown."""
        return USUAL_HOGS if self.hogs is None else self.hogs


NOT_LOGGED: Final = "seen by wsltop, the kernel logged nothing"
"""The origin of an event that stands for a line of the kernel log."""


def log_line(log: EventLog, since: float, until: float = inf) -> str:
    """The newest line of the kernel log about a compaction between two monotonic times, with its time and its origin.

    Where the kernel logged nothing, wsltop's own event stands for it; empty where there is none either.
    """
    found = [event for event in log.between(since - 1.0, until) if event.kind == "compaction"]
    line = next((event for event in reversed(found) if event.origin in LOG_ORIGINS), found[-1] if found else None)
    if line is None:
        return ""
    origin = line.origin if line.origin in LOG_ORIGINS else NOT_LOGGED
    return f"{format_clock(line.time)} {line.text} [{origin}]"


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
        """Monotonic time of the newest sample that a look back has taken in: the right end of its timeline."""
        self._kept_window = 0.0
        """Seconds that the timeline showed when the look back began."""
        self.resting: float | None = None
        """Seconds between two samples while it rests, or None."""
        self.hogs: Sequence[Hog] = ()
        """Our hogs as they are now, whatever moment is shown."""
        self.processes: tuple[Sequence[ProcessUse], Sequence[ProcessCpu]] | None = None
        """All processes of now and what they computed, while they are listed; a sample keeps the biggest alone."""
        self.banner: str | None = None
        """What the status line says instead of live or paused."""
        self.time_line: TimeLine | None = None
        """Where in time the view is, while one can go elsewhere."""
        self.running_demo: DemoPhase | None = None
        """The phase of the demo that goes on."""
        self.demo_frame = DemoFrame()
        """The demo that runs or ran, or the one in the recording."""
        self.ghost: Ghost | None = None
        """Where what Windows lends is predicted to go, while the plan of an action is on the screen."""
        self.notice = Notice()
        """A message that the status line shows for a while."""
        self.recording = ""
        """``REC 1.2 MiB 14 min``, while the screen is recorded."""
        self.recording_file = ""
        """The name of that file."""

    def show(self, session: Session, live: Session) -> None:
        """Show ``session``; ``live`` is the one that goes on, the same one when the view does not stand still."""
        if session is not self.session:
            self.state.follow()  # what was held in the list of events may not have happened yet
        now = live.moment
        if session is live:
            self.anchor = None
        elif self.anchor is None and now is not None:
            # As wide as it is now for the whole look back: else the axis would change under the mouse.
            self._kept_window = self.window
            self.anchor = now.sample.monotonic
        if self.anchor is not None and self.time_line is not None:
            self.anchor = self.time_line.newest
        self.leaps += 1
        self.session, self.live = session, live

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
    def demo(self) -> DemoPhase | None:
        """The phase of the demo that runs, or ran at the second that is shown; None where none did."""
        if not self.frozen and self.can_act:
            return self.running_demo
        moment = self.moment
        now = 0.0 if moment is None else moment.sample.monotonic
        begun = [(event, phase) for event in self.session.journal.events() if (phase := demo_phase(event))]
        begun = [(event, phase) for event, phase in begun if event.start <= now]
        if not begun or begun[-1][1] == DEMO_END:
            return None
        event, phase = begun[-1]
        first = next(event for event, phase in reversed(begun) if phase == DEMO_START or event is begun[0][0])
        return DemoPhase(
            name=phase,
            seconds=now - event.start,
            most=self.demo_frame.lengths.get(phase),
            runs=False,
            elapsed=now - first.start,
            log=log_line(self.session.journal, event.start, now) if phase == "compact" else "",
        )

    @property
    def window(self) -> float:
        """Seconds that the timeline shows: all of a demo while it goes on."""
        if self.state.window is not None:
            return self.state.window
        if self.anchor is not None:
            return self._kept_window
        demo = self.demo
        if demo is not None and demo.elapsed > 0:
            return next((window for window in WINDOWS if window >= demo.elapsed * 1.1), WINDOWS[-1])
        moment, first = self.moment, next(self.log.history.since(0.0), None)
        watched = 0.0
        if moment is not None and first is not None:
            watched = moment.sample.monotonic - first.monotonic
        return next((window for window in GROWING if window >= watched), GROWING[-1])

    @property
    def shown_hogs(self) -> Sequence[Hog]:
        """The hogs of now, or those of the moment where that is another one."""
        moment = self.moment
        return moment.sample.hogs if moment is not None and (self.frozen or not self.can_act) else self.hogs

    @property
    def shows_now(self) -> bool:
        """Whether what is shown is this machine as it is now."""
        return self.can_act and not self.frozen

    @property
    def top(self) -> int:
        """Bytes at the top of the timeline: the VM's size, and of a demo what that reaches, so that it can be seen."""
        reached = self.demo_frame.top
        return round_up(reached) if reached and (not self.can_act or self.demo is not None) else self.vm_size

    @property
    def vm_size(self) -> int:
        """The RAM that the VM has, in bytes; 1 while it is unknown."""
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
