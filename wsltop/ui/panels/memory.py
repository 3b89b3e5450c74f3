"""The memory panel: what Windows lends and what Linux uses as bars on one scale, the gap between them, the legend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len

from wsltop.charts.bar import host_bar, nearest, segment_cells
from wsltop.charts.cells import Line, Span, merged, plain
from wsltop.core.explanation import Explanation, Way
from wsltop.core.ledger import GroupId, Ledger
from wsltop.model.sample import WAITING, HostMemory, Reading, Unavailable, known
from wsltop.model.text import MIB, clean, format_short, format_size
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit_spans, row, width_of

LEAST_OVER: Final = 4 * MIB
"""Bytes below which what is lent beyond the VM is not worth a word."""
BAR_PARTS: Final[tuple[tuple[str, str, str, tuple[GroupId, ...]], ...]] = (
    ("programs", "progs", "anonymous", ("programs",)),
    ("shared", "shm", "shared", ("shared",)),
    ("kernel", "kern", "kernel", ("kernel", "huge pages")),
    ("slab", "slab", "slab", ("slab",)),
    ("file cache", "cache", "cache", ("file cache",)),
    ("scattered", "scat", "fragmented", ("scattered free",)),
)
"""The parts of the bar: name, short name, style, and the groups of the explanation that it shows."""
WAYS: Final = {"drop-cache": "d", "drop-all": "D", "compact": "c", "wait": "waiting"}
"""The keys of the ways that stand behind the bars."""
NAMES: Final = {"drop-cache": "a drop", "drop-all": "a drop of all", "compact": "compaction", "wait": "waiting"}
"""The same ways where no key does them."""


class Part(Struct, frozen=True, kw_only=True):
    """One segment of the guest's bar."""

    name: str
    short: str
    style: str
    size: int


class HostView(Struct, frozen=True, kw_only=True):
    """The upper bar."""

    name: str
    """``Windows``, or ``Host``."""
    size: int | None
    """Bytes; None when not even an expected figure is known."""
    measured: bool
    left: str
    """What the host itself has left; empty when that is unknown."""
    problem: str
    """Why there is no measured figure, and what to do; empty when there is one."""
    asking: bool
    """Whether it is only that the first answer has not come yet."""
    after: int | None = None
    """Bytes that it is predicted to be after the action whose plan is on the screen."""


class MemoryView(Struct, frozen=True, kw_only=True):
    """The memory panel."""

    scale: int
    """Bytes of the bars' full width."""
    vm: int
    """The most that the VM can have."""
    host: HostView
    parts: tuple[Part, ...]
    used: int
    """What Linux uses."""
    ways: str
    """What could come back, and by which key."""
    swap: str
    problem: str
    """Why the guest's memory is unknown; empty when it is known."""


def memory_view(context: Context) -> MemoryView:
    """What the panel says of the moment."""
    moment = context.moment
    if moment is None:
        return EMPTY
    ledger, explanation = moment.ledger, context.explanation
    host = host_view(moment.host, ledger, explanation)
    if context.ghost is not None:
        host = replace(host, after=context.ghost.size)
    if isinstance(ledger, Unavailable):
        size = host.size or 1
        return MemoryView(scale=size, vm=0, host=host, parts=(), used=0, ways="", swap="", problem=clean(str(ledger)))
    return MemoryView(
        scale=max(context.vm_size, host.size or 0),
        vm=context.vm_size,
        host=host,
        parts=guest_parts(ledger, explanation),
        used=ledger.used,
        ways="" if isinstance(explanation, Unavailable) else tell_ways(explanation.ways, can_act=context.can_act),
        swap=tell_swap(ledger),
        problem="",
    )


def host_view(host: Reading[HostMemory], ledger: Reading[Ledger], explanation: Reading[Explanation]) -> HostView:
    """The host's bar: measured, else what is expected, else nothing."""
    lent = None if isinstance(explanation, Unavailable) else explanation.lent
    if isinstance(host, Unavailable):
        expected = None if isinstance(ledger, Unavailable) else known(ledger.expected_host)
        size = lent.size if lent is not None else expected
        return HostView(
            name="Windows",
            size=size,
            measured=False,
            left="",
            problem=clean(str(host)),
            asking=host == WAITING,
        )
    left = ""
    if not isinstance(host.available, Unavailable):
        total = "" if isinstance(host.total, Unavailable) else f" of {format_size(host.total)}"
        left = f"{format_size(host.available)}{total} left"
    return HostView(
        name="Windows" if host.is_windows else "Host",
        size=host.working_set,
        measured=True,
        left=left,
        problem="",
        asking=False,
    )


