"""``wsltop export``: a recording as CSV or as lines of JSON, for other programs."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec

from wsltop.commands.common import complete_times
from wsltop.commands.replay import opened
from wsltop.errors import ExitCode, UsageError, WsltopError
from wsltop.model.text import clean
from wsltop.recording.database import COLUMNS
from wsltop.recording.reader import Recording
from wsltop.recording.time_spec import find_place

AT_ONCE: Final = 256 * 1024
"""Bytes that are collected before they are written."""
MODE: Final = 0o600


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["csv", "jsonl"]),
    required=True,
    help="csv: the figures, one row a sample. jsonl: whole samples, one JSON object a line.",
)
@click.option("--from", "first", metavar="TIME", shell_complete=complete_times, help="Begin here: -5m, 90s, 14:03.")
@click.option("--to", "last", metavar="TIME", shell_complete=complete_times, help="End here, this sample included.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="Write to a file.")
def command(file: Path, style: str, first: str | None, last: str | None, output: Path | None) -> None:
    """Print a recording as CSV or as lines of JSON.

    The columns of CSV are those of the table sample: bytes, and seconds since the epoch; empty where a figure is not
    known. A recording is a SQLite file as well: sqlite3 FILE 'SELECT max(host_working_set) FROM sample'.
    """
    with opened(file) as (recording, _), writing(output) as write:
        begin = place_of(recording, "--from", first or "start")
        end = place_of(recording, "--to", last or "end")
        if begin > end:
            raise UsageError("--from is later than --to")
        collect(
            csv_lines(recording, begin, end + 1) if style == "csv" else json_lines(recording, begin, end + 1), write
        )


def place_of(recording: Recording, option: str, text: str) -> int:
    """The number of the sample at a place.

    Raises:
        UsageError: there is no such place.
    """
    try:
        return find_place(text, recording, recording.sample(0).monotonic)
    except ValueError as error:
        raise UsageError(f"{option} {error}") from None


def csv_lines(recording: Recording, first: int, end: int) -> Iterator[bytes]:
    """Yield the header and a line for each good sample; all values are numbers, so nothing has to be quoted."""
    yield (",".join(COLUMNS) + "\r\n").encode()
    for row in recording.figures(first, end):
        cells = ("" if figure is None else str(figure) for figure in row.figures)
        yield f"{row.number},{row.time!r},{row.monotonic!r},{','.join(cells)}\r\n".encode()


def json_lines(recording: Recording, first: int, end: int) -> Iterator[bytes]:
    """Yield a line for each good sample, whole."""
    for _, sample, json in recording.rows(first, end):
        yield (msgspec.json.encode(sample) if json is None else json) + b"\n"


def collect(lines: Iterator[bytes], write: Callable[[bytes], object]) -> None:
    """Write lines, many at a time."""
    waiting, size = [], 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= AT_ONCE:
            write(b"".join(waiting))
            waiting, size = [], 0
    write(b"".join(waiting))


@contextmanager
def writing(output: Path | None) -> Iterator[Callable[[bytes], object]]:
    """What writes bytes to a file, or to standard output; a file that could not be written is removed.

    Raises:
        WsltopError: it cannot be written.
    """
    if output is None:
        try:
            yield lambda data: write_all(sys.stdout.fileno(), data)
        except BrokenPipeError:
            raise SystemExit(ExitCode.OK) from None  # the reader has enough
        except OSError as error:
            raise WsltopError(f"cannot write to standard output: {error.strerror}") from error
        return
    try:
        # O_NONBLOCK: a FIFO that nothing reads is refused, not waited for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(output, flags, MODE)
        os.set_blocking(descriptor, True)
        try:
            yield lambda data: write_all(descriptor, data)
        except BaseException:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                output.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
    except OSError as error:
        raise WsltopError(f"cannot write {clean(str(output))}: {error.strerror or error}") from error


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``.

    Raises:
        OSError: it cannot be written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
