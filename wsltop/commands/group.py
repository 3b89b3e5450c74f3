"""The table of commands, their help, and what is said about a command or an option that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Final

import click

from wsltop.errors import ExitCode, did_you_mean

COMMANDS: Final[tuple[str, ...]] = (
    "completion",
    "demo",
    "doctor",
    "experiment",
    "export",
    "install",
    "line",
    "man",
    "metrics",
    "reclaim",
    "record",
    "replay",
    "report",
    "settings",
    "snapshot",
    "watch",
    "wslconfig",
)
"""Each is a module of ``wsltop.commands`` with an object ``command``."""
ALIASES: Final = {"config": "wslconfig"}
"""Older names of commands. They work, and say so on standard error."""
OLDER_OPTIONS: Final = {"interval": "every", "report": "output"}
"""Older names of options, of all commands. They work, and say so on standard error."""
OTHER_WORDS: Final = {"help": "wsltop --help", "version": "wsltop --version"}
"""What people try, and what it is called here."""


def current_name(name: str) -> str:
    """The name that an option has today: click asks for it wherever an option is given."""
    newer = OLDER_OPTIONS.get(name)
    if newer is None:
        return name
    click.echo(f"wsltop: --{name} is an older name of --{newer}", err=True)
    return newer


class Group(click.Group):
    """Says which command may be meant by one that does not exist, and lists each with a whole sentence."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names, with what is left of the arguments."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"There is no command {name!r}.{did_you_mean(name, known) or tell_commands(ctx, known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        rows = [(name, tell_command(self, ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Commands(Group):
    """Loads a command when it is called: a snapshot must not wait for what it does not use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, the older ones last."""
        return [*COMMANDS, *ALIASES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        loaded = import_module(f"wsltop.commands.{name}").command
        return loaded if isinstance(loaded, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names, with what is left of the arguments."""
        name = args[0]
        if name in ALIASES:
            click.echo(f"wsltop: {name} is an older name of wsltop {ALIASES[name]}", err=True)
        elif name in OTHER_WORDS and not ctx.resilient_parsing:
            ctx.fail(f"There is no command {name!r}. Use {OTHER_WORDS[name]}.")
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of exit statuses."""
        with formatter.section("Exit status"):
            formatter.write_dl([(str(status.value), status.meaning) for status in ExitCode])


def tell_command(group: click.Group, ctx: click.Context, name: str) -> str:
    """The first sentence of a command's help."""
    if name in ALIASES:
        return f"Older name of {ALIASES[name]}."
    command = group.get_command(ctx, name)
    return "" if command is None else first_sentence(command.help or "")


def first_sentence(text: str) -> str:
    """The first sentence of a help text, on one line and with its period."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    sentence, period, _ = paragraph.partition(". ")
    return sentence + "." if period else paragraph


def tell_commands(ctx: click.Context, names: list[str]) -> str:
    """Where the commands are listed, or which they are where they are few."""
    few = len(names) <= FEW
    return f" There is {', '.join(names)}." if few else f" {ctx.command_path} --help lists the commands."


FEW: Final = 4
"""Commands that an error names one by one."""


def explain_option(error: click.NoSuchOption, group: click.Group) -> click.UsageError:
    """An error that says where the option belongs that was given in the wrong place, or which one may be meant.

    Loads every command.
    """
    option, context = error.option_name, error.ctx
    if context is None:
        return error
    here = context.command
    owners = [name for name, command in loaded(group, context) if option in options_of(command)]
    near = did_you_mean(option, options_of(here))
    if here is not group and option in options_of(group):
        message = f"{option} goes before the command: wsltop {option} … {here.name} …"
    elif owners and here is group:
        first = "snapshot" if "snapshot" in owners else owners[0]
        others = f" It belongs to {', '.join(owners)}." if len(owners) > 1 else ""
        message = f"{option} goes after a command: wsltop {first} {option}.{others}"
    elif near:
        message = f"There is no option {option}.{near}"
    elif owners:
        message = f"{here.name} has no option {option}; it belongs to {', '.join(owners)}."
    else:
        message = f"There is no option {option}."
    return click.UsageError(message, context)


def explain_value(error: click.BadParameter) -> click.BadParameter:
    """An error that says which of the possible values may be meant, where the value comes near one."""
    kind = None if error.param is None else error.param.type
    given = re.match(r"'(.*?)' is not one of", error.message)
    if not isinstance(kind, click.Choice) or given is None:
        return error
    near = did_you_mean(given[1], [str(choice) for choice in kind.choices])
    return click.BadParameter(f"{error.message}{near}", error.ctx, error.param, error.param_hint)


def explain_missing(error: click.MissingParameter) -> click.UsageError:
    """An error that says in a line what a command needs."""
    context, parameter = error.ctx, error.param
    if context is None or parameter is None:
        return error
    if isinstance(parameter.type, click.Choice):
        wanted = f"one of {', '.join(str(choice) for choice in parameter.type.choices)}"
    else:
        wanted = parameter.metavar or (parameter.name or "").upper()
    if isinstance(parameter, click.Option):
        wanted = f"{parameter.opts[0]}: {wanted}"
    return click.UsageError(f"{context.info_name} needs {wanted}.", context)


def loaded(group: click.Group, ctx: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name."""
    for name in COMMANDS:
        command = group.get_command(ctx, name)
        if command is not None:
            yield name, command


def options_of(command: click.Command) -> set[str]:
    """The long and short names of a command's options."""
    return {
        name for one in command.params if isinstance(one, click.Option) for name in (*one.opts, *one.secondary_opts)
    }
