"""``wsltop install`` and what ``pip install wsltop`` on Windows comes to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wsltop.cli import program


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    (tmp_path / "c/Users/Ada").mkdir(parents=True)
    (tmp_path / "c/Users/Public").mkdir()
    return tmp_path / "c"


def install(drive: Path, *arguments: str, distro: str = "Ubuntu-24.04") -> Result:
    return CliRunner().invoke(
        program,
        ["install", "terminal-profile", "--drive", str(drive), *arguments],
        env={"WSL_DISTRO_NAME": distro, "USERPROFILE": ""},
    )


def test_the_profile_is_written_printed_and_removed(drive: Path) -> None:
    file = drive / "Users/Ada/AppData/Local/Microsoft/Windows Terminal/Fragments/wsltop/Ubuntu-24.04.json"
    printed = install(drive, "--print")
    assert printed.exit_code == 0, printed.output
    assert printed.output.startswith(f"{file}\n")
    assert not file.exists()
    assert install(drive).exit_code == 0
    (profile,) = json.loads(file.read_text())["profiles"]
    assert set(profile) <= {"name", "commandline", "tabTitle"}
    words = profile["commandline"].split(" ")
    assert words[:4] == ["wsl.exe", "-d", "Ubuntu-24.04", "--"]
    assert words[4].startswith("/")
    assert printed.output.endswith(file.read_text())
    assert list(file.parent.iterdir()) == [file]
    assert install(drive, "--remove").exit_code == 0
    assert not file.parent.exists()


def test_several_windows_users_need_an_option(drive: Path) -> None:
    (drive / "Users/Bob").mkdir()
    refused = install(drive)
    assert refused.exit_code != 0
    assert "--user" in str(refused.exception)
    assert "Ada, Bob" in str(refused.exception)
    assert install(drive, "--user", "bob").exit_code == 0
    assert (drive / "Users/Bob/AppData").is_dir()
    assert not (drive / "Users/Ada/AppData").exists()


def test_outside_of_wsl_it_says_so(drive: Path) -> None:
    assert "WSL_DISTRO_NAME" in str(install(drive, distro="").exception)


ON_WINDOWS = """
import os, sys
for name in ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "curses", "syslog"):
    sys.modules[name] = None
os.name = "nt"
sys.argv = ["wsltop", *sys.argv[1:]]
from wsltop.__main__ import main
main()
"""


@pytest.mark.parametrize("arguments", [(), ("snapshot",), ("--help",), ("record", "x"), ("doctor", "--self-test")])
def test_on_windows_every_command_is_one_line(arguments: tuple[str, ...]) -> None:
    """``pip install wsltop`` in PowerShell is the likeliest first mistake."""
    done = subprocess.run(
        [sys.executable, "-c", ON_WINDOWS, *arguments], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1
    assert "wsl pipx install wsltop" in done.stderr
