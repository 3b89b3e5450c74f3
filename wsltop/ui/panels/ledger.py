"""Every byte of Linux as a standing list, and Windows' side below it."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.core.explanation import say_rest
from wsltop.model.sample import Unavailable
from wsltop.model.text import clean, format_size
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit_spans, heading, pair_row, wrap


class Bucket(NamedTuple):
    """One bucket of the ledger."""

    name: str
    attribute: str
    """Of ``Ledger``."""
    formula: str


BUCKETS: Final = (
    Bucket("programs", "anonymous", "AnonPages: memory of programs"),
    Bucket("shared, tmpfs", "shared", "Shmem: tmpfs and shared memory"),
    Bucket("file cache", "cache", "copies of files, in three parts:"),
    Bucket("- not in use", "cache_clean", "the rest of it: a drop frees it"),
    Bucket("- in use", "cache_held", "mapped or unevictable: programs have it open"),
    Bucket("- not yet written", "cache_dirty", "Dirty + Writeback: written first"),
    Bucket("slab reclaimable", "slab_reclaimable", "SReclaimable: names and inodes of files"),
    Bucket("slab fixed", "slab_unreclaimable", "SUnreclaim: kernel objects"),
    Bucket("page tables", "page_tables", "PageTables + SecPageTables"),
    Bucket("huge pages", "huge_pages", "Hugetlb: reserved, used or not"),
    Bucket("freed in huge", "freed_in_huge", "free inside huge pages: drop slab, then compact"),
    Bucket("other kernel", "kernel_other", "what remains of MemTotal"),
)


REST: Final = 2
"""Rows of what is lent beyond what is expected."""


class LedgerView(Struct, frozen=True, kw_only=True):
    """The panel."""

    total: str
    rows: tuple[tuple[str, str], ...]
    """Names and figures."""
    host: tuple[tuple[str, str], ...]
    rest: str
    """What is lent beyond what is expected, in words."""
    problem: str


def ledger_view(context: Context) -> LedgerView:
    """The ledger of the moment, and what is lent."""
    moment = context.moment
    ledger = Unavailable("no sample yet") if moment is None else moment.ledger
    if isinstance(ledger, Unavailable):
        return LedgerView(total="", rows=(), host=(), rest="", problem=clean(str(ledger)))
    rows = [(bucket.name, format_size(getattr(ledger, bucket.attribute))) for bucket in BUCKETS]
    split = ledger.free_split
    if isinstance(split, Unavailable):
        rows.append(("free", format_size(ledger.free)))
    else:
        rows.append(("scattered free", format_size(split.fragmented)))
        rows.append(("free for Windows", format_size(split.reportable)))
    host: list[tuple[str, str]] = []
    rest = ""
    if not isinstance(ledger.expected_host, Unavailable):
        host.append(("expected", format_size(ledger.expected_host)))
    explanation = context.explanation
    if not isinstance(explanation, Unavailable):
        lent = explanation.lent
        if lent.measured:
            host.append(("lent, measured", format_size(lent.size)))
        rest = say_rest(lent)
    return LedgerView(total=format_size(ledger.total), rows=tuple(rows), host=tuple(host), rest=rest, problem="")


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
        return len(BUCKETS) + 6 + REST

    def paint(self, view: LedgerView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        glyphs = self.glyphs
        lines = [heading("every byte of Linux", view.total, width, glyphs)]
        if view.problem:
            return [*lines, fit_spans([Span(f" {view.problem}", "muted")], width, glyphs)]
        lines += [pair_row(name, size, width, glyphs) for name, size in view.rows]
        if view.host:
            lines.append(heading("and of Windows", "", width, glyphs))
            lines += [pair_row(name, size, width, glyphs) for name, size in view.host]
            rest = wrap(view.rest, width - 2, min(REST, max(0, height - len(lines))), glyphs)
            lines += [fit_spans([Span(f" {text}", "label")], width, glyphs) for text in rest]
        return lines
