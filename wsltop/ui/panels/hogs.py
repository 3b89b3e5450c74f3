"""The hogs panel: one row for each hog, and what the next one would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wsltop.charts.bar import host_bar
from wsltop.charts.cells import Line, Span
from wsltop.core.events import DEMO_START, tell_kind
from wsltop.hogs.guard import INTERPRETER, floor_for
from wsltop.model.sample import Hog, Unavailable
from wsltop.model.text import GIB, MIB, clean, format_size
from wsltop.ui.context import Context, DemoFrame, DemoPhase
from wsltop.ui.panels.panel import Panel, fit, fit_spans, heading, width_of

STATUS_TEXT: Final = {
    "starting": "starting",
    "filling": "filling",
    "holding": "holding",
    "floor": "at the floor",
    "ending": "ending",
    "failed": "failed",
}


class HogRow(Struct, frozen=True, kw_only=True):
    """One hog."""

    id: int
    pid: str
    kind: str
    target: str
    resident: str
    amounts: str
    """Resident and target in one, for a narrow list: ``0.3/1.0 GiB``."""
    share: float
    """Filled share of the target, 0 to 1, in steps of a hundredth."""
    speed: str
    status: str
    style: str
    selected: bool


SHORT: Final = "incompr."
"""What stands in the column of the kind, which has nine cells."""


class HogsView(Struct, frozen=True, kw_only=True):
    """The hogs panel."""

    rows: tuple[HogRow, ...]
    together: str
    """What all of them hold and do, in a line; empty where there are none."""
    next: str
    """What the next hog would be."""
    floor: str
    focused: bool
    hint: str
    """What is shown where there are none: the keys that add some, or what a recording is."""


def hogs_view(
    hogs: Sequence[Hog],
    *,
    selected: int | None,
    next_size: int,
    next_kind: str,
    floor: int | None,
    focused: bool,
    hint: str = "",
) -> HogsView:
    """What the hogs panel says."""
    return HogsView(
        rows=tuple(hog_row(hog, selected=hog.id == selected) for hog in hogs),
        together=tell_together(hogs),
        next=f"next {format_size(next_size)} {next_kind}",
        floor="" if floor is None else f"floor {format_size(floor)}",
        focused=focused,
        hint=clean(hint),
    )


NOT_YET: Final = frozenset({DEMO_START, "load"})
"""Phases of a demo in which hogs that are not there have still to start."""


def hint_of(demo: DemoPhase, frame: DemoFrame) -> str:
    """What stands in a demo where there are no hogs: not yet, or no longer."""
    if demo.name not in NOT_YET:
        return "they were killed"
    return "hogs will start" if frame.hogs is None else f"{frame.hogs} will start"


def tell_together(hogs: Sequence[Hog]) -> str:
    """``1.2 GiB of 1.5 GiB, filling``; where they do not all do the same, how many do what."""
    if not hogs:
        return ""
    target = sum(hog.target for hog in hogs)
    resident = sum(min(hog.resident, hog.target) for hog in hogs)
    counts = Counter(STATUS_TEXT[hog.status] for hog in hogs)
    doing = ", ".join(f"{count} {status}" if len(counts) > 1 else status for status, count in counts.items())
    return f"{format_size(resident)} of {format_size(target)}, {doing}"


def hog_row(hog: Hog, *, selected: bool) -> HogRow:
    """One hog's row; what its interpreter takes beyond the target is left out."""
    if hog.target < hog.resident < hog.target + INTERPRETER:
        hog = replace(hog, resident=hog.target)
    content = ", incompressible" if hog.incompressible else ""
    note = f": {clean(hog.note)}" if hog.note else ""
    return HogRow(
        id=hog.id,
        pid=str(hog.pid),
        kind=SHORT if hog.incompressible else hog.kind,
        target=format_size(hog.target),
        resident=format_size(hog.resident),
        amounts=tell_amounts(hog),
        share=round(min(1.0, hog.resident / hog.target), 2) if hog.target else 0.0,
        speed="" if hog.speed is None else f"{format_size(hog.speed)}/s",
        status=STATUS_TEXT[hog.status] + content + note,
        style={"holding": "good", "floor": "warning", "failed": "error"}.get(hog.status, "value"),
        selected=selected,
    )


