from __future__ import annotations

import pytest
from msgspec.structs import replace

from wsltop.charts.cells import ASCII, BLOCK, BRAILLE, Glyphs, Line, plain
from wsltop.charts.timeline import Band, Column, Ghost, Mark, Timeline, TimelineInput, geometry_of, render_timeline
from wsltop.model.text import GIB, MIB


def column(used: float, cache: float, host: float | None) -> Column:
    return Column(int(used * GIB), int(cache * GIB), None if host is None else int(host * GIB))


# Idle, four hogs of 1 GiB, a second not sampled, killed, cache dropped.
STORY = TimelineInput(
    columns=(
        *[column(2.2, 2, 4.9)] * 8,
        column(3.4, 2, 6.1),
        column(5.1, 2, 7.6),
        *[column(6.2, 1.5, 8)] * 8,
        None,
        column(2.2, 1.5, 8),
        column(2.2, 1.5, 6.6),
        *[column(2.2, 1.5, 4.4)] * 6,
        column(2.2, 0.2, 4.4),
        *[column(2.2, 0.2, 2.9)] * 5,
    ),
    maximum=8 * GIB,
    window_seconds=33,
    marks=(Mark(8, "hog", "hogs"), Mark(19, "kill", "kill"), Mark(27, "cache drop", "drop")),
)


def picture(chart: TimelineInput, width: int, height: int, glyphs: Glyphs = BLOCK) -> str:
    return "\n".join(plain(line).rstrip() for line in render_timeline(chart, width, height, glyphs))


def expect(drawn: str, golden: str) -> None:
    assert drawn == golden.removeprefix("\n").removesuffix("\n")


def style_at(lines: list[Line], row: int, place: int) -> str:
    for span in lines[row]:
        if place < len(span.text):
            return span.style
        place -= len(span.text)
    raise AssertionError("beyond the line")


def test_blocks() -> None:
    expect(
        picture(STORY, 39, 10),
        """
   8 ┤         ━▔▔▔▔▔▔▔▔ ▔┃
   6 ┤        ▁┃▂▂▂▂▂▂▂▂  ━┓
     │        ┃▁████████   ┃
   4 ┤▔▔▔▔▔▔▔▔▔█████████   ━━━━━━━┓
     │░░░░░░░░▃█████████ ░░░░░░░░ ┃
   2 ┤▂▂▂▂▂▂▂▂██████████ ▂▂▂▂▂▂▂▂▂▔▔▔▔▔
     │██████████████████ ██████████████
     │██████████████████?██████████████
 GiB └──┬─────▲hogs──────▼kill───▼drop┬
      -30s      -20s      -10s      now
""",
    )


def test_braille() -> None:
    expect(
        picture(STORY, 39, 10, BRAILLE),
        """
   8 ┤         ⡖⠉⠉⠉⠉⠉⠉⠉⠉ ⠉⡆
   6 ┤        ⣀⠇⣀⣀⣀⣀⣀⣀⣀⣀  ⠓⡄
     │        ⡇⠡⣿⣿⣿⣿⣿⣿⣿⣿   ⡇
   4 ┤⠉⠉⠉⠉⠉⠉⠉⠉⠡⣿⣿⣿⣿⣿⣿⣿⣿⣿   ⠧⠤⠤⠤⠤⠤⠤⡀
     │⠡⠡⠡⠡⠡⠡⠡⠡⣤⣿⣿⣿⣿⣿⣿⣿⣿⣿ ⠡⠡⠡⠡⠡⠡⠡⠡ ⡇
   2 ┤⣀⣀⣀⣀⣀⣀⣀⣀⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿ ⣀⣀⣀⣀⣀⣀⣀⣀⣀⠉⠉⠉⠉⠉
     │⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿ ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
     │⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿?⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
 GiB └──┬─────▲hogs──────▼kill───▼drop┬
      -30s      -20s      -10s      now
""",
    )


def test_ascii() -> None:
    expect(
        picture(STORY, 39, 10, ASCII),
        """
   8 +         +======== =+
   6 +        ++::::::::  ++
     |        |:########   |
   4 +========+#########   +======+
     |::::::::o######### :::::::: |
   2 +::::::::########## :::::::: +====
     |################## ##############
     |##################?##############
 GiB +--+-----^hogs------vkill---vdrop+
      -30s      -20s      -10s      now
""",
    )


