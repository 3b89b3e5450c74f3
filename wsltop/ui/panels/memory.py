"""The memory panel: host and guest as bars on one scale, and the gap between them."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Final

from msgspec import Struct

from wsltop.charts.bar import Segment, host_bar, segmented_bar
from wsltop.charts.cells import Line, Span, merged
from wsltop.core.headline import say_parts
from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import HostMemory
from wsltop.model.text import clean
from wsltop.model.units import MIB, format_gib, format_size
from wsltop.ui.context import Context
from wsltop.ui.paint import fit_spans, heading, row, width_of, wrap
from wsltop.ui.panels.panel import Panel

STEP: Final = 4 * MIB
"""Bars and figures move in steps of this, finer than any cell: what cannot be seen is not repainted."""


class Part(Struct, frozen=True, kw_only=True):
    """One segment of the guest's bar."""

    name: str
    short: str
    style: str
    size: int


class HostView(Struct, frozen=True, kw_only=True):
    """The upper bar."""

    label: str
    size: int | None
    """Bytes; None when not even an expected figure is known."""
    measured: bool
    text: str
    """What stands beside the bar: figure and whose it is."""
    problem: str
    """Why there is no measured figure, and what to do; empty when there is one."""


class MemoryView(Struct, frozen=True, kw_only=True):
    """The memory panel."""

    scale: int
    host: HostView
    parts: tuple[Part, ...]
    totals: str
    """Used, free and available as ``free`` says them."""
    used: str
    gap: str
    sentence: str
    problem: str
    """Why the guest's memory is unknown; empty when it is known."""


def memory_view(moment: Moment) -> MemoryView:
    """What the memory panel says of ``moment``."""
    ledger, lent = moment.ledger, moment.lent
    if isinstance(ledger, Unavailable):
        host = host_view(moment.host, ledger)
        return MemoryView(
            scale=host.size or 1, host=host, parts=(), totals="", used="", gap="", sentence="", problem=tell(ledger)
        )
    host = host_view(moment.host, ledger)
    scale = ledger.total if isinstance(ledger.present, Unavailable) else max(ledger.present, ledger.total)
    used = "?" if isinstance(ledger.swap_used, Unavailable) else format_gib(ledger.swap_used)
    swap = f"  swap {used} of {format_gib(ledger.swap_total)}" if ledger.swap_total else ""
    return MemoryView(
        scale=max(scale, host.size or 0),
        host=host,
        parts=guest_parts(ledger),
        totals=f"used {format_gib(ledger.used)}  free {format_gib(ledger.free)}"
        f"  available {format_gib(ledger.available)}{swap}  of {format_gib(ledger.total)} GiB",
        used=f"{format_gib(ledger.used)} GiB used",
        gap="" if isinstance(lent, Unavailable) else format_size(round_step(lent.size - lent.used)),
        sentence=tell(lent) if isinstance(lent, Unavailable) else say_parts(lent) + tell_left(moment),
        problem="",
    )


def host_view(host: Reading[HostMemory], ledger: Reading[Ledger]) -> HostView:
    """The host's bar: measured, else what is expected, else nothing."""
    if isinstance(host, Unavailable):
        expected = ledger if isinstance(ledger, Unavailable) else ledger.expected_host
        known = None if isinstance(expected, Unavailable) else round_step(expected)
        return HostView(
            label="Host",
            size=known,
            measured=False,
            text="unknown" if known is None else f"{format_gib(known)} GiB expected",
            problem=tell(host),
        )
    size = round_step(host.working_set)
    label = "Host" if host.source == "process" else "Windows"
    return HostView(
        label=label, size=size, measured=True, text=f"{format_gib(size)} GiB {clean(host.process)}", problem=""
    )


def tell_left(moment: Moment) -> str:
    """What the host itself has left, as a sentence."""
    host = moment.host
    if isinstance(host, Unavailable) or isinstance(host.available, Unavailable):
        return "."
    who = "The host" if host.source == "process" else "Windows"
    total = "" if isinstance(host.total, Unavailable) else f" of {format_size(host.total)}"
    return f". {who} has {format_size(host.available)}{total} available."


def guest_parts(ledger: Ledger) -> tuple[Part, ...]:
    """The guest's RAM from what is used for good to what the host can have back."""
    rows = [
        ("anonymous", "anon", "anonymous", ledger.anonymous),
        ("shared", "shm", "shared", ledger.shared),
        ("other kernel", "kern", "kernel", ledger.kernel_other + ledger.page_tables + ledger.huge_pages),
        ("slab", "slab", "slab", ledger.slab_reclaimable + ledger.slab_unreclaimable),
        ("cache", "cache", "cache", ledger.cache),
    ]
    split = ledger.free_split
    if isinstance(split, Unavailable):
        rows.append(("free", "free", "reportable", ledger.free))
    else:
        rows.append(("fragmented free", "frag", "fragmented", split.fragmented))
        rows.append(("reportable free", "free", "reportable", split.reportable))
    return tuple(Part(name=name, short=short, style=style, size=round_step(size)) for name, short, style, size in rows)


