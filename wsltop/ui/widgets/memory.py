"""Host and guest on one scale, and the gap."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Final

from wsltop.charts.bar import Segment, host_bar, segmented_bar
from wsltop.charts.cells import Line, Span, merged
from wsltop.core.units import format_gib
from wsltop.ui.paint import fit_spans, heading, row, width_of, wrap
from wsltop.ui.views.memory import MemoryView, Part
from wsltop.ui.widgets.panel import Panel

LABEL: Final = 9
"""Cells for the labels of the bars."""
VALUE: Final = 26
"""Cells for what stands beside a bar, on a wide terminal."""
VALUE_NARROW: Final = 17
WIDE: Final = 76


class MemoryPanel(Panel[MemoryView]):
    """Heading, host bar, guest bar, legend, gap."""

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
