"""Actions from the screen: the plan with its size and its way to root, what runs, and what is told afterwards."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.style import Style
from textual.command import CommandList
from textual.events import Click
from textual.pilot import Pilot
from textual.widgets import Input

from tests.hogs.real import is_hog
from tests.reclaim.machine import Machine
from tests.ui.worlds import HOST, MEMINFO, SAMPLE, World, settle
from tests.waiting import wait_until
from wsltop.charts.cells import ASCII, plain
from wsltop.core.page_map import PageMap
from wsltop.model.sample import Mark, Unavailable
from wsltop.model.text import GIB, MIB
from wsltop.recording.reader import Recording
from wsltop.system import System
from wsltop.ui.bindings import KEYS, describe
from wsltop.ui.cards import plan
from wsltop.ui.cards.card import CardText
from wsltop.ui.cards.plan import PlanScreen
from wsltop.ui.context import Notice
from wsltop.ui.layout import PANEL_KEYS

ACTS = {"c": "compact", "d": "drop-cache", "D": "drop-all", "m": "reclaim", "u": "pressure"}
UNASKED = "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n"
SCATTERED = (65536, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64)
"""Free memory: 256 MiB in pages, 256 MiB in blocks of 4 MiB."""
JOINED = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128)


@pytest.fixture(autouse=True)
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user of these tests needs no time to read a plan."""
    monkeypatch.setattr(plan, "READING_TIME", 0.0)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path / "machine")
    made.put("sys/fs/cgroup/memory.reclaim", "")
    return made


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who is not root, in a distribution of WSL."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")


@pytest.fixture
def acting(world: World, machine: Machine) -> World:
    """The world, on that machine."""
    world.app.options = replace(world.app.options, system=System(root=machine.root, drive=machine.root / "c"))
    return world


def wsl(machine: Machine) -> Path:
    """A stand-in for wsl.exe that writes down its arguments and does what it is told; the file of arguments."""
    log = machine.root / "log"
    machine.wsl(f'#!/bin/sh\necho "$*" > {log}\nshift 5\nexec "$@"\n')
    return log


def planned(world: World) -> bool:
    return isinstance(world.app.screen, PlanScreen)


def over(world: World) -> bool:
    return world.app.jobs.get("action") is None


async def finish(world: World, pilot: Pilot[None], ticks: int = 60) -> None:
    """Let what was started end, and its memory settle."""
    action = world.app.jobs.get("action")
    assert action is not None
    wait_until(lambda: not action.runs)
    for _ in range(ticks):
        if over(world):
            break
        await world.tick(pilot)
    assert over(world)
    await world.tick(pilot)


def marks(world: World) -> list[str]:
    return [event.text for event in world.session.journal.events() if event.kind == "mark"]


