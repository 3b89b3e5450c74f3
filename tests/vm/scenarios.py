"""The scenarios. Each is a function of a lab with a running driver; it yields what it found.

To add one: write the function and give it a row in ``ROWS``. Rows with the same setup share a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tests.vm import doctor, idle, loads, predictions, returns, trials
from tests.vm.findings import Finding
from tests.vm.lab import Lab
from tests.vm.screen import show_both_sides


class Setup(NamedTuple):
    """A kind of machine."""

    order: int | None = 5
    reporting: bool = True
    share: int = 1
    """Machines of the same kind, so that two can work at a time."""


class Row(NamedTuple):
    """One scenario."""

    name: str
    setup: Setup
    seconds: float
    """That it takes, two machines at a time on two emulated cores."""
    run: Callable[[Lab], Iterator[Finding]]


WSL: Final = Setup()
WSL_TOO: Final = Setup(share=2)
REST: Final = Setup(share=3)
IDLE: Final = Setup(share=4)
OLD: Final = Setup(order=9)
OFF: Final = Setup(reporting=False)
ABSENT: Final = Setup(order=None, reporting=False)

ROWS: Final = (
    Row("idle, order 5", WSL, 30, loads.idle),
    Row("four hogs, order 5", WSL, 35, loads.classic),
    Row("fragmentation, order 5", WSL, 45, returns.fragment),
    Row("page cache, order 5", WSL, 35, returns.cache),
    Row("memory.reclaim, order 5", WSL, 40, returns.reclaim),
    Row("screen, order 5", WSL, 50, show_both_sides),
    Row("experiment: four hogs, order 5", WSL_TOO, 60, trials.classic),
    Row("experiment: fragments, compacted, order 5", WSL_TOO, 45, trials.compact),
    Row("predictions: kill and cache drop, order 5", WSL_TOO, 110, predictions.kill_and_drop),
    Row("predictions: pressure, order 5", WSL_TOO, 65, predictions.press),
    Row("reporting off", OFF, 45, returns.nothing_returns),
    Row("reporting off, doctor", OFF, 80, doctor.judge_kept),
    Row("no driver, doctor", ABSENT, 15, doctor.judge_absent),
    Row("four hogs, order 9", OLD, 35, loads.classic),
    Row("fragmentation, order 9", OLD, 45, returns.fragment),
    Row("page cache, order 9", OLD, 35, returns.cache),
    Row("4-KiB pages, order 9", OLD, 35, loads.touch_small),
    Row("huge pages, order 9", OLD, 30, loads.touch_huge),
    Row("predictions: kill and cache drop, order 9", OLD, 110, predictions.kill_and_drop),
    Row("doctor, order 5", REST, 60, doctor.judge),
    Row("floor, order 5", REST, 60, loads.floor),
    Row("4-KiB pages, order 5", REST, 30, loads.touch_small),
    Row("huge pages, order 5", REST, 30, loads.touch_huge),
    Row("experiment: cache, reclaimed, order 5", REST, 60, trials.reclaim),
    Row("experiment: cache, pushed out, order 5", REST, 70, trials.pressure),
    Row("idle reclaim by rule D, order 5", IDLE, 175, idle.drop_by_d),
    Row("idle reclaim by rule C, order 5", IDLE, 175, idle.drop_by_c),
)
"""Everything that is checked. Rows with the same setup stand together, the machines begin in this order, and what is
worth most stands first: where time is short, the rest is left out."""
