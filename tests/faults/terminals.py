"""Terminals that go away, take no output, or send what no key sends."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from functools import partial
from typing import Final

from tests.faults.place import Place, wait_until
from tests.faults.signals import fresh_settings, restored, small_hog
from tests.faults.table import add, fault
from tests.terminal.harness import Terminal, cpu_seconds, environment

ALIVE: Final = 1.0


def still_works(terminal: Terminal) -> str:
    """Fail unless the screen answers keys and ends by q with status 0, the terminal restored."""
    time.sleep(0.4)
    assert terminal.process.poll() is None, f"it ended with {terminal.process.poll()}"
    terminal.press("?")
    terminal.wait_until(lambda: "q quit" not in terminal.lines[-1], what="help")
    terminal.press("\x1b")
    time.sleep(0.4)
    terminal.press("q")
    status = terminal.wait_for_end(5.0)
    assert status == 0, f"status {status}"
    restored(terminal, fresh_settings())
    return "goes on"


BYTES: Final = {
    "a Latin-1 letter": b"\xe9",
    "a byte 0xff": b"\xff",
    "a continuation byte alone": b"\x80\xbf",
    "half of a UTF-8 letter": b"\xe6\x97",
    "an X10 mouse report beyond column 95": b"\x1b[M \x84 0",
    "a NUL": b"\0",
    "a kitty key of a huge code": b"\x1b[9999999999u",
    "a kitty key beyond Unicode": b"\x1b[1114112u",
    "a kitty key with an odd event": b"\x1b[97;5:99u",
    "a size report of 99999 cells": b"\x1b[48;99999;99999;0;0t",
    "a torn CSI": b"\x1b[12;",
    "a torn OSC": b"\x1b]11;rgb:ff",
    "an unknown DCS": b"\x1bP>|term(1)\x1b\\",
}


def odd_bytes(data: bytes, place: Place) -> str:
    """Bytes that no key sends: dropped."""
    terminal = place.terminal("--host", "none")
    terminal.send(data)
    time.sleep(0.3)
    return still_works(terminal)


for _name, _data in BYTES.items():
    add(
        _name,
        partial(odd_bytes, _data),
        group="terminals",
        injected=f"{_data!r} typed",
        holds="dropped; the screen goes on",
        was_broken=True,
    )

REPLIES: Final = {
    "OSC 10": b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    "OSC 11 with BEL": b"\x1b]11;rgb:0c0c/0c0c/0c0c\x07",
    "OSC 10 without its escape": b"10;rgb:ffff/ffff/ffff",
    "DA1": b"\x1b[?62;22c",
    "DA1 without its escape": b"[?62;22c",
    "XTVERSION": b"\x1bP>|tmux 3.4\x1b\\",
    "a cursor report": b"\x1b[12;40R",
    "XTGETTCAP": b"\x1bP1+r544e=787465726d\x1b\\",
    "focus in and out": b"\x1b[I\x1b[O",
}


def reply(data: bytes, place: Place) -> str:
    """What a terminal answers acts as no key: nothing is recorded, paused, hidden or opened."""
    terminal = place.terminal("--host", "none")
    shape = [line[:3] for line in terminal.lines]
    for _ in range(4):
        terminal.send(data)
        time.sleep(0.15)
    time.sleep(0.6)
    assert not list(terminal_state(place).glob("*.wsltop")), "a recording began"
    assert "PAUSED" not in terminal.text
    assert sum(a != b for a, b in zip(shape, (line[:3] for line in terminal.lines), strict=True)) < 12, "it looks other"
    assert "REC" not in terminal.lines[0]
    return still_works(terminal)


def terminal_state(place: Place):  # type: ignore[no-untyped-def]
    """Where recordings and pictures go."""
    return place.home / "state" / "wsltop"


for _name, _data in REPLIES.items():
    add(
        f"a terminal's answer: {_name}",
        partial(reply, _data),
        group="terminals",
        injected=f"{_data!r} typed, four times",
        holds="acts as no key",
    )


@fault(
    "a word pasted without brackets",
    injected="'directory' and 'cy' in one write each",
    holds="nothing is run",
    was_broken=True,
)
def pasted_word(place: Place) -> str:
    """A destructive answer counts only alone, after the plan was read."""
    terminal = place.terminal("--host", "none")
    for word in (b"directory", b"cy", b"dy", b"Dy"):
        terminal.send(word)
        time.sleep(0.5)
        terminal.send(b"\x1b")
        time.sleep(0.4)
    for name in ("compact", "drop"):
        assert f"{name} was started" not in terminal.text
    terminal.press("f")
    time.sleep(0.5)
    assert "started here" not in terminal.text
    return still_works(terminal)


@fault(
    "a lone Escape after another key",
    injected="Esc at 40 moments after a key",
    holds="each one closes the card",
    was_broken=True,
)
def lone_escape(place: Place) -> str:
    """Escape acts, whenever it comes, and takes no key with it."""
    terminal = place.terminal("--host", "none")
    shut = terminal.lines[-1]
    for number in range(12):
        terminal.press("b")
        terminal.wait_until(lambda: terminal.lines[-1] != shut or "every byte" in terminal.text.lower(), what="a card")
        terminal.press("j")
        time.sleep(0.85 + 0.02 * number)
        terminal.send(b"\x1b")
        terminal.wait_until(lambda: terminal.lines[-1][:20] == shut[:20], 1.5, f"Escape number {number}")
    return "12 of 12"


@fault("the terminal goes, with SIGHUP", injected="the window is closed", holds="ends within 3 s; no hog left")
def hang_up(place: Place) -> str:
    """A closed window ends it at once."""
    terminal = place.terminal("--host", "none", "--every", "60")
    small_hog(terminal)
    terminal.hang_up()
    took = wait_until(lambda: not place.processes(), 3.0, "everything gone")
    return f"gone after {took:.2f} s"


@fault("the terminal goes, without a signal", injected="the pty is closed", holds="ends within 3 s; no spinning")
def silent_hang_up(place: Place) -> str:
    """A terminal that is not the controlling one sends no signal."""
    terminal = place.terminal("--host", "none", "--every", "60", NO_HANGUP="1")
    small_hog(terminal)
    terminal.hang_up()
    took = wait_until(lambda: not place.processes(), 3.0, "everything gone")
    return f"gone after {took:.2f} s"


@fault(
    "mouse moves",
    injected="300 SGR motion reports in 3 s",
    holds="under 5 % of a core (1003 is not on)",
    was_broken=True,
)
def mouse_moves(place: Place) -> str:
    """Motion without a button is not asked for."""
    terminal = place.terminal("--host", "none")
    assert b"\x1b[?1003h" not in terminal.raw, "any-motion tracking is on"
    before = cpu_seconds(terminal.process.pid)
    for number in range(30):
        terminal.send(f"\x1b[<32;{number + 1};10M".encode())
        time.sleep(0.1)
    used = (cpu_seconds(terminal.process.pid) - before) / 3.0
    terminal.press("\x1b[<0;30;10m")
    still_works(terminal)
    assert used < 0.5, f"{used:.0%} of a core while dragging"
    return f"{used:.1%} of a core while dragging"


@fault("resizes", injected="60 sizes from 1x1 to 500x150 in 3 s", holds="the screen goes on")
def resizes(place: Place) -> str:
    """Any size."""
    terminal = place.terminal("--host", "none")
    for number in range(60):
        terminal.resize(1 + number * 37 % 300, 1 + number * 17 % 80)
        time.sleep(0.05)
    terminal.resize(80, 24)
    time.sleep(1.0)
    return still_works(terminal)


@fault(
    "two Enters in the palette",
    injected="ctrl+p, then two Enters in one write",
    holds="the screen goes on",
    was_broken=True,
)
def two_enters(place: Place) -> str:
    """A double Enter opens nothing twice."""
    terminal = place.terminal("--host", "none")
    terminal.send(b"\x10")
    time.sleep(0.6)
    terminal.send(b"theme")
    time.sleep(0.6)
    terminal.send(b"\r\r")
    time.sleep(0.6)
    for _ in range(3):
        terminal.send(b"\x1b")
        time.sleep(0.3)
    return still_works(terminal)


@fault("a bracketed paste of 10 kB", injected="ESC[200~ … ESC[201~", holds="nothing runs; the screen goes on")
def long_paste(place: Place) -> str:
    """Paste is no keys."""
    terminal = place.terminal("--host", "none")
    terminal.send(b"\x1b[200~" + b"aAXcydr" * 1400 + b"\x1b[201~")
    time.sleep(0.6)
    assert not terminal.hogs()
    return still_works(terminal)


@fault("a key held", injected="'j' 400 times in 2 s", holds="the screen goes on")
def held_key(place: Place) -> str:
    """A held key."""
    terminal = place.terminal("--host", "none")
    for _ in range(100):
        terminal.send(b"jjjj")
        time.sleep(0.02)
    return still_works(terminal)


def unread_terminal(act: signal.Signals | bytes, statuses: tuple[int, ...], place: Place) -> str:
    """Frames are dropped, and a signal or a key is heard; the terminal's settings are restored."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [sys.executable, "-m", "wsltop", "--host", "none", "--every", "0.2"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env=environment(place.home) | {"WSLTOP_FAULT": place.token},
        cwd=place.home,
    )
    try:
        time.sleep(4.0)
        os.write(master, b"?")
        time.sleep(4.0)
        began = time.monotonic()
        if isinstance(act, bytes):
            os.write(master, b"\x1b")
            time.sleep(0.5)
            os.write(master, act)
        else:
            process.send_signal(act)
        status = process.wait(6.0)
        took = time.monotonic() - began
        assert status in statuses, f"status {status}"
        assert took < 4.0, f"{took:.1f} s"
        assert termios.tcgetattr(slave) == before, "the terminal stays raw"
        return f"status {status} after {took:.1f} s"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(slave)
        os.close(master)


for _name, _act, _statuses in (
    ("TERM ends it", signal.SIGTERM, (143,)),
    ("INT ends it", signal.SIGINT, (130,)),
    ("HUP ends it", signal.SIGHUP, (129,)),
    ("QUIT ends it", signal.SIGQUIT, (131,)),
    ("q ends it", b"q", (0,)),
    ("ctrl+c ends it", b"\x03", (0, 130)),
):
    add(
        f"a terminal that takes no output: {_name}",
        partial(unread_terminal, _act, _statuses),
        group="terminals",
        injected="the pty is not read for 8 s",
        holds="ends within 4 s, its settings restored",
        was_broken=_act is signal.SIGTERM,
    )
