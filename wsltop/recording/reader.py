"""Reads a recording: any sample by its number or its time. A row whose checksum is wrong is left out."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, TypeVar

from msgspec.structs import replace

from wsltop.errors import RecordingError
from wsltop.model.sample import Census, HostMemory, KernelLog, Pss, Sample
from wsltop.model.text import clean
from wsltop.recording.codec import Malformed, SampleDecoder
from wsltop.recording.database import (
    FAILED,
    FOREIGN,
    LONGEST_RUN,
    Row,
    check_file,
    check_schema,
    connect,
    number_in,
    quietly,
    read_meta,
    to_row,
)
from wsltop.recording.timeline_index import CHUNK, MissingSample, first_good

MOST_SAMPLES: Final = 100_000_000
"""Three years, at one a second; a file whose numbers say more is damaged."""
RUNS_KEPT: Final = 12
"""Runs of samples, from one whole one to the next, that stay in memory: twelve minutes, a few megabytes."""
MOST_KEPT: Final = 16 * 1024 * 1024
"""Bytes of JSON that the kept samples were made of, at most; usually it is 3 MB."""
MOST_FETCHED: Final = 32 * 1024 * 1024
"""Bytes of rows that are in memory at once. In a damaged file many rows may share the same pages."""
AT_ONCE: Final = 600
"""Rows that one statement reads: a writer without a write-ahead log waits for it."""
AGAIN: Final = "Record again."
CUT: Final = "The file was cut off; this is what is left of it."
LOG_LEFT_OUT: Final = (
    "The newest samples are in its -wal file, which cannot be used in this folder: copy both to where you may write."
)
N = TypeVar("N", int, float)


class Run(NamedTuple):
    """The good samples with the numbers from ``start`` to ``stop``, which is not included."""

    start: int
    stop: int
    samples: dict[int, Sample]
    size: int
    """Bytes of JSON that they were made of."""


class Recording:
    """An open recording; use ``Recording.open``. Samples are numbered from 0, the oldest that the file has."""

    def __init__(self, path: Path, connection: sqlite3.Connection, note: str = "") -> None:
        self.path = path
        self._connection = connection
        self._note = note
        self._runs: OrderedDict[int, Run] = OrderedDict()
        self._lost: dict[int, int] = {}
        """How many samples are missing, by the number at which a run begins."""
        meta = read_meta(connection)
        self.interval: float = max(0.05, number_in(meta, "interval", 1.0))
        """Seconds between samples, as intended."""
        self.program = str(meta.get("program", ""))
        """What wrote it: ``wsltop 0.2.0``."""
        self._first, last = self._find_ends()
        self.count = last - self._first + 1
        if self.count > MOST_SAMPLES:
            raise RecordingError(f"{clean(str(path))} is damaged: its samples are numbered {self._first} to {last}")
        self.start = first_good(self, range(self.count)).time
        """Wall clock of the first sample, seconds since the epoch."""
        self.end = first_good(self, range(self.count - 1, -1, -1)).time
        """Wall clock of the last sample."""

    @classmethod
    def open(cls, path: Path) -> Recording:
        """Open ``path``; it may be written to at the same time, and may lie where nothing can be written.

        Raises:
            RecordingError: it cannot be read, is no recording, is newer, or holds no good sample.
        """
        check_file(path)
        reason = ""
        for options, note in ways_to_open(path):
            connection = None
            try:
                connection = connect(path, f"mode=ro{options}")
                connection.execute("PRAGMA query_only = ON")
                if note == CUT:
                    connection.execute("PRAGMA writable_schema = ON")  # reads what is left of it
                check_schema(connection, path)
                return cls(path, connection, note)
            except FAILED as error:
                reason = reason or clean(str(error))
            except RecordingError:
                if connection is not None:
                    quietly(connection.close)
                raise
            if connection is not None:
                quietly(connection.close)
        name = clean(str(path))
        if "not a database" in reason:
            raise RecordingError(f"{name} is not a recording of wsltop. {FOREIGN}")
        raise RecordingError(f"{name} cannot be read: {reason}")

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.count

    @property
    def note(self) -> str:
        """What was found missing until now, as sentences for people; empty when nothing was."""
        lost = sum(self._lost.values())
        told = f"{lost} samples are damaged or deleted, and are left out." if lost else ""
        return f"{self._note} {told}".strip()

    def sample(self, index: int) -> Sample:
        """The sample of that number.

        Raises:
            IndexError: there is none.
            MissingSample: it is damaged, or was deleted since the file was opened.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        number = self._first + index
        run = next((run for run in reversed(self._runs.values()) if run.start <= number < run.stop), None)
        found = (run or self._read_run(number)).samples.get(number)
        if found is None:
            raise MissingSample(f"sample {index} of {clean(str(self.path))} is damaged or was deleted")
        return found

    def samples(self, first: int = 0, end: int | None = None) -> Iterator[Sample]:
        """Yield the good samples from number ``first`` up to ``end``, which is not included; to the last without."""
        for _, sample, _ in self.rows(first, end):
            yield sample

    def rows(self, first: int = 0, end: int | None = None) -> Iterator[tuple[Row, Sample, bytes | None]]:
        """Yield the good rows in their order, a few hundred in memory at a time: row, sample, and its JSON.

        The JSON is None where it is not that of the sample, because its times were moved.
        """
        wanted = range(self._first + max(0, first), self._first + min(self.count, self.count if end is None else end))
        start = self._run_start(wanted.start)
        decoder, good, step = SampleDecoder(), 0, 1
        while start < wanted.stop:
            rows = self._fetch("number >= ? AND number < ? ORDER BY number LIMIT ?", start, wanted.stop, AT_ONCE)
            for row, sample in decode_rows(rows, decoder):
                if row.number >= wanted.start:
                    good += 1
                    placed = place(sample, row)
                    yield row, placed, decoder.json if placed is sample else None
            # What is behind a row or a page that cannot be read may be good.
            step = 1 if rows else 2 * step
            start = (rows[-1].number if rows else start) + step
        self._lost = {wanted.start: len(wanted) - good} if len(wanted) > good else {}

    def figures(self, first: int = 0, end: int | None = None) -> Iterator[Row]:
        """Yield the rows whose checksum holds, with their figures, without working out the samples."""
        start = self._first + max(0, first)
        stop = self._first + min(self.count, self.count if end is None else end)
        good, wanted, step = 0, stop - start, 1
        while start < stop:
            rows = self._fetch("number >= ? AND number < ? ORDER BY number LIMIT ?", start, stop, AT_ONCE)
            for row in rows:
                if row.good:
                    good += 1
                    yield row
            step = 1 if rows else 2 * step
            start = (rows[-1].number if rows else start) + step
        self._lost = {start: wanted - good} if wanted > good else {}

    @property
    def times(self) -> tuple[float, float]:
        """The earliest and the latest wall clock; they are not its ends where the clock was set."""
        earliest = self._ask("SELECT min(time) FROM sample", self.start)
        return earliest, self._ask("SELECT max(time) FROM sample", self.end)

    def index_at(self, when: float) -> int:
        """The number of the sample whose wall clock is nearest to ``when`` and not later; the first where all are."""
        return self._clamp(
            self._ask(
                "SELECT number FROM sample WHERE number > 0 AND time <= ? AND number <= ? "
                "ORDER BY time DESC, number DESC LIMIT 1",
                self._first,
                when,
                self._first + self.count - 1,
            )
        )

    def index_at_monotonic(self, when: float) -> int:
        """The number of the last sample that is not later on the recording's clock; the first sample when all are."""
        low, high = self._first, self._first + self.count
        while high - low > 1:
            middle = (low + high) // 2
            value = self._ask("SELECT monotonic FROM sample WHERE number <= ? ORDER BY number DESC LIMIT 1", 0, middle)
            low, high = (middle, high) if value <= when else (low, middle)
        return self._clamp(low)

    def index_of_event(self, kind: str) -> int | None:
        """The number of the sample with which the last event of a kind became known, or None."""
        number = self._ask(
            "SELECT sample FROM event WHERE kind = ? AND sample <= ? ORDER BY monotonic DESC LIMIT 1",
            -1,
            kind,
            self._first + self.count - 1,
        )
        return None if number < self._first else self._clamp(number)

    def event_kinds(self) -> tuple[str, ...]:
        """The kinds of events that the recording has."""
        try:
            found = self._connection.execute("SELECT DISTINCT substr(kind, 1, 40) FROM event LIMIT 50").fetchall()
        except FAILED:
            return ()
        return tuple(clean(kind.decode("utf-8", "replace")) for (kind,) in found if isinstance(kind, bytes))

    def outline(self) -> Iterator[tuple[int, Sample]]:
        """Yield samples from all over the recording with their numbers: one in five minutes."""
        for first in range(self._first, self._first + self.count, CHUNK):
            rows = self._fetch("number >= ? AND number < ? AND whole LIMIT 1", first, first + 2 * LONGEST_RUN)
            for row, sample in decode_rows(rows, SampleDecoder()):
                if row.number < self._first + self.count:
                    yield row.number - self._first, place(sample, row)

    def close(self) -> None:
        """Close the file; may be called again."""
        quietly(self._connection.close)

    # Rows

    def _find_ends(self) -> tuple[int, int]:
        """The numbers of the first and the last sample; of what can be read, where the file is damaged."""
        first = self._ask("SELECT number FROM sample WHERE number > 0 ORDER BY number LIMIT 1", -1)
        last = self._ask("SELECT number FROM sample WHERE number > 0 ORDER BY number DESC LIMIT 1", -1)
        if first < 0 and last < 0:
            raise RecordingError(f"{clean(str(self.path))} holds no sample that can be read. {AGAIN}")
        return (
            first if first >= 0 else self._last_readable(last, -1),
            last if last >= 0 else self._last_readable(first, 1),
        )

    def _last_readable(self, number: int, way: int) -> int:
        """The last sample that can be read from ``number`` on, up (1) or down (-1), where only an end is lost."""
        step = 1
        while step < MOST_SAMPLES and self._fetch("number = ?", number + way * step):
            number, step = number + way * step, 2 * step
        while step > 1:
            step //= 2
            if self._fetch("number = ?", number + way * step):
                number += way * step
        return number

    def _read_run(self, number: int) -> Run:
        """The run that sample ``number`` belongs to, from the whole one at or before it to the next; kept."""
        start = self._run_start(number)
        stop = min(start + LONGEST_RUN, self._first + self.count)
        samples: dict[int, Sample] = {}
        rows = self._fetch("number >= ? AND number < ? ORDER BY number", start, stop)
        if rows and rows[-1].number + 1 < stop:  # behind what cannot be read another run may begin
            stop = max(number, rows[-1].number) + 1
        for place_in_run, row in enumerate(rows):
            if row.whole and row.number > max(start, number):
                stop = row.number
                del rows[place_in_run:]
                break
        decoder = SampleDecoder()
        for row, sample in decode_rows(rows, decoder):
            samples[row.number] = place(sample, row)
        lost = stop - start - len(samples)
        if lost > self._lost.get(start, 0):
            self._lost[start] = lost
        run = Run(start, stop, samples, decoder.size)
        while len(self._runs) >= RUNS_KEPT or sum(kept.size for kept in self._runs.values()) > MOST_KEPT:
            self._runs.popitem(last=False)
        self._runs[start] = run
        return run

    def _run_start(self, number: int) -> int:
        """The number of the whole sample at or before ``number``; ``number`` where there is none near."""
        return self._ask(
            "SELECT number FROM sample WHERE number <= ? AND number > ? AND whole ORDER BY number DESC LIMIT 1",
            number,
            number,
            number - LONGEST_RUN,
        )

    def _fetch(self, where: str, *values: int) -> list[Row]:
        """The rows of the table ``sample`` that a condition names, up to where the file is damaged.

        The condition begins with the least number, which is the first of ``values``.
        """
        found: list[Row] = []
        size = 0
        try:
            for values_of_row in self._connection.execute(f"SELECT * FROM sample WHERE {where}", values):  # noqa: S608
                row = to_row(values_of_row)
                if row.number < values[0] or (found and row.number <= found[-1].number):
                    break  # a damaged tree may lead in a circle
                found.append(row)
                size += len(row.data) if isinstance(row.data, bytes) else 0
                if size > MOST_FETCHED:
                    break
        except FAILED:
            # Python reads one row ahead: the good one before the error is lost with it.
            with suppress(*FAILED):
                number = found[-1].number + 1 if found else values[0]
                one = self._connection.execute("SELECT * FROM sample WHERE number = ?", (number,)).fetchone()
                found += [] if one is None else [to_row(one)]
        return found

    def _ask(self, statement: str, default: N, *values: object) -> N:
        """The one number that a statement finds, or ``default``."""
        with suppress(*FAILED):
            found = self._connection.execute(statement, values).fetchone()
            if found is not None and type(found[0]) in (int, float):
                return found[0]  # type: ignore[no-any-return]
        return default

    def _clamp(self, number: int) -> int:
        return min(max(number - self._first, 0), self.count - 1)


