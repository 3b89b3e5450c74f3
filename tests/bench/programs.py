"""How wsltop and its peers are started."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.bench.pty_program import PtyProgram

ROOT = Path(__file__).parents[2]
WSLTOP = (sys.executable, "-m", "wsltop")
SIZE = (160, 48)
READY = b" quit"
"""The last word of the footer, which is the last line that wsltop draws."""

PEERS: dict[str, tuple[str, ...]] = {
    "htop": ("htop", "-d", "10"),
    "glances": ("glances", "-t", "1", "--disable-check-update"),
}
"""Monitors that draw once a second, as they come; glances must not look for updates while it is measured."""
PEERS_READY = {"htop": b"Quit", "glances": b"SWAP"}
"""What stands on the first complete picture of each."""


def find_program(name: str) -> str | None:
    """A program in PATH, or beside this interpreter."""
    beside = Path(sys.executable).parent / name
    return shutil.which(name) or (str(beside) if os.access(beside, os.X_OK) else None)


def find_peers() -> dict[str, tuple[str, ...] | None]:
    """The commands of the peers; None for what is not installed."""
    found: dict[str, tuple[str, ...] | None] = {}
    for name, (program, *arguments) in PEERS.items():
        path = find_program(program)
        found[name] = None if path is None else (path, *arguments)
    return found


def environment() -> dict[str, str]:
    """A usual terminal's, whatever this one is."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("NO_COLOR", "TEXTUAL"))}
    return environ | {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",
    }


def open_program(command: tuple[str, ...]) -> PtyProgram:
    """Start a program on a screen of the usual size."""
    return PtyProgram(command, SIZE, environment())
