"""The panel: a widget that paints the lines it is given and repaints only those that changed.

The screen is drawn once a second, and the cost of Textual goes with the lines that are repainted. So a panel compares
its new lines with the old ones and marks the different rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from wsltop.charts.cells import Glyphs, Line, Span, merged
from wsltop.model.text import ascii_only, clean
from wsltop.ui.colors import look_of, palette, rich_style
from wsltop.ui.context import Context


def width_of(spans: Sequence[Span]) -> int:
    """Cells that ``spans`` take."""
    return sum(cell_len(span.text) for span in spans)


def fit(text: str, width: int, glyphs: Glyphs) -> str:
    """``text`` in exactly ``width`` cells: padded, or cut with an ellipsis, at a blank where one is near."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    if width <= len(glyphs.ellipsis):
        return set_cell_size(text, width)
    cut = set_cell_size(text, width - len(glyphs.ellipsis))
    words = cut if text[len(cut) : len(cut) + 1] == " " else cut.rpartition(" ")[0]
    if len(words.rstrip()) * 3 < len(cut):
        words = cut
    return set_cell_size(words.rstrip() + glyphs.ellipsis, width)


def fit_spans(spans: Sequence[Span], width: int, glyphs: Glyphs) -> Line:
    """``spans`` in exactly ``width`` cells: padded, or cut with an ellipsis at the end."""
    total = width_of(spans)
    if total <= width:
        return merged([*spans, Span(" " * (width - total))])
    line: list[Span] = []
    left = width
    for span in spans:
        length = cell_len(span.text)
        if length >= left:
            # Something is cut here or behind it: the blank makes sure that the ellipsis says so.
            line.append(Span(fit(f"{span.text} ", left, glyphs), span.style))
            break
        line.append(span)
        left -= length
    return merged(line)


