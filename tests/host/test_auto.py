from __future__ import annotations

import os
import time
from pathlib import Path

from tests.host.stand_ins import (
    ANSWERS,
    GIB,
    HASTY,
    ROW,
    FakeDrive,
    fake_wsl,
    wait_for,
    wait_for_memory,
    wait_for_reason,
)
from wsltop.host.choose import open_host
from wsltop.host.interop import POWERSHELL, TASKLIST
from wsltop.host.source import HostSource
from wsltop.model.sample import HostMemory, SeveralVms, Unavailable

LISTS = f"say({ROW!r})\n"


def open_auto(root: Path) -> HostSource:
    source = open_host("auto", interval=1.0, root=fake_wsl(root), environ=dict(os.environ), pace=HASTY)
    source.start()
    return source


def test_powershell_is_preferred(drive: FakeDrive, tmp_path: Path) -> None:
    note = tmp_path / "tasklist-ran"
    drive.put(POWERSHELL, ANSWERS)
    drive.put(TASKLIST, f"open({str(note)!r}, 'w')\n" + LISTS)
    source = open_auto(tmp_path)
    assert wait_for_memory(source).source == "powershell"
    assert len(source.pids) == 1
    time.sleep(0.2)
    assert wait_for_memory(source).source == "powershell"
    source.close()
    assert not note.exists()


def test_tasklist_follows_and_keeps_the_reason(drive: FakeDrive, tmp_path: Path) -> None:
    drive.put(POWERSHELL, "complain(b'Access is denied.')\nsys.exit(1)\n")
    drive.put(TASKLIST, LISTS)
    source = open_auto(tmp_path)
    reading = wait_for_memory(source)
    assert reading.source == "tasklist"
    assert isinstance(reading.total, Unavailable)
    assert "powershell failed: blocked by policy" in reading.total.reason
    wait_for(lambda: len(source.pids) <= 1)  # tasklist runs for a moment only
    for _ in range(20):
        again = source.read()
        assert isinstance(again, HostMemory)
        assert again.source == "tasklist"
        time.sleep(0.01)
    source.close()


def test_tasklist_follows_a_powershell_that_hangs(drive: FakeDrive, tmp_path: Path) -> None:
    drive.put(POWERSHELL, "ignore_everything()\n")
    drive.put(TASKLIST, LISTS)
    source = open_auto(tmp_path)
    assert wait_for_memory(source).source == "tasklist"
    source.close()


def test_both_reasons_are_told(drive: FakeDrive, tmp_path: Path) -> None:
    drive.put(POWERSHELL, "complain(b'Access is denied.')\nsys.exit(1)\n")
    drive.put(TASKLIST, "sys.exit(3)\n")
    source = open_auto(tmp_path)
    why = wait_for_reason(source, "tasklist:")
    assert why.reason.startswith("powershell: blocked by policy")
    assert "tasklist: tasklist.exe ended with code 3" in why.reason
    source.close()


def test_the_same_reason_is_told_once(drive: FakeDrive, tmp_path: Path) -> None:
    drive.put(POWERSHELL, b"MZ")
    drive.put(TASKLIST, b"MZ")
    source = open_auto(tmp_path)
    wait_for_reason(source, "the binfmt_misc entry")
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        why = source.read()
        assert isinstance(why, Unavailable)
        assert why.reason == "the binfmt_misc entry for Windows programs is lost"
        time.sleep(0.02)
    source.close()


def test_interop_repaired_at_run_time_is_found(drive: FakeDrive, tmp_path: Path) -> None:
    drive.put(POWERSHELL, b"MZ")
    drive.put(TASKLIST, b"MZ")
    source = open_auto(tmp_path)
    wait_for_reason(source, "the binfmt_misc entry")
    drive.put(TASKLIST, "sys.exit(1)\n")
    drive.put(POWERSHELL, ANSWERS)
    assert wait_for_memory(source).working_set == 11 * GIB
    source.close()


def test_a_winner_that_fails_for_good_is_replaced(drive: FakeDrive, tmp_path: Path) -> None:
    drive.put(POWERSHELL, "say(line())\ntime.sleep(0.1)\n")
    drive.put(TASKLIST, LISTS)
    source = open_auto(tmp_path)
    assert wait_for_memory(source).source == "powershell"
    drive.put(POWERSHELL, "sys.exit(9)\n")

    def replaced() -> bool:
        reading = source.read()
        return isinstance(reading, HostMemory) and reading.source == "tasklist"

    wait_for(replaced)
    source.close()


def test_a_process_that_powershell_does_not_see_is_asked_of_tasklist(drive: FakeDrive, tmp_path: Path) -> None:
    drive.put(POWERSHELL, "say(line(name='vmmemWSA'))\nobey()\n")
    drive.put(TASKLIST, LISTS)
    source = open_auto(tmp_path)
    assert wait_for_memory(source).source == "tasklist"
    source.close()


def test_several_candidates_stay_ambiguous(drive: FakeDrive, tmp_path: Path) -> None:
    rows = ",".join(f'{{"name":"vmmem","pid":{pid},"working_set":9}}' for pid in (1, 2))
    two = f'{{"wsltop":1,"processes":[{rows}]}}\n'.encode()
    drive.put(POWERSHELL, f"say({two!r})\nobey()\n")
    drive.put(TASKLIST, LISTS)
    source = open_auto(tmp_path)
    why = wait_for_reason(source, "2 virtual machines")
    assert isinstance(why, SeveralVms)
    time.sleep(0.1)
    assert source.read() == why
    source.close()
