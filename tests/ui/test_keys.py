"""Every key does what its row in the table says."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.host.stand_ins import FakeDrive
from tests.ui.worlds import World, drops, record, settle
from wsltop.config import Settings, load_state
from wsltop.errors import UsageError
from wsltop.host.interop import WSL_EXE
from wsltop.model.text import GIB, MIB
from wsltop.ui.bindings import KEYS
from wsltop.ui.launch import screen_options
from wsltop.ui.layout import PANEL_KEYS


def marked(world: World) -> str:
    """The pid of the hog with the mark; the verdict may stand at its left."""
    return next(line for line in world.lines if "►" in line).partition("►")[2].split()[0]


HOG_KEYS = "x kill  X all"


def test_a_adds_one_hog_of_the_size_that_is_shown(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        assert "a adds 1.0 GiB anonymous" in world.text
        await world.press(pilot, "a")
        assert [one.target for one in world.pool.there.values()] == [GIB]
        assert "4001 anonymous" in world.text

    world.run(play)


def test_capital_a_adds_four(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "A")
        assert len(world.pool.there) == 4
        for number in (4001, 4002, 4003, 4004):
            assert f"{number} anonymous" in world.text

    world.run(play)


@pytest.mark.slow
def test_the_size_steps_between_64_mib_and_the_guests_memory(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        seen = []
        for _ in range(6):
            await world.press(pilot, "less_than_sign")
            seen.append(world.app.context.state.hog_size)
        assert seen == [512 * MIB, 256 * MIB, 128 * MIB, 64 * MIB, 64 * MIB, 64 * MIB]
        assert "a adds 64 MiB" in world.text
        for _ in range(10):
            await world.press(pilot, "greater_than_sign")
        assert world.app.context.state.hog_size == 8 * GIB
        assert "a adds 8.0 GiB" in world.text

    world.run(play)


@pytest.mark.slow
def test_x_kills_the_newest_when_none_is_selected(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "A", "x")
        assert world.pool.killed == [4]

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize(("up", "down"), [("k", "j"), ("up", "down")])
def test_x_kills_the_selected_hog(world: World, up: str, down: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "A", up, up, up, up, up, down)
        assert marked(world) == "4002"
        await world.press(pilot, "x")
        assert world.pool.killed == [2]

    world.run(play)


def test_the_first_step_up_moves_from_the_hog_that_is_marked(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "A")
        assert marked(world) == "4004"
        await world.press(pilot, "k")
        assert marked(world) == "4003"

    world.run(play)


def test_capital_x_kills_all(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "A", "X")
        assert world.pool.killed == [1, 2, 3, 4]
        await world.tick(pilot, 2)
        assert "no hogs" in world.text
        assert "4 hogs killed, 4.0 GiB free again" in world.text

    world.run(play)


def test_the_footer_offers_to_kill_only_while_there_is_a_hog(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        assert HOG_KEYS not in world.lines[-1]
        await world.press(pilot, "a")
        assert HOG_KEYS in world.lines[-1]
        await world.press(pilot, "x")
        assert HOG_KEYS not in world.lines[-1]

    world.run(play)


def test_the_footer_stays_honest_when_a_hog_ends_by_itself_during_a_pause(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "a", "space")
        assert HOG_KEYS in world.lines[-1]
        world.pool.there.clear()
        await world.tick(pilot, 2)
        assert HOG_KEYS not in world.lines[-1]

    world.run(play, size=(120, 30))


def test_the_footer_is_quiet_while_there_is_nothing_to_follow(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(40))
        await world.tick(pilot)
        assert "End follow" not in world.lines[-1]
        await world.press(pilot, "pageup")
        assert "End follow" in world.lines[-1]

    world.run(play, size=(200, 30))


def test_a_refused_hog_says_why(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.pool.refusal = "would leave 300 MiB of 8.0 GiB: choose a smaller size"
        await world.press(pilot, "a")
        assert "would leave 300 MiB" in world.text

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "windows"), [("plus", ["3 min", "2 min", "1 min", "1 min"]), ("minus", ["10 min", "15 min"])]
)
def test_plus_and_minus_change_the_time_and_0_resets_it(world: World, key: str, windows: list[str]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "0")
        assert "── last 5 min ──" in world.text
        for window in windows:
            await world.press(pilot, key)
            assert f"── last {window} ──" in world.text
        await world.press(pilot, "0")
        assert "── last 5 min ──" in world.text

    world.run(play)


@pytest.mark.slow
def test_every_time_window_can_be_shown(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        for _ in range(12):
            await world.press(pilot, "minus")
            await world.tick(pilot)
        assert "── last 24 h ──" in world.text

    world.run(play)


SIGNS = {"1": " VM max ", "2": "── last 1 min ", "3": "── no hogs ", "4": "── events "}


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (72, 17), (140, 40)])
@pytest.mark.parametrize("key", SIGNS)
def test_a_digit_hides_its_panel_and_brings_it_back(world: World, key: str, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        assert SIGNS[key] in world.text
        await world.press(pilot, key)
        assert SIGNS[key] not in world.text
        assert "? help q quit" in world.lines[-1]
        await world.tick(pilot)
        await world.press(pilot, key)
        assert SIGNS[key] in world.text
        assert "? help q quit" in world.lines[-1]

    world.run(play, size=size)


@pytest.mark.slow
def test_hiding_all_panels_leaves_status_and_footer_in_their_places(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "1", "2", "3", "4", "5")
        await world.tick(pilot)
        assert "── " not in world.text
        assert world.lines[0].startswith(" wsltop")
        assert "? help q quit" in world.lines[-1]
        assert "1 to 6 switch them on" in world.text, "an empty screen gave no way back"
        await world.press(pilot, "5", "4", "3", "2", "1")
        for sign in SIGNS.values():
            assert sign in world.text

    world.run(play)


def test_f_switches_between_memory_and_all(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(record("usb 1-1: new device", number=1), *drops(1, first=2))
        await world.tick(pilot)
        assert "memory · TAIL" in world.text
        assert "usb 1-1" not in world.text
        await world.press(pilot, "f")
        assert "all · TAIL" in world.text
        assert "usb 1-1: new device" in world.text
        await world.press(pilot, "f")
        assert "usb 1-1" not in world.text

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["pageup", "home"])
def test_looking_back_stops_following_and_end_resumes(world: World, key: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(30))
        await world.tick(pilot)
        assert "worker-30 " in world.text
        await world.press(pilot, key)
        before = [line for line in world.lines if "worker-" in line]
        world.sampler.log(*drops(3, first=31))
        await world.tick(pilot)
        assert [line for line in world.lines if "worker-" in line] == before
        assert "3 new, End follows" in world.text
        await world.press(pilot, "end")
        assert "worker-33 " in world.text
        assert "TAIL" in world.text

    world.run(play)


def test_home_shows_the_first_event_and_stays_live(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(30))
        await world.tick(pilot)
        await world.press(pilot, "home")
        assert "worker-1 " in world.text
        assert "►" not in world.text, "what is only scrolled to is not selected"
        assert " LIVE " in world.lines[0]

    world.run(play)


def test_enter_opens_the_whole_event(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        long = " ".join(f"word{number}" for number in range(40))
        world.sampler.log(record(f"usb 1-1: {long}"))
        await world.tick(pilot)
        await world.press(pilot, "f")
        assert "word39" not in world.text
        await world.press(pilot, "enter")
        assert "word39" in world.text
        await world.press(pilot, "enter")
        assert world.app.screen is world.app.main

    world.run(play)


def test_a_theme_that_is_not_there_is_an_error_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="textual-light"):
        screen_options(Settings(theme="pink"), tmp_path)


def test_tab_brings_j_and_k_to_the_events(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.log(*drops(30))
        await world.tick(pilot)
        await world.tick(pilot, 2)
        await world.press(pilot, "tab", "j")
        assert world.app.source.travel is None, "there is no later event"
        await world.press(pilot, "k", "k", "k")
        assert world.app.context.session is not world.session, "selecting an event shows its second"
        assert "worker-28 " in next(line for line in world.lines if "►" in line)
        await world.press(pilot, "j")
        assert "worker-29 " in next(line for line in world.lines if "►" in line)
        await world.press(pilot, "j", "j", "j")
        assert "worker-30 " in next(line for line in world.lines if "►" in line)
        await world.press(pilot, "escape")
        assert "TAIL" in world.text

    world.run(play)


@pytest.mark.slow
def test_help_opens_and_closes(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        closing = ("question_mark", "h", "f1", "escape", "q")
        for opens, closes in zip(("h", "f1", "question_mark", "h", "f1"), closing, strict=True):
            await world.press(pilot, opens)
            assert world.app.screen is not world.app.main
            assert "where the memory of WSL2 goes" in world.text
            await world.press(pilot, closes)
            assert world.app.screen is world.app.main
            assert world.app.is_running

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("keys", [("q",), ("ctrl+c",), ("ctrl+q",), ("question_mark", "ctrl+c"), ("ctrl+p", "ctrl+c")])
def test_the_program_can_be_left_from_everywhere(world: World, keys: tuple[str, ...]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        for key in keys:
            await pilot.press(key)
        await pilot.pause()

    world.run(play)
    assert world.app.return_code == 0
    assert not world.app.is_running


@pytest.mark.slow
def test_the_palette_offers_what_works_now(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        offered = [command.title for command in world.app.get_system_commands(world.app.screen)]
        assert "Add a hog: a process that takes memory" in offered
        assert "Kill all hogs" not in offered
        world.app.action_add_hogs(1)
        offered = [command.title for command in world.app.get_system_commands(world.app.screen)]
        assert "Kill all hogs" in offered
        await world.press(pilot, "ctrl+p", *"kill all", "enter")
        await world.press(pilot, "enter")
        assert world.app.screen is world.app.main
        assert world.pool.killed == [1]

    world.run(play)


@pytest.mark.slow
def test_the_theme_of_the_palette_is_kept(world: World, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        assert load_state(tmp_path).theme is None
        world.app.theme = "textual-light"
        await world.tick(pilot)

    world.run(play)
    assert load_state(tmp_path).theme == "textual-light"
    again = World(tmp_path)

    async def look(_pilot: Pilot[None]) -> None:
        assert again.app.theme == "textual-light"

    again.run(look)


def reported(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.glob("report-*.txt"))


@pytest.mark.slow
def test_y_asks_windows_for_its_distributions_and_a_replay_does_not(world: World, tmp_path: Path) -> None:
    drive = FakeDrive(tmp_path)
    drive.put(WSL_EXE, 'say("  N  S  V\\r\\n* Ubuntu-24.04  Running  2\\r\\n".encode("utf-16-le"))\n')
    told: list[str] = []

    async def play(pilot: Pilot[None]) -> None:
        for windows in (drive.windows(), None):
            world.app.options = replace(world.app.options, windows=windows)
            await world.press(pilot, "y")
            await world.app.workers.wait_for_complete()
            told.append(reported(tmp_path))
            for file in tmp_path.glob("report-*.txt"):
                file.unlink()

    world.run(play)
    assert "* WSL 2  Running  Ubuntu-24.04\n" in told[0]
    assert "a recording does not tell it" in told[1]


def test_s_saves_a_picture(world: World, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "s")
        (picture,) = tmp_path.glob("wsltop-*.svg")
        text = picture.read_text()
        assert text.startswith('<svg xml:space="preserve" ')
        assert "@font-face" not in text
        assert "src:" not in text
        assert "saved" in world.text

    world.run(play)


def test_s_says_when_there_is_no_place_for_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    world = World(file / "below")

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "s")
        assert "cannot write below" in world.text

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(30, 7), (50, 10), (140, 40)])
def test_no_key_crashes_whatever_there_is(world: World, size: tuple[int, int]) -> None:
    keys = [key for row in (*KEYS, *PANEL_KEYS) for key in row.keys.split(",") if row.action != "app.quit"]

    async def play(pilot: Pilot[None]) -> None:
        for number, key in enumerate(keys):
            await pilot.press(key)
            await pilot.press("escape")
            world.sampler.log(*drops(1, first=number))
            world.app.tick()
        await settle(pilot)
        assert world.app.is_running

    world.run(play, size=size)


def test_a_terminal_that_was_too_small_at_first_can_grow(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot)
        await world.resize(pilot, 80, 24)
        assert "── last 1 min ──" in world.text

    world.run(play, size=(30, 7))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
def test_t_goes_through_the_kinds_and_incompressible_is_one_of_them(world: World, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        seen = []
        for _ in range(8):
            heading = next(line for line in world.lines if "a adds 1.0 GiB " in line)
            seen.append(heading.partition("a adds 1.0 GiB ")[2].split()[0].rstrip(","))
            await world.press(pilot, "t")
        kinds = ["anonymous", "incompressible", "cache", "fragment", "churn", "leak", "shared"]
        assert seen == [*kinds, "anonymous"]
        await world.press(pilot, "t", "t", "t", "t", "t", "t")
        await world.press(pilot, "a")
        await world.tick(pilot)
        await world.press(pilot, "t", "a")
        first, second = world.pool.there.values()
        assert [(one.kind, one.incompressible) for one in (first, second)] == [
            ("anonymous", False),
            ("anonymous", True),
        ]
        assert "4002 incompr." in world.text
        await world.tick(pilot)
        if size != (60, 16):
            assert "4001 anonymous" in world.text
            assert "incompressible anonymous started" in world.text

    world.run(play, size=size)


@pytest.mark.parametrize("size", [(80, 10), (80, 24)])
def test_the_keys_of_the_footer_have_their_words_with_and_without_hogs(world: World, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        for _ in range(2):
            await world.tick(pilot)
            footer = world.lines[-1]
            for key in ("c compact", "d drop", "e demo", "v why", "b bytes", "p who"):
                assert f" {key} " in footer, footer
            assert ("X all" in footer) == bool(world.pool.there)
            await world.press(pilot, "a")

    world.run(play, size=size)
