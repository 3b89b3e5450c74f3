"""Where the samples of the screen come from: this machine, or a recording. The app asks either in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from wsltop.core.session import Session
from wsltop.host.source import HostSource
from wsltop.model.sample import ProcessCpu, ProcessUse, Sample

if TYPE_CHECKING:
    from wsltop.recording.player import Player
    from wsltop.recording.recent import Recent
    from wsltop.ui.timetravel import TimeTravel

Processes: TypeAlias = tuple[tuple[ProcessUse, ...], tuple[ProcessCpu, ...]]
"""Processes, biggest first, and what they computed between the last two full countings."""
PACE: Final = 0.2
"""Seconds between two looks at a player: at a high speed many samples pass in a second."""


class Source(Protocol):
    """Gives the samples, and the way back to earlier ones."""

    @property
    def can_act(self) -> bool:
        """Whether it is this machine: then there are hogs, actions, recordings and rest."""

    @property
    def hint(self) -> str:
        """What is shown where there are no hogs."""

    @property
    def interval(self) -> float:
        """Seconds between two calls of ``tick``."""

    @property
    def session(self) -> Session:
        """The session that takes the samples."""

    @property
    def travel(self) -> TimeTravel | None:
        """Where in time the view is; None while it shows what goes on."""

    @property
    def banner(self) -> str | None:
        """What the status line says of the source instead of live or paused."""

    def tick(self) -> Sequence[Sample]:
        """The samples since the last call, each for ``session.take``, in order.

        Raises:
            RecordingError: a recording cannot be read any more.
        """

    def explore(self) -> bool:
        """Look for events on the time line a little; whether what it shows has become another session."""

    def toggle_pause(self) -> None:
        """Stop the view, or let it go on.

        Raises:
            RecordingError: earlier samples cannot be read any more.
        """

    def attend(self, wanted: bool) -> None:
        """Count the processes at every sample while they are listed."""

    def processes(self) -> Processes | None:
        """All processes of now; None in a recording, which has the biggest alone, in its census."""

    def mark(self, text: str, level: int) -> None:
        """Put an event of ours into the next sample."""

    def rest(self, interval: float | None) -> None:
        """Expect ticks ``interval`` seconds apart; None: as usual."""

    def close(self) -> None:
        """End what runs for it, at once."""


class Samples(Protocol):
    """What the live screen asks of a sampler: see ``wsltop.sampler.Sampler``."""

    host: HostSource
    interval: float | None

    def sample(self) -> Sample:
        """Read everything once."""

    def mark(self, text: str, *, level: int = 6) -> None:
        """Let the next sample tell what has just been done."""

    def attend(self, wanted: bool) -> None:
        """Count the processes with every sample while they are listed."""

    def processes(self) -> Processes:
        """All visible processes that hold memory, biggest first, and what they computed lately."""


class LiveSource:
    """The samples of this machine, and those of the last two hours for a look back."""

    can_act = True
    hint = ""
    banner = None

    def __init__(self, sampler: Samples, session: Session) -> None:
        self.sampler = sampler
        self.session = session
        self.interval = session.interval
        """Seconds between two samples when it does not rest; that of the session follows the samples."""
        self.travel: TimeTravel | None = None
        self._recent: Recent | None = None

    def tick(self) -> Sequence[Sample]:
        """Take one sample."""
        sample = self.sampler.sample()
        if self._recent is None:
            from wsltop.recording.recent import Recent

            self._recent = Recent(self.session.interval)
        self._recent.take(sample, self.session)
        return (sample,)

    def explore(self) -> bool:
        """All events are known."""
        return False

    def toggle_pause(self) -> None:
        """Stop at the newest sample, or go back to live."""
        from wsltop.ui.timetravel import TimeTravel  # most runs never pause: they do without the player

        if self.travel is not None or self._recent is None:
            self.travel = None
            return
        player = self._play("end")
        if player is not None:
            self.travel = TimeTravel(player, renew=self._renew, events=self.session.acts)

    def _renew(self, player: Player) -> Player:
        return self._play(player.moment.sample.monotonic) or player

    def _play(self, at: str | float) -> Player | None:
        """A player over what was kept until now; None while there is nothing."""
        from wsltop.recording.player import Player

        log = None if self._recent is None else self._recent.log()
        if log is None:
            return None
        place = at if isinstance(at, str) else log.index_at_monotonic(at)
        return Player(log, place, paused=True, silenced=self.session.silenced, bookmarks=log.bookmarks)

    def attend(self, wanted: bool) -> None:
        """Count them at each sample, as far as that may cost."""
        self.sampler.attend(wanted)

    def processes(self) -> Processes:
        """Those of the newest census, the small ones too."""
        return self.sampler.processes()

    def mark(self, text: str, level: int) -> None:
        """Put it into the next sample."""
        self.sampler.mark(text, level=level)

    def rest(self, interval: float | None) -> None:
        """Tell the sampler: a sample says how long it stands."""
        self.sampler.interval = interval or self.interval

    def close(self) -> None:
        """End the program that asks Windows."""
        self.sampler.host.close()


class ReplaySource:
    """The samples that a player plays.

    Args:
        player: plays the recording; the caller closes it.
        title: what is shown.
        clock: seconds that have passed.
    """

    can_act = False
    interval = PACE

    def __init__(self, player: Player, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        from wsltop.ui.timetravel import TimeTravel

        self.travel = TimeTravel(player)
        self.hint = title
        self._clock = clock
        self._looked: float | None = None

    @property
    def session(self) -> Session:
        """The player's, which is another one after a jump."""
        return self.travel.session

    @property
    def banner(self) -> str:
        """How it plays, and where it is."""
        return self.travel.banner

    def tick(self) -> Sequence[Sample]:
        """What has been played since the last call."""
        now = self._clock()
        elapsed, self._looked = now - (now if self._looked is None else self._looked), now
        return self.travel.player.advance(elapsed)

    def explore(self) -> bool:
        """Always: the whole recording gets its marks."""
        return self.travel.explore()

    def toggle_pause(self) -> None:
        """Stop the player, or let it go on."""
        self.travel.player.toggle_pause()

    def attend(self, wanted: bool) -> None:
        """The processes are those of the recording."""

    def processes(self) -> None:
        """Only those of the census."""

    def mark(self, text: str, level: int) -> None:
        """A recording does not change."""

    def rest(self, interval: float | None) -> None:
        """It plays as it plays."""

    def close(self) -> None:
        """Nothing runs for it."""
