from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.host.stand_ins import ANSWERS, HASTY, FakeDrive, fake_wsl, own_children, wait_for_memory
from wsltop.errors import UsageError
from wsltop.host.choose import CHOICES, open_host
from wsltop.host.source import FixedSource
from wsltop.model.sample import Unavailable


@pytest.mark.parametrize("choice", ["", "windows", "process", "process:", "process: ", "process:0", "AUTO ", "none:"])
def test_a_wrong_choice_is_refused(choice: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_host(choice, interval=1.0)
    assert repr(choice) in str(caught.value)
    assert all(known in str(caught.value) for known in CHOICES)


def test_auto_costs_nothing_on_plain_linux(tmp_path: Path) -> None:
    release = tmp_path / "proc/sys/kernel/osrelease"
    release.parent.mkdir(parents=True)
    release.write_text("6.8.0-45-generic\n")
    threads, children = threading.active_count(), own_children()
    source = open_host("auto", interval=1.0, root=tmp_path, environ={})
    source.start()
    assert isinstance(source, FixedSource)
    reading = source.read()
    assert isinstance(reading, Unavailable)
    assert reading.reason == "not WSL (kernel 6.8.0-45-generic)"
    assert (threading.active_count(), own_children(), source.pids) == (threads, children, ())
    source.close()


@pytest.mark.parametrize("choice", ["auto", "powershell", "tasklist"])
def test_wsl_1_is_told(tmp_path: Path, choice: str) -> None:
    source = open_host(choice, interval=1.0, root=fake_wsl(tmp_path, release="4.4.0-19041-Microsoft"), environ={})
    reading = source.read()
    assert isinstance(reading, Unavailable)
    assert "WSL 1" in reading.reason


def test_none_says_that_it_was_asked_for() -> None:
    source = open_host("none", interval=1.0)
    source.start()
    reading = source.read()
    source.close()
    assert isinstance(reading, Unavailable)
    assert "--host none" in reading.reason


def test_a_named_drive_is_trusted_outside_of_wsl(drive: FakeDrive, tmp_path: Path) -> None:
    drive.powershell(ANSWERS)
    source = open_host("powershell", interval=1.0, drive=drive.path, root=tmp_path, environ={}, pace=HASTY)
    source.start()
    assert wait_for_memory(source).source == "powershell"
    source.close()


@pytest.mark.parametrize(("choice", "loaded"), [("auto", "False"), ("none", "False"), ("process:1", "True")])
def test_psutil_is_loaded_only_for_whom_it_is_asked(choice: str, loaded: str) -> None:
    code = (
        "import sys; from wsltop.host.choose import open_host\n"
        f"open_host({choice!r}, interval=1.0)\n"
        "print('psutil' in sys.modules, 'textual' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == f"{loaded} False\n"
