"""Terminals whose programs are ended with the test, and a drive of Windows to put stand-ins on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.host.stand_ins import FakeDrive
from tests.terminal.harness import Terminal

Open = Callable[..., Terminal]
"""Opens a terminal with wsltop in it; takes the arguments of ``Terminal`` after the folder."""


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def start(*arguments: str, size: tuple[int, int] = (80, 24), environ: dict[str, str] | None = None) -> Terminal:
            return stack.enter_context(Terminal(tmp_path, *arguments, size=size, environ=environ))

        yield start


@pytest.fixture
def drive(tmp_path: Path) -> FakeDrive:
    """An empty drive of Windows."""
    return FakeDrive(tmp_path)
