"""When wsltop rests: no key was pressed for a while, and nothing that could be drawn has moved.

WSL's idle gate wants the whole VM below 0.5 % of its CPUs, and a monitor is part of the VM. So on a machine where
nothing happens it looks less often, and at its usual pace again as soon as something does. Pure: time comes with the
moments.
"""

from __future__ import annotations

from typing import Final

from wsltop.core.moment import Moment
from wsltop.model.sample import Unavailable

QUIET_INTERVAL: Final = 4.0
"""Seconds between two samples at rest: what happens is seen within five."""
PATIENCE: Final = 60.0
"""Seconds without key and movement after which it rests."""
SHORT_PATIENCE: Final = 5.0
"""The same where the user has asked for rest."""
STEP: Final = 100
"""A figure has moved when it differs by more than this part of the RAM: a chart has no more steps than that."""


class Quiet:
    """Follows the moments and the keys.

    Args:
        patience: seconds without key and movement after which it is quiet; ``None``: never.
    """

    def __init__(self, patience: float | None) -> None:
        self.patience = patience
        self._stirred: float | None = None
        """When something moved or a key was pressed last; ``None``: at the next moment."""
        self._levels: tuple[int, ...] = ()
        self._events = 0
        self._resting = False

    def touch(self) -> None:
        """A key was pressed."""
        self._stirred = None
        self._resting = False

    def rest(self) -> None:
        """Be quiet from the next moment on, until something moves."""
        self._resting = True

    def feed(self, moment: Moment, *, events: int, busy: bool) -> bool:
        """Take the next moment in; whether it is quiet.

        ``events`` is a number that another event changes; ``busy``: something goes on that must not be missed.
        """
        now, levels = moment.sample.monotonic, levels_of(moment)
        moved = self._moved(moment, levels)
        if moved or events != self._events or busy:
            if moved:
                self._levels = levels
            self._stirred, self._events, self._resting = now, events, False
        elif self._stirred is None:
            self._stirred = now
        return self._resting or (self.patience is not None and now - self._stirred >= self.patience)

    def _moved(self, moment: Moment, levels: tuple[int, ...]) -> bool:
        if len(levels) != len(self._levels):
            return True
        ledger = moment.ledger
        step = 0 if isinstance(ledger, Unavailable) else ledger.total // STEP
        return any(abs(new - old) > step for new, old in zip(levels, self._levels, strict=True))


def levels_of(moment: Moment) -> tuple[int, ...]:
    """The figures whose movement is looked for, in bytes; as many as there are readings."""
    ledger, host = moment.ledger, moment.host
    levels: list[int] = []
    if not isinstance(ledger, Unavailable):
        levels += [ledger.used, ledger.cache]
        if not isinstance(ledger.expected_host, Unavailable):
            levels.append(ledger.expected_host)
    if not isinstance(host, Unavailable):
        levels.append(host.working_set)
    return tuple(levels)
