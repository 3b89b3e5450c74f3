"""``wsltop reclaim``: what is shown before it runs, who runs it, and what a failure says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.commands.program import Program
from wsltop.reclaim import root


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A drive of Windows with a wsl.exe that writes down what it is told; the user is not root."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(root, "find_program", lambda _root, name: Path("/usr/bin/tee") if name == "tee" else None)
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    install(tmp_path / "c", f'echo "$*" >> {tmp_path}/log; cat >> {tmp_path}/log')
    return tmp_path / "c"


def install(drive: Path, script: str) -> None:
    exe = drive / "Windows/System32/wsl.exe"
    exe.parent.mkdir(parents=True, exist_ok=True)
    exe.write_text(f"#!/bin/sh\n{script}\n")
    exe.chmod(0o755)


def reclaim(program: Program, drive: Path, *arguments: str) -> tuple[int, str, str]:
    return program("reclaim", *arguments, "--host", "none", "--drive", str(drive))


@pytest.mark.slow
def test_wsl_exe_runs_it_only_when_it_is_named(program: Program, drive: Path, tmp_path: Path) -> None:
    status, _, err = reclaim(program, drive, "compact")
    assert status == 1
    assert (
        "compact needs root, and no way to it is open here. Add --way wsl to go through wsl.exe, or run by hand" in err
    )
    status, out, _ = reclaim(program, drive, "compact", "--way", "wsl", "--dry-run")
    assert status == 0
    assert f"runs      {drive}/Windows/System32/wsl.exe -u root -d Ubuntu -e" in out
    assert not (tmp_path / "log").exists()
    status, out, _ = reclaim(program, drive, "compact", "--way", "wsl", "--json")
    assert status == 0
    assert json.loads(out)["action"] == "compact"
    said = (tmp_path / "log").read_text().splitlines()
    assert said == ["-u root -d Ubuntu -e /usr/bin/env LC_ALL=C /usr/bin/tee /proc/sys/vm/compact_memory", "1"]


def test_a_wsl_exe_that_fails_says_why(program: Program, drive: Path) -> None:
    install(drive, "echo Error code: Wsl/Service/WSL_E_DISTRO_NOT_FOUND; exit 127")
    status, _, err = reclaim(program, drive, "compact", "--way", "wsl")
    assert status == 1
    assert "wsl.exe ended with code 127" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("pressure", "0"), "0 B is too small: the least is 64 MiB"),
        (("pressure", "63M"), "63 MiB is too small: the least is 64 MiB"),
        (("reclaim", "0"), "0 B is too small: a size is above zero"),
        (("pressure", "much"), "SIZE: 'much' is not a size"),
        (("reclaim",), "reclaim needs a size: wsltop reclaim reclaim 1G"),
        (("compact", "1G"), "compact takes no size"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_read(
    program: Program, drive: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    status, out, err = reclaim(program, drive, *arguments)
    assert (status, out) == (2, "")
    assert complaint in err
