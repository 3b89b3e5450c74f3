"""The processes that are listed: which of them, in which order, and what is known of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from wsltop.charts.spark import spark
from wsltop.core.holders import ProcessGrowth, cpu_shares, follow_process, hides_its_size, may_share, tell_held
from wsltop.guest.process_details import FRESH, DetailSource, ProcessDetails, place_of
from wsltop.model.sample import Holders, ProcessUse, Reading, Unavailable, known
from wsltop.model.text import clean, format_size
from wsltop.ui.context import Context

NOISE: Final = re.compile(r" GNU/Linux| LTS| \(.*\)")
"""What a column leaves out of the name of a distribution, such as ``Debian GNU/Linux 12 (bookworm)``."""
FILTERED: Final = 60.0
"""Seconds for which the command lines are kept that only the filter needs."""


class Column(Struct, frozen=True):
    """One column of the list."""

    name: str
    width: int
    right: bool = False
    gap: int = 1
    """Blanks before it."""


class ProcessRow(Struct, frozen=True):
    """One process as it is listed."""

    cells: tuple[str, ...]
    """A text for each column."""
    growing: bool
    own: bool
    selected: bool


class ProcessList:
    """The processes that are listed, in their order, and what is known of each.

    Args:
        context: what is shown.
        details: reads owners and command lines; only of this machine as it is now.
    """

    def __init__(self, context: Context, details: DetailSource) -> None:
        self.context = context
        self.details = details
        self.processes: Sequence[ProcessUse] = ()
        """Those that the filter lets through, in their order."""
        self.all: Sequence[ProcessUse] = ()
        """The same without the filter, biggest first."""
        self.shares: Mapping[int, float] = {}
        """What part of a core each uses, by pid; those that are not known are absent."""
        self._seen: Mapping[int, ProcessDetails] = {}
        self._growth: dict[tuple[int, int], ProcessGrowth] = {}
        self._curves: dict[tuple[int, int, int], str] = {}
        self._sharing: frozenset[int] = frozenset()
        self._noted: object = None
        self._places: dict[str, str] = {}
        self._groups: object = None

    @property
    def holders(self) -> Reading[Holders]:
        """The newest counting of the moment that is shown."""
        moment = self.context.moment
        if moment is None:
            return Unavailable("no sample yet")
        census = moment.sample.census
        return census if isinstance(census, Unavailable) else census.holders

    def refresh(self) -> None:
        """List the processes of the moment that is shown."""
        moment, state, now = self.context.moment, self.context.state, self.context.processes
        census = Unavailable("") if moment is None else moment.sample.census
        if moment is None or isinstance(census, Unavailable):
            self.all, self.processes, self._seen = (), (), {}
            return
        self.all, self.shares = census.holders.processes, cpu_shares(census)
        if self.context.shows_now and now is not None and now[0]:
            self.all, self.shares = now[0], cpu_shares(census, now[1])
        self._sharing = may_share(self.all)
        self.details.keep(self.all)
        found: Sequence[ProcessUse] = self.all
        if state.process_filter:
            self._seen = self._look(found, FILTERED)
            found = [use for use in found if self._matches(use)]
        self.processes = self._ordered(found)

    def look(self, processes: Sequence[ProcessUse]) -> None:
        """Read what is shown of these processes: those on the screen."""
        self._seen = self._look(processes, FRESH)

    def _look(self, processes: Sequence[ProcessUse], fresh: float) -> Mapping[int, ProcessDetails]:
        moment, commands = self.context.moment, self.context.state.command_lines
        if moment is None or not self.context.shows_now:
            return {}
        return self.details.look(processes, moment.sample.monotonic, commands=commands, fresh=fresh)

    def seen(self, use: ProcessUse) -> ProcessDetails | None:
        """Owner, command line and control group, where they were read."""
        return self._seen.get(use.pid)

    def place(self, use: ProcessUse) -> str:
        """The container, unit or distribution of a process; empty where that is not known."""
        moment, seen = self.context.moment, self.seen(use)
        if moment is None or seen is None or seen.group is None:
            return ""
        groups = moment.sample.surroundings.groups
        if groups is not self._groups:
            self._groups, self._places = groups, {}
        if seen.group not in self._places:
            measured = () if isinstance(groups, Unavailable) else groups.groups
            distro = NOISE.sub("", known(moment.sample.identity.distro) or "")
            self._places[seen.group] = place_of(seen.group, measured, distro)
        return self._places[seen.group]

    def growth(self, use: ProcessUse) -> ProcessGrowth:
        """How it has grown while it was among the biggest."""
        noted = self.context.insight.processes
        if noted is not self._noted:
            self._noted, self._growth, self._curves = noted, {}, {}
        key = (use.pid, use.started)
        if key not in self._growth:
            self._growth[key] = follow_process(noted, use)
        return self._growth[key]

    def row(self, use: ProcessUse, columns: Iterable[Column], *, selected: bool) -> ProcessRow:
        """What the list says of a process."""
        growth = self.growth(use)
        return ProcessRow(
            tuple(self._cell(use, growth, column) for column in columns),
            growing=growth.rate is not None and growth.rate > 0 and not growth.steady,
            own=use.own,
            selected=selected,
        )

    def _cell(self, use: ProcessUse, growth: ProcessGrowth, column: Column) -> str:
        seen = self._seen.get(use.pid)
        match column.name:
            case "growth":
                return "" if growth.rate is None else self._curve(use, growth, column.width)
            case "per min":
                return tell_rate(growth)
            case "CPU %":
                share = self.shares.get(use.pid)
                return "" if share is None else f"{100 * share:.1f}"
            case "user":
                return "" if seen is None else seen.owner
            case "where":
                return self.place(use)
            case "held":
                return tell_held(use, self._sharing)
            case "command line":
                return "" if seen is None else shorten(seen.command or "")
        return counted(use, column.name)

    def _curve(self, use: ProcessUse, growth: ProcessGrowth, width: int) -> str:
        """The curve, drawn once for each note."""
        key = (use.pid, use.started, width)
        if key not in self._curves:
            self._curves[key] = (
                spark(growth.curve, width, self.context.glyphs, steady=growth.steady) if len(growth.curve) > 1 else ""
            )
        return self._curves[key]

    def _matches(self, use: ProcessUse) -> bool:
        seen = self.seen(use)
        texts = [str(use.pid), use.name, use.family]
        if seen is not None:
            texts += [seen.owner, self.place(use)]
            texts += [seen.command or ""] if self.context.state.command_lines else []
        return self.context.state.process_filter.casefold() in " ".join(texts).casefold()

    def _ordered(self, processes: Sequence[ProcessUse]) -> Sequence[ProcessUse]:
        """Biggest first, or fastest growing, busiest, by name."""
        match self.context.state.process_order:
            case "growth":
                return sorted(processes, key=lambda use: -told_rate(self.growth(use)))
            case "CPU":
                return sorted(processes, key=lambda use: -self.shares.get(use.pid, 0.0))
            case "name":
                return sorted(processes, key=lambda use: use.name.casefold())
        return processes  # as they were counted


def counted(use: ProcessUse, column: str) -> str:
    """What a counting says of a process."""
    match column:
        case "pid":
            return str(use.pid)
        case "name":
            return f"{clean(use.name)} (ours)" if use.own else clean(use.name)
        case "anonymous":
            return "" if hides_its_size(use) else format_size(use.anonymous)
    pss = known(use.pss)
    return "" if pss is None or pss.file is None else format_size(pss.file)


def shorten(command: str) -> str:
    """A command line without the folder of its program, which takes all the room and says little."""
    program, blank, words = command.partition(" ")
    return f"{program.rpartition('/')[2] or program}{blank}{words}"


def told_rate(growth: ProcessGrowth) -> float:
    """Bytes per minute; 0 where it is not known, or noise."""
    return 0.0 if growth.rate is None or growth.steady else growth.rate


def tell_rate(growth: ProcessGrowth) -> str:
    """The growth per minute: ``+174 MiB``; empty while it is not known."""
    if growth.rate is None:
        return ""
    return "steady" if growth.steady else f"{'+' if growth.rate > 0 else ''}{format_size(growth.rate)}"
