"""The plan of the demo, before which nothing runs, and the card with its result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from msgspec.structs import replace
from rich.cells import chop_cells
from textual.binding import Binding, BindingType

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.events import tell_kind
from wsltop.errors import HogRefused
from wsltop.experiment.load import fit, tell_left_on_host
from wsltop.experiment.run import ChosenDemo, TrialAction
from wsltop.experiment.trial import ExperimentPlan
from wsltop.hogs.pool import Hogs
from wsltop.model.sample import Unavailable, known
from wsltop.model.text import clean, format_duration, format_size
from wsltop.reclaim.plan import Plan, tell_run
from wsltop.reclaim.root import RootAccess, find_root_access
from wsltop.report.demo import DemoResult, copied, curves, facts, slide
from wsltop.report.redact import this_machine
from wsltop.system import System
from wsltop.ui.cards.card import Card, Question
from wsltop.ui.context import USUAL_HOGS, Context
from wsltop.ui.panels.panel import heading, wrap

HOLD = 10.0
"""Seconds that the full hogs stay."""
NAME = 12
WIDEST = 117
"""Cells of the result's text at most: beyond that the eye loses the row."""
LEAST_CURVES, MOST_CURVES = 9, 20
"""Rows of the curves."""
LONGEST = 8
"""Rows that one text may take."""


class DemoPlan:
    """What the demo would do with the size and the kind that are chosen now, shrunk to what fits.

    Args:
        context: has the size and the kind, and the memory of now.
        pool: will take the hogs.
        access: the ways to root that there are, for the compaction.
    """

    def __init__(self, context: Context, pool: Hogs, access: RootAccess, root: Path = Path("/")) -> None:
        self.context, self._pool = context, pool
        self._access, self._root = access, root
        self.compacts = True
        """Whether the user wants the compaction."""
        self.by_wsl = False
        """Whether the user wants it to go through wsl.exe."""
        self.change()

    def change(self) -> None:
        """Plan again: size, kind or way are others, or what is known of Windows."""
        self._knew_host = self._knows_host
        self.plan, self.warning, self.refused = self._make()
        self.acting, self.skipped = self._act()

    def _make(self) -> tuple[ExperimentPlan, str, str]:
        """The plan, why it is smaller than what was chosen, and why it cannot run."""
        state = self.context.state
        wanted = ExperimentPlan(
            hogs=USUAL_HOGS,
            size=state.hog_size,
            kind=state.hog_kind,
            incompressible=state.hog_incompressible,
            hold=HOLD,
        )
        why, pool, moment = "", self._pool, self.context.live.moment
        for hogs in range(USUAL_HOGS, 0, -1):
            try:
                plan, warning = fit(replace(wanted, hogs=hogs), root=pool.root, floor=pool.floor, moment=moment)
            except HogRefused as error:
                why = why or str(error)
                continue
            fewer = f"{hogs} in place of {USUAL_HOGS}: no room for more" if hogs < USUAL_HOGS else ""
            return plan, "; ".join(filter(None, (fewer, warning))), ""
        return wanted, "", why

    def _act(self) -> tuple[TrialAction | None, str]:
        """What compacts memory, or why that is left out."""
        if not self.compacts:
            return None, "as chosen"
        if self.plan.kind == "cache":
            return None, "the file cache stays as it is; press d afterwards"
        plan = replace(self.plan, action="compact")
        acting = TrialAction(plan, self._access, "wsl" if self.by_wsl else None, self._root)
        planned = self._planned(acting)
        if planned.blocked is not None:
            return None, str(planned.blocked)
        if planned.way == "paste":
            return None, f"it needs root; by hand: {planned.command}"
        self.plan = plan
        return acting, ""

    def _planned(self, acting: TrialAction) -> Plan:
        moment = self.context.live.moment
        return acting.plan(Unavailable("nothing was sampled") if moment is None else moment.ledger)

    @property
    def _knows_host(self) -> bool:
        moment = self.context.live.moment
        return moment is not None and not isinstance(moment.host, Unavailable)

    @property
    def is_old(self) -> bool:
        """Whether Windows has answered since it was planned, or answers no longer: then other hogs fit."""
        return self._knows_host != self._knew_host

    @property
    def could_use_wsl(self) -> bool:
        """Whether wsl.exe is another way to root here."""
        return "wsl" in self._access.ways

    @property
    def chosen(self) -> ChosenDemo:
        """The demo as it is planned now."""
        return ChosenDemo(self.plan, self.acting, self.skipped)

    def facts(self) -> list[tuple[str, str]]:
        """Names and texts, as the plan shows them."""
        plan, moment = self.plan, self.context.live.moment
        kind = tell_kind(plan.kind, incompressible=plan.incompressible)
        size = plan.hogs * plan.size
        ends = "killed after the compaction" if plan.lasting else "then all killed"
        count = f"{plan.hogs} hogs" if plan.hogs > 1 else "1 hog"
        facts = [("load", f"{count} of {format_size(plan.size)} {kind}: {format_size(size)}, {ends}")]
        if self.refused:
            return [*facts, ("cannot run", self.refused)]
        left = None if moment is None else tell_left_on_host(moment, size)
        if left is not None:  # on a small terminal the first rows are read without scrolling
            facts.append(left)
        if self.warning:
            facts.append(("smaller", self.warning))
        facts.append(
            (
                "takes",
                f"{format_duration(plan.baseline)} baseline, the filling, {format_duration(HOLD)} hold, and the "
                f"return: until nothing moves, at most {format_duration(plan.settle)}",
            )
        )
        if self.acting is None:
            return [*facts, ("compact", f"left out: {self.skipped}")]
        planned = self._planned(self.acting)
        return [*facts, ("compact", f"{tell_run(planned)}; as {planned.as_whom}")]


