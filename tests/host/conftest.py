from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.stand_ins import FakeDrive, own_children


@pytest.fixture
def drive(tmp_path: Path) -> FakeDrive:
    """An empty drive of Windows."""
    return FakeDrive(tmp_path)


@pytest.fixture(autouse=True)
def _no_child_stays() -> Iterator[None]:
    before = set(own_children())
    yield
    assert set(own_children()) <= before
