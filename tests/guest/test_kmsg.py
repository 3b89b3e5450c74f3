from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import FOLDER, KERNELS
from tests.hostile import controls
from wsltop.guest.kernel_log import (
    BUFFER,
    PATIENCE,
    RECORDS_PER_READ,
    RECORDS_WHEN_BEHIND,
    KmsgReader,
    join_fragments,
    parse_fragments,
    unescape,
)
from wsltop.model.sample import KernelLog, KernelRecord, Unavailable

FORBIDDEN = {chr(code) for code in controls()}


class Ring:
    """Behaves like the kernel's side of ``/dev/kmsg``."""

    def __init__(self, size: int = 10**9) -> None:
        self.size = size
        self.first = 0
        self.next = 0
        self.position = 0
        self.reads = 0
        self.flood = False
        self.oversized: set[int] = set()

    def write(self, count: int = 1) -> None:
        self.next += count
        self.first = max(self.first, self.next - self.size)

    def read(self, _descriptor: int, length: int) -> bytes:
        assert length == BUFFER
        self.reads += 1
        if self.flood:
            self.write(10)
        if self.position < self.first:
            self.position = self.first
            raise BrokenPipeError
        if self.position >= self.next:
            raise BlockingIOError
        if self.position in self.oversized:
            raise OSError(errno.EINVAL, "Invalid argument")
        number = self.position
        self.position += 1
        return f"6,{number},{number * 1000},-;line {number}\n SUBSYSTEM=test\n".encode()

    def seek(self, _descriptor: int, offset: int, whence: int) -> int:
        assert (offset, whence) == (0, os.SEEK_END)
        self.position = self.next
        return 0


def open_ring(ring: Ring) -> KmsgReader:
    return KmsgReader(Path(os.devnull), ring.read, ring.seek)


def read(reader: KmsgReader) -> KernelLog:
    log = reader.read()
    assert isinstance(log, KernelLog)
    return log


def records_of(data: bytes) -> tuple[KernelRecord, ...]:
    return join_fragments(parse_fragments(data))


def recorded(kernel: str) -> tuple[KernelRecord, ...]:
    return records_of((FOLDER / kernel / "kmsg").read_bytes())


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_is_understood(kernel: str) -> None:
    records = recorded(kernel)
    assert records[0].text.startswith(f"Linux version {kernel}.")
    assert [record.sequence for record in records] == sorted({record.sequence for record in records})
    assert all(0 <= record.level <= 7 for record in records)
    assert not any("SUBSYSTEM" in record.text for record in records)


def test_messages_of_wsl_over_the_years() -> None:
    texts = {kernel: [record.text for record in recorded(kernel)] for kernel in KERNELS}
    assert "WSL2: Performing memory compaction." in texts["4.19"]
    assert "WSL2: Performing momory compaction." in texts["4.19"]
    assert "hv_balloon: Cold memory discard hint enabled" in texts["5.15"]
    assert "mini_init (175): drop_caches: 1" in texts["5.15"]
    assert "WSL (1 - ): WSL version 2.7.3.0" in texts["6.6"]


def test_level_and_facility_are_told_apart() -> None:
    by_sequence = {record.sequence: record for record in recorded("5.15")}
    assert (by_sequence[513].level, by_sequence[513].facility) == (6, 0)
    assert (by_sequence[515].level, by_sequence[515].facility) == (3, 1)
    assert by_sequence[513].monotonic == 600.986549


def test_two_records_of_one_text_stay_two() -> None:
    texts = [record.text for record in recorded("5.15")]
    first = texts.index("WSL (1) ERROR: WriteToFile:3321: write(/sys/fs/cgroup/memory.reclaim, 35785605")
    assert texts[first + 1] == ") failed -1 11"


def test_a_continuation_is_joined_to_its_line() -> None:
    records = {record.sequence: record.text for record in recorded("4.19")}
    assert records[113] == ".... node  #0, CPUs:        #1  #2"
    assert 114 not in records
    assert 115 not in records
    assert records_of(b"6,7,1,-;one\n6,9,1,c; far\n")[1].text == " far"


def test_escapes_are_undone_and_then_cleaned() -> None:
    assert recorded("5.15")[-1].text == "café[42]: a name with a \\ and a  tab and color"
    assert unescape(rb"\x5cx41 \x4g \x") == r"\x41 \x4g \x"


@given(st.binary())
def test_garbage_is_no_record(data: bytes) -> None:
    for record in records_of(data):
        assert not FORBIDDEN.intersection(record.text)