def tell_amounts(hog: Hog) -> str:
    """Resident and target in the unit of the target."""
    unit, name = (GIB, "GiB") if hog.target >= GIB else (MIB, "MiB")
    digits = 1 if unit == GIB else 0
    return f"{hog.resident / unit:.{digits}f}/{hog.target / unit:.{digits}f} {name}"


PROGRESS: Final = 12
"""Cells of the progress bar, where there is room for one."""
NARROW: Final = 60
"""Below this width resident and target share a unit, and there is no room for blanks."""


class HogsPanel(Panel[HogsView], can_focus=True):
    """Heading with the next hog's size, then the hogs."""

    _shown: tuple[HogRow, ...] = ()

    def make_view(self, context: Context) -> HogsView:
        """The hogs of the moment shown."""
        state, shown, moment = context.state, context.shown_hogs, context.session.moment
        ledger = Unavailable("") if moment is None else moment.ledger
        return hogs_view(
            shown,
            selected=state.chosen_hog(shown),
            next_size=state.hog_size,
            next_kind=tell_kind(state.hog_kind, incompressible=state.hog_incompressible),
            floor=None if isinstance(ledger, Unavailable) else floor_for(ledger.total),
            hint=context.hint if context.demo is None else hint_of(context.demo, context.demo_frame),
            focused=self.has_focus,
        )

    def rows_wanted(self, context: Context, width: int) -> int:
        """A row for each hog; the heading alone when there are none."""
        return 1 + len(context.shown_hogs)

    def paint(self, view: HogsView, width: int, height: int) -> list[Line]:
        """The panel's lines; of many hogs those around the selected one, in a single row all of them together."""
        glyphs = self.glyphs
        if view.rows and height == 1:
            count = f"{len(view.rows)} hogs" if len(view.rows) > 1 else "1 hog"
            self._shown = ()
            return [heading(count, view.together, width, glyphs, focused=view.focused)]
        note = f"{view.next}, {view.floor}" if view.floor and width >= 50 else view.next
        if len(view.rows) > height - 1:
            note = f"{len(view.rows)} hogs, {note}"
        self._shown = window(view.rows, height - 1)
        if not view.rows:
            keys = f"a adds {view.next.removeprefix('next ')}   A four   e demo   < > size   t kind"
            if width_of([Span(keys)]) > width - 16:
                keys = f"a adds {view.next.removeprefix('next ')}"
            hint = view.hint if width_of([Span(view.hint)]) <= width - 16 else ""  # the name of a recording is not cut
            return [heading("no hogs", hint if view.hint else keys, width, glyphs, focused=view.focused)]
        lines = [heading("hogs", note, width, glyphs, focused=view.focused)]
        return [*lines, *(self._row(row, width) for row in self._shown)]

    def _row(self, row: HogRow, width: int) -> Line:
        text = "selected" if row.selected else "value"
        marker = self.glyphs.selection if row.selected else " "
        if width < NARROW:
            head = f"{row.pid:>6} {row.kind:<9} {row.amounts:>11} {row.speed:>10}"
            spans = [Span(marker, "key"), Span(head, text)]
            status = f" {row.status}"
        else:
            head = f"{row.pid:>7} {row.kind:<9} {row.resident:>8} / {row.target:<8} "
            spans = [Span(f" {marker} ", "key"), Span(head, text)]
            if width >= 80:
                spans += [*host_bar(round(row.share * 1000), 1000, PROGRESS, self.glyphs, style="used"), Span(" ")]
            spans.append(Span(f"{row.speed:>10} ", "value"))
            status = row.status
        room = width - width_of(spans)
        spans.append(Span(fit(status, max(0, room), self.glyphs), row.style))
        return fit_spans(spans, width, self.glyphs)

    def action_at(self, x: int, y: int) -> str:
        """The heading adds a hog where there is none, a row selects its hog."""
        if y == 0:
            return "" if self.view is None or self.view.rows else "app.add_hogs(1)"
        return f"screen.select_hog({self._shown[y - 1].id})" if y <= len(self._shown) else ""


def window(rows: tuple[HogRow, ...], height: int) -> tuple[HogRow, ...]:
    """The ``height`` rows that hold the selected one, or the newest."""
    if height <= 0:
        return ()
    selected = next((index for index, row in enumerate(rows) if row.selected), len(rows) - 1)
    top = min(max(0, selected - height + 1), max(0, len(rows) - height))
    return rows[top : top + height]
