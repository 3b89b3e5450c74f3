from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.stand_ins import HASTY, ROW, FakeDrive, runs, wait_for, wait_for_memory, wait_for_reason
from wsltop.clock import SYSTEM_CLOCK
from wsltop.host.source import LARGEST, NOT_FOUND, Pace
from wsltop.host.tasklist import ARGUMENTS, open_tasklist, parse_kib, parse_output
from wsltop.model.sample import HostMemory, Unavailable

OUTPUTS = sorted((Path(__file__).parent.parent / "data/windows/tasklist").iterdir())
KIB = 11_476_232


@pytest.mark.parametrize(
    "path", [one for one in OUTPUTS if not one.name.startswith("none")], ids=lambda path: path.name
)
def test_every_locale_is_read(path: Path) -> None:
    reading = parse_output(path.read_bytes(), 5.0)
    assert isinstance(reading, HostMemory)
    assert reading.working_set == 1024 * (932 if "small" in path.name else KIB)
    assert reading.pid == 9448
    assert reading.source == "tasklist"
    assert isinstance(reading.total, Unavailable)


@pytest.mark.parametrize("path", [one for one in OUTPUTS if one.name.startswith("none")], ids=lambda path: path.name)
def test_no_row_is_not_found(path: Path) -> None:
    assert parse_output(path.read_bytes(), 5.0) == NOT_FOUND


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (b'"vmmem","1","Services","0","9 K"\r\n"vmmem","2","Services","0","9 K"\r\n', "2 virtual machines"),
        (b'"vmmemWSA","1","Services","0","9 K"\r\n', "no vmmemWSL"),
        (b'"vmmemWSL","1","Services","0","9,5 GB"\r\n', "does not understand"),
        (b'"vmmemWSL","x","Services","0","9,500 K"\r\n', "does not understand"),
        (b'"vmmemWSL","1"\r\n', "does not understand"),
        (b'"vmmemWSL","1","Services","0","N/A"\r\n', "does not understand"),
    ],
)
def test_a_row_that_does_not_count_says_why(rows: bytes, reason: str) -> None:
    reading = parse_output(rows, 5.0)
    assert isinstance(reading, Unavailable)
    assert reason.removeprefix("no ") in reading.reason


def test_a_hostile_name_is_cleaned() -> None:
    rows = '"vmmem\x1b[31m\u202eXX","1","S","0","oops"\r\n'.encode()
    reading = parse_output(rows, 5.0)
    assert isinstance(reading, Unavailable)
    assert reading.reason.isprintable()
    assert "\u202e" not in reading.reason


@given(st.integers(1, LARGEST // 1024 - 1), st.sampled_from([",", ".", "'", "\u00a0", "\u202f", " ", "\u2019", "٬"]))
def test_groups_of_thousands_are_joined(size: int, separator: str) -> None:
    assert parse_kib(f"{size:,}".replace(",", separator) + " K") == size * 1024


@given(st.binary(max_size=200))
def test_any_output_is_survived(raw: bytes) -> None:
    parse_output(raw, 5.0)
    parse_output(b'"vmmemWSL","9448",' + raw, 5.0)


@given(st.text(max_size=40))
def test_any_field_is_survived(field: str) -> None:
    assert (parse_kib(field) or 0) < LARGEST


def test_tasklist_is_run_again_and_again(drive: FakeDrive, tmp_path: Path) -> None:
    count = tmp_path / "count"
    body = (
        f"open({str(count)!r}, 'a').write(repr((sys.argv[1:], os.getcwd(), os.read(0, 1))) + chr(10))\nsay({ROW!r})\n"
    )
    source = open_tasklist(drive.tasklist(body), interval=0.2, pace=HASTY, clock=SYSTEM_CLOCK)
    source.start()
    reading = wait_for_memory(source)
    source.close()
    assert reading.working_set == KIB * 1024
    assert count.read_text().splitlines()[0] == repr((list(ARGUMENTS), str(drive.path / "Windows/System32"), b""))


def test_no_task_on_standard_error_is_not_found(drive: FakeDrive) -> None:
    body = "complain(b'INFO: No tasks are running which match the specified criteria.\\r\\n')\n"
    source = open_tasklist(drive.tasklist(body), interval=1.0, pace=HASTY, clock=SYSTEM_CLOCK)
    source.start()
    assert wait_for_reason(source, "no vmmemWSL") == NOT_FOUND
    source.close()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit(1)\n", "interop is disabled"),
        ("complain(b'ERROR: Access is denied.')\nsys.exit(1)\n", "blocked by policy"),
        ("complain(b'ERREUR : \\x82chec')\nsys.exit(128)\n", "ended with code 128: ERREUR"),
        ("say(b'x' * 1000000)\nsys.exit(3)\n", "prints far more"),
        ("os.kill(os.getpid(), 11)\n", "killed by signal 11"),
        ("time.sleep(60)\n", "timed out"),
        (b"MZ\x90\0\3", "binfmt_misc entry"),
    ],
)
def test_a_failing_tasklist_says_why(drive: FakeDrive, body: str | bytes, reason: str) -> None:
    source = open_tasklist(drive.tasklist(body), interval=1.0, pace=HASTY, clock=SYSTEM_CLOCK)
    source.start()
    wait_for_reason(source, reason)
    source.close()


def test_a_hanging_tasklist_is_left_with_the_source(drive: FakeDrive, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    body = f"open({str(note)!r}, 'w').write(str(os.getpid()))\nignore_everything()\n"
    patient = Pace(first_answer=30.0)
    source = open_tasklist(drive.tasklist(body), interval=1.0, pace=patient, clock=SYSTEM_CLOCK)
    source.start()
    wait_for(lambda: note.exists() and bool(note.read_text()))
    before = time.monotonic()
    source.close()
    assert time.monotonic() - before < 1.0
    assert runs(int(note.read_text()))
