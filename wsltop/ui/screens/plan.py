"""Shows what an action will do before it is done; nothing happens unless the user says so."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from wsltop.charts.cells import Line, Span
from wsltop.charts.glyphs import Glyphs
from wsltop.control.plan import Plan, tell_plan
from wsltop.ui.paint import heading, wrap
from wsltop.ui.screens.card import CardText

WIDTH = 76
NAME = 11


class PlanScreen(ModalScreen[bool]):
    """The plan; y runs it, everything else does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "run", show=False),
        Binding("n,escape,enter,q", "answer(False)", "cancel", show=False),
    ]

    def __init__(self, glyphs: Glyphs, plan: Plan) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.plan = plan
        self.runs = plan.blocked is None and (plan.start is not None or plan.hog > 0)
        self.lines = tuple(plan_lines(plan, runs=self.runs, glyphs=glyphs))

    def compose(self) -> ComposeResult:
        """One box of text."""
        with Vertical():
            text = CardText(self.glyphs, id="plan")
            text.styles.height = len(self.lines)
            yield text

    def on_mount(self) -> None:
        """Show the plan."""
        self.query_one(CardText).show(self.lines)

    def action_answer(self, run: bool) -> None:
        """Run it, or not."""
        self.dismiss(run and self.runs)


def plan_lines(plan: Plan, *, runs: bool, glyphs: Glyphs) -> list[Line]:
    """What will run, as whom, what it should return, what it costs; then the keys."""
    lines: list[Line] = [heading(plan.action.title, "", WIDTH, glyphs)]
    for name, text in tell_plan(plan):
        for index, row in enumerate(wrap(text, WIDTH - NAME - 1, 4, glyphs)):
            lines.append((Span(f" {name if index == 0 else '':<{NAME}}", "label"), Span(row, "value")))
    keys = (
        [Span(" y", "key"), Span(" runs it   ", "value")] if runs else [Span(" It cannot run from here.  ", "warning")]
    )
    lines.append(())
    lines.append((*keys, Span("n", "key"), Span(" or Esc does not", "value")))
    return lines
