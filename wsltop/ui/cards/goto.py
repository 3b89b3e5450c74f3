"""Asks for a time to go to in a replay."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from wsltop.recording.time_spec import EXAMPLES


class GoToScreen(ModalScreen[str | None]):
    """One line to type into; Enter goes there, Escape stays."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "stay", show=False)]

    def compose(self) -> ComposeResult:
        """The question, examples, the line."""
        with Vertical():
            yield Static("Go to a time", markup=False)
            yield Static(f"for example {EXAMPLES}", markup=False)
            line = Input(placeholder="14:03")
            line.cursor_blink = False  # a blinking cursor costs more than the whole screen
            yield line

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go there."""
        self.dismiss(event.value.strip() or None)
