"""The card of who holds the memory: families, processes, control groups, and what cannot be seen from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.holders import FamilyGrowth, apart
from wsltop.core.moment import Moment
from wsltop.model.sample import ProcessUse, Reading, Unavailable
from wsltop.model.text import clean, format_size
from wsltop.ui.cards.card import Card, CardText
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import fit, heading, wrap

FAMILIES: Final = 6
PROCESSES: Final = 15
GROUPS: Final = 6
REASON: Final = 8
"""Rows for the reason why the rest cannot be seen."""


def holder_lines(
    moment: Moment,
    growth: Reading[tuple[FamilyGrowth, ...]],
    width: int,
    glyphs: Glyphs,
    chosen: ProcessUse | None = None,
) -> Iterator[Line]:
    """Yield the card's lines; ``chosen`` is the process that is selected."""
    yield heading("who holds it", "Esc closes", width, glyphs)
    census = moment.sample.census
    if isinstance(census, Unavailable):
        yield (Span(f" {clean(str(census))}", "muted"),)
        return
    holders = census.holders
    rates = {} if isinstance(growth, Unavailable) else {trend.name: trend for trend in growth}
    yield (Span(f" {'family':<22}{'held':>10}{'processes':>11}  growth", "note"),)
    for family in holders.families[:FAMILIES]:
        name = f"{clean(family.name)}{' (ours)' if family.own else ''}"
        yield (
            Span(f" {fit(name, 21, glyphs)} ", "value"),
            Span(f"{format_size(family.held):>10}{len(family.pids):>11}", "value"),
            Span(f"  {tell_growth(rates.get(family.name))}", "note"),
        )
    yield heading("processes", "j k select  x ends it", width, glyphs)
    yield (Span(f" {'pid':>7} {'name':<18}{'held':>10}{'anonymous':>11}{'file':>10}{'RSS':>10}", "note"),)
    for use in holders.processes[:PROCESSES]:
        yield process_line(use, glyphs, selected=chosen is not None and use.pid == chosen.pid)
    yield heading("control groups", "", width, glyphs)
    if isinstance(holders.groups, Unavailable):
        yield (Span(f" {clean(str(holders.groups))}", "muted"),)
    else:
        for group in apart(holders.groups)[:GROUPS]:
            mark = "  frozen" if group.frozen else "  ours" if group.ours else ""
            yield (
                Span(f" {fit(clean(group.name), 49, glyphs)} ", "value"),
                Span(f"{format_size(group.current):>10}{mark}", "value"),
            )
    yield heading("elsewhere in the VM", "", width, glyphs)
    elsewhere = holders.elsewhere
    if isinstance(elsewhere, Unavailable):
        yield (Span(f" {clean(str(elsewhere))}", "muted"),)
    else:
        yield (Span(f" at least {format_size(elsewhere)}", "value"),)
        for text in wrap(clean(holders.reason), width - 1, REASON, glyphs):
            yield (Span(f" {text}", "muted"),)


def process_line(use: ProcessUse, glyphs: Glyphs, *, selected: bool = False) -> Line:
    """One process; what is only estimated says so."""
    file = "" if isinstance(use.pss, Unavailable) or use.pss.file is None else format_size(use.pss.file)
    held = f"{'~' if use.estimated else ''}{format_size(use.held)}"
    return (
        Span(glyphs.selection if selected else " ", "key"),
        Span(f"{use.pid:>7} {fit(clean(use.name), 17, glyphs)} ", "selected" if selected else "value"),
        Span(f"{held:>10}{format_size(use.anonymous):>11}{file:>10}{format_size(use.rss):>10}", "value"),
        Span("  ours" if use.own else "", "note"),
    )


def tell_growth(trend: FamilyGrowth | None) -> str:
    """The trend of a family, where it has been watched for long enough."""
    if trend is None:
        return "watched for less than 5 min"
    if not trend.growing:
        return "steady"
    left = "" if trend.minutes_left is None else f", {trend.minutes_left:.0f} min left"
    return f"+{format_size(trend.rate)}/min{left}"


class HoldersCard(Card):
    """The card with a selection among the processes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "select(1)", "next", show=False),
        Binding("k,up", "select(-1)", "last", show=False),
        Binding("x,f9", "app.end_process", "end", show=False),
    ]

    def __init__(self, context: Context, tell: Callable[[int], Iterable[Line]], keys: str) -> None:
        super().__init__(context.glyphs, tell, keys)
        self.context = context

    def on_resize(self, event: Resize) -> None:
        """Wrap the lines, and scroll to the selected process once they are laid out."""
        super().on_resize(event)
        self.call_after_refresh(self._keep_in_view)

    def action_select(self, step: int) -> None:
        """Select another process."""
        moment = self.context.moment
        census = Unavailable("") if moment is None else moment.sample.census
        if not isinstance(census, Unavailable):
            self.context.state.move_process(step, census.holders.processes[:PROCESSES])
            self.show_lines()
            self._keep_in_view()

    def _keep_in_view(self) -> None:
        """Scroll as far as it takes to see the selected process."""
        scroll, card = self.query_one(VerticalScroll), self.query_one(CardText)
        mark = Span(self.glyphs.selection, "key")
        row = next((index for index, line in enumerate(card.view or ()) if line[:1] == (mark,)), None)
        if row is not None:
            top, rows = round(scroll.scroll_y), scroll.size.height
            scroll.scroll_to(y=min(row, max(top, row - rows + 2)), animate=False)
