from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.recording.recorded import in_small_groups, read, record, run
from wsltop.errors import RecordingError
from wsltop.model.sample import KernelLog, KernelRecord, Sample
from wsltop.recording import writer
from wsltop.recording.reader import Recording
from wsltop.recording.writer import RecordingWriter

SAMPLES = run(12)


def test_each_sample_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    made = RecordingWriter(path, interval=1.0)
    for count, one in enumerate(SAMPLES, 1):
        made.write(one)
        assert made.size == path.stat().st_size
        assert read(path) == SAMPLES[:count]
    made.close()


def test_size_and_age_for_the_status_line(tmp_path: Path) -> None:
    made = RecordingWriter(tmp_path / "a.rec", interval=1.0)
    assert (made.count, made.age) == (0, 0.0)
    for one in SAMPLES:
        made.write(one)
    assert made.age == SAMPLES[-1].monotonic - SAMPLES[0].monotonic
    assert made.count == 12
    made.close()
    made.close()
    assert made.closed


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    assert record(tmp_path / "a.rec", SAMPLES[:1]).stat().st_mode & 0o777 == 0o600


def test_a_file_is_not_overwritten_unless_told(tmp_path: Path) -> None:
    path = record(tmp_path / "a.rec", SAMPLES)
    with pytest.raises(RecordingError, match=r"a\.rec exists"):
        RecordingWriter(path, interval=1.0)
    assert read(path) == SAMPLES
    record(path, SAMPLES[5:7], overwrite=True)
    assert read(path) == SAMPLES[5:7]


def test_two_writers_never_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    first = RecordingWriter(path, interval=1.0)
    first.write(SAMPLES[0])
    with pytest.raises(RecordingError, match="exists"):
        RecordingWriter(path, interval=1.0)
    with pytest.raises(RecordingError, match="by another wsltop"):
        RecordingWriter(path, interval=1.0, overwrite=True)
    first.write(SAMPLES[1])
    first.close()
    assert read(path) == SAMPLES[:2]


def test_two_recordings_of_the_same_samples_are_two_files(tmp_path: Path) -> None:
    one, other = (RecordingWriter(tmp_path / name, interval=1.0) for name in "ab")
    for sample in SAMPLES:
        one.write(sample)
        other.write(sample)
    one.close()
    other.close()
    assert read(tmp_path / "a") == read(tmp_path / "b") == SAMPLES


def test_where_nothing_can_be_created_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file or directory"):
        RecordingWriter(tmp_path / "no" / "a.rec", interval=1.0)
    with pytest.raises(RecordingError, match="exists"):
        RecordingWriter(tmp_path, interval=1.0)
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(RecordingError, match="not a regular file"):
            RecordingWriter(place, interval=1.0, overwrite=True)


def test_a_full_disk_ends_the_recording_once_and_leaves_it_good(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    made = RecordingWriter(path, interval=1.0)
    for one in SAMPLES[:5]:
        made.write(one)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (made.size + 20, limits[1]))  # the next write is cut in the middle
    try:
        with pytest.raises(RecordingError, match=r"a\.rec cannot be written: File too large; .* is kept"):
            made.write(SAMPLES[5])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert made.closed
    made.write(SAMPLES[6])
    with Recording.open(path) as recording:
        assert (list(recording.samples()), recording.note) == (SAMPLES[:5], "")