def fold_spans(spans: Line, width: int) -> list[Line]:
    """``spans`` in rows of at most ``width`` cells, broken at a blank where there is one; a rule is shortened."""
    over = width_of(spans) - width
    if over <= 0:
        return [spans]
    longest = max(range(len(spans)), key=lambda index: len(spans[index].text) * (spans[index].style == "rule"))
    if spans[longest].style == "rule" and len(spans[longest].text) > over:
        shorter = Span(spans[longest].text[over:], "rule")
        return [(*spans[:longest], shorter, *spans[longest + 1 :])]
    cells = [Span(char, span.style) for span in spans for char in span.text]
    rows: list[Line] = []
    while cells:
        taken = room = 0
        while taken < len(cells) and room + cell_len(cells[taken].text) <= width:
            room += cell_len(cells[taken].text)
            taken += 1
        if taken < len(cells):
            blank = next((index for index in range(taken, taken // 2, -1) if cells[index].text == " "), taken)
            taken = max(1, blank)
        rows.append(merged(cells[:taken]))
        del cells[:taken]
        while cells and cells[0].text == " ":
            del cells[0]
        if cells:
            cells.insert(0, Span(" "))  # as what is behind the blank at the left
            if width < 3:
                del cells[0]
    return rows


def row(left: Sequence[Span], right: Sequence[Span], width: int, glyphs: Glyphs) -> Line:
    """A line with ``right`` at the right edge; the left side gives way first."""
    right_width = width_of(right)
    if width_of(left) > width - right_width and right and not right[0].text.startswith(" "):
        right, right_width = [Span(" "), *right], right_width + 1  # what is cut must not touch what follows
    if right_width >= width:
        return fit_spans(right, width, glyphs)
    return merged([*fit_spans(left, width - right_width, glyphs), *right])


def heading(title: str, note: str, width: int, glyphs: Glyphs, *, focused: bool = False) -> Line:
    """A panel's heading: its title and a note, on a rule instead of a box."""
    return heading_of([Span(title, "title-focused" if focused else "title")], note, width, glyphs)


def heading_of(title: Sequence[Span], note: str, width: int, glyphs: Glyphs) -> Line:
    """The same with a title of several styles."""
    rule = glyphs.rule
    left = [Span(rule * 2 + " ", "rule"), *title, Span(" ", "rule")]
    tail = [Span(f" {note} ", "note"), Span(rule * 2, "rule")] if note else []
    room = width - width_of(left) - width_of(tail)
    if room < 1:
        return fit_spans([*left, *tail], width, glyphs)
    return merged([*left, Span(rule * room, "rule"), *tail])


def pair_row(name: str, figure: str, width: int, glyphs: Glyphs) -> Line:
    """A name, cut if it must be, and its figure at the right."""
    room = max(0, width - width_of([Span(figure)]) - 3)
    return fit_spans([Span(f" {fit(name, room, glyphs)} ", "label"), Span(figure, "value")], width, glyphs)


def wrap(text: str, width: int, lines: int, glyphs: Glyphs) -> list[str]:
    """``text`` broken at blanks into at most ``lines`` rows of ``width`` cells; the last one is cut."""
    rows: list[str] = []
    words = text.split()
    first = 0
    while first < len(words) and len(rows) < lines:
        end, room = first + 1, width - cell_len(words[first])
        while end < len(words) and (room := room - 1 - cell_len(words[end])) >= 0:
            end += 1
        if len(rows) == lines - 1:
            end = len(words)
        rows.append(fit(" ".join(words[first:end]), width, glyphs))
        first = end
    return rows


ViewT = TypeVar("ViewT")


class Panel(Widget, Generic[ViewT]):
    """Shows one frozen view of type ``ViewT``: makes it from the context, paints it, repaints the rows that changed."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.glyphs = glyphs
        self.view: ViewT | None = None
        self._followed: Context | None = None
        self._lines: list[Line] = []
        self._strips: dict[int, Strip] = {}
        self._rich_styles: dict[str, Style] = {}

    def make_view(self, context: Context) -> ViewT:
        """The view of what ``context`` shows now."""
        raise NotImplementedError

    def paint(self, view: ViewT, width: int, height: int) -> list[Line]:
        """The lines that show ``view`` in ``height`` rows of ``width`` cells."""
        raise NotImplementedError

    def rows_wanted(self, context: Context, width: int) -> int:
        """Rows that show all there is to show now in ``width`` cells, with the heading."""
        return 1

    def action_at(self, x: int, y: int) -> str:
        """What a click on a cell does, as an action; empty: nothing."""
        return ""

    async def on_click(self, event: Click) -> None:
        """Do what the cell stands for."""
        action = self.action_at(event.x, event.y)
        if action:
            event.stop()
            await self.run_action(action)

    def update(self, context: Context) -> None:
        """Show what ``context`` shows now."""
        self._followed = context
        self.show(self.make_view(context))

    def show(self, view: ViewT) -> None:
        """Show ``view``: paint it and mark the rows that changed."""
        if view == self.view:
            return
        self.view = view
        self.repaint_changes()

    def repaint_changes(self) -> None:
        """Paint the view again and mark the rows that differ from what stands there."""
        width, height = self.size
        if self.view is None or not width or not height:
            return
        lines = self.paint(self.view, width, height)[:height]
        old = self._lines
        self._lines = lines
        changed = [y for y in range(max(len(lines), len(old))) if lines[y : y + 1] != old[y : y + 1]]
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """Paint row ``y``."""
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._make_strip(y)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of ``crop`` as they are kept.

        Textual's own asks borders, padding, opacity, links and filters again for each row that lies between two that
        changed: half the cost of a frame. A panel has none of the first four, and its strips are filtered already.
        """
        strips = [self.render_line(y) for y in crop.line_range]
        if crop.column_span == (0, self.size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def _make_strip(self, y: int) -> Strip:
        base = self._style("")
        if y >= len(self._lines):
            return Strip.blank(self.size.width, base)
        segments = [Segment(self._safe(span.text), self._style(span.style)) for span in self._lines[y]]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _safe(self, text: str) -> str:
        """The last gate before the terminal: nothing that it would obey, nothing that it cannot show."""
        text = clean(text)
        return ascii_only(text) if self.glyphs.tier == "ascii" else text

    def _style(self, name: str) -> Style:
        style = self._rich_styles.get(name)
        if style is None:
            style = self._rich_styles[name] = self._make_style(name)
        return style

    def _make_style(self, name: str) -> Style:
        """A style as the terminal gets it; Textual's filters change styles alone, so each is filtered once."""
        # Not by component classes: Textual would match each of them against the whole style sheet for each panel.
        style: Style | None = self.rich_style
        background = self.background_colors[1]
        if name:
            look = look_of(name, color=not self.app.no_color)
            theme = self.app.current_theme
            parts = palette(dark=theme.dark, ansi=theme.name.startswith("ansi") or self.app.no_color)
            style = rich_style(look, background, self.app.theme_variables | parts)
        for line_filter in self.get_line_filters():
            [(_, style, _)] = line_filter.apply([Segment(" ", style)], background)
        return style or Style.null()

    def notify_style_update(self) -> None:
        """Forget painted rows when the theme changes."""
        super().notify_style_update()
        self._rich_styles.clear()
        self._strips.clear()

    def use_glyphs(self, glyphs: Glyphs) -> None:
        """Paint with other glyphs."""
        self.glyphs = glyphs
        self._paint_again()

    def on_resize(self, _event: Resize) -> None:
        """Paint for the new size; the view may depend on it, and was made before it was known."""
        self._paint_again()
        if self._followed is not None:
            self.update(self._followed)

    def _paint_again(self) -> None:
        self._lines = []
        self._strips.clear()
        self.repaint_changes()
