"""Every byte of Linux as a standing list, and Windows' side below it."""

from __future__ import annotations

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.core.headline import say_rest
from wsltop.model.reading import Unavailable
from wsltop.model.text import clean
from wsltop.model.units import format_size
from wsltop.ui.buckets import BUCKETS
from wsltop.ui.context import Context
from wsltop.ui.paint import fit, fit_spans, heading
from wsltop.ui.panels.memory import round_step
from wsltop.ui.panels.panel import Panel


class LedgerView(Struct, frozen=True, kw_only=True):
    """The panel."""

    total: str
    rows: tuple[tuple[str, str], ...]
    """Names and figures."""
    host: tuple[tuple[str, str], ...]
    problem: str


def ledger_view(context: Context) -> LedgerView:
    """The ledger of the moment, and what is lent."""
    moment = context.moment
    ledger = Unavailable("no sample yet") if moment is None else moment.ledger
    if isinstance(ledger, Unavailable):
        return LedgerView(total="", rows=(), host=(), problem=clean(str(ledger)))
    rows = [(bucket.name, format_size(round_step(getattr(ledger, bucket.attribute)))) for bucket in BUCKETS]
    split = ledger.free_split
    if isinstance(split, Unavailable):
        rows.append(("free", format_size(round_step(ledger.free))))
    else:
        rows.append(("scattered free", format_size(round_step(split.fragmented))))
        rows.append(("free for Windows", format_size(round_step(split.reportable))))
    host: list[tuple[str, str]] = []
    if not isinstance(ledger.expected_host, Unavailable):
        host.append(("expected", format_size(round_step(ledger.expected_host))))
    explanation = context.explanation
    if not isinstance(explanation, Unavailable):
        lent = explanation.lent
        if lent.measured:
            host.append(("lent, measured", format_size(round_step(lent.size))))
        rest = say_rest(lent)
        if rest:
            host.append((rest, ""))
    return LedgerView(total=format_size(ledger.total), rows=tuple(rows), host=tuple(host), problem="")


class LedgerPanel(Panel[LedgerView]):
    """Heading with the total, a row for each bucket, then Windows' side."""

    def make_view(self, context: Context) -> LedgerView:
        """The view of the moment."""
        return ledger_view(context)

    def action_at(self, x: int, y: int) -> str:
        """Open the whole list."""
        return "app.card('ledger')"

    def rows_wanted(self, context: Context, width: int) -> int:
        """All buckets, and Windows' side."""
        return len(BUCKETS) + 7

    def paint(self, view: LedgerView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        glyphs = self.glyphs
        lines = [heading("every byte of Linux", view.total, width, glyphs)]
        if view.problem:
            return [*lines, fit_spans([Span(f" {view.problem}", "muted")], width, glyphs)]
        lines += [self._row(name, size, width) for name, size in view.rows]
        if view.host:
            lines.append(heading("and of Windows", "", width, glyphs))
            lines += [self._row(name, size, width) for name, size in view.host]
        return lines

    def _row(self, name: str, size: str, width: int) -> Line:
        room = max(0, width - len(size) - 4)
        return fit_spans([Span(f" {fit(name, room, self.glyphs)} ", "label"), Span(size, "value")], width, self.glyphs)
