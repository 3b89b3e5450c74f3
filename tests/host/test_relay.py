"""No relay of WSL is ended before Windows has answered (WSL#41173), and none stays: on the real way of execution."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.host.interop import Interop, needs_interop
from tests.waiting import is_readable
from wsltop.host.powershell import OPTIONS, write_script

pytestmark = [needs_interop, pytest.mark.slow]
BOOT = 1.5


@pytest.fixture(params=["full", "constrained"])
def interop(request: pytest.FixtureRequest, tmp_path: Path) -> Interop:
    made = Interop(tmp_path, BOOT)
    if request.param == "constrained":
        made.put("constrained")
    return made


def ends_well(interop: Interop) -> None:
    """Each relay ends by itself within 3 s of its first byte; none was killed."""
    interop.end_relays()
    for line in interop.log("relay gone"):
        began = next(
            float(first.split()[0]) for first in interop.log("first line") if first.split()[1] == line.split()[1]
        )
        assert float(line.split()[0]) - began < 3.0, interop.log()


def test_a_relay_starts_directly_with_sigpipe_in_a_session_of_its_own(tmp_path: Path) -> None:
    interop = Interop(tmp_path)
    status, out, err = interop.run("snapshot", "--host", "powershell")
    assert status == 0, err
    assert "vmmemWSL (pid 4242)" in out
    script = (interop.here / "cmdline").read_text()
    assert script == " ".join(("powershell.exe", *OPTIONS, f'"{write_script(1.0)}"'))
    (line,) = interop.log("started")
    assert line.endswith("started, SIGPIPE default, session own")
    directory, names = ast.literal_eval((interop.here / "environ").read_text())
    assert directory.endswith("c/Windows/System32")
    assert set(names) <= {"WSL_INTEROP", "WSL_DISTRO_NAME", "PWD", "LC_CTYPE", "OLDPWD", "SHLVL", "_"}
    ends_well(interop)


def test_quitting_the_screen_before_windows_answers(interop: Interop) -> None:
    read, write = os.openpty()
    command = interop.wsltop("--host", "powershell")
    with subprocess.Popen(
        command, stdin=write, stdout=write, stderr=write, env=interop.environ(), cwd=Path.cwd(), start_new_session=True
    ) as process:
        os.close(write)
        drain(read, until=lambda: bool(interop.log("started")), seconds=20.0)
        time.sleep(0.5)
        os.write(read, b"q")
        drain(read, until=lambda: process.poll() is not None, seconds=20.0)
    os.close(read)
    assert interop.log("first line") == [] or interop.log("stdin closed") != []
    ends_well(interop)


def drain(terminal: int, until: object, seconds: float) -> None:
    """Read what the screen draws until a condition holds."""

    deadline = time.monotonic() + seconds
    while not until():  # type: ignore[operator]
        assert time.monotonic() < deadline
        if is_readable(terminal, 0.05):
            try:
                os.read(terminal, 65536)
            except OSError:
                return


def test_a_snapshot_that_does_not_wait_for_a_slow_windows(interop: Interop) -> None:
    interop.put("boot", "6.0")
    status, out, _ = interop.run("snapshot", "--host", "powershell", "--wait", "2")
    assert status == 0
    assert "vmmemWSL (pid" not in out
    assert interop.log("first line") == []
    interop.end_relays(12.0)
    ends_well(interop)


@pytest.mark.parametrize("after", ["before the first line", "after it"])
def test_killing_wsltop(interop: Interop, after: str) -> None:
    process = interop.start(interop.wsltop("snapshot", "--every", "1", "--json", "--host", "powershell"))
    interop.wait_log("started" if after == "before the first line" else "first line", 20.0)
    process.kill()
    process.communicate()
    ends_well(interop)


RUN_ON = {
    "record": ("record", "day.wsltop", "--host", "powershell"),
    "watch": ("watch", "--host", "powershell"),
    "doctor": ("doctor", "--watch", "30", "--host", "powershell"),
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("command", RUN_ON.values(), ids=RUN_ON.keys())
def test_a_command_that_is_ended_before_windows_answers(
    tmp_path: Path, command: tuple[str, ...], number: signal.Signals
) -> None:
    interop = Interop(tmp_path, BOOT)
    words = [str(tmp_path / word) if word.endswith(".wsltop") else word for word in command]
    process = interop.start(interop.wsltop(*words))
    interop.wait_log("started", 20.0)
    process.send_signal(number)
    process.communicate(timeout=20)
    ends_well(interop)


def test_a_report_whose_wsl_exe_is_slow(tmp_path: Path) -> None:
    interop = Interop(tmp_path)
    interop.put("boot", "10.0")
    status, out, _ = interop.run("report", "--host", "none", seconds=60.0)
    assert status == 0
    assert "wsl.exe --list" in out
    interop.end_relays(12.0)


TIMES_OUT = """
import sys, time
from pathlib import Path
from wsltop.clock import SYSTEM_CLOCK
from wsltop.host.interop import Windows
from wsltop.host.powershell import open_powershell
from wsltop.host.source import Pace
windows = Windows(root=Path("/"), environ={}, drive=Path(sys.argv[1]))
source = open_powershell(windows, interval=1.0, pace=Pace(first_answer=1.0, first_pause=0.1), clock=SYSTEM_CLOCK)
source.start()
time.sleep(4.0)
print(source.read().reason)
source.close()
"""


def test_a_time_out_starts_no_second_relay(interop: Interop) -> None:
    interop.put("boot", "6.0")
    with interop.start(interop.command(sys.executable, "-c", TIMES_OUT, str(interop.drive))) as process:
        out, err = process.communicate(timeout=30)
    assert out.decode().startswith("timed out"), err
    assert len(interop.log("started")) == 1
    interop.end_relays(12.0)
    ends_well(interop)


def test_a_living_relay_of_a_killed_wsltop_is_known(interop: Interop) -> None:
    """The locked descriptor that a relay inherits tells the next wsltop that it still lives."""
    interop.put("boot", "4.0")
    first = interop.start(interop.wsltop("snapshot", "--every", "1", "--json", "--host", "powershell"))
    interop.wait_log("started", 20.0)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    status, out, err = interop.run("snapshot", "--host", "powershell", "--wait", "20")
    assert status == 0, err
    assert "vmmemWSL (pid 4242)" in out
    first_gone, second = interop.log("relay gone")[0], interop.log("started")[1]
    assert interop.log().index(first_gone) < interop.log().index(second)
    ends_well(interop)


def test_another_source_answers_while_the_last_relay_lives(tmp_path: Path) -> None:
    interop = Interop(tmp_path)
    interop.put("boot-powershell.exe", "14")
    first = interop.start(interop.wsltop("snapshot", "--every", "1", "--json", "--host", "powershell"))
    interop.wait_log("started", 20.0)
    first.kill()
    first.communicate()
    words = ("snapshot", "--every", "1", "--count", "12", "--json", "--host", "auto")
    wsl = {"WSL_INTEROP": "/run/WSL/1_interop", "WSL_DISTRO_NAME": "Ubuntu"}  # ``auto`` asks only inside WSL
    with interop.start(interop.wsltop(*words), **wsl) as process:
        out, err = process.communicate(timeout=40)
    assert b'"tasklist"' in out, (out[-500:], err)
    assert len(interop.log("powershell.exe started")) == 1
    interop.end_relays(20.0)


def test_refused_by_windows_is_told(tmp_path: Path) -> None:
    interop = Interop(tmp_path)
    interop.put("refuse")
    _, out, err = interop.run("snapshot", "--host", "powershell")
    assert "Windows refused to start it" in out + err
    interop.end_relays()


@pytest.mark.parametrize("host", ["powershell", "tasklist"])
def test_answers_in_utf_16_are_read(tmp_path: Path, host: str) -> None:
    interop = Interop(tmp_path)
    interop.put("utf16")
    _, out, _ = interop.run("snapshot", "--host", host)
    assert "vmmemWSL (pid 4242)" in out
    interop.end_relays()


def test_a_report_asks_wsl_exe_and_leaves_nothing(tmp_path: Path) -> None:
    interop = Interop(tmp_path)
    status, out, err = interop.run("report", "--host", "tasklist")
    assert status == 0, err
    assert "2.7.11" in out
    interop.end_relays()
    assert {line.split()[2] for line in interop.log("started")} == {"tasklist.exe", "wsl.exe"}
