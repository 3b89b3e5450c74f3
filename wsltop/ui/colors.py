"""What each style name looks like: colors from the theme's variables, weight where there are no colors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from rich.style import Style
from textual.color import Color


class Look(NamedTuple):
    """One style. A color is a variable of the theme, ``$primary``, with an opacity behind it if need be."""

    color: str
    background: str = ""
    """Empty: the ground on which the panel stands."""
    bold: bool = False
    underline: bool = False
    reverse: bool = False


LOOKS: Final = {
    # What a color means is the identity of a thing, never how bad it is; glyph and letter say the same.
    "anonymous": Look("$primary"),
    "used": Look("$primary"),
    "shared": Look("$secondary"),
    "kernel": Look("$text-secondary"),
    "slab": Look("$text-secondary"),
    "cache": Look("$accent"),
    "used-on-cache": Look("$primary", "$accent 25%"),
    "fragmented": Look("$warning"),
    "reportable": Look("$foreground 50%"),
    "host": Look("$foreground", bold=True),
    "host-on-used": Look("$foreground", "$primary", bold=True),
    "host-on-cache": Look("$foreground", "$accent 25%", bold=True),
    "expected": Look("$foreground 70%"),
    "expected-on-used": Look("$foreground", "$primary"),
    "expected-on-cache": Look("$foreground", "$accent 25%"),
    "bracket": Look("$foreground", bold=True),
    "bracket-on-cache": Look("$foreground", "$accent 25%", bold=True),
    "owed": Look("$text-success"),
    "gap": Look("$foreground 40%"),
    "axis": Look("$foreground 55%"),
    "mark": Look("$foreground"),
    "cursor": Look("$warning"),
    "title": Look("$foreground", bold=True),
    "title-focused": Look("$foreground", bold=True, underline=True),
    "rule": Look("$foreground 30%"),
    "note": Look("$foreground 70%"),
    "label": Look("$foreground 70%"),
    "value": Look("$foreground"),
    "muted": Look("$foreground 60%"),
    "good": Look("$text-success"),
    "warning": Look("$text-warning"),
    "error": Look("$text-error", bold=True),
    "key": Look("$text-accent", bold=True),
    "selected": Look("$foreground", bold=True),
    "badge": Look("$foreground", bold=True, reverse=True),
}
COLORLESS: Final = {
    "selected": Look("$foreground", reverse=True),
    "cursor": Look("$warning", reverse=True),
}
"""Without color, weight carries what hue does: these take the place of the others."""


def look_of(name: str, *, color: bool) -> Look:
    """The look of a style name.

    Raises:
        KeyError: there is no such style.
    """
    return LOOKS[name] if color else COLORLESS.get(name, LOOKS[name])


def blend(spec: str, ground: Color, variables: Mapping[str, str]) -> Color:
    """The color of a specification as it looks on ``ground``."""
    name, _, opacity = spec.partition(" ")
    color = Color.parse(variables[name[1:]] if name.startswith("$") else name)
    return ground + color.multiply_alpha(int(opacity.rstrip("%")) / 100 if opacity else 1.0)


def rich_style(look: Look, ground: Color, variables: Mapping[str, str]) -> Style:
    """A look on ``ground``, for the terminal; ``variables`` are those of the theme."""
    below = blend(look.background, ground, variables) if look.background else ground
    return Style.from_color(
        blend(look.color, below, variables).rich_color, below.rich_color if below.a or below.ansi is not None else None
    ) + Style(bold=look.bold or None, underline=look.underline or None, reverse=look.reverse or None)
