"""The settings file ``config.toml``, checked as a whole, and the small state that wsltop keeps between two runs.

The settings file is the user's: wsltop reads it and never writes it. What wsltop remembers (the theme) goes to a file
of its own below the state folder.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from wsltop.errors import UsageError
from wsltop.host.choose import CHOICES, check_choice
from wsltop.model.text import GIB, MIB, clean, parse_size

LEAST_HOG: Final = 64 * MIB
MOST_HOG: Final = 1024 * GIB
LONGEST_VALUE: Final = 60
"""Characters of a wrong value that a message shows."""
THEMES: Final = (
    "ansi-dark",
    "ansi-light",
    "atom-one-dark",
    "atom-one-light",
    "catppuccin-frappe",
    "catppuccin-latte",
    "catppuccin-macchiato",
    "catppuccin-mocha",
    "dracula",
    "flexoki",
    "gruvbox",
    "monokai",
    "nord",
    "rose-pine",
    "rose-pine-dawn",
    "rose-pine-moon",
    "solarized-dark",
    "solarized-light",
    "textual-dark",
    "textual-light",
    "tokyo-night",
)
"""Textual's themes, so that a name can be checked without loading it."""


def parse_toml(text: str) -> dict[str, Any]:
    """The table in a TOML text.

    Raises:
        ValueError: it is no TOML; the message names line and column.
    """
    if sys.version_info >= (3, 11):  # here, because a prompt waits for wsltop line, and most users have no such file
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


class NotifySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How ``wsltop watch`` notifies; the table ``[notify]``."""

    findings: tuple[str, ...] = ()
    """Ids of the findings that notify; empty: every warning and problem."""
    exec: tuple[str, ...] = ()
    """A program with its arguments. It reads the finding as JSON from standard input."""
    terminal: Literal["auto", "none", "bell", "osc777", "osc9"] = "auto"
    toast: bool = False
    """Whether Windows shows a toast."""


LARGEST_FILE: Final = 1024 * 1024
"""Bytes of a settings file."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings; an option of the command line goes before the file."""

    interval: Annotated[float, Meta(ge=0.2, le=60)] = 1.0
    """Seconds between samples."""
    host: str = "auto"
    drive: str | None = None
    """Where the Windows system drive is mounted."""
    glyphs: Literal["auto", "block", "braille", "ascii"] = "auto"
    color: Literal["auto", "always", "never"] = "auto"
    theme: str | None = None
    hog_size: str = "1G"
    command_lines: bool = True
    """Whether the list of processes begins with their command lines, which may hold passwords."""
    mouse: bool = True
    """Whether clicks, drags and the wheel go to wsltop; without, the terminal selects text with them."""
    quiet: bool | None = None
    """Sample less often while nothing changes: at once, never, or (unset) after a minute without a key."""
    silence: tuple[str, ...] = ()
    """Ids of findings that are not shown."""
    notify: NotifySettings = NotifySettings()

    @property
    def hog_bytes(self) -> int:
        """Size of the first hog in bytes."""
        return parse_size(self.hog_size)


class Described(NamedTuple):
    """A setting for people."""

    about: str
    allowed: str


SETTINGS: Final = {
    "interval": Described("Seconds between samples.", "a number of seconds from 0.2 to 60"),
    "host": Described("Where the host's figures come from.", f"one of {', '.join(CHOICES)}"),
    "drive": Described("Where the Windows system drive is mounted.", "a directory"),
    "glyphs": Described("The characters that charts are drawn with.", "one of auto, block, braille, ascii"),
    "color": Described("Whether there are colors; auto follows NO_COLOR.", "one of auto, always, never"),
    "theme": Described("The colors of the screen.", f"one of {', '.join(THEMES)}"),
    "hog_size": Described("Size of the first hog.", "a size from 64M to 1T, such as 512M"),
    "mouse": Described("Whether clicks and the wheel go to wsltop, not to the terminal.", "true or false"),
    "command_lines": Described("Whether p shows command lines; l changes that.", "true or false"),
    "quiet": Described("Sample every 4 s while nothing changes.", "true or false"),
    "silence": Described("Ids of findings that are not shown.", "a list of ids of findings"),
    "notify": Described("How wsltop watch notifies.", "a table: [notify]"),
    "notify.findings": Described(
        "The findings that notify; empty: all that are no notes.", "a list of ids of findings"
    ),
    "notify.exec": Described(
        "A program that gets each finding as JSON.", 'a list of texts, such as ["notify-send", "wsltop"]'
    ),
    "notify.terminal": Described("How a terminal notifies.", "one of auto, none, bell, osc777, osc9"),
    "notify.toast": Described("Whether Windows shows a toast.", "true or false"),
}
"""Every setting, for messages, ``wsltop settings`` and the man page."""


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """The settings file."""
    return base_folder(environ, "XDG_CONFIG_HOME", ".config") / "config.toml"


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of reports, pictures and the remembered state."""
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
        UsageError: the file cannot be read, or a setting is wrong; names the file, the line and what is allowed.
    """
    data = read_settings(path)
    if data is None:
        return Settings()
    text = data.decode("utf-8-sig", "replace")
    try:
        table = parse_toml(data.decode("utf-8-sig"))
        check_names(table)
        settings = msgspec.convert(table, Settings)
        check_values(settings)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, line {line}: this is not UTF-8 text") from None
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply") from None
    except msgspec.ValidationError as error:
        name = wrong_setting(str(error))
        raise UsageError(f"{path}{tell_line(text, name)}: {tell_wrong(name, table)}") from None
    except WrongSetting as wrong:
        raise UsageError(f"{path}{tell_line(text, wrong.name)}: {wrong}") from None
    except ValueError as error:
        raise UsageError(f"{path}, {tell_place(str(error), text)}") from None
    return settings


