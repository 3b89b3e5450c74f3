"""Parts of Textual 8.2.8 mended: no key and no click ends the screen, ASCII is all that is drawn, memory is freed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import App
from textual.command import CommandList, CommandPalette
from textual.events import Click
from textual.screen import Screen
from textual.scrollbar import ScrollBarRender
from textual.widget import Widget

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.actions import ActionParseResult
    from textual.dom import DOMNode


class PlainBar(ScrollBarRender):
    """A scroll bar of blanks on a color alone: Textual's ends within a cell by a block glyph."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8


def has_no_rows(screen: Screen[object]) -> bool:
    """Whether it is a command palette in a terminal too small for its list, in which Textual cannot turn pages."""
    return any(not shown.scrollable_content_region.height for shown in screen.query(CommandList))


def drop_late_click(commands: CommandList, event: Click) -> None:
    """Do nothing for a click on a row that the palette has no longer; Textual would raise an IndexError."""
    if event.style.meta.get("option", -1) >= commands.option_count:
        event.prevent_default()
        event.stop()


def show_list(palette: CommandPalette) -> None:
    """Show or hide the list, if it is there still: a search may end after the palette has closed."""
    if palette.query(CommandList):
        WATCH_LIST(palette)


CommandList.on_click = drop_late_click  # type: ignore[attr-defined]
WATCH_LIST: Final = CommandPalette._watch__list_visible
CommandPalette._watch__list_visible = show_list  # type: ignore[method-assign, assignment]


def let_go_of_rows(screen: Screen[object]) -> None:
    """Empty the caches of rows of a screen that was closed.

    Textual keeps the last thousand of these caches (``StylesCache.get_inner_outer``), those of closed screens among
    them: 20 MiB after half an hour of cards. A widget that is to be painted again empties its own.
    """
    for widget in screen.walk_children(Widget, with_self=True):
        widget.refresh()
        vertical, horizontal = widget.scrollbars_enabled
        if vertical:
            widget.vertical_scrollbar.refresh()
        if horizontal:
            widget.horizontal_scrollbar.refresh()


class MendedApp(App[None]):
    """Textual's app, which no key ends but those that are meant to."""

    left: int | None = None
    """The status that ``exit`` was called with first; None until then."""

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End with a status; what fails afterwards is no crash: Textual opens screens empty from now on."""
        self.left = return_code if self.left is None else self.left
        super().exit(result, return_code, message)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key stands for; what the system refuses, such as one more open file, is said and ends nothing."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self.notify(f"{where}{error.strerror or error}", title="not done", severity="error")
            return True

    def action_command_palette(self) -> None:
        """Open the palette. Textual gives it an id, which one that is just closing may still have."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="Search for commands"))  # Textual's own is not ASCII
