"""The process view: what it lists, in which order, what it keeps to itself."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console
from rich.traceback import Traceback
from textual.pilot import Pilot

from tests.hostile import controls
from tests.samples import GIB, MIB
from tests.ui.test_cards import NASTY, NO, family, holders, process
from tests.ui.worlds import SAMPLE, World
from tests.waiting import wait_for_command_line
from wsltop.charts.cells import ASCII, BLOCK, Glyphs, Line, plain
from wsltop.core.holders import FamilyGrowth, ProcessGrowth
from wsltop.model.sample import Census, CpuTimes, Holders, ProcessCpu, ProcessUse, Reading, Unavailable
from wsltop.reclaim.end import start_of
from wsltop.recording.reader import Recording
from wsltop.system import System
from wsltop.ui.cards.holders import HoldersCard, choose_columns, head_line, row_line, sections
from wsltop.ui.cards.process import ProcessCard
from wsltop.ui.cards.process_list import ProcessRow
from wsltop.ui.jobs import EndRun
from wsltop.ui.launch import without_locals

SECRET = "--password=Tr0ub4dor"  # noqa: S105 - looked for, and found nowhere
GROWTH: Reading[tuple[FamilyGrowth, ...]] = Unavailable("not watched for long enough")
TIMES = (
    CpuTimes(user=0, nice=0, system=0, idle=0, cpus=1),
    CpuTimes(user=500, nice=0, system=0, idle=500, cpus=1),
)
SIZES = [(40, 8), (80, 10), (80, 24), (120, 12), (120, 36), (160, 48), (240, 60)]


@pytest.fixture
def keeper() -> Iterator[ProcessUse]:
    """A process of ours with a secret in its command line."""
    with subprocess.Popen([sys.executable, "-S", "-c", "input()", SECRET], stdin=subprocess.PIPE) as running:
        wait_for_command_line(running.pid)
        yield replace(process(running.pid, "keeper"), started=start_of(running.pid) or 0)
        running.kill()


def show(world: World, *uses: ProcessUse, **changes: object) -> None:
    """Let the next samples have these processes, counted at their time."""
    census = Census(read_at=world.sampler.next.monotonic, holders=holders(processes=uses), **changes)  # type: ignore[arg-type]
    world.sampler.next = replace(world.sampler.next, census=census)


def listed(world: World) -> list[int]:
    """The pids on the screen, from top to bottom."""
    rows = [line.replace(world.app.context.glyphs.selection, " ").split() for line in world.lines[2:]]
    known = {str(use.pid) for use in world.sampler.processes()[0]}
    return [int(words[0]) for words in rows if words and words[0] in known]


def selected(world: World) -> int:
    (pid,) = re.findall(rf"^ {world.app.context.glyphs.selection} +([0-9]+) ", world.text, re.MULTILINE)
    return int(pid)


# What stands below the list


UNKNOWN = ProcessGrowth(curve=(), rate=None, steady=True)


def below(
    held: Holders,
    growth: Reading[tuple[FamilyGrowth, ...]] = GROWTH,
    rows: int = 60,
    *,
    each: ProcessGrowth = UNKNOWN,
) -> list[str]:
    return [plain(line).rstrip() for line in sections(held, growth, rows, 77, BLOCK, lambda use: each)]


def test_families_groups_and_the_rest_are_told() -> None:
    told = "\n".join(below(holders()))
    assert "1.0 GiB    2 processes  growth not known yet" in told
    assert "at least 3.0 GiB" in told
    assert "held outside this distro" in told


def test_growth_is_told_with_what_is_left() -> None:
    def trend(growing: bool) -> tuple[FamilyGrowth, ...]:
        return (FamilyGrowth(name="node", rate=20 * MIB, gained=GIB, span=400, growing=growing, minutes_left=90.0),)

    assert "+20 MiB/min, 90 min left" in "\n".join(below(holders(), trend(True)))
    assert "steady" in "\n".join(below(holders(), trend(False)))


def test_a_family_that_was_watched_briefly_has_the_growth_of_its_processes() -> None:
    """A row said +360 MiB a minute, and its family ``watched for less than 5 min``."""
    grows = ProcessGrowth(curve=(), rate=360.0 * MIB, steady=False)
    assert "+360 MiB/min" in "\n".join(below(holders(), each=grows))
    assert "  steady" in "\n".join(below(holders(), each=ProcessGrowth(curve=(), rate=0.1, steady=True)))


def test_what_is_unknown_of_the_holders_says_why() -> None:
    assert "\n".join(below(holders(groups=NO, elsewhere=NO))).count("not read here. Read it there.") == 2


def test_the_reason_why_it_is_elsewhere_is_told_in_full() -> None:
    reason = " ".join(f"word{number}" for number in range(60))
    assert reason in " ".join(line.strip() for line in below(holders(reason=reason)))


@pytest.mark.parametrize("rows", range(1, 30))
def test_what_stands_below_takes_no_more_rows_than_it_may(rows: int) -> None:
    many = holders(families=tuple(family(f"family{number}") for number in range(9)))
    assert len(below(many, rows=rows)) <= rows


# Columns


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("commands", [True, False])
def test_the_columns_fit_every_width(live: bool, commands: bool) -> None:
    for width in range(38, 300):
        columns = choose_columns(width, live=live, commands=commands)
        lines: list[Line] = [head_line(columns, "held", BLOCK)]
        lines += [row_line(ProcessRow((text,) * len(columns), True, False, True), columns, BLOCK) for text in NASTY]
        assert max(cell_len(plain(line)) for line in lines) <= width
        assert {"pid", "name", "held", "growth"} <= {column.name for column in columns}
        assert ("command line" in {column.name for column in columns}) == (live and commands and width >= 67)


def test_a_recording_has_no_owners_and_no_command_lines() -> None:
    names = {column.name for column in choose_columns(160, live=False, commands=True)}
    assert not names & {"user", "where", "command line"}


# The screen


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("glyphs", [BLOCK, ASCII], ids=["block", "ascii"])
def test_it_fits_every_size_with_the_selected_process_in_view(
    tmp_path: Path, size: tuple[int, int], glyphs: Glyphs
) -> None:
    world = World(tmp_path, glyphs=glyphs)

    async def play(pilot: Pilot[None]) -> None:
        show(world, *(process(100 + number, NASTY[number % len(NASTY)], 300 * MIB) for number in range(40)))
        await world.press(pilot, "p", *["j"] * 30)
        assert [cell_len(line) for line in world.lines] == [size[0]] * size[1]
        assert not controls() & set(map(ord, world.text.replace("\n", "")))
        assert selected(world) == 130
        card = world.app.screen
        assert isinstance(card, HoldersCard)
        assert not card.scrolls
        assert glyphs is not ASCII or world.text.isascii()
        await world.press(pilot, "home")
        assert selected(world) == 100
        await world.press(pilot, "end")
        assert selected(world) == 139
        await world.press(pilot, "pageup")
        assert selected(world) < 139
        await world.press(pilot, "enter")
        assert [cell_len(line) for line in world.lines] == [size[0]] * size[1]

    world.run(play, size=size)


def test_the_selection_follows_the_process_and_stays_in_view(world: World) -> None:
    """Others grew past the selected process, and it went out of view until the next key."""

    async def play(pilot: Pilot[None]) -> None:
        uses = [process(100 + number, "node", (400 - number) * MIB) for number in range(40)]
        show(world, *uses)
        await world.press(pilot, "p", "j", "j")
        assert selected(world) == 102
        show(world, *uses[:2], *uses[3:], uses[2])
        await world.tick(pilot)
        assert selected(world) == 102
        assert listed(world)[-1] == 102

    world.run(play)


def test_the_screen_below_the_view_is_not_painted_at_each_sample(world: World) -> None:
    """It was, though nearly nothing of it can be seen: that cost more than the view itself."""

    async def play(pilot: Pilot[None]) -> None:
        show(world, process(7))
        await world.press(pilot, "p")
        bars = world.app.main.panels["memory"]
        before = bars.view
        assert not isinstance(SAMPLE.meminfo, Unavailable)
        world.sampler.next = replace(world.sampler.next, meminfo=replace(SAMPLE.meminfo, anon_pages=GIB))
        await world.tick(pilot, 5)
        assert bars.view == before
        await world.press(pilot, "escape")
        assert bars.view != before

    world.run(play)


def test_when_the_selected_process_has_ended_the_one_in_its_row_is_selected(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        uses = [process(100 + number) for number in range(5)]
        show(world, *uses)
        await world.press(pilot, "p", "j", "j")
        show(world, *uses[:2], *uses[3:])
        await world.tick(pilot)
        assert selected(world) == 103
        show(world, *uses[:1])
        await world.tick(pilot)
        assert selected(world) == 100

    world.run(play)


def test_small_processes_are_listed_while_the_view_is_open(world: World) -> None:
    """A sample keeps the biggest 15; the live list shows all that the sampler has read."""

    async def play(pilot: Pilot[None]) -> None:
        show(world, process(7))
        world.sampler.processes = lambda: ((process(7), process(8, "small", MIB)), ())  # type: ignore[method-assign]
        await world.press(pilot, "p")
        assert "small" in world.text
        await world.press(pilot, "space")
        assert "small" not in world.text

    world.run(play)


def test_o_goes_through_the_orders(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        for second in range(12):
            uses = (
                process(7, "zeta", 900 * MIB),
                process(8, "alpha", (300 + 20 * second) * MIB),
                process(9, "mid", 200 * MIB),
            )
            show(
                world, *uses, busy=(ProcessCpu(pid=9, name="mid", user=500, system=0),), since=TIMES[0], until=TIMES[1]
            )
            world.sampler.step = 10.0
            await world.tick(pilot)
        await world.press(pilot, "p")
        assert listed(world) == [7, 8, 9]
        await world.press(pilot, "o")
        assert listed(world)[0] == 8
        line = next(line for line in world.lines if line.split()[:1] == ["8"])
        assert "▆▇" in line
        await world.press(pilot, "o")
        assert listed(world)[0] == 9
        await world.press(pilot, "o")
        assert listed(world) == [8, 9, 7]
        await world.press(pilot, "o")
        assert listed(world) == [7, 8, 9]

    world.run(play, size=(160, 48))


def test_the_filter_lists_what_matches_while_it_is_typed(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, process(7, "alpha"), process(8, "beta"), process(9, "betamax"))
        await world.press(pilot, "slash", *"BETA")
        assert isinstance(world.app.screen, HoldersCard)
        assert listed(world) == [8, 9]
        await world.press(pilot, "enter", "j")
        assert selected(world) == 9
        await world.press(pilot, "slash", *"max")
        assert listed(world) == [9]
        await world.press(pilot, "escape")
        assert listed(world) == [7, 8, 9]
        await world.press(pilot, "escape")
        assert len(world.app.screen_stack) == 2
        assert not world.sampler.attended

    world.run(play)


def test_the_filter_finds_words_of_the_command_line(world: World, keeper: ProcessUse) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, process(7, "alpha"), keeper)
        await world.press(pilot, "p", "slash", *"Tr0ub4", "enter")
        assert listed(world) == [keeper.pid]
        await world.press(pilot, "l")
        assert listed(world) == []

    world.run(play)


def test_a_click_selects_and_a_second_one_opens(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, *(process(100 + number) for number in range(5)))
        await world.press(pilot, "p")
        (y,) = [y for y, line in enumerate(world.lines) if " 103 " in line]
        await pilot.click(offset=(12, y))
        await world.press(pilot)
        assert selected(world) == 103
        await pilot.click(offset=(12, y))
        await world.press(pilot)
        assert [type(screen) for screen in world.app.screen_stack[2:]] == [HoldersCard, ProcessCard]
        await world.press(pilot, "escape")
        assert [type(screen) for screen in world.app.screen_stack[2:]] == [HoldersCard]

    world.run(play)


@pytest.mark.parametrize("key", ["v", "b"])
def test_from_one_process_another_card_takes_the_place_of_the_list_too(world: World, key: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, process(7))
        await world.press(pilot, "p", "enter", key)
        assert not world.sampler.attended
        await world.press(pilot, "escape")
        assert world.app.screen is world.app.main

    world.run(play)


# One process


def test_enter_shows_all_of_one_process(world: World, keeper: ProcessUse) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, replace(keeper, parent=7), process(7, "mother"))
        await world.press(pilot, "p", "enter")
        for word in (f"pid {keeper.pid}", "7 mother", SECRET, "OOM score", "control group", "in swap", "give back"):
            assert word in world.text
        await world.press(pilot, "escape", "l", "enter")
        assert SECRET not in world.text

    world.run(play, size=(120, 40))


def test_a_process_that_ends_while_it_is_open_stays_to_be_read(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, process(7, "short"))
        await world.press(pilot, "p", "enter")
        show(world, process(8, "other"))
        await world.tick(pilot)
        assert "short, pid 7" in world.text

    world.run(play)


# What leaves the screen


def files_with(folder: Path, secret: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize("keys", [("p",), ("p", "enter")], ids=["list", "one process"])
def test_a_command_line_is_on_the_screen_and_in_no_picture_report_or_recording(
    world: World, keeper: ProcessUse, keys: tuple[str, ...]
) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, keeper)
        await world.press(pilot, "r", *keys)
        await world.tick(pilot, 3)
        assert SECRET in world.text
        await world.press(pilot, "s")
        assert SECRET in world.text, "the picture has taken it from the screen"
        await world.press(pilot, "y")
        await world.app.workers.wait_for_complete()
        assert SECRET in world.text
        await world.press(pilot, "escape", "escape", "r")

    world.run(play, size=(160, 48))
    (picture,), (report,) = world.folder.glob("wsltop-*.svg"), world.folder.glob("report-*.txt")
    assert str(keeper.pid) in picture.read_text()
    assert "keeper" in report.read_text()
    assert files_with(world.folder, "Tr0ub4dor") == []
    (recording,) = world.folder.glob("*.wsltop")
    with Recording.open(recording) as opened:
        samples = msgspec.json.encode(list(opened.samples()))
    assert b"keeper" in samples
    assert b"Tr0ub4dor" not in samples
    assert b"Tr0ub4dor" not in msgspec.json.encode(world.sampler.next)


def test_in_a_look_back_there_are_names_only(world: World, keeper: ProcessUse) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, keeper)
        await world.tick(pilot, 3)
        await world.press(pilot, "space", "p")
        assert "keeper" in world.text
        assert SECRET not in world.text
        await world.press(pilot, "enter")
        assert SECRET not in world.text
        await world.press(pilot, "escape", "space")
        assert SECRET in world.text

    world.run(play, size=(160, 48))


def test_l_hides_the_command_lines_until_it_is_pressed_again(world: World, keeper: ProcessUse) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, keeper)
        await world.press(pilot, "p")
        assert SECRET in world.text
        await world.press(pilot, "l")
        assert SECRET not in world.text
        await world.press(pilot, "escape", "p")
        assert SECRET not in world.text
        await world.press(pilot, "l")
        assert SECRET in world.text

    world.run(play, size=(160, 48))


# Ending it


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_ending_gives_back_is_told_before_and_after(world: World, keeper: ProcessUse) -> None:
    big = replace(keeper, rss=GIB, shared=0)
    meminfo = SAMPLE.meminfo
    assert not isinstance(meminfo, Unavailable)

    async def play(pilot: Pilot[None]) -> None:
        show(world, big)
        await world.press(pilot, "p", "x")
        assert "would give back about" in world.text
        await world.press(pilot, "y")
        (job,) = world.app.jobs.values()
        assert isinstance(job, EndRun)
        while not job.ended:
            await pilot.pause(0.05)
        free = SAMPLE.free_blocks
        assert not isinstance(free, Unavailable)
        world.sampler.next = replace(
            world.sampler.next,
            meminfo=replace(meminfo, free=meminfo.free + GIB, anon_pages=meminfo.anon_pages - GIB),
            free_blocks=(replace(free[0], counts=(*free[0].counts[:10], free[0].counts[10] + 256)),),
        )
        await world.tick(pilot, 60)
        assert not world.app.jobs
        marks = [event.text for event in world.session.journal.events() if event.kind == "mark"]
        assert len(marks) == 2
        assert "returned 1.0 GiB, predicted" in marks[-1]

    world.run(play)


def test_what_does_not_end_is_asked_for_again_and_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsltop.ui.cards.end.TERM_PATIENCE", 0.2)
    code = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); input()"
    command = [sys.executable, "-S", "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()

        async def play(pilot: Pilot[None]) -> None:
            show(world, replace(process(running.pid, "deaf", MIB), started=start_of(running.pid) or 0))
            await world.press(pilot, "p", "x", "y")
            while "Kill deaf" not in world.text:
                await pilot.pause(0.05)
            assert running.poll() is None
            await world.press(pilot, "y")
            assert running.wait(5) == -9
            await world.tick(pilot, 2)
            assert not world.app.jobs

        world.run(play)


def test_the_screen_ends_while_a_process_is_watched(world: World, keeper: ProcessUse) -> None:
    before = open_files()

    async def play(pilot: Pilot[None]) -> None:
        show(world, replace(keeper, rss=GIB, shared=0))
        await world.press(pilot, "p", "x", "y")
        assert world.app.jobs

    world.run(play)
    assert not world.app.jobs
    assert open_files() <= before


def test_the_details_of_a_crash_have_no_command_line() -> None:
    """Textual's traceback shows every local variable, and its file is asked for in an issue."""
    out = io.StringIO()
    console = Console(file=out, width=120)
    command = SECRET[::-1]  # not as it stands in the lines of source
    words = [command, "x" * 300, "╰─ not the end", {"deep": [command] * 3}]
    try:
        raise ValueError(len(words))
    except ValueError:
        console.print(Traceback(show_locals=True))
    assert SECRET[::-1] in out.getvalue()
    told = without_locals(out.getvalue())
    assert SECRET[::-1] not in told
    assert "ValueError: 4" in told
    assert "raise ValueError" in told


