"""The process view: who holds the memory, process by process, and the families, groups and distributions below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import is_
from types import MappingProxyType
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widgets import Input, Static

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.holders import FamilyGrowth, ProcessGrowth, apart
from wsltop.guest.process_details import FRESH, DetailSource, ProcessDetails
from wsltop.model.sample import Holders, ProcessUse, Reading, Unavailable, known
from wsltop.model.text import clean, format_size
from wsltop.ui.cards.card import Card, CardText
from wsltop.ui.cards.process import ProcessCard
from wsltop.ui.cards.process_list import Column, ProcessList, ProcessRow, told_rate
from wsltop.ui.context import Context, ProcessOrder
from wsltop.ui.panels.footer import KeyBarView, KeyHint, KeyRow, words_of
from wsltop.ui.panels.panel import fit, fit_spans, heading, wrap

WIDE: Final = 400
"""Cells of the list where the terminal has them: command lines are long."""
REASON: Final = 8
"""Rows for the reason why the rest cannot be seen."""
MOST: Final = 6
"""Rows of families and of control groups."""
TALL: Final = 20
"""Rows of the terminal from which the list leaves room for what is below it."""
LEAST: Final = 10
"""Rows of the list that are not given up for that."""
HEAD: Final = 2
"""Rows above the first process."""
WHEEL: Final = 3
"""Rows that a turn of the mouse wheel moves."""
KEPT: Final = 2000
"""Lines that are kept for when they are shown again."""
FAR: Final = 100_000
"""Rows: more than there are processes."""


LEADS: Final = (Column("pid", 7, right=True, gap=0), Column("name", 15), Column("held", 9, right=True))
"""The columns that are always there, behind the mark of the selection."""
OPTIONAL: Final = (
    Column("growth", 8),
    Column("user", 8),
    Column("per min", 9, right=True),
    Column("CPU %", 6, right=True),
    Column("where", 19, gap=2),  # a container by its short id
    Column("anonymous", 9, right=True),
    Column("file", 9, right=True),
)
"""Those that are there while there is room, the most important first."""
HEADS: Final[dict[ProcessOrder, str]] = {"held": "held", "growth": "growth", "CPU": "CPU %", "name": "name"}
"""The column that each order goes by."""
SHORT: Final = {"growth": "grows"}
"""Names of columns where the whole has no room."""
SHOWN: Final = ("pid", "user", "name", "held", "anonymous", "file", "growth", "per min", "CPU %", "where")
"""The order from left to right; the command line stands behind them."""
LIVE_ONLY: Final = ("user", "where")
COMMAND: Final = 22
"""The least cells of the command line; other columns give way to it."""


def choose_columns(width: int, *, live: bool, commands: bool) -> tuple[Column, ...]:
    """The columns for ``width`` cells, from left to right.

    Args:
        width: cells of a row.
        live: whether owner and control group can be read.
        commands: whether the command lines are shown.
    """
    narrow = width < 60
    columns = [Column("name", 12) if narrow and column.name == "name" else column for column in LEADS]
    room = width - 1 - sum(column.gap + column.width for column in columns)
    command = live and commands and room >= COMMAND + 2 + OPTIONAL[0].width + 1  # and the growth
    room -= COMMAND + 2 if command else 0
    for column in OPTIONAL:
        one = Column("growth", 5) if narrow and column.name == "growth" else column
        if one.gap + one.width <= room and (live or one.name not in LIVE_ONLY):
            columns.append(one)
            room -= one.gap + one.width
    columns.sort(key=lambda column: SHOWN.index(column.name))
    if command:
        columns.append(Column("command line", COMMAND + room, gap=2))
    return tuple(columns)


def head_line(columns: Iterable[Column], order: str, glyphs: Glyphs) -> Line:
    """The names of the columns; the one that the list is ordered by stands out."""
    spans = [Span(" ")]
    for column in columns:
        name = fit(
            SHORT.get(column.name, "") if column.width < cell_len(column.name) else column.name, column.width, glyphs
        )
        name = f"{name.rstrip():>{column.width}}" if column.right else name
        spans += [Span(" " * column.gap), Span(name, "key" if column.name == order else "note")]
    return tuple(spans)


def row_line(row: ProcessRow, columns: Iterable[Column], glyphs: Glyphs) -> Line:
    """One process."""
    style = "selected" if row.selected else "note" if row.own else "value"
    styles = {"growth": "warning" if row.growing else "note", "command line": "value" if row.selected else "muted"}
    styles["per min"] = styles["growth"]
    spans = [Span(glyphs.selection if row.selected else " ", "key")]
    for column, text in zip(columns, row.cells, strict=True):
        text = fit(text, column.width, glyphs)
        if column.right:
            text = " " * (len(text) - len(text.rstrip())) + text.rstrip()
        spans.append(Span(" " * column.gap + text, styles.get(column.name, style)))
    return tuple(spans)


def family_lines(
    holders: Holders,
    growth: Reading[tuple[FamilyGrowth, ...]],
    width: int,
    glyphs: Glyphs,
    growth_of: Callable[[ProcessUse], ProcessGrowth],
) -> Iterator[Line]:
    """Yield the biggest families, under a heading; ``growth_of``: how each process has grown."""
    uses = {use.pid: use for use in holders.processes}
    rates = {trend.name: trend for trend in known(growth) or ()}
    yield heading("families", "", width, glyphs)
    for family in holders.families[:MOST]:
        name = f"{clean(family.name)}{' (ours)' if family.own else ''}"
        count = len(family.pids)
        grown = [growth_of(uses[pid]) for pid in family.pids if pid in uses]
        few = width < 60
        line = (
            Span(f" {fit(name, 15 if few else 19, glyphs)} ", "value"),
            Span(f"{format_size(family.held):>10}", "value"),
            Span("" if few else f"{count:>5} process{'es' if count != 1 else ''}".ljust(15), "value"),
            Span(f"  {tell_growth(rates.get(family.name), grown)}", "note"),
        )
        yield fit_spans(line, width, glyphs)


def tell_growth(trend: FamilyGrowth | None, processes: Sequence[ProcessGrowth] = ()) -> str:
    """The trend of a family; until it has been watched for five minutes that of its processes together."""
    if trend is None:
        rates = [one for one in processes if one.rate is not None]
        if not rates:
            return "growth not known yet"
        rate = sum(map(told_rate, rates))
        return f"{'+' if rate > 0 else ''}{format_size(rate)}/min" if rate else "steady"
    if not trend.growing:
        return "steady"
    left = "" if trend.minutes_left is None else f", {trend.minutes_left:.0f} min left"
    return f"+{format_size(trend.rate)}/min{left}"


def group_lines(holders: Holders, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the biggest control groups, containers among them, under a heading."""
    yield heading("control groups", "", width, glyphs)
    if isinstance(holders.groups, Unavailable):
        yield from muted(str(holders.groups), width, glyphs)
        return
    for group in apart(holders.groups)[:MOST]:
        mark = "  frozen" if group.frozen else "  ours" if group.ours else ""
        yield (
            Span(f" {fit(clean(group.name), max(8, min(49, width - 22)), glyphs)} ", "value"),
            Span(f"{format_size(group.current):>10}{mark}", "value"),
        )


