"""Who holds the memory: the biggest processes, and what cannot be seen from here."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.core.holders import FamilyGrowth, apart, may_share, tell_held
from wsltop.model.sample import Census, ProcessUse, Reading, Unavailable, known
from wsltop.model.text import MIB, clean, format_size
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit, fit_spans, heading, wrap

STEP: Final = MIB
"""What holds less is left out."""
STEPS: Final = 5
"""Rows by which the list grows."""
GROWTH: Final = 14
"""Cells of the growth, where it is known of any process."""
OLD: Final = 15.0
"""Seconds after which the age of the counting is shown."""


class HolderRow(Struct, frozen=True):
    """One process."""

    pid: int
    name: str
    held: str
    growth: str
    own: bool


class WhoView(Struct, frozen=True, kw_only=True):
    """The list."""

    rows: tuple[HolderRow, ...]
    elsewhere: str
    """What is held out of sight; empty where that is unknown or little."""
    note: str
    problem: str


def who_view(census: Reading[Census], growth: Reading[tuple[FamilyGrowth, ...]], now: float) -> WhoView:
    """The view of the newest counting of the processes before ``now``, monotonic seconds."""
    if isinstance(census, Unavailable):
        return WhoView(rows=(), elsewhere="", note="", problem=clean(str(census)))
    trends = {trend.name: trend for trend in known(growth) or ()}
    holders = census.holders
    age = now - census.read_at
    sharing = may_share(holders.processes)
    elsewhere = holders.elsewhere
    return WhoView(
        rows=tuple(
            holder_row(use, trends.get(use.family), tell_held(use, sharing))
            for use in holders.processes
            if use.held >= STEP
        ),
        elsewhere=""
        if isinstance(elsewhere, Unavailable) or elsewhere < 32 * MIB
        else f"at least {format_size(elsewhere)} out of sight",
        note=f"{age:.0f} s ago" if age > OLD else "p all",
        problem="",
    )


def holder_row(use: ProcessUse, trend: FamilyGrowth | None, held: str) -> HolderRow:
    """One process; its growth is that of its family."""
    name = clean(use.name) if use.name == use.family else f"{clean(use.name)} ({clean(use.family)})"
    growth = "" if trend is None else f"+{format_size(trend.rate)}/min" if trend.growing else "steady"
    return HolderRow(use.pid, name, held, growth, use.own)


class WhoPanel(Panel[WhoView]):
    """Heading, processes, what is out of sight."""

    def make_view(self, context: Context) -> WhoView:
        """The view of the moment."""
        moment = context.moment
        if moment is None:
            return WhoView(rows=(), elsewhere="", note="", problem="no sample yet")
        return who_view(moment.sample.census, context.insight.growth, moment.sample.monotonic)

    def action_at(self, x: int, y: int) -> str:
        """Open the list of processes."""
        return "app.card('holders')"

    def rows_wanted(self, context: Context, width: int) -> int:
        """A row for each process that is counted, in steps so that the other panels do not move with each of them."""
        return 2 + STEPS * max(1, -(-self._count(context) // STEPS))

    def _count(self, context: Context) -> int:
        census = Unavailable("") if context.moment is None else context.moment.sample.census
        return 0 if isinstance(census, Unavailable) else sum(use.held >= STEP for use in census.holders.processes)

    def paint(self, view: WhoView, width: int, height: int) -> list[Line]:
        """The panel's lines; what is out of sight stands last."""
        glyphs = self.glyphs
        lines = [heading("who holds it", view.note, width, glyphs)]
        if view.problem:
            return [*lines, fit_spans([Span(f" {view.problem}", "muted")], width, glyphs)]
        room = height - len(lines) - (1 if view.elsewhere and height > 3 else 0)
        growth = GROWTH if width >= 44 and any(row.growth for row in view.rows) else 0
        lines += [self._row(row, width, growth) for row in view.rows[:room]]
        if view.elsewhere and height > 3:
            lines.append(fit_spans([Span(f" {view.elsewhere}", "muted")], width, glyphs))
        return lines

    def _row(self, row: HolderRow, width: int, growth: int) -> Line:
        name = width - 8 - 10 - growth - 1
        grows = "warning" if row.growth.startswith("+") else "note"
        spans = [
            Span(f"{row.pid:>7} ", "muted"),
            Span(fit(row.name, max(0, name), self.glyphs), "note" if row.own else "value"),
            Span(f"{row.held:>10}", "value"),
            Span(f"  {row.growth:<{growth - 2}}" if growth else "", grows),
        ]
        return fit_spans(spans, width, self.glyphs)


class GroupsView(Struct, frozen=True, kw_only=True):
    """What control groups hold."""

    rows: tuple[tuple[str, str], ...]
    """Names and figures."""
    problem: str


class GroupsPanel(Panel[GroupsView]):
    """Heading, then distributions, containers and services by what they hold."""

    def make_view(self, context: Context) -> GroupsView:
        """The groups of the newest counting."""
        census = Unavailable("no sample yet") if context.moment is None else context.moment.sample.census
        groups = census if isinstance(census, Unavailable) else census.holders.groups
        if isinstance(groups, Unavailable):
            return GroupsView(rows=(), problem=clean(str(groups)))
        rows = tuple((clean(group.name), format_size(group.current)) for group in apart(groups))
        return GroupsView(rows=rows, problem="" if rows else "none")

    def rows_wanted(self, context: Context, width: int) -> int:
        """The heading, and a row for each group or for why there is none: never the heading alone."""
        return 1 + max(2, len(self.make_view(context).rows))

    def action_at(self, x: int, y: int) -> str:
        """Open the list of processes."""
        return "app.card('holders')"

    def paint(self, view: GroupsView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        lines = [heading("distributions, containers, services", "", width, self.glyphs)]
        if view.problem:
            texts = wrap(view.problem, width - 1, height - 1, self.glyphs)
            return [*lines, *(fit_spans([Span(f" {text}", "muted")], width, self.glyphs) for text in texts)]
        for name, size in view.rows[: height - 1]:
            spans = [Span(f" {fit(name, max(0, width - 12), self.glyphs)}", "value"), Span(f"{size:>10}", "value")]
            lines.append(fit_spans(spans, width, self.glyphs))
        return lines
