"""The plan of the demo: what will be loaded, for how long, and what Windows will have left; nothing runs before y."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.events import tell_kind
from wsltop.errors import HogRefused
from wsltop.experiment.load import fit
from wsltop.experiment.trial import ExperimentPlan
from wsltop.hogs.pool import Hogs
from wsltop.model.sample import Unavailable
from wsltop.model.text import clean, format_duration, format_size
from wsltop.ui.cards.card import WIDTH as CARD_WIDTH
from wsltop.ui.cards.card import CardText
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import heading, wrap

HOGS = 4
HOLD = 10.0
"""Seconds that the full hogs stay."""
WIDTH = 76
NAME = 12


class DemoPlan:
    """What the demo would do with the size and the kind that are chosen now, shrunk to what fits."""

    def __init__(self, context: Context, pool: Hogs) -> None:
        self.context, self._pool = context, pool
        self.plan, self.warning, self.refused = self._make()

    def change(self) -> None:
        """Plan again: size or kind are others."""
        self.plan, self.warning, self.refused = self._make()

    def _make(self) -> tuple[ExperimentPlan, str, str]:
        state = self.context.state
        wanted = ExperimentPlan(
            hogs=HOGS,
            size=state.hog_size,
            kind=state.hog_kind,
            incompressible=state.hog_incompressible,
            hold=HOLD,
        )
        try:
            plan, warning = fit(wanted, root=self._pool.root, floor=self._pool.floor)
        except HogRefused as error:
            return wanted, "", str(error)
        return plan, warning, ""

    def facts(self) -> list[tuple[str, str]]:
        """Names and texts, as the plan shows them."""
        plan, moment = self.plan, self.context.live.moment
        kind = tell_kind(plan.kind, incompressible=plan.incompressible)
        size = plan.hogs * plan.size
        facts = [("load", f"{plan.hogs} hogs of {format_size(plan.size)} {kind}: {format_size(size)}, then all killed")]
        if self.refused:
            return [*facts, ("cannot run", self.refused)]
        if self.warning:
            facts.append(("smaller", self.warning))
        facts.append(
            (
                "takes",
                f"{format_duration(plan.baseline)} baseline, the filling, {format_duration(HOLD)} hold, and the "
                f"return: until nothing moves, at most {format_duration(plan.settle)}",
            )
        )
        host = Unavailable("") if moment is None else moment.host
        if not isinstance(host, Unavailable) and not isinstance(host.available, Unavailable):
            ledger = Unavailable("") if moment is None else moment.ledger
            free = 0
            if not isinstance(ledger, Unavailable) and not isinstance(ledger.free_split, Unavailable):
                free = ledger.free_split.fragmented
            left = max(0, host.available - max(0, size - free))
            facts.append(
                ("Windows", f"has {format_size(host.available)} available now, at least {format_size(left)} then")
            )
        facts.append(("compact", "is not part of it: press c afterwards, where free memory stays scattered"))
        return facts


def result_width(report: str) -> int:
    """Cells that the curves and the table of ``report`` take, at least those of a card."""
    _, *body, _ = report.splitlines()
    return max([CARD_WIDTH, *(cell_len(line) for line in body if not line.startswith("remark"))])


def result_lines(report: str, glyphs: Glyphs, width: int = CARD_WIDTH) -> tuple[Line, ...]:
    """The card of the result: the verdict first, then the curves and the figures of ``report``."""
    _, *body, verdict = report.splitlines()
    lines: list[Line] = [heading("result of the demo", "s picture  Esc closes", width, glyphs)]
    text = clean(verdict.removeprefix("verdict").strip())
    lines += [(Span(f" {row}", "title"),) for row in wrap(text, width - 1, 6, glyphs)]
    in_table = False
    for line in map(clean, dedent("\n".join(body)).splitlines()):
        in_table = bool(line) and (in_table or line.lstrip().startswith("guest"))
        lines += [(Span(row, "value"),) for row in (narrow(line, width) if in_table else [line])]
    return tuple(lines)


ROW: Final = re.compile(r"( {0,2}\S+(?: \S+)*|)( {2,})(\S.*)")
"""A row of the report's table: its name (none in the header), blanks, its cells."""


def narrow(line: str, width: int) -> list[str]:
    """A row of the table in ``width`` cells: with fewer blanks, or with its cells below its name."""
    over = cell_len(line) - width
    row = ROW.fullmatch(line)
    if over <= 0 or row is None:
        return [line]
    name, blanks, cells = row.groups()
    if len(blanks) >= over + 2 * bool(name):
        return [f"{name}{blanks[over:]}{cells}"]
    return [name, " " * (width - cell_len(cells)) + cells]


class DemoScreen(ModalScreen[bool]):
    """The plan; y starts it, < > t change it, all else closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "run", show=False),
        Binding("n,escape,enter,q,e", "answer(False)", "cancel", show=False),
        Binding("less_than_sign,left", "size(-1)", "smaller", show=False),
        Binding("greater_than_sign,right", "size(1)", "larger", show=False),
        Binding("t", "kind", "kind", show=False),
    ]

    def __init__(self, demo: DemoPlan) -> None:
        super().__init__()
        self.demo = demo

    def compose(self) -> ComposeResult:
        """The facts, and the keys, which always show."""
        glyphs = self.demo.context.glyphs
        with Vertical():
            with VerticalScroll(can_focus=False):
                yield CardText(glyphs, id="plan")
            yield CardText(glyphs, id="answers")

    def on_mount(self) -> None:
        """Show the plan."""
        self.show_plan()

    def on_resize(self, _event: Resize) -> None:
        """Wrap it to the new width."""
        self.show_plan()

    def show_plan(self) -> None:
        """Show the plan as it is now."""
        width = min(WIDTH, self.size.width - 2)
        glyphs = self.demo.context.glyphs
        lines: list[Line] = [heading("demo: watch Windows get memory back", "", width, glyphs)]
        for name, text in self.demo.facts():
            for index, row in enumerate(wrap(clean(text), max(1, width - NAME - 1), 6, glyphs)):
                lines.append((Span(f" {name if index == 0 else '':<{NAME}}", "label"), Span(row, "value")))
        keys = [Span(" y", "key"), Span(" starts it   ", "value")]
        if self.demo.refused:
            keys = [Span(" It cannot run so.  ", "warning")]
        answers: list[Line] = [
            (),
            (*keys, Span("< >", "key"), Span(" size   ", "value"), Span("t", "key"), Span(" kind   ", "value")),
            (Span(" n", "key"), Span(" or Esc does not; while it runs, space holds a phase and e ends it", "value")),
        ]
        for name, shown in (("#plan", lines), ("#answers", answers)):
            for card in self.query(name).results(CardText):  # none where the app ends just now
                card.styles.width, card.styles.height = width, len(shown)
                card.show(tuple(shown))
        for box in self.query(VerticalScroll):
            box.styles.max_height = max(1, self.size.height - len(answers))

    def action_answer(self, run: bool) -> None:
        """Start it, or not; what cannot run stays to be read."""
        if not run or not self.demo.refused:
            self.dismiss(run)

    def action_size(self, step: int) -> None:
        """Plan it with hogs of another size."""
        context = self.demo.context
        context.state.resize_hog(step, context.vm_size)
        self.demo.change()
        self.show_plan()

    def action_kind(self) -> None:
        """Plan it with hogs of another kind."""
        self.demo.context.state.change_kind()
        self.demo.change()
        self.show_plan()
