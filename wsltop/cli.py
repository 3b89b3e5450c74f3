"""The command line. Loads Textual only for the screen, psutil only for ``--host process:``."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from wsltop import __version__
from wsltop.commands.common import (
    CHOSEN,
    DRIVE_HELP,
    HOST_HELP,
    INTERVAL,
    complete_hosts,
    drop_output,
    merge,
    root_option,
    sampling,
    say_text,
    system_of,
    watch,
)
from wsltop.commands.group import Commands, current_name, explain_missing, explain_option, explain_value
from wsltop.config import THEMES, Settings, config_path, load_settings, state_folder
from wsltop.errors import ExitCode, WsltopError
from wsltop.model.text import clean

SETTINGS_FREE = ("completion", "man", "settings")
"""Commands that run with a settings file that is wrong: they do not need it, or say themselves what is wrong."""
NO_THREAD = "can't start new thread"
"""What Python says where the system lets it start no more threads; the error has no class of its own."""


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": current_name},
)
@click.version_option(__version__, "-V", "--version", prog_name="wsltop")
@click.option("--every", "interval", type=INTERVAL, help="Seconds between samples, 0.2 to 60.  [default: 1]")
@click.option("--host", metavar="SOURCE", help=f"{HOST_HELP}  [default: auto]", shell_complete=complete_hosts)
@click.option("--drive", type=click.Path(path_type=Path), metavar="DIR", help=DRIVE_HELP)
@click.option("--glyphs", type=click.Choice(["auto", "block", "braille", "ascii"]), help="What charts are drawn with.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), help="auto follows NO_COLOR.")
@click.option(
    "--theme",
    type=click.Choice(THEMES),
    metavar="NAME",
    help="Colors: nord, textual-light, … Press ctrl+p on the screen to see all. ansi-dark keeps your background.",
)
@click.option("--mouse/--no-mouse", default=None, help="Without, the terminal selects text.  [default: --mouse]")
@click.option(
    "--quiet/--no-quiet",
    default=None,
    help="Sample every 4 s while nothing changes, or never so rarely.  [default: after a minute without a key]",
)
@click.option("--require-wsl", is_flag=True, help="End with status 3 when this is not WSL.")
@click.option("--config", type=click.Path(exists=True, path_type=Path), metavar="FILE", help="Settings file to use.")
@root_option
@click.pass_context
def program(context: click.Context, /, config: Path | None, require_wsl: bool, **options: Any) -> None:
    """Show where the memory of WSL2 goes: the guest and Windows on one screen.

    Without a command, opens the screen.
    """
    path = config or config_path()
    context.obj = Settings()
    context.meta[CHOSEN] = (path, options)
    if context.invoked_subcommand not in SETTINGS_FREE:
        context.obj = merge(load_settings(path), options)
    if require_wsl:
        refuse_without_wsl(context.obj)
    if context.invoked_subcommand is None:
        context.exit(show_screen(context.obj))


def refuse_without_wsl(settings: Settings) -> None:
    """End with its own status when this is not WSL."""
    from wsltop.guest.identity import identify_guest

    system = system_of(settings)
    if identify_guest(system.root, system.environ).flavor == "none":
        click.echo("wsltop: this is not WSL (--require-wsl)", err=True)
        raise SystemExit(ExitCode.NOT_WSL)


def show_screen(settings: Settings) -> int:
    """Open the screen, or print a snapshot where there is no terminal to open it on."""
    from wsltop.ui.terminal import why_no_screen

    why = why_no_screen(sys.stdin, sys.stdout, sys.stderr, os.environ)
    if why is not None:
        from wsltop.core.session import Session
        from wsltop.report.text import report

        click.echo(f"wsltop: {why}, so this is a snapshot; see wsltop snapshot --help", err=True)
        with sampling(settings, settings.interval) as sampler:
            session = Session(settings.interval)
            watch(sampler, session, system_of(settings).clock, wait=8.0)
        say_text(report(session, session.journal.events()))
        return ExitCode.OK
    from wsltop.ui.terminal import prepare_start

    prepare_start()
    from wsltop.ui.launch import launch

    return launch(settings, system_of(settings), state_folder())


def main() -> NoReturn:
    """Run the program; every end that it foresees is one line on standard error."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end_by_signal)
    try:
        status = program.main(prog_name="wsltop", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        status = ExitCode.INTERRUPTED
    except click.NoSuchOption as error:
        explain_option(error, program).show()
        status = ExitCode.USAGE
    except click.MissingParameter as error:
        explain_missing(error).show()
        status = ExitCode.USAGE
    except click.ClickException as error:
        if isinstance(error, click.BadParameter):
            error = explain_value(error)
        told = io.StringIO()
        error.show(file=told)
        click.echo(printable(told.getvalue().rstrip("\n")), err=True)
        status = ExitCode.USAGE
    except WsltopError as error:
        click.echo(f"wsltop: {printable(str(error))}", err=True)
        status = error.exit_code
    except (OSError, RuntimeError) as error:
        why = explain_system(error)
        drop_output()
        click.echo(f"wsltop: {printable(why)}", err=True)
        status = ExitCode.FAILURE
    raise SystemExit(int(status or 0))


def explain_system(error: OSError | RuntimeError) -> str:
    """What the system refused: mostly standard output, whose disk is full or whose reader has gone.

    Raises:
        RuntimeError: it was no refusal but a bug.
    """
    if isinstance(error, OSError):
        remedy = "; raise the limit: ulimit -n 256" if error.errno == errno.EMFILE else ""
        return (error.strerror or str(error)) + remedy
    if str(error) != NO_THREAD:
        raise error
    return f"{error}: raise the limit of this user's processes (ulimit -u)"


def printable(message: str) -> str:
    """A message that may name a file, stripped of control characters line by line."""
    return "\n".join(clean(line) for line in message.split("\n"))


def end_by_signal(number: int, _frame: FrameType | None) -> NoReturn:
    """End as by an error, so that everything that was started is ended and closed."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)
