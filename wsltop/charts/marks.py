"""The row of event marks under the timeline: signs at their columns, labels where there is room. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wsltop.charts.glyphs import Glyphs


class Mark(NamedTuple):
    """An event at a column: its kind chooses the sign, its label is a short word of one-cell characters."""

    column: int
    kind: str
    label: str


class PlacedText(NamedTuple):
    """Text and the column where it starts."""

    start: int
    text: str


def place_marks(marks: Sequence[Mark], width: int, glyphs: Glyphs) -> list[PlacedText]:
    """Place marks on a row of ``width`` columns, from left to right; texts never touch each other's cells.

    Marks of one column become one. A label stands right of its sign, else left of it, else nowhere; the newest mark
    chooses first. Marks outside the row are left out.
    """
    columns = sorted({mark.column for mark in marks if 0 <= mark.column < width})
    placed: list[PlacedText] = []
    limit = width
    for index in range(len(columns) - 1, -1, -1):
        column = columns[index]
        sign, label = _joined([mark for mark in marks if mark.column == column], glyphs)
        floor = columns[index - 1] + 2 if index else 0
        text = PlacedText(column, sign)
        if label and column + 1 + len(label) <= limit:
            text = PlacedText(column, sign + label)
        elif label and column - len(label) >= floor:
            text = PlacedText(column - len(label), label + sign)
        placed.append(text)
        limit = text.start - 1
    return placed[::-1]


def _joined(marks: Sequence[Mark], glyphs: Glyphs) -> tuple[str, str]:
    """The sign and the label of all marks of one column."""
    signs = {glyphs.mark(mark.kind) for mark in marks}
    labels = dict.fromkeys(mark.label for mark in marks if mark.label)
    return signs.pop() if len(signs) == 1 else glyphs.several, "+".join(labels)
