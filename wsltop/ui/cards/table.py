"""The cards that show what is known of the moment, and the key that opens and closes each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace
from rich.cells import cell_len

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.diagnosis.finding import Finding
from wsltop.core.event_list import parts_of
from wsltop.core.events import tell_amounts
from wsltop.model.sample import Event
from wsltop.model.text import clean
from wsltop.report.doctor import finding_lines
from wsltop.ui.cards.ledger import ledger_lines
from wsltop.ui.context import Context
from wsltop.ui.panels.events import kind_and_text
from wsltop.ui.panels.panel import heading, wrap
from wsltop.ui.panels.verdict import SEVERITY_STYLES

MOST = 60
"""Rows of the text."""


def event_lines(event: Event, glyphs: Glyphs, width: int) -> tuple[Line, ...]:
    """Kind and time, the text of each event of the row with its origin, and the figures of all of them."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.time))
    lines: list[Line] = [heading(f"{kind_and_text(event)[0]}, {clock}", "", width, glyphs)]
    for part in parts_of(event):
        begun = time.strftime("%H:%M:%S ", time.localtime(part.time)) if part is not event else ""
        text = f"{begun}{clean(part.text)} [{clean(part.origin)}]"
        lines += [(Span(f" {row}", "value"),) for row in wrap(text, width - 1, MOST, glyphs)]
    lines.append(())
    if event.end > event.start:
        lines.append((Span(f" lasted {event.end - event.start:.1f} s", "note"),))
    figures = list(tell_amounts(event.kind, event.amounts))
    lines += [(Span(f" {figure:>10} ", "value"), Span(clean(name), "muted")) for name, figure in figures]
    return tuple(lines)


def finding_card(findings: Sequence[Finding], width: int, glyphs: Glyphs, *, can_act: bool = True) -> Iterator[Line]:
    """Yield the lines of the card with all findings; over a recording without the keys, which do nothing there."""
    yield heading("findings", "" if can_act else "what would have helped then", width, glyphs)
    for finding in findings if can_act else map(without_keys, findings):
        for index, line in enumerate(finding_lines(finding, width - 1)):
            # The id is for settings and scripts: where it has no room, the words of the finding stand alone.
            text = line.partition(" [")[0].rstrip() if index == 0 and cell_len(line) >= width else line
            style = SEVERITY_STYLES[finding.severity] if index == 0 else "value"
            yield (Span(f" {text}", style),)
        yield ()


def findings(context: Context, width: int) -> Iterable[Line]:
    """All findings."""
    return finding_card(context.findings, width, context.glyphs, can_act=context.can_act)


def without_keys(finding: Finding) -> Finding:
    """The finding with its commands alone."""
    return replace(finding, remedy=tuple(replace(remedy, key="") for remedy in finding.remedy))


def ledger(context: Context, width: int) -> Iterable[Line]:
    """Every byte, and what could come back."""
    moment = context.moment
    if moment is None:
        return ()
    held = sum(hog.resident for hog in moment.sample.hogs)
    return ledger_lines(moment, context.session.outcomes, held, width, context.glyphs)


CARDS: Final[dict[str, tuple[Callable[[Context, int], Iterable[Line]], str]]] = {
    "verdict": (findings, "v"),
    "ledger": (ledger, "b"),
}
