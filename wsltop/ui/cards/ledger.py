"""The ledger card: every byte of the guest with its formula, the host's side, and what could come back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsltop.charts.bar import order_chart
from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.explanation import say_rest
from wsltop.core.ledger import Ledger, free_pages_from, order_sizes
from wsltop.core.moment import Moment
from wsltop.core.outcomes import Outcomes
from wsltop.core.prediction import Prediction, holes_of, predict_compaction, predict_drop, predict_kill
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import clean, format_duration, format_size
from wsltop.ui.panels.ledger import BUCKETS
from wsltop.ui.panels.panel import heading, wrap

OUTCOMES: Final = 5
NAME: Final = 20
SIZE: Final = 10
LEAST: Final = 20
"""Cells beside the figures below which an explanation stands in rows of its own."""
ROWS: Final = 6
"""Lines that one explanation may take."""


def ledger_lines(moment: Moment, outcomes: Outcomes, hogs_hold: int, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the card's lines."""
    ledger = moment.ledger
    if isinstance(ledger, Unavailable):
        yield heading("every byte of the guest", "", width, glyphs)
        yield (Span(f" {tell_missing(ledger)}", "error"),)
        return
    yield heading(f"every byte of the guest: {format_size(ledger.total)}", "", width, glyphs)
    wide = width >= NAME + SIZE + 3 + LEAST  # else the list alone: its figures must be seen together
    for name, attribute, formula in BUCKETS:
        yield from row(name, format_size(getattr(ledger, attribute)), formula if wide else "", width, glyphs)
    split = ledger.free_split
    if isinstance(split, Unavailable):
        yield from row("free", format_size(ledger.free), tell_missing(split), width, glyphs)
    else:
        yield from row(
            "scattered free",
            format_size(split.fragmented),
            "free blocks below the reporting order, CPU lists" if wide else "",
            width,
            glyphs,
        )
        yield from row(
            "free for Windows",
            format_size(split.reportable),
            "free blocks from that order on: given back" if wide else "",
            width,
            glyphs,
        )
    yield from order_lines(moment, ledger, width, glyphs)
    yield heading("the host's side", "", width, glyphs)
    yield from host_lines(moment, ledger, width, glyphs)
    yield heading("what could come back", "predicted", width, glyphs)
    yield from comeback_lines(moment, ledger, outcomes, hogs_hold, width, glyphs)
    if outcomes.settled:
        yield heading("what did come back", "predicted, measured, error", width, glyphs)
        yield from outcome_lines(outcomes, width, glyphs)


def tell_missing(missing: Unavailable) -> str:
    """Reason and hint in one line."""
    return clean(str(missing))


