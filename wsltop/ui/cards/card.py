"""A card over the main screen: lines that may be longer than the terminal, kept up with each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen

from wsltop.charts.cells import Glyphs, Line
from wsltop.ui.panels.panel import Panel, fit_spans, fold_spans

CARD_KEYS: Final = {"v": "verdict", "b": "ledger", "p": "holders"}
"""Keys that change to another card."""
WIDTH = 77
"""Cells of a card's text: what fits on a terminal of 80 with a blank on each side and the scroll bar."""
BORDER = 2
"""Columns of a card that hold no text: the blank at its left and the scroll bar."""


class CardText(Panel[tuple[Line, ...]]):
    """The lines of a card."""

    def paint(self, view: tuple[Line, ...], width: int, height: int) -> list[Line]:
        """The lines, fitted."""
        return [fit_spans(line, width, self.glyphs) for line in view]


class Card(ModalScreen[None]):
    """Shows the lines that ``tell`` gives, again at each sample; Escape, q or the key that opened it closes it.

    Args:
        glyphs: what it is drawn with.
        tell: gives the lines for a text of so many cells; longer lines go on in the next row.
        keys: names of the keys that close it, with commas between them.
        wide: cells of its text where the terminal has room for them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close", show=False),
        Binding("j", "scroll_card(1)", "down", show=False),
        Binding("k", "scroll_card(-1)", "up", show=False),
        Binding("left_square_bracket", "app.step(-1)", "back", show=False),
        Binding("right_square_bracket", "app.step(1)", "on", show=False),
        Binding("left_curly_bracket", "app.seek(-1)", "last event", show=False),
        Binding("s", "app.save_screenshot", "picture", show=False),
        Binding("y", "app.copy", "copy", show=False),
        Binding("space", "app.pause", "pause", show=False),
        *(Binding(key, f"app.change_card('{name}')", name, show=False) for key, name in CARD_KEYS.items()),
        Binding("right_curly_bracket", "app.seek(1)", "next event", show=False),
    ]

    def __init__(self, glyphs: Glyphs, tell: Callable[[int], Iterable[Line]], keys: str, *, wide: int = WIDTH) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.tell = tell
        self.wide = wide
        for key in filter(None, keys.split(",")):
            self._bindings.key_to_bindings.pop(key, None)
            self._bindings.bind(key, "dismiss", show=False)

    def compose(self) -> ComposeResult:
        """One scrollable text."""
        with VerticalScroll():
            yield CardText(self.glyphs, id="card")

    def on_mount(self) -> None:
        """Show the lines, and take the focus so that the arrows scroll."""
        self.show_lines()
        self.query_one(VerticalScroll).focus()

    def on_resize(self, _event: Resize) -> None:
        """Wrap the lines to the new width."""
        self.show_lines()

    def show_lines(self) -> None:
        """Show what there is to tell now."""
        width = max(1, min(self.wide, self.size.width - BORDER))
        lines = tuple(row for line in self.tell(width) for row in fold_spans(line, width))
        for text in self.query(CardText):  # none before it is composed
            if text.styles.width is None or text.styles.width.value != width:
                text.styles.width = width
                self.query_one(VerticalScroll).styles.width = max(WIDTH, width) + BORDER + 1
            if text.styles.height is None or text.styles.height.value != len(lines):
                text.styles.height = len(lines)
            text.show(lines)

    def action_scroll_card(self, rows: int) -> None:
        """Scroll by some rows."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)
