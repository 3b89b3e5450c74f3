"""``wsltop record``: a file that is good however the recording ends."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import resource
import signal
import termios
import time
from pathlib import Path

import pytest

from tests.commands.program import Program, start, verify_unit
from tests.recording.recorded import read
from wsltop.commands.record import ticks
from wsltop.errors import RecordingError
from wsltop.recording.reader import Recording

QUICK = ("--every", "0.2", "--host", "none")


def wait_for_samples(path: Path, count: int = 3) -> int:
    """Wait until so many samples are in the file; how many there are then."""
    end = time.monotonic() + 30
    while True:
        with contextlib.suppress(RecordingError), Recording.open(path) as recording:
            if recording.count >= count:
                return recording.count
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_records_for_so_long(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "r.wsltop"
    status, out, err = program("record", file, *QUICK, "--duration", "1s")
    assert (status, out) == (0, "")
    assert re.fullmatch(rf"wsltop: wrote 6 samples in 1\.\d s, \d+ KiB in {re.escape(str(file))}\n", err)
    samples = read(file)
    assert len(samples) == 6
    assert samples[0].hogs == ()
    assert 0.99 < samples[-1].monotonic - samples[0].monotonic < 1.5


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_well(tmp_path: Path, environ: dict[str, str], number: int) -> None:
    file = tmp_path / "r.wsltop"
    process = start("record", file, *QUICK, environ=environ)
    wait_for_samples(file)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (128 + number, b"")
    assert err.startswith(b"wsltop: wrote ")
    assert read(file)


def test_what_was_ignored_stays_ignored(tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "r.wsltop"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("record", file, *QUICK, environ=environ)
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for_samples(file)
    process.send_signal(signal.SIGHUP)
    wait_for_samples(file, wait_for_samples(file) + 2)
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 143


def test_a_recording_that_was_killed_opens(tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "r.wsltop"
    process = start("record", file, *QUICK, environ=environ)
    wait_for_samples(file)
    process.kill()
    process.communicate(timeout=20)
    assert read(file)


def test_a_terminal_sees_the_progress(tmp_path: Path, environ: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    file = tmp_path / "r.wsltop"
    command = ("record", file, *QUICK, "--duration", "1")
    process = start(*command, environ=environ | {"LC_ALL": "C.UTF-8"}, stderr=theirs)
    os.close(theirs)
    assert process.communicate(timeout=20)[0] == b""
    told = os.read(ours, 65536).decode()
    os.close(ours)
    assert re.search(r"\r● REC [0-9.]+ (?:B|KiB|MiB) 0\.4 s", told)
    assert re.search(rf"6 samples in 1\.0 s, [0-9.]+ KiB in {re.escape(str(file))}\r\n$", told)


@pytest.mark.slow
def test_a_full_disk_is_told(program: Program, tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "r.wsltop"
    assert program("record", tmp_path / "one", *QUICK, "--duration", "1").status == 0
    room = (tmp_path / "one").stat().st_size + 4000
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        process = start("record", file, *QUICK, environ=environ)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(rb"wsltop: .*r\.wsltop cannot be written: .*; .* what it has is kept\n", err)
    assert read(file)


def test_a_file_that_is_there_is_not_replaced_unasked(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "r"
    file.write_text("mine")
    result = program("record", file, "--host", "none", "--duration", "1")
    assert result.status == 1
    assert "exists" in result.err
    assert file.read_text() == "mine"
    assert program("record", file, *QUICK, "--duration", "1", "--overwrite").status == 0
    assert len(read(file)) == 6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--duration", "0"), "less than a second"),
        (("--duration", "soon"), "'soon' is not a duration"),
        (("--keep", "-1h"), "not a duration"),
        (("--max-size", "10K"), "less than 1.0 MiB"),
        (("--max-size", "big"), "'big' is not a size"),
        (("--every", "0.01"), "0.2<=x<=60"),
        (("--every", "nan"), "not a number of seconds"),
        (("--host", "mars"), "mars"),
    ],
)
def test_wrong_options_leave_no_file(program: Program, tmp_path: Path, options: tuple[str, str], told: str) -> None:
    result = program("record", tmp_path / "r", *options)
    assert (result.status, result.out) == (2, "")
    assert told in result.err
    assert not (tmp_path / "r").exists()


def test_a_folder_that_is_missing_is_told(program: Program, tmp_path: Path) -> None:
    result = program("record", tmp_path / "none" / "r", "--host", "none")
    assert result.status == 1
    assert result.err.startswith(f"wsltop: cannot create {tmp_path / 'none' / 'r'}: No such file")


def test_ticks_do_not_drift_and_leave_out_what_was_slept_through(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]

    def select(*arguments: object) -> tuple[list[int], list[int], list[int]]:
        timeout = arguments[3]
        assert isinstance(timeout, float)
        now[0] += timeout
        return [], [], []

    monkeypatch.setattr("wsltop.commands.record.select.select", select)
    monkeypatch.setattr("wsltop.commands.record.time.monotonic", lambda: now[0])
    taken = []
    busy = iter([0.3, 0.3, 0.3, 5.2, 0.3, 0.0, 0.0, 0.0])
    for _ in ticks(1.0, 10.0, 0):
        taken.append(round(now[0] - 100, 3))
        now[0] += next(busy)
    assert taken == [0, 1, 2, 3, 8.2, 9, 10]


def test_a_terminal_that_goes_away_is_no_reason_to_end(tmp_path: Path, environ: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    file = tmp_path / "r.wsltop"
    process = start("record", file, *QUICK, environ=environ, stderr=theirs)
    os.close(theirs)
    wait_for_samples(file)
    os.close(ours)
    wait_for_samples(file, wait_for_samples(file) + 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_a_terminal_that_takes_no_output_does_not_stop_it(tmp_path: Path, environ: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    file = tmp_path / "r.wsltop"
    termios.tcflow(theirs, termios.TCOOFF)  # Ctrl+S
    process = start("record", file, *QUICK, environ=environ, stderr=theirs)
    wait_for_samples(file, 10)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 143


def test_it_appends(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "r.wsltop"
    for _ in range(2):
        assert program("record", file, *QUICK, "--duration", "1s", "--quiet") == (0, "", "")
    samples = read(file)
    assert len(samples) == 12
    assert samples[6].marks[0].text.startswith("recording: nothing for ")


def test_two_at_once(program: Program, tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "r.wsltop"
    process = start("record", file, *QUICK, environ=environ)
    wait_for_samples(file)
    result = program("record", file, *QUICK)
    assert result.status == 1
    assert "is being recorded to by another wsltop" in result.err
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 143


def test_after_a_kill_the_same_command_goes_on(program: Program, tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "r.wsltop"
    process = start("record", file, *QUICK, environ=environ)
    count = wait_for_samples(file, 5)
    process.kill()
    process.communicate(timeout=20)
    assert program("record", file, *QUICK, "--duration", "1s", "--keep", "7d").status == 0
    assert len(read(file)) >= count + 6
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("r.")] == ["r.wsltop"]


def test_the_unit_of_a_flight_recorder(program: Program, tmp_path: Path) -> None:
    result = program("record", tmp_path / "a b.rec", "--service", "--every", "2", "--host", "none")
    assert (result.status, result.err) == (0, "")
    (command,) = (one for one in result.out.splitlines() if one.startswith("ExecStart="))
    assert command.removeprefix("ExecStart=").startswith("/")
    assert f'record "{tmp_path}/a b.rec" --every 2 --keep 604800s --max-size 209715200 --host none' in command
    assert "KillMode=process" in result.out
    assert "SuccessExitStatus=143" in result.out
    assert not (tmp_path / "a b.rec").exists()
    assert "--max-size" not in program("record", "x", "--service", "--keep", "2d").out


def test_systemd_takes_the_unit(program: Program, tmp_path: Path) -> None:
    unit = tmp_path / "wsltop-record.service"
    unit.write_text(program("record", tmp_path / "50% $HOME.rec", "--service").out)
    said = verify_unit(unit)
    assert "wsltop-record" not in said, said
