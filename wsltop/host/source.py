"""What every way of asking the host has in common. Imports only ``core``."""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import HostMemory

WAITING: Final = Unavailable("waiting for Windows' first answer")
"""What is read until there is one."""


class HostSource(Protocol):
    """One way to learn what the host sees of this virtual machine."""

    def start(self) -> None:
        """Begin to ask; returns at once. May start a thread and a child process."""

    def read(self) -> Reading[HostMemory]:
        """The latest answer, or why there is none; never waits for the host."""

    def close(self) -> None:
        """End the children and threads within about a second; may be called again."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Our own processes on the Linux side, so that what they cost can be counted."""


class Contender(HostSource, Protocol):
    """A source that ``auto`` can choose among others."""

    @property
    def failing(self) -> bool:
        """True when it has failed often enough for another source to be worth a try."""

    @property
    def stopped(self) -> bool:
        """True when nothing of it runs any more: ``close`` will not wait."""

    def stop(self) -> None:
        """Tell it to end without waiting for it; ``close`` waits."""


class Refusal(Struct, frozen=True):
    """A child answered that it cannot do its work: end it and try again later."""

    why: Unavailable


class FixedSource:
    """A source that has nothing to ask: it says why, and costs nothing."""

    pids: tuple[int, ...] = ()

    def __init__(self, why: Unavailable) -> None:
        self._why = why

    def start(self) -> None:
        """Start nothing."""

    def read(self) -> Reading[HostMemory]:
        """Why there is no reading."""
        return self._why

    def close(self) -> None:
        """End nothing."""
