"""The scenarios. Each is a function of a lab with a running driver; it yields what it found.

To add one: write the function and give it a row in ``ROWS``. Rows with the same setup share a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tests.vm import doctor, idle, loads, predictions, returns, trials, truth
from tests.vm.findings import Finding
from tests.vm.lab import Lab
from tests.vm.parts import KernelName
from tests.vm.screen import show_both_sides


class Setup(NamedTuple):
    """A kind of machine."""

    order: int | None = 5
    reporting: bool = True
    share: int = 1
    """Machines of the same kind, so that two can work at a time."""
    kernel: KernelName = "6.1"
    memory: int = 4096
    """MiB."""
    cpus: int = 2
    swap: int = 0
    """MiB."""
    cmdline: str = ""
    """More of the kernel's command line."""


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

TRUE: Final = Setup(share=5)
NEWER: Final = Setup(kernel="6.18", swap=1024, cmdline="init_on_alloc=0 transparent_hugepage=always")
NEWER_COARSE: Final = Setup(kernel="6.18", order=9, cmdline="init_on_alloc=1")
LAZY: Final = Setup(cmdline="init_on_alloc=0")
TRUTHS: Final[tuple[tuple[str, float, Callable[[Lab], Iterator[Finding]]], ...]] = (
    ("faults in the log before the doctor", 25, truth.doctor_log),
    ("parts of an idle guest", 15, truth.idle_parts),
    ("mapped cache beside tmpfs", 50, truth.mapped),
    ("locked cache", 50, truth.locked),
    ("compacted twice", 60, truth.compact_twice),
    ("pinned pages", 45, truth.pinned),
    ("a million names", 120, truth.names),
    ("reclaim of 300", 60, truth.reclaim),
    ("first tick after a kill", 40, truth.first_tick),
    ("fragment hog killed", 50, truth.fragment_killed),
    ("odd pages of huge pages", 60, truth.odd_pages),
    ("drop and compaction in one", 50, truth.drop_and_compact),
    ("order changed while running", 25, truth.order_changed),
)
"""What wsltop was once wrong about: run on both kernels. The last one leaves a machine in which nothing is known."""


def truths(setup: Setup, name: str) -> tuple[Row, ...]:
    """These scenarios on one kind of machine."""
    return tuple(Row(f"{what}, {name}", setup, seconds, run) for what, seconds, run in TRUTHS)


ROWS: Final = (
    *truths(TRUE, "6.1, order 5"),
    *truths(NEWER, "6.18, order 5"),
    Row("untouched pool of huge pages, 6.1", LAZY, 25, truth.pool),
    Row("untouched pool of huge pages, 6.18", Setup(kernel="6.18", cmdline="init_on_alloc=0", share=2), 25, truth.pool),
    Row("a million names, 6.18, order 9", NEWER_COARSE, 120, truth.names),
    Row("compacted twice, 6.18, order 9", NEWER_COARSE, 60, truth.compact_twice),
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
