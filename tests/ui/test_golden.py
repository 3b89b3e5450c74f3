"""The whole screen of a known machine, line by line.

After a change that is meant, make the files anew and look at the difference::

    WSLTOP_GOLDEN=write pytest tests/ui/test_golden.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.ui.worlds import HOST, MEMINFO, SAMPLE, World, drops, hog, record
from wsltop.charts.cells import ASCII, BLOCK
from wsltop.model.sample import FreeBlocks, Unavailable
from wsltop.model.text import GIB

FOLDER = Path(__file__).parent / "golden"
WRITES = os.environ.get("WSLTOP_GOLDEN") == "write"

SIZES = [(40, 8), (80, 10), (80, 24), (100, 30), (120, 12), (120, 36), (160, 48), (240, 60)]


def compare(name: str, text: str) -> None:
    """Fail when the screen is not what the file says."""
    file = FOLDER / f"{name}.txt"
    text += "\n"
    if WRITES:
        file.write_text(text, encoding="utf-8")
    assert text.splitlines() == file.read_text(encoding="utf-8").splitlines()


async def live_a_little(world: World, pilot: Pilot[None]) -> None:
    """Two minutes with a hog's rise and what the kernel says to it."""
    world.sampler.log(record("Free page reporting enabled"), *drops(1), record("usb 1-1: new device", number=9))
    for second in range(120):
        used = min(max(0, second - 30), 60) * GIB // 30
        world.sampler.next = replace(
            world.sampler.next,
            meminfo=replace(
                MEMINFO,
                available=5 * GIB - used,
                free=2 * GIB - used * 3 // 4,
                cached=3 * GIB - used // 4,
                inactive_file=2 * GIB - used // 4,
                anon_pages=2 * GIB + used,
            ),
            free_blocks=(FreeBlocks(node=0, zone="Normal", counts=(*[0] * 10, (2 * GIB - used * 3 // 4) >> 22)),),
            host=replace(HOST, working_set=min(8 * GIB, 7 * GIB + used * 3 // 4)),
        )
        if second == 30:
            world.pool.add(GIB, 2)
        if second == 100:
            world.sampler.log(record("Out of memory: Killed process 77 (cc1plus)", number=30, level=3))
        world.app.tick()
    await world.tick(pilot)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_screen_of_a_known_machine(world: World, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[None]) -> None:
        await live_a_little(world, pilot)
        compare(f"live-{size[0]}x{size[1]}", world.text)

    world.run(look, size=size)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_screen_of_a_machine_that_tells_nothing(tmp_path: Path, size: tuple[int, int]) -> None:
    away = Unavailable("it is not there", "Put it there.")
    blind = replace(SAMPLE, meminfo=away, free_blocks=away, zones=away, reporting=away, kernel_log=away, host=away)
    world = World(tmp_path, sample=blind)

    async def look(pilot: Pilot[None]) -> None:
        await world.tick(pilot, 3)
        compare(f"blind-{size[0]}x{size[1]}", world.text)

    world.run(look, size=size)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_screen_in_a_pause_that_was_stepped_back(world: World, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[None]) -> None:
        await live_a_little(world, pilot)
        await world.press(pilot, "space", "g", *"50%", "enter")
        await world.tick(pilot, 2)
        compare(f"pause-{size[0]}x{size[1]}", world.text)

    world.run(look, size=size)


@pytest.mark.slow
def test_the_screen_in_ascii(tmp_path: Path) -> None:
    world = World(tmp_path, glyphs=ASCII)

    async def look(pilot: Pilot[None]) -> None:
        await live_a_little(world, pilot)
        assert world.text.isascii()
        compare("ascii-80x24", world.text)
        await world.press(pilot, "space", "g", *"50%", "enter")
        await world.tick(pilot, 2)
        assert world.text.isascii()
        compare("ascii-pause-80x24", world.text)

    world.run(look)


@pytest.mark.slow
@pytest.mark.parametrize("glyphs", [BLOCK, ASCII], ids=["block", "ascii"])
def test_the_help_card(tmp_path: Path, glyphs: object) -> None:
    world = World(tmp_path, glyphs=ASCII if glyphs is ASCII else BLOCK)
    world.pool.there[1] = hog(1)

    async def look(pilot: Pilot[None]) -> None:
        await world.press(pilot, "question_mark")
        compare(f"help-{'ascii' if glyphs is ASCII else 'block'}-80x24", world.text)

    world.run(look)
