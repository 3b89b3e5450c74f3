"""Homes, environments and settings files that are not as they should be."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Final

from tests.faults.place import ODD, Place, clean_message, make_odd
from tests.faults.table import add
from tests.host.stand_ins import fake_wsl

QUICK: Final = ("snapshot", "--json", "--host", "none")

HOMES: Final = {
    "HOME is empty": {"HOME": ""},
    "HOME has a newline": {"HOME": "/tmp/a\nb"},
    "HOME is nowhere": {"HOME": "/nonexistent/home"},
    "HOME is a device": {"HOME": "/dev/null"},
    "XDG_CONFIG_HOME is relative": {"XDG_CONFIG_HOME": "here"},
    "XDG_CONFIG_HOME is /proc": {"XDG_CONFIG_HOME": "/proc"},
    "XDG_STATE_HOME is a device": {"XDG_STATE_HOME": "/dev/null"},
    "XDG_RUNTIME_DIR is a device": {"XDG_RUNTIME_DIR": "/dev/null"},
    "XDG_RUNTIME_DIR is open to all": {"XDG_RUNTIME_DIR": "/tmp"},
    "TERM is dumb": {"TERM": "dumb"},
    "LC_ALL is C": {"LC_ALL": "C"},
    "PYTHONWARNINGS is error": {"PYTHONWARNINGS": "error"},
    "TZ is nonsense": {"TZ": "Moon/Crater:99"},
}


def odd_home(changes: dict[str, str], place: Place) -> str:
    """Snapshot and doctor do without."""
    for arguments in (QUICK, ("doctor", "--watch", "0", "--host", "none")):
        done = place.run(*arguments, environ=changes)
        told = clean_message(done, (0, 1) if arguments[0] == "doctor" else (0,))
    return told


for _name, _changes in HOMES.items():
    add(
        _name,
        partial(odd_home, _changes),
        group="settings",
        injected=" ".join(f"{key}={value!r}" for key, value in _changes.items()),
        holds="snapshot and doctor work",
        was_broken=_name == "HOME is a device",
    )


def no_home(place: Place) -> str:
    """Without HOME the user database says where it is."""
    environ = place.environ()
    environ.pop("HOME")
    done = subprocess.run(
        [sys.executable, "-m", "wsltop", *QUICK], capture_output=True, env=environ, timeout=30, check=False
    )
    return clean_message(done, (0,))


add("HOME is unset", no_home, group="settings", injected="no HOME", holds="snapshot works")

TEXTS: Final[dict[str, tuple[bytes, tuple[int, ...]]]] = {
    "a byte order mark": (b"\xef\xbb\xbfinterval = 2\n", (0,)),
    "nan": (b"interval = nan\n", (2,)),
    "inf": (b"interval = inf\n", (2,)),
    "a string for a number": (b'interval = "soon"\n', (2,)),
    "an unknown key": (b"intervall = 2\n", (2,)),
    "a syntax error": (b"interval = = 2\n", (2,)),
    "invalid UTF-8": (b'theme = "\xff"\n', (2,)),
    "NUL bytes": (b"\0" * 64, (2,)),
    "an unknown theme": (b'theme = "nosuch"\n', (0, 2)),
    "an unknown host": (b'host = "mars"\n', (2,)),
    "deep nesting": (b"a = " + b"[" * 5000 + b"]" * 5000, (2,)),
    "20 MB of comments": (b"# x\n" * 5_000_000, (0, 2)),
    "an escape in a value": (b'theme = "\\u001b]0;P\\u0007"\n', (0, 2)),
}


def odd_text(data: bytes, statuses: tuple[int, ...], place: Place) -> str:
    """The file is named with the reason, or taken."""
    path = place.home / "config.toml"
    path.write_bytes(data)
    return clean_message(place.run("--config", path, *QUICK), statuses)


for _name, (_data, _statuses) in TEXTS.items():
    add(
        f"settings: {_name}",
        partial(odd_text, _data, _statuses),
        group="settings",
        injected="in config.toml",
        holds="named, with status 2; or taken",
        was_broken=_name in ("a byte order mark", "an unknown theme"),
    )


def odd_file(kind: str, place: Place) -> str:
    """A settings file that is no file is refused, and nothing hangs."""
    path = make_odd(kind, place.home / "config.toml")
    return clean_message(place.run("--config", path, *QUICK, timeout=10), (0,) if kind == "empty" else (2,))


for _kind in ODD:
    add(
        f"settings: the file is {_kind}",
        partial(odd_file, _kind),
        group="settings",
        injected="--config",
        holds="refused with status 2, or empty; nothing hangs",
        was_broken=_kind in ("a FIFO", "/dev/zero"),
    )


def odd_default(kind: str, place: Place) -> str:
    """The settings file of the user is no file: the same, but a missing one is fine."""
    folder = place.home / ".config/wsltop"
    folder.mkdir(parents=True)
    path = make_odd(kind, folder / "config.toml")
    if path.parent != folder:
        (folder / "config.toml").symlink_to(path)
    fine = kind in ("empty", "missing")
    return clean_message(place.run(*QUICK, timeout=10), (0,) if fine else (2,))


for _kind in ODD:
    add(
        f"settings: the user's own file is {_kind}",
        partial(odd_default, _kind),
        group="settings",
        injected="~/.config/wsltop/config.toml",
        holds="refused with status 2, or empty; nothing hangs",
    )


def odd_wslconfig(kind: str, place: Place) -> str:
    """A .wslconfig that is no file is told, and nothing hangs."""
    drive = place.drive()
    user = drive.path / "Users/someone"
    user.mkdir(parents=True)
    path = make_odd(kind, user / ".wslconfig")
    if path.parent != user:
        (user / ".wslconfig").symlink_to(path)
    fake_wsl(place.folder, drive=str(drive.path))
    arguments = ("--watch", "0", "--host", "none", "--drive", drive.path)
    for command in ("doctor", "report"):
        told = clean_message(place.run("--root", place.folder, command, *arguments, timeout=15), (0, 1))
    return told


for _kind in ODD:
    add(
        f".wslconfig is {_kind}",
        partial(odd_wslconfig, _kind),
        group="settings",
        injected="below the Windows user's folder; doctor and report",
        holds="told; nothing hangs",
    )
