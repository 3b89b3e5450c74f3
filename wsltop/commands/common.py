"""What commands share: output, the options for sampling, and a sampler that is always closed."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wsltop.config import Settings
from wsltop.errors import ExitCode, WsltopError
from wsltop.host.choose import CHOICES, check_choice
from wsltop.model.sample import WAITING
from wsltop.system import HERE, System, open_system

if TYPE_CHECKING:  # a prompt waits for wsltop line --once, which needs none of them
    from wsltop.clock import SystemClock
    from wsltop.core.moment import Moment
    from wsltop.core.session import Session
    from wsltop.sampler import Sampler


def say_text(text: str) -> None:
    """Write for people; what their terminal's encoding lacks becomes a question mark."""
    say(text.encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace"))


def say(data: bytes) -> None:
    """Write to standard output, where the reader may have gone away or the disk may be full."""
    try:
        click.echo(data, nl=False)
    except OSError as error:
        drop_output()
        if isinstance(error, BrokenPipeError):
            raise SystemExit(ExitCode.OK) from None  # the reader has enough
        raise WsltopError(f"cannot write to standard output: {error.strerror}") from error


def drop_output() -> None:
    """Send to nowhere what standard output did not take: Python would write it again at the end, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


CommandT = TypeVar("CommandT", bound=Callable[..., Any])
HOST_HELP = "Where the host's figures come from: auto, powershell, tasklist, process:NAME-or-PID, none."
DRIVE_HELP = "Where the Windows system drive is mounted, where wsltop does not find it."
LATE = 2.0
"""Seconds that a command waits for what is asked in the background and answers at once where all is well."""
GLANCE = 0.05
"""Seconds between two looks at whether Windows has answered."""


class Seconds(click.FloatRange):
    """A number of seconds; refuses ``nan``, which no bound would."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds from text."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return float(super().convert(seconds, param, ctx))


INTERVAL = Seconds(0.2, 60)
ROOT = "wsltop.root"
SYSTEM = "wsltop.system"
"""Keys of what the context of a command line remembers."""


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
    """Add ``--host`` and ``--drive`` to a command, and the hidden ``--root``."""
    command = root_option(command)
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


def root_option(command: CommandT) -> CommandT:
    """Add the hidden ``--root DIR``, for contributors and tests: everything about the guest is below DIR."""
    folder = click.Path(exists=True, file_okay=False, path_type=Path)
    text = "For contributors: read everything about the guest below DIR, and let actions write there."
    return click.option(
        "--root", type=folder, metavar="DIR", callback=keep_root, expose_value=False, hidden=True, help=text
    )(command)


def keep_root(context: click.Context, _option: click.Parameter, root: Path | None) -> None:
    """Remember the root for ``system_of``, whichever command it was given to."""
    if root is not None:
        context.meta[ROOT] = root


def system_of(settings: Settings) -> System:
    """The machine that the command line names; the same one, with the same clock, for a whole run."""
    context = click.get_current_context(silent=True)
    meta = {} if context is None else context.meta
    drive = drive_of(settings)
    known = meta.get(SYSTEM)
    if not isinstance(known, System) or known.drive != drive:
        known = meta[SYSTEM] = open_system(meta.get(ROOT, HERE), drive)
    return known


@contextmanager
def sampling(settings: Settings, interval: float) -> Iterator[Sampler]:
    """A sampler with its host source started, and both ended afterwards."""
    system = system_of(settings)
    host = system.open_host(settings.host, interval)
    host.start()
    sampler = system.open_sampler(host)
    try:
        yield sampler
    finally:
        sampler.close()
        host.close()


def drive_of(settings: Settings) -> Path | None:
    """The drive that the user named."""
    return None if settings.drive is None else Path(settings.drive)


def watch(sampler: Sampler, session: Session, clock: SystemClock, *, wait: float, seconds: float = 0.0) -> Moment:
    """Feed a session every sample, the first one included, and return its newest moment.

    The first sample carries the kernel log back to boot: a session that does not get it knows of no OOM kill before
    it began.

    Args:
        wait: seconds to wait for Windows' first answer, at most.
        seconds: how long to watch at least.
    """
    sampler.wait(min(wait, LATE))
    began = clock.monotonic()
    while True:
        sample = sampler.sample()
        session.take(sample)
        passed = clock.monotonic() - began
        waiting = sample.host == WAITING and passed < wait
        if sampler.behind:
            continue  # the kernel log is long: read on before anything is judged
        if not waiting and passed >= seconds and session.moment is not None:
            return session.moment
        pause(sampler, clock, session.interval, waiting=waiting)


def pause(sampler: Sampler, clock: SystemClock, seconds: float, *, waiting: bool) -> None:
    """Sleep until the next sample is due, or until Windows has answered where that is waited for."""
    end = clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > 0:
        clock.sleep(min(GLANCE, left) if waiting else left)
        if waiting and sampler.host.read() != WAITING:
            return