def plan_demo(context: Context, pool: Hogs, system: System) -> DemoPlan:
    """The plan of a demo on a machine, with the ways to root that there are."""
    return DemoPlan(context, pool, find_root_access(system.root, system.environ, system.drive), system.root)


class ResultCard(Card):
    """The result of the demo: the verdict, the figures, and the curves as wide and as high as there is room for.

    Args:
        glyphs: what it is drawn with.
        demo: what was measured.
        save: writes the picture that a function draws into a new file; its name begins with the second argument.
        copy: copies the text that a function makes, without keeping the screen waiting.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save_slide", "slide"),
        Binding("y", "copy_result", "copy"),
    ]

    def __init__(
        self,
        glyphs: Glyphs,
        demo: DemoResult,
        save: Callable[[Callable[[], str], str], None],
        copy: Callable[[Callable[[], str]], None],
    ) -> None:
        super().__init__(glyphs, self._tell_result, "e", wide=WIDEST)
        self.demo = demo
        self._save, self._copy = save, copy

    def action_save_slide(self) -> None:
        """Save the result as one slide."""
        self._save(lambda: slide(self.demo), "demo")

    def action_copy_result(self) -> None:
        """Copy the result as text, names taken out."""
        version = known(self.demo.result.identity.wsl_version)
        names = this_machine().knowing((), () if version is None else (version,))
        self._copy(lambda: names(copied(self.demo)))

    def _tell_result(self, width: int) -> list[Line]:
        return result_lines(self.demo, self.glyphs, width, self.size.height - 1)


def result_lines(demo: DemoResult, glyphs: Glyphs, width: int, height: int) -> list[Line]:
    """The card of the result in ``width`` cells; the curves take the rows that the figures leave, if those are few."""
    lines: list[Line] = [heading("result of the demo", "", width, glyphs)]
    lines += [(Span(f" {row}", "title"),) for row in wrap(demo.verdict, width - 1, LONGEST, glyphs)]
    for fact in facts(demo):
        room = max(1, width - NAME - 1)
        for index, row in enumerate(wrap(clean(fact.text), room, LONGEST, glyphs)):
            lines.append((Span(f" {fact.name if index == 0 else '':<{NAME}}", "label"), Span(row, fact.style)))
    rows = max(LEAST_CURVES, min(MOST_CURVES, height - len(lines)))
    return [*lines, *curves(demo, width, rows, glyphs)]


class DemoScreen(Question):
    """The plan; y starts it, < > t c w change it, all else closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "start"),
        Binding("less_than_sign,left", "size(-1)", "size", key_display="< >"),
        Binding("greater_than_sign,right", "size(1)", "larger", show=False),
        Binding("t", "kind", "kind"),
        Binding("c", "compact", "compaction"),
        Binding("w", "way", "way to root"),
        Binding("e", "answer(False)", "cancel", show=False),
    ]

    def __init__(self, demo: DemoPlan) -> None:
        super().__init__(demo.context.glyphs)
        self.demo = demo

    @property
    def can(self) -> bool:
        """Whether it can run as it is planned."""
        return not self.demo.refused

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what changes something is offered."""
        return self.demo.could_use_wsl if action == "way" else super().check_action(action, parameters)

    def text_lines(self, width: int) -> list[Line]:
        """The plan as it is now."""
        lines: list[Line] = [heading("watch Windows get memory back", "", width, self.glyphs)]
        for name, text in self.demo.facts():
            room = max(1, width - NAME - 1)
            whole = " ".join(piece for word in clean(text).split() for piece in chop_cells(word, room))
            for index, row in enumerate(wrap(whole, room, LONGEST, self.glyphs)):
                lines.append((Span(f" {name if index == 0 else '':<{NAME}}", "label"), Span(row, "value")))
        if self.demo.refused:
            return [*lines, (), (Span(" It cannot run so.", "warning"),)]
        return [*lines, (), (Span(" While it runs, space holds a phase and e ends the demo.", "value"),)]

    def sample_taken(self) -> None:
        """Plan it again when Windows has answered: what was planned without its figures is not what would run."""
        if self.demo.is_old:
            self._change()

    def action_size(self, step: int) -> None:
        """Plan it with hogs of another size."""
        context = self.demo.context
        context.state.resize_hog(step, context.vm_size)
        self._change()

    def action_kind(self) -> None:
        """Plan it with hogs of another kind."""
        self.demo.context.state.change_kind()
        self._change()

    def action_compact(self) -> None:
        """Plan it with the compaction, or without."""
        self.demo.compacts = not self.demo.compacts
        self._change()

    def action_way(self) -> None:
        """Plan the compaction through wsl.exe, or no longer."""
        self.demo.by_wsl, self.demo.compacts = not self.demo.by_wsl, True
        self._change()

    def _change(self) -> None:
        self.demo.change()
        self.show_lines()
