"""What ``wsl.exe`` says of the distributions, in any language, and what it does instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.stand_ins import FakeDrive, fake_wsl
from tests.hostile import controls
from wsltop.host.distros import ask_distros, mark_running, parse_list, parse_versions
from wsltop.host.failure import decode_text
from wsltop.host.interop import WSL_EXE, Windows
from wsltop.model.sample import Distro, Unavailable

ENGLISH = """  NAME                   STATE           VERSION
* Ubuntu-24.04           Running         2
  docker-desktop         Running         2
  docker-desktop-data    Stopped         2
  old                    Installing      1
"""
GERMAN = """  NAME              STATUS             VERSION
* Ubuntu-24.04      Wird ausgeführt    2
  docker-desktop    Beendet            2
"""
FRENCH = """  NOM               ÉTAT                  VERSION
* Ubuntu-24.04      En cours d’exécution    2
  docker-desktop    Arrêté                2
"""  # noqa: RUF001 - as Windows writes it
CHINESE = """  NAME              STATE           VERSION
* Ubuntu-24.04      正在运行        2
  docker-desktop    已停止          2
"""
VERSION = """WSL-Version: 2.6.3.0
Kernelversion: 6.6.87.2-1
WSLg-Version: 1.0.71
Windows-Version: 10.0.26100.1
"""
STAND_IN = """
answers = {answers!r}
assert sys.stdin.read() == ""
assert os.getcwd().endswith("Windows/System32"), os.getcwd()
text = answers[" ".join(sys.argv[1:])]
say(text.replace("\\n", "\\r\\n").encode("utf-16-le"))
sys.exit({status})
"""


def answering(listed: str, running: str = "Ubuntu-24.04\n", status: int = 0) -> str:
    answers = {"--list --verbose": listed, "--list --running --quiet": running, "--version": VERSION}
    return STAND_IN.format(answers=answers, status=status)


def told(drive: FakeDrive) -> tuple[Distro, ...]:
    distros = ask_distros(drive.windows()).distros
    assert not isinstance(distros, Unavailable), distros
    return distros


def test_the_distributions_are_listed(drive: FakeDrive) -> None:
    drive.put(WSL_EXE, answering(ENGLISH, "Ubuntu-24.04\ndocker-desktop\n"))
    roster = ask_distros(drive.windows())
    assert roster.distros == (
        Distro(name="Ubuntu-24.04", state="Running", version=2, default=True, running=True),
        Distro(name="docker-desktop", state="Running", version=2, default=False, running=True),
        Distro(name="docker-desktop-data", state="Stopped", version=2, default=False, running=False),
        Distro(name="old", state="Installing", version=1, default=False, running=False),
    )
    assert roster.versions == tuple(VERSION.splitlines())


@pytest.mark.parametrize("text", [GERMAN, FRENCH, CHINESE], ids=["german", "french", "chinese"])
def test_the_language_of_windows_does_not_matter(drive: FakeDrive, text: str) -> None:
    drive.put(WSL_EXE, answering(text))
    here, docker = told(drive)
    assert (here.name, here.version, here.default, here.running) == ("Ubuntu-24.04", 2, True, True)
    assert (docker.name, docker.version, docker.default, docker.running) == ("docker-desktop", 2, False, False)
    assert here.state in text
    assert docker.state in text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-8", "utf-8-sig"])
def test_every_encoding_of_it_is_read(encoding: str) -> None:
    assert parse_list(decode_text(CHINESE.replace("\n", "\r\n").encode(encoding))) == parse_list(CHINESE)


def test_a_message_in_place_of_names_says_nothing_of_who_runs() -> None:
    distros = parse_list(ENGLISH)
    assert not isinstance(distros, Unavailable)
    assert mark_running(distros, "There are no running distributions.\n") == distros
    assert mark_running(distros, Unavailable("timed out")) == distros
    assert {distro.running for distro in distros} == {None}


def test_an_error_is_told_in_its_words(drive: FakeDrive) -> None:
    drive.put(WSL_EXE, answering("Windows Subsystem for Linux has no installed distributions.\n", status=255))
    roster = ask_distros(drive.windows())
    assert isinstance(roster.distros, Unavailable)
    assert "ended with code 255: Windows Subsystem for Linux has no" in roster.distros.reason
    assert roster.versions == roster.distros, "what did not answer once is not asked again"


def test_an_old_wsl_that_knows_no_version_still_lists(drive: FakeDrive) -> None:
    drive.put(WSL_EXE, answering(ENGLISH).replace("sys.exit(0)", "sys.exit(255 if '--version' in sys.argv else 0)"))
    roster = ask_distros(drive.windows())
    assert not isinstance(roster.distros, Unavailable)
    assert isinstance(roster.versions, Unavailable)
    assert "wsl.exe --version ended with code 255" in roster.versions.reason


def test_a_windows_that_does_not_answer_is_given_up(drive: FakeDrive) -> None:
    drive.put(WSL_EXE, "ignore_everything()\n")
    distros = ask_distros(drive.windows(), timeout=0.3).distros
    assert isinstance(distros, Unavailable)
    assert distros.reason == "wsl.exe --list --verbose did not answer in time"
    assert distros.hint == "Try by hand: wsl.exe --list --verbose"


def test_a_flood_is_cut_off(drive: FakeDrive) -> None:
    drive.put(WSL_EXE, "while True:\n    say(b'x' * 65536)\n")
    distros = ask_distros(drive.windows()).distros
    assert isinstance(distros, Unavailable)
    assert "printed too much" in distros.reason


def test_without_windows_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/osrelease").write_text("6.8.0-45-generic\n")
    distros = ask_distros(Windows(root=tmp_path, environ={})).distros
    assert isinstance(distros, Unavailable)
    assert "not WSL" in distros.reason
    distros = ask_distros(Windows(root=fake_wsl(tmp_path / "wsl"), environ={})).distros
    assert isinstance(distros, Unavailable)
    assert "wsl.exe" in distros.reason


def test_a_row_that_is_not_understood_is_not_left_out() -> None:
    why = parse_list(ENGLISH + "  new   Running   3\n")
    assert isinstance(why, Unavailable)
    assert "new   Running   3" in why.reason
    assert isinstance(parse_list("NAME STATE VERSION\n"), Unavailable)
    assert isinstance(parse_versions("usage: wsl.exe\n"), Unavailable)


@given(st.one_of(st.text(), st.binary().map(decode_text)))
def test_no_output_crashes_or_reaches_the_terminal(text: str) -> None:
    rows, lines = parse_list(text), parse_versions(text)
    shown = [lines.reason] if isinstance(lines, Unavailable) else list(lines)
    shown += [rows.reason] if isinstance(rows, Unavailable) else [one for row in rows for one in (row.name, row.state)]
    assert not [one for one in shown if controls() & set(map(ord, one))]
