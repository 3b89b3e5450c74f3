"""What Textual's command palette needs so that no key and no click ends the screen. Seen with Textual 8.2.8."""

from __future__ import annotations

from textual.command import CommandList
from textual.events import Click
from textual.screen import Screen


def has_no_rows(screen: Screen[object]) -> bool:
    """Whether it is a palette in a terminal too small for its list, in which Textual cannot turn pages."""
    return any(not shown.scrollable_content_region.height for shown in screen.query(CommandList))


def drop_late_click(commands: CommandList, event: Click) -> None:
    """Do nothing for a click on a row that the list has no longer; Textual would raise an IndexError."""
    if event.style.meta.get("option", -1) >= commands.option_count:
        event.prevent_default()
        event.stop()


CommandList.on_click = drop_late_click  # type: ignore[attr-defined]
