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


DARK: Final = {
    "programs": "#54D0FB",
    "shared": "#A174F1",
    "kernel": "#BB2F62",
    "slab": "#489CA0",
    "cache": "#F5B373",
    "cache-ground": "#B5863E",
    "scattered": "#C8FA5F",
    "free": "#C8C5C6",
}
"""The parts of memory on a dark ground: each 3:1 against it, and apart from the others for every kind of color vision
(``tests/ui/test_colors.py`` computes both)."""
LIGHT: Final = {
    "programs": "#2270F2",
    "shared": "#1C142D",
    "kernel": "#CB498B",
    "slab": "#102820",
    "cache": "#5D3C0C",
    "cache-ground": "#8A5F22",
    "scattered": "#847904",
    "free": "#565555",
}
ANSI: Final = {
    "programs": "ansi_bright_blue",
    "shared": "ansi_bright_magenta",
    "kernel": "ansi_red",
    "slab": "ansi_cyan",
    "cache": "ansi_yellow",
    "cache-ground": "ansi_default",
    "scattered": "ansi_green",
    "free": "ansi_default",
}
"""The terminal's own colors: glyphs carry the meaning."""
SHADE: Final = 0.25
"""The part of a cell that ``░`` covers."""


def palette(*, dark: bool, ansi: bool) -> dict[str, str]:
    """The colors of the parts as variables; ``cache-tone`` is what its texture looks like from afar."""
    parts = dict(ANSI if ansi else DARK if dark else LIGHT)
    cache, ground = Color.parse(parts["cache"]), Color.parse(parts["cache-ground"])
    parts["cache-tone"] = "ansi_default" if ansi else ground.blend(cache, SHADE).hex
    return {f"part-{name}": color for name, color in parts.items()}


LOOKS: Final = {
    # What a color means is the identity of a thing, never how bad it is; glyph and letter say the same.
    "anonymous": Look("$part-programs"),
    "used": Look("$part-programs"),
    "shared": Look("$part-shared"),
    "kernel": Look("$part-kernel"),
    "slab": Look("$part-slab"),
    "cache": Look("$part-cache", "$part-cache-ground"),
    "used-on-cache": Look("$part-programs", "$part-cache-tone"),
    "fragmented": Look("$part-scattered"),
    "reportable": Look("$part-free"),
    "host": Look("$foreground", bold=True),
    "host-on-used": Look("$background", "$part-programs", bold=True),
    "host-on-cache": Look("$foreground", "$part-cache-tone", bold=True),
    "host-on-owed": Look("$foreground", "$text-success 35%", bold=True),
    "host-on-band": Look("$foreground", "$foreground 10%", bold=True),
    "expected": Look("$foreground 70%"),
    "expected-on-used": Look("$background", "$part-programs"),
    "expected-on-cache": Look("$foreground", "$part-cache-tone"),
    "expected-on-owed": Look("$foreground", "$text-success 35%"),
    "expected-on-band": Look("$foreground 70%", "$foreground 10%"),
    "band": Look("$foreground", "$foreground 10%"),
    "bracket": Look("$foreground", bold=True),
    "bracket-on-cache": Look("$foreground", "$part-cache-tone", bold=True),
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