def test_an_expected_host_is_dashed_and_has_other_styles() -> None:
    chart = replace(STORY, host_style="expected")
    expect(
        picture(chart, 39, 10),
        """
   8 ┤         ┏╍╍╍╍╍╍╍╍ ╍┓
   6 ┤        ┏┛▂▂▂▂▂▂▂▂  ┗┓
     │        ╏▁████████   ╏
   4 ┤╍╍╍╍╍╍╍╍┛█████████   ┗╍╍╍╍╍╍┓
     │░░░░░░░░▃█████████ ░░░░░░░░ ╏
   2 ┤▂▂▂▂▂▂▂▂██████████ ▂▂▂▂▂▂▂▂▂┗╍╍╍╍
     │██████████████████ ██████████████
     │██████████████████?██████████████
 GiB └──┬─────▲hogs──────▼kill───▼drop┬
      -30s      -20s      -10s      now
""",
    )
    used = {span.style for line in render_timeline(chart, 39, 10, BLOCK) for span in line}
    assert "expected" in used
    assert not {style for style in used if style.startswith("host")}


def test_few_columns_stay_at_the_right_and_are_not_stretched() -> None:
    expect(
        picture(replace(STORY, columns=STORY.columns[-12:], marks=()), 39, 6),
        """
   8 ┤
   4 ┤                     ▁▁▁▁▁▁▁▁
   2 ┤                     ▁▁▁▁▁▁▁━━━━━
     │                     ████████████
 GiB └──┬─────────┬─────────┬─────────┬
      -30s      -20s      -10s      now
""",
    )


def test_more_columns_than_fit_show_the_newest_with_their_marks() -> None:
    longer = replace(
        STORY,
        columns=(column(8, 0, 8), *STORY.columns),
        marks=(Mark(0, "hog", "lost"), *(mark._replace(column=mark.column + 1) for mark in STORY.marks)),
        cursor=0,
    )
    assert render_timeline(longer, 39, 10, BLOCK) == render_timeline(STORY, 39, 10, BLOCK)


def test_without_columns_there_are_only_axes() -> None:
    expect(
        picture(replace(STORY, columns=(), marks=()), 39, 5),
        """
   8 ┤
   4 ┤
     │
 GiB └──┬─────────┬─────────┬─────────┬
      -30s      -20s      -10s      now
""",
    )


def test_the_row_of_marks_is_folded_first() -> None:
    expect(
        picture(STORY, 39, 4),
        """
   8 ┤        ▁▔▔▔▔▔▔▔▔▔ ▔━┓
   4 ┤▔▔▔▔▔▔▔▔▔▇████████   ━━━━━━━▁▁▁▁▁
     │▇▇▇▇▇▇▇▇██████████?▇▇▇▇▇▇▇▇▇▇▇▇▇▇
 GiB  -30s      -20s      -10s      now
""",
    )


def test_the_row_of_times_is_folded_next() -> None:
    expect(
        picture(STORY, 39, 2),
        """
   8 ┤▁▁▁▁▁▁▁▁━▔▔▔▔▔▔▔▔▔ ▔━▁▁▁▁▁▁▁▁
     │▄▄▄▄▄▄▄▄▇█████████?▄▄▄▄▄▄▄▄▄▔▔▔▔▔
""",
    )


def test_the_size_axis_is_folded_when_narrow() -> None:
    expect(
        picture(STORY, 12, 6),
        """

▁▁▁▁▁▁▁▁
▁▁▁▁▁▁▁━━━━━
████████████
────┬─▼drop┬
  -20s   now
""",
    )


def test_the_cursor_leaves_the_host_visible() -> None:
    lines = render_timeline(replace(STORY, cursor=12), 39, 10, BLOCK)
    place = geometry_of(STORY.maximum, 39, 10).gutter + 12
    assert [style_at(lines, row, place) for row in range(8)] == ["host-on-cache", *["cursor"] * 7]
    assert "".join(plain(line)[place] for line in lines[:8]) == "▔┊┊┊┊┊┊┊"


