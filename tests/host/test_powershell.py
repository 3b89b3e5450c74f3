from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.stand_ins import GIB, HASTY, FakeDrive, wait_for_memory
from wsltop.clock import SYSTEM_CLOCK
from wsltop.host.powershell import CANNOT_TELL, OPTIONS, SHORTEST, open_powershell, parse_line, write_script
from wsltop.host.source import NOT_FOUND
from wsltop.model.sample import HostMemory, SeveralVms, Unavailable, VmProcess


def make_line(*processes: dict[str, object], **changes: object) -> bytes:
    said: dict[str, object] = {
        "wsltop": 1,
        "mode": "FullLanguage",
        "processes": list(processes),
        "total": str(32 * GIB),
        "available": str(4 * GIB),
    }
    return json.dumps(said | changes).encode()


def vmmem(name: str = "vmmemWSL", pid: int = 9448, working_set: object = str(11 * GIB)) -> dict[str, object]:
    return {"name": name, "pid": str(pid), "working_set": working_set, "private": str(12 * GIB)}


def test_a_line_becomes_a_reading() -> None:
    assert parse_line(make_line(vmmem()), 5.0) == HostMemory(
        source="powershell",
        process="vmmemWSL",
        pid=9448,
        working_set=11 * GIB,
        private_bytes=12 * GIB,
        total=32 * GIB,
        available=4 * GIB,
        vms=(VmProcess(name="vmmemWSL", working_set=11 * GIB),),
        read_at=5.0,
    )


def test_a_line_names_the_other_virtual_machines_too() -> None:
    other: dict[str, object] = {"name": "vmmem", "pid": "7", "working_set": str(2 * GIB), "private": str(GIB)}
    reading = parse_line(make_line(vmmem(), other), 5.0)
    assert isinstance(reading, HostMemory)
    assert [(vm.name, vm.working_set) for vm in reading.vms] == [("vmmemWSL", 11 * GIB), ("vmmem", 2 * GIB)]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_of_a_line_is_read(encoding: str) -> None:
    line = (make_line(vmmem()).decode() + "\r").encode(encoding)
    assert parse_line(line, 5.0) == parse_line(make_line(vmmem()), 5.0)


def test_what_windows_does_not_tell_is_unavailable() -> None:
    process = {**vmmem(), "private": ""}
    reading = parse_line(make_line(process, total="", available=""), 5.0)
    assert isinstance(reading, HostMemory)
    assert reading.private_bytes == reading.total == reading.available == CANNOT_TELL


def test_more_available_than_there_is_is_not_believed() -> None:
    reading = parse_line(make_line(vmmem(), available=str(64 * GIB)), 5.0)
    assert isinstance(reading, HostMemory)
    assert reading.available == CANNOT_TELL


def test_no_process_is_told() -> None:
    assert parse_line(make_line(), 5.0) == NOT_FOUND


def test_several_are_ambiguous() -> None:
    reading = parse_line(make_line(vmmem("vmmem", 1), vmmem("vmmem", 2)), 5.0)
    assert isinstance(reading, Unavailable)
    assert isinstance(reading, SeveralVms)
    assert (reading.total, reading.available) == (32 * GIB, 4 * GIB)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"null",
        b"[" * 50000,
        b"\xff\xfe\xfd",
        make_line(vmmem())[:-1],
        make_line(vmmem())[:40],
        make_line(vmmem())[20:],
        make_line(vmmem()) + make_line(vmmem()),
        make_line(vmmem(), wsltop=2),
        make_line(vmmem(working_set="")),
        make_line(vmmem(working_set="0")),
        make_line(vmmem(working_set=-5)),
        make_line(vmmem(working_set="1e9")),
        make_line(vmmem(working_set="9" * 5000)),
        make_line(vmmem(working_set=None)),
    ],
)
def test_a_broken_line_is_no_reading(line: bytes) -> None:
    assert parse_line(line, 5.0) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(line: bytes) -> None:
    parse_line(line, 5.0)


@given(st.integers(1, 400))
def test_half_a_line_is_never_a_figure(length: int) -> None:
    line = make_line(vmmem())
    assert length >= len(line) or parse_line(line[:length], 5.0) is None


def test_powershell_gets_its_script_a_windows_directory_and_a_pipe(drive: FakeDrive) -> None:
    record = drive.path / "record"
    windows = drive.powershell(
        "seen = (sys.argv[1:], os.getcwd(), os.isatty(0), os.getsid(0) == os.getpid())\n"
        f"open({str(record)!r}, 'w').write(repr(seen))\n"
        "say(line())\nobey()\n"
    )
    source = open_powershell(windows, interval=0.2, pace=HASTY, clock=SYSTEM_CLOCK)
    source.start()
    reading = wait_for_memory(source)
    source.close()
    assert (reading.source, reading.process, reading.working_set) == ("powershell", "vmmemWSL", 11 * GIB)
    expected = ([*OPTIONS, write_script(SHORTEST)], str(drive.path / "Windows/System32"), False, True)
    assert record.read_text() == repr(expected)