def row(name: str, size: str, text: str, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield a name, a figure, and what it is, in as many lines as that takes."""
    indent = NAME + SIZE + 1
    if width - indent - 2 < LEAST:
        yield Span(f" {name:<{NAME}}", "label"), Span(f"{size:>{SIZE}}", "value")
        for below in wrap(text, max(1, width - 4), 2 * ROWS, glyphs):
            yield (Span(f"   {below.rstrip()}", "note"),)
        return
    first, *more = wrap(text, max(1, width - indent - 2), ROWS, glyphs) or [""]
    yield Span(f" {name:<{NAME}}", "label"), Span(f"{size:>{SIZE}}", "value"), Span(f"  {first.rstrip()}", "note")
    for rest in more:
        yield (Span(f"{'':{indent}}  {rest.rstrip()}", "note"),)


def order_lines(moment: Moment, ledger: Ledger, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield free memory by order, with the reporting order marked."""
    blocks, reporting = moment.sample.free_blocks, ledger.reporting
    if isinstance(blocks, Unavailable) or isinstance(reporting, Unavailable):
        return
    sizes = order_sizes(blocks, moment.sample.page_size)
    assumed = " (assumed)" if reporting.assumed else ""
    told = (
        f"reported from order {reporting.order} on: {format_size(moment.sample.page_size << reporting.order)}{assumed}"
    )
    told = "none of it is reported (page_reporting_order)" if ledger.never_reported else told
    yield from row("free by order", "", told, width, glyphs)
    yield (Span(" "), *order_chart(sizes, reporting.order, width - 1, glyphs))
    large = free_pages_from(blocks, 7)
    if not large:
        yield (Span(" no free block of order 7 or more: new terminals may hang (WSL#40650)", "warning"),)


def host_lines(moment: Moment, ledger: Ledger, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield working set = expected + residue."""
    if isinstance(ledger.expected_host, Unavailable):
        most = ledger.expected_most
        known = "unknown" if isinstance(most, Unavailable) else f"≤ {format_size(most)}"
        yield from row("expected", known, tell_missing(ledger.expected_host), width, glyphs)
    else:
        yield from row("expected", format_size(ledger.expected_host), "present pages - reportable free", width, glyphs)
    if not isinstance(ledger.present, Unavailable):
        yield from row(
            "outside MemTotal",
            format_size(ledger.present - ledger.total),
            "the kernel's own, before it counted",
            width,
            glyphs,
        )
    host, lent = moment.host, moment.lent
    if isinstance(host, Unavailable):
        yield from row("working set", "unknown", tell_missing(host), width, glyphs)
        return
    yield from row("working set", format_size(host.working_set), f"of {clean(host.process)}", width, glyphs)
    if not isinstance(lent, Unavailable) and not isinstance(ledger.expected_host, Unavailable):
        rest = host.working_set - ledger.expected_host
        yield from row("difference", format_size(rest), say_rest(lent), width, glyphs)


def comeback_lines(
    moment: Moment, ledger: Ledger, outcomes: Outcomes, hogs_hold: int, width: int, glyphs: Glyphs
) -> Iterator[Line]:
    """Yield each way in which memory can come back, with its prediction."""
    draining = moment.draining
    if isinstance(draining, Unavailable):
        yield from row("by waiting", "unknown", tell_missing(draining), width, glyphs)
    else:
        span = f"{format_duration(draining.earliest)} to {format_duration(draining.latest)}"
        left = (
            f"draining, {format_duration(draining.seconds)} left ({span})" if draining.size else "nothing is draining"
        )
        yield from row("by waiting", format_size(draining.size), left, width, glyphs)
    shares = outcomes.shares
    yield from predicted("by compaction", predict_compaction(ledger, shares), width, glyphs)
    yield from predicted("by dropping cache", predict_drop(ledger, shares), width, glyphs)
    yield from predicted("… and slab", predict_drop(ledger, shares, slab=True), width, glyphs)
    if hogs_hold:
        killed = predict_kill(ledger, hogs_hold, shares, holes=holes_of(moment.sample.hogs))
        yield from predicted("by killing the hogs", killed, width, glyphs)
    fixed = ledger.kernel_other + ledger.page_tables + ledger.slab_unreclaimable
    yield from row(
        "by wsl --shutdown", format_size(fixed), "at least: the kernel's own, and the VM's overhead", width, glyphs
    )


def predicted(name: str, prediction: Reading[Prediction], width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield a way back and its prediction."""
    if isinstance(prediction, Unavailable):
        yield from row(name, "unknown", tell_missing(prediction), width, glyphs)
        return
    text = f"{format_size(prediction.low)} to {format_size(prediction.high)}; {prediction.basis}"
    yield from row(name, format_size(prediction.likely), text, width, glyphs)


def outcome_lines(outcomes: Outcomes, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the newest acts: predicted, measured, error."""
    for settled in list(outcomes.settled)[-OUTCOMES:]:
        outcome = settled.outcome
        miss = f"; {outcome.miss}" if outcome.miss else ""
        text = f"measured {format_size(outcome.gained)}, error {format_size(outcome.error)}{miss}"
        yield from row(settled.act, format_size(outcome.predicted.likely), text, width, glyphs)
