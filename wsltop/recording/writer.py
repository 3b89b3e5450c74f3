"""Writes a recording: each sample is committed to a SQLite file before ``write`` returns.

Import this only where something is recorded: it loads sqlite3, which the first frame of the screen does without.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import platform
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from wsltop import __version__
from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.core.event_log import first_text, is_line, merge_keys
from wsltop.core.events import mark_event
from wsltop.core.ledger import keep_ledger
from wsltop.core.session import Session
from wsltop.errors import RecordingError
from wsltop.model.sample import Event, KernelLog, Mark, Sample, Unavailable
from wsltop.model.text import MIB, clean, format_duration, format_size
from wsltop.recording.codec import SampleCoder
from wsltop.recording.database import (
    APPLICATION_ID,
    FAILED,
    LONGEST_RUN,
    SCHEMA,
    VERSION,
    Row,
    check_schema,
    checksum,
    connect,
    figures_of,
    number_in,
    pragma,
    quietly,
    read_meta,
)

GAP: Final = "recording: nothing for "
"""How the mark begins that says for how long nothing was recorded."""
CLOCK: Final = "clock: set "
"""How the mark begins that says that the wall clock was set."""
KINDS: Final = {GAP: "gap", CLOCK: "clock"}
Key: TypeAlias = tuple[float, str, str, str]
"""Start, kind, origin and text of an event: what stays the same while it goes on."""
REMEMBERED: Final = 4000
"""Events that may still go on, and change their row."""


class EventRow(NamedTuple):
    """A row of the table ``event``."""

    number: int
    sample: int
    """Number of the sample with which it became known."""
    time: float
    monotonic: float
    """Its start on the recording's own clock."""
    seconds: float
    """How long it went on; 0 for a moment."""
    kind: str
    origin: str
    level: int
    text: str
    amounts: str
    """The figures behind the text, as a JSON object."""


class EventRows:
    """Makes the rows; an event that goes on over many samples is one row that changes.

    Args:
        interval: seconds between samples.
        first: the number of the first row.
        session: the session that takes each sample before it is recorded; None: one is made here.
    """

    def __init__(self, interval: float, first: int, session: Session | None) -> None:
        self._given = session is not None
        self._session = Session(interval) if session is None else session
        self._next = first
        self._seen = self._session.journal.events()
        """The events at the last sample. They are kept so that an id means the same event."""
        self._ids = set(map(id, self._seen))
        self._version = self._session.journal.version()
        self._rows: dict[Key, EventRow] = {}

    def take(self, sample: Sample, marks: tuple[Mark, ...], number: int, offset: float) -> tuple[EventRow, ...]:
        """The rows that are new or changed with a sample.

        Args:
            sample: the next one.
            marks: those of its marks that a given session does not know.
            number: its number in the recording.
            offset: what the recording's own clock is ahead of the sample's.
        """
        found: list[Event] = []
        if self._given:
            found += map(mark_event, marks)
        else:
            self._session.take(sample, shown=False)
        journal = self._session.journal
        if journal.version() != self._version:
            self._version = journal.version()
            events = journal.events()
            found += (event for event in events if id(event) not in self._ids)
            self._seen, self._ids = events, set(map(id, events))
        return tuple(self._make(event, number, offset) for event in found)

    def _make(self, event: Event, number: int, offset: float) -> EventRow:
        key = key_of(event)
        before = self._rows.pop(key, None)
        if before is None:
            self._next += 1
        kind = next((kind for begin, kind in KINDS.items() if event.text.startswith(begin)), "")
        row = self._rows[key] = EventRow(
            number=self._next - 1 if before is None else before.number,
            sample=number if before is None else before.sample,
            time=event.time,
            monotonic=event.start + offset,
            seconds=max(0.0, event.end - event.start),
            kind=kind if kind and event.kind == "mark" else event.kind,
            origin=event.origin,
            level=event.level,
            text=event.text,
            amounts=msgspec.json.encode(event.amounts).decode(),
        )
        if len(self._rows) > REMEMBERED:
            del self._rows[next(iter(self._rows))]
        return row


def key_of(event: Event) -> Key:
    """What stays the same of an event while it goes on."""
    text = first_text(event) if is_line(event) or not merge_keys(event) else ""
    return event.start, event.kind, event.origin, text