def guest_parts(ledger: Ledger, explanation: Reading[Explanation]) -> tuple[Part, ...]:
    """The guest's RAM from what is used for good to what the host can have back; the figures of the explanation."""
    if isinstance(explanation, Unavailable):
        sizes = [
            ledger.anonymous,
            ledger.shared,
            ledger.kernel_other + ledger.page_tables + ledger.huge_pages + ledger.slab_unreclaimable,
            ledger.slab_reclaimable,
            ledger.cache,
            0 if isinstance(ledger.free_split, Unavailable) else ledger.free_split.fragmented,
        ]
    else:
        sizes = [sum(explanation.lent.group(group) for group in groups) for *_, groups in BAR_PARTS]
    parts = [
        Part(name=name, short=short, style=style, size=size)
        for (name, short, style, _), size in zip(BAR_PARTS, sizes, strict=True)
    ]
    split = ledger.free_split
    free = ledger.free if isinstance(split, Unavailable) else split.reportable
    name = "free" if isinstance(split, Unavailable) else "free for Windows"
    return (*parts, Part(name=name, short="free", style="reportable", size=free))


def tell_swap(ledger: Ledger) -> str:
    """``swap 0 B of 2.0 GiB``; empty where there is none."""
    if not ledger.swap_total:
        return ""
    used = "?" if isinstance(ledger.swap_used, Unavailable) else format_size(ledger.swap_used)
    return f"swap {used} of {format_size(ledger.swap_total)}"


def tell_ways(ways: tuple[Way, ...], *, can_act: bool = True) -> str:
    """``could come back: 3.9 GiB by d, 94 MiB by c``; over a recording with names in the place of the keys."""
    names = WAYS if can_act else NAMES
    told = [f"{format_size(way.gives)} by {names[way.id]}" for way in ways if way.id in names]
    return f"could come back: {', '.join(told)}" if told else ""


EMPTY: Final = MemoryView(
    scale=1,
    vm=0,
    host=HostView(name="Windows", size=None, measured=False, left="", problem="", asking=True),
    parts=(),
    used=0,
    ways="",
    swap="",
    problem="no sample yet",
)

LABEL, LABEL_NARROW = 25, 16
"""Cells for name and figure of a bar."""
WIDE: Final = 70
ROOMY: Final = 120
"""From this width on what Windows has left, and what could come back, stand behind the bars."""


