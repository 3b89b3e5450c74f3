"""Settings of all tests: property tests keep no database on disk and have no deadline, which a busy machine misses.

In continuous integration they try the same hundred examples each time, so that a change is judged by what it changes;
everywhere else they try fewer, and new ones in each run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from wsltop.hogs.pool import HogPool

CI = bool(os.environ.get("CI"))
settings.register_profile("wsltop", database=None, deadline=None, derandomize=CI, max_examples=100 if CI else 30)
settings.load_profile("wsltop")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what only continuous integration runs out of the quick loop too: ``ci`` implies ``slow``."""
    for item in items:
        if item.get_closest_marker("ci"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def pool() -> Iterator[HogPool]:
    """A pool of hogs that is always closed, and leaves none."""
    with HogPool(floor=64 * 1024**2) as pool:
        yield pool
    assert pool.pids == ()
