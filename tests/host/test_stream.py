from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.host.stand_ins import (
    ANSWERS,
    GIB,
    HASTY,
    FakeDrive,
    runs,
    wait_for,
    wait_for_memory,
    wait_for_reason,
)
from wsltop.clock import SYSTEM_CLOCK
from wsltop.host.interop import Windows
from wsltop.host.powershell import open_powershell
from wsltop.host.source import Pace, StreamSource
from wsltop.model.sample import WAITING, HostMemory, Unavailable


def listen_to(windows: Windows, pace: Pace = HASTY) -> StreamSource:
    source = open_powershell(windows, interval=1.0, pace=pace, clock=SYSTEM_CLOCK)
    source.start()
    return source


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "say(line(end=b'\\r\\n'))\nobey()\n",
        "say(b'\\xef\\xbb\\xbf' + line())\nobey()\n",
        "say(b'\\xff\\xfe' + line(end=b'\\r\\n').decode().encode('utf-16-le'))\nobey()\n",
        "say(line(end=b'\\r\\n').decode().encode('utf-16-le'))\nobey()\n",
        "say(b'\\xfe\\xff' + line(end=b'\\r\\n').decode().encode('utf-16-be'))\nobey()\n",
        "say(b'\\x00\\xffgarbage\\n{\\n\\n' + line())\nobey()\n",
        "say(b'x' * 70000 + b'\\n')\nsay(line())\nobey()\n",
        "say(line(end=b'')[:50])\ntime.sleep(0.05)\nsay(line(end=b'')[50:])\ntime.sleep(0.05)\nsay(b'\\n')\nobey()\n",
        "complain(b'<3>WSL (204 - Relay) ERROR: CreateProcessParseCommon:863: Failed to translate x\\n')\n" + ANSWERS,
        "complain(b'e' * 60000)\nsay(line())\nobey()\n",
        "os.close(2)\nsay(line())\nobey()\n",
    ],
)
def test_an_answer_is_heard_in_any_form(drive: FakeDrive, body: str) -> None:
    source = listen_to(drive.powershell(body))
    assert wait_for_memory(source).working_set == 11 * GIB
    source.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("time.sleep(60)\n", "timed out: no answer from powershell.exe in 1 s"),
        ("ignore_everything()\n", "timed out"),
        ("sys.exit(1)\n", "interop is disabled"),
        ("sys.exit(7)\n", "powershell.exe ended with code 7"),
        ("sys.exit(0)\n", "powershell.exe ended before it printed anything"),
        ("os.kill(os.getpid(), 11)\n", "powershell.exe was killed by signal 11"),
        ("while True: say(b'x' * 4096)\n", "prints far more"),
        ("while True: say(b'x\\n' * 2048)\n", "prints far more"),
        ("while True: complain(b'x' * 4096)\n", "prints far more"),
        ("while True: say(b'x\\n'); time.sleep(0.001)\n", "prints far more"),
        ("say(b'hello\\n')\nobey()\n", "nothing that wsltop understands"),
        ("say(line(end=b''))\nsys.exit(3)\n", "ended with code 3"),
        ("complain(b'<3>WSL (9 - ) ERROR: UtilConnectUnix:482: connect failed 111\\n')\nsys.exit(1)\n", "is stale"),
        (
            "complain(b'<3>init: (747) ERROR: UtilConnectToInteropServer:300: connect failed 2\\n')\nsys.exit(1)\n",
            "stale",
        ),
        (
            "complain(b'<3>WSL (9) ERROR: UtilAcceptVsock:271: accept4 failed 110\\n')\nsys.exit(1)\n",
            "timed out: Windows",
        ),
        ("complain(b'This program is blocked by group policy.')\nsys.exit(1)\n", "blocked by policy: Windows denies"),
        ("complain('Access is denied.'.encode('utf-16-le'))\nsys.exit(5)\n", "blocked by policy: Windows denies"),
        ("complain(b'+ FullyQualifiedErrorId : ScriptsNotAllowed')\nsys.exit(1)\n", "language mode"),
        (
            "complain(b'FullyQualifiedErrorId : MethodInvocationNotSupportedInConstrainedLanguage')\nsys.exit(1)\n",
            "language mode",
        ),
        ("complain(b'\\x1b[31m\\xe2\\x80\\xaeoh no\\n')\nsys.exit(4)\n", "ended with code 4: oh no"),
        (b"MZ\x90\0\3\0\0\0", "binfmt_misc entry for Windows programs is lost"),
        (b"", "binfmt_misc entry for Windows programs is lost"),
    ],
)
def test_a_child_that_gives_nothing_says_why(drive: FakeDrive, body: str | bytes, reason: str) -> None:
    source = listen_to(drive.powershell(body))
    why = wait_for_reason(source, reason)
    source.close()
    assert why.hint
    assert why.reason.isprintable()


