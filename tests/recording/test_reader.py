"""Reading a recording: by number and by time, wherever the file lies, and whatever was done to it."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.recording.recorded import in_short_runs, read, record, run
from tests.recording.test_player import played_to
from tests.samples import later, small_sample
from tests.samples import record as line
from wsltop.errors import RecordingError
from wsltop.model.sample import KernelLog, Surroundings, Unavailable, WslconfigFile
from wsltop.recording import reader
from wsltop.recording.database import FIGURES, Row, checksum, connect
from wsltop.recording.player import Player
from wsltop.recording.reader import Recording
from wsltop.recording.timeline_index import MissingSample
from wsltop.recording.writer import RecordingWriter

SAMPLES = run(20)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording of 20 samples, every sixth a whole one."""
    in_short_runs(monkeypatch, 6)
    return record(tmp_path / "a.wsltop", SAMPLES)


@contextmanager
def edited(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, to do something to it."""
    connection = sqlite3.connect(path)
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


def test_what_was_written_is_read(path: Path) -> None:
    with Recording.open(path) as recording:
        assert (len(recording), recording.note, recording.interval) == (20, "", 1.0)
        assert (recording.start, recording.end) == (SAMPLES[0].time, SAMPLES[-1].time)
        assert recording.times == (SAMPLES[0].time, SAMPLES[-1].time)
        assert recording.program.startswith("wsltop ")
        assert list(recording.samples()) == SAMPLES
        assert list(recording.samples(7, 9)) == SAMPLES[7:9]
        assert [recording.sample(number) for number in (19, 0, 7, 6, 5)] == [SAMPLES[n] for n in (19, 0, 7, 6, 5)]
        for wrong in (-1, 20):
            with pytest.raises(IndexError):
                recording.sample(wrong)


def test_a_sample_is_found_by_its_time(path: Path) -> None:
    first = SAMPLES[0]
    with Recording.open(path) as recording:
        assert [recording.index_at(first.time + after) for after in (-9.0, 0.0, 7.5, 1e6)] == [0, 0, 7, 19]
        found = [recording.index_at_monotonic(first.monotonic + after) for after in (-9.0, 0.0, 7.5, 1e6)]
        assert found == [0, 0, 7, 19]


def test_the_newest_samples_are_numbered_from_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_short_runs(monkeypatch, 2)
    path = record(tmp_path / "a.wsltop", SAMPLES, keep=5.0)
    with Recording.open(path) as recording:
        kept = list(recording.samples())
        assert kept == SAMPLES[-len(kept) :]
        assert recording.sample(0) == kept[0]
        assert recording.index_at(SAMPLES[-2].time) == len(kept) - 2


def test_an_outline_of_all_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "CHUNK", 6)
    with Recording.open(path) as recording:
        assert list(recording.outline()) == [(number, SAMPLES[number]) for number in (0, 6, 12, 18)]


def test_the_last_event_of_a_kind_is_found(tmp_path: Path) -> None:
    log = KernelLog(origin="kmsg", records=(line("Out of memory: Killed process 7 (node)", monotonic=605.0),))
    samples = [small_sample()]
    while len(samples) < 9:
        samples.append(later(samples[-1], kernel_log=log if len(samples) == 5 else KernelLog(origin="kmsg")))
    with Recording.open(record(tmp_path / "a", samples)) as recording:
        assert recording.event_kinds() == ("oom kill",)
        assert recording.index_of_event("oom kill") == 5
        assert recording.index_of_event("swap") is None


# Where it lies


def test_it_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.wsltop"
    made = RecordingWriter(path, interval=1.0)
    for one in SAMPLES[:7]:
        made.write(one)
    with Recording.open(path) as recording:
        made.write(SAMPLES[7])
        assert list(recording.samples()) == SAMPLES[:7], "as it was when it was opened"
        made.close()
        assert recording.sample(6) == SAMPLES[6]
    assert read(path) == SAMPLES[:8]


@pytest.mark.parametrize("ended", [True, False])
def test_a_folder_that_may_not_be_written(tmp_path: Path, ended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wsltop"
    made = RecordingWriter(path, interval=1.0)
    for one in SAMPLES:
        made.write(one)
    monkeypatch.setattr(reader, "connect", refuses_first(connect))
    if ended:
        made.close()
        assert read(path) == SAMPLES
        return
    with pytest.raises(RecordingError, match=r"holds no sample|cannot be read|other tables"):
        read(path)
    made.close()


def refuses_first(connect: Any) -> Any:
    """What SQLite does where it cannot make the index of a write-ahead log."""

    def refuse(path: Path, options: str) -> sqlite3.Connection:
        if "immutable" not in options:
            raise sqlite3.OperationalError("unable to open database file")
        made: sqlite3.Connection = connect(path, options)
        return made

    return refuse


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordingError, match="No such file"):
        Recording.open(tmp_path / "none")
    for place in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(RecordingError, match="not a regular file"):
            Recording.open(place)


@pytest.mark.parametrize("content", [b"", b'{"schema": 1}\n' * 1000, b"wsltop recording 1\n", b"SQLite format 3\0x"])
def test_what_is_no_recording_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(RecordingError, match="is not a recording of wsltop"):
        Recording.open(tmp_path / "a")


def test_a_name_is_shown_without_its_control_characters(tmp_path: Path) -> None:
    (tmp_path / "x\x1b]0;P\a").write_bytes(b"mine")
    with pytest.raises(RecordingError) as told:
        Recording.open(tmp_path / "x\x1b]0;P\a")
    assert "\x1b" not in str(told.value)


def test_a_newer_recording_is_told(path: Path) -> None:
    with edited(path) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(RecordingError, match=r"newer wsltop: schema 2.*Update wsltop"):
        Recording.open(path)


def test_a_recording_without_a_sample_is_told(tmp_path: Path) -> None:
    path = record(tmp_path / "a", [])
    with pytest.raises(RecordingError, match="holds no sample"):
        Recording.open(path)


def test_nothing_is_left_open_when_a_file_is_refused(path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RecordingError):
        Recording.open(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Damage


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ("UPDATE sample SET data = x'00' || substr(data, 2) WHERE number = 8", range(7, 12)),
        ("UPDATE sample SET guest_used = guest_used + 1 WHERE number = 8", range(7, 12)),
        ("UPDATE sample SET guest_used = NULL WHERE number = 8", range(7, 12)),
        ("UPDATE sample SET host_total = 0 WHERE number = 6", range(5, 6)),
        ("UPDATE sample SET time = 'noon' WHERE number = 8", range(7, 12)),
        ("UPDATE sample SET data = 'text' WHERE number = 8", range(7, 12)),
        ("UPDATE sample SET whole = 0 WHERE number = 7", range(6, 12)),
        ("UPDATE sample SET whole = 1 WHERE number = 8", range(7, 12)),
        ("DELETE FROM sample WHERE number = 8", range(7, 12)),
        ("DELETE FROM sample WHERE number BETWEEN 2 AND 12", range(1, 12)),
        ("UPDATE sample SET data = (SELECT data FROM sample WHERE number = 9) WHERE number = 8", range(7, 12)),
        ("UPDATE sample SET data = zeroblob(20000000) WHERE number = 8", range(7, 12)),
        ("UPDATE sample SET checksum = 99999999999 WHERE number = 7", range(6, 12)),
    ],
)
def test_only_good_rows_are_read(path: Path, change: str, lost: range) -> None:
    with edited(path) as database:
        database.execute(change)
    expected = [one for number, one in enumerate(SAMPLES) if number not in lost]
    with Recording.open(path) as recording:
        assert list(recording.samples()) == expected
        assert recording.note == f"{len(lost)} samples are damaged or deleted, and are left out."
    with Recording.open(path) as recording:
        for number, one in enumerate(SAMPLES):
            if number in lost:
                with pytest.raises(MissingSample):
                    recording.sample(number)
            else:
                assert recording.sample(number) == one


def test_rows_that_changed_places_are_not_read(path: Path) -> None:
    with edited(path) as database:
        database.execute("UPDATE sample SET number = -number WHERE number IN (8, 9)")
        database.execute("UPDATE sample SET number = 17 + number WHERE number IN (-8, -9)")
    assert read(path) == SAMPLES[:7] + SAMPLES[12:]


def test_a_damaged_start_is_left_out(path: Path) -> None:
    with edited(path) as database:
        database.execute("UPDATE sample SET checksum = 0 WHERE number IN (1, 20)")
    with Recording.open(path) as recording:
        assert (recording.start, recording.end) == (SAMPLES[6].time, SAMPLES[18].time)
        player = Player(recording)
        assert player.moment.sample == SAMPLES[6]


def test_a_player_goes_over_damage(path: Path) -> None:
    with edited(path) as database:
        database.execute("UPDATE sample SET checksum = 0 WHERE number = 8")
    with Recording.open(path) as recording:
        player = Player(recording)
        shown = [round(one.monotonic - SAMPLES[0].monotonic) for _ in range(20) for one in player.advance(2.0)]
        assert shown == [*range(1, 7), *range(12, 20)]
        player.go_to("9s")
        assert player.moment.sample == SAMPLES[6]
        assert player.step(-9)
        while player.explore():
            pass


@pytest.mark.parametrize(
    "hostile",
    [
        # Views and triggers that never end, in the place of the tables and beside them.
        "ALTER TABLE sample RENAME TO old; CREATE VIEW sample AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL "
        "SELECT x + 1 FROM n) SELECT x FROM n;",
        "DROP TABLE meta; CREATE VIEW meta AS SELECT 'interval' AS name, randomblob(1000000000) AS value;",
        "DROP TABLE event; CREATE TABLE event (number INTEGER PRIMARY KEY, sample AS (hex(hex(hex(number)))));",
        "DROP TABLE event;",
        "ALTER TABLE sample ADD COLUMN more DEFAULT 1;",
    ],
)
def test_tables_that_are_not_ours_are_refused(path: Path, hostile: str) -> None:
    with edited(path) as database:
        database.executescript(hostile)
    with pytest.raises(RecordingError, match="has other tables"):
        Recording.open(path)
    with pytest.raises(RecordingError, match="has other tables"):
        RecordingWriter(path, interval=1.0)


def test_what_else_is_in_the_file_does_nothing(path: Path) -> None:
    with edited(path) as database:
        database.executescript(
            "CREATE TRIGGER evil AFTER INSERT ON sample BEGIN DELETE FROM sample; END;"
            "CREATE VIEW mine AS SELECT load_extension('/tmp/evil.so');"
            "CREATE INDEX busy ON sample (time);"
        )
    assert read(path) == SAMPLES


def test_a_hostile_trigger_does_not_let_a_recording_be_appended_to(path: Path) -> None:
    with edited(path) as database:
        database.executescript("CREATE TRIGGER evil AFTER INSERT ON sample BEGIN DELETE FROM sample; END;")
    with pytest.raises(RecordingError, match="trigger"):
        RecordingWriter(path, interval=1.0)


def test_numbers_that_no_recording_has(path: Path) -> None:
    forged = "INSERT INTO sample (number, time, monotonic, whole, data, checksum) VALUES (?, 0, 0, 1, '', 0)"
    with edited(path) as database:
        database.execute(forged, (-(2**62),))
    assert read(path) == SAMPLES
    with edited(path) as database:
        database.execute(forged, (2**62,))
    with pytest.raises(RecordingError, match="is damaged"):
        Recording.open(path)


def craft(path: Path, json: bytes, **changes: Any) -> Path:
    """A recording of one row whose checksums are right, whatever is in it."""
    record(path, SAMPLES[:1])
    row = Row(2, 1.7e9, 700.0, (None,) * len(FIGURES), True, zlib.compress(json), 0)._replace(**changes)
    row = row._replace(checksum=checksum(row))
    with edited(path) as database:
        values = (*row[:3], *row.figures, *row[4:])
        database.execute(f"INSERT INTO sample VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608
    return path


@pytest.mark.parametrize("json", [b"", b"{}", b"[1]", b'{"time":"x"}', bytes(9_000_000), b"[" * 100_000])
def test_right_checksums_and_wrong_content(tmp_path: Path, json: bytes) -> None:
    assert read(craft(tmp_path / "a", json)) == SAMPLES[:1]


def test_a_time_that_was_forged_in_the_sample_alone(tmp_path: Path) -> None:
    json = msgspec.json.encode(replace(SAMPLES[1], monotonic=1e300))
    (_, back) = read(craft(tmp_path / "a", json))
    assert back.monotonic == 700.0


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_of_a_file_that_was_cut_off_the_rest_is_read(tmp_path: Path, share: float) -> None:
    samples = run(300)
    path = record(tmp_path / "a.wsltop", samples)
    os.truncate(path, int(path.stat().st_size * share))
    with Recording.open(path) as recording:
        kept = list(recording.samples())
        assert recording.note.startswith("The file was cut off") or len(kept) == 300
    assert kept == samples[: len(kept)]
    assert len(kept) > 300 * share - 150


def test_a_file_that_changes_while_it_is_read_gives_no_wrong_sample(path: Path) -> None:
    data = path.read_bytes()
    for changed in (data[:-8000], bytes(len(data)), data[:9000] + bytes(len(data) - 9000)):
        path.write_bytes(data)
        with Recording.open(path) as recording:
            path.write_bytes(changed)
            for number, one in enumerate(SAMPLES):
                try:
                    assert recording.sample(number) == one
                except MissingSample:
                    continue


# What was lost before


def test_a_settings_file_of_many_lines_makes_no_false_finding(tmp_path: Path) -> None:
    """Texts used to be cleaned when they were recorded: the file came back as one line, and its settings as ignored."""
    content = (
        b"# mine\r\n[wsl2]\r\nmemory=8GB\t# half\r\nswap=0\r\n\r\n[experimental]\r\nautoMemoryReclaim=dropCache\r\n"
    )
    file = WslconfigFile(
        path="/mnt/c/Users/me/.wslconfig", present=True, content=content, chosen_by="only profile", mtime=1.0
    )
    first = small_sample(surroundings=Surroundings(flavor="wsl2", wslconfig=file))
    samples = [first, later(first), later(first, 2.0)]
    with Recording.open(record(tmp_path / "a", samples)) as recording:
        player = Player(recording, "end")
        config = player.session.insight.config
    assert player.moment.sample.surroundings.wslconfig == file
    assert config == played_to(samples).insight.config
    assert not isinstance(config, Unavailable)
    assert config.reclaim.mode == "dropCache"
    assert [one.id for one in player.session.findings] == [one.id for one in played_to(samples).findings]
