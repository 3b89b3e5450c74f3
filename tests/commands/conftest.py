"""The program, ready to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.program import Program
from tests.shell import environ_of


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Program:
    """wsltop in this process."""
    return Program(monkeypatch, capfd, tmp_path / "home")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a user with an empty home."""
    return environ_of(tmp_path / "home")
