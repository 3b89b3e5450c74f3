"""The whole screen of a known machine: text and styles at every size, in color, without color, and in ascii.

One file a view and size. It has the screen's text, below it the styles as letters in the places of their cells (blank:
the most frequent one) with what each letter looks like, then the same for ``NO_COLOR`` and ascii where it differs.
Of a card that is the card alone. After a change that is meant, write the files again and look at the difference::

    WSLTOP_GOLDEN=write pytest tests/ui/test_golden.py
"""

from __future__ import annotations

import os
import string
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from msgspec.structs import replace
from rich.style import Style
from textual.containers import Vertical
from textual.pilot import Pilot

from tests.ui.test_cards import family, holders, process
from tests.ui.test_process_view import lay_out
from tests.ui.worlds import HOST, MEMINFO, SAMPLE, World, drops, record
from wsltop.charts.cells import ASCII, BLOCK, Glyphs
from wsltop.hogs.guard import MemoryGuard, Supply
from wsltop.model.sample import Census, CpuTimes, FreeBlocks, Sample, Unavailable
from wsltop.model.text import GIB, MIB
from wsltop.system import System

FOLDER = Path(__file__).parent / "golden"
WRITES = os.environ.get("WSLTOP_GOLDEN") == "write"
Size = tuple[int, int]
SIZES: Final[tuple[Size, ...]] = (
    (40, 8),
    (80, 10),
    (80, 24),
    (100, 30),
    (120, 12),
    (120, 36),
    (160, 48),
    (240, 60),
)
MODES: Final[dict[str, tuple[Glyphs, bool]]] = {
    "in color": (BLOCK, True),
    "without color": (BLOCK, False),
    "in ascii": (ASCII, True),
}


class View(NamedTuple):
    """What is on the screen: the keys that open and those that close it, and whether it is a card."""

    name: str
    opens: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()
    card: bool = False
    sizes: tuple[Size, ...] = SIZES


VIEWS: Final = (
    View("live"),
    View("plan", ("d",), ("escape",), card=True),
    View("who", ("p",), ("escape",), card=True),
    View("demo", ("e",), ("escape",), card=True),
    View("bytes", ("b",), ("escape",), card=True, sizes=((40, 8), (80, 24), (160, 48))),
    View("findings", ("v",), ("escape",), card=True, sizes=((40, 8), (80, 24), (160, 48))),
    View("help", ("question_mark",), ("escape",), card=True, sizes=((40, 8), (80, 24), (160, 48))),
)
PAUSE: Final = View("pause", ("space", "g", *"50%", "enter"))
"""A look back; of an app that has shown nothing else, because the processes are counted with a sample of their own."""
BLIND: Final = View("blind")
"""The screen of a machine that tells nothing."""
CENSUS: Final = holders(
    processes=tuple(
        process(pid, name, size * MIB, own=name == "wsltop")
        for pid, name, size in ((61, "node", 783), (402, "java", 648), (733, "dockerd", 86), (4242, "wsltop", 36))
    ),
    families=tuple(family(name, size * MIB) for name, size in (("node", 783), ("java", 648), ("dockerd", 86))),
)


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
            cpu=CpuTimes(user=5000 + 5 * second, nice=0, system=900 + second, idle=90_000 + 390 * second, cpus=4),
            census=Census(read_at=world.sampler.next.monotonic, holders=CENSUS),
        )
        if second == 30:
            world.pool.add(GIB, 2)
        if second == 100:
            world.sampler.log(record("Out of memory: Killed process 77 (cc1plus)", number=30, level=3))
        world.app.tick()
    await world.tick(pilot)


def blind() -> Sample:
    """A sample in which next to nothing could be read."""
    away = Unavailable("it is not there", "Put it there.")
    return replace(SAMPLE, meminfo=away, free_blocks=away, zones=away, reporting=away, kernel_log=away, host=away)


