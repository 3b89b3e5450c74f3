"""Parts of Textual 8.2.8 mended, so that no key and no click ends the screen, and ASCII is all that is drawn."""

from __future__ import annotations

from typing import ClassVar

from textual.command import CommandList
from textual.events import Click
from textual.screen import Screen
from textual.scrollbar import ScrollBarRender


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


CommandList.on_click = drop_late_click  # type: ignore[attr-defined]
