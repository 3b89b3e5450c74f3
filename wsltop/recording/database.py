"""The SQLite file that a recording is: its schema, its columns, and how it is opened. The README describes it.

Nothing that the live screen needs at its start may import this: sqlite3 takes several milliseconds to load.
"""

from __future__ import annotations

import sqlite3
import stat
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from wsltop.core.ledger import Ledger
from wsltop.core.moment import fresh_host
from wsltop.errors import RecordingError
from wsltop.model.sample import Reading, Sample, Unavailable
from wsltop.model.text import clean

APPLICATION_ID: Final = 0x77736C74
"""``wslt``: what ``PRAGMA application_id`` says of our files, and ``file`` with it."""
VERSION: Final = 1
"""``PRAGMA user_version``: the version of the schema and of what is in the rows."""
FIGURES: Final = (
    "guest_total",
    "guest_used",
    "guest_free",
    "guest_available",
    "guest_anonymous",
    "guest_cache",
    "guest_slab",
    "guest_fragmented",
    "guest_reportable",
    "guest_swap_used",
    "host_working_set",
    "host_available",
    "host_total",
    "expected",
)
"""Columns of ``sample`` that people query: bytes, NULL where the value is not known."""
COLUMNS: Final = ("number", "time", "monotonic", *FIGURES)
"""What ``wsltop export --format csv`` prints."""
SCHEMA: Final = {
    "meta": "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "sample": "CREATE TABLE sample (number INTEGER PRIMARY KEY, time REAL NOT NULL, monotonic REAL NOT NULL, "
    + "".join(f"{name} INTEGER, " for name in FIGURES)
    + "whole INTEGER NOT NULL, data BLOB NOT NULL, checksum INTEGER NOT NULL)",
    "event": "CREATE TABLE event (number INTEGER PRIMARY KEY, sample INTEGER NOT NULL, time REAL NOT NULL, "
    "monotonic REAL NOT NULL, seconds REAL NOT NULL, kind TEXT NOT NULL, origin TEXT NOT NULL, level INTEGER NOT NULL, "
    "text TEXT NOT NULL, amounts TEXT NOT NULL)",
}
"""The statements that make the tables. A file whose tables say anything else is not read."""
LONGEST_RUN: Final = 60
"""Rows from one whole sample to the next: so many are decoded to get at one sample."""
LARGEST_VALUE: Final = 16 * 1024 * 1024
"""Bytes of the largest value that is read from a file."""
ROW: Final = struct.Struct("<q2d14q?")
NULL: Final = -(2**63)
FAILED: Final = (sqlite3.Error, UnicodeDecodeError)
"""What a statement raises on a damaged file; the second where SQLite's own message quotes the damage."""
FOREIGN: Final = "Give a file that wsltop record has written."
T = TypeVar("T")


class Row(NamedTuple):
    """One row of the table ``sample``."""

    number: int
    time: float
    """Wall clock, seconds since the epoch."""
    monotonic: float
    """The recording's own clock, seconds; it goes on where another run appended, and never back."""
    figures: tuple[int | None, ...]
    """The values of ``FIGURES``."""
    whole: bool
    data: bytes
    checksum: int

    @property
    def good(self) -> bool:
        """Whether the checksum holds: no byte of this row was changed since it was written."""
        try:
            return self.checksum == checksum(self)
        except (struct.error, TypeError):  # a value of another type
            return False


def checksum(row: Row) -> int:
    """CRC-32 of all that is in a row, in the order of its columns: ``ROW``, with ``NULL`` for NULL, then the data."""
    figures = [NULL if figure is None else figure for figure in row.figures]
    return zlib.crc32(row.data, zlib.crc32(ROW.pack(row.number, row.time, row.monotonic, *figures, row.whole)))


def to_row(values: tuple[object, ...]) -> Row:
    """A row from the values of its columns, whatever their types are; ``Row.good`` tells whether it can be used."""
    number, time, monotonic, *figures, whole, data, crc = values
    return Row(number, time, monotonic, tuple(figures), bool(whole), data, crc)  # type: ignore[arg-type]


def figures_of(sample: Sample, ledger: Reading[Ledger], interval: float) -> tuple[int | None, ...]:
    """The values of ``FIGURES``, in bytes; None for what is not known or does not fit into the column."""
    host = fresh_host(sample, interval)
    found: dict[str, Reading[int]] = {}
    if not isinstance(ledger, Unavailable):
        for name in ("total", "used", "free", "available", "anonymous", "cache", "swap_used"):
            found[f"guest_{name}"] = getattr(ledger, name)
        found["guest_slab"] = ledger.slab_reclaimable + ledger.slab_unreclaimable
        if not isinstance(ledger.free_split, Unavailable):
            found["guest_fragmented"] = ledger.free_split.fragmented
            found["guest_reportable"] = ledger.free_split.reportable
        found["expected"] = ledger.expected_host
    if not isinstance(host, Unavailable):
        found |= {"host_working_set": host.working_set, "host_available": host.available, "host_total": host.total}
    values = (found.get(name) for name in FIGURES)
    return tuple(value if isinstance(value, int) and abs(value) < -NULL else None for value in values)


def connect(path: Path, options: str, *, timeout: float = 5.0) -> sqlite3.Connection:
    """A connection to a file that may be hostile; statements commit by themselves, texts come as bytes.

    Args:
        path: the file.
        options: of SQLite's file URI, such as ``mode=ro``.
        timeout: seconds to wait for another program's lock.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        isolation_level=None,
        timeout=timeout,
        check_same_thread=False,
    )
    connection.text_factory = bytes
    if sys.version_info >= (3, 11):  # Python 3.10 has no such limits
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def check_file(path: Path) -> None:
    """Refuse what is not a regular file: a pipe would wait for its writer.

    Raises:
        RecordingError: it is none, or cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise RecordingError(f"cannot read {clean(str(path))}: {error.strerror or error}") from error
    if not stat.S_ISREG(mode):
        raise RecordingError(f"{clean(str(path))} is not a regular file: give the name of a recording")


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database that is not a recording of this version.

    Raises:
        RecordingError: it is another program's, newer, or has other tables.
        sqlite3.Error: it cannot be read.
    """
    name = clean(str(path))
    if pragma(connection, "application_id") != APPLICATION_ID:
        raise RecordingError(f"{name} is not a recording of wsltop. {FOREIGN}")
    version = pragma(connection, "user_version")
    if version > VERSION:
        raise RecordingError(
            f"{name} was written by a newer wsltop: schema {version}, this one reads up to {VERSION}. Update wsltop."
        )
    # A view, or a column that is computed, would run the file's own SQL.
    found = connection.execute("SELECT name, type, sql FROM sqlite_master WHERE name IN ('meta', 'sample', 'event')")
    tables = {table.decode("utf-8", "replace"): (kind, sql) for table, kind, sql in found if isinstance(table, bytes)}
    if tables != {table: (b"table", sql.encode()) for table, sql in SCHEMA.items()}:
        raise RecordingError(f"{name} has other tables than a recording of wsltop. {FOREIGN}")


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """The value of a pragma that is a number."""
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def read_meta(connection: sqlite3.Connection) -> dict[str, object]:
    """The table ``meta``, its texts cleaned.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    found: dict[str, object] = {}
    short = "CASE typeof(value) WHEN 'text' THEN substr(value, 1, 200) WHEN 'blob' THEN NULL ELSE value END"
    for name, value in connection.execute(f"SELECT substr(name, 1, 40), {short} FROM meta LIMIT 100"):  # noqa: S608
        if isinstance(name, bytes):
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            found[name.decode("utf-8", "replace")] = clean(text) if isinstance(text, str) else text
    return found


def number_in(meta: dict[str, object], name: str, default: T) -> float | T:
    """A number of the table ``meta``, or ``default`` where there is none."""
    value = meta.get(name)
    return float(value) if isinstance(value, int | float) and abs(value) < 1e15 else default


def quietly(close: Callable[[], object]) -> None:
    """Close something whose last words do not matter any more."""
    with suppress(*FAILED):
        close()
