"""Writing a recording: what is in the file and when, for whom, and what happens when it cannot be written."""

from __future__ import annotations

import math
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.recording.recorded import in_short_runs, read, record, run
from tests.samples import later, small_sample
from tests.samples import record as line
from wsltop.core.ledger import keep_ledger
from wsltop.core.session import Session
from wsltop.errors import RecordingError
from wsltop.model.sample import CpuTimes, KernelLog, KernelRecord, Mark, Unavailable
from wsltop.recording import writer
from wsltop.recording.database import FIGURES, SCHEMA
from wsltop.recording.reader import Recording
from wsltop.recording.writer import RecordingWriter

SAMPLES = run(12)
COLUMNS = ", ".join(FIGURES)


def ask(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """What any SQLite says of the file."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


# The file


def test_each_sample_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "a.wsltop"
    made = RecordingWriter(path, interval=1.0)
    for count, one in enumerate(SAMPLES, 1):
        made.write(one)
        assert read(path) == SAMPLES[:count]
    made.close()


def test_a_clean_end_leaves_one_file(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wsltop", SAMPLES)
    assert [one.name for one in tmp_path.iterdir()] == ["a.wsltop"]
    assert ask(path, "PRAGMA journal_mode") == [("delete",)]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_columns_are_the_figures_of_the_screen(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wsltop", SAMPLES)
    rows = ask(path, f"SELECT time, monotonic, {COLUMNS} FROM sample ORDER BY number")  # noqa: S608
    assert [row[:2] for row in rows] == [(one.time, one.monotonic) for one in SAMPLES]
    ledger, host = keep_ledger(SAMPLES[6]), SAMPLES[6].host
    assert not isinstance(ledger, Unavailable)
    assert not isinstance(host, Unavailable)
    told = dict(zip(FIGURES, rows[6][2:], strict=True))
    assert (told["guest_used"], told["guest_cache"]) == (ledger.used, ledger.cache)
    assert told["guest_slab"] == ledger.slab_reclaimable + ledger.slab_unreclaimable
    assert told["expected"] == ledger.expected_host
    assert (told["host_working_set"], told["host_total"]) == (host.working_set, host.total)


def test_what_is_not_known_is_null(tmp_path: Path) -> None:
    stale = replace(small_sample(), monotonic=9000.0)
    path = record(tmp_path / "a.wsltop", [replace(stale, meminfo=Unavailable("no"), free_blocks=Unavailable("no"))])
    assert ask(path, f"SELECT {COLUMNS} FROM sample") == [(None,) * len(FIGURES)]  # noqa: S608


def test_meta_says_what_wrote_it(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wsltop", SAMPLES)
    meta = dict(ask(path, "SELECT name, value FROM meta"))
    assert meta["program"].startswith("wsltop ")
    assert meta["interval"] == 1.0
    assert {"machine", "created"} <= meta.keys()
    assert (ask(path, "PRAGMA application_id"), ask(path, "PRAGMA user_version")) == ([(0x77736C74,)], [(1,)])
    assert path.read_bytes()[68:72] == b"wslt"


def test_events_are_rows_that_grow(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wsltop", SAMPLES)
    session = Session(1.0)
    for one in SAMPLES:
        session.take(one)
    rows = ask(path, "SELECT kind, origin, monotonic, seconds, text FROM event ORDER BY monotonic, number")
    events = session.journal.events()
    assert sorted(rows) == sorted((one.kind, one.origin, one.start, one.end - one.start, one.text) for one in events)
    assert {"mark", "hog"} <= {row[0] for row in rows}


def test_size_and_age_for_the_status_line(tmp_path: Path) -> None:
    made = RecordingWriter(tmp_path / "a.wsltop", interval=1.0)
    assert (made.count, made.age) == (0, 0.0)
    for one in SAMPLES:
        made.write(one)
    assert made.age == pytest.approx(SAMPLES[-1].monotonic - SAMPLES[0].monotonic)
    assert made.count == 12
    assert made.size == sum(one.stat().st_size for one in tmp_path.iterdir() if not one.name.endswith("-shm"))
    made.close()
    made.close()
    assert made.closed
    assert made.size == (tmp_path / "a.wsltop").stat().st_size


def test_the_screen_does_not_load_sqlite_until_something_is_recorded() -> None:
    program = "import sys, wsltop.ui.launch, wsltop.commands.snapshot; print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Which file


def test_a_recording_is_appended_to_and_the_gap_is_an_event(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wsltop", SAMPLES[:5])
    rest = [replace(one, time=one.time + 60, monotonic=one.monotonic + 60) for one in SAMPLES[5:]]
    record(path, rest)
    with Recording.open(path) as recording:
        back = list(recording.samples())
    assert back[:5] == SAMPLES[:5]
    assert [mark.text for mark in back[5].marks][-1:] == ["recording: nothing for 1 min 01 s"]
    assert back[6:] == rest[1:]
    assert ask(path, "SELECT sample, text FROM event WHERE kind = 'gap'") == [(6, "recording: nothing for 1 min 01 s")]


def test_after_a_restart_of_the_vm_the_recordings_clock_goes_on(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wsltop", SAMPLES)
    log = KernelLog(origin="kmsg", records=(line("Linux version 6.6", monotonic=0.5),))
    booted = small_sample(time=SAMPLES[-1].time + 3600, monotonic=20.0, kernel_log=log)
    record(path, [booted, later(booted)])
    with Recording.open(path) as recording:
        back = list(recording.samples())
        assert recording.index_at_monotonic(SAMPLES[-1].monotonic + 3601) == 13
    assert [round(one.monotonic - SAMPLES[-1].monotonic, 3) for one in back[12:]] == [3600.0, 3601.0]
    assert isinstance(back[12].kernel_log, KernelLog)
    assert back[12].kernel_log.records[0].monotonic == pytest.approx(back[12].monotonic - 19.5)
    assert [mark.text for mark in back[12].marks] == ["recording: nothing for 1 h 00 min, the VM was restarted"]
    assert back[12].marks[0].monotonic == back[12].monotonic


def test_another_boot_is_known_by_its_boot_time_too(tmp_path: Path) -> None:
    cpu = CpuTimes(user=1, nice=1, system=1, idle=1, cpus=4, boot_time=1_700_000_000)
    first = small_sample(cpu=cpu)
    path = record(tmp_path / "a.wsltop", [first])
    other = small_sample(
        cpu=replace(cpu, boot_time=1_700_009_000), time=first.time + 9000, monotonic=first.monotonic + 50
    )
    record(path, [other])
    with Recording.open(path) as recording:
        assert recording.sample(1).monotonic == first.monotonic + 9000


def test_lines_of_the_kernel_log_are_recorded_once(tmp_path: Path) -> None:
    """A new reader of the kernel log begins with all of it."""

    def log(*at: float) -> KernelLog:
        return KernelLog(origin="kmsg", records=tuple(line(f"line {one}", monotonic=one) for one in at))

    first = small_sample(kernel_log=log(1.0, 2.0))
    path = record(tmp_path / "a.wsltop", [first])
    record(path, [later(first, 30.0, kernel_log=log(1.0, 2.0, first.monotonic + 3))])
    (_, back) = read(path)
    assert isinstance(back.kernel_log, KernelLog)
    assert [one.monotonic for one in back.kernel_log.records] == [first.monotonic + 3]


@pytest.mark.parametrize(
    ("step", "told"), [(3600.0, "clock: set forward by 1 h 00 min"), (-60.0, "clock: set back by")]
)
def test_a_clock_that_is_set_is_told(tmp_path: Path, step: float, told: str) -> None:
    first = small_sample()
    jumped = later(first, time=first.time + 1 + step)
    path = record(tmp_path / "a.wsltop", [first, jumped, later(jumped)])
    (_, back, after) = read(path)
    assert [mark.text.startswith(told) for mark in back.marks] == [True]
    assert after.marks == ()
    assert ask(path, "SELECT count(*) FROM event WHERE kind = 'clock'") == [(1,)]


def test_a_file_is_replaced_when_that_is_asked_for(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wsltop", SAMPLES)
    record(path, SAMPLES[5:7], overwrite=True)
    assert read(path) == SAMPLES[5:7]
    path.write_text("mine")
    record(path, SAMPLES[:1], overwrite=True)
    assert read(path) == SAMPLES[:1]


@pytest.mark.parametrize("content", [b"mine", b"SQLite format 3\0", b"SQLite format 3\0" + bytes(5000)])
def test_a_foreign_file_is_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="--overwrite"):
        RecordingWriter(path, interval=1.0)
    assert path.read_bytes() == content


def test_another_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (value)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(RecordingError, match=r"is not a recording of wsltop.*--overwrite"):
        RecordingWriter(path, interval=1.0)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_recording(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert read(record(tmp_path / "a", SAMPLES)) == SAMPLES


def test_two_writers_never_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wsltop"
    first = RecordingWriter(path, interval=1.0)
    first.write(SAMPLES[0])
    for overwrite in (False, True):
        with pytest.raises(RecordingError, match="by another wsltop"):
            RecordingWriter(path, interval=1.0, overwrite=overwrite)
    first.write(SAMPLES[1])
    first.close()
    assert read(path) == SAMPLES[:2]


def test_two_writers_are_told_apart_where_nothing_can_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "lock", lambda _descriptor: None)
    path = tmp_path / "a.wsltop"
    first, other = (RecordingWriter(path, interval=1.0) for _ in range(2))
    first.write(SAMPLES[0])
    with pytest.raises(RecordingError, match="another program writes to it"):
        other.write(SAMPLES[0])
    first.write(SAMPLES[1])
    first.close()
    assert read(path) == SAMPLES[:2]


def test_where_nothing_can_be_created_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file or directory"):
        RecordingWriter(tmp_path / "no" / "a.wsltop", interval=1.0)
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(RecordingError, match="not a regular file"):
            RecordingWriter(place, interval=1.0, overwrite=True)


def test_odd_file_names(tmp_path: Path) -> None:
    for name in ("with blank", "a?mode=memory", "a#b", "a%20b", "漢字", os.fsdecode(b"\xff\xfe"), "-a"):
        assert read(record(tmp_path / name, SAMPLES[:1])) == SAMPLES[:1]
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(
        ("with blank", "a?mode=memory", "a#b", "a%20b", "漢字", os.fsdecode(b"\xff\xfe"), "-a")
    )


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    record(tmp_path / "link", SAMPLES[:1])
    record(tmp_path / "link", SAMPLES, overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "file") == SAMPLES


# A file system without shared memory


class NoWal(sqlite3.Connection):
    """SQLite on a Windows drive: a write-ahead log is refused."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if "journal_mode = WAL" in sql:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)


def test_where_a_write_ahead_log_is_refused_another_journal_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *places, **options: real(*places, factory=NoWal, **options))
    path = tmp_path / "a.wsltop"
    made = RecordingWriter(path, interval=1.0)
    made.write(SAMPLES[0])
    assert not (tmp_path / "a.wsltop-wal").exists()
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sample").fetchone()
    made.write(SAMPLES[1])  # a reader that holds on: it waits in memory
    assert made.count == 1
    reader.execute("COMMIT")
    reader.close()
    made.write(SAMPLES[2])
    assert made.count == 3
    made.close()
    assert read(path) == SAMPLES[:3]


