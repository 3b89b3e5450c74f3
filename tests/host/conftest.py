from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.stand_ins import FakeDrive, own_children
from wsltop.child import LEFT
from wsltop.host.relay import RUNNING


@pytest.fixture
def drive(tmp_path: Path) -> FakeDrive:
    """An empty drive of Windows."""
    return FakeDrive(tmp_path)


@pytest.fixture(autouse=True)
def _no_child_stays() -> Iterator[None]:
    """Nothing stays but programs that were left on purpose; those are ended here."""
    before = set(own_children())
    yield
    for process in LEFT:
        process.kill()
        process.wait(5.0)
    LEFT.clear()
    RUNNING.clear()
    assert set(own_children()) <= before
