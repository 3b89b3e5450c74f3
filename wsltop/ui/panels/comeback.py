"""What could come back: each way with its figure and its key, and free memory by block size."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from msgspec import Struct

from wsltop.charts.bar import host_bar, order_chart
from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.explanation import Way
from wsltop.core.ledger import order_sizes
from wsltop.model.sample import Unavailable, known
from wsltop.model.text import clean, format_duration, format_size
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit, fit_spans, heading, wrap
from wsltop.ui.panels.verdict import WAY_ACTIONS

MORE_ORDERS: Final = 10
"""Rows that the table of free blocks has more than their row of bars."""


FIGURE: Final = 14
"""Cells of a row besides what the way does: the key, the figure, the blanks."""
MOST: Final = 3
"""Rows that a way may take."""


class WayRow(Struct, frozen=True):
    """One way."""

    key: str
    does: str
    gives: str


class ComebackView(Struct, frozen=True, kw_only=True):
    """The panel."""

    rows: tuple[WayRow, ...]
    orders: tuple[int, ...]
    """Free bytes by order, rounded to what a bar can show; empty where they are unknown."""
    reporting: int
    problem: str
    page: int = 4096
    """Bytes of a block of order 0."""


def comeback_view(context: Context) -> ComebackView:
    """The ways of the explanation, best first."""
    explanation, moment = context.explanation, context.moment
    if isinstance(explanation, Unavailable) or moment is None:
        return ComebackView(rows=(), orders=(), reporting=0, problem=clean(str(explanation)))
    ledger, blocks = moment.ledger, moment.sample.free_blocks
    orders: tuple[int, ...] = ()
    reporting = 0
    order = None if isinstance(ledger, Unavailable) else known(ledger.reporting)
    if order is not None and not isinstance(blocks, Unavailable):
        reporting = order.order
        sizes = order_sizes(blocks, moment.sample.page_size)
        orders = tuple(round_order(size) for size in sizes)
    return ComebackView(
        rows=tuple(way_row(way, can_act=context.can_act) for way in explanation.ways),
        orders=orders,
        reporting=reporting,
        problem="",
        page=moment.sample.page_size,
    )


def round_order(size: int) -> int:
    """``size`` with two binary digits, so that the rows are not painted at each tick; bytes."""
    step = 1 << max(0, size.bit_length() - 2)
    return round(size / step) * step


def way_row(way: Way, *, can_act: bool) -> WayRow:
    """One way in a line; over a recording no key does it."""
    does = clean(way.does)
    if way.id == "wait" and way.seconds is not None:
        does = f"on its way, {format_duration(way.seconds)} to go" if way.seconds >= 1 else "on its way now"
    return WayRow(way.key if can_act else "", does, format_size(way.gives))


@lru_cache(maxsize=64)
def rows_of(text: str, width: int, glyphs: Glyphs) -> tuple[str, ...]:
    """What a way does, in rows for a panel of ``width`` cells; it is asked at each tick and changes seldom."""
    return tuple(wrap(text, max(1, width - FIGURE), MOST, glyphs))


class ComebackPanel(Panel[ComebackView]):
    """Heading, each way in a row or more, the free blocks."""

    _keys: tuple[str, ...] = ()
    """The keys of the rows below the heading."""

    def make_view(self, context: Context) -> ComebackView:
        """The view of the moment."""
        return comeback_view(context)

    def action_at(self, x: int, y: int) -> str:
        """A row does what its key does, the heading opens every byte."""
        key = self._keys[y - 1] if 0 < y <= len(self._keys) else ""
        return WAY_ACTIONS.get(key, "" if y else "app.card('ledger')")

    def rows_wanted(self, context: Context, width: int) -> int:
        """The ways, and the free blocks."""
        explanation = context.explanation
        if isinstance(explanation, Unavailable):
            return 4
        ways = (way_row(way, can_act=context.can_act) for way in explanation.ways)
        return 3 + sum(len(rows_of(way.does, width, self.glyphs)) for way in ways)

    def paint(self, view: ComebackView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        glyphs = self.glyphs
        lines = [heading("what could come back", "b every byte", width, glyphs)]
        if view.problem:
            return [*lines, fit_spans([Span(f" {view.problem}", "muted")], width, glyphs)]
        if not view.rows:
            lines.append(fit_spans([Span(" hardly anything: what is lent is in use", "muted")], width, glyphs))
        orders = height - len(lines) > 2 and bool(view.orders)
        room = height - len(lines) - (2 if orders else 0)
        told = [rows_of(row.does, width, glyphs) for row in view.rows]
        if sum(map(len, told)) > room:
            told = [(fit(row.does, max(0, width - FIGURE), glyphs),) for row in view.rows]
        keys: list[str] = []
        for row, (first, *more) in zip(view.rows[:room], told, strict=False):
            spans = [Span(f" {row.key:>1} ", "key"), Span(first, "value"), Span(f"{row.gives:>10}", "value")]
            lines.append(fit_spans(spans, width, glyphs))
            lines += [fit_spans([Span(f"   {text}", "value")], width, glyphs) for text in more]
            keys += [row.key] * (1 + len(more))
        self._keys = tuple(keys)
        table = orders and height >= len(lines) + 1 + len(view.orders)
        if table:
            return [*lines, *self._table(view, width)]
        if orders and height - len(lines) >= 2:
            note = f"reported from order {view.reporting} on; log scale"
            lines.append(fit_spans([Span(f" free blocks by order, {note}", "muted")], width, glyphs))
            lines.append(
                fit_spans([Span(" "), *order_chart(view.orders, view.reporting, width - 1, glyphs)], width, glyphs)
            )
        return lines

    def _table(self, view: ComebackView, width: int) -> Iterator[Line]:
        """Yield a row for each order: the size of its blocks, a bar, what is free in them."""
        glyphs = self.glyphs
        limit = format_size(view.page << view.reporting)
        yield fit_spans([Span(f" free blocks; Windows gets those from {limit} on", "muted")], width, glyphs)
        most = max(1, *view.orders)
        for order, size in enumerate(view.orders):
            reported = order >= view.reporting
            bar = host_bar(size, most, max(1, width - 24), glyphs, style="reportable" if reported else "fragmented")
            spans = [
                Span(f" {format_size(view.page << order):>8}  ", "label"),
                *bar,
                Span(f"  {format_size(size):>8}", "value" if reported else "muted"),
            ]
            yield fit_spans(spans, width, glyphs)
