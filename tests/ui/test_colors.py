"""Whether the parts of memory can be told apart: contrast by WCAG 2, color vision by Machado 2009, CIEDE2000."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from wsltop.ui.colors import ANSI, COLORLESS, LOOKS, SHADE, palette, rich_style

RGB = tuple[float, float, float]
THEMES = ["textual-dark", "textual-light"]
PARTS = ("programs", "shared", "kernel", "slab", "cache-tone", "scattered", "free")
VISION = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TERMINALS = {
    "Campbell": {"black": "#0C0C0C", "red": "#C50F1F", "green": "#13A10E", "yellow": "#C19C00", "cyan": "#3A96DD"}
    | {"bright_blue": "#3B78FF", "bright_magenta": "#B4009E"},
    "xterm": {"black": "#000000", "red": "#CD0000", "green": "#00CD00", "yellow": "#CDCD00", "cyan": "#00CDCD"}
    | {"bright_blue": "#5C5CFF", "bright_magenta": "#FF00FF"},
}


def linear(color: Color) -> RGB:
    values = [channel / 255 for channel in color.rgb]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values)
    return red, green, blue


def contrast(one: Color, other: Color) -> float:
    def luminance(color: Color) -> float:
        red, green, blue = linear(color)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def seen(color: Color, vision: str) -> RGB:
    light = linear(color)
    if vision == "all":
        return light
    red, green, blue = (
        min(1.0, max(0.0, sum(part * value for part, value in zip(row, light, strict=True)))) for row in VISION[vision]
    )
    return red, green, blue


def lab(light: RGB) -> RGB:
    red, green, blue = light
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def ciede2000(one: RGB, other: RGB) -> float:
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360, math.degrees(math.atan2(b2, a2)) % 360
    turn = 0.0 if not c1 * c2 else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if not c1 * c2 else (h1 + turn / 2) % 360
    dl, dc, dh = l2 - l1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(hue - 30))
        + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6))
        - 0.2 * math.cos(math.radians(4 * hue - 63))
    )
    sl = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rc = 2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    rt = -math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2)))) * rc
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * (dc / sc) * (dh / sh))


def parts_of(theme: str) -> tuple[dict[str, Color], Color]:
    """The colors of the parts as they look, and the ground."""
    made = palette(dark=BUILTIN_THEMES[theme].dark, ansi=False)
    ground = Color.parse(BUILTIN_THEMES[theme].to_color_system().generate()["background"])
    return {name: Color.parse(made[f"part-{name}"]) for name in PARTS}, ground


def test_ciede2000_is_that_of_sharma() -> None:
    """Two pairs of the table in Sharma, Wu, Dalal 2005."""
    assert round(ciede2000((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485)), 4) == 2.0425
    assert round(ciede2000((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514)), 4) == 0.9082


@pytest.mark.parametrize("theme", THEMES)
def test_each_part_stands_out_from_the_ground(theme: str) -> None:
    parts, ground = parts_of(theme)
    assert {
        name: round(contrast(color, ground), 2) for name, color in parts.items() if contrast(color, ground) < 3
    } == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", ["all", *VISION])
def test_the_parts_can_be_told_apart(theme: str, vision: str) -> None:
    parts, _ = parts_of(theme)
    near = {
        (one, other): round(difference, 1)
        for one, other in combinations(parts, 2)
        if (difference := ciede2000(lab(seen(parts[one], vision)), lab(seen(parts[other], vision)))) < 10
    }
    assert near == {}


@pytest.mark.parametrize("terminal", list(TERMINALS))
def test_the_colors_of_terminals_stand_out_from_black(terminal: str) -> None:
    colors = TERMINALS[terminal]
    for name, color in ANSI.items():
        if color != "ansi_default":
            assert contrast(Color.parse(colors[color.removeprefix("ansi_")]), Color.parse(colors["black"])) >= 3, name


@pytest.mark.parametrize("theme", [*THEMES, "nord", "ansi-dark", "ansi-light"])
def test_every_look_can_be_made_in_every_theme(theme: str) -> None:
    made = BUILTIN_THEMES[theme]
    variables = made.to_color_system().generate() | made.variables
    variables |= palette(dark=made.dark, ansi=theme.startswith("ansi"))
    for look in (*LOOKS.values(), *COLORLESS.values()):
        rich_style(look, Color.parse(variables["background"]), variables)


LINES = {"host-on-used", "host-on-cache", "host-on-owed", "gap", "cursor"}
AREAS = {
    *("anonymous", "used", "used-on-cache", "used-on-band", "shared", "kernel", "slab", "cache"),
    *("fragmented", "reportable", "owed"),
}


@pytest.mark.parametrize("theme", [name for name in BUILTIN_THEMES if not name.startswith("ansi")])
def test_every_text_can_be_read_on_every_ground_on_which_it_is_drawn(theme: str) -> None:
    """The figure of the gap on the cache's color had 2.1:1, what is good or has a key in a light theme 3.3:1."""
    made = BUILTIN_THEMES[theme]
    variables = made.to_color_system().generate() | made.variables | palette(dark=made.dark, ansi=False)
    faint = {}
    for ground in ("background", "panel", "surface"):
        for name, look in LOOKS.items():
            style = rich_style(look, Color.parse(variables[ground]), variables)
            assert style.color is not None
            assert style.bgcolor is not None
            found = contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor))
            least = 0 if name in {*AREAS, "rule"} else 3 if name in LINES else 4.5
            if found < least - 0.05:  # whole numbers of a color
                faint[ground, name] = round(found, 2)
    assert faint == {}


@pytest.mark.parametrize("theme", THEMES)
def test_the_line_at_the_edge_of_the_cache_stands_out_from_both_its_sides(theme: str) -> None:
    made = BUILTIN_THEMES[theme]
    variables = made.to_color_system().generate() | made.variables | palette(dark=made.dark, ansi=False)
    style = rich_style(LOOKS["host-on-cache"], Color.parse(variables["background"]), variables)
    assert style.color is not None
    line = Color.from_rich_color(style.color)
    assert contrast(line, Color.parse(variables["part-cache-tone"])) >= 3
    assert contrast(line, Color.parse(variables["background"])) >= 3


def test_a_shade_covers_a_quarter() -> None:
    assert SHADE == 0.25
