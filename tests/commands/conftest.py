"""The program, ready to run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import wsltop
from tests.commands.program import Program


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Program:
    """wsltop in this process."""
    return Program(monkeypatch, capfd, tmp_path / "home")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a user with an empty home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WSL", "XDG_", "PYTHON"))}
    return kept | {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(wsltop.__file__).parents[1])}