def elsewhere_lines(holders: Holders, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield what is held out of sight, and why, under a heading."""
    yield heading("elsewhere in the VM", "", width, glyphs)
    if isinstance(holders.elsewhere, Unavailable):
        yield from muted(str(holders.elsewhere), width, glyphs)
        return
    yield (Span(f" at least {format_size(holders.elsewhere)}", "value"),)
    yield from muted(holders.reason, width, glyphs)


def muted(text: str, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield a text in as many rows as it takes."""
    for row in wrap(clean(text), width - 1, REASON, glyphs):
        yield (Span(f" {row}", "muted"),)


def elsewhere_line(holders: Holders, width: int, glyphs: Glyphs) -> Line:
    """What is held out of sight, in one line."""
    elsewhere = holders.elsewhere
    if isinstance(elsewhere, Unavailable):
        return fit_spans([Span(f" elsewhere in the VM: {clean(str(elsewhere))}", "muted")], width, glyphs)
    size = format_size(elsewhere)
    return fit_spans(
        [Span(f" at least {size} elsewhere", "value"), Span(f", {clean(holders.reason)}", "muted")], width, glyphs
    )


def sections(
    holders: Holders,
    growth: Reading[tuple[FamilyGrowth, ...]],
    rows: int,
    width: int,
    glyphs: Glyphs,
    growth_of: Callable[[ProcessUse], ProcessGrowth],
) -> list[Line]:
    """What stands below the processes in at most ``rows`` rows: families, what is elsewhere, control groups."""
    families = list(family_lines(holders, growth, width, glyphs, growth_of))
    elsewhere = list(elsewhere_lines(holders, width, glyphs))
    groups = list(group_lines(holders, width, glyphs))
    if len(families) + len(elsewhere) + len(groups) > rows:
        elsewhere = [elsewhere_line(holders, width, glyphs)]
    lines = families[: rows - 1 if rows > 2 else 0]
    lines += elsewhere[: max(0, rows - len(lines))]
    left = rows - len(lines)
    return lines + (groups[:left] if left >= 2 else [])


class HoldersText(CardText):
    """The list, whose rows can be clicked."""

    _width = 0
    _fitted: Mapping[int, tuple[Line, Line]] = MappingProxyType({})
    """The lines that are shown and how they were fitted, by the id of the line."""

    def action_at(self, x: int, y: int) -> str:
        """Select the process in the row; the one that is selected already is opened."""
        return f"screen.pick({y})"

    def paint(self, view: tuple[Line, ...], width: int, height: int) -> list[Line]:
        """The lines, fitted; those that are the same objects as before are as they were."""
        if width != self._width:
            self._width, self._fitted = width, {}
        fitted = {id(line): self._fitted.get(id(line)) or (line, fit_spans(line, width, self.glyphs)) for line in view}
        self._fitted = fitted  # a line that is kept here keeps its id
        return [fitted[id(line)][1] for line in view]


class HoldersCard(Card):
    """The process view.

    Args:
        context: what is shown.
        details: reads owners and command lines; closed with the card.
        end: asks whether a process is to be ended; gets its owner and command line too, where they are known.
        key: the key that opens and closes it.
        filtering: whether it begins with the box for the filter.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "select(1)", "select", key_display="j k"),
        Binding("k,up", "select(-1)", "last", show=False),
        Binding("x,f9", "end", "end it", key_display="x"),
        Binding("enter", "open", "open", key_display="Enter"),
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("o", "order", "order"),
        Binding("l", "command_lines", "commands"),
        Binding("q", "dismiss", "close", show=False),
        Binding("escape,q", "back", "close", key_display="Esc"),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("home", f"select(-{FAR})", "first", show=False),
        Binding("end,G", f"select({FAR})", "last", show=False),
        Binding("g", "app.go_to", "time", show=False),
        Binding("question_mark,h,f1", "app.help", "help", show=False),
    ]

    def __init__(
        self,
        context: Context,
        details: DetailSource,
        end: Callable[[ProcessUse, ProcessDetails | None], None],
        key: str,
        *,
        filtering: bool = False,
    ) -> None:
        super().__init__(context.glyphs, self._tell_list, key, wide=WIDE, words=lambda: words_of(context))
        self.context = context
        self.list = ProcessList(context, details)
        self._end = end
        self._filtering = filtering
        self._top = 0
        """Index of the process in the first row."""
        self._rows = 1
        """Rows that show processes."""
        self._columns: tuple[Column, ...] = ()
        self._made: dict[ProcessRow, Line] = {}
        self._told: tuple[object, ...] = ()
        self._chosen: tuple[object, ...] = ()

    # What is shown

    def compose(self) -> ComposeResult:
        """The list, the box for the filter, the keys."""
        box = Input(self.context.state.process_filter, placeholder="a pid, a name, words of the command", compact=True)
        box.cursor_blink = False  # a blinking cursor costs more than the whole screen
        yield Static(id="foot")
        with Vertical():
            with VerticalScroll(can_focus=False):
                yield HoldersText(self.glyphs, id="card")
            with Horizontal(id="filter") as line:
                line.display = self._filtering
                yield Static("/")
                yield box
            yield KeyRow(self.glyphs, id="card-keys")

    def on_mount(self) -> None:
        """Show the list, and take the filter where that was asked for."""
        super().on_mount()
        self.set_focus(None)
        for box in self.query(Input) if self._filtering else ():  # none where the app ends just now
            self.set_focus(box)

    def on_unmount(self) -> None:
        """Forget what was read."""
        self.list.details.close()

    def on_screen_resume(self) -> None:
        """What was opened over it is closed."""
        self.show_lines()

    def show_lines(self) -> None:
        """Show the list, unless it is the same as before: the processes are counted less often than samples come."""
        told, choice = self._sources(), self._choice()
        if len(told) == len(self._told) and all(map(is_, told, self._told)) and choice == self._chosen:
            return
        super().show_lines()
        if self.query(CardText) and self.size.width:  # else nothing was shown
            self._told, self._chosen = told, self._choice()

    def _sources(self) -> tuple[object, ...]:
        """What the list is made from: objects that are others when anything in them is."""
        context, moment = self.context, self.context.moment
        census = None if moment is None else moment.sample.census
        return (census, context.processes, context.insight.processes, context.insight.growth)

    def _choice(self) -> tuple[object, ...]:
        """What else decides how it looks; now and then the command lines are read again."""
        state, moment = self.context.state, self.context.moment
        age = 0.0 if moment is None else moment.sample.monotonic // FRESH
        chosen = (state.selected_process, state.process_order, state.process_filter, state.command_lines)
        return (self.size, self._filtering, self.context.shows_now, age, chosen, words_of(self.context))

    def _tell_list(self, width: int) -> Iterator[Line]:
        """The lines: the list, as far as it fits, and what stands below it."""
        glyphs, state, listed = self.glyphs, self.context.state, self.list
        holders = listed.holders
        listed.refresh()
        if isinstance(holders, Unavailable):
            yield heading("who holds it", "", width, glyphs)
            yield (Span(f" {clean(str(holders))}", "muted"),)
            return
        rows = max(3, self.size.height - 1 - self._filtering) - 2
        found = listed.processes
        most = rows - min(len(found), LEAST) if rows >= TALL else 0
        trends = self.context.insight.growth
        below = sections(holders, trends, most, width, glyphs, listed.growth) if most > 0 else []
        self._rows = max(1, rows - len(below))
        self._scroll_to_selected()
        shown = found[self._top : self._top + self._rows]
        listed.look(shown)
        columns = choose_columns(width, live=self.context.shows_now, commands=state.command_lines)
        yield heading("who holds it", self._note(width), width, glyphs)
        yield head_line(columns, HEADS[state.process_order], glyphs)
        chosen = state.chosen_process(found)
        for use in shown:
            yield self._row_line(listed.row(use, columns, selected=use is chosen), columns)
        if not found:
            yield (Span(" no process matches; Esc clears the filter", "muted"),)
        yield from below
        for _ in range(rows - max(1, len(shown)) - len(below)):
            yield ()  # the list stays in its place when it becomes shorter

    def _row_line(self, row: ProcessRow, columns: tuple[Column, ...]) -> Line:
        """The line of a process, which is made once: few of them change from one second to the next."""
        if columns != self._columns or len(self._made) > KEPT:
            self._columns, self._made = columns, {}
        if row not in self._made:
            self._made[row] = row_line(row, columns, self.glyphs)
        return self._made[row]

    def _note(self, width: int) -> str:
        """How many are listed, and in which order."""
        state, listed = self.context.state, self.list
        by = f"by {state.process_order}"
        if state.process_filter:
            count = f"{len(listed.processes)} of {len(listed.all)}"
            return f"{count}, {by}" if width < 60 else f"{count} match {clean(state.process_filter)!r}, {by}"
        if width < 60:
            return f"{len(listed.all)}, {by}"
        count = f"{len(listed.all)} {'processes' if self.context.shows_now else 'biggest processes'}"
        held = f" hold {format_size(sum(use.held for use in listed.all))} with what they map" if width >= 90 else ""
        return f"{count}{held}, {by}"

    def _scroll_to_selected(self) -> None:
        """Let the selected process be in view: it moves when others grow past it."""
        found = self.list.processes
        if self.context.state.chosen_process(found) is None:
            self._top = 0
            return
        row = self.context.state.process_row
        self._top = min(row, max(self._top, row - self._rows + 1))
        self._top = max(0, min(self._top, len(found) - self._rows))

    def key_hints(self) -> KeyBarView:
        """The keys that do something now: nothing is ended, and no command line is read, in a look back."""
        if self._filtering:
            return KeyBarView((KeyHint("Enter", "keep the filter"),), (KeyHint("Esc", "clear it", "screen.back"),))
        view = super().key_hints()
        if self.context.shows_now:
            return view
        return KeyBarView(tuple(hint for hint in view.hints if hint.key not in ("x", "l")), view.pinned)

    # Selecting

    def action_select(self, step: int) -> None:
        """Select another process."""
        self.list.refresh()
        state = self.context.state
        state.chosen_process(self.list.processes)
        state.select_process(state.process_row + step, self.list.processes)
        self.show_lines()

    def action_page(self, pages: int) -> None:
        """Select the process a page on."""
        self.action_select(pages * max(1, self._rows - 1))

    def action_pick(self, y: int) -> None:
        """Select the process in a row of the text; open it where it is selected already."""
        row = self._top + y - HEAD
        if not 0 <= y - HEAD < self._rows or row >= len(self.list.processes):
            return
        use = self.list.processes[row]
        if (use.pid, use.started) == self.context.state.selected_process:
            self.action_open()
        else:
            self.context.state.select_process(row, self.list.processes)
            self.show_lines()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move on in the list."""
        event.stop()
        self.action_select(WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move back in the list."""
        event.stop()
        self.action_select(-WHEEL)

    # Filter, order, command lines

    def action_filter(self) -> None:
        """Open the box for the filter."""
        self._filtering = self.query_one("#filter").display = True
        self.set_focus(self.query_one(Input))
        self.show_lines()

    def on_input_changed(self, event: Input.Changed) -> None:
        """List what matches, while it is typed."""
        event.stop()
        self.context.state.process_filter = event.value.strip()
        self.show_lines()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, and give the keys back to the list."""
        event.stop()
        self._close_box()

    def action_back(self) -> None:
        """Clear the filter, or close the view where there is none."""
        if self._filtering or self.context.state.process_filter:
            self.query_one(Input).value = self.context.state.process_filter = ""
            self._close_box()
        else:
            self.dismiss()

    def _close_box(self) -> None:
        self._filtering = self.query_one("#filter").display = False
        self.set_focus(None)
        self.show_lines()

    def action_order(self) -> None:
        """Order the list by something else."""
        self.context.state.change_order()
        self.show_lines()

    def action_command_lines(self) -> None:
        """Show the command lines, or hide them."""
        state = self.context.state
        state.command_lines = not state.command_lines
        self.list.details.forget()
        self.show_lines()

    # One process

    def action_open(self) -> None:
        """Show all of the selected process."""
        use = self.context.state.chosen_process(self.list.processes)
        if use is not None:
            self.app.push_screen(ProcessCard(self.list, use, self._end))

    def action_end(self) -> None:
        """Ask whether the selected process is to be ended."""
        use = self.context.state.chosen_process(self.list.processes)
        if use is not None:
            self._end(use, self.list.seen(use))