def test_a_gap_has_a_mark_and_no_values() -> None:
    lines = render_timeline(STORY, 39, 10, BLOCK)
    place = geometry_of(STORY.maximum, 39, 10).gutter + 18
    assert [style_at(lines, row, place) for row in range(8)] == [*[""] * 7, "gap"]


def test_the_host_line_is_not_joined_across_a_gap() -> None:
    chart = replace(STORY, columns=(column(1, 1, 2), None, column(1, 1, 7)), marks=())
    assert not set("┏┓┗┛┃") & set(picture(chart, 39, 10))


def test_an_unknown_host_is_not_drawn() -> None:
    chart = replace(STORY, columns=(column(1, 1, 3), column(1, 1, None), column(1, 1, 6)), marks=())
    drawn = picture(chart, 39, 10)
    assert sum(drawn.count(level) for level in BLOCK.levels) == 2
    assert not set("┏┓┗┛┃") & set(drawn)


def test_the_host_line_tells_what_it_crosses() -> None:
    chart = replace(
        STORY, columns=(column(4, 2, 3), column(4, 2, None), column(4, 2, 5), column(4, 2, None), column(4, 2, 7))
    )
    lines = render_timeline(chart, 39, 10, BLOCK)
    assert [style_at(lines, row, place) for row, place in ((4, 34), (2, 36), (0, 38))] == [
        "host-on-used",
        "host-on-cache",
        "host",
    ]


def test_values_beyond_the_scale_are_drawn_at_its_edges() -> None:
    chart = replace(STORY, columns=(column(99, 99, 99), column(-99, -99, -99)), marks=())
    drawn = picture(chart, 39, 10).splitlines()
    assert [line[-2:] for line in drawn[1:7]] == ["█┃"] * 6
    assert (drawn[0][-2:], drawn[7][-2:]) == ("▔┃", "█▁")


def test_the_line_is_not_drawn_below_an_area_that_it_exceeds() -> None:
    """At 80x24 a row is a GiB: Windows was drawn inside an area that it exceeds."""
    chart = replace(STORY, columns=(column(2.2, 1.4, 3.7),), marks=())
    lines = render_timeline(chart, 39, 10, BLOCK)
    rows = [plain(line)[-1] for line in lines[:8]]
    assert rows.index("▔") == 8 - 4
    assert rows[5] == "▂", "used, with cache around it"


def test_the_line_moves_by_a_third_of_a_row() -> None:
    chart = replace(STORY, columns=tuple(column(0, 0, 4 + third / 3 + 0.01) for third in range(4)), marks=())
    lines = [plain(line) for line in render_timeline(chart, 39, 10, BLOCK)]
    assert [line[-4:] for line in lines[2:4]] == ["   ▁", "▁━▔▔"]


def test_what_is_owed_lies_between_the_areas_and_the_line() -> None:
    chart = replace(STORY, columns=(column(2, 1, 6),) * 4, marks=(), owed=2)
    lines = render_timeline(chart, 39, 10, BLOCK)
    assert [plain(line)[-4:] for line in lines[3:5]] == ["  ▒▒", "  ▒▒"]
    assert style_at(lines, 3, 38) == "owed"


def test_small_machines_are_told_in_mib() -> None:
    chart = replace(STORY, columns=(Column(200 * MIB, 100 * MIB, 400 * MIB),) * 33, maximum=512 * MIB, marks=())
    expect(
        picture(chart, 39, 6),
        """
 512 ┤▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
 256 ┤
 128 ┤▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅
     │█████████████████████████████████
 MiB └──┬─────────┬─────────┬─────────┬
      -30s      -20s      -10s      now
""",
    )


def test_a_renderer_that_is_kept_draws_the_same_and_leaves_unchanged_rows_equal() -> None:
    renderer = Timeline(BLOCK)
    before = renderer.render(STORY, 39, 10)
    changed = replace(STORY, columns=(*STORY.columns[:-1], column(2.2, 0.2, 1.4)))
    after = renderer.render(changed, 39, 10)
    assert after == render_timeline(changed, 39, 10, BLOCK)
    assert [row for row in range(10) if before[row] != after[row]] == [5, 6]
    assert renderer.render(STORY, 60, 12) == render_timeline(STORY, 60, 12, BLOCK)
    assert renderer.render(replace(STORY, host_style="expected"), 39, 10) != before
    assert renderer.render(STORY, 39, 10) == before


