"""The cards that show what is known of the moment, and the key that opens and closes each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from wsltop.charts.cells import Line
from wsltop.model.reading import Unavailable
from wsltop.ui.cards.findings import finding_card
from wsltop.ui.cards.holders import holder_lines
from wsltop.ui.cards.ledger import ledger_lines
from wsltop.ui.context import Context


def findings(context: Context, width: int) -> Iterable[Line]:
    """All findings."""
    return finding_card(context.findings, width, context.glyphs)


def ledger(context: Context, width: int) -> Iterable[Line]:
    """Every byte, and what could come back."""
    moment = context.moment
    if moment is None:
        return ()
    held = sum(hog.resident for hog in moment.sample.hogs)
    return ledger_lines(moment, context.session.outcomes, held, width, context.glyphs)


def holders(context: Context, width: int) -> Iterable[Line]:
    """Who holds the memory."""
    if context.moment is None:
        return ()
    census = context.moment.sample.census
    chosen = None if isinstance(census, Unavailable) else context.state.chosen_process(census.holders.processes)
    return holder_lines(context.moment, context.insight.growth, width, context.glyphs, chosen)


CARDS: Final[dict[str, tuple[Callable[[Context, int], Iterable[Line]], str]]] = {
    "verdict": (findings, "v"),
    "ledger": (ledger, "b"),
    "holders": (holders, "p"),
}
