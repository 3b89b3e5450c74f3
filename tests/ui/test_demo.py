"""The demo: its plan, its phases in the strip, holding and ending it, its result."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from tests.ui.worlds import World
from wsltop.charts.cells import BLOCK, plain
from wsltop.core.returning import Returning
from wsltop.model.text import GIB, MIB
from wsltop.report.experiment import Table, lines_of
from wsltop.ui.cards.card import WIDTH, CardText
from wsltop.ui.cards.demo import DemoScreen, result_lines
from wsltop.ui.context import DemoPhase
from wsltop.ui.jobs import LiveExperiment
from wsltop.ui.panels.verdict import demo_view


async def start(world: World, pilot: Pilot[None]) -> LiveExperiment:
    """Open the plan, take the smallest hogs, and begin."""
    await world.press(pilot, "e", *["less_than_sign"] * 5, "y")
    demo = world.app.jobs["experiment"]
    assert isinstance(demo, LiveExperiment)
    return demo


@pytest.mark.parametrize("no", ["n", "escape", "enter", "q", "e"])
def test_nothing_is_loaded_without_a_yes(world: World, no: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "e")
        assert [type(screen) for screen in world.app.screen_stack][-1] is DemoScreen
        assert "4 hogs of" in world.text
        await world.press(pilot, no)
        assert world.app.screen is world.app.main
        await world.tick(pilot, 8)
        assert world.pool.there == {}
        assert world.app.jobs == {}

    world.run(play)


def test_the_plan_is_of_the_size_and_kind_that_are_chosen(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "e", *["less_than_sign"] * 5)
        assert "4 hogs of 64 MiB anonymous: 256 MiB" in world.text
        await world.press(pilot, "t")
        assert "incompressible" in world.text
        await world.press(pilot, "escape")
        assert world.app.context.state.hog_size == 64 * MIB

    world.run(play)


def test_the_phases_stand_in_the_strip_and_space_holds_one(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        demo = await start(world, pilot)
        await world.tick(pilot)
        assert "DEMO BASELINE" in world.text
        await world.tick(pilot, 9)
        assert len(world.pool.there) == 4
        assert "DEMO HOLD" in world.text
        await world.press(pilot, "space")
        assert demo.held
        await world.tick(pilot, 20)
        assert "DEMO HOLD" in world.text
        assert "held: space goes on" in world.text
        assert len(world.pool.there) == 4
        await world.press(pilot, "space")
        await world.tick(pilot, 3)
        assert world.pool.killed == [1, 2, 3, 4]

    world.run(play)


def test_the_same_key_ends_it_and_its_hogs(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await start(world, pilot)
        await world.tick(pilot, 10)
        assert world.pool.there
        await world.press(pilot, "e")
        assert world.app.jobs == {}
        assert world.app.context.demo is None
        await world.tick(pilot, 2)
        assert world.pool.there == {}

    world.run(play)


def test_the_strip_counts_what_windows_has_got() -> None:
    phase = DemoPhase(name="settle", seconds=4.0, most=60.0, held=False)
    returning = Returning(cause="", owed=2 * GIB, got=GIB, measured=True, elapsed=4.0, left=3.0)
    view = demo_view(phase, returning)
    assert (view.word, view.share) == ("DEMO SETTLE", 0.5)
    assert "1.0 GiB of 2.0 GiB" in view.text
    assert demo_view(phase, None).share == 0.07


def test_the_result_begins_with_the_verdict() -> None:
    report = "wsltop experiment\n  load     4 hogs\n\n  chart\nverdict  Windows got 2.0 GiB back.\n"
    lines = [plain(line) for line in result_lines(report, BLOCK)]
    assert lines[1].strip() == "Windows got 2.0 GiB back."
    assert lines[2:] == ["load     4 hogs", "", "chart"]
    assert len(lines[0]) == WIDTH


WIDE = Table(
    ("", "guest", "host (powershell, performance counters)"),
    (
        ("load",),
        ("taken by the load", "4.9 GiB", "4.9 GiB"),
        ("returned, share of what was taken", "100%", "98%"),
        ("time to 50 % host working-set reduction", "-", "6.0 s ± 0.2 s"),
        ("lag behind the guest (half to half)", "-", "0.4 s ± 0.1 s before"),
    ),
)
RESULT = "\n".join(
    ["wsltop experiment", "  load     4 hogs", "", "█ used", "x" * 78, "", *lines_of(WIDE), "", "verdict  done.\n"]
)


@pytest.mark.parametrize("size", [(60, 30), (80, 24), (150, 30)])
def test_the_column_of_the_host_is_never_cut(world: World, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.app._show_result(RESULT)
        await pilot.pause()
        for columns, rows in (size, (150, 30), size):
            await world.resize(pilot, columns, rows)
            shown = [plain(line).rstrip() for line in world.app.screen.query_one(CardText).view or ()]
            ends = {len(line) for line in shown if line.endswith(("counters)", "4.9 GiB", "98%", "± 0.2 s", "before"))}
            assert len(ends) == 1 or columns < 80, shown
            for row in WIDE.rows:
                for cell in (*WIDE.headers, *row):
                    assert columns < 80 or any(cell in line for line in shown), cell
            assert all(cell_len(line) <= columns - 2 for line in shown)
            assert "…" not in "".join(shown)

    world.run(play, size=size)
