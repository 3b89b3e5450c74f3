"""Settings: ``config.toml`` in the XDG folder, validated as a whole; and the little that wsltop remembers by itself.

The settings file is the user's: wsltop reads it and never writes it. What the program remembers (the theme) goes to a
file of its own below the state folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from wsltop.core.units import GIB, MIB, parse_size
from wsltop.errors import UsageError


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

    @property
    def hog_bytes(self) -> int:
        """Size of the first hog in bytes."""
        return parse_size(self.hog_size)


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the settings are."""
    return base_folder(environ, "XDG_CONFIG_HOME", ".config") / "config.toml"


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where reports, pictures and what wsltop remembers go."""
    return base_folder(environ, "XDG_STATE_HOME", ".local/state")


def base_folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """wsltop's folder below an XDG base folder; a relative path in the variable is ignored, as XDG says."""
    base = environ.get(variable, "")
    return (Path(base) if base.startswith("/") else Path.home() / default) / "wsltop"


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
        size = settings.hog_bytes
    except (msgspec.MsgspecError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error
    if not 64 * MIB <= size <= 1024 * GIB:
        raise UsageError(f"{path}: hog_size = {settings.hog_size!r} is not between 64M and 1T")
    return settings


class State(Struct, frozen=True):
    """What wsltop remembers from one run to the next."""

    theme: str | None = None


def load_state(folder: Path) -> State:
    """The remembered state; a missing or damaged file is as good as none."""
    try:
        return msgspec.json.decode((folder / "state.json").read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return State()


def save_state(folder: Path, state: State) -> None:
    """Remember ``state``; a folder that cannot be written only costs the memory of it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.json").write_bytes(msgspec.json.encode(state) + b"\n")
    except OSError:
        return
