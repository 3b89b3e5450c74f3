"""Ending a process from the list of who holds the memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.ui.test_cards import holders, process
from tests.ui.worlds import START, World
from tests.waiting import wait_until
from wsltop.core.session import Session
from wsltop.model.sample import Census, ProcessUse
from wsltop.model.text import GIB
from wsltop.reclaim.end import start_of
from wsltop.system import System
from wsltop.ui.cards.end import EndScreen, ProcessEnding


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "60"]) as running:
        yield running
        running.kill()


def show(world: World, *uses: ProcessUse) -> None:
    """Let the next samples have these processes."""
    census = Census(read_at=START, holders=holders(processes=uses))
    world.sampler.next = replace(world.sampler.next, census=census)


def use_of(running: subprocess.Popen[bytes], name: str = "sleep") -> ProcessUse:
    return replace(process(running.pid, name), started=start_of(running.pid) or 0)


def asked(world: World) -> bool:
    return type(world.app.screen_stack[-1]) is EndScreen


@pytest.mark.parametrize("no", ["enter", "escape", "n", "q"])
def test_what_is_no_yes_ends_nothing(world: World, sleeper: subprocess.Popen[bytes], no: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, use_of(sleeper))
        await world.tick(pilot)
        await world.press(pilot, "p", "x")
        assert asked(world)
        await world.press(pilot, no)
        assert not asked(world)
        assert sleeper.poll() is None

    world.run(play)


def test_yes_ends_the_selected_process_and_no_other(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    other = replace(process(1, "init"), started=1)

    async def play(pilot: Pilot[None]) -> None:
        show(world, other, use_of(sleeper))
        await world.tick(pilot)
        await world.press(pilot, "p", "j", "x")
        assert str(sleeper.pid) in world.text
        assert "Ending it" in world.text, "the name of a class once stood there"
        await world.press(pilot, "y")
        wait_until(lambda: sleeper.poll() == -15)
        await world.tick(pilot)
        await world.tick(pilot)
        marks = [event.text for event in world.session.journal.events() if event.kind == "mark"]
        assert marks == [f"sleep (pid {sleeper.pid}) was ended here"]

    world.run(play)


@pytest.mark.parametrize("who", ["init", "wsltop"])
def test_init_and_wsltop_cannot_be_ended(world: World, who: str) -> None:
    pid = 1 if who == "init" else os.getpid()

    async def play(pilot: Pilot[None]) -> None:
        show(world, replace(process(pid, "init", own=pid != 1), started=start_of(pid) or 0))
        await world.tick(pilot)
        await world.press(pilot, "p", "x", "y")
        assert asked(world), "y does nothing there"
        await world.press(pilot, "escape")

    world.run(play)


def test_a_process_that_has_gone_is_not_asked_for(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, replace(use_of(sleeper), started=1))
        await world.tick(pilot)
        await world.press(pilot, "p", "x")
        assert not asked(world)
        assert "has ended" in world.app.context.notice.text

    world.run(play)
    assert sleeper.poll() is None


def test_in_a_look_back_nothing_is_ended(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, use_of(sleeper))
        await world.tick(pilot, 3)
        await world.press(pilot, "space", "p", "x")
        assert not asked(world)

    world.run(play)
    assert sleeper.poll() is None


@pytest.mark.slow
def test_the_question_shows_its_keys_at_40x8_and_after_a_resize(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, use_of(sleeper))
        await world.tick(pilot)
        await world.press(pilot, "p", "x")
        assert "y end it" in world.text
        for size in ((40, 8), (100, 30)):
            await world.resize(pilot, *size)
            assert "y end it" in world.text
            assert "n cancel" in world.text
        await world.press(pilot, "n")

    world.run(play)


def test_over_a_recording_the_refusal_names_no_key(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    """It said "press space first", which plays the recording."""
    refused: list[str] = []

    def end(*, can_act: bool) -> None:
        context = world.app.context
        context.can_act = can_act
        ending = ProcessEnding(
            context, {}, ask=print, refuse=refused.append, later=print, tick=lambda: None, mark=print
        )
        context.live = Session(1.0)
        ending.begin(use_of(sleeper), None, Path("/"))

    end(can_act=True)
    end(can_act=False)
    assert ["space" in text for text in refused] == [True, False]


def test_the_list_itself_says_what_came_of_a_key(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, use_of(sleeper))
        await world.tick(pilot)
        await world.press(pilot, "p")
        world.app.options = replace(world.app.options, system=System(root=world.folder))
        await world.press(pilot, "x")
        assert "nothing ended" in world.lines[-1]
        assert sleeper.poll() is None

    world.run(play)


@pytest.mark.parametrize("key", ["x", "X"])
def test_a_key_that_was_meant_for_the_list_asks_before_it_kills_hogs(world: World, key: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        show(world, replace(process(1, "init"), started=1))
        world.pool.add(GIB, 2)
        await world.tick(pilot)
        await world.press(pilot, "p", "p", key)
        assert asked(world)
        assert str(world.pool.read()[-1].pid) in world.text
        await world.press(pilot, "enter")
        assert not world.pool.killed
        await world.press(pilot, key, "y")
        assert world.pool.killed

    world.run(play)


def test_without_the_list_a_hog_is_killed_at_once(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.pool.add(GIB, 1)
        await world.tick(pilot)
        await world.press(pilot, "x")
        assert not asked(world)
        assert world.pool.killed

    world.run(play)
