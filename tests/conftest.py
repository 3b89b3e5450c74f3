"""Settings of all tests: property tests keep no database on disk and have no deadline, which a busy machine misses.

In continuous integration they try the same hundred examples each time, so that a change is judged by what it changes;
everywhere else they try fewer, and new ones in each run.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from wsltop.hogs.pool import HogPool

MOST_LEFT_OPEN = 25
"""Descriptors; a source or two that a test does not close do no harm."""
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


def open_files() -> list[str]:
    """What this process has open."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one of the listing itself
            found.append(str(path.readlink()))
    return found


@pytest.fixture(autouse=True)
def few_files_stay_open() -> Iterator[None]:
    """No test leaves many files open: the tests after it in the same process would run out of descriptors."""
    before = len(open_files())
    yield
    left = open_files()
    assert len(left) - before < MOST_LEFT_OPEN, sorted(left)