@pytest.mark.slow
@pytest.mark.parametrize("key", ACTS)
def test_nothing_runs_without_a_yes(acting: World, machine: Machine, key: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        for no in ("n", "escape", "enter", "q"):
            await acting.press(pilot, key)
            assert planned(acting)
            assert f" {ACTS[key]} ──" in acting.text
            assert "costs" in acting.text
            assert "size " in acting.text or key not in "mu"
            await acting.press(pilot, no)
            assert acting.app.screen == acting.app.main, no
            await acting.tick(pilot)
            assert over(acting), no
            assert marks(acting) == [], no

    acting.run(play, size=(100, 40))
    assert (machine.compact.read_text(), machine.drop.read_text()) == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize(("key", "text"), [("c", "1\n"), ("d", "1\n"), ("D", "3\n")])
def test_yes_runs_what_was_shown(acting: World, machine: Machine, key: str, text: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, key)
        assert says(acting, f"writes {text.strip()} to {machine.compact if key == 'c' else machine.drop}")
        await acting.press(pilot, "y")
        await finish(acting, pilot)

    acting.run(play, size=(160, 48))
    assert (machine.compact if key == "c" else machine.drop).read_text() == text


@pytest.mark.slow
def test_what_came_back_is_told_and_stays(acting: World, machine: Machine, tmp_path: Path) -> None:
    """In a toast for a while, and in events, timeline and recording for good."""

    async def play(pilot: Pilot[None]) -> None:
        zone = SAMPLE.free_blocks[0] if not isinstance(SAMPLE.free_blocks, Unavailable) else None
        assert zone is not None
        acting.sampler.next = replace(
            acting.sampler.next,
            meminfo=replace(MEMINFO, free=512 * MIB),
            free_blocks=(replace(zone, counts=SCATTERED),),
        )
        await acting.tick(pilot, 3)
        await acting.press(pilot, "r", "c", "y")
        assert marks(acting) == ["compact was started here"]
        acting.sampler.next = replace(
            acting.sampler.next,
            free_blocks=(replace(zone, counts=JOINED),),
            host=replace(HOST, working_set=HOST.working_set - 200 * MIB),
        )
        await finish(acting, pilot)
        notice = acting.app.context.notice.text
        assert re.search(r"^compact: Windows .* 200 MiB .* 256 MiB", notice), "Windows' figure is not cut first"
        came = marks(acting)[1]
        assert came.startswith("compact: returned 256 MiB, ")
        assert "t90" in came
        await acting.press(pilot, "r")
        await acting.tick(pilot)
        assert "compact: returned 256 MiB" in acting.text
        assert "returned" in next(line for line in acting.lines if "now" in line) or "compact" in acting.text

    acting.run(play, size=(160, 48))
    (file,) = tmp_path.glob("*.wsltop")
    with Recording.open(file) as recording:
        kept = [mark for sample in recording.samples() for mark in sample.marks]
    assert all(isinstance(mark, Mark) for mark in kept)
    assert [mark.text.split(",")[0] for mark in kept] == ["compact was started here", "compact: returned 256 MiB"]


def test_a_plan_that_nobody_can_have_read_yet_does_not_run(
    acting: World, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that is pasted without brackets may hold the key of an action and a ``y``."""
    monkeypatch.setattr(plan, "READING_TIME", 60.0)

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "d", "y")
        assert planned(acting)
        assert over(acting)

    acting.run(play)
    assert machine.drop.read_text() == ""


def test_a_second_action_waits_for_the_first(acting: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "c", "y", "d")
        assert acting.app.screen == acting.app.main
        assert "compact has not settled yet" in acting.text

    acting.run(play)


@pytest.mark.slow
@pytest.mark.usefixtures("user")
def test_through_wsl_exe_only_by_name(acting: World, machine: Machine) -> None:
    """Without sudo there is a command to paste; ``w`` shows what else would run, and only ``y`` runs it."""
    log = wsl(machine)

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "c")
        assert "root: run the command yourself" in acting.text
        assert "It cannot run so." in acting.text
        await acting.press(pilot, "y")
        assert isinstance(acting.app.screen, PlanScreen), "what cannot run stays to be read"
        assert "w  as root through wsl.exe, which asks for no password" in acting.text
        await acting.press(pilot, "w")
        assert says(acting, f"{machine.root}/c/Windows/System32/wsl.exe -u root -d Ubuntu -e")
        assert says(acting, "root, through wsl.exe of Windows, which asks for no password; distribution Ubuntu")
        assert "w  back to sudo" in acting.text
        assert not log.exists()
        await acting.press(pilot, "w")
        assert "run the command yourself" in acting.text
        await acting.press(pilot, "w", "y")
        await finish(acting, pilot)

    acting.run(play, size=(160, 48))
    assert log.read_text() == f"-u root -d Ubuntu -e /usr/bin/env LC_ALL=C {machine.tee} {machine.compact}\n"
    assert machine.compact.read_text() == "1\n"


def says(world: World, text: str) -> bool:
    """Whether the plan shows a text, wherever its lines are broken."""
    lines = world.app.screen.query_one(CardText).view or ()
    return text.replace(" ", "") in "".join(plain(line)[11:] for line in lines).replace(" ", "")


@pytest.mark.slow
@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("there", [True, False])
def test_a_sudo_that_wants_a_password_says_so_and_names_the_other_way(
    acting: World, machine: Machine, there: bool
) -> None:
    machine.sudo(UNASKED)
    log = wsl(machine) if there else None

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "d", "y")
        for _ in range(100):
            if over(acting):
                break
            await pilot.pause(0.1)
        assert over(acting), "it is told without a sample"
        await acting.tick(pilot)
        assert "sudo needs a password. " in unbroken(acting)
        assert "Run by hand: echo 1 | sudo tee" in unbroken(acting)
        assert ("Go through wsl.exe, without a password: w in the plan" in unbroken(acting)) == there
        assert marks(acting)[-1] == "drop-cache: failed, sudo needs a password"

    acting.run(play, size=(160, 48))
    assert machine.drop.read_text() == ""
    assert log is None or not log.exists()


def unbroken(world: World) -> str:
    """The words of all toasts."""
    return world.app.context.notice.text


@pytest.mark.slow
@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("key", ["c", "d", "D", "m", "u"])
def test_w_does_nothing_where_there_is_no_windows_or_no_need_of_it(acting: World, machine: Machine, key: str) -> None:
    machine.sudo()
    if key == "u":
        wsl(machine)

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, key)
        before = acting.lines
        assert "through wsl.exe" not in acting.text
        await acting.press(pilot, "w")
        assert acting.lines == before

    acting.run(play, size=(100, 40))


@pytest.mark.slow
def test_a_size_is_first_what_could_come_back_and_goes_by_doubles(acting: World) -> None:
    """3 GiB of clean cache less what programs map; the plan is remade with each size."""

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "m")
        assert "size      1.0 GiB (< and >: 64 MiB to 2.9 GiB)" in acting.text
        assert says(acting, "writes 1073741824 swappiness=0 to")
        for key, size, bytes_ in (
            ("greater_than_sign", "2.0 GiB", 2 * GIB),
            ("right", "2.9 GiB", 2944 * MIB),
            ("right", "2.9 GiB", 2944 * MIB),
            ("left", "2.0 GiB", 2 * GIB),
            ("less_than_sign", "1.0 GiB", GIB),
        ):
            await acting.press(pilot, key)
            assert f"size      {size} " in acting.text
            assert says(acting, f"writes {bytes_} swappiness=0 to")
        await acting.press(pilot, *["left"] * 6)
        assert "size      64 MiB " in acting.text

    acting.run(play, size=(160, 48))


@pytest.mark.slow
def test_the_size_that_is_shown_is_the_one_that_is_written(acting: World, machine: Machine) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "m", "left", "left", "y")
        assert marks(acting) == ["reclaim 256 MiB was started here"]
        await finish(acting, pilot)

    acting.run(play, size=(160, 48))
    assert (machine.root / "sys/fs/cgroup/memory.reclaim").read_text() == f"{256 * MIB} swappiness=0\n"


def test_a_kernel_without_memory_reclaim_says_how_to_get_it(acting: World, machine: Machine) -> None:
    (machine.root / "sys/fs/cgroup/memory.reclaim").unlink()

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "m")
        assert "memory.reclaim needs control groups of version 2" in acting.text
        assert says(acting, "cgroups=v2 under [automount] in /etc/wsl.conf")
        assert "It cannot run so." in acting.text
        assert "costs" not in acting.text
        await acting.press(pilot, "right", "left", "y", "w")
        assert planned(acting)
        await acting.press(pilot, "escape")
        assert acting.app.screen == acting.app.main

    acting.run(play, size=(100, 40))


@pytest.mark.slow
def test_pressure_shows_its_hog_within_the_floor(acting: World) -> None:
    """Available are 5 GiB, of which 512 MiB must stay; 2 GiB and a little are free and taken first."""

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "u")
        assert "size      1.0 GiB (< and >: 64 MiB to 2.5 GiB)" in acting.text
        assert says(acting, "a hog of 3.0 GiB that ends when it is full, or at the floor")
        await acting.press(pilot, *["right"] * 9)
        assert "size      2.5 GiB" in acting.text
        assert "a hog of 4.5 GiB" in acting.text
        await acting.press(pilot, *["left"] * 9)
        assert "a hog of 2.1 GiB" in acting.text

    acting.run(play, size=(100, 40))


def test_pressure_without_room_is_refused(acting: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        acting.sampler.next = replace(acting.sampler.next, meminfo=replace(MEMINFO, available=2 * GIB))
        await acting.tick(pilot)
        await acting.press(pilot, "u")
        assert says(acting, "would push nothing out. End programs")
        await acting.press(pilot, "y")
        assert isinstance(acting.app.screen, PlanScreen)
        await acting.press(pilot, "n")
        assert over(acting)

    acting.run(play, size=(100, 40))


def children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split() if is_hog(int(pid))]


def little(world: World) -> None:
    """Let the hog of 64 MiB of pressure be small: hardly anything is free."""
    meminfo = replace(MEMINFO, free=8 * MIB)
    world.sampler.next = replace(world.sampler.next, meminfo=meminfo, free_blocks=Unavailable("not here"))


@pytest.mark.slow
def test_a_hog_that_is_full_ends_before_the_next_sample(acting: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        little(acting)
        await acting.tick(pilot)
        await acting.press(pilot, "u", *["left"] * 9, "y")
        action = acting.app.jobs.get("action")
        assert action is not None
        for _ in range(100):
            if not action.runs:
                break
            await pilot.pause(0.1)
        assert not action.runs
        assert children() == []
        await finish(acting, pilot)
        assert marks(acting)[0] == "pressure 64 MiB was started here"

    acting.run(play)


@pytest.mark.slow
def test_leaving_during_an_action_ends_it(acting: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "u", "y")
        wait_until(lambda: children() != [])
        await pilot.press("q")
        await pilot.pause()

    acting.run(play)
    assert acting.app.return_code == 0
    assert children() == []


@pytest.mark.usefixtures("user")
def test_leaving_during_a_sudo_that_hangs_ends_it(acting: World, machine: Machine) -> None:
    pid = machine.root / "pid"
    machine.sudo(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 60\n")

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "c", "y")
        wait_until(lambda: pid.exists() and bool(pid.read_text()))
        await pilot.press("q")
        await pilot.pause()

    acting.run(play)
    assert not Path("/proc", pid.read_text().strip()).exists()


@pytest.mark.slow
@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
def test_a_plan_fits_every_size_and_always_shows_its_keys(
    acting: World, machine: Machine, size: tuple[int, int]
) -> None:
    wsl(machine)

    async def play(pilot: Pilot[None]) -> None:
        for key in ACTS:
            await acting.resize(pilot, *size)
            await acting.press(pilot, key, "w")
            await acting.press(pilot, *["j"] * 12)
            assert [cell_len(line) for line in acting.lines] == [size[0]] * size[1]
            assert "n cancel" in acting.text
            assert "…" not in "".join(plain(line) for line in acting.app.screen.query_one(CardText).view or ())
            await acting.resize(pilot, *((100, 30) if size == (60, 16) else (60, 16)))
            assert "n cancel" in acting.text
            await acting.press(pilot, "k", "up", "down", "escape")

    acting.run(play, size=size)


# The palette


def offered(world: World) -> dict[str, Callable[[], object]]:
    return {one.title: one.callback for one in world.app.get_system_commands(world.app.screen)}


def test_the_palette_offers_every_key_but_its_own(world: World) -> None:
    async def play(_pilot: Pilot[None]) -> None:
        works = [key for key in (*KEYS, *PANEL_KEYS) if world.app.context.works(key)]
        titles = [describe(key) for key in works if key.action != "app.command_palette"]
        assert list(offered(world))[1:] == titles
        assert len(set(titles)) == len(titles)
        assert [title for title in titles if len(title.split()) < 2] == []

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("opened", ["b", "v", "p", "question_mark", "c", "m"])
def test_the_palette_over_a_card_puts_another_in_its_place(acting: World, opened: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        for chosen in ("byte", "who", "help", "comp", "recl"):
            await acting.press(pilot, opened)
            before = acting.app.screen
            assert before != acting.app.main
            await acting.press(pilot, "ctrl+p", *chosen)
            await pilot.pause(0.3)
            await acting.press(pilot, "enter")
            await settle(pilot)
            assert acting.app.screen not in (before, acting.app.main)
            assert len(acting.app.screen_stack) == len({type(one) for one in acting.app.screen_stack})
            assert acting.sampler.attended == (chosen == "who")
            await acting.press(pilot, "escape")
            assert acting.app.screen == acting.app.main
            assert not acting.sampler.attended

    acting.run(play)


@pytest.mark.slow
def test_the_palette_can_quit(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "b", "ctrl+p", *"quit")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await pilot.pause()

    world.run(play)
    assert world.app.return_code == 0


def test_leaving_closes_the_recording(world: World, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "r")
        await world.tick(pilot, 2)
        await pilot.press("q")
        await pilot.pause()

    world.run(play)
    assert "record" not in world.app.jobs
    (file,) = tmp_path.glob("*.wsltop")
    with Recording.open(file) as recording:
        assert (recording.count, recording.note) == (2, "")


def test_a_palette_that_is_dismissed_twice_leaves_the_main_screen(world: World) -> None:
    """A click and Enter, one right after the other, used to take the main screen away: black, and deaf to q."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "ctrl+p")
        opened = world.app.screen
        for _ in range(3):
            opened.dismiss()
        await pilot.pause()
        assert world.app.screen is world.app.main

    world.run(play)


def test_pages_are_turned_in_a_palette_without_room_for_its_list(world: World) -> None:
    """A KeyError of Textual's, which the monkey found: the list has no lines yet, or none at all."""

    async def play(pilot: Pilot[None]) -> None:
        await pilot.resize_terminal(39, 2)
        await world.press(pilot, "ctrl+p")
        for key in ("d", "pagedown", "pageup"):
            await pilot.press(key)
            await pilot.pause(0.2)
        assert world.app.screen is not world.app.main

    world.run(play)


def test_a_palette_opens_while_another_closes(world: World) -> None:
    """Textual's DuplicateIds, which the monkey found: ctrl+p right after what closes the palette."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "ctrl+p")
        opened = world.app.screen
        world.app.pop_screen()
        world.app.action_command_palette()
        await pilot.pause()
        assert world.app.screen is not opened
        assert world.app.screen is not world.app.main

    world.run(play)


def test_a_palette_that_is_taken_away_searches_no_longer(world: World) -> None:
    """Textual's NoMatches, which the monkey found: only Esc ended the search, not what closes a screen from outside."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "ctrl+p")
        opened = world.app.screen
        opened.query_one(Input).value = "hog"
        while not (searches := [worker for worker in world.app.workers if worker.node is opened]):
            await asyncio.sleep(0)
        world.app.pop_screen()
        assert all(worker.is_cancelled for worker in searches)
        await pilot.pause()
        opened._list_visible = not opened._list_visible  # type: ignore[attr-defined]
        await pilot.pause()

    world.run(play)


def test_a_click_on_a_row_that_the_palette_has_no_longer_does_nothing(world: World) -> None:
    """An IndexError of Textual's, which the monkey found: the list changed between the frame and the click."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "ctrl+p")
        opened = world.app.screen
        commands = opened.query_one(CommandList)
        late = Style.from_meta({"option": commands.option_count + 5})
        commands.post_message(Click(commands, 1, 1, 0, 0, 1, False, False, False, style=late))
        await pilot.pause(0.1)
        assert world.app.screen is opened

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(40, 8), (80, 24)])
def test_the_palette_has_rows_at_40x8_and_no_block_glyph_in_ascii(tmp_path: Path, size: tuple[int, int]) -> None:
    world = World(tmp_path, glyphs=ASCII)

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "ctrl+p")
        await pilot.pause(0.3)
        assert "Choose the theme" in world.text or "Add a hog" in world.text
        assert world.text.isascii(), "its placeholder has an ellipsis"
        await world.press(pilot, *"byte")
        await pilot.pause(0.3)
        assert "Show every byte" in world.text
        assert world.text.isascii()

    world.run(play, size=size)


def test_a_recording_names_its_file_and_how_to_replay_it(world: World, tmp_path: Path) -> None:
    """The file was not named at ``r``, and ``q`` while recording said nothing."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "r")
        (file,) = tmp_path.glob("*.wsltop")
        assert f"{file.name} in {file.parent}" in world.app.context.notice.text
        await world.tick(pilot, 2)
        world.app.context.notice = Notice()
        await world.tick(pilot)
        assert file.name in world.lines[0]
        await world.press(pilot, "r")
        assert f"wsltop replay {file}" in world.app.context.notice.text
        await world.press(pilot, "r")

    world.run(play, size=(240, 60))
    assert world.app.recorded in set(tmp_path.glob("*.wsltop"))


@pytest.mark.parametrize("key", ["x", "X"])
def test_killing_where_there_is_no_hog_says_so(world: World, key: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, key)
        assert "no hog to kill" in world.app.context.notice.text
        assert world.pool.killed == []

    world.run(play)


def test_a_plan_is_on_the_screen_before_the_pages_are_counted(acting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counting, counted = threading.Event(), threading.Event()

    def count(*_: object) -> PageMap:
        counting.set()
        assert counted.wait(20)
        return PageMap(kinds=bytes(64 << 10), zones=((0, 64 << 10),))

    monkeypatch.setattr(plan, "find_pages", count)

    async def play(pilot: Pilot[None]) -> None:
        await acting.press(pilot, "c")
        screen = acting.app.screen
        assert isinstance(screen, PlanScreen)
        assert counting.wait(20)
        by_size = screen.proposal.plan.predicted
        assert "compact" in acting.text
        counted.set()
        deadline = time.monotonic() + 20
        while screen.proposal.plan.predicted == by_size:
            assert time.monotonic() < deadline
            await pilot.pause(0.01)

    acting.run(play)


def test_a_recording_that_cannot_be_made_is_said_as_an_error_is(world: World, tmp_path: Path) -> None:
    """Python's own words were shown: ``[Errno 17] File exists: '…'``."""
    folder = tmp_path / "state"
    folder.write_text("a file, where the folder would be")
    world.app.options = replace(world.app.options, state_folder=folder)

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "r")
        notice = world.app.context.notice
        assert (notice.failed, "record" in world.app.jobs) == (True, False)
        assert str(folder) in notice.text
        assert "Errno" not in notice.text

    world.run(play, size=(240, 60))