@given(st.binary().filter(lambda text: b"\n" not in text), st.integers(0, 191), st.integers(0, 10**18))
def test_any_text_survives_as_a_record_without_control_characters(text: bytes, priority: int, number: int) -> None:
    (record,) = records_of(b"%d,%d,%d,-,caller=T1,new=field;%s\n" % (priority, number, number, text))
    assert (record.level, record.facility, record.sequence) == (priority % 8, priority // 8, number)
    assert record.monotonic == number / 1e6
    assert not FORBIDDEN.intersection(record.text)


def test_records_come_once_and_an_idle_log_costs_one_read() -> None:
    ring = Ring()
    ring.write(3)
    reader = open_ring(ring)
    assert [record.text for record in read(reader).records] == ["line 0", "line 1", "line 2"]
    ring.reads = 0
    assert read(reader) == KernelLog(origin="kmsg")
    assert ring.reads == 1
    ring.write()
    assert [record.sequence for record in read(reader).records] == [3]
    reader.close()
    reader.close()


def test_a_long_log_comes_in_pieces() -> None:
    ring = Ring()
    ring.write(RECORDS_PER_READ + 7)
    reader = open_ring(ring)
    assert len(read(reader).records) == RECORDS_PER_READ
    assert len(read(reader).records) == 7
    reader.close()


def test_what_the_kernel_overwrote_is_counted() -> None:
    ring = Ring(size=50)
    ring.write(20)
    reader = open_ring(ring)
    assert read(reader).lost == 0
    ring.write(100)
    log = read(reader)
    assert (log.lost, len(log.records), log.records[0].sequence) == (50, 50, 70)
    reader.close()


def test_records_older_than_us_are_not_lost() -> None:
    ring = Ring(size=50)
    ring.write(500)
    reader = open_ring(ring)
    log = read(reader)
    assert (log.lost, len(log.records)) == (0, 50)
    reader.close()


def test_a_flood_is_bounded_counted_and_ends() -> None:
    ring = Ring(size=4000)
    ring.flood = True
    reader = open_ring(ring)
    logs = []
    for _ in range(PATIENCE + 20):
        ring.reads = 0
        logs.append(read(reader))
        assert ring.reads <= RECORDS_PER_READ
    assert all(len(log.records) <= RECORDS_WHEN_BEHIND for log in logs[PATIENCE:])
    ring.flood = False
    ring.write()
    logs.append(read(reader))
    last = logs[-1].records[-1]
    assert last.sequence == ring.next - 1
    seen = sum(len(log.records) for log in logs)
    first = logs[0].records[0].sequence
    assert seen + sum(log.lost for log in logs) == last.sequence - first + 1
    ring.write(RECORDS_WHEN_BEHIND + 1)
    assert len(read(reader).records) == RECORDS_WHEN_BEHIND + 1
    reader.close()


def test_a_record_longer_than_the_buffer_is_skipped() -> None:
    ring = Ring()
    ring.write(5)
    ring.oversized.add(2)
    reader = open_ring(ring)
    assert len(read(reader).records) == 2
    ring.write()
    log = read(reader)
    assert (log.lost, [record.sequence for record in log.records]) == (3, [5])
    reader.close()


def test_a_device_that_fails_is_unavailable() -> None:
    def fail(_descriptor: int, _length: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    reader = KmsgReader(Path(os.devnull), fail)
    assert reader.read() == Unavailable("reading /dev/kmsg failed: Input/output error")
    reader.close()


def test_the_real_log_is_read_to_its_end() -> None:
    try:
        reader = KmsgReader()
    except OSError as error:
        pytest.skip(f"/dev/kmsg: {error.strerror}")
    mark = f"wsltop test: {time.time_ns()} café \\"
    try:
        with Path("/dev/kmsg").open("wb", buffering=0) as kmsg:
            # Without the line feed the kernel would hold the record back: more of the line may come.
            kmsg.write(f"<12>{mark}\n".encode())
    except OSError as error:
        reader.close()
        pytest.skip(f"writing to /dev/kmsg: {error.strerror}")
    found = []
    for _ in range(100):
        log = read(reader)
        found += [record for record in log.records if record.text == mark]
        if not log.records:
            break
    reader.close()
    (record,) = found
    assert (record.level, record.facility) == (4, 1)
    assert record.monotonic == pytest.approx(time.clock_gettime(time.CLOCK_MONOTONIC), abs=30)
