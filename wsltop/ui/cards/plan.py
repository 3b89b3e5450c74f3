"""The plan of an action: its size and its way to root may be changed before anything runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final

from rich.cells import chop_cells
from textual.binding import Binding, BindingType

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.charts.timeline import Ghost
from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment
from wsltop.core.page_map import PageMap
from wsltop.core.prediction import all_free
from wsltop.core.session import Session
from wsltop.hogs.guard import floor_for
from wsltop.model.sample import Reading, Unavailable, known
from wsltop.model.text import GIB, MIB, format_size
from wsltop.reclaim.actions import ACTIONS, ActionName
from wsltop.reclaim.plan import Plan, find_pages, plan, tell_plan
from wsltop.reclaim.root import RootAccess, Way
from wsltop.ui.cards.card import Question
from wsltop.ui.panels.panel import heading, wrap
from wsltop.ui.thread import in_daemon

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
        self._pages: PageMap | None = None
        self.sizes: tuple[int, ...] = sizes_for(name, self._ledger) if ACTIONS[name].takes_size else ()
        self.size: int | None = max((size for size in self.sizes if size <= FIRST), default=None)
        self.plan = self._make()

    @property
    def by_wsl(self) -> bool:
        """Whether it is planned to go through wsl.exe."""
        return self._way == "wsl"

    def find_pages(self) -> PageMap | None:
        """Where each page lies; it takes 0.1 s for each GiB, so call it in another thread."""
        return find_pages(self._name, self._access, self._root)

    def take_pages(self, pages: PageMap) -> None:
        """Plan from where each page lies; other sizes and ways are planned from the same."""
        self._pages = pages
        self.plan = self._make()

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
            pages=self._pages,
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


NAME = 10
LEAST_GHOST: Final = 16 * MIB
"""A prediction below this is not drawn: it could not be seen."""
READING_TIME = 0.5
"""Seconds for which a plan must have been on the screen before an answer runs it."""
LONGEST = 20
"""Rows that one text may take: what will run is shown whole, whatever it is."""


class PlanScreen(Question):
    """The plan; y runs it, other keys change its size or its way to root, and all that close it do not run it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "run"),
        Binding("less_than_sign,left", "size(-1)", "size", key_display="< >"),
        Binding("greater_than_sign,right", "size(1)", "larger", show=False),
        Binding("w", "way", "way to root"),
    ]

    at_bottom = True

    def __init__(self, glyphs: Glyphs, proposal: Proposal, planned: Callable[[Plan], None] = lambda _: None) -> None:
        """``planned`` takes each plan that is shown."""
        super().__init__(glyphs)
        self.planned = planned
        self.proposal = proposal
        self.shown_at = time.monotonic()
        """When the plan came on the screen."""

    def on_mount(self) -> None:
        """Show the plan, which takes time to read from now on; what root can know better comes later."""
        self.shown_at = time.monotonic()
        super().on_mount()
        self.run_worker(self._look_at_pages())

    async def _look_at_pages(self) -> None:
        pages = await in_daemon(self.proposal.find_pages)
        if pages is not None:
            self.proposal.take_pages(pages)
            self.show_lines()

    def text_lines(self, width: int) -> list[Line]:
        """The plan as it is now."""
        self.planned(self.proposal.plan)
        return plan_lines(self.proposal, width, self.glyphs)

    @property
    def can(self) -> bool:
        """Whether it can run as it is planned."""
        return self.proposal.plan.runs

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what changes something is offered."""
        if action == "size":
            return len(self.proposal.sizes) > 1
        if action == "way":
            return self.proposal.by_wsl or bool(self.proposal.plan.by_wsl)
        return super().check_action(action, parameters)

    def action_answer(self, yes: bool) -> None:
        """Run it, or close it; a yes that comes before the plan can have been read does nothing."""
        if not yes or time.monotonic() - self.shown_at >= READING_TIME:
            super().action_answer(yes)

    def action_size(self, step: int) -> None:
        """Plan it with another size."""
        self.proposal.resize(step)
        self.show_lines()

    def action_way(self) -> None:
        """Plan it through wsl.exe, or no longer."""
        self.proposal.switch_way()
        self.show_lines()


def ghost_of(plan: Plan, moment: Moment | None) -> Ghost | None:
    """Where what Windows lends is predicted to go by a plan; None where that is not known or could not be seen."""
    if moment is None or isinstance(plan.predicted, Unavailable) or plan.blocked is not None:
        return None
    host, ledger = moment.host, moment.ledger
    size = None if isinstance(ledger, Unavailable) else known(ledger.expected_host)
    if not isinstance(host, Unavailable):
        size = host.working_set
    if size is None or plan.predicted.likely < LEAST_GHOST:
        return None
    after = max(0, size - plan.predicted.likely)
    return Ghost(after, f"{format_size(after)} after {plan.action.name}")


def plan_lines(proposal: Proposal, width: int, glyphs: Glyphs) -> list[Line]:
    """What will run, as whom, what it should return, what it costs."""
    plan, sizes = proposal.plan, proposal.sizes
    facts = [fact for fact in tell_plan(plan) if fact[0] != "action"]  # the heading says that
    if plan.blocked is not None:  # why, and how to get it, rather than all that will not happen
        facts = [fact for wanted in ("blocked", "returns") for fact in facts if fact[0] == wanted]
    if proposal.size is not None and plan.blocked is None:
        span = f" (< and >: {format_size(sizes[0])} to {format_size(sizes[-1])})" if len(sizes) > 1 else ""
        facts.insert(0, ("size", f"{format_size(proposal.size)}{span}"))
    lines: list[Line] = [heading(plan.action.title, plan.action.name, width, glyphs)]
    for name, text in facts:
        room = max(1, width - NAME - 1)
        whole = " ".join(piece for word in text.split() for piece in chop_cells(word, room))
        for index, row in enumerate(wrap(whole, room, LONGEST, glyphs)):
            lines.append((Span(f" {name if index == 0 else '':<{NAME}}", "label"), Span(row, "value")))
    if not plan.runs:
        lines += [(), (Span(" It cannot run so.", "warning"),)]
    if proposal.by_wsl:
        lines += [(), (Span(" w", "key"), Span("  back to sudo", "value"))]
    elif plan.by_wsl:
        lines += [(), (Span(" w", "key"), Span("  as root through wsl.exe, which asks for no password", "value"))]
    return lines
