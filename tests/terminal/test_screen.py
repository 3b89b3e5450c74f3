"""What the terminal gets to see."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.host.stand_ins import FakeDrive
from tests.terminal.conftest import Open
from tests.terminal.harness import Terminal, color_parameters, command, environment, lives, wait_for_death

pytestmark = pytest.mark.slow

MIB = 1024**2
KERNEL_LOG = Path("/dev/kmsg")
TITLE = "\x1b]0;pwned\x07"
"""Sets the terminal's title, if it gets there raw."""


def go_through_everything(terminal: Terminal) -> None:
    """Use the keys that paint something of their own: help, toast, pause, filter, folding."""
    terminal.wait_for_frame()
    terminal.press("?")
    terminal.wait_for("Esc close")
    terminal.press("q")
    terminal.wait_without("Esc close")
    terminal.press("s")
    terminal.wait_for("saved ")
    terminal.press(" f")
    terminal.wait_for("PAUSED")
    terminal.wait_for("all ")
    terminal.press(" f1234")
    terminal.wait_for("LIVE")
    terminal.press("1234")
    terminal.wait_for("events")
    terminal.press("q")
    assert terminal.wait_for_end() == 0


def test_the_first_frame_is_complete(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none")
    terminal.wait_for_frame()
    lines = terminal.lines
    assert lines[0].startswith(" wsltop")
    assert "LIVE 1 s" in lines[0]
    assert [words for words in ("last 1 min", "no hogs", "events") if f"── {words} ──" in terminal.text] == [
        "last 1 min",
        "no hogs",
        "events",
    ]
    assert lines[1].startswith(" Expected lent")
    assert " uses " in terminal.text


def test_a_fast_drag_on_the_timeline_ends_at_its_last_cell(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", "--interval", "0.2", size=(100, 30))
    terminal.wait_until(lambda: any(line[92:93] == "╍" for line in terminal.lines), what="five seconds of the line")
    row = next(number for number, line in enumerate(terminal.lines, 1) if "── last " in line) + 2

    def cursor() -> int:
        return terminal.lines[row].find("┊") + 1

    terminal.send(f"\x1b[<0;97;{row}M\x1b[<32;96;{row}M".encode())
    terminal.wait_until(lambda: cursor() > 0)
    place = cursor()  # that of the sample before the second of the cell
    terminal.send(f"\x1b[<32;60;{row}M".encode())
    terminal.wait_until(lambda: 0 < cursor() < place)
    for column in range(61, 97):
        terminal.send(f"\x1b[<32;{column};{row}M".encode())
        time.sleep(0.01)
    terminal.send(f"\x1b[<0;96;{row}m".encode())
    terminal.wait_until(lambda: cursor() == place)
    terminal.press("\x1b")
    terminal.wait_for("LIVE")


def test_a_hog_takes_memory_and_gives_it_back(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", size=(100, 30))
    terminal.wait_for("a adds 1.0 GiB")
    terminal.press("<<<<")
    terminal.wait_for("a adds 64 MiB")
    assert "X all" not in terminal.lines[-1]
    terminal.press("a")
    terminal.wait_for("holding")
    (hog,) = terminal.hogs()
    assert str(hog.pid) in terminal.text
    assert 64 * MIB <= hog.memory_info().rss <= 96 * MIB
    terminal.wait_for("X all")
    terminal.press("X")
    terminal.wait_for("no hogs")
    wait_for_death([hog], 1.0)
    terminal.wait_until(lambda: re.search(rf"hog {hog.pid} killed, \d+ MiB free again", terminal.text) is not None)
    terminal.wait_without("X all")


def test_x_kills_the_selected_hog_and_no_movement_kills_any(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", size=(100, 30))
    terminal.wait_for_frame()
    terminal.press("<<<<")
    terminal.wait_for("64 MiB")
    terminal.press("A")
    terminal.wait_until(lambda: terminal.text.count("holding") == 4)
    hogs = {hog.pid: hog for hog in terminal.hogs()}
    terminal.press("jklGwunKJHL$^\x04\x15\x06\x02\x0e")
    terminal.wait_without("Push file cache out")  # what u asked, n has answered
    terminal.press("\x1b[A\x1b[B\x1b[C\x1b[D\x1b[5~\x1b[6~\x1b[H\x1b[F")
    terminal.press("kkkk")
    terminal.wait_until(lambda: "►" in hog_rows(terminal)[0])
    assert all(lives(hog) for hog in hogs.values())
    first = int(re.findall(r"\d+", hog_rows(terminal)[0].partition("►")[2])[0])
    terminal.press("x")
    terminal.wait_until(lambda: len(hog_rows(terminal)) == 3)
    assert set(hogs) - {hog.pid for hog in terminal.hogs()} == {first}


@pytest.mark.parametrize("burst", [b"vp", b"\x1b[200~secret\x1b[201~"], ids=["two keys", "a paste"])
def test_keys_that_come_at_once_do_nothing_and_that_is_said(open_terminal: Open, burst: bytes) -> None:
    """Who typed ``vp`` fast saw nothing happen, and nothing said why."""
    terminal = open_terminal("--host", "none")
    terminal.wait_for_frame()
    terminal.send(burst)
    terminal.wait_for("several keys at once")
    assert "secret" not in terminal.text
    assert "Esc close" not in terminal.text
    terminal.press("v")
    terminal.wait_for("Esc close")


def hog_rows(terminal: Terminal) -> list[str]:
    """The rows of the hogs that hold their memory."""
    return [line for line in terminal.lines if "holding" in line]


def test_what_windows_says_fills_the_host_bar(open_terminal: Open, drive: FakeDrive) -> None:
    drive.powershell("say(line(ws=2 << 30))\nobey()\n")
    terminal = open_terminal("--host", "powershell", "--drive", str(drive.path))
    terminal.wait_for("Windows lends  2.0 GiB")
    bar = next(line for line in terminal.lines if line.startswith(" Windows lends"))
    assert "█" in bar
    assert "host ok" in terminal.lines[0]
    terminal.wait_for("VM max")


def test_a_pause_is_gone_through_and_left(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", "--every", "0.5")
    terminal.wait_for_frame()
    terminal.press("<<<<")
    terminal.wait_for("64 MiB")
    terminal.press("a")
    terminal.wait_for("holding")
    terminal.press("X")
    terminal.wait_for(" killed, ")
    terminal.press(" ")
    terminal.wait_for("PAUSED")
    terminal.wait_for("[ ] step  { } event")
    terminal.press("{")
    terminal.press("[[[g")
    terminal.wait_for("Go to a time")
    terminal.press("start\r")
    terminal.wait_without("Go to a time")
    terminal.wait_until(lambda: " ●─" in terminal.lines[1], what="the start of the line of time")
    terminal.wait_for("no hogs")
    terminal.press("a")
    terminal.wait_until(lambda: len(terminal.hogs()) == 1, what="a hog in a pause")
    terminal.press("Xg")
    terminal.wait_for("Go to a time")
    terminal.press("end\r")
    terminal.wait_without("Go to a time")
    terminal.wait_for(" killed, ")
    terminal.press(" ")
    terminal.wait_for("LIVE")
    terminal.press("q")
    assert terminal.wait_for_end() == 0


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 30), (200, 60)])
def test_the_screen_fills_the_terminal_exactly(open_terminal: Open, size: tuple[int, int]) -> None:
    terminal = open_terminal("--host", "none", size=size)
    terminal.wait_for_frame()
    assert terminal.lines[0].startswith(" wsltop")
    assert "? help q quit" in terminal.lines[-1]
    for panel in ("last 1 min", "no hogs", "events"):
        assert f" {panel} " in terminal.text


def test_a_tiny_terminal_is_told_what_is_needed_and_can_be_left(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", size=(30, 7))
    terminal.wait_for("terminal has 30x7")
    terminal.press("q")
    assert terminal.wait_for_end() == 0


def test_resizing_there_and_back_keeps_the_screen_whole(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", size=(30, 7))
    terminal.wait_for("terminal has 30x7")
    for columns, rows in ((160, 48), (80, 24), (60, 16), (39, 16), (60, 7), (120, 30)):
        terminal.resize(columns, rows)
        if columns < 40 or rows < 8:
            terminal.wait_for(f"terminal has {columns}x{rows}")
        else:
            terminal.wait_for_frame()
            terminal.wait_for(" events ")
            assert terminal.lines[0].startswith(" wsltop")


def test_without_color_no_color_is_sent(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", environ={"NO_COLOR": "1"})
    go_through_everything(terminal)
    assert color_parameters(terminal.raw) == set()


@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": ""}], ids=["unset", "empty"])
def test_color_is_used_unless_it_is_refused(open_terminal: Open, environ: dict[str, str]) -> None:
    terminal = open_terminal("--host", "none", environ=environ)
    terminal.wait_for_frame()
    assert "38" in color_parameters(terminal.raw)


def test_the_command_line_overrules_no_color(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", "--color", "always", environ={"NO_COLOR": "1"})
    terminal.wait_for_frame()
    assert "38" in color_parameters(terminal.raw)


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_locale_without_utf_8_gets_pure_ascii(open_terminal: Open, drive: FakeDrive, locale: str) -> None:
    drive.powershell("say(line(ws=2 << 30))\nobey()\n")
    arguments = ("--host", "powershell", "--drive", str(drive.path))
    terminal = open_terminal(*arguments, environ={"LC_ALL": locale})
    terminal.wait_for("Windows lends")
    terminal.press("?")
    terminal.wait_for("Esc close")
    terminal.press("q")
    terminal.wait_without("Esc close")
    terminal.press("f")
    terminal.wait_for(" all ")
    terminal.press("q")
    assert terminal.wait_for_end() == 0
    assert terminal.raw.isascii()


def test_escapes_from_windows_do_not_reach_the_terminal(open_terminal: Open, drive: FakeDrive) -> None:
    drive.powershell(
        "complain(b'\\x1b]0;pwned\\x07\\x1b[31mnoise\\xe2\\x80\\xae\\n')\n"
        "say(line(name='vmmemWSL\\\\u001b]0;pwned\\\\u0007'))\nsay(line(name='vmmemWSL\\x1b]0;pwned\\x07'))\n"
        "complain(b'\\x1b]0;pwned\\x07\\x1b[31m\\n')\nsys.exit(3)\n"
    )
    terminal = open_terminal("--host", "powershell", "--drive", str(drive.path))
    terminal.wait_for("no host")
    terminal.wait_for("powershell.exe")
    terminal.press("q")
    assert terminal.wait_for_end() == 0
    assert b"pwned" not in terminal.raw
    assert "\u202e".encode() not in terminal.raw


def test_escapes_in_the_kernel_log_do_not_reach_the_terminal(open_terminal: Open) -> None:
    mark = f"wsltop-test-{os.getpid()}"
    try:
        with KERNEL_LOG.open("wb", buffering=0) as log:
            log.write(f"<6>{mark} {TITLE}\x1b[31m\x9b5m[red]end[/red] drop_caches\n".encode())
    except OSError:
        pytest.skip("the kernel log cannot be written")
    terminal = open_terminal("--host", "none", size=(160, 48))
    terminal.wait_for_frame()
    terminal.press("f")
    terminal.wait_for(f"{mark} [red]end[/red] drop_caches")
    terminal.press("q")
    assert terminal.wait_for_end() == 0
    assert b"pwned" not in terminal.raw
    assert "\x9b".encode() not in terminal.raw


def test_a_dumb_terminal_gets_the_snapshot(open_terminal: Open) -> None:
    terminal = open_terminal("--host", "none", environ={"TERM": "dumb"})
    assert terminal.wait_for_end() == 0
    assert b"\x1b" not in terminal.raw
    assert b"TERM='dumb' cannot show a full screen" in terminal.raw
    assert b"reportable free" in terminal.raw


@pytest.mark.parametrize("stdin", ["closed", "empty", "terminal"])
def test_a_pipe_gets_the_snapshot_and_the_reason_on_standard_error(tmp_path: Path, stdin: str) -> None:
    master, slave = os.openpty()
    source = {"closed": None, "empty": subprocess.DEVNULL, "terminal": slave}[stdin]
    arguments = command(["--host", "none"])
    if stdin == "closed":
        arguments = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *arguments]
    try:
        done = subprocess.run(
            arguments,
            stdin=source,
            capture_output=True,
            env=environment(tmp_path),
            cwd=tmp_path,
            timeout=20,
            check=False,
        )
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 0, done.stderr
    assert b"reportable free" in done.stdout
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"is not a terminal, so this is a snapshot" in done.stderr


def test_a_picture_and_a_report_are_saved_below_the_state_folder(open_terminal: Open, tmp_path: Path) -> None:
    terminal = open_terminal("--host", "none", environ={"TERM": "linux", "PATH": ""})
    terminal.wait_for_frame()
    terminal.press("s")
    terminal.wait_for("saved ")
    terminal.press("y")
    terminal.wait_until(lambda: bool(list((tmp_path / "state/wsltop").glob("report-*.txt"))))
    assert "reportable free" in next((tmp_path / "state/wsltop").glob("report-*.txt")).read_text()
    assert "<svg" in next((tmp_path / "state/wsltop").glob("wsltop-*.svg")).read_text()
