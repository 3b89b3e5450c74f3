"""The scenarios. Each is a function of a lab with a running driver; it yields what it found.

To add one: write the function and give it a row in ``ROWS``. Rows with the same setup share a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tests.vm import doctor, loads, returns, trials
from tests.vm.findings import Finding
from tests.vm.idle import drop_when_idle
from tests.vm.lab import Lab
from tests.vm.screen import show_both_sides


class Setup(NamedTuple):
    """A kind of machine."""

    order: int | None = 5
    reporting: bool = True


class Row(NamedTuple):
    """One scenario."""

    name: str
    setup: Setup
    run: Callable[[Lab], Iterator[Finding]]


WSL: Final = Setup()
OLD: Final = Setup(order=9)
OFF: Final = Setup(reporting=False)
ABSENT: Final = Setup(order=None, reporting=False)

ROWS: Final = (
    Row("idle, order 5", WSL, loads.idle),
    Row("four hogs, order 5", WSL, loads.classic),
    Row("4-KiB pages, order 5", WSL, loads.touch_small),
    Row("huge pages, order 5", WSL, loads.touch_huge),
    Row("fragmentation, order 5", WSL, returns.fragment),
    Row("page cache, order 5", WSL, returns.cache),
    Row("memory.reclaim, order 5", WSL, returns.reclaim),
    Row("floor, order 5", WSL, loads.floor),
    Row("screen, order 5", WSL, show_both_sides),
    Row("doctor, order 5", WSL, doctor.judge),
    Row("experiment: four hogs, order 5", WSL, trials.classic),
    Row("experiment: fragments, compacted, order 5", WSL, trials.compact),
    Row("experiment: cache, reclaimed, order 5", WSL, trials.reclaim),
    Row("experiment: cache, pushed out, order 5", WSL, trials.pressure),
    Row("four hogs, order 9", OLD, loads.classic),
    Row("4-KiB pages, order 9", OLD, loads.touch_small),
    Row("huge pages, order 9", OLD, loads.touch_huge),
    Row("fragmentation, order 9", OLD, returns.fragment),
    Row("page cache, order 9", OLD, returns.cache),
    Row("reporting off", OFF, returns.nothing_returns),
    Row("reporting off, doctor", OFF, doctor.judge_kept),
    Row("idle reclaim, order 5", WSL, drop_when_idle),
    Row("no driver, doctor", ABSENT, doctor.judge_absent),
)
"""Everything that is checked, in the order in which it runs."""
