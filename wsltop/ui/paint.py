"""Lines of text fitted to cells."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from wsltop.charts.cells import Line, Span, merged
from wsltop.charts.glyphs import Glyphs


def width_of(spans: Sequence[Span]) -> int:
    """Cells that ``spans`` take."""
    return sum(cell_len(span.text) for span in spans)


def fit(text: str, width: int, glyphs: Glyphs) -> str:
    """``text`` in exactly ``width`` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    if width <= len(glyphs.ellipsis):
        return set_cell_size(text, width)
    return set_cell_size(text, width - len(glyphs.ellipsis)) + glyphs.ellipsis


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


def wrap(text: str, width: int, lines: int, glyphs: Glyphs) -> list[str]:
    """``text`` broken at blanks into at most ``lines`` rows of ``width`` cells; the last one is cut."""
    rows: list[str] = []
    words = text.split()
    while words and len(rows) < lines:
        taken = 1
        while taken < len(words) and cell_len(" ".join(words[: taken + 1])) <= width:
            taken += 1
        if len(rows) == lines - 1:
            taken = len(words)
        rows.append(fit(" ".join(words[:taken]), width, glyphs))
        del words[:taken]
    return rows