# Another root

PEOPLE = (
    (61, "node", 1540, 1000, "/home/ada/.vscode-server/bin/abc/node --type=extensionHost"),
    (402, "java", 648, 1000, "java -Xmx1g -jar app.jar"),
    (914, "postgres", 144, 999, "postgres: writer process"),
    (733, "dockerd", 86, 0, "/usr/bin/dockerd -H fd://"),
)


def lay_out(root: Path) -> tuple[ProcessUse, ...]:
    """The processes of a guest below ``root``."""
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text(
        "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/:/bin/sh\nada:x:1000:1000::/:/bin/sh\n"
    )
    for pid, name, _, user, command in PEOPLE:
        numbers = [1, pid, pid, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 1, 0, 1, 0, 0]
        texts = {
            "stat": f"{pid} ({name}) S {' '.join(map(str, numbers))} {'0 ' * 28}\n",
            "status": f"Name:\t{name}\nUid:\t{user}\t{user}\t{user}\t{user}\nVmSwap:\t0 kB\nThreads:\t4\n",
            "cmdline": command.replace(" ", "\0"),
            "cgroup": "0::/system.slice/docker.service\n" if pid == 733 else "0::/\n",
            "oom_score": "666\n",
        }
        for file, text in texts.items():
            path = root / f"proc/{pid}/{file}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tuple(process(pid, name, size * 3 // 2 * MIB) for pid, name, size, _, _ in PEOPLE)


def test_owners_places_and_command_lines_are_those_of_the_guest_below_root(tmp_path: Path) -> None:
    world = World(tmp_path / "state")
    world.app.options = replace(world.app.options, system=System(root=tmp_path))
    uses = lay_out(tmp_path)

    async def play(pilot: Pilot[None]) -> None:
        show(world, *uses)
        await world.press(pilot, "p")
        rows = {int(line.replace("►", " ").split()[0]): line for line in world.lines[2:6]}
        for pid, words in (
            (61, ("ada", "node", "Ubuntu", " node --type=extensionHost")),
            (914, ("postgres: writer process",)),
            (733, ("root", "docker.service", " dockerd -H fd://")),
        ):
            assert all(word in rows[pid] for word in words)
        await world.press(pilot, "x")
        assert "below --root" in world.app.context.notice.text

    world.run(play, size=(160, 48))


def test_the_name_of_a_container_is_whole() -> None:
    """At 240 columns it was ``docker…``: its id begins behind the only blank in 16 cells."""
    (where,) = (column for column in choose_columns(240, live=True, commands=True) if column.name == "where")
    assert where.width >= len("docker 3f4a5b6c7d8e")
