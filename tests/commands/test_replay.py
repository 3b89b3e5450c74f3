"""``wsltop replay``: one moment of a recording as text, and what is said when there is none."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.commands.program import Program
from tests.recording.recorded import record, run
from tests.recording.test_player import story
from wsltop.commands import replay


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return record(tmp_path / "r.wsltop", story(100, 40))


def test_a_moment_as_json(program: Program, file: Path) -> None:
    result = program("replay", file, "--at", "-9s", "--json")
    assert (result.status, result.err) == (0, "")
    told = json.loads(result.out)
    assert told["schema"] == 2
    assert told["time"] == story(100)[90].time
    assert told["host"]["working_set"] == 5090 * 1024**2


def test_a_moment_as_text_is_the_default(program: Program, file: Path) -> None:
    result = program("replay", file, "--at", "50%")
    assert (result.status, result.err) == (0, "")
    assert "working set" in result.out
    assert "file cache dropped" in result.out, "the events before it are known"
    assert program("replay", file, "--at", "50%", "--text") == result


def test_without_a_terminal_it_is_the_end(program: Program, file: Path) -> None:
    result = program("replay", file)
    assert result.status == 0
    assert result.err.startswith("wsltop: standard ")
    assert "so this is the end of the recording" in result.err
    assert result.out == program("replay", file, "--at", "end").out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "either FILE or --sample"),
        (("FILE", "--sample"), "either FILE or --sample"),
        (("FILE", "--json"), "say which one with --at"),
        (("FILE", "--at", "end", "--json", "--text"), "exclude each other"),
        (("FILE", "--at", "25:00"), "not a time of day"),
        (("FILE", "--at", "soon"), "'soon' is not a position; try"),
        (("FILE", "--at", "1999-01-01"), "is not in the recording, which goes from"),
    ],
)
def test_wrong_usage(program: Program, file: Path, options: tuple[str, ...], told: str) -> None:
    result = program("replay", *(file if one == "FILE" else one for one in options))
    assert (result.status, result.out) == (2, "")
    assert told in result.err
    assert len(result.err.splitlines()) == 1


def test_a_file_that_was_cut_off_is_shown_and_noted(program: Program, tmp_path: Path) -> None:
    file = record(tmp_path / "long", story(900))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    result = program("replay", file, "--at", "end", "--json")
    assert result.status == 0
    assert result.err.startswith(f"wsltop: {file}: The file was cut off")
    assert story(900)[300].time < json.loads(result.out)["time"] < story(900)[600].time


def test_of_a_damaged_file_the_good_samples_are_shown_and_the_others_counted(program: Program, file: Path) -> None:
    database = sqlite3.connect(file)
    database.execute("UPDATE sample SET checksum = 0 WHERE number = 71")
    database.commit()
    database.close()
    result = program("replay", file, "--at", "end", "--json")
    assert result.status == 0
    assert result.err == f"wsltop: {file}: 30 samples are damaged or deleted, and are left out.\n"
    assert json.loads(result.out)["time"] == story(100)[69].time


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 3000])
def test_a_foreign_file_is_refused(program: Program, tmp_path: Path, content: bytes) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(content)
    for command in ("replay", "report"):
        result = program(command, foreign, "--at", "end")
        assert (result.status, result.out) == (1, "")
        assert result.err.startswith("wsltop: ")
        assert len(result.err.splitlines()) == 1


def test_a_missing_file_is_told(program: Program, tmp_path: Path) -> None:
    result = program("replay", tmp_path / "none", "--at", "end")
    assert (result.status, result.err) == (1, f"wsltop: cannot read {tmp_path / 'none'}: No such file or directory\n")


def test_the_sample_is_told_when_it_is_missing(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "SAMPLE", "no-such.wsltop")
    result = program("replay", "--sample", "--at", "end")
    assert (result.status, result.out) == (1, "")
    assert "has no sample recording" in result.err


def test_the_sample_is_replayed(program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path) -> None:
    (tmp_path / "sample.txt").write_text("A test\n")
    monkeypatch.setattr(replay, "files", lambda _package: tmp_path)
    monkeypatch.setattr(replay, "SAMPLE", file.name)
    assert json.loads(program("replay", "--sample", "--at", "start", "--json").out)["time"] == story(1)[0].time


def test_a_busy_recording_is_replayed(program: Program, tmp_path: Path) -> None:
    file = record(tmp_path / "busy", run(50))
    assert program("replay", file, "--at", "end").status == 0
