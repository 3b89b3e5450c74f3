"""How the screen behaves while things happen to it: a pause, another size, missing sources, hostile text."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from textual.geometry import Region
from textual.pilot import Pilot

from tests.ui.worlds import FORBIDDEN, HOST, HOSTILE, MEMINFO, SAMPLE, World, drops, hog, record
from wsltop.charts.cells import ASCII
from wsltop.core.moment import SEEN
from wsltop.model.sample import Identity, Unavailable
from wsltop.model.text import GIB, MIB
from wsltop.ui.main import STILL_FOR
from wsltop.ui.panels.panel import Panel


def test_a_pause_freezes_every_panel_while_samples_go_on(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(2))
        await world.press(pilot, "a")
        await world.tick(pilot, 3)
        await world.press(pilot, "space")
        before = world.lines
        assert "PAUSED at 12:00:03" in before[0]
        assert "live" in before[-1]
        world.sampler.next = replace(
            world.sampler.next, meminfo=replace(MEMINFO, available=GIB), host=replace(HOST, working_set=GIB)
        )
        world.sampler.log(*drops(3, first=20))
        await world.tick(pilot, 37)
        assert "PAUSED at 12:00:03, 37 s behind" in world.lines[0]
        assert world.lines[1:] == before[1:]
        assert world.session.samples == 41
        await world.press(pilot, "space")
        assert "LIVE 1 s" in world.lines[0]
        assert "lends 1.0 GiB" in world.text
        assert "worker-22" in world.text

    world.run(play)


@pytest.mark.slow
def test_keys_in_a_pause_show_the_frozen_past(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(2))
        await world.tick(pilot)
        await world.press(pilot, "space")
        world.sampler.log(*drops(3, first=20))
        world.sampler.next = replace(world.sampler.next, host=replace(HOST, working_set=GIB))
        await world.tick(pilot, 5)
        await world.press(pilot, "minus", "plus", "f", "f", "4", "4")
        await world.resize(pilot, 100, 30)
        assert "PAUSED" in world.lines[0]
        assert "lends 7.0 GiB" in world.text
        assert "worker-2 " in next(line for line in world.lines if "►" in line), "the list stands at the moment shown"

    world.run(play)


def test_a_hog_added_in_a_pause_can_be_killed_in_it(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "space", "a")
        await world.press(pilot, "x")
        assert world.pool.killed == [1]

    world.run(play)


@pytest.mark.slow
def test_resizing_there_and_back_gives_the_same_screen(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(30))
        await world.tick(pilot, 5)
        seen: dict[tuple[int, int], list[str]] = {}
        for size in [(160, 48), (80, 24), (60, 16), (30, 7), (60, 16), (80, 24), (160, 48), (119, 24), (120, 24)]:
            await world.resize(pilot, *size)
            lines = world.lines
            assert [cell_len(line) for line in lines] == [size[0]] * size[1]
            assert lines == seen.setdefault(size, lines)
            if size == (30, 7):
                assert "terminal has 30x7." in world.text
            else:
                assert lines[0].startswith(" wsltop")
                assert "? help q quit" in lines[-1]

    world.run(play, size=(160, 48))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (2, 40), (59, 40), (200, 1), (60, 15)])
def test_no_size_is_too_small_to_survive(world: World, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot)
        await world.press(pilot, "question_mark")
        await world.press(pilot, "escape", "q")

    world.run(play, size=size)
    assert world.app.return_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "nord", "textual-ansi"])
def test_every_theme_shows_the_same_text(world: World, theme: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        before = world.text
        if theme in world.app.available_themes:
            world.app.theme = theme
        await world.resize(pilot, 80, 24)
        assert world.text == before

    world.run(play)


def test_light_and_dark_differ_in_color_and_are_readable(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        colors = {}
        for theme in ("textual-dark", "textual-light"):
            world.app.theme = theme
            await world.resize(pilot, 80, 24)
            styles = {segment.style for strip in world.strips for segment in strip if segment.text.strip()}
            for style in styles:
                assert style is not None
                assert style.color != style.bgcolor
            colors[theme] = {style.bgcolor for style in styles if style is not None}
        assert not colors["textual-dark"] & colors["textual-light"]

    world.run(play)


def test_without_color_there_is_no_color(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    world = World(tmp_path, color=False)

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "a")
        for strip in world.strips:
            for segment in strip:
                style = segment.style
                assert style is None or style.color is None or style.color.is_default

    world.run(play)


@pytest.fixture
def repainted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, int]]:
    """Every panel that asked to be repainted, and how many rows of it."""
    found: list[tuple[str | None, int]] = []
    refresh = Panel.refresh

    def spy(panel: Panel[object], *regions: Region, **options: bool) -> Panel[object]:
        found.append((panel.id, sum(region.height for region in regions) if regions else panel.size.height))
        return refresh(panel, *regions, **options)

    monkeypatch.setattr(Panel, "refresh", spy)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_nothing_is_repainted_when_nothing_visible_changes(
    world: World, repainted: list[tuple[str | None, int]], size: tuple[int, int]
) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(3))
        world.sampler.step = 0.0
        await world.tick(pilot, 3)
        repainted.clear()
        await world.tick(pilot, 50)
        assert repainted == []

    world.run(play, size=size)


def test_a_steady_guest_repaints_the_timeline_alone_and_only_with_a_new_column(
    world: World, repainted: list[tuple[str | None, int]]
) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.app.context.state.window = 300.0
        await world.tick(pilot, 10)
        repainted.clear()
        await world.tick(pilot, 60)
        panels = [panel for panel, _ in repainted]
        assert set(panels) <= {"timeline", "status"}
        assert panels.count("status") <= 1  # the clock, once a minute
        assert panels.count("timeline") <= 16  # 60 s in columns of 4 s

    world.run(play)


def test_a_changed_figure_repaints_its_rows_alone(world: World, repainted: list[tuple[str | None, int]]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.step = 0.0
        await world.tick(pilot, 3)
        repainted.clear()
        world.sampler.next = replace(world.sampler.next, own=replace(SAMPLE.own, cpu=0.011))
        await world.tick(pilot)
        assert repainted == [("status", 1)]

    world.run(play)


def test_everything_may_go_away_and_come_back(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot, 3)
        before = world.lines
        away = Unavailable("gone for a while", "Wait.")
        here = world.sampler.next
        world.sampler.next = replace(
            here, meminfo=away, free_blocks=away, zones=away, reporting=away, kernel_log=away, host=away, counters=away
        )
        await world.tick(pilot, 3)
        assert "no kernel log: gone for a while. Wait." in world.text
        assert "no host" in world.lines[0]
        await world.press(pilot, "a", "space", "space", "plus", "0", "y", "X")
        world.sampler.next = replace(here, time=world.sampler.next.time, monotonic=world.sampler.next.monotonic)
        await world.tick(pilot, 3)
        assert "gone for a while" not in world.text
        assert world.lines[2:5] == before[2:5]

    world.run(play)


def test_a_missing_host_says_why_at_80x24(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.next = replace(world.sampler.next, host=Unavailable("interop is disabled", "Enable it."))
        await world.tick(pilot)
        assert "interop is disabled. Enable it." in world.text
        assert "expected" in world.text

    world.run(play)


def test_the_time_in_which_the_guest_could_not_be_read_is_a_gap(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot, 60)
        here = world.sampler.next
        world.sampler.next = replace(here, meminfo=Unavailable("gone"))
        await world.tick(pilot, 60)
        world.sampler.next = replace(
            here, time=world.sampler.next.time, monotonic=world.sampler.next.monotonic, meminfo=MEMINFO
        )
        await world.tick(pilot, 4)
        row = next(line for line in world.lines if "?" * 10 in line)
        assert row.count("?") >= 10

    world.run(play)


@pytest.mark.slow
def test_hostile_text_is_shown_harmlessly_wherever_it_comes_from(world: World) -> None:
    hostile = Unavailable(HOSTILE, HOSTILE)

    async def play(pilot: Pilot[None]) -> None:
        world.sampler.next = replace(
            world.sampler.next,
            identity=Identity(kernel=HOSTILE, distro=HOSTILE, wsl_version=HOSTILE),
            host=replace(HOST, process=HOSTILE),
        )
        world.sampler.log(record(f"{HOSTILE} drop_caches"), *drops(1, first=2))
        world.pool.there[1] = hog(1, "failed", note=HOSTILE, kind="anonymous")
        world.pool.refusal = HOSTILE
        await world.press(pilot, "f")
        await world.tick(pilot)
        assert "[red]evil[/red]" in world.lines[0]
        await world.press(pilot, "a")
        assert "[red]evil[/red]" in world.lines[0], "the notice of the refusal"
        check(world, "[red]evil[/red]")
        world.sampler.next = replace(world.sampler.next, host=hostile, kernel_log=hostile, meminfo=hostile)
        await world.tick(pilot)
        check(world, "[red]evil[/red]")
        await world.press(pilot, "question_mark")
        check(world, "Esc close")

    world.run(play, size=(160, 40))


def check(world: World, expected: str) -> None:
    """Nothing of the hostile text is on the screen but its letters."""
    text = world.text
    assert expected in text
    joined = "".join(world.lines)
    for char in FORBIDDEN:
        assert char not in joined


def test_hostile_text_stays_ascii_on_an_ascii_terminal(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        glyphs=ASCII,
        sample=replace(
            SAMPLE,
            identity=Identity(kernel="ключ", distro="日本語", wsl_version="é"),
            host=replace(HOST, process="vmmem\U0001f600"),
        ),
    )

    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(record("память", number=3), *drops(1))
        await world.press(pilot, "f")
        await world.tick(pilot)
        assert world.text.isascii()
        assert [cell_len(line) for line in world.lines] == [80] * 24

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 30)])
def test_wide_names_do_not_push_anything_off_the_screen(world: World, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.next = replace(
            world.sampler.next,
            identity=Identity(kernel="版" * 60, distro="本" * 60, wsl_version="語" * 60),
            host=replace(HOST, process="界" * 100),
        )
        world.sampler.log(record("文" * 300))
        world.pool.there[1] = hog(1, "floor", note="字" * 100)
        await world.press(pilot, "f")
        await world.tick(pilot)
        assert [cell_len(line) for line in world.lines] == [size[0]] * size[1]
        assert "LIVE 1 s" in world.lines[0]

    world.run(play, size=size)


def test_clicks_and_the_wheel_reach_the_lists(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(30))
        await world.press(pilot, "A")
        await world.tick(pilot)
        await pilot.click("#hogs", offset=(10, 2))
        await world.press(pilot, "x")
        assert world.pool.killed == [2]
        await pilot.click("#events", offset=(10, 1))
        await world.tick(pilot)
        clicked = next(line for line in world.lines if "►" in line and "worker" in line)
        assert "worker-" in clicked
        assert "PAUSED at 12:00:0" in world.lines[0]

    world.run(play, size=(100, 40))


def test_a_click_picks_the_event_under_the_mouse_though_the_log_cannot_be_read(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(2))
        await world.tick(pilot)
        world.sampler.next = replace(world.sampler.next, kernel_log=Unavailable("gone"))
        await world.tick(pilot)
        top = next(y for y, line in enumerate(world.lines) if "── events ──" in line)
        row = next(y for y, line in enumerate(world.lines) if "worker-1 " in line)
        await pilot.click("#events", offset=(10, row - top))
        await world.tick(pilot)
        assert "worker-1 " in next(line for line in world.lines if "►" in line)

    world.run(play, size=(100, 40))


def test_the_first_event_can_be_reached_though_the_log_cannot_be_read(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(30))
        await world.tick(pilot)
        world.sampler.next = replace(world.sampler.next, kernel_log=Unavailable("gone"))
        await world.tick(pilot)
        await world.press(pilot, "home")
        assert "worker-1 " in world.text

    world.run(play)


@pytest.mark.slow
def test_the_selection_stays_on_its_event_when_the_oldest_give_way(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        count = 0
        for _ in range(12):
            world.sampler.log(*drops(500, first=count + 1))
            count += 500
            world.app.tick()
        await world.tick(pilot)
        await world.press(pilot, "tab", "k", "k")
        before = next(line for line in world.lines if "►" in line)
        for _ in range(3):
            world.sampler.log(*drops(100, first=count + 1))
            count += 100
            await world.tick(pilot)
        assert next(line for line in world.lines if "►" in line) == before
        await world.press(pilot, "j", "k")
        assert next(line for line in world.lines if "►" in line) == before

    world.run(play)


def test_a_line_of_the_log_that_is_not_about_memory_is_listed_at_once_while_nothing_moves(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot)
        await world.press(pilot, "f")
        await world.tick(pilot)
        world.sampler.log(record("eth0: link becomes ready"))
        await world.tick(pilot)
        assert "link becomes ready" in world.text

    world.run(play)


def test_figures_that_hardly_move_are_not_painted_at_each_tick_but_within_five_seconds(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def test(pilot: Pilot[None]) -> None:
        panel = world.app.main.panels["memory"]

        async def grow(by: int) -> bool:
            """Whether the bars were painted when programs took so much more."""
            meminfo = world.sampler.next.meminfo
            assert not isinstance(meminfo, Unavailable)
            grown = replace(meminfo, anon_pages=meminfo.anon_pages + by, free=meminfo.free - by)
            world.sampler.next = replace(world.sampler.next, meminfo=grown)
            before = panel.view
            await world.tick(pilot)
            return panel.view is not before

        await world.tick(pilot)
        await grow(SEEN)
        assert not await grow(SEEN // 4)
        assert not await grow(SEEN // 4)
        assert await grow(SEEN // 2)
        assert await grow(64 * MIB)
        assert [await grow(MIB) for _ in range(int(2 * STILL_FOR))].count(True) == 2
        await world.press(pilot, "p", "escape")  # what a key does is shown at once
        assert not await grow(MIB)
        world.sampler.log(record("Out of memory: Killed process 77 (java)"))
        assert await grow(MIB)

    world.run(test, size=(160, 48))
