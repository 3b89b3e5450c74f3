"""The command line. Loads Textual only for the screen, psutil only for ``--host process:``."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from wsltop import __version__
from wsltop.config import Settings, config_path, load_settings, state_folder
from wsltop.core.moment import Moment, grasp
from wsltop.errors import ExitCode, UsageError, WsltopError
from wsltop.host.choose import check_choice, open_host
from wsltop.host.stream import WAITING
from wsltop.record.report import report
from wsltop.record.snapshot import encode
from wsltop.sampler import Sampler


class Seconds(click.FloatRange):
    """A number of seconds; ``nan`` is none, though it compares with no bound."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds from text."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return seconds


INTERVAL = Seconds(0.2, 60)
HOST_HELP = "Where the host's figures come from: auto, powershell, tasklist, process:NAME-or-PID, none."
DRIVE_HELP = "Where the Windows system drive is mounted, when it is not found by itself."


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wsltop")
@click.option("--interval", type=INTERVAL, help="Seconds between samples, 0.2 to 60.  [default: 1]")
@click.option("--host", metavar="SOURCE", help=f"{HOST_HELP}  [default: auto]")
@click.option("--drive", type=click.Path(path_type=Path), metavar="DIR", help=DRIVE_HELP)
@click.option("--glyphs", type=click.Choice(["auto", "block", "braille", "ascii"]), help="What charts are drawn with.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), help="auto follows NO_COLOR.")
@click.option("--theme", metavar="NAME", help="Colors: textual-dark, textual-light, nord, …; ctrl+p chooses live.")
@click.option("--require-wsl", is_flag=True, help="End with status 3 when this is not WSL.")
@click.option("--config", type=click.Path(exists=True, path_type=Path), metavar="FILE", help="Settings file to use.")
@click.pass_context
def program(context: click.Context, /, config: Path | None, require_wsl: bool, **options: Any) -> None:
    """Show where the memory of WSL2 goes: the guest and Windows on one screen.

    Without a command, opens the screen. Exit status: 0 ok, 1 failure, 2 wrong usage or settings, 3 not WSL (with
    --require-wsl), 130 interrupted.
    """
    settings = merge(load_settings(config or config_path()), options)
    check_choice(settings.host)
    context.obj = settings
    if require_wsl:
        refuse_without_wsl()
    if context.invoked_subcommand is None:
        context.exit(show_screen(settings))


@program.command("snapshot")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with stable names, for programs.")
@click.option("--every", type=INTERVAL, help="Go on, one sample each so many seconds; with --json one line each.")
@click.option("--count", type=click.IntRange(1), help="With --every, end after so many samples.")
@click.option("--wait", type=Seconds(0, 60), default=8.0, show_default=True, help="Seconds for Windows to answer.")
@click.option("--host", metavar="SOURCE", help=HOST_HELP)
@click.option("--drive", type=click.Path(path_type=Path), metavar="DIR", help=DRIVE_HELP)
@click.pass_obj
def snapshot_command(
    settings: Settings, /, as_json: bool, every: float | None, count: int | None, wait: float, **options: Any
) -> None:
    """Print one sample: for people, or with --json for programs."""
    settings = merge(settings, options)
    check_choice(settings.host)
    if count is not None and every is None:
        raise UsageError("--count says how often, so it needs --every SECONDS")
    with sampling(settings, every or 1.0) as sampler:
        number = 0
        while True:
            moment = settled_moment(sampler, wait if number == 0 else 0.0)
            if as_json:
                say((encode(moment, indent=every is None) + "\n").encode())  # JSON is UTF-8, whatever the locale
            else:
                say_text(report(moment))
            number += 1
            if every is None or number == count:
                return
            time.sleep(every)


def merge(settings: Settings, options: dict[str, Any]) -> Settings:
    """The settings with what the command line says in their place."""
    given = {name: value for name, value in options.items() if value is not None}
    if "drive" in given:
        given["drive"] = str(given["drive"])
    fields = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return Settings(**(fields | given))


@contextmanager
def sampling(settings: Settings, interval: float) -> Iterator[Sampler]:
    """A sampler with its host source started, and both ended afterwards."""
    host = open_host(settings.host, interval=interval, drive=drive_of(settings))
    host.start()
    sampler = Sampler(host)
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
    return grasp(sample, 1.0)


def refuse_without_wsl() -> None:
    """End with its own status when this is not WSL."""
    from wsltop.guest.identity import IdentitySource

    identity = IdentitySource()
    identity.close()
    if identity.flavor == "none":
        click.echo("wsltop: this is not WSL (--require-wsl)", err=True)
        raise SystemExit(ExitCode.NOT_WSL)


def show_screen(settings: Settings) -> int:
    """Open the screen, or print a snapshot where there is no terminal to open it on."""
    from wsltop.ui.terminal import why_no_screen

    why = why_no_screen(sys.stdin, sys.stdout, sys.stderr, os.environ)
    if why is not None:
        click.echo(f"wsltop: {why}, so this is a snapshot; see wsltop snapshot --help", err=True)
        with sampling(settings, settings.interval) as sampler:
            say_text(report(settled_moment(sampler, 8.0)))
        return ExitCode.OK
    from wsltop.ui.launch import launch

    return launch(settings, state_folder())


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


def main() -> NoReturn:
    """Run the program; every end that it foresees is one line on standard error."""
    try:
        status = program.main(prog_name="wsltop", standalone_mode=False)
    except click.exceptions.Abort:
        status = ExitCode.INTERRUPTED
    except KeyboardInterrupt:
        status = ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = ExitCode.USAGE
    except WsltopError as error:
        click.echo(f"wsltop: {error}", err=True)
        status = error.exit_code
    raise SystemExit(int(status or 0))
