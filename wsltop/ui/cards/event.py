"""The card of one event: all of its text and its amounts."""

from __future__ import annotations

import time

from wsltop.charts.cells import Line, Span
from wsltop.charts.glyphs import Glyphs
from wsltop.model.event import Event
from wsltop.model.text import clean
from wsltop.ui.paint import heading, wrap

MOST = 60
"""Rows of the text."""


def event_lines(event: Event, glyphs: Glyphs, width: int) -> tuple[Line, ...]:
    """Kind and time, the text, where it comes from, and its figures as they are kept."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.time))
    lines: list[Line] = [heading(f"{clean(event.kind)}, {clock}", "Esc closes", width, glyphs)]
    lines += [(Span(f" {row}", "value"),) for row in wrap(clean(event.text), width - 1, MOST, glyphs)]
    lines += [(), (Span(f" from {clean(event.origin)}", "note"),)]
    if event.end > event.start:
        lines.append((Span(f" lasted {event.end - event.start:.1f} s", "note"),))
    lines += [(Span(f" {clean(name)}: {amount}", "muted"),) for name, amount in event.amounts.items()]
    return tuple(lines)
