"""``wsltop install``: puts wsltop where other programs look for it."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from wsltop.commands.common import host_options, merge, program, say_text, system_of
from wsltop.commands.group import Group
from wsltop.config import Settings
from wsltop.errors import UsageError, WsltopError
from wsltop.host.interop import Windows
from wsltop.host.wslconfig_file import list_profiles, passed_profile
from wsltop.model.sample import Unavailable
from wsltop.model.text import clean
from wsltop.reclaim.root import find_distro

FRAGMENTS: Final = "AppData/Local/Microsoft/Windows Terminal/Fragments/wsltop"
"""Below a user's profile: where Windows Terminal looks for profiles that other programs bring (JSON fragments)."""


@click.group("install", cls=Group)
def command() -> None:
    """Put wsltop where other programs look for it."""


@command.command("terminal-profile")
@click.option("--print", "only_print", is_flag=True, help="Print the file and where it would go; write nothing.")
@click.option("--remove", is_flag=True, help="Remove the file.")
@click.option("--user", metavar="NAME", help="The Windows user, by the name of the folder below C:\\Users.")
@host_options
@click.pass_obj
def terminal_profile(settings: Settings, /, only_print: bool, remove: bool, user: str | None, **options: Any) -> None:
    """Give Windows Terminal a profile that opens wsltop as a tab.

    Windows Terminal shows it in its menu of new tabs after it has been restarted.
    """
    settings = merge(settings, options)
    system = system_of(settings)
    distro = find_distro(system.environ)
    if isinstance(distro, Unavailable):
        raise WsltopError(f"{distro.reason}: run it in the distribution whose wsltop is to be opened")
    windows = Windows(root=system.root, environ=system.environ, drive=system.drive)
    file = find_profile(windows, user) / FRAGMENTS / f"{distro}.json"
    text = fragment(distro, program())
    if only_print:
        say_text(f"{clean(str(file))}\n{text}")
        return
    try:
        if remove:
            file.unlink(missing_ok=True)
            with suppress(OSError):
                file.parent.rmdir()  # another distribution's profile may be there
        else:
            write(file, text)
    except OSError as error:
        raise WsltopError(f"cannot write {file}: {error.strerror}") from error
    say_text(f"{'removed' if remove else 'wrote'} {clean(str(file))}; restart Windows Terminal to see it\n")


def fragment(distro: str, words: tuple[str, ...]) -> str:
    """The JSON of the profile, with documented fields only. After ``--`` wsl.exe hands the rest to a shell."""
    profile = {
        "name": f"wsltop ({distro})",
        "commandline": f"wsl.exe -d {distro} -- {shlex.join(words)}",
        "tabTitle": "wsltop",
    }
    return msgspec.json.format(msgspec.json.encode({"profiles": [profile]}), indent=2).decode() + "\n"


def find_profile(windows: Windows, user: str | None) -> Path:
    """The folder of the Windows user.

    Raises:
        UsageError: there are several, or none of that name.
        WsltopError: no drive of Windows is mounted.
    """
    mounts = windows.mounts()
    if not mounts:
        raise WsltopError("no Windows drive is mounted; say where it is with --drive DIR")
    passed = passed_profile(windows.environ.get("USERPROFILE", ""), mounts[0])
    if user is None and passed is not None:
        return passed
    try:
        profiles = list_profiles(mounts[0] / "Users")
    except OSError as error:
        raise WsltopError(f"the Windows users cannot be listed: {error.strerror}") from error
    found = profiles if user is None else [one for one in profiles if one.name.casefold() == user.casefold()]
    if len(found) == 1:
        return found[0]
    names = ", ".join(clean(one.name) for one in profiles[:8]) or "none"
    raise UsageError(f"say which Windows user it is for with --user NAME; there are: {names}")


def write(file: Path, text: str) -> None:
    """Write the whole file or leave what is there.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