class MemoryPanel(Panel[MemoryView]):
    """Host bar, guest bar with the gap as a bracket, legend; a row more when the host cannot be read."""

    def make_view(self, context: Context) -> MemoryView:
        """The view of the moment."""
        return memory_view(context)

    def action_at(self, x: int, y: int) -> str:
        """Bars and legend open the list of every byte."""
        return "app.card('ledger')"

    def rows_wanted(self, context: Context, width: int) -> int:
        """Host, guest and legend, or why there is none of them."""
        moment = context.moment
        if moment is None:
            return 2
        host, blind = moment.host, isinstance(moment.ledger, Unavailable)
        return (2 if blind else 3) + (1 if isinstance(host, Unavailable) and host != WAITING else 0)

    def paint(self, view: MemoryView, width: int, height: int) -> list[Line]:
        """The panel's lines."""
        right = self._right(width)
        room = max(0, width - (LABEL if width >= WIDE else LABEL_NARROW) - right)
        lines = [self._host(view, width, room)]
        if view.problem:
            lines.append(
                fit_spans([Span(" Linux cannot be read: ", "error"), Span(view.problem, "muted")], width, self.glyphs)
            )
        else:
            lines += [self._guest(view, width, room), self._legend(view, width)]
        if view.host.problem and not view.host.asking and height > len(lines):
            host = [Span(f" no figure of {view.host.name}: ", "warning"), Span(view.host.problem, "muted")]
            lines.insert(1, fit_spans(host, width, self.glyphs))
        return lines

    def _right(self, width: int) -> int:
        """Cells behind the bars; not by what stands there, so that the bars do not change their scale with it."""
        return 1 if width < WIDE else 14 if width < ROOMY else 56

    def _behind_host(self, view: MemoryView, width: int) -> list[Span]:
        most = f"VM max {format_short(view.vm) if width < ROOMY else format_size(view.vm)}" if view.vm else ""
        if self._over(view):
            most = f"VM {format_short(view.vm)} +{format_short(self._over(view))}"
        left = f"{view.host.name} has {view.host.left}" if view.host.left else ""
        if not view.host.measured and view.host.size is not None:
            asking = "asking" if width < ROOMY else "asking Windows"
            left = asking + self.glyphs.ellipsis if view.host.asking else "not measured"
        if width < ROOMY:
            most = "" if left and not view.host.measured else most
            left = "" if view.host.measured else left
        return [Span(" "), Span("   ".join(filter(None, (most, left))), "label")]

    def _behind_guest(self, view: MemoryView, width: int) -> list[Span]:
        if width >= ROOMY:
            ways = view.ways
            while ", " in ways and cell_len(ways) >= self._right(width):  # whole ways: half a figure is none
                ways = ways.rpartition(", ")[0]
            return [Span(" "), Span(ways, "label")]
        free = view.parts[-1].size if view.parts else 0
        return [Span(" "), Span(f"free {format_short(free)}", "label")]

    def _head(self, name: str, size: int | None, width: int) -> list[Span]:
        label, wide = (LABEL, True) if width >= WIDE else (LABEL_NARROW, False)
        figure = "unknown" if size is None else format_size(size)
        name = name if wide else name.split()[-1]
        return [Span(f" {name:<{label - 11}}", "label"), Span(f"{figure:>8} ", "value"), Span(" ")]

    def _host(self, view: MemoryView, width: int, room: int) -> Line:
        host, glyphs = view.host, self.glyphs
        name = f"{host.name} lends" if host.measured else "Expected lent"
        bar: Line = (Span(" " * room),)
        if host.size is not None:
            style = "host" if host.measured else "expected"
            bar = host_bar(host.size, view.scale, room, glyphs, style=style, measured=host.measured)
            if self._over(view):
                bar = self._at_vm_size(view, bar, room)
            if host.after is not None:
                bar = self._ghost(host.size, host.after, bar, view.scale, room)
        behind = self._behind_host(view, width) if width >= WIDE else []
        return fit_spans([*self._head(name, host.size, width), *bar, *behind], width, glyphs)

    def _over(self, view: MemoryView) -> int:
        """Bytes that the host lends beyond the VM's size: the machine itself needs some; 0 where none are."""
        over = 0 if view.host.size is None or not view.vm else view.host.size - view.vm
        return over if over >= LEAST_OVER else 0

    def _at_vm_size(self, view: MemoryView, bar: Line, room: int) -> Line:
        """The bar with a line where the VM's size is, if there is a cell of it beyond that."""
        place = nearest(view.vm, room, view.scale)
        if place >= room:
            return bar
        text, style = plain(bar), bar[0].style
        return merged([Span(text[:place], style), Span(self.glyphs.upright, "bracket"), Span(text[place + 1 :], style)])

    def _ghost(self, size: int, after: int, bar: Line, scale: int, room: int) -> Line:
        """The bar with the part that would come back as an area of its own, at least a cell of it."""
        end = nearest(size, room, scale)
        start = min(nearest(after, room, scale), end - 1)
        if start < 0:
            return bar
        text, style = plain(bar), bar[0].style
        owed = Span(self.glyphs.fill("owed") * (end - start), "owed")
        return merged([Span(text[:start], style), owed, Span(" " * (room - end))])

    def _guest(self, view: MemoryView, width: int, room: int) -> Line:
        cells = self._cells(view, room)
        bar = merged([*cells, Span(" " * (room - len(cells)))])
        behind = self._behind_guest(view, width) if width >= WIDE else []
        return fit_spans([*self._head("Linux uses", view.used, width), *bar, *behind], width, self.glyphs)

    def _cells(self, view: MemoryView, room: int) -> list[Span]:
        """The guest's bar, cell by cell, with the bracket from what Linux uses to what is lent."""
        glyphs = self.glyphs
        counts = segment_cells([part.size for part in view.parts], view.scale, room)
        cells = [
            Span(glyphs.fill(part.style), part.style)
            for part, count in zip(view.parts, counts, strict=True)
            for _ in range(count)
        ]
        start = nearest(view.used, room, view.scale)
        end = nearest(view.host.size or 0, room, view.scale)
        size = (view.host.size or 0) - view.used
        if end - start < 3 or size <= 0:
            return cells
        cells += [Span(" ")] * (end - len(cells))
        inner = end - start - 2
        texts = (
            f" {format_size(size)} more than Linux uses ",
            f" {format_size(size)} more ",
            f" {format_size(size)} ",
            format_size(size),
            format_short(size),
            "",
        )
        text = next(text for text in texts if len(text) <= inner)
        line = glyphs.bracket_left + text.center(inner, glyphs.rule) + glyphs.bracket_right
        for offset, char in enumerate(line):
            below = cells[start + offset].style
            cells[start + offset] = Span(char, "bracket-on-cache" if below == "cache" else "bracket")
        return cells

    def _legend(self, view: MemoryView, width: int) -> Line:
        """Name and figure of every part, in the bar's order, in the longest form that fits; the smallest give way."""
        forms: tuple[tuple[Callable[[Part], str], Callable[[float], str], str], ...] = (
            (lambda part: part.name, format_size, "   "),
            (lambda part: part.name, format_short, "  "),
            (lambda part: part.short, format_short, "  "),
            (lambda part: part.short, format_short, " "),
        )
        line: Line = ()
        for name, figure, gap in forms:
            line = self._name_parts(view.parts, name, figure, gap)
            if width_of(line) <= width:
                swap = [Span(f"{view.swap} ", "label")] if width - width_of(line) > len(view.swap) + 3 else []
                return row(line, swap, width, self.glyphs)
        parts = [part for part in view.parts if part.size]
        while len(parts) > 1 and width_of(line) > width:
            line = self._name_parts(parts, lambda part: part.short, format_short, " ")
            parts.remove(min(parts, key=lambda part: part.size))
        return fit_spans(line, width, self.glyphs)

    def _name_parts(
        self, parts: Sequence[Part], name: Callable[[Part], str], figure: Callable[[float], str], gap: str
    ) -> Line:
        spans = [Span(" ")]
        for part in parts:
            spans += [
                Span(self.glyphs.fill(part.style), part.style),
                Span(f" {name(part)} ", "label"),
                Span(figure(part.size), "value"),
                Span(gap),
            ]
        return merged(spans[:-1])
