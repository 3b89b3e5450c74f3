"""Asks for a time to go to."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from wsltop.model.text import clean
from wsltop.recording.time_spec import EXAMPLES


class GoToScreen(ModalScreen[None]):
    """One line to type into: Enter goes there, Escape closes the box. A wrong time stays to be corrected.

    Args:
        go: goes to the time that was typed; what is wrong with it, empty when nothing is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close", show=False)]

    def __init__(self, go: Callable[[str], str]) -> None:
        super().__init__()
        self._go = go

    def compose(self) -> ComposeResult:
        """The question, the line, what is wrong with it; examples last, where there is room."""
        with Vertical():
            yield Static("Go to a time (Enter; Esc closes)", markup=False)
            line = Input(placeholder="14:03", compact=True)
            line.cursor_blink = False  # a blinking cursor costs more than the whole screen
            yield line
            yield Static("", markup=False, id="wrong")
            yield Static(f"Examples: {EXAMPLES}", markup=False)

    def on_mount(self) -> None:
        """Nothing is wrong yet: what would say so takes no row."""
        self.query_one("#wrong", Static).display = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go there and close, or say what is wrong."""
        text = event.value.strip()
        wrong = self._go(text) if text else ""
        if not wrong:
            self.dismiss(None)
        note = self.query_one("#wrong", Static)
        note.update(clean(wrong))
        note.display = bool(wrong)
