"""wsltop as a user runs it from a shell: a process of its own, with an empty home and no terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import wsltop

PACKAGE = str(Path(wsltop.__file__).parents[1])


def environ_of(home: Path) -> dict[str, str]:
    """The environment of a user with this home, outside of any distribution; a warning is an error."""
    unwanted = ("WSL", "XDG_", "PYTHON", "LC_", "USERPROFILE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return kept | {"HOME": str(home), "PYTHONPATH": PACKAGE, "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "error"}


def command(*arguments: str) -> list[str]:
    """How to start it."""
    return [sys.executable, "-m", "wsltop", *arguments]


def run_to_end(folder: Path, environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a folder until it ends by itself."""
    return subprocess.run(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environ,
        timeout=60,
        check=False,
    )
