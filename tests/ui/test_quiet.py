"""The screen at rest: what it says, how often it looks, what ends it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.ui.worlds import MEMINFO, World, drops
from wsltop.core.quiet import PATIENCE, QUIET_INTERVAL
from wsltop.model.text import GIB
from wsltop.recording.reader import Recording


async def come_to_rest(world: World, pilot: Pilot[None]) -> None:
    await world.tick(pilot, round(PATIENCE) + 2)
    assert not live(world)
    world.sampler.step = QUIET_INTERVAL


def live(world: World) -> bool:
    """Whether it looks as often as it can; the status line may show a notice in the place of that word."""
    return world.sampler.interval != QUIET_INTERVAL


def test_it_rests_by_itself_and_a_key_ends_it_with_a_fresh_sample(tmp_path: Path) -> None:
    world = World(tmp_path, patience=PATIENCE)

    async def look(pilot: Pilot[None]) -> None:
        assert "LIVE" in world.text.splitlines()[0]
        await come_to_rest(world, pilot)
        assert "QUIET 4 s" in world.text.splitlines()[0]
        await world.tick(pilot, 2)
        taken = world.sampler.taken
        await world.press(pilot, "plus")
        assert live(world)
        assert world.sampler.taken == taken + 1
        assert world.sampler.interval == world.source.interval

    world.run(look)


def test_movement_and_events_end_it(tmp_path: Path) -> None:
    world = World(tmp_path, patience=PATIENCE)

    async def look(pilot: Pilot[None]) -> None:
        await come_to_rest(world, pilot)
        await world.tick(pilot, 3)
        assert not live(world)
        world.sampler.next = replace(world.sampler.next, meminfo=replace(MEMINFO, available=4 * GIB, free=GIB))
        await world.tick(pilot)
        assert live(world)
        world.sampler.step = 1.0
        await come_to_rest(world, pilot)
        world.sampler.log(*drops(1))
        await world.tick(pilot)
        assert live(world)

    world.run(look)


@pytest.mark.slow
def test_no_rest_while_there_are_hogs_or_a_recording(tmp_path: Path) -> None:
    world = World(tmp_path, patience=PATIENCE)

    async def look(pilot: Pilot[None]) -> None:
        await world.press(pilot, "a")
        await world.tick(pilot, 100)
        assert live(world)
        await world.press(pilot, "X")
        await world.press(pilot, "r")
        await world.tick(pilot, 100)
        assert live(world)
        await world.press(pilot, "r")
        await come_to_rest(world, pilot)

    world.run(look)


@pytest.mark.slow
def test_the_key_rests_at_once_until_another(world: World) -> None:
    async def look(pilot: Pilot[None]) -> None:
        await world.tick(pilot, 2)
        await world.press(pilot, "z")
        assert not live(world)
        await world.tick(pilot, 2)
        assert not live(world)
        await world.press(pilot, "f")
        assert live(world)
        await world.tick(pilot, 200)
        assert live(world)  # this user never wanted it by itself

    world.run(look)


@pytest.mark.slow
def test_a_recording_that_begins_at_rest_tells_the_usual_interval(tmp_path: Path) -> None:
    world = World(tmp_path, patience=PATIENCE)

    async def look(pilot: Pilot[None]) -> None:
        await come_to_rest(world, pilot)
        await world.tick(pilot, 2)
        await world.press(pilot, "r")
        await world.tick(pilot, 3)
        await world.press(pilot, "r")

    world.run(look)
    (path,) = tmp_path.glob("*.wsltop")
    with Recording.open(path) as recording:
        assert recording.interval == 1.0


@pytest.mark.slow
def test_rest_leaves_no_gap_in_the_timeline(tmp_path: Path) -> None:
    world = World(tmp_path, patience=PATIENCE)

    async def look(pilot: Pilot[None]) -> None:
        await come_to_rest(world, pilot)
        await world.tick(pilot, 20)
        world.sampler.step = 1.0
        await world.press(pilot, "plus")
        await world.tick(pilot, 10)
        points = [point is not None for point in world.app.main.timeline._columns.points()]  # type: ignore[union-attr]
        first = points.index(True)
        assert all(points[first:])

    world.run(look, size=(160, 48))