MIN_SIZE: Final = MIB
"""The smallest limit of size."""
MODE: Final = 0o600
"""A recording holds process names and the kernel log: it is for its owner."""
SYNC_EVERY: Final = 10.0
"""Seconds between commits that wait for the disk: a crash of wsltop loses nothing, one of the whole VM this much."""
LOG_PAGES: Final = 250
"""Pages of the write-ahead log, 1 MiB, after which it is moved into the file."""
LEAST_LOG_PAGES: Final = 16
LOCK_WAIT: Final = 0.25
"""Seconds that a commit waits for a reader, which only a file without a write-ahead log makes it do."""
MOST_WAITING: Final = 60
"""Samples that wait in memory while a reader locks the file."""
SAME_BOOT: Final = 60.0
"""Seconds by which the kernel's boot time may change within a boot: the wall clock was corrected."""
CLOCK_STEP: Final = 5.0
"""Seconds by which the wall clock may leave the monotonic one between two samples before that is an event."""
ROOM: Final = 128 * 1024
"""Bytes that stay free below the limit of size."""
LEAST_FREE: Final = 64 * 1024
"""Bytes below which a disk counts as full."""
MAGIC: Final = b"SQLite format 3\0"


class Last(NamedTuple):
    """The newest sample of the recording."""

    time: float
    monotonic: float
    """On the recording's own clock."""
    boot_time: float | None


