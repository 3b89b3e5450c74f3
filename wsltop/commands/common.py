"""What commands share: output, the options for sampling, and a sampler that is always closed."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from wsltop.config import Settings
from wsltop.core.moment import Moment, interpret
from wsltop.errors import ExitCode, WsltopError
from wsltop.host.choose import CHOICES, check_choice, open_host
from wsltop.host.source import WAITING
from wsltop.sampler import Sampler


def say_text(text: str) -> None:
    """Write for people; what their terminal's encoding lacks becomes a question mark."""
    say(text.encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace"))


def say(data: bytes) -> None:
    """Write to standard output, where the reader may have gone away or the disk may be full."""
    try:
        click.echo(data, nl=False)
    except OSError as error:
        # What is still buffered must not be written again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(ExitCode.OK) from None  # the reader has enough
        raise WsltopError(f"cannot write to standard output: {error.strerror}") from error


CommandT = TypeVar("CommandT", bound=Callable[..., Any])
HOST_HELP = "Where the host's figures come from: auto, powershell, tasklist, process:NAME-or-PID, none."
DRIVE_HELP = "Where the Windows system drive is mounted, where wsltop does not find it."


class Seconds(click.FloatRange):
    """A number of seconds; refuses ``nan``, which no bound would."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds from text."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return seconds


INTERVAL = Seconds(0.2, 60)


CHOSEN = "wsltop.chosen"
"""Key of ``click.Context.meta``: the path of the settings file and the options before the command, as given."""


def complete_hosts(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """The values of ``--host`` that a shell offers."""
    values = ("process:" if name.startswith("process") else name for name in CHOICES)
    return [value for value in values if value.startswith(incomplete)]


def complete_times(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """Examples of each form of ``--at`` that a shell offers."""
    return [value for value in ("start", "end", "-5m", "50%", "90s") if value.startswith(incomplete)]


def host_options(command: CommandT) -> CommandT:
    """Add ``--host`` and ``--drive`` to a command."""
    command = click.option("--drive", type=click.Path(path_type=Path), metavar="DIR", help=DRIVE_HELP)(command)
    return click.option("--host", metavar="SOURCE", help=HOST_HELP, shell_complete=complete_hosts)(command)


def merge(settings: Settings, options: dict[str, Any]) -> Settings:
    """The settings with what the command line says in their place.

    Raises:
        UsageError: the host's source is none that there is.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if "drive" in given:
        given["drive"] = str(given["drive"])
    fields = {name: getattr(settings, name) for name in settings.__struct_fields__}
    merged = Settings(**(fields | given))
    check_choice(merged.host)
    return merged


@contextmanager
def sampling(settings: Settings, interval: float) -> Iterator[Sampler]:
    """A sampler with its host source started, and both ended afterwards."""
    host = open_host(settings.host, interval=interval, drive=drive_of(settings))
    host.start()
    sampler = Sampler(host, drive=drive_of(settings))
    try:
        yield sampler
    finally:
        sampler.close()
        host.close()


def drive_of(settings: Settings) -> Path | None:
    """The drive that the user named."""
    return None if settings.drive is None else Path(settings.drive)


def settled_moment(sampler: Sampler, wait: float) -> Moment:
    """A sample once the host has answered, or will not, or ``wait`` seconds are over."""
    deadline = time.monotonic() + wait
    sampler.identity.wait(min(wait, 2.0))
    sample = sampler.sample()
    while sample.host == WAITING and time.monotonic() < deadline:
        time.sleep(0.05)
        sample = sampler.sample()
    return interpret(sample, 1.0)