# What goes wrong


@pytest.fixture
def limit_size() -> Iterator[Callable[[int], None]]:
    """Let the files of this process grow no further than a size; undone at the end."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_the_recording_once_and_leaves_it_good(
    tmp_path: Path, limit_size: Callable[[int], None]
) -> None:
    path = tmp_path / "a.wsltop"
    made = RecordingWriter(path, interval=1.0)
    for one in SAMPLES[:5]:
        made.write(one)
    limit_size((tmp_path / "a.wsltop-wal").stat().st_size + 20)
    with pytest.raises(RecordingError, match=r"a\.wsltop cannot be written: .*; .* is kept"):
        made.write(SAMPLES[5])
    assert made.closed
    made.write(SAMPLES[6])
    made.close()
    limit_size(1 << 40)
    with Recording.open(path) as recording:
        assert (list(recording.samples()), recording.note) == (SAMPLES[:5], "")


def test_no_file_is_left_where_nothing_could_be_recorded(tmp_path: Path, limit_size: Callable[[int], None]) -> None:
    limit_size(10)
    with pytest.raises(RecordingError, match="cannot be written"):
        RecordingWriter(tmp_path / "a.wsltop", interval=1.0)
    assert not list(tmp_path.iterdir())


def test_an_end_that_does_not_reach_the_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if "wal_checkpoint" in sql:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *values)

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *places, **options: real(*places, factory=Failing, **options))
    made = RecordingWriter(tmp_path / "a.wsltop", interval=1.0)
    made.write(SAMPLES[0])
    with pytest.raises(RecordingError, match="disk I/O error"):
        made.close()
    assert made.closed


def test_a_deleted_file_ends_the_recording(tmp_path: Path) -> None:
    made = RecordingWriter(tmp_path / "a.wsltop", interval=1.0)
    made.write(SAMPLES[0])
    (tmp_path / "a.wsltop").unlink()
    with pytest.raises(RecordingError, match="was deleted"):
        made.write(SAMPLES[1])
    assert made.closed


def test_a_file_that_another_program_empties_ends_the_recording(tmp_path: Path) -> None:
    made = RecordingWriter(tmp_path / "a.wsltop", interval=1.0)
    made.write(SAMPLES[0])
    os.truncate(tmp_path / "a.wsltop", 0)
    with pytest.raises(RecordingError, match="cut off by another program"):
        made.write(SAMPLES[1])
    assert made.closed


def test_a_renamed_file_is_recorded_on(tmp_path: Path) -> None:
    made = RecordingWriter(tmp_path / "a.wsltop", interval=1.0)
    made.write(SAMPLES[0])
    (tmp_path / "a.wsltop").rename(tmp_path / "b.wsltop")
    made.write(SAMPLES[1])
    made.close()
    assert read(tmp_path / "b.wsltop") == SAMPLES[:2]


@pytest.mark.parametrize("part", ["time", "pressure"])
def test_a_sample_that_cannot_be_told_is_left_out_and_the_next_says_so(tmp_path: Path, part: str) -> None:
    value: Any = math.inf
    if part == "pressure":
        value = replace(SAMPLES[1].pressure, some_avg10=math.nan)
    path = record(tmp_path / "a.wsltop", [SAMPLES[0], replace(SAMPLES[1], **{part: value}), SAMPLES[2]])
    (first, last) = read(path)
    assert first == SAMPLES[0]
    assert [mark.level for mark in last.marks] == [4]
    assert last.marks[0].text.startswith("recording: a sample was left out: ")
    assert replace(last, marks=()) == SAMPLES[2]


# Limits


def flood() -> KernelLog:
    """500 lines of which no two are alike: about 50 KB however well they are compressed."""
    return KernelLog(
        origin="kmsg",
        records=tuple(
            KernelRecord(sequence=place, monotonic=place / 3, level=4, facility=0, text=os.urandom(100).hex())
            for place in range(500)
        ),
    )


def test_a_flood_of_the_kernel_log_is_recorded(tmp_path: Path) -> None:
    samples = [replace(one, kernel_log=flood()) if place in (3, 7) else one for place, one in enumerate(SAMPLES)]
    assert read(record(tmp_path / "a.wsltop", samples)) == samples


@pytest.mark.slow
def test_the_size_limit_deletes_the_oldest_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_short_runs(monkeypatch, 5)
    samples = [replace(one, kernel_log=flood()) for one in run(60)]
    path = tmp_path / "a.wsltop"
    made = RecordingWriter(path, interval=1.0, max_size=writer.MIN_SIZE)
    for one in samples:
        made.write(one)
        assert made.size <= writer.MIN_SIZE
    made.close()
    kept = read(path)
    assert kept == samples[-len(kept) :]
    assert 5 <= len(kept) < 20
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    ((first, event),) = ask(path, "SELECT min(number), (SELECT min(sample) FROM event) FROM sample")
    assert event >= first


def test_a_limit_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"900 B is too small for a recording; the least is 1\.0 MiB"):
        RecordingWriter(tmp_path / "a.wsltop", interval=1.0, max_size=900)
    assert not list(tmp_path.iterdir())


def test_retention_keeps_what_was_asked_and_a_run_more_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_short_runs(monkeypatch, 4)
    samples, path = run(100), tmp_path / "a.wsltop"
    made = RecordingWriter(path, interval=1.0, keep=20.0)
    for count, one in enumerate(samples, 1):
        made.write(one)
        with Recording.open(path) as recording:
            span = recording.end - recording.start
            assert recording.sample(len(recording) - 1) == one
        assert min(count - 1, 20) <= span + 0.01 <= 20 + 8.1
    made.close()


def test_retention_goes_on_where_another_run_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_short_runs(monkeypatch, 4)
    samples = run(60)
    path = record(tmp_path / "a.wsltop", samples[:40])
    record(path, samples[40:], keep=10.0)
    kept = read(path)
    assert kept == samples[-len(kept) :]
    assert 10 <= len(kept) <= 16


def test_a_reader_is_told_of_what_was_deleted_while_it_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_short_runs(monkeypatch, 2)
    samples, path = run(60), tmp_path / "a.wsltop"
    made = RecordingWriter(path, interval=1.0, keep=10.0)
    for one in samples[:10]:
        made.write(one)
    with Recording.open(path) as recording:
        for one in samples[10:]:
            made.write(one)
        assert list(recording.samples()) == []
        assert recording.note.startswith("10 samples are damaged or deleted")
    made.close()


def test_a_mark_of_the_screen_stays_beside_that_of_the_writer(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wsltop", SAMPLES[:1])
    mark = Mark(time=1.0, monotonic=700.0, text="compact: done")
    record(path, [replace(SAMPLES[1], marks=(mark,), monotonic=700.0)])
    assert [one.text.partition(":")[0] for one in read(path)[1].marks] == ["compact", "recording"]


def test_the_schema_has_what_its_readme_documents() -> None:
    told = (Path(writer.__file__).parent / "README.md").read_text()
    for name in (*SCHEMA, *FIGURES):
        assert f"`{name}`" in told, name
