"""``wsltop record``: samples to a file, without a screen."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import click

from wsltop.commands.common import INTERVAL, host_options, merge, noted_signals, sampling, say_text, service_unit
from wsltop.config import Settings
from wsltop.model.text import MIB, clean, format_duration, format_size, parse_duration, parse_size
from wsltop.recording.writer import MIN_SIZE, RecordingWriter

WEEK: Final = 7 * 86400.0
UNIT_SIZE: Final = 200 * MIB
"""What the unit keeps where nothing else is asked for."""


def duration_of(text: str) -> float:
    """Seconds from ``90s``, ``10m``, ``2h``."""
    return checked(text, parse_duration, 1.0, "a second")


def size_of(text: str) -> int:
    """Bytes from ``20M``."""
    return int(checked(text, parse_size, MIN_SIZE, format_size(MIN_SIZE)))


def checked(text: str, parse: Callable[[str], float], least: float, shown: str) -> float:
    """The value of an option, at least ``least``, which is ``shown`` as text.

    Raises:
        BadParameter: it is less, or cannot be parsed.
    """
    try:
        value = parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if value < least:
        raise click.BadParameter(f"{text!r} is less than {shown}")
    return value


@click.command("record")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--duration", type=duration_of, metavar="TIME", help="End after so long, such as 90s, 10m or 2h.")
@click.option("--every", "interval", type=INTERVAL, help="Seconds between samples, 0.2 to 60.  [default: 1]")
@click.option("--keep", type=duration_of, metavar="TIME", help="Delete samples that are older, such as 12h or 7d.")
@click.option(
    "--max-size", type=size_of, metavar="SIZE", help="Delete the oldest samples so that FILE stays below, such as 200M."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE, whatever it is, instead of appending to it.")
@click.option("--quiet", is_flag=True, help="Say nothing of how far it is, nor at the end what was written.")
@click.option("--service", is_flag=True, help="Print a systemd user unit that records to FILE, and end.")
@host_options
@click.pass_obj
def command(
    settings: Settings,
    /,
    file: Path,
    duration: float | None,
    keep: float | None,
    max_size: int | None,
    overwrite: bool,
    quiet: bool,
    service: bool,
    **options: Any,
) -> None:
    """Record samples to FILE until Ctrl+C; replay it with wsltop replay FILE.

    FILE is made, or appended to if it is a recording. It is for you alone: it holds names of processes, the kernel's
    log and .wslconfig. A day takes about 25 MB, up to 50 MB on a busy machine. Each sample is on its way to the disk
    before the next one is taken, so that a crash loses at most a second.

    A flight recorder that starts with WSL and keeps a week:

    \b
    wsltop record --service ~/wsltop.rec --keep 7d > ~/.config/systemd/user/wsltop-record.service
    """
    settings = merge(settings, options)
    if service:
        say_text(unit(file, settings, keep, max_size))
        return
    with (
        noted_signals() as ends,
        closing(
            RecordingWriter(file, interval=settings.interval, overwrite=overwrite, max_size=max_size, keep=keep)
        ) as writer,
        sampling(settings, settings.interval) as sampler,
    ):
        progress = Progress(writer, quiet=quiet)
        try:
            for _ in ticks(settings.interval, duration, ends.fileno()):
                writer.write(sampler.sample())
                progress.show()
        finally:
            progress.clear()
        progress.end()
    if ends.number:
        raise SystemExit(128 + ends.number)  # the recording is whole; the status says what ended it


def unit(file: Path, settings: Settings, keep: float | None, max_size: int | None) -> str:
    """The systemd user unit of a flight recorder; it keeps a week, and 200 MB, where nothing else is asked for."""
    if keep is None and max_size is None:
        keep, max_size = WEEK, UNIT_SIZE
    arguments = ["record", str(file.absolute()), "--every", f"{settings.interval:g}"]
    arguments += [] if keep is None else ["--keep", f"{keep:g}s"]
    arguments += [] if max_size is None else ["--max-size", str(max_size)]
    arguments += [] if settings.host == "auto" else ["--host", settings.host]
    arguments += [] if settings.drive is None else ["--drive", settings.drive]
    return service_unit("wsltop-record", "Flight recorder for the memory of WSL", arguments)


def ticks(interval: float, duration: float | None, ends: int) -> Iterator[None]:
    """Yield at once and then every ``interval`` seconds, without drift, until the time is over or a signal came.

    Ticks that the machine slept through are left out.

    Args:
        interval: seconds.
        duration: seconds; None: without an end.
        ends: a descriptor that can be read when a signal to end has come.
    """
    start = time.monotonic()
    number = 0
    while duration is None or number * interval <= duration + interval / 1000:
        if select.select([ends], [], [], max(0.0, start + number * interval - time.monotonic()))[0]:
            return
        yield
        number = max(number + 1, int((time.monotonic() - start) / interval))


@contextmanager
def closing(writer: RecordingWriter) -> Iterator[RecordingWriter]:
    """The writer, closed afterwards.

    Raises:
        RecordingError: what was written last did not reach the disk.
    """
    try:
        yield writer
    finally:
        writer.close()


class Progress:
    """What is said on standard error: where that is a terminal, ``● REC 1.2 MiB 14 min 03 s``; what was written."""

    def __init__(self, writer: RecordingWriter, *, quiet: bool) -> None:
        self._writer = writer
        self._shown = ""
        self._quiet = quiet or sys.stderr is None
        self._terminal = self._on = not self._quiet and sys.stderr.isatty()

    def show(self) -> None:
        """Write the line when it has changed."""
        text = f"● REC {format_size(self._writer.size)} {format_duration(self._writer.age)}"
        if text != self._shown and self._write(f"\r{text.ljust(len(self._shown))}"):
            self._shown = text

    def clear(self) -> None:
        """Take the line away."""
        self._write(f"\r{' ' * len(self._shown)}\r")

    def end(self) -> None:
        """Say what was written."""
        writer = self._writer
        told = f"{writer.count} samples in {format_duration(writer.age)}, {format_size(writer.size)} in "
        told += f"{clean(str(writer.path))}\n"
        if self._terminal:
            self._write(told)
        elif not self._quiet:
            with suppress(OSError):  # nothing reads it any more; the recording is whole
                os.write(sys.stderr.fileno(), f"wsltop: wrote {told}".encode(errors="replace"))

    def _write(self, text: str) -> bool:
        """Write to the terminal, unless it takes no output (Ctrl+S): the recording must not wait for it."""
        if not self._on or not select.select([], [sys.stderr], [], 0)[1]:
            return False
        try:
            os.write(sys.stderr.fileno(), text.encode(sys.stderr.encoding or "ascii", "replace"))
        except OSError:
            self._on = False  # the terminal is gone: the recording goes on
        return self._on
