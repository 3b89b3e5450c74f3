"""Asks before a process is ended; what is not y cancels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.model.text import clean
from wsltop.ui.cards.card import Question
from wsltop.ui.panels.panel import heading, wrap

LONGEST = 8
"""Rows that one fact may take."""


class EndScreen(Question):
    """A question with its consequences; y does it, Enter, Escape, n and q do not.

    Args:
        glyphs: what it is drawn with.
        title: the question.
        facts: what there is to know before the answer, a paragraph each.
        can: whether y does anything.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "answer(True)", "end it")]

    def __init__(self, glyphs: Glyphs, title: str, facts: tuple[str, ...], *, can: bool = True) -> None:
        super().__init__(glyphs)
        self._question, self._facts, self._can = title, facts, can

    def text_lines(self, width: int) -> Iterator[Line]:
        """Yield the question and the facts."""
        yield heading(clean(self._question), "", width, self.glyphs)
        for fact in self._facts:
            for row in wrap(clean(fact), width - 1, LONGEST, self.glyphs):
                yield (Span(f" {row}", "value"),)

    @property
    def can(self) -> bool:
        """Whether y does anything."""
        return self._can
