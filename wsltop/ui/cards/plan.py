"""An action as it is proposed: its size and its way to root may be changed before anything runs. No Textual."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar, Final

from rich.cells import chop_cells
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment
from wsltop.core.prediction import all_free
from wsltop.core.session import Session
from wsltop.hogs.guard import floor_for
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import GIB, MIB, format_size
from wsltop.reclaim.actions import ACTIONS, ActionName
from wsltop.reclaim.plan import Plan, plan, tell_plan
from wsltop.reclaim.root import RootAccess, Way
from wsltop.ui.cards.card import CardText
from wsltop.ui.panels.panel import heading, wrap

LEAST: Final = 64 * MIB
"""The smallest size: less does not stand out of the noise of two machines."""
FIRST: Final = GIB
"""The first size is at most this: more takes seconds and much re-reading, and is one key away."""
UNKNOWN: Final = Unavailable("nothing was sampled")


class Proposal:
    """Plans an action, and plans it again after each change, for the memory of that moment."""

    def __init__(self, name: ActionName, access: RootAccess, session: Session, root: Path = Path("/")) -> None:
        self._name, self._access, self._session, self._root = name, access, session, root
        self._way: Way | None = None
        self.sizes: tuple[int, ...] = sizes_for(name, self._ledger) if ACTIONS[name].takes_size else ()
        self.size: int | None = max((size for size in self.sizes if size <= FIRST), default=None)
        self.plan = self._make()

    @property
    def by_wsl(self) -> bool:
        """Whether it is planned to go through wsl.exe."""
        return self._way == "wsl"

    def resize(self, step: int) -> None:
        """Take the next larger (1) or smaller (-1) size."""
        if self.size is None:
            return
        self.sizes = sizes_for(self._name, self._ledger)
        larger = [size for size in self.sizes if size > self.size]
        smaller = [size for size in self.sizes if size < self.size]
        if step > 0:
            self.size = larger[0] if larger else self.sizes[-1]
        else:
            self.size = smaller[-1] if smaller else self.sizes[0]
        self.plan = self._make()

    def switch_way(self) -> None:
        """Go through wsl.exe, where that can be; or back."""
        if self.by_wsl:
            self._way = None
        elif self.plan.by_wsl:
            self._way = "wsl"
        self.plan = self._make()

    @property
    def _ledger(self) -> Reading[Ledger]:
        moment: Moment | None = self._session.moment
        return UNKNOWN if moment is None else moment.ledger

    def _make(self) -> Plan:
        return plan(
            self._name,
            ledger=self._ledger,
            access=self._access,
            size=self.size,
            way=self._way,
            shares=self._session.outcomes.shares,
            root=self._root,
        )


def sizes_for(name: ActionName, ledger: Reading[Ledger]) -> tuple[int, ...]:
    """The sizes to choose from: doubled from 64 MiB on, and last the most that could come back.

    That is all clean page cache; for ``pressure`` as much of it as its hog can push out above the floor, after it has
    taken what is free. Where it is not known, up to ``FIRST``.
    """
    most = FIRST if isinstance(ledger, Unavailable) else most_of(name, ledger) // MIB * MIB
    sizes = [LEAST]
    while sizes[-1] * 2 < most:
        sizes.append(sizes[-1] * 2)
    return (*sizes, most) if most > LEAST else tuple(sizes)


def most_of(name: ActionName, ledger: Ledger) -> int:
    """The most bytes that an action of a size could give back."""
    if name != "pressure":
        return ledger.cache_clean
    return min(ledger.cache_clean, ledger.available - floor_for(ledger.total) - all_free(ledger))


WIDTH = 76
NAME = 10
READING_TIME = 0.5
"""Seconds for which a plan must have been on the screen before an answer runs it."""
LONGEST = 20
"""Rows that one text may take: what will run is shown whole, whatever it is."""


class PlanScreen(ModalScreen[bool]):
    """The plan; y runs it, other keys change its size or its way to root, and all that close it do not run it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "run", show=False),
        Binding("n,escape,enter,q", "answer(False)", "cancel", show=False),
        Binding("less_than_sign,left", "size(-1)", "smaller", show=False),
        Binding("greater_than_sign,right", "size(1)", "larger", show=False),
        Binding("w", "way", "through wsl.exe", show=False),
        Binding("j,down", "scroll_plan(1)", "down", show=False),
        Binding("k,up", "scroll_plan(-1)", "up", show=False),
    ]

    def __init__(self, glyphs: Glyphs, proposal: Proposal) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.proposal = proposal
        self.shown_at = time.monotonic()
        """When the plan came on the screen."""

    def compose(self) -> ComposeResult:
        """A text that may be longer than the terminal, and the keys, which always show."""
        with Vertical():
            with VerticalScroll(can_focus=False):
                yield CardText(self.glyphs, id="plan")
            yield CardText(self.glyphs, id="answers")

    def on_mount(self) -> None:
        """Show the plan."""
        self.shown_at = time.monotonic()
        self.show_plan()

    def on_resize(self, _event: Resize) -> None:
        """Wrap the text to the new width."""
        self.show_plan()

    def show_plan(self) -> None:
        """Show the plan as it is now."""
        width = min(WIDTH, self.size.width - 2)
        answers = answer_lines(self.proposal)
        for name, lines in (("#plan", plan_lines(self.proposal, width, self.glyphs)), ("#answers", answers)):
            text = self.query_one(name, CardText)
            text.styles.width, text.styles.height = width, len(lines)
            text.show(tuple(lines))
        self.query_one(VerticalScroll).styles.max_height = max(1, self.size.height - len(answers))

    def action_answer(self, run: bool) -> None:
        """Run it, or not; what cannot run, and what nobody can have read yet, stays to be read."""
        unread = time.monotonic() - self.shown_at < READING_TIME
        if not run or (self.proposal.plan.runs and not unread):
            self.dismiss(run)

    def action_size(self, step: int) -> None:
        """Plan it with another size."""
        self.proposal.resize(step)
        self.show_plan()

    def action_way(self) -> None:
        """Plan it through wsl.exe, or no longer."""
        self.proposal.switch_way()
        self.show_plan()

    def action_scroll_plan(self, rows: int) -> None:
        """Scroll by some rows."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)


def plan_lines(proposal: Proposal, width: int, glyphs: Glyphs) -> list[Line]:
    """What will run, as whom, what it should return, what it costs."""
    plan, sizes = proposal.plan, proposal.sizes
    facts = list(tell_plan(plan))
    if plan.blocked is not None:  # why, and how to get it, rather than all that will not happen
        facts = [fact for wanted in ("action", "blocked", "returns") for fact in facts if fact[0] == wanted]
    if proposal.size is not None and plan.blocked is None:
        span = f" (< and >: {format_size(sizes[0])} to {format_size(sizes[-1])})" if len(sizes) > 1 else ""
        facts.insert(1, ("size", f"{format_size(proposal.size)}{span}"))
    lines: list[Line] = [heading(plan.action.title, "", width, glyphs)]
    for name, text in facts:
        room = max(1, width - NAME - 1)
        whole = " ".join(piece for word in text.split() for piece in chop_cells(word, room))
        for index, row in enumerate(wrap(whole, room, LONGEST, glyphs)):
            lines.append((Span(f" {name if index == 0 else '':<{NAME}}", "label"), Span(row, "value")))
    return lines


def answer_lines(proposal: Proposal) -> list[Line]:
    """The keys that answer."""
    plan = proposal.plan
    lines: list[Line] = [()]
    if proposal.by_wsl:
        lines.append((Span(" w", "key"), Span("  not through wsl.exe after all", "value")))
    elif plan.by_wsl:
        lines.append((Span(" w", "key"), Span("  as root through wsl.exe, which asks for no password", "value")))
    keys = (
        [Span(" y", "key"), Span("  runs it   ", "value")] if plan.runs else [Span(" It cannot run so.  ", "warning")]
    )
    return [*lines, (*keys, Span("n", "key"), Span(" or Esc does not", "value"))]
