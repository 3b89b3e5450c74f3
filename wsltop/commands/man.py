"""``wsltop man``: the manual page, made from the commands and their options."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from wsltop import __version__
from wsltop.commands.common import say_text
from wsltop.commands.group import ALIASES, Commands, loaded
from wsltop.config import SETTINGS
from wsltop.errors import ExitCode
from wsltop.model.text import clean

MAN = Path("/usr/bin/man")


@click.command("man")
@click.option("--roff", is_flag=True, help="Print the source of the page instead, for man -l - or a package.")
@click.pass_context
def command(context: click.Context, /, roff: bool) -> None:
    """Show the manual page: every command, option, setting and exit status."""
    root = context.find_root()
    group = root.command
    if not isinstance(group, Commands):
        return
    page = "\n".join(page_lines(group, root)) + "\n"
    if roff or not sys.stdout.isatty() or not MAN.exists():
        say_text(page if roff else plain_text(page))
        return
    subprocess.run([MAN, "-l", "-"], input=page.encode(), check=False)


def page_lines(group: Commands, root: click.Context) -> Iterator[str]:
    """Yield the page in the man macros of roff, see man(7)."""
    yield f'.TH WSLTOP 1 "{time.strftime("%Y-%m-%d")}" "wsltop {__version__}" "User Commands"'
    yield ".SH NAME"
    yield escape("wsltop - show where the memory of WSL2 goes, in the guest and in Windows")
    yield ".SH SYNOPSIS"
    yield escape(" ".join(["wsltop", *group.collect_usage_pieces(root)]))
    yield ".SH DESCRIPTION"
    yield from paragraphs(group.help or "")
    yield ".SH OPTIONS"
    yield from option_lines(group, root)
    yield ".SH COMMANDS"
    for name, one in loaded(group, root):
        context = click.Context(one, info_name=name, parent=root)
        yield ".SS " + escape(" ".join(["wsltop", name, *one.collect_usage_pieces(context)]))
        yield from paragraphs(one.help or "")
        yield from option_lines(one, context)
    yield ".SS Older names"
    yield from paragraphs(", ".join(f"{old} is now {new}" for old, new in ALIASES.items()) + ".")
    yield ".SH SETTINGS"
    for name, setting in SETTINGS.items():
        yield from entry(name, f"{setting.about} Allowed: {setting.allowed}.")
    yield ".SH EXIT STATUS"
    for status in ExitCode:
        yield from entry(str(status.value), status.meaning)
    yield ".SH FILES"
    yield from entry("~/.config/wsltop/config.toml", "The settings, below XDG_CONFIG_HOME where that is set.")
    yield from entry(
        "~/.local/state/wsltop", "Reports, pictures and the theme, below XDG_STATE_HOME where that is set."
    )


def option_lines(one: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the options of a command."""
    for option in one.get_params(context):
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None:
            yield from entry(*record)


def entry(head: str, text: str) -> Iterator[str]:
    """Yield a tagged paragraph."""
    yield ".TP"
    yield f"\\fB{escape(head)}\\fR"
    yield escape(" ".join(text.split()))


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; one that begins with ``\\b`` keeps its lines, as in click."""
    for paragraph in text.strip().split("\n\n"):
        yield ".PP"
        if paragraph.startswith("\b"):
            yield ".nf"
            yield from (escape(line) for line in paragraph.splitlines()[1:])
            yield ".fi"
        else:
            yield escape(" ".join(paragraph.split()))


def escape(text: str) -> str:
    """Text in which roff finds no command."""
    safe = clean(text).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{safe}" if safe[:1] in (".", "'") else safe


def plain_text(page: str) -> str:
    """The page for a reader without man: headings, and text below them."""
    lines = []
    for line in page.splitlines()[1:]:
        if line.startswith((".SH ", ".SS ")):
            lines += ["", line[4:]]
        elif line == ".PP":
            lines.append("")
        elif not line.startswith("."):
            lines.append(f"  {line}")
    text = "\n".join(lines).strip("\n") + "\n"
    for code, char in (("\\fB", ""), ("\\fR", ""), ("\\&", ""), ("\\-", "-"), ("\\e", "\\")):
        text = text.replace(code, char)
    return text
