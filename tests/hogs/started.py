"""``wsltop experiment`` as a process of its own, listened to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO, Final, cast

import pytest

from tests.hogs.real import stat_fields
from tests.shell import environ_of

QUICK: Final = ("--hogs", "1", "--size", "64M", "--baseline", "0.5", "--host", "none")


class Started:
    """A running experiment."""

    def __init__(self, folder: Path, *arguments: str, before: tuple[str, ...] = (), **more: str) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "wsltop", "experiment", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environ_of(folder) | {"TMPDIR": str(folder)} | more,
        )
        self.said: list[str] = []

    def until(self, phase: str) -> None:
        """Wait until it says that a phase has begun."""
        for line in cast("IO[str]", self.process.stderr):
            self.said.append(line)
            if line.endswith(f": {phase}\n"):
                return
        self.process.kill()
        self.process.communicate()
        pytest.fail(f"it never came to {phase}: {''.join(self.said)}")

    def end(self, seconds: float = 30.0) -> tuple[int, str, str]:
        """Wait for its end: the status and what it printed."""
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, "".join(self.said) + err


def alive(pid: int) -> bool:
    return stat_fields(pid)[:1] not in ([], ["Z"], ["X"])


def run(folder: Path, *arguments: str, **more: str) -> tuple[int, str, str]:
    return Started(folder, *arguments, before=(), **more).end()
