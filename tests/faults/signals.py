"""Signals in every phase of the screen, and of each command that runs on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.faults.place import Place, settings_of, wait_until
from tests.faults.table import add, fault
from tests.terminal.harness import CLEAN_END, Terminal, wait_for_death

MODES: Final = (b"\x1b[?1000h", b"\x1b[?1002h", b"\x1b[?1004h", b"\x1b[?2004h")
"""What the screen turns on: mouse, focus, paste; each must be off again at the end."""


def small_hog(terminal: Terminal) -> None:
    """Add the smallest hog and wait until it holds."""
    terminal.press("<<<<")
    terminal.wait_for("64 MiB")
    terminal.press("a")
    terminal.wait_until(lambda: bool(terminal.hogs()), what="a hog")


def live(_: Terminal) -> None:
    """The plain screen."""


def card(terminal: Terminal) -> None:
    """A card is open."""
    terminal.press("b")
    time.sleep(0.4)


def plan(terminal: Terminal) -> None:
    """A plan is open."""
    terminal.press("c")
    time.sleep(0.4)


def look_back(terminal: Terminal) -> None:
    """The view stands still."""
    time.sleep(1.2)
    terminal.press(" ")
    terminal.wait_for("PAUSED")


def recording(terminal: Terminal) -> None:
    """A recording runs."""
    terminal.press("r")
    time.sleep(1.5)


def palette(terminal: Terminal) -> None:
    """The palette is open."""
    terminal.press("\x10")
    time.sleep(0.5)


def box(terminal: Terminal) -> None:
    """A time is typed."""
    terminal.press("g")
    time.sleep(0.4)
    terminal.press("12:")


def demo(terminal: Terminal) -> None:
    """The demo has begun."""
    terminal.press("e")
    time.sleep(0.8)
    terminal.press("y")
    time.sleep(0.6)


PHASES: Final[dict[str, Callable[[Terminal], None]]] = {
    "live": live,
    "with a hog": small_hog,
    "a card open": card,
    "a plan open": plan,
    "paused": look_back,
    "recording": recording,
    "the palette open": palette,
    "a box open": box,
    "the demo running": demo,
    "a replay": live,
}
ENDING: Final = {
    signal.SIGTERM: 143,
    signal.SIGINT: 130,
    signal.SIGHUP: 129,
    signal.SIGQUIT: 131,
    signal.SIGUSR1: 138,
    signal.SIGXCPU: 152,
}
PATIENCE: Final = 2.5
"""Seconds: 0.5 on a quiet machine."""


def restored(terminal: Terminal, before: list[object]) -> None:
    """Fail unless the terminal is as it was before."""
    assert settings_of(terminal) == before, "the terminal stays raw"
    end = terminal.raw[terminal.raw.rindex(b"\x1b[?1049h") :]
    for sequence in CLEAN_END:
        assert sequence in end, f"{sequence!r} is missing at the end"
    for mode in MODES:
        if mode in terminal.raw:
            off = mode[:-1] + b"l"
            assert terminal.raw.rindex(mode) < terminal.raw.rfind(off), f"{mode!r} is left on"


def open_for(phase: str, place: Place) -> Terminal:
    """The screen in a phase."""
    if phase == "a replay":
        return place.terminal("replay", "--sample")
    terminal = place.terminal("--host", "none", "--every", "60" if phase == "live" else "1")
    PHASES[phase](terminal)
    return terminal


def ended_by(number: signal.Signals, phase: str, place: Place) -> str:
    """A signal that asks to end: soon, with its status, and the terminal restored."""
    terminal = open_for(phase, place)
    fresh = fresh_settings()
    assert settings_of(terminal) != fresh, "it is not raw"
    began = time.monotonic()
    os.kill(terminal.process.pid, number)
    status = terminal.wait_for_end(PATIENCE)
    took = time.monotonic() - began
    assert b"Traceback" not in terminal.raw
    assert status in (ENDING[number], -number), f"status {status}, expected {ENDING[number]}"
    restored(terminal, fresh)
    wait_for_death(place.processes(), 2.0)
    return f"status {status} after {took:.2f} s"


def fresh_settings() -> list[object]:
    """The settings of a terminal that nothing has touched."""
    import pty
    import termios

    master, slave = pty.openpty()
    try:
        return list(termios.tcgetattr(master))
    finally:
        os.close(master)
        os.close(slave)


def killed(phase: str, place: Place) -> str:
    """SIGKILL: nothing of it is left."""
    terminal = open_for(phase, place)
    terminal.process.kill()
    terminal.process.wait(5)
    took = wait_until(lambda: not place.processes(), 2.0, "everything gone")
    return f"nothing left after {took:.2f} s"


def stopped(seconds: float, phase: str, place: Place) -> str:
    """SIGSTOP, a while, SIGCONT: it goes on, and the terminal is restored at the end."""
    terminal = open_for(phase, place)
    os.kill(terminal.process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(terminal.process.pid, signal.SIGCONT)
    time.sleep(1.2)
    assert terminal.process.poll() is None, "it ended"
    terminal.press("\x1b")
    time.sleep(0.3)
    terminal.press("q")
    if terminal.process.poll() is None:
        time.sleep(0.6)
        if terminal.process.poll() is None:
            terminal.press("q")
    status = terminal.wait_for_end(PATIENCE)
    assert status == 0, f"status {status}"
    restored(terminal, fresh_settings())
    return "goes on, q ends it"


for _number in ENDING:
    for _name in PHASES:
        add(
            f"{_number.name}, {_name}",
            partial(ended_by, _number, _name),
            group="signals",
            injected=f"kill -{_number.name[3:]}",
            holds=f"ends soon with {ENDING[_number]}; terminal restored; nothing left",
            was_broken=_name == "live",
        )
for _name in PHASES:
    add(
        f"SIGKILL, {_name}",
        partial(killed, _name),
        group="signals",
        injected="kill -9",
        holds="no hog and no child left within 2 s",
    )
    add(
        f"SIGSTOP and SIGCONT, {_name}",
        partial(stopped, 0.3, _name),
        group="signals",
        injected="kill -STOP, kill -CONT",
        holds="goes on; q ends it with 0; terminal restored",
        was_broken=True,
    )


def command_ends(number: signal.Signals, arguments: tuple[str, ...], wanted: tuple[int, ...], place: Place) -> str:
    """A command that runs on ends soon with the status of its signal."""
    process = place.start(*arguments)
    time.sleep(1.5)
    assert process.poll() is None, (process.communicate()[1] or b"").decode()[-300:]
    began = time.monotonic()
    process.send_signal(number)
    _, told = process.communicate(timeout=10)
    assert b"Traceback" not in told, told.decode()[-400:]
    assert process.returncode in wanted, f"status {process.returncode}"
    wait_for_death(place.processes(), 3.0)
    return f"status {process.returncode} after {time.monotonic() - began:.2f} s"


COMMANDS: Final = {
    "snapshot --every": ("snapshot", "--json", "--every", "1", "--host", "none"),
    "doctor --watch": ("doctor", "--watch", "60", "--host", "none"),
    "record": ("record", "day.wsltop", "--host", "none"),
    "experiment": ("experiment", "--hogs", "1", "--size", "64M", "--hold", "60", "--host", "none"),
    "experiment -- sleep": ("experiment", "--host", "none", "--", "sleep", "60"),
    "report --watch": ("report", "--watch", "60", "--host", "none"),
}
for _name, _arguments in COMMANDS.items():
    for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        _wanted = (ENDING.get(_number, -9), -_number)
        add(
            f"{_number.name}, wsltop {_name}",
            partial(command_ends, _number, _arguments, _wanted),
            group="signals",
            injected=f"kill -{_number.name[3:]}",
            holds="ends soon with the signal's status; nothing left",
        )


@fault(
    "SIGTERM on a quiet screen",
    injected="--every 60, kill -TERM, three times",
    holds="the fastest of three under 0.5 s",
    was_broken=True,
)
def quick_end(place: Place) -> str:
    """A signal used to wait for the next sample; the fastest counts, for the machine may be busy."""
    took = []
    for _ in range(3):
        terminal = place.terminal("--host", "none", "--every", "60")
        time.sleep(1.0)
        began = time.monotonic()
        terminal.process.terminate()
        status = terminal.process.wait(PATIENCE)
        took.append(time.monotonic() - began)
        assert status in (143, -signal.SIGTERM), f"status {status}"
    assert min(took) < 0.5, f"{min(took):.2f} s"
    return ", ".join(f"{one:.2f} s" for one in sorted(took))