def test_a_reading_is_awaited_without_blocking(drive: FakeDrive) -> None:
    source = listen_to(drive.powershell("time.sleep(60)\n"))
    before = time.monotonic()
    assert source.read() == WAITING
    assert time.monotonic() - before < 0.1
    source.close()


def test_a_program_without_the_x_bit_is_not_called_blocked(drive: FakeDrive) -> None:
    """fmask=111 in /etc/wsl.conf was taken for a policy of the administrator's (mame/wsl2-ssh-agent#15)."""
    windows = drive.powershell("")
    (drive.path / "Windows/System32/WindowsPowerShell/v1.0/powershell.exe").chmod(0o644)
    source = listen_to(windows)
    wait_for_reason(source, "the x bit")
    source.close()


def test_one_death_keeps_the_reading_and_starts_again(drive: FakeDrive, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    source = listen_to(drive.powershell(f"open({str(starts)!r}, 'a').write('x')\nsay(line())\ntime.sleep(0.05)\n"))
    wait_for_memory(source)
    while not starts.exists() or len(starts.read_text()) < 3:
        assert isinstance(source.read(), HostMemory)
        time.sleep(0.01)
    source.close()


def test_a_dead_source_is_unavailable(drive: FakeDrive, tmp_path: Path) -> None:
    once = tmp_path / "once"
    body = f"if os.path.exists({str(once)!r}): sys.exit(9)\nopen({str(once)!r}, 'w')\nsay(line())\n"
    source = listen_to(drive.powershell(body))
    wait_for_memory(source)
    wait_for_reason(source, "ended with code 9")
    assert source.failing
    source.close()


def test_a_silent_source_times_out_and_recovers(drive: FakeDrive, tmp_path: Path) -> None:
    once = tmp_path / "once"
    body = (
        f"again = os.path.exists({str(once)!r})\nopen({str(once)!r}, 'w')\n"
        f"say(line(ws={2 * GIB} if again else {GIB}))\nignore_everything()\n"
    )
    source = listen_to(drive.powershell(body))
    assert wait_for_memory(source).working_set == GIB
    wait_for(lambda: isinstance(source.read(), Unavailable))
    assert wait_for_memory(source).working_set == 2 * GIB
    source.close()


def test_pauses_grow_up_to_the_longest(drive: FakeDrive, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    windows = drive.powershell(f"open({str(starts)!r}, 'a').write('x')\nsys.exit(2)\n")
    source = listen_to(windows, Pace(first_pause=0.1, longest_pause=0.4))
    wait_for_reason(source, "code 2")
    time.sleep(1.2)
    source.close()
    assert 2 <= len(starts.read_text()) <= 6


def test_a_stale_socket_is_not_passed_on_again(drive: FakeDrive) -> None:
    drive.powershell(
        "if 'WSL_INTEROP' in os.environ:\n"
        "    complain(b'<3>WSL (1 - ) ERROR: UtilConnectUnix:482: connect failed 111')\n"
        "    sys.exit(1)\n" + ANSWERS
    )
    source = listen_to(drive.windows(WSL_INTEROP="/run/WSL/8_interop"))
    wait_for_memory(source)
    source.close()


def test_a_flood_of_answers_is_ended_and_costs_little(drive: FakeDrive) -> None:
    source = listen_to(drive.powershell("while True: say(line())\n"), Pace(first_pause=30.0))
    before = time.process_time()
    wait_for_memory(source)
    wait_for(lambda: source.pids == ())
    time.sleep(0.2)
    assert time.process_time() - before < 0.3
    assert isinstance(source.read(), HostMemory)
    source.close()


def test_a_drive_that_comes_late_is_found(drive: FakeDrive) -> None:
    source = listen_to(drive.windows())
    wait_for_reason(source, "has no Windows/System32/WindowsPowerShell")
    drive.powershell(ANSWERS)
    wait_for_memory(source)
    source.close()


def test_closing_ends_the_input_of_the_program(drive: FakeDrive, tmp_path: Path) -> None:
    farewell = tmp_path / "farewell"
    source = listen_to(drive.powershell(f"say(line())\nwhile os.read(0, 9): pass\nopen({str(farewell)!r}, 'w')\n"))
    wait_for_memory(source)
    source.close()
    wait_for(farewell.exists)


def test_closing_walks_away_from_a_program_that_ignores_everything(drive: FakeDrive) -> None:
    source = listen_to(drive.powershell("say(line())\nignore_everything()\n"))
    wait_for_memory(source)
    (pid,) = source.pids
    before = time.monotonic()
    source.close()
    source.close()
    assert time.monotonic() - before < 1.0
    assert runs(pid)
    assert source.pids == ()
    assert isinstance(source.read(), Unavailable)


def test_a_program_that_has_printed_nothing_is_never_signaled_nor_started_twice(
    drive: FakeDrive, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    source = listen_to(
        drive.powershell(f"open({str(starts)!r}, 'a').write(f'{{os.getpid()}} ')\nignore_everything()\n")
    )
    wait_for_reason(source, "timed out")
    time.sleep(1.0)
    (pid,) = starts.read_text().split()
    assert source.failing
    assert runs(int(pid))
    os.kill(int(pid), signal.SIGKILL)  # it ends by itself
    wait_for(lambda: len(starts.read_text().split()) == 2)
    source.close()


def test_closing_interrupts_a_pause_and_an_unstarted_source(drive: FakeDrive) -> None:
    source = listen_to(drive.powershell("sys.exit(2)\n"), Pace(first_pause=60.0))
    wait_for_reason(source, "code 2")
    before = time.monotonic()
    source.close()
    assert time.monotonic() - before < 0.5
    unstarted = open_powershell(drive.windows(), interval=1.0, pace=HASTY, clock=SYSTEM_CLOCK)
    unstarted.close()
    unstarted.start()
    assert unstarted.stopped


def test_a_child_of_the_child_does_not_hold_the_source(drive: FakeDrive, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    body = (
        "say(line())\npid = os.fork()\n"
        f"if pid:\n    open({str(note)!r}, 'a').write(str(pid) + ' ')\n    os._exit(3)\n"
        "ignore_everything()\n"
    )
    source = listen_to(drive.powershell(body))
    wait_for_memory(source)
    wait_for(lambda: note.exists() and len(note.read_text().split()) >= 2)
    source.close()
    for pid in note.read_text().split():
        os.kill(int(pid), signal.SIGKILL)


def test_nothing_stays_open_after_closing(drive: FakeDrive) -> None:
    windows = drive.powershell(ANSWERS)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        source = listen_to(windows)
        wait_for_memory(source)
        source.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not any(thread.name.startswith("host ") for thread in threading.enumerate())


def test_a_quiet_child_costs_no_cpu(drive: FakeDrive) -> None:
    source = listen_to(drive.powershell(ANSWERS), Pace())
    wait_for_memory(source)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.05
    source.close()