class RecordingWriter:
    """Appends samples to a recording, which is made if it is not there.

    Args:
        path: the file; its folder must exist.
        interval: seconds between samples.
        overwrite: replace a file of that name, whatever it is, instead of appending to a recording.
        max_size: bytes that the file does not exceed, at least ``MIN_SIZE``: the oldest samples are deleted. Only a
            flood of the kernel log that is larger than this goes beyond.
        keep: seconds of samples to keep; what is older is deleted a minute at a time.
        clock: stamps the file.
        session: the session that takes each sample before it is written, whose events are recorded; None: the writer
            works them out.

    Raises:
        RecordingError: the file is not a recording, another wsltop writes to it, it cannot be made, or the limit is
            too small.
    """

    def __init__(
        self,
        path: Path,
        *,
        interval: float,
        overwrite: bool = False,
        max_size: int | None = None,
        keep: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
        session: Session | None = None,
    ) -> None:
        if max_size is not None and max_size < MIN_SIZE:
            raise RecordingError(
                f"{format_size(max_size)} is too small for a recording; the least is {format_size(MIN_SIZE)}"
            )
        self.path = path
        self.count = 0
        """Samples that this writer has committed."""
        self._interval = interval
        self._max_size = max_size
        self._keep = keep
        self._coder = SampleCoder()
        self._run = 0
        """Samples since the last whole one."""
        self._began: float | None = None
        self._last: Last | None = None
        self._offset = 0.0
        """What is added to CLOCK_MONOTONIC to make the recording's own clock of it."""
        self._number = 1
        self._left_out = ""
        """Why the sample before is missing."""
        self._waiting: list[tuple[Row, tuple[EventRow, ...]]] = []
        self._synced: float | None = None
        self._size = self._least = 0
        self._session = session
        self._events = EventRows(interval, 1, session)
        self._connection: sqlite3.Connection | None = None
        self._descriptor, fresh = open_locked(path, overwrite=overwrite)
        self._counts_links = os.fstat(self._descriptor).st_nlink > 0
        try:
            connection = self._connection = connect(path, "mode=rw", timeout=LOCK_WAIT)
            if fresh:
                self._create(connection, clock.time())
            else:
                self._continue(connection)
        except (*FAILED, RecordingError) as error:
            self._let_go()
            name, reason = clean(str(path)), clean(str(error))
            if not fresh:
                raise RecordingError(
                    f"cannot append to {name}: {reason}. Another name, or --overwrite, helps"
                ) from None
            for file in files_of(path):  # nothing was recorded: leave no empty file behind
                file.unlink(missing_ok=True)
            raise RecordingError(f"{name} cannot be written: {reason}") from None

    @property
    def size(self) -> int:
        """Bytes of the recording, its write-ahead log included."""
        if self._descriptor >= 0:
            self._size = os.fstat(self._descriptor).st_size
            with suppress(OSError):
                self._size += files_of(self.path)[1].stat().st_size
        return self._size

    @property
    def age(self) -> float:
        """Seconds from the first sample of this writer to the last."""
        return 0.0 if self._began is None or self._last is None else self._last.monotonic - self._began

    @property
    def closed(self) -> bool:
        """Whether the recording has ended, by ``close`` or by an error."""
        return self._connection is None

    def write(self, sample: Sample) -> None:
        """Append ``sample``. Once closed, by ``close`` or after an error, this does nothing.

        A sample with a figure that is no number is left out, and the next one says so.

        Raises:
            RecordingError: it cannot be written; the file is closed, and good up to the sample before.
        """
        if self._connection is None:
            return
        status = os.fstat(self._descriptor)
        gone = "was deleted" if self._counts_links and status.st_nlink == 0 else ""
        gone = "was cut off by another program" if status.st_size < self._least else gone
        if gone:
            self._let_go()
            raise RecordingError(f"{clean(str(self.path))} {gone}: the recording ends")
        self._least = status.st_size
        self._take(sample)
        self._commit(self._connection)

    def close(self) -> None:
        """End the recording, and make one file of it that can be copied; may be called again.

        Raises:
            RecordingError: what was written did not reach the disk.
        """
        connection = self._connection
        if connection is None:
            return
        self._commit(connection)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise self._give_up(error) from None
        # While somebody reads, the write-ahead log stays; it is part of the recording then.
        quietly(lambda: connection.execute("PRAGMA journal_mode = DELETE"))
        self._let_go()

    # Opening

    def _create(self, connection: sqlite3.Connection, now: float) -> None:
        """Make the tables of a new file."""
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        for statement in SCHEMA.values():
            connection.execute(statement)
        put_meta(connection, created=now)
        self._describe(connection)
        connection.execute("COMMIT")
        self._choose_journal(connection)

    def _continue(self, connection: sqlite3.Connection) -> None:
        """Go on behind the last sample of the file."""
        check_schema(connection, self.path)
        if connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'trigger' LIMIT 1").fetchone():
            raise RecordingError("it has a trigger, which would change what is recorded")
        self._choose_journal(connection)
        last = connection.execute("SELECT number, time, monotonic FROM sample ORDER BY number DESC LIMIT 1").fetchone()
        if last is not None:
            meta = read_meta(connection)
            self._number = int(last[0]) + 1
            self._offset = number_in(meta, "clock_offset", 0.0)
            self._last = Last(float(last[1]), float(last[2]), number_in(meta, "boot_time", None))
        (events,) = connection.execute("SELECT coalesce(max(number), 0) FROM event").fetchone()
        self._events = EventRows(self._interval, int(events) + 1, self._session)
        self._describe(connection)

    def _describe(self, connection: sqlite3.Connection) -> None:
        system = f"{platform.system()} {platform.release()} {platform.machine()}"
        put_meta(connection, program=f"wsltop {__version__}", machine=clean(system), interval=self._interval)

    def _choose_journal(self, connection: sqlite3.Connection) -> None:
        """Use a write-ahead log, or what a file system without shared memory can do (a Windows drive)."""
        mode = b""
        with suppress(sqlite3.OperationalError):
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != b"wal":
            connection.execute("PRAGMA journal_mode = TRUNCATE")
        pages = LOG_PAGES
        if self._max_size is not None:
            pages = max(LEAST_LOG_PAGES, min(pages, self._max_size // 32768))
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        connection.execute(f"PRAGMA journal_size_limit = {pages * 4096}")

    # Rows

    def _take(self, sample: Sample) -> None:
        """Make the row of a sample, and those of the events that it tells of."""
        if not (math.isfinite(sample.time) and math.isfinite(sample.monotonic)):
            self._left_out = "its time is no number"
            return
        marks = sample.marks
        sample = self._place(sample)
        if self._left_out:
            sample = add_mark(sample, f"recording: a sample was left out: {self._left_out}", level=4)
        whole = self._run % LONGEST_RUN == 0
        try:
            data = self._coder.encode(sample, whole=whole)
        except ValueError as error:
            self._left_out = str(error)
            return
        self._left_out = ""
        monotonic = sample.monotonic + self._offset
        figures = figures_of(sample, keep_ledger(sample), self._interval)
        row = Row(self._number, sample.time, monotonic, figures, whole, data, 0)
        row = row._replace(checksum=checksum(row))
        self._waiting.append((row, self._events.take(sample, sample.marks[len(marks) :], row.number, self._offset)))
        self._number += 1
        self._run += 1
        self._last = Last(sample.time, monotonic, boot_time(sample))
        if self._began is None:
            self._began = monotonic

    def _place(self, sample: Sample) -> Sample:
        """Put a sample on the recording's own clock; note where that clock or the wall clock jumps."""
        last = self._last
        if last is None:
            return sample
        appends = self._run == 0
        passed = sample.monotonic + self._offset - last.monotonic
        booted = boot_time(sample)
        other_boot = appends and differ(booted, last.boot_time, SAME_BOOT)
        if passed < 0 or other_boot:
            other_boot = True
            passed = max(0.0, sample.time - last.time)
            self._offset = last.monotonic + passed - sample.monotonic
        elif appends:
            sample = leave_out_lines(sample, last.monotonic - self._offset)
        if appends or other_boot:
            why = ", the VM was restarted" if other_boot else ""
            return add_mark(sample, f"{GAP}{format_duration(passed)}{why}")
        step = sample.time - last.time - passed
        if abs(step) > CLOCK_STEP:
            return add_mark(sample, f"{CLOCK}{'forward' if step > 0 else 'back'} by {format_duration(abs(step))}")
        return sample

    def _commit(self, connection: sqlite3.Connection) -> None:
        """Write what waits as one transaction.

        Raises:
            RecordingError: that failed, and not because somebody reads.
        """
        if not self._waiting:
            return
        last = self._waiting[-1][0].monotonic
        sync = self._synced is None or last - self._synced >= SYNC_EVERY
        try:
            if sync:
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            for row, events in self._waiting:
                self._insert(connection, row, events)
            connection.execute("COMMIT")
            if sync:
                connection.execute("PRAGMA synchronous = NORMAL")
                self._synced = last
        except sqlite3.Error as error:
            quietly(lambda: connection.execute("ROLLBACK"))
            if "locked" in str(error) and len(self._waiting) < MOST_WAITING:
                return
            raise self._give_up(error) from None
        self.count += len(self._waiting)
        self._waiting.clear()

    def _insert(self, connection: sqlite3.Connection, row: Row, events: tuple[EventRow, ...]) -> None:
        if row.whole:
            boot = None if self._last is None else self._last.boot_time
            put_meta(connection, clock_offset=self._offset, boot_time=boot)
        self._make_room(connection, row)
        values = (*row[:3], *row.figures, *row[4:])
        connection.execute(f"INSERT INTO sample VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608
        connection.executemany(f"INSERT OR REPLACE INTO event VALUES ({', '.join('?' * 10)})", events)  # noqa: S608

    def _make_room(self, connection: sqlite3.Connection, row: Row) -> None:
        """Delete the oldest samples, up to a whole one, while there is more than was asked for."""
        if self._keep is not None and row.whole:
            while (oldest := second_whole(connection)) and row.monotonic - oldest[1] > self._keep:
                delete_before(connection, oldest[0])
        if self._max_size is not None:
            limit = self._max_size - ROOM - 3 * len(row.data)
            while is_full(connection, limit) and (oldest := second_whole(connection)):
                delete_before(connection, oldest[0])

    # The end

    def _give_up(self, error: Exception) -> RecordingError:
        self._let_go()
        reason = clean(str(error))
        if isinstance(error, sqlite3.IntegrityError):
            reason = "another program writes to it"
        elif free_bytes(self.path) < LEAST_FREE:  # SQLite calls some of these an I/O error
            reason = os.strerror(errno.ENOSPC)
        return RecordingError(
            f"{clean(str(self.path))} cannot be written: {reason}; the recording ends, what it has is kept"
        )

    def _let_go(self) -> None:
        """Close the database, and then the lock: closing a descriptor of the file first would end SQLite's locks."""
        connection, self._connection = self._connection, None
        if connection is not None:
            quietly(connection.close)
        self._size = self.size
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def open_locked(path: Path, *, overwrite: bool) -> tuple[int, bool]:
    """Open a file for one writer: a locked descriptor, and whether the file is empty and to be made a recording.

    Raises:
        RecordingError: another wsltop writes to it, it is something else than a recording, or it cannot be made.
    """
    name = clean(str(path))
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise RecordingError(f"{name} is not a regular file: give the name of a file to record to")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, MODE)
    except OSError as error:
        raise RecordingError(f"cannot create {name}: {error.strerror or error}") from error
    try:
        lock(descriptor)
        if overwrite:
            for file in files_of(path)[1:]:
                file.unlink(missing_ok=True)
            os.ftruncate(descriptor, 0)
        head = os.pread(descriptor, len(MAGIC), 0)
        if head not in (b"", MAGIC):
            raise RecordingError(f"{name} exists and is not a recording: give another name, or add --overwrite")
    except BlockingIOError:
        os.close(descriptor)
        raise RecordingError(f"{name} is being recorded to by another wsltop: give another name") from None
    except OSError as error:
        os.close(descriptor)
        raise RecordingError(f"cannot write {name}: {error.strerror or error}") from error
    except RecordingError:
        os.close(descriptor)
        raise
    return descriptor, not head


def lock(descriptor: int) -> None:
    """Lock the file for this process.

    Raises:
        BlockingIOError: another has it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # this file system has no locks (a Windows drive): the numbers of the samples tell two writers apart


def files_of(path: Path) -> tuple[Path, Path, Path, Path]:
    """The file of a recording and those of SQLite next to it: write-ahead log, its index, rollback journal."""
    path = path.resolve()
    wal, index, journal = (path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))
    return path, wal, index, journal


def free_bytes(path: Path) -> float:
    """Bytes that are free on the disk of a file; infinite where that cannot be told."""
    try:
        disk = os.statvfs(path.resolve().parent)
    except OSError:
        return math.inf
    return disk.f_bavail * disk.f_frsize


def put_meta(connection: sqlite3.Connection, **values: object) -> None:
    """Set values of the table ``meta``."""
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))


def second_whole(connection: sqlite3.Connection) -> tuple[int, float] | None:
    """Number and time of the second whole sample: all before it can go, and what is left can be read."""
    found: tuple[int, float] | None = connection.execute(
        "SELECT number, monotonic FROM sample WHERE whole AND number > (SELECT min(number) FROM sample) "
        "ORDER BY number LIMIT 1"
    ).fetchone()
    return found


def delete_before(connection: sqlite3.Connection, number: int) -> None:
    """Delete the samples before that number, and their events. The file reuses their room."""
    connection.execute("DELETE FROM sample WHERE number < ?", (number,))
    connection.execute("DELETE FROM event WHERE sample < ?", (number,))


def is_full(connection: sqlite3.Connection, limit: int) -> bool:
    """Whether what the file uses and its write-ahead log exceed a limit, bytes."""
    used = pragma(connection, "page_count") - pragma(connection, "freelist_count")
    log = pragma(connection, "wal_autocheckpoint")
    return (used + log) * pragma(connection, "page_size") > limit


def add_mark(sample: Sample, text: str, *, level: int = 6) -> Sample:
    """The sample with one more mark: something that the writer did or found."""
    mark = Mark(time=sample.time, monotonic=sample.monotonic, text=clean(text), level=level)
    return replace(sample, marks=(*sample.marks, mark))


def boot_time(sample: Sample) -> float | None:
    """When the VM was started, as the kernel tells it, or None."""
    cpu = sample.cpu
    return None if isinstance(cpu, Unavailable) or cpu.boot_time is None else float(cpu.boot_time)


def differ(one: float | None, other: float | None, most: float) -> bool:
    """Whether two times are known and further apart than ``most``."""
    return one is not None and other is not None and abs(one - other) > most


def leave_out_lines(sample: Sample, until: float) -> Sample:
    """The sample without the lines of the kernel log that were recorded before: a new reader starts with all of it."""
    log = sample.kernel_log
    if not isinstance(log, KernelLog):
        return sample
    return replace(
        sample, kernel_log=replace(log, records=tuple(record for record in log.records if record.monotonic > until))
    )
