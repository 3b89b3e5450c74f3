"""Settings: ``config.toml`` in the XDG folder, validated as a whole; and the little that wsltop remembers by itself.

The settings file is the user's: wsltop reads it and never writes it. What the program remembers (the theme) goes to a
file of its own below the state folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from wsltop.errors import UsageError
from wsltop.host.choose import CHOICES, check_choice
from wsltop.model.units import GIB, MIB, parse_size


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the settings file may say; the command line goes before it."""

    interval: Annotated[float, Meta(ge=0.2, le=60)] = 1.0
    """Seconds between samples."""
    host: str = "auto"
    drive: str | None = None
    """Where the Windows system drive is mounted."""
    glyphs: Literal["auto", "block", "braille", "ascii"] = "auto"
    color: Literal["auto", "always", "never"] = "auto"
    theme: str | None = None
    hog_size: str = "1G"
    quiet: bool | None = None
    """Look less often while nothing moves: at once, never, or (unset) after a minute without a key."""
    silence: tuple[str, ...] = ()
    """Ids of findings that are not to be shown."""

    @property
    def hog_bytes(self) -> int:
        """Size of the first hog in bytes."""
        return parse_size(self.hog_size)


ALLOWED: Final = {
    "interval": "a number of seconds from 0.2 to 60",
    "host": f"one of {', '.join(CHOICES)}",
    "drive": "a directory",
    "glyphs": "one of auto, block, braille, ascii",
    "color": "one of auto, always, never",
    "theme": "the name of a theme",
    "hog_size": "a size from 64M to 1T, such as 512M",
    "quiet": "true or false",
    "silence": "a list of ids of findings",
}
"""What each setting may be, for the message when it is not."""


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the settings are."""
    return base_folder(environ, "XDG_CONFIG_HOME", ".config") / "config.toml"


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where reports, pictures and what wsltop remembers go."""
    return base_folder(environ, "XDG_STATE_HOME", ".local/state")


def base_folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """wsltop's folder below an XDG base folder; a relative path in the variable is ignored, as XDG says.

    Raises:
        UsageError: there is no home directory to put it in.
    """
    base = environ.get(variable, "")
    if base.startswith("/"):
        return Path(base) / "wsltop"
    try:
        return Path.home() / default / "wsltop"
    except RuntimeError as error:  # neither HOME nor an entry in the user database, as in some containers
        raise UsageError(f"there is no home directory: set HOME or {variable}") from error


def load_settings(path: Path) -> Settings:
    """The settings of ``path``, or the defaults where there is no such file.

    Raises:
        UsageError: the file cannot be read, or a setting is wrong; names file, setting and what is allowed.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    try:
        settings = msgspec.toml.decode(text, type=Settings)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {explain(error)}") from error
    try:
        check_choice(settings.host)
    except UsageError as error:
        raise UsageError(f"{path}: host = {settings.host!r}: must be {ALLOWED['host']}") from error
    try:
        sensible = 64 * MIB <= settings.hog_bytes <= 1024 * GIB
    except ValueError:
        sensible = False
    check_silence(path, settings)
    if not sensible:
        raise UsageError(f"{path}: hog_size = {settings.hog_size!r}: must be {ALLOWED['hog_size']}")
    return settings


def check_silence(path: Path, settings: Settings) -> None:
    """Refuse to silence a finding that does not exist: a misspelled id would silence nothing and say nothing.

    Raises:
        UsageError: names the id and where the ids are listed.
    """
    if not settings.silence:
        return
    from wsltop.core.diagnosis.rules import catalogue  # only for whom it is asked

    known = {row[0] for row in catalogue()}
    for name in settings.silence:
        if name not in known:
            raise UsageError(f"{path}: silence: there is no finding {name!r}; the README lists them")


def explain(error: Exception) -> str:
    """What is wrong with the text of a settings file, and what the setting in question may be."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    message = str(error)
    for name, allowed in ALLOWED.items():
        if f"$.{name}`" in message or f"$.{name}[" in message:
            return f"{name}: must be {allowed} ({message})"
    if "unknown field" in message:
        return f"{message}; the settings are {', '.join(ALLOWED)}"
    return message


class State(Struct, frozen=True):
    """What wsltop remembers from one run to the next."""

    theme: str | None = None


def load_state(folder: Path) -> State:
    """The remembered state; a missing or damaged file is as good as none."""
    try:
        return msgspec.json.decode((folder / "state.json").read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return State()


def save_state(folder: Path, state: State) -> None:
    """Remember ``state``; a folder that cannot be written only costs the memory of it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.json").write_bytes(msgspec.json.encode(state) + b"\n")
    except OSError:
        return
