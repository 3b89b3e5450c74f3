"""A pool that is always closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wsltop.control.hogs import HogPool


@pytest.fixture
def pool() -> Iterator[HogPool]:
    with HogPool(floor=64 * 1024**2) as pool:
        yield pool
    assert pool.pids == ()