BANDED = replace(
    STORY, marks=(), bands=(Band(0, 8, "baseline", False), Band(8, 10, "load", True), Band(10, 33, "hold", False))
)


def test_bands_have_a_row_of_names_and_a_ground() -> None:
    lines = render_timeline(BANDED, 39, 10, BLOCK)
    assert len(lines) == 10
    assert plain(lines[0]).rstrip() == "      │       │ │hold"  # a name that does not fit is left out
    top = next(number for number, line in enumerate(lines) if "8 ┤" in plain(line))
    assert top == 1
    assert style_at(lines, 2, 6 + 8) in ("band", "host-on-band")
    assert style_at(lines, 2, 6) == ""
    partial = replace(BANDED, columns=(Column(GIB + GIB // 4, 0, None),) * 33)
    styles = {style_at(render_timeline(partial, 39, 10, BLOCK), row, 6 + 8) for row in range(1, 8)}
    assert "used-on-band" in styles  # a hole stood in the band where the area ends within a cell
    assert {len(plain(line)) for line in lines} == {39}


def test_a_low_plot_has_no_room_for_the_names_of_bands() -> None:
    assert "hold" not in picture(BANDED, 39, 5)
    assert len(render_timeline(BANDED, 39, 5, BLOCK)) == 5


def test_bands_before_the_plot_do_not_show() -> None:
    lines = render_timeline(BANDED, 25, 10, BLOCK)
    assert plain(lines[0]).strip(" ").startswith("│hold")
    assert len(plain(lines[0])) == 25


@pytest.mark.parametrize("glyphs", [BLOCK, BRAILLE, ASCII], ids=lambda glyphs: glyphs.tier)
def test_no_ground_stands_above_the_line(glyphs: Glyphs) -> None:
    """What was owed filled the line's whole row, so it stood up to a row above the line that it ends at."""
    for tenth in range(53, 60):
        near = replace(STORY, columns=(column(2, 2, tenth / 10),) * 33, marks=(), owed=20)
        lines = render_timeline(near, 39, 10, glyphs)
        styles = [style_at(lines, row, 38) for row in range(8)]
        levels = 4 if glyphs.dots else len(glyphs.levels)
        fills = levels > 1 and int(tenth / 10 * levels) % levels == levels - 1
        assert styles[2] == ("host-on-owed" if fills else "host"), tenth
        assert styles[3] == "owed"
        assert style_at(lines, 2, 8) == "host"


@pytest.mark.parametrize("used", [5.85, 5.9])
def test_the_line_is_seen_above_used_memory_where_there_is_no_cache(used: float) -> None:
    """On used memory it has the color of the ground: at the edge it looked as if it were not there."""
    lines = render_timeline(replace(STORY, columns=(column(used, 0, used + 0.05),), marks=()), 39, 10, BLOCK)
    assert (plain(lines[1])[-1], style_at(lines, 1, 38)) == ("▁", "host")
    assert style_at(lines, 2, 38) == "used"
    full = render_timeline(replace(STORY, columns=(column(7.9, 0, 7.95),), marks=()), 39, 10, BLOCK)
    assert (plain(full[0])[-1], style_at(full, 0, 38)) == ("▔", "host-on-used")


def test_the_ghost_stands_at_the_newest_part_and_leaves_the_line_whole() -> None:
    ghost = replace(STORY, marks=(), ghost=Ghost(int(1.2 * GIB), "1.2 GiB then"))
    plain_rows, rows = picture(replace(STORY, marks=()), 39, 10).split("\n"), picture(ghost, 39, 10).split("\n")
    changed = [number for number, (one, other) in enumerate(zip(plain_rows, rows, strict=True)) if one != other]
    assert changed == [6]  # 1.2 of 8 GiB is in the second row from below
    assert rows[6].endswith("╍ 1.2 GiB then ╍")
    same = replace(ghost, ghost=Ghost(int(2.9 * GIB), ""))
    assert picture(same, 39, 10).split("\n")[5].endswith("▔▔▔▔▔")
