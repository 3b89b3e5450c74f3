from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.recording.recorded import in_small_groups, read, record, run
from wsltop.errors import RecordingError
from wsltop.model.sample import SCHEMA, KernelLog, KernelRecord, Sample
from wsltop.recording import reader
from wsltop.recording.delta import FIELDS, DeltaCoder
from wsltop.recording.format import (
    FLUSH_END,
    HEAD,
    MARK,
    MAX_RECORD,
    GroupHead,
    Header,
    checksum_of,
    write_frame,
    write_head,
    write_header,
)
from wsltop.recording.reader import Recording

SAMPLES = run(20)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording of 20 samples in groups of 6."""
    in_small_groups(monkeypatch, 6)
    return record(tmp_path / "a.rec", SAMPLES)


def craft(path: Path, records: list[bytes], fields: tuple[str, ...] = FIELDS) -> Path:
    """A recording whose checksums are right, whatever is in it."""
    data = write_header(Header(schema=SCHEMA, interval=1.0, fields=fields))
    data += write_head(GroupHead(0, 1.0, 1.0), checksum_of(data))
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    for one in records:
        piece = stream.compress(one) + stream.flush(zlib.Z_SYNC_FLUSH)
        data += write_frame(piece.removesuffix(FLUSH_END), checksum_of(data))
    path.write_bytes(data)
    return path


def test_what_was_written_is_read(path: Path) -> None:
    with Recording.open(path) as recording:
        assert (len(recording), recording.note, recording.interval) == (20, "", 1.0)
        assert (recording.start, recording.end) == (SAMPLES[0].time, SAMPLES[-1].time)
        assert recording.header.program.startswith("wsltop ")
        assert list(recording.samples()) == SAMPLES


def test_any_sample_in_any_order(path: Path) -> None:
    with Recording.open(path) as recording:
        for index in (19, 0, 7, 6, 5, 18, 12):
            assert recording.sample(index) == SAMPLES[index]
        for index in (-1, 20):
            with pytest.raises(IndexError):
                recording.sample(index)


def test_a_stretch_of_samples(path: Path) -> None:
    with Recording.open(path) as recording:
        assert list(recording.samples(4, 9)) == SAMPLES[4:9]
        assert list(recording.samples(18)) == SAMPLES[18:]
        assert list(recording.samples(18, 99)) == SAMPLES[18:]


def test_the_outline_is_the_first_of_each_group(path: Path) -> None:
    with Recording.open(path) as recording:
        assert list(recording.outline()) == [(index, SAMPLES[index]) for index in (0, 6, 12, 18)]


def test_a_time_finds_the_last_sample_before_it(path: Path) -> None:
    with Recording.open(path) as recording:
        for index, one in enumerate(SAMPLES):
            assert recording.index_at(one.time) == index
            assert recording.index_at(one.time + 0.5) == index
            assert recording.index_at_monotonic(one.monotonic + 0.5) == index
        assert recording.index_at(0) == recording.index_at_monotonic(0) == 0
        assert recording.sample(recording.index_at(9e9)) == SAMPLES[-1]


def test_a_clock_that_was_set_back_still_finds_a_sample(tmp_path: Path) -> None:
    samples = [replace(one, time=one.time - (8 if place >= 10 else 0)) for place, one in enumerate(SAMPLES)]
    with Recording.open(record(tmp_path / "a.rec", samples)) as recording:
        assert recording.index_at(samples[5].time + 0.1) == 13
        assert recording.index_at(samples[19].time) == 19


def test_few_groups_stay_in_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "GROUPS_KEPT", 2)
    with Recording.open(path) as recording:
        assert list(recording.samples()) == SAMPLES
        assert len(recording._kept) == 2


def test_text_from_a_foreign_file_is_cleaned(tmp_path: Path) -> None:
    evil = "a\x1b]0;owned\x07b\u202ec"
    log = KernelLog(origin="kmsg", records=(KernelRecord(sequence=1, monotonic=1.0, level=6, facility=0, text="TEXT"),))
    coded = DeltaCoder().encode(replace(SAMPLES[0], kernel_log=log))
    raw = evil.encode()
    foreign = coded.replace(b"\x04TEXT", bytes([len(raw)]) + raw)
    assert foreign != coded
    (one,) = read(craft(tmp_path / "a.rec", [foreign]))
    assert isinstance(one.kernel_log, KernelLog)
    assert one.kernel_log.records[0].text == "abc"


def test_text_is_cleaned_when_it_is_written_too(tmp_path: Path) -> None:
    log = KernelLog(
        origin="kmsg",
        records=(KernelRecord(sequence=1, monotonic=1.0, level=6, facility=0, text="a\x1b[31m\udc80b"),),
    )
    path = record(tmp_path / "a.rec", [replace(SAMPLES[0], kernel_log=log)])
    (one,) = read(path)
    assert isinstance(one.kernel_log, KernelLog)
    assert one.kernel_log.records[0].text == "ab"


def test_a_torn_end_costs_the_last_sample_and_is_noted(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])
    with Recording.open(path) as recording:
        assert list(recording.samples()) == SAMPLES[:-1]
        assert recording.note.startswith("The end is cut off: the file ends inside a sample; ")


def test_zeros_after_a_power_failure_are_a_torn_end(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(5000))
    with Recording.open(path) as recording:
        assert list(recording.samples()) == SAMPLES
        assert "5000 bytes after" in recording.note


def damage_frame(data: bytearray) -> bytearray:
    """Change a byte in the middle of the second group."""
    data[data.index(MARK, data.index(MARK) + 1) + HEAD.size + 200] ^= 1
    return data


def take_group_out(data: bytearray) -> bytearray:
    """Take the second group out."""
    start = data.index(MARK, data.index(MARK) + 1)
    del data[start : data.index(MARK, start + 1)]
    return data


@pytest.mark.parametrize(
    ("damage", "says", "left"),
    [
        (
            damage_frame,
            "the checksum of a sample is wrong; 14 samples are good",
            SAMPLES[:6] + SAMPLES[12:],
        ),
        (take_group_out, "6 samples are missing", SAMPLES[:6] + SAMPLES[12:]),
        (lambda data: data + b"more than one line\n" * 100, "20 samples are good", SAMPLES),
    ],
)
def test_damage_is_refused_with_its_place_and_can_be_left_out(
    path: Path, damage: Callable[[bytearray], bytes], says: str, left: list[Sample]
) -> None:
    path.write_bytes(damage(bytearray(path.read_bytes())))
    with pytest.raises(RecordingError, match=rf"a\.rec is damaged at byte \d+: .*{says}.*add --salvage"):
        Recording.open(path)
    with Recording.open(path, salvage=True) as recording:
        assert list(recording.samples()) == left
        assert recording.note.startswith("Damaged at byte ")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", r"a\.rec: this is not a recording of wsltop \(byte 0\)\. Give a file that wsltop record has written"),
        (b'{"schema": 1}\n' * 1000, "not a recording"),
        (b"wsltop recording 2\n...", "was written by a newer wsltop: format 2.*Update wsltop"),
        (
            write_header(Header(schema=SCHEMA, interval=1.0, fields=FIELDS)),
            r"holds no sample \(it ends at byte \d+\)\. Record anew",
        ),
        (write_header(Header(schema=SCHEMA, interval=1.0, fields=FIELDS)) + b"x" * 99, "damaged at byte"),
    ],
)
def test_what_is_no_recording_is_told(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "a.rec").write_bytes(data)
    with pytest.raises(RecordingError, match=says):
        Recording.open(tmp_path / "a.rec")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordingError, match="No such file"):
        Recording.open(tmp_path / "none")
    for place in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(RecordingError, match="not a regular file"):
            Recording.open(place)


def test_a_file_that_changes_while_it_is_read_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "GROUPS_KEPT", 1)
    data = path.read_bytes()
    for changed in (data[:-2000], bytes(len(data)), data[:3000] + bytes(len(data) - 3000)):
        path.write_bytes(data)
        with Recording.open(path) as recording:
            path.write_bytes(changed)
            with pytest.raises(RecordingError, match=r"is damaged at byte \d+: .*open it again, with --salvage"):
                list(recording.samples(6, 18))


def test_nothing_is_left_open_when_a_file_is_refused(path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RecordingError):
        Recording.open(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_bomb_does_not_go_off(tmp_path: Path) -> None:
    path = craft(tmp_path / "a.rec", [bytes(MAX_RECORD + 1)])
    assert path.stat().st_size < 20_000
    with pytest.raises(RecordingError, match="the compressed stream is broken"):
        Recording.open(path)


def test_a_sample_with_wrong_types_is_told(tmp_path: Path) -> None:
    record_bytes = DeltaCoder().encode(SAMPLES[0])
    swapped = tuple({"time": "meminfo", "meminfo": "time"}.get(name, name) for name in FIELDS)
    with pytest.raises(RecordingError, match=r"damaged at byte .*: meminfo: Expected"):
        Recording.open(craft(tmp_path / "a.rec", [record_bytes], swapped))


def test_a_reader_of_another_schema_is_not_needed_for_new_fields(tmp_path: Path) -> None:
    """A later version that appends fields to the sample is still read by this one."""
    more = (*FIELDS, "invented")
    invented = bytes([len(FIELDS) << 1 | 1, 0, 3]) + b'"i"' + bytes([1, 4])
    path = craft(tmp_path / "a.rec", [DeltaCoder().encode(SAMPLES[0]) + invented], more)
    assert read(path) == SAMPLES[:1]
    assert msgspec.json.decode(path.read_bytes().split(b"\n")[1], type=Header).fields == more
