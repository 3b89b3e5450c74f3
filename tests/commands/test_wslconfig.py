"""``wsltop wslconfig`` as the shell sees it, with a drive of Windows that a test makes up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.shell import environ_of, run_to_end
from wsltop.errors import ExitCode

Run = Callable[..., "subprocess.CompletedProcess[str]"]

GOOD = f"[wsl2]\nprocessors={os.cpu_count()}\n[experimental]\nautoMemoryReclaim=gradual\n"
BAD = """\
memory=4GB
[wsl2]
memory=8 gigs
memroy=8GB
swap=0
swap=1GB
; no comment
[experimental]
autoMemoryReclaim=always
"""


class Drive:
    """A drive with one profile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.profile = path / "Users/me"
        self.profile.mkdir(parents=True)

    def put(self, data: str | bytes, name: str = ".wslconfig") -> None:
        """Write the file, older than any VM."""
        path = self.profile / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.fixture
def drive(tmp_path: Path) -> Drive:
    return Drive(tmp_path / "c")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run wsltop to its end, for a user with an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    environ = environ_of(home)

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run_to_end(home, environ | more, "wslconfig", "--wait", "4", "--host", "none", *arguments)

    return run


def say(run: Run, drive: Drive, **more: str) -> str:
    """What it prints about the drive, with its lines joined where they were wrapped."""
    done = run("--drive", str(drive.path), **more)
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    return " ".join(done.stdout.split())


def test_a_good_file_has_nothing_wrong(run: Run, drive: Drive) -> None:
    drive.put(GOOD)
    said = say(run, drive)
    assert said.startswith(f"{drive.profile}/.wslconfig (the only profile)")
    assert "autoMemoryReclaim gradual (configured: line 4 of .wslconfig)" in said
    assert f"processors processors={os.cpu_count()} {os.cpu_count()}" in said
    assert "error" not in said
    assert "[config-gradual]" in said
    assert "this would do under [wsl2]: memory=" in said


def test_a_bad_file_is_told_line_by_line(run: Run, drive: Drive) -> None:
    drive.put(BAD)
    said = say(run, drive)
    for number, name in (
        (1, "config-no-section"),
        (3, "config-bad-value"),
        (4, "config-misspelled-key"),
        (6, "config-duplicate"),
        (7, "config-semicolon"),
        (9, "config-bad-value"),
    ):
        assert f"line {number}: " in said
        assert f"[{name}]" in said
    assert "none of" in said
    assert "Nothing is wrong" not in said


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_by_us_and_not_by_wsl(run: Run, drive: Drive, encoding: str) -> None:
    drive.put(GOOD.encode(encoding))
    said = say(run, drive)
    assert "The file is UTF-16" in said
    assert "[config-encoding]" in said
    assert "not set in .wslconfig" in said
    assert "\0" not in said


def test_a_missing_file_means_the_defaults(run: Run, drive: Drive) -> None:
    said = say(run, drive)
    assert f"{drive.profile}/.wslconfig: there is none, so WSL's defaults hold" in said
    assert "autoMemoryReclaim dropCache" in said


def test_a_file_with_another_name_is_pointed_at(run: Run, drive: Drive) -> None:
    drive.put(GOOD, ".wslconfig.txt")
    said = say(run, drive)
    assert "there is none" in said
    assert "[config-file-name]" in said


def test_the_profile_that_windows_names_is_taken(run: Run, drive: Drive) -> None:
    (drive.path / "Users/other").mkdir()
    (drive.path / "Users/other/.wslconfig").write_text("")
    drive.put(GOOD)
    assert "named by USERPROFILE" in say(run, drive, USERPROFILE=str(drive.profile))


def test_several_files_are_not_guessed_at(run: Run, drive: Drive) -> None:
    drive.put(GOOD)
    (drive.path / "Users/other").mkdir()
    (drive.path / "Users/other/.wslconfig").write_text("")
    done = run("--drive", str(drive.path), USER="nobody", LOGNAME="nobody", SUDO_USER="")
    assert (done.returncode, done.stdout) == (ExitCode.FAILURE, "")
    assert done.stderr.startswith("wsltop: .wslconfig cannot be read: several Windows users have a .wslconfig")
    assert "USERPROFILE/p" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("data", [b"\x1b]0;pwned\x07\x1b[31m=1\n[\x9b5m]\n", b"\xff" * 300, b"\0" * 300, b"=" * 5000])
def test_a_hostile_file_is_told_safely(run: Run, drive: Drive, data: bytes) -> None:
    drive.put(data)
    done = run("--drive", str(drive.path))
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in done.stdout.replace("\n", ""))


def test_a_pipe_is_not_waited_for(run: Run, drive: Drive) -> None:
    os.mkfifo(drive.profile / ".wslconfig")
    done = run("--drive", str(drive.path))
    assert done.returncode == ExitCode.FAILURE
    assert "cannot be read: it is no regular file" in done.stderr


def test_a_drive_that_is_none_says_so(run: Run, drive: Drive, tmp_path: Path) -> None:
    done = run("--drive", str(tmp_path / "nowhere"))
    assert done.returncode == ExitCode.FAILURE
    assert ".wslconfig cannot be read: the Windows profiles cannot be listed" in done.stderr


def test_without_windows_it_ends_with_the_status_of_no_wsl(run: Run, tmp_path: Path) -> None:
    """It said so and ended with 0, as if all were well."""
    release = tmp_path / "proc/sys/kernel/osrelease"
    release.parent.mkdir(parents=True)
    release.write_text("6.8.0-45-generic\n")
    done = run("--root", str(tmp_path))
    assert (done.returncode, done.stdout) == (ExitCode.NOT_WSL, "")
    assert ".wslconfig" in done.stderr


def test_no_line_is_longer_than_a_terminal(run: Run, drive: Drive) -> None:
    drive.put(BAD)
    done = run("--drive", str(drive.path))
    lines = done.stdout.splitlines()[1:]  # the first is the path
    assert max(len(line) for line in lines if " " in line.strip()) <= 80


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--json",), ("--wait", "x"), ("--host", "nowhere"), ("extra",)])
def test_wrong_usage_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == ExitCode.USAGE
    assert "Traceback" not in done.stderr
