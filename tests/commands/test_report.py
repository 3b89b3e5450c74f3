"""``wsltop report``: of now and of a recording, to the terminal and to a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.commands.program import Program
from tests.recording.recorded import record
from tests.recording.test_player import story
from tests.report.test_issue import full_sample
from tests.samples import later
from tests.samples import record as line
from wsltop.model.sample import KernelLog, WslconfigFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    first = full_sample("marylou-tool")
    return record(tmp_path / "r.wsltop", [first, later(first), later(first, 2.0)])


def test_of_a_recording(program: Program, file: Path) -> None:
    result = program("report", file)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("## Memory report by wsltop\n")
    assert "from the recording r.wsltop" in result.out
    assert "docker-desktop" in result.out
    assert "marylou" not in result.out


def test_unredacted_when_that_is_wanted(program: Program, file: Path) -> None:
    result = program("report", file, "--no-redact")
    assert "marylou" in result.out
    assert "Nothing is taken out" in result.out


def test_of_a_moment_of_a_recording(program: Program, tmp_path: Path) -> None:
    file = record(tmp_path / "story", story(100, 40))
    assert "file cache dropped" in program("report", file, "--at", "50s").out
    assert "file cache dropped" not in program("report", file, "--at", "30s").out


def test_to_a_file(program: Program, file: Path, tmp_path: Path) -> None:
    told = program("report", file).out
    assert program("report", file, "-o", tmp_path / "out.md") == (0, "", "")
    assert (tmp_path / "out.md").read_text() == told


def test_a_file_that_cannot_be_written_is_told(program: Program, file: Path, tmp_path: Path) -> None:
    result = program("report", file, "-o", tmp_path / "none" / "out.md")
    assert (result.status, result.out) == (1, "")
    assert result.err == f"wsltop: cannot write {tmp_path / 'none' / 'out.md'}: No such file or directory\n"


def test_of_now(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "marylou")
    result = program("report", "--host", "none", "--watch", "0", "--wait", "2")
    assert (result.status, result.err) == (0, "")
    assert "taken live" in result.out
    assert "### Top consumers" in result.out
    assert f"(pid {os.getpid()})" in result.out or "families" in result.out


@pytest.mark.parametrize("option", [("--at", "end")])
def test_what_is_about_a_recording_needs_one(program: Program, option: tuple[str, ...]) -> None:
    result = program("report", *option)
    assert result.status == 2
    assert "give its FILE" in result.err


def test_around_the_last_event_of_a_kind(program: Program, tmp_path: Path) -> None:
    samples = story(300, 100, 200)
    log = KernelLog(origin="kmsg", records=(line("Out of memory: Killed process 7 (node)", monotonic=750.0),))
    samples[150] = replace(samples[150], kernel_log=log)
    file = record(tmp_path / "story", samples)
    result = program("report", file, "--around", "oom", "--no-redact")
    assert (result.status, result.err) == (0, "")
    assert "Killed process 7 (node)" in result.out
    assert time.strftime("%H:%M:%S", time.localtime(samples[150].time)) in result.out
    assert program("report", file, "--around", "drop").out.count("file cache dropped") > 0


def test_around_what_never_happened(program: Program, tmp_path: Path) -> None:
    file = record(tmp_path / "story", story(30, 20))
    result = program("report", file, "--around", "oom")
    assert (result.status, result.out) == (1, "")
    assert "no event of the kind oom kill; --around finds drop there" in result.err
    assert program("report", "--around", "oom").status == 2
    assert program("report", file, "--around", "oom", "--at", "end").status == 2


def test_a_settings_file_of_many_lines_is_reported_as_it_was(program: Program, tmp_path: Path) -> None:
    content = b"# mine\r\n[wsl2]\r\nmemory=7GB\r\n[experimental]\r\nautoMemoryReclaim=dropCache\r\n"
    config = WslconfigFile(
        path="/mnt/c/x/.wslconfig", present=True, content=content, chosen_by="only profile", mtime=1.0
    )
    first = full_sample("node")
    first = replace(first, surroundings=replace(first.surroundings, wslconfig=config))
    file = record(tmp_path / "r", [first, later(first), later(first, 2.0)])
    out = program("report", file).out
    assert "wsl2.memory=7GB" in out
    assert "experimental.autoMemoryReclaim=dropCache" in out
    assert "config-syntax" not in out
