"""Asks before a process is ended; what does not say y cancels."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.model.text import clean
from wsltop.ui.cards.card import CardText
from wsltop.ui.panels.panel import heading, wrap

WIDTH = 76


class EndScreen(ModalScreen[bool]):
    """A question with its consequences; y does it, Enter, Escape, n and q do not.

    Args:
        glyphs: what it is drawn with.
        title: the question.
        facts: what there is to know before the answer, a paragraph each.
        can: whether y does anything.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "end it", show=False),
        Binding("n,escape,enter,q", "answer(False)", "cancel", show=False),
    ]

    def __init__(self, glyphs: Glyphs, title: str, facts: tuple[str, ...], *, can: bool = True) -> None:
        super().__init__()
        self.glyphs, self.title_text, self.facts, self.can = glyphs, title, facts, can

    def compose(self) -> ComposeResult:
        """One text."""
        with Vertical():
            yield CardText(self.glyphs, id="question")

    def on_mount(self) -> None:
        """Show it."""
        width = min(WIDTH, self.size.width - 2)
        lines: list[Line] = [heading(clean(self.title_text), "", width, self.glyphs)]
        for fact in self.facts:
            lines += [(Span(f" {row}", "value"),) for row in wrap(clean(fact), width - 1, 4, self.glyphs)]
        keys = [Span(" y", "key"), Span(" ends it   ", "value")] if self.can else []
        lines += [(), (*keys, Span(" Enter", "key"), Span(", Esc or n: cancel", "value"))]
        text = self.query_one(CardText)
        text.styles.width, text.styles.height = width, len(lines)
        text.show(tuple(lines))

    def action_answer(self, yes: bool) -> None:
        """Answer."""
        if self.can or not yes:
            self.dismiss(yes)
