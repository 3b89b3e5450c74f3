"""``wsltop settings``: the settings in effect, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from wsltop.commands.common import CHOSEN, merge, say_text
from wsltop.config import SETTINGS, Settings, load_settings, load_state, state_folder
from wsltop.errors import ExitCode, UsageError
from wsltop.model.text import clean

DEFAULT_HEAD = """\
# The settings of wsltop. A line that begins with # changes nothing.
# wsltop settings --check reads this file; wsltop settings --path says where it is looked for.
"""


@click.command("settings")
@click.option("--path", "what", flag_value="path", help="Print the path of the settings file.")
@click.option("--default", "what", flag_value="default", help="Print a settings file with every setting, explained.")
@click.option("--check", "what", flag_value="check", help="Check the settings file; status 1 when it is wrong.")
@click.pass_context
def command(context: click.Context, /, what: str | None) -> None:
    """Print the settings that are in effect, and where each comes from.

    Options before the command count, as in `wsltop --theme nord settings`.
    """
    path, options = context.meta[CHOSEN]
    if what == "path":
        say_text(f"{path}\n")
    elif what == "default":
        say_text("\n".join([DEFAULT_HEAD, *default_lines()]) + "\n")
    elif what == "check":
        check(path, options)
    else:
        say_text("".join(f"{line}\n" for line in effective_lines(path, options)))


def check(path: Path, options: dict[str, Any]) -> None:
    """Say whether the file is right; end with status 1 where it is not."""
    try:
        merge(load_settings(path), options)
    except UsageError as error:
        click.echo(f"wsltop: {error}", err=True)
        raise SystemExit(ExitCode.FAILURE) from None
    say_text(f"{path}: {'nothing is wrong' if path.exists() else 'there is no such file, so the defaults hold'}\n")


def default_lines() -> Iterator[str]:
    """Yield a settings file in which every line is a comment."""
    for name, value in flat(Settings()).items():
        table, _, short = name.rpartition(".")
        if name == "notify.findings":
            yield "# [notify]"
        about = SETTINGS[name]
        yield f"# {about.about} Allowed: {about.allowed}."
        yield f"# {short} = {'...' if value is None else toml(value)}"
        yield "" if not table else "#"


def effective_lines(path: Path, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield ``name = value  # source`` for every setting, in columns."""
    given = {name for name, value in options.items() if value is not None}
    in_file = set(names_in(path))
    settings = merge(load_settings(path), dict(options))
    remembered = load_state(state_folder()).theme
    rows = []
    for name, value in flat(settings).items():
        source = "command line" if name in given else "settings file" if name in in_file else "default"
        if name == "theme" and value is None and remembered is not None:
            value, source = remembered, f"chosen on the screen, {state_folder()}/state.json"
        text = f"# {name} is not set" if value is None else f"{name} = {toml(value)}"
        rows.append((text, source))
    width = max(len(text) for text, _ in rows)
    yield f"# {path}{'' if path.exists() else ' (there is no such file)'}"
    yield from (f"{text.ljust(width)}  # {source}" for text, source in rows)


def flat(settings: Settings) -> dict[str, Any]:
    """Every setting by its name, those of ``[notify]`` as ``notify.NAME``."""
    values = msgspec.structs.asdict(settings)
    notify = msgspec.structs.asdict(values.pop("notify"))
    return values | {f"notify.{name}": value for name, value in notify.items()}


def names_in(path: Path) -> list[str]:
    """The settings that a file sets; none where it cannot be read, which ``load_settings`` says."""
    from wsltop.config import flat_names, parse_toml

    try:
        return list(flat_names(parse_toml(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError):
        return []


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml(one) for one in value)}]"
    if isinstance(value, str):
        return msgspec.json.encode(clean(value)).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)