def test_a_header_that_does_not_fit_is_told(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(RecordingError, match="cannot be written"):
            RecordingWriter(tmp_path / "a.rec", interval=1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_deleted_file_ends_the_recording(tmp_path: Path) -> None:
    made = RecordingWriter(tmp_path / "a.rec", interval=1.0)
    made.write(SAMPLES[0])
    (tmp_path / "a.rec").unlink()
    with pytest.raises(RecordingError, match="was deleted"):
        made.write(SAMPLES[1])
    assert made.closed


def test_a_renamed_file_is_recorded_on(tmp_path: Path) -> None:
    made = RecordingWriter(tmp_path / "a.rec", interval=1.0)
    made.write(SAMPLES[0])
    (tmp_path / "a.rec").rename(tmp_path / "b.rec")
    made.write(SAMPLES[1])
    made.close()
    assert read(tmp_path / "b.rec") == SAMPLES[:2]


def test_a_number_beyond_the_format_ends_the_recording(tmp_path: Path) -> None:
    made = RecordingWriter(tmp_path / "a.rec", interval=1.0)
    made.write(SAMPLES[0])
    with pytest.raises(RecordingError, match="too large a number"):
        made.write(replace(SAMPLES[1], page_size=2**150))
    assert read(tmp_path / "a.rec") == SAMPLES[:1]


def test_a_flood_of_the_kernel_log_begins_a_new_group(tmp_path: Path) -> None:
    samples = [replace(one, kernel_log=flood()) if place in (3, 7) else one for place, one in enumerate(SAMPLES)]
    with Recording.open(record(tmp_path / "a.rec", samples)) as recording:
        assert list(recording.samples()) == samples
        assert [index for index, _ in recording.outline()] == [0, 8]


def flood() -> KernelLog:
    """As many records as a sample takes, of which no two are alike: about 50 KB however well they are compressed."""
    texts = [os.urandom(100).hex() for _ in range(500)]
    return KernelLog(
        origin="kmsg",
        records=tuple(
            KernelRecord(sequence=place, monotonic=place / 3, level=4, facility=0, text=text)
            for place, text in enumerate(texts)
        ),
    )


@pytest.mark.slow
def test_the_size_limit_drops_the_oldest_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_groups(monkeypatch, 5)
    monkeypatch.setattr(writer, "MIN_SIZE", 1000)
    samples, path = run(150), tmp_path / "a.rec"
    made = RecordingWriter(path, interval=1.0, max_size=20_000)
    largest = 0
    for count, one in enumerate(samples, 1):
        made.write(one)
        assert made.size == path.stat().st_size
        largest = max(largest, made.size)
        with Recording.open(path) as recording:
            assert recording.note == ""
            assert list(recording.samples()) == samples[count - len(recording) : count]
    made.close()
    assert 15_000 < largest <= 20_000
    assert [one.name for one in tmp_path.iterdir()] == ["a.rec"]
    assert made.count == 150


def test_a_limit_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"900 B is too small for a recording: 1\.0 MiB is not"):
        RecordingWriter(tmp_path / "a.rec", interval=1.0, max_size=900)
    assert not list(tmp_path.iterdir())


def test_retention_keeps_what_was_asked_and_a_quarter_more_at_the_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_groups(monkeypatch, 2)
    samples, path = run(100), tmp_path / "a.rec"
    made = RecordingWriter(path, interval=1.0, keep=20.0)
    for count, one in enumerate(samples, 1):
        made.write(one)
        with Recording.open(path) as recording:
            span = recording.end - recording.start
            assert recording.sample(len(recording) - 1) == one
        assert min(count - 1, 20) <= span + 0.01 <= 20 * 1.25 + 2.1
    made.close()


def test_whoever_reads_goes_on_reading_when_groups_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_groups(monkeypatch, 2)
    samples, path = run(60), tmp_path / "a.rec"
    made = RecordingWriter(path, interval=1.0, keep=10.0)
    for one in samples[:10]:
        made.write(one)
    with Recording.open(path) as recording:
        for one in samples[10:]:
            made.write(one)
        assert list(recording.samples()) == samples[:10]
    made.close()
    assert len(read(path)) < 20


def test_no_room_for_the_copy_ends_the_recording_and_leaves_it_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_groups(monkeypatch, 2)
    samples, path = run(60), tmp_path / "a.rec"
    made = RecordingWriter(path, interval=1.0, keep=20.0)
    copy = tmp_path / f".a.rec.{os.getpid()}.new"
    copy.mkdir()  # nothing can be created there
    with pytest.raises(RecordingError, match="the recording ends"):
        write_all(made, samples)
    kept = read(path)
    assert kept == samples[: len(kept)]
    assert len(kept) >= 20


def write_all(made: RecordingWriter, samples: list[Sample]) -> None:
    for one in samples:
        made.write(one)