def ways_to_open(path: Path) -> Iterator[tuple[str, str]]:
    """How SQLite is asked to open the file, and what has to be said of each way.

    After the usual one comes a folder in which nothing can be written, and a file that was cut off.
    """
    yield "", ""
    log = path.with_name(f"{path.name}-wal")
    yield "&immutable=1", LOG_LEFT_OUT if log.exists() else ""
    yield "&immutable=1", CUT


def decode_rows(rows: list[Row], decoder: SampleDecoder) -> Iterator[tuple[Row, Sample]]:
    """Yield the rows whose checksum holds and that can be decoded, with their samples."""
    for row in rows:
        if not row.good:
            decoder.forget()
            continue
        try:
            yield row, decoder.decode(row.data, whole=row.whole)
        except Malformed:
            continue


def place(sample: Sample, row: Row) -> Sample:
    """The sample with all its monotonic times on the recording's own clock, which differs after a restart of the VM."""
    shift = row.monotonic - sample.monotonic
    if not shift:
        return sample
    log, host, census = sample.kernel_log, sample.host, sample.census
    if isinstance(log, KernelLog):
        records = tuple(replace(record, monotonic=record.monotonic + shift) for record in log.records)
        log = replace(log, records=records)
    if isinstance(host, HostMemory):
        host = replace(host, read_at=host.read_at + shift)
    if isinstance(census, Census):
        processes = tuple(
            replace(use, pss=replace(use.pss, read_at=use.pss.read_at + shift)) if isinstance(use.pss, Pss) else use
            for use in census.holders.processes
        )
        holders = replace(census.holders, processes=processes)
        census = replace(census, read_at=census.read_at + shift, holders=holders)
    marks = tuple(replace(mark, monotonic=mark.monotonic + shift) for mark in sample.marks)
    return replace(sample, monotonic=row.monotonic, kernel_log=log, host=host, census=census, marks=marks)
