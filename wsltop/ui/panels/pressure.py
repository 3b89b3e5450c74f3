"""Pressure and swap, and what did come back: what fills the columns next to the timeline where they have room."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.core.outcomes import Settled
from wsltop.model.sample import Sample, Unavailable
from wsltop.model.text import clean, format_clock, format_size
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit_spans, heading, pair_row

MOST_OUTCOMES: Final = 5
"""Rows of what did come back."""


class PairsView(Struct, frozen=True):
    """Names and figures."""

    rows: tuple[tuple[str, str], ...]
    empty: str = ""
    """What stands there where there is none."""


class PairsPanel(Panel[PairsView]):
    """Heading, then a name and a figure in each row."""

    title = ""
    note = ""

    def paint(self, view: PairsView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        lines = [heading(self.title, self.note, width, self.glyphs)]
        if not view.rows:
            return [*lines, fit_spans([Span(f" {view.empty}", "muted")], width, self.glyphs)]
        return [*lines, *(pair_row(name, figure, width, self.glyphs) for name, figure in view.rows[: height - 1])]


class PressurePanel(PairsPanel):
    """How long programs wait for memory, and what swap holds."""

    title = "pressure and swap"

    def rows_wanted(self, context: Context, width: int) -> int:
        """The heading, two rows of pressure, what is available, swap."""
        return 5

    def make_view(self, context: Context) -> PairsView:
        """The figures of the moment."""
        if context.moment is None:
            return PairsView((), "no sample yet")
        return PairsView(tuple(pressure_rows(context.moment.sample)))


def pressure_rows(sample: Sample) -> list[tuple[str, str]]:
    """Shares of time in which some program, or all of them, waited for memory; free swap; available memory."""
    rows: list[tuple[str, str]] = []
    pressure, meminfo = sample.pressure, sample.meminfo
    if isinstance(pressure, Unavailable):
        rows.append(("waiting for memory", clean(pressure.reason)))
    else:
        for name, ten, sixty in (
            ("some program waits", pressure.some_avg10, pressure.some_avg60),
            ("all of them wait", pressure.full_avg10, pressure.full_avg60),
        ):
            rows.append((name, f"{ten * 100:.1f} % in 10 s, {sixty * 100:.1f} % in 60 s"))
    if isinstance(meminfo, Unavailable):
        return rows
    if meminfo.available is not None:
        rows.append(("available for programs", format_size(meminfo.available)))
    if not meminfo.swap_total:
        return [*rows, ("swap", "there is none")]
    if meminfo.swap_free is None:
        return rows
    used = max(0, meminfo.swap_total - meminfo.swap_free)
    return [*rows, ("swap in use", f"{format_size(used)} of {format_size(meminfo.swap_total)}")]


class OutcomesPanel(PairsPanel):
    """What did come back of the newest acts, and what was predicted."""

    title = "what did come back"
    note = "of predicted"

    def make_view(self, context: Context) -> PairsView:
        """The newest acts that have settled, the last first."""
        settled = list(context.session.outcomes.settled)[::-1]
        return PairsView(tuple(map(outcome_row, settled)), "nothing yet: c, d, x and e are measured")

    def rows_wanted(self, context: Context, width: int) -> int:
        """The newest few."""
        return 1 + min(MOST_OUTCOMES, max(1, len(context.session.outcomes.settled)))


def outcome_row(settled: Settled) -> tuple[str, str]:
    """One act: its time and name, what came of what was predicted."""
    gained, predicted = settled.outcome.gained, settled.outcome.predicted.likely
    return f"{format_clock(settled.time)} {settled.act}", f"{format_size(gained)} of {format_size(predicted)}"
