"""Hogs and the keeper of a command, ended or stopped by others."""

from __future__ import annotations

import os
import signal
import time
from functools import partial

import psutil

from tests.faults.place import Place, wait_until
from tests.faults.signals import small_hog
from tests.faults.table import add, fault
from tests.terminal.harness import words_of


def hog_ended(number: signal.Signals, place: Place) -> str:
    """A hog that another ended is told, and the screen goes on."""
    terminal = place.terminal("--host", "none")
    small_hog(terminal)
    hog = terminal.hogs()[0]
    os.kill(hog.pid, number)
    terminal.wait_until(lambda: not terminal.hogs(), 5.0, "the hog gone")
    time.sleep(0.5)
    assert terminal.process.poll() is None
    terminal.press("q")
    assert terminal.wait_for_end(5.0) == 0
    return "told; goes on"


for _number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT, signal.SIGHUP):
    add(
        f"a hog gets {_number.name}",
        partial(hog_ended, _number),
        group="hogs",
        injected=f"kill -{_number.name[3:]} of the hog",
        holds="told; the screen goes on",
    )


@fault("a hog is stopped", injected="kill -STOP of the hog", holds="X and q end it")
def hog_stopped(place: Place) -> str:
    """A stopped hog can be ended."""
    terminal = place.terminal("--host", "none")
    small_hog(terminal)
    os.kill(terminal.hogs()[0].pid, signal.SIGSTOP)
    terminal.press("X")
    terminal.wait_until(lambda: not terminal.hogs(), 5.0, "the hog gone")
    terminal.press("q")
    assert terminal.wait_for_end(5.0) == 0
    return "ended by X"


def keeper_of(place: Place) -> psutil.Process:
    """The program that keeps the command of an experiment."""
    found: list[psutil.Process] = []

    def look() -> bool:
        found[:] = [one for one in place.processes() if any("keeper.py" in word for word in words_of(one))]
        return bool(found)

    wait_until(look, 10.0, "a keeper")
    return found[0]


@fault(
    "the keeper is killed",
    injected="kill -9 of keeper.py",
    holds="the command ends; said, and not status 0",
    was_broken=True,
)
def keeper_killed(place: Place) -> str:
    """A command without its keeper is no result."""
    process = place.start("experiment", "--host", "none", "--baseline", "1", "--settle", "2", "--", "sleep", "60")
    keeper = keeper_of(place)
    time.sleep(2.0)
    keeper.kill()
    process.communicate(timeout=40)
    assert process.returncode != 0, "status 0"
    wait_until(lambda: not place.processes(), 3.0, "everything gone")
    return f"status {process.returncode}"


def keeper_stopped(number: signal.Signals, place: Place) -> str:
    """A stopped keeper is ended with what it keeps."""
    process = place.start("experiment", "--host", "none", "--baseline", "1", "--settle", "2", "--", "sleep", "60")
    keeper = keeper_of(place)
    time.sleep(2.0)
    keeper.send_signal(signal.SIGSTOP)
    process.send_signal(number)
    process.communicate(timeout=40)
    took = wait_until(lambda: not place.processes(), 5.0, "everything gone")
    return f"gone {took:.1f} s after wsltop"


for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
    add(
        f"the keeper is stopped, then {_number.name}",
        partial(keeper_stopped, _number),
        group="hogs",
        injected=f"kill -STOP of keeper.py, kill -{_number.name[3:]} of wsltop",
        holds="nothing outlives wsltop",
        was_broken=_number is signal.SIGINT,
    )


def command_ended(number: signal.Signals, place: Place) -> str:
    """A command that another ended is told, with the status that a shell gives."""
    process = place.start("experiment", "--host", "none", "--baseline", "1", "--settle", "2", "--", "sleep", "60")
    keeper_of(place)
    commands: list[psutil.Process] = []

    def look() -> bool:
        commands[:] = [
            one
            for one in place.processes()
            if words_of(one)[-2:] == ["sleep", "60"] or words_of(one)[0:1] == ["/usr/bin/sleep"]
        ]
        return bool(commands)

    wait_until(look, 10.0, "the command")
    commands[0].send_signal(number)
    process.communicate(timeout=40)
    assert process.returncode in (128 + number, -number), f"status {process.returncode}"
    wait_until(lambda: not place.processes(), 3.0, "everything gone")
    return f"status {process.returncode}"


for _number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
    add(
        f"the command of an experiment gets {_number.name}",
        partial(command_ended, _number),
        group="hogs",
        injected=f"kill -{_number.name[3:]} of the command",
        holds=f"ends with {128 + _number}; nothing left",
    )
