"""The command line, as the shell sees it: real processes, their output, their status, and what they leave behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import wsltop
from tests.host.stand_ins import ANSWERS, GIB, ROW, FakeDrive, runs, wait_for
from tests.samples import PARTS
from tests.shell import command, environ_of, run_to_end
from wsltop.errors import ExitCode
from wsltop.guest.identity import wsl_flavor

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ON_WSL = wsl_flavor(os.uname().release, {}, Path("/")) != "none"
LOADED = """
import sys
from wsltop.cli import program
try:
    program.main(sys.argv[1:], standalone_mode=False)
finally:
    print("loaded:", *sorted(sys.modules), file=sys.stderr)
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A user with an empty home, outside of any distribution."""
    home = tmp_path / "home"
    home.mkdir()
    return environ_of(home)


@pytest.fixture
def run(tmp_path: Path, environ: dict[str, str]) -> Run:
    """Run wsltop to its end, with nothing on a terminal."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run_to_end(tmp_path, environ | more, *arguments)

    return run


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path) -> Iterator[None]:
    yield
    home = tmp_path / "home"
    assert not home.exists() or list(home.iterdir()) == []


def told(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert (result.returncode, result.stderr) == (0, "")
    value = json.loads(result.stdout)
    assert isinstance(value, dict)
    return value


def test_a_snapshot_for_people(run: Run) -> None:
    result = run("snapshot", "--host", "none")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("wsltop ")
    assert "host    unknown: the host is not asked: --host none" in result.stdout
    assert "\n  anonymous " in result.stdout
    assert "\nlent " in result.stdout


def test_a_snapshot_for_programs(run: Run) -> None:
    value = told(run("snapshot", "--json", "--host", "none"))
    assert value["schema"] == 2
    assert abs(value["time"] - time.time()) < 60
    assert sum(value["guest"][name] for name in PARTS) == value["guest"]["total"]
    assert value["host"] == {
        "unavailable": "the host is not asked: --host none",
        "hint": "Leave --host out to ask Windows.",
    }
    assert value["wsl"]["kernel"] == os.uname().release


@pytest.mark.skipif(ON_WSL, reason="this is WSL")
def test_outside_of_wsl_the_host_says_why_at_once(run: Run) -> None:
    started = time.monotonic()
    value = told(run("snapshot", "--json"))
    assert time.monotonic() - started < 6
    assert set(value["host"]) == {"unavailable", "hint"}
    assert value["host"]["unavailable"]


def test_a_stream_is_a_line_for_each_sample(run: Run) -> None:
    result = run("snapshot", "--json", "--host", "none", "--every", "0.2", "--count", "3")
    lines = result.stdout.splitlines()
    assert (result.returncode, result.stderr, len(lines)) == (0, "", 3)
    times = [json.loads(line)["time"] for line in lines]
    assert times == sorted(times)
    assert 0.3 < times[-1] - times[0] < 5


def test_a_reader_who_has_enough_ends_the_stream_quietly(environ: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("snapshot", "--json", "--host", "none", "--every", "0.2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environ,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["schema"] == 2
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(10), errors) == (0, b"")


def test_a_full_disk_is_a_failure_with_its_reason(environ: dict[str, str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            command("snapshot", "--host", "none"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environ,
            check=False,
        )
    assert result.returncode == ExitCode.FAILURE
    assert result.stderr == "wsltop: cannot write to standard output: No space left on device\n"


def test_without_a_terminal_the_screen_is_a_snapshot_with_a_hint(run: Run) -> None:
    result = run("--host", "none")
    assert result.returncode == 0
    assert result.stdout.startswith("wsltop ")
    assert "reportable free" in result.stdout
    assert result.stderr.startswith("wsltop: standard input is not a terminal")
    assert "wsltop snapshot --help" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_version(run: Run) -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"wsltop, version {wsltop.__version__}\n")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("snapshot", "--help")])
def test_help(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert "--host" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--bogus",), "--bogus"),
        (("bogus",), "bogus"),
        (("--host", "bogus"), "'bogus' is none of auto, powershell, tasklist, process:NAME-or-PID, none"),
        (("snapshot", "--host", "process:"), "'process:' is none of"),
        (("--every", "0.1"), "0.1"),
        (("--every", "soon"), "soon"),
        (("--every", "nan"), "nan"),
        (("snapshot", "--every", "nan"), "nan"),
        (("snapshot", "--every", "61"), "61"),
        (("snapshot", "--every", "1", "--count", "0"), "0"),
        (("snapshot", "--wait", "nan"), "nan"),
        (("--glyphs", "round", "snapshot"), "round"),
        (("--config", "no/such.toml", "snapshot"), "no/such.toml"),
        (("--config", "home", "snapshot"), "home"),
    ],
)
def test_wrong_usage_ends_with_its_status_and_names_the_input(run: Run, arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.returncode == ExitCode.USAGE
    assert result.stdout == ""
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_names_its_file_and_what_is_allowed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("glyphs = 'round'\n")
    result = run("--config", str(path), "snapshot")
    assert result.returncode == ExitCode.USAGE
    assert result.stderr.startswith(f'wsltop: {path}, line 1: glyphs = "round": must be one of auto, block, ')


@pytest.mark.slow
def test_settings_are_found_and_the_command_line_goes_before_them(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "settings/wsltop"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("host = 'none'\n")
    home = str(folder.parent)
    assert "not asked" in run("snapshot", XDG_CONFIG_HOME=home).stdout
    result = run("snapshot", "--host", "process:no-such-process", XDG_CONFIG_HOME=home)
    assert "no process is named no-such-process" in result.stdout


@pytest.mark.slow
@pytest.mark.skipif(ON_WSL, reason="this is WSL")
@pytest.mark.parametrize("arguments", [("--require-wsl",), ("--require-wsl", "snapshot")])
def test_who_requires_wsl_is_told_that_this_is_none(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (ExitCode.NOT_WSL, "")
    assert result.stderr == "wsltop: this is not WSL (--require-wsl)\n"


def test_who_requires_wsl_gets_what_he_asks_for_on_it(run: Run) -> None:
    result = run("--require-wsl", "snapshot", "--json", "--host", "none", WSL_DISTRO_NAME="日本\x1b[31m")
    assert told(result)["wsl"]["distro"] == "日本"


def test_an_interrupt_ends_a_stream_at_once(environ: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("snapshot", "--json", "--host", "none", "--every", "30"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environ,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["schema"] == 2
    time.sleep(0.1)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=10)
    assert time.monotonic() - started < 2
    assert (process.returncode, rest, errors.strip()) == (ExitCode.INTERRUPTED, "", "")


def test_powershell_on_a_drive_tells_the_working_set(run: Run, tmp_path: Path) -> None:
    drive = FakeDrive(tmp_path)
    drive.powershell(ANSWERS)
    value = told(run("--host", "powershell", "--drive", str(drive.path), "snapshot", "--json"))
    assert value["host"].pop("age") < 8
    assert value["host"] == {
        "source": "powershell",
        "process": "vmmemWSL",
        "pid": 9448,
        "working_set": 11 * GIB,
        "private_bytes": 12 * GIB,
        "total": 32 * GIB,
        "available": 4 * GIB,
    }


@pytest.mark.slow
def test_tasklist_on_a_drive_tells_the_working_set_and_what_it_cannot(run: Run, tmp_path: Path) -> None:
    drive = FakeDrive(tmp_path)
    drive.tasklist(f"say({ROW!r})\n")
    host = told(run("snapshot", "--json", "--host", "tasklist", "--drive", str(drive.path)))["host"]
    assert host["working_set"] == 11_476_232 * 1024
    assert set(host["total"]) == {"unavailable", "hint"}


def test_the_snapshot_for_people_shows_windows(run: Run, tmp_path: Path) -> None:
    drive = FakeDrive(tmp_path)
    drive.powershell(ANSWERS)
    result = run("snapshot", "--host", "powershell", "--drive", str(drive.path))
    assert "host    vmmemWSL (pid 9448), by powershell" in result.stdout
    assert re.search(r"working set +11.0 GiB", result.stdout)
    assert "\nlent " in result.stdout


def test_a_drive_without_windows_says_so_and_does_not_fail(run: Run, tmp_path: Path) -> None:
    host = told(run("snapshot", "--json", "--host", "powershell", "--drive", str(tmp_path)))["host"]
    assert "has no Windows/System32/WindowsPowerShell/v1.0/powershell.exe" in host["unavailable"]
    assert "--drive" in host["hint"]


def test_a_drive_whose_name_is_no_text_does_not_break_the_json(environ: dict[str, str], tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff"
    result = subprocess.run(
        [*map(os.fsencode, command("snapshot", "--json", "--host", "powershell", "--drive")), folder],
        capture_output=True,
        cwd=tmp_path,
        env=environ,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert "has no " in json.loads(result.stdout)["host"]["unavailable"]


def test_a_windows_that_never_answers_costs_the_wait_and_no_more(run: Run, tmp_path: Path) -> None:
    drive = FakeDrive(tmp_path)
    drive.powershell("obey()\n")
    started = time.monotonic()
    value = told(run("snapshot", "--json", "--wait", "0.3", "--host", "powershell", "--drive", str(drive.path)))
    assert time.monotonic() - started < 6
    assert set(value["host"]) == {"unavailable", "hint"}
    assert isinstance(value["guest"]["total"], int)


def test_no_windows_program_stays_behind_after_an_interrupt(environ: dict[str, str], tmp_path: Path) -> None:
    drive, note = FakeDrive(tmp_path), tmp_path / "pid"
    drive.powershell(f"open({str(note)!r}, 'w').write(str(os.getpid()))\n{ANSWERS}")
    process = subprocess.Popen(
        command("snapshot", "--every", "30", "--host", "powershell", "--drive", str(drive.path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=environ,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    child = int(note.read_text())
    assert runs(child)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == ExitCode.INTERRUPTED
    wait_for(lambda: not runs(child))


def test_this_very_process_may_stand_for_the_host(run: Run) -> None:
    host = told(run("snapshot", "--json", "--host", f"process:{os.getpid()}"))["host"]
    assert host["source"] == "process"
    assert host["working_set"] > 1 << 20


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_old_locale_gets_question_marks_and_whole_json(run: Run, encoding: str) -> None:
    more = {"PYTHONIOENCODING": encoding, "WSL_DISTRO_NAME": "日本"}
    result = run("snapshot", "--host", "none", **more)
    assert (result.returncode, result.stderr) == (0, "")
    assert "distro  ??" in result.stdout
    assert told(run("snapshot", "--json", "--host", "none", **more))["wsl"]["distro"] == "日本"


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [("--host", "none", "snapshot"), ("--host", "none", "snapshot", "--json"), ("--host", "none"), ("--version",)],
)
def test_a_snapshot_loads_neither_the_screen_nor_what_only_some_need(
    environ: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environ,
        check=False,
    )
    loaded = set(result.stderr.partition("loaded:")[2].split())
    assert "wsltop.cli" in loaded
    assert not loaded & {"textual", "rich", "psutil", "pyperclip", "asyncio"}
    if "snapshot" in arguments:
        assert not {name for name in loaded if name.startswith("wsltop.ui")}


def test_a_count_without_an_interval_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wsltop", "snapshot", "--count", "3"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--every" in done.stderr


@pytest.mark.slow
def test_the_screen_does_without_openssl(environ: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import sys\nfrom wsltop.ui.terminal import import_without_tls\nimport_without_tls()\nimport wsltop.ui.launch\n"
        "print(sorted({'ssl', 'textual', 'asyncio'} & set(sys.modules)))\nimport ssl"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environ, check=True
    )
    assert result.stdout == "['asyncio', 'textual']\n"
