from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui import idle
from tests.ui.worlds import World


@pytest.fixture(autouse=True, scope="session")
def _quick_pilot() -> Iterator[None]:
    """The pilot waits until the screen has done what was asked of it."""
    with pytest.MonkeyPatch.context() as patch:
        idle.install(patch)
        yield


@pytest.fixture(autouse=True)
def _london_in_winter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All clocks on the screen show UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
