"""What each style name looks like: colors from the theme's variables, weight where there are no colors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from rich.style import Style
from textual.color import Color

TEXT: Final = 4.5
"""The contrast that a text needs (WCAG 2.2, 1.4.3)."""
LINE: Final = 3.0
"""The contrast that a line of a chart needs (1.4.11)."""


class Look(NamedTuple):
    """One style. A color is a variable of the theme, ``$primary``, with an opacity behind it if need be."""

    color: str
    background: str = ""
    """Empty: the ground on which the panel stands."""
    bold: bool = False
    underline: bool = False
    reverse: bool = False
    least: float = TEXT
    """The contrast that it has at least, whatever the theme's color."""


DARK: Final = {
    "programs": "#54D0FB",
    "shared": "#A174F1",
    "kernel": "#BB2F62",
    "slab": "#489CA0",
    "cache": "#E0AE62",
    "cache-ground": "#88651E",
    "scattered": "#C8FA5F",
    "free": "#C8C5C6",
}
"""The parts of memory on a dark ground: each 3:1 against it, and apart from the others for every kind of color vision
(``tests/ui/test_colors.py`` computes both). The line of what is lent is seen on the cache and on the ground, because it
stands at the edge of the two as a rule."""
LIGHT: Final = {
    "programs": "#2270F2",
    "shared": "#1C142D",
    "kernel": "#CB498B",
    "slab": "#102820",
    "cache": "#6B3A20",
    "cache-ground": "#A06D57",
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
BLACK, WHITE = Color(0, 0, 0), Color(255, 255, 255)
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
    "anonymous": Look("$part-programs", least=0),
    "used": Look("$part-programs", least=0),
    "shared": Look("$part-shared", least=0),
    "kernel": Look("$part-kernel", least=0),
    "slab": Look("$part-slab", least=0),
    "cache": Look("$part-cache", "$part-cache-ground", least=0),
    "used-on-cache": Look("$part-programs", "$part-cache-tone", least=0),
    "used-on-band": Look("$part-programs", "$foreground 10%", least=0),
    "fragmented": Look("$part-scattered", least=0),
    "reportable": Look("$part-free", least=0),
    "host": Look("$foreground", bold=True),
    "host-on-used": Look("$background", "$part-programs", bold=True, least=LINE),
    "host-on-cache": Look("$foreground", "$part-cache-tone", bold=True, least=LINE),
    "host-on-owed": Look("$foreground", "$text-success 50%", bold=True, least=LINE),
    "host-on-band": Look("$foreground", "$foreground 10%", bold=True),
    "expected": Look("$foreground 70%"),
    "expected-on-used": Look("$background", "$part-programs"),
    "expected-on-cache": Look("$background", "$part-cache-tone"),
    "expected-on-owed": Look("$foreground", "$text-success 50%"),
    "expected-on-band": Look("$foreground 70%", "$foreground 10%"),
    "band": Look("$foreground", "$foreground 10%"),
    "bracket": Look("$foreground", bold=True),
    "bracket-on-cache": Look("$background", "$part-cache-tone", bold=True),
    "owed": Look("$text-success", least=0),
    "gap": Look("$foreground 40%", least=LINE),
    "axis": Look("$foreground 55%"),
    "mark": Look("$foreground"),
    "cursor": Look("$warning", least=LINE),
    "title": Look("$foreground", bold=True),
    "title-focused": Look("$foreground", bold=True, underline=True),
    "rule": Look("$foreground 30%", least=0),
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


def contrast(one: Color, other: Color) -> float:
    """The contrast of two colors, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(color: Color) -> float:
        shares = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in color.normalized]
        return 0.2126 * shares[0] + 0.7152 * shares[1] + 0.0722 * shares[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def legible(color: Color, ground: Color, least: float) -> Color:
    """``color``, mixed with as much black or white as it needs for a contrast of ``least`` on ``ground``.

    The terminal's own colors stay: what they look like is not known.
    """
    if color.ansi is not None or ground.ansi is not None or contrast(color, ground) >= least:
        return color
    pole = max(BLACK, WHITE, key=lambda pole: contrast(pole, ground))
    mixed = (color.blend(pole, twentieth / 20) for twentieth in range(1, 20))
    return next((one for one in mixed if contrast(one, ground) >= least), pole)


def rich_style(look: Look, ground: Color, variables: Mapping[str, str]) -> Style:
    """A look on ``ground``, for the terminal; ``variables`` are those of the theme."""
    below = blend(look.background, ground, variables) if look.background else ground
    color = legible(blend(look.color, below, variables), below, look.least)
    return Style.from_color(color.rich_color, below.rich_color if below.a or below.ansi is not None else None) + Style(
        bold=look.bold or None, underline=look.underline or None, reverse=look.reverse or None
    )
