"""``wsltop export``: a recording for other programs, and the queries that the recordings' page shows."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

import wsltop.recording
from tests.commands.program import Program, start
from tests.recording.recorded import record, run
from tests.recording.test_player import story
from tests.samples import record as line
from wsltop.core.ledger import keep_ledger
from wsltop.model.sample import KernelLog, Sample, Unavailable
from wsltop.recording.database import COLUMNS


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return record(tmp_path / "r.wsltop", story(100, 40))


def test_csv_has_the_columns(program: Program, file: Path) -> None:
    result = program("export", file, "--format", "csv")
    assert (result.status, result.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert tuple(rows[0]) == COLUMNS
    assert [float(row["time"]) for row in rows] == [one.time for one in story(100)]
    ledger = keep_ledger(story(100)[7])
    assert not isinstance(ledger, Unavailable)
    assert int(rows[7]["guest_used"]) == ledger.used
    assert int(rows[7]["host_working_set"]) == 5007 * 1024**2


def test_what_is_not_known_is_empty(program: Program, tmp_path: Path) -> None:
    file = record(tmp_path / "r", [replace(story(1)[0], host=Unavailable("no"))])
    (row,) = csv.DictReader(io.StringIO(program("export", file, "--format", "csv").out))
    assert (row["host_working_set"], row["host_total"]) == ("", "")
    assert row["guest_total"]


def test_jsonl_has_whole_samples(program: Program, tmp_path: Path) -> None:
    samples = run(20)
    result = program("export", record(tmp_path / "r", samples), "--format", "jsonl")
    assert result.status == 0
    assert [msgspec.json.decode(one, type=Sample) for one in result.out.splitlines()] == samples


def test_jsonl_is_safe_to_show(program: Program, tmp_path: Path) -> None:
    log = KernelLog(origin="kmsg", records=(line("a\x1b[31mb\x9bc\u202ed"),))
    file = record(tmp_path / "r", [replace(story(1)[0], kernel_log=log)])
    out = program("export", file, "--format", "jsonl").out
    assert out.rstrip("\n").isprintable()
    assert json.loads(out)["kernel_log"]["records"][0]["text"] == "abd"


@pytest.mark.parametrize("style", ["csv", "jsonl"])
def test_a_part_of_it(program: Program, file: Path, style: str) -> None:
    out = program("export", file, "--format", style, "--from", "10s", "--to", "-9s").out
    lines = out.splitlines()[style == "csv" :]
    times = [float(one.split(",")[1]) if style == "csv" else json.loads(one)["time"] for one in lines]
    assert times == [one.time for one in story(100)[10:91]]


def test_to_a_file_for_its_owner(program: Program, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    told = program("export", file, "--format", "csv").out
    assert program("export", file, "--format", "csv", "-o", out) == (0, "", "")
    assert out.read_bytes().decode() == told
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_told_and_not_left(program: Program, file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for place in (tmp_path / "none" / "x", tmp_path / "link", tmp_path):
        result = program("export", file, "--format", "csv", "-o", place)
        assert (result.status, result.out) == (1, "")
        assert result.err.startswith(f"wsltop: cannot write {place}: ")
    assert not (tmp_path / "elsewhere").exists()
    result = program("export", file, "--format", "csv", "-o", tmp_path / "out", "--from", "soon")
    assert result.status == 2
    assert not (tmp_path / "out").exists()


def test_damage_is_left_out_and_counted(program: Program, file: Path) -> None:
    database = sqlite3.connect(file)
    database.execute("UPDATE sample SET guest_used = guest_used + 1 WHERE number = 91")
    database.commit()
    database.close()
    result = program("export", file, "--format", "csv")
    assert (result.status, len(result.out.splitlines())) == (0, 100)
    assert result.err == f"wsltop: {file}: 1 samples are damaged or deleted, and are left out.\n"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "--format"),
        (("--format", "xml"), "xml"),
        (("--format", "csv", "--from", "soon"), "--from 'soon' is not a position"),
        (("--format", "csv", "--from", "50s", "--to", "40s"), "--from is later than --to"),
    ],
)
def test_wrong_usage(program: Program, file: Path, options: tuple[str, ...], told: str) -> None:
    result = program("export", file, *options)
    assert (result.status, result.out) == (2, "")
    assert told in result.err


def test_a_reader_that_has_enough_ends_it_well(environ: dict[str, str], tmp_path: Path) -> None:
    file = record(tmp_path / "r", story(900))
    process = start("export", file, "--format", "jsonl", environ=environ)
    assert process.stdout is not None
    os.read(process.stdout.fileno(), 1000)
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait(20) == 0


# The page beside the recordings


def queries() -> Iterator[str]:
    page = (Path(wsltop.recording.__file__).parent / "README.md").read_text(encoding="utf-8")
    yield from re.findall(r"```sql\n(.*?)```", page, re.DOTALL)


def ask(file: Path, query: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_the_queries_of_the_page_say_what_they_promise(tmp_path: Path) -> None:
    samples = story(200, 100)
    oom = KernelLog(origin="kmsg", records=(line("Out of memory: Killed process 7 (node)", monotonic=720.0),))
    samples[120] = replace(samples[120], kernel_log=oom)
    file = record(tmp_path / "r", samples)
    most, minutes, kills = queries()
    ((at, mib),) = ask(file, most)
    assert mib == 5199
    assert at.startswith("20")
    rows = ask(file, minutes)
    assert len(rows) == 4
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert [(kind, "node" in text) for _, kind, text in ask(file, kills)] == [("cache drop", False), ("oom kill", True)]