def round_step(size: int) -> int:
    """``size`` to the nearest step."""
    return round(size / STEP) * STEP


def tell(missing: Unavailable) -> str:
    """Reason and hint in one line."""
    return clean(str(missing))


EMPTY: Final = MemoryView(
    scale=1,
    host=HostView(label="Host", size=None, measured=False, text="unknown", problem=""),
    parts=(),
    totals="",
    used="",
    gap="",
    sentence="",
    problem="no sample yet",
)

LABEL: Final = 9
"""Cells for the labels of the bars."""
VALUE: Final = 26
"""Cells for what stands beside a bar, on a wide terminal."""
VALUE_NARROW: Final = 17
WIDE: Final = 76


class MemoryPanel(Panel[MemoryView]):
    """Heading, host bar, guest bar, legend, gap."""

    def make_view(self, context: Context) -> MemoryView:
        """The view of the moment, and an empty one before the first."""
        return EMPTY if context.moment is None else memory_view(context.moment)

    def paint(self, view: MemoryView, width: int, height: int) -> list[Line]:
        """The panel's lines; the sentence takes what rows are left."""
        value = VALUE if width >= WIDE else VALUE_NARROW
        lines = [heading("memory", view.totals, width, self.glyphs), self._host(view, width, value)]
        if view.problem:
            lines.append(fit_spans([Span(f" {view.problem}", "error")], width, self.glyphs))
            return lines
        lines += [self._guest(view, width, value), self._legend(view, width)]
        return lines + self._gap(view, width, height - len(lines))

    def _host(self, view: MemoryView, width: int, value: int) -> Line:
        host = view.host
        if host.size is None:
            bar: Line = (Span(" " * max(0, width - LABEL - value)),)
        else:
            bar = host_bar(
                host.size,
                view.scale,
                max(0, width - LABEL - value),
                self.glyphs,
                style="host" if host.measured else "expected",
                measured=host.measured,
            )
        text = Span(f" {host.text}", "value" if host.measured else "muted")
        return fit_spans([Span(f" {host.label:<{LABEL - 1}}", "label"), *bar, text], width, self.glyphs)

    def _guest(self, view: MemoryView, width: int, value: int) -> Line:
        segments = [Segment(part.style, part.size, part.style) for part in view.parts]
        bar = segmented_bar(segments, view.scale, max(0, width - LABEL - value), self.glyphs)
        text = Span(f" {view.used}", "value")
        return fit_spans([Span(f" {'Guest':<{LABEL - 1}}", "label"), *bar, text], width, self.glyphs)

    def _legend(self, view: MemoryView, width: int) -> Line:
        """Name and figure of every segment, in the bar's order, in the longest form that fits."""
        line: Line = ()
        for spell, gap in ((attrgetter("name"), "   "), (attrgetter("name"), "  "), (attrgetter("short"), " ")):
            line = self._name_parts(view, spell, gap)
            if width_of(line) <= width:
                return fit_spans(line, width, self.glyphs)
        line = self._name_parts(view, lambda part: part.short[0] + part.short[-1], "", tight=True)
        return fit_spans(line, width, self.glyphs)

    def _name_parts(self, view: MemoryView, spell: Callable[[Part], str], gap: str, *, tight: bool = False) -> Line:
        spans = [Span(" ")]
        for part in view.parts:
            spans += [
                Span(self.glyphs.fill(part.style), part.style),
                Span(f"{'' if tight else ' '}{spell(part)} ", "label"),
                Span(f"{format_gib(part.size)}{' ' if tight else ''}", "value"),
                Span(gap),
            ]
        return merged(spans[:-1])

    def _gap(self, view: MemoryView, width: int, rows: int) -> list[Line]:
        lines: list[Line] = []
        problem = view.host.problem
        if problem and rows > 1:
            lines.append(row([Span(" no host ", "warning"), Span(problem, "muted")], [], width, self.glyphs))
            rows -= 1
        label = f" GAP {view.gap}  " if view.gap else " GAP unknown  "
        texts = wrap(view.sentence, width - len(label), max(1, rows), self.glyphs)
        for index, text in enumerate(texts):
            head = Span(label, "title") if index == 0 else Span(" " * len(label))
            lines.append(fit_spans([head, Span(text, "value")], width, self.glyphs))
        return lines
