"""However wsltop ends, the terminal is as it was and nothing of it is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Final

import psutil
import pytest

from tests.host.stand_ins import REPEATS, FakeDrive
from tests.terminal.conftest import Open
from tests.terminal.harness import CLEAN_END, Terminal, cpu_seconds, wait_for_death

pytestmark = pytest.mark.slow

LEAVING: Final[dict[str, Callable[[Terminal], None]]] = {
    "q": lambda terminal: terminal.press("q"),
    "ctrl+c": lambda terminal: terminal.press("\x03"),
    "ctrl+q": lambda terminal: terminal.press("\x11"),
    "SIGTERM": lambda terminal: os.kill(terminal.process.pid, signal.SIGTERM),
}


def add_small_hog(terminal: Terminal) -> list[psutil.Process]:
    """Halve the size down to 64 MiB and add one."""
    terminal.press("<<<<")
    terminal.wait_for("a adds 64 MiB")
    terminal.press("a")
    terminal.wait_for("holding")
    hogs = terminal.hogs()
    assert len(hogs) == 1
    return hogs


def answering_windows(drive: FakeDrive) -> tuple[str, ...]:
    """Arguments for a Windows that answers until its input ends."""
    drive.powershell(REPEATS)
    return "--host", "powershell", "--drive", str(drive.path)


@pytest.mark.parametrize(("leave", "status"), [(leave, 143 if "SIG" in name else 0) for name, leave in LEAVING.items()])
def test_leaving_restores_the_terminal_and_ends_the_hogs(
    open_terminal: Open, leave: Callable[[Terminal], None], status: int
) -> None:
    terminal = open_terminal("--host", "none", "--every", "60")
    terminal.wait_for_frame()
    hogs = add_small_hog(terminal)
    leave(terminal)
    assert terminal.wait_for_end(5.0) == status
    end = terminal.raw[terminal.raw.rindex(b"\x1b[?1049h") :]
    for sequence in CLEAN_END:
        assert sequence in end
    assert b"\x1b[?25l" not in end[end.index(b"\x1b[?25h") :]
    assert b"Traceback" not in terminal.raw
    wait_for_death(hogs, 1.0)


def test_a_killed_program_leaves_no_hog_and_no_host_child(open_terminal: Open, drive: FakeDrive) -> None:
    terminal = open_terminal(*answering_windows(drive))
    terminal.wait_for("11.0 GiB")
    add_small_hog(terminal)
    children = terminal.children()
    assert len(children) == 2
    terminal.process.kill()
    wait_for_death(children, 1.0)


@pytest.mark.parametrize("interval", ["1", "60"])
def test_a_closed_terminal_ends_everything_at_once(open_terminal: Open, drive: FakeDrive, interval: str) -> None:
    terminal = open_terminal(*answering_windows(drive), "--every", interval)
    terminal.wait_for_frame()
    terminal.wait_until(lambda: bool(terminal.children("powershell.exe")))
    terminal.press("<<<<")
    terminal.wait_for("64 MiB")
    terminal.press("a")
    terminal.wait_for("holding")
    program = psutil.Process(terminal.process.pid)
    everything = [program, *terminal.children()]
    assert len(everything) == 3
    terminal.hang_up()
    wait_for_death(everything, 3.0)


def test_a_terminal_that_goes_without_a_signal_is_noticed(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", "--every", "60", environ={"NO_HANGUP": "1"})
    terminal.wait_for_frame()
    hogs = add_small_hog(terminal)
    before = time.monotonic()
    terminal.hang_up()
    terminal.process.wait(5.0)
    assert time.monotonic() - before < 3.0
    wait_for_death(hogs, 1.0)


def test_idling_costs_little(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none")
    terminal.wait_for_frame()
    before = cpu_seconds(terminal.process.pid)
    time.sleep(2.0)
    assert cpu_seconds(terminal.process.pid) - before < 0.4
