"""The command line. Loads Textual only for the screen, psutil only for ``--host process:``."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from wsltop import __version__
from wsltop.commands.common import DRIVE_HELP, HOST_HELP, INTERVAL, merge, sampling, say_text, settled_moment
from wsltop.config import Settings, config_path, load_settings, state_folder
from wsltop.errors import ExitCode, WsltopError

COMMANDS = ("config", "doctor", "experiment", "reclaim", "record", "replay", "report", "snapshot")
"""Each is a module of ``wsltop.commands`` with an object ``command``."""


class Commands(click.Group):
    """Loads a command when it is called: a snapshot must not wait for what it does not use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        loaded = import_module(f"wsltop.commands.{cmd_name}").command
        return loaded if isinstance(loaded, click.Command) else None


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wsltop")
@click.option("--interval", type=INTERVAL, help="Seconds between samples, 0.2 to 60.  [default: 1]")
@click.option("--host", metavar="SOURCE", help=f"{HOST_HELP}  [default: auto]")
@click.option("--drive", type=click.Path(path_type=Path), metavar="DIR", help=DRIVE_HELP)
@click.option("--glyphs", type=click.Choice(["auto", "block", "braille", "ascii"]), help="What charts are drawn with.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), help="auto follows NO_COLOR.")
@click.option("--theme", metavar="NAME", help="Colors: textual-dark, textual-light, nord, …; ctrl+p chooses live.")
@click.option(
    "--quiet/--no-quiet",
    default=None,
    help="Look every 4 s while nothing moves: at once, or never.  [default: after a minute without a key]",
)
@click.option("--require-wsl", is_flag=True, help="End with status 3 when this is not WSL.")
@click.option("--config", type=click.Path(exists=True, path_type=Path), metavar="FILE", help="Settings file to use.")
@click.pass_context
def program(context: click.Context, /, config: Path | None, require_wsl: bool, **options: Any) -> None:
    """Show where the memory of WSL2 goes: the guest and Windows on one screen.

    Without a command, opens the screen. Exit status: 0 ok, 1 failure, 2 wrong usage or settings, 3 not WSL (with
    --require-wsl), 130 interrupted.
    """
    settings = merge(load_settings(config or config_path()), options)
    context.obj = settings
    if require_wsl:
        refuse_without_wsl()
    if context.invoked_subcommand is None:
        context.exit(show_screen(settings))


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
        from wsltop.report.text import report

        click.echo(f"wsltop: {why}, so this is a snapshot; see wsltop snapshot --help", err=True)
        with sampling(settings, settings.interval) as sampler:
            say_text(report(settled_moment(sampler, 8.0)))
        return ExitCode.OK
    from wsltop.ui.terminal import import_without_tls

    import_without_tls()
    from wsltop.ui.launch import launch

    return launch(settings, state_folder())


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