@contextmanager
def known_place(*, color: bool) -> Iterator[None]:
    """Whoever runs this is root, has 64 GiB to fill and no page to count; without color as the start leaves it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 0)
        patch.setattr(MemoryGuard, "read", lambda _: Supply("memory", 64 * GIB, 60 * GIB, GIB))
        patch.setattr("wsltop.ui.cards.plan.find_pages", lambda *_: None)
        if not color:
            patch.setenv("NO_COLOR", "1")
        yield


@cache
def pictures(mode: str) -> dict[tuple[str, Size], tuple[str, ...]]:
    """Text, styles and the meaning of their letters, of every view at every size in a mode; one run of the app."""
    glyphs, color = MODES[mode]
    taken: dict[tuple[str, Size], tuple[str, ...]] = {}

    async def take(world: World, pilot: Pilot[None], view: View) -> None:
        await world.press(pilot, *view.opens)
        for size in view.sizes:
            await world.resize(pilot, *size)
            taken[view.name, size] = picture(world, card=view.card)
        await world.press(pilot, *view.closes)

    with tempfile.TemporaryDirectory() as folder, known_place(color=color):
        for sample, views in ((SAMPLE, VIEWS), (SAMPLE, (PAUSE,)), (blind(), (BLIND,))):
            world = World(Path(folder), sample=sample, glyphs=glyphs, color=color)

            async def play(pilot: Pilot[None], world: World = world, views: tuple[View, ...] = views) -> None:
                await (world.tick(pilot, 3) if views == (BLIND,) else live_a_little(world, pilot))
                machine = world.app.options
                for view in views:
                    if view.name == "who":  # or it shows processes of this machine that have the same numbers
                        lay_out(Path(folder))
                        world.app.options = replace(machine, system=System(root=Path(folder)))
                    await take(world, pilot, view)
                    world.app.options = machine

            world.run(play)
    return taken


def picture(world: World, *, card: bool) -> tuple[str, ...]:
    """The text of the screen, or of the card over it, and its styles as letters in the places of the cells."""
    region = world.app.screen.query_one(Vertical).region if card else world.app.screen.region
    cells = [
        [(char, segment.style) for segment in strip.crop(region.x, region.right) for char in segment.text]
        for strip in world.strips[region.y : region.bottom]
    ]
    count = Counter(looks(style) for row in cells for _, style in row)
    usual = count.most_common(1)[0][0]
    letters = dict(zip(sorted(count.keys() - {usual}), string.ascii_letters + string.digits, strict=False))
    letters[usual] = " "
    text = ["".join(char for char, _ in row).rstrip() for row in cells]
    styles = ["".join(letters[looks(style)] for _, style in row).rstrip() for row in cells]
    key = [f"{letter or ' '} = {name}" for name, letter in letters.items()]
    return tuple("\n".join(block) for block in (text, styles, key))


def looks(style: Style | None) -> str:
    """How a style looks, without what cannot be seen."""
    return "plain" if style is None else str(style)


def told(view: View, size: Size) -> str:
    """What the file of a view and size says: text and styles in color, then the other modes' where they differ."""
    parts: list[str] = []
    before: set[str] = set()
    for mode in MODES:
        for block in pictures(mode)[view.name, size]:
            if block not in before:
                before.add(block)
                parts.append(f"{'=' * 8} {mode}\n{block}")
    return "\n".join(parts) + "\n"


ALL: Final = [(view, size) for view in (*VIEWS, PAUSE, BLIND) for size in view.sizes]


@pytest.mark.slow
@pytest.mark.xdist_group("golden")  # all of them are taken from three runs of the app
@pytest.mark.parametrize(("view", "size"), ALL, ids=[f"{view.name}-{size[0]}x{size[1]}" for view, size in ALL])
def test_the_screen_of_a_known_machine(view: View, size: Size) -> None:
    file = FOLDER / f"{view.name}-{size[0]}x{size[1]}.txt"
    text = told(view, size)
    if WRITES:
        file.write_text(text, encoding="utf-8")
    assert text.splitlines() == file.read_text(encoding="utf-8").splitlines()
    assert pictures("in ascii")[view.name, size][0].isascii()


def test_there_is_no_picture_of_a_view_that_is_gone() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == {f"{view.name}-{size[0]}x{size[1]}" for view, size in ALL}
