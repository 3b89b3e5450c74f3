"""Runs the commands as the shell does, in this process or in one of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from wsltop import cli


class Result(NamedTuple):
    """How it ended."""

    status: int
    out: str
    err: str


class Program:
    """wsltop in this process, at home in an empty folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], home: Path) -> None:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME"):
            monkeypatch.setenv(name, str(home))
        self._patch = monkeypatch
        self._capture = capfd

    def __call__(self, *arguments: object) -> Result:
        """Run it to its end."""
        self._patch.setattr(sys, "argv", ["wsltop", *map(str, arguments)])
        self._capture.readouterr()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        try:
            with pytest.raises(SystemExit) as end:
                cli.main()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        told = self._capture.readouterr()
        status = end.value.code
        assert isinstance(status, int)
        return Result(status, told.out, told.err)


def start(*arguments: object, environ: Mapping[str, str], stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start it as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "wsltop", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=dict(environ),
    )


def verify_unit(unit: Path) -> str:
    """What systemd says against a unit; skips the test where there is no systemd."""
    try:
        done = subprocess.run(
            ["/usr/bin/systemd-analyze", "verify", "--user", str(unit)],
            capture_output=True,
            text=True,
            env=os.environ | {"XDG_RUNTIME_DIR": str(unit.parent)},
            timeout=60,
            check=False,
        )
    except OSError:
        pytest.skip("there is no systemd-analyze: install the package systemd")
    return done.stderr