def read_settings(path: Path) -> bytes | None:
    """The bytes of the settings file; None where there is none, or where it cannot be reached.

    A home that is no folder, or is another's, has no settings: that is no reason to refuse a snapshot.

    Raises:
        UsageError: there is such a file, and it cannot be read, is no regular file, or is too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        if not os.access(path.parent, os.X_OK):
            return None
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} is no regular file: name one with --config, or remove it")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise UsageError(f"{path} is larger than {LARGEST_FILE // 1024} KiB: this is no settings file")
    return data


class WrongSetting(Exception):
    """A setting that is not right; the message says what it may be."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def check_names(table: Mapping[str, Any]) -> None:
    """Refuse a setting that does not exist.

    Raises:
        WrongSetting: names the setting and one that is near, or all.
    """
    for name in flat_names(table):
        if name not in SETTINGS:
            near = get_close_matches(name, SETTINGS)
            hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(SETTINGS)}"
            raise WrongSetting(name, f"there is no setting {shown(name)}; {hint}")


def flat_names(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names in a settings file, those of ``[notify]`` as ``notify.NAME``."""
    for name, value in table.items():
        yield name
        if name == "notify" and isinstance(value, dict):
            yield from (f"notify.{inner}" for inner in value)


def check_values(settings: Settings) -> None:
    """Check what the types of the settings cannot.

    Raises:
        WrongSetting: names the setting, its value and what it may be.
    """
    wrong = None
    try:
        check_choice(settings.host)
    except UsageError:
        wrong = "host", settings.host
    try:
        sensible = LEAST_HOG <= settings.hog_bytes <= MOST_HOG
    except ValueError:
        sensible = False
    if not sensible:
        wrong = "hog_size", settings.hog_size
    if settings.theme is not None and settings.theme not in THEMES:
        wrong = "theme", settings.theme
    if wrong is not None:
        name, value = wrong
        raise WrongSetting(name, f"{name} = {shown(value)}: must be {SETTINGS[name].allowed}")
    check_findings("silence", settings.silence)
    check_findings("notify.findings", settings.notify.findings)


def check_findings(name: str, ids: tuple[str, ...]) -> None:
    """Refuse the id of a finding that does not exist: it would do nothing and say nothing.

    Raises:
        WrongSetting: names the id and a command that lists them.
    """
    if not ids:
        return
    from wsltop.core.diagnosis.rules import catalogue  # loads every rule: only where one is named

    known = [row[0] for row in catalogue()]
    for one in ids:
        if one not in known:
            near = get_close_matches(one, known)
            hint = f"did you mean {near[0]}?" if near else f"the findings are {', '.join(known)}"
            raise WrongSetting(name, f"{name}: there is no finding {shown(one)}; {hint}")


def wrong_setting(message: str) -> str:
    """The setting that a message of msgspec is about: it ends with ``at `$.notify.exec[0]```."""
    found = re.search(r"`\$\.(\w+(?:\.\w+)?)", message)
    return found[1] if found is not None and found[1] in SETTINGS else ""


def tell_wrong(name: str, table: Mapping[str, Any]) -> str:
    """What is wrong with a setting, and what it may be."""
    if not name:
        return f"must set only {', '.join(SETTINGS)}"
    value: Any = table
    for part in name.split("."):
        value = value[part]
    return f"{name} = {shown(value)}: must be {SETTINGS[name].allowed}"


def tell_line(text: str, name: str) -> str:
    """``, line 3``: where a setting stands, or nothing where it cannot be found."""
    last = re.escape(name.rpartition(".")[2])
    pattern = re.compile(rf"^\s*(?:\[\s*)?(?:notify\s*\.\s*)?[\"']?{last}[\"']?\s*[=.\]]", re.MULTILINE)
    found = pattern.search(text) if name else None
    return "" if found is None else f", line {text.count(chr(10), 0, found.end()) + 1}"


def tell_place(message: str, text: str) -> str:
    """``line 2, column 5: invalid value`` from a message of tomllib."""
    what, _, place = message.rpartition(" (at ")
    found = re.fullmatch(r"line (\d+), column (\d+)\)", place)
    line, column = (found[1], found[2]) if found else (text.count("\n") + 1, len(text) - text.rfind("\n"))
    reason = clean(what or message)
    return f"line {line}, column {column}: {reason[:1].lower()}{reason[1:]}"


def shown(value: object) -> str:
    """A value as it stands in TOML, or nearly so, and not too long."""
    text = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    text = text or clean(f'"{value}"' if isinstance(value, str) else str(value))
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


class State(Struct, frozen=True):
    """What wsltop remembers from one run to the next."""

    theme: str | None = None


def load_state(folder: Path) -> State:
    """The remembered state; empty where the file is missing or damaged."""
    try:
        return msgspec.json.decode((folder / "state.json").read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return State()


def save_state(folder: Path, state: State) -> None:
    """Remember ``state``, where the folder can be written."""
    from wsltop.private import write_private

    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_private(folder / "state.json", msgspec.json.encode(state).decode() + "\n")
    except OSError:
        return
