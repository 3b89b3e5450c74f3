"""A bookmark: a session as it was at some moment, to go on from there again as often as one likes.

What it keeps is small: structs are shared with the session, and so is the history, of which only what was up to the
moment counts.
"""

from __future__ import annotations

from array import array
from collections import deque
from typing import Any, Final, TypeVar, cast

from wsltop.core.drain import Drain
from wsltop.core.gate import Gate
from wsltop.core.gate.phase import Phase
from wsltop.core.gate.ticks import TickHistory
from wsltop.core.gates import Gates
from wsltop.core.insight import Watcher
from wsltop.core.journal import Journal
from wsltop.core.outcomes import Outcomes
from wsltop.core.session import Session

T = TypeVar("T")

CHANGING: Final = (Session, Journal, Outcomes, Drain, Watcher, Gates, Gate, TickHistory, Phase)
"""All that changes in a session beside its history; the rest are structs, texts and numbers."""


class Bookmark:
    """The place of ``session`` at this moment; whatever happens to the session later, it stays."""

    def __init__(self, session: Session) -> None:
        self._history = session.history
        self._kept = fork(session, {id(session.history): session.history})
        moment = session.moment
        self.monotonic = 0.0 if moment is None else moment.sample.monotonic
        """Monotonic time of the newest sample."""

    def open(self) -> Session:
        """A session of one's own that goes on from here."""
        history = self._history.until(self.monotonic)
        return fork(self._kept, {id(self._history): history})


def fork(value: T, known: dict[int, Any]) -> T:
    """An independent copy: what can change is copied, what cannot is shared.

    Args:
        value: a session, or a part of one.
        known: copies that are there already, by the id of what they are copies of; two that shared a part share its
            copy.
    """
    kind = type(value)
    if kind in (int, float, str, bool) or value is None:
        return value
    if id(value) in known:
        return cast(T, known[id(value)])
    copy: Any = value
    if isinstance(value, CHANGING):
        copy = known[id(value)] = object.__new__(kind)
        vars(copy).update((name, fork(part, known)) for name, part in vars(value).items())
    elif isinstance(value, dict):
        copy = value.copy()
        copy.update((key, fork(part, known)) for key, part in value.items() if holds_change(part))
    elif isinstance(value, array):
        copy = value[:]
    elif isinstance(value, (list, deque)):
        copy = value.copy()
    elif isinstance(value, tuple) and value and holds_change(value[0]):
        copy = tuple(fork(part, known) for part in value)
    known[id(value)] = copy
    return cast(T, copy)


def holds_change(part: object) -> bool:
    """Whether a part of a container can change; the containers of a session hold parts of one kind."""
    return isinstance(part, (*CHANGING, dict, list, deque))
