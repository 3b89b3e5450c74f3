"""An action as it is proposed: its size and its way to root may be changed before anything runs. No Textual."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from wsltop.control.actions import ACTIONS, ActionName
from wsltop.control.floor import floor_for
from wsltop.control.plan import Plan, plan
from wsltop.control.root import RootAccess, Way
from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment
from wsltop.core.prediction import all_free
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.session import Session
from wsltop.core.units import GIB, MIB

LEAST: Final = 64 * MIB
"""The smallest size: less does not stand out of the noise of two machines."""
FIRST: Final = GIB
"""The first size is at most this: more takes seconds and much re-reading, and is one key away."""
UNKNOWN: Final = Unavailable("nothing was sampled")


class Proposal:
    """Plans an action anew with each change, for the memory of that moment."""

    def __init__(self, name: ActionName, access: RootAccess, session: Session, root: Path = Path("/")) -> None:
        self._name, self._access, self._session, self._root = name, access, session, root
        self._way: Way | None = None
        self.sizes: tuple[int, ...] = sizes_for(name, self._ledger) if ACTIONS[name].takes_size else ()
        self.size: int | None = max((size for size in self.sizes if size <= FIRST), default=None)
        self.plan = self._make()

    @property
    def by_wsl(self) -> bool:
        """Whether it is planned to go through wsl.exe."""
        return self._way == "wsl"

    def resize(self, step: int) -> None:
        """Take the next larger (1) or smaller (-1) size."""
        if self.size is None:
            return
        self.sizes = sizes_for(self._name, self._ledger)
        larger = [size for size in self.sizes if size > self.size]
        smaller = [size for size in self.sizes if size < self.size]
        if step > 0:
            self.size = larger[0] if larger else self.sizes[-1]
        else:
            self.size = smaller[-1] if smaller else self.sizes[0]
        self.plan = self._make()

    def switch_way(self) -> None:
        """Go through wsl.exe, where that can be; or back."""
        if self.by_wsl:
            self._way = None
        elif self.plan.by_wsl:
            self._way = "wsl"
        self.plan = self._make()

    @property
    def _ledger(self) -> Reading[Ledger]:
        moment: Moment | None = self._session.moment
        return UNKNOWN if moment is None else moment.ledger

    def _make(self) -> Plan:
        return plan(
            self._name,
            ledger=self._ledger,
            access=self._access,
            size=self.size,
            way=self._way,
            shares=self._session.outcomes.shares,
            root=self._root,
        )


def sizes_for(name: ActionName, ledger: Reading[Ledger]) -> tuple[int, ...]:
    """The sizes to choose from: doubled from 64 MiB on, and last the most that could come back.

    That is all clean page cache; for ``pressure`` as much of it as its hog can push out above the floor, after it has
    taken what is free. Where it is not known, up to ``FIRST``.
    """
    most = FIRST if isinstance(ledger, Unavailable) else most_of(name, ledger) // MIB * MIB
    sizes = [LEAST]
    while sizes[-1] * 2 < most:
        sizes.append(sizes[-1] * 2)
    return (*sizes, most) if most > LEAST else tuple(sizes)


def most_of(name: ActionName, ledger: Ledger) -> int:
    """The most bytes that an action of a size could give back."""
    if name != "pressure":
        return ledger.cache_clean
    return min(ledger.cache_clean, ledger.available - floor_for(ledger.total) - all_free(ledger))
