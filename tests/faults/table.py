"""The table: rows register themselves here, each with the group that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from tests.faults.place import Place

Try: TypeAlias = "Callable[[Place], str]"


class Fault(NamedTuple):
    """One row."""

    name: str
    group: str
    injected: str
    """How it is made to happen."""
    holds: str
    """What must hold."""
    attempt: Try
    was_broken: bool
    """Whether wsltop once failed here: such rows come first where there is no time for all."""


ROWS: Final[list[Fault]] = []
"""In the order in which they are written down."""


def fault(name: str, *, injected: str, holds: str, was_broken: bool = False) -> Callable[[Try], Try]:
    """Put a function into the table; its module names the group."""

    def register(attempt: Try) -> Try:
        add(name, attempt, injected=injected, holds=holds, was_broken=was_broken)
        return attempt

    return register


def add(
    name: str, attempt: Try, *, injected: str, holds: str, group: str | None = None, was_broken: bool = False
) -> None:
    """Put a row into the table.

    Raises:
        ValueError: a row has this name already.
    """
    if any(row.name == name for row in ROWS):
        raise ValueError(f"two rows are called {name!r}")
    ROWS.append(Fault(name, group or attempt.__module__.rpartition(".")[2], injected, holds, attempt, was_broken))


def all_rows() -> list[Fault]:
    """Every row, once all modules of the table are loaded."""
    from tests.faults import clocks, desktop, files, hogs, limits, settings, signals, terminals, texts, windows

    del clocks, desktop, files, hogs, limits, settings, signals, terminals, texts, windows
    return ROWS
