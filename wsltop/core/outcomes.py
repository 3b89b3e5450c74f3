"""Predictions beside what came of them: kept from the sample before an act, compared when it has settled.

Whoever acted, wsltop, WSL or the user in another window: the events tell. Two acts at once cannot be told apart, so a
second one before the first has settled drops both comparisons, and so does a hog that takes memory. What is learned is
the share that came back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.event import Event
from wsltop.core.ledger import FreeSplit, Ledger
from wsltop.core.prediction import (
    Outcome,
    Prediction,
    Share,
    Shares,
    compare,
    predict_compaction,
    predict_drop,
    predict_kill,
    shares_for,
)
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.units import MIB

Act = Literal["compaction", "cache drop", "cache and slab drop", "kill"]

SETTLE: Final = 15.0
"""Seconds after which the guest's free lists have taken in what an act freed: pages wait on the CPUs' own lists."""
WORTH: Final = 16 * MIB
"""Predictions below this say nothing about shares."""
KEPT: Final = 32


class Settled(Struct, frozen=True, kw_only=True, tag="settled"):
    """One act that has settled."""

    act: Act
    time: float
    """Wall clock of the act."""
    outcome: Outcome


class Pending(Struct, frozen=True, kw_only=True):
    """An act that has not settled yet."""

    act: Act
    time: float
    monotonic: float
    predicted: Prediction
    before: FreeSplit
    base: int
    """Bytes of which the prediction takes a share."""


class Outcomes:
    """Follows the acts of a session."""

    def __init__(self) -> None:
        self.settled: deque[Settled] = deque(maxlen=KEPT)
        self.shares: Shares | None = None
        """What part came back here, where anything has been seen; assumed otherwise."""
        self._pending: Pending | None = None
        self._acted: float | None = None
        """When the newest act was seen, monotonic, whether it was compared or not."""

    def feed(self, monotonic: float, before: Reading[Ledger], ledger: Reading[Ledger], events: Iterable[Event]) -> None:
        """Take a tick: the ledgers before and at it, and the events that came with it."""
        for event in events:
            self._take(event, monotonic, before)
        pending = self._pending
        if pending is None or monotonic - pending.monotonic < SETTLE or isinstance(ledger, Unavailable):
            return
        self._pending = None
        if isinstance(ledger.free_split, Unavailable):
            return
        outcome = compare(pending.predicted, pending.before, ledger.free_split)
        self.settled.append(Settled(act=pending.act, time=pending.time, outcome=outcome))
        self._learn(pending, outcome, ledger)

    def _take(self, event: Event, monotonic: float, before: Reading[Ledger]) -> None:
        """Keep an act's prediction, if it is the only one and no hog takes memory meanwhile."""
        act = act_of(event)
        if act is None:
            self._pending = None if event.kind == "hog" else self._pending
            return
        settled = self._acted is None or monotonic - self._acted >= SETTLE
        alone = settled and self._pending is None
        self._pending = self._predict(act, event, monotonic, before) if alone else None
        self._acted = monotonic

    def _predict(self, act: Act, event: Event, monotonic: float, before: Reading[Ledger]) -> Pending | None:
        if isinstance(before, Unavailable):
            return None
        split = before.free_split
        if isinstance(split, Unavailable):
            return None
        predicted, base = predict(act, event, before, split, self.shares)
        if isinstance(predicted, Unavailable) or base < WORTH:
            return None
        return Pending(act=act, time=event.time, monotonic=monotonic, predicted=predicted, before=split, base=base)

    def _learn(self, pending: Pending, outcome: Outcome, ledger: Ledger) -> None:
        shares = self.shares or shares_for(ledger)
        if pending.act == "compaction":
            self.shares = replace(shares, fragmented=learned(shares.fragmented, outcome, pending))
        elif pending.act == "cache drop":
            self.shares = replace(shares, cache=learned(shares.cache, outcome, pending))
        elif pending.act == "kill":
            self.shares = replace(shares, anonymous=learned(shares.anonymous, outcome, pending))


def learned(share: Share, outcome: Outcome, pending: Pending) -> Share:
    """The share after one more outcome."""
    return share.learn(outcome.gained, pending.base)


def act_of(event: Event) -> Act | None:
    """Which act an event tells of, or None."""
    if event.kind == "compaction" and event.origin == "vmstat" and event.amounts.get("requested"):
        return "compaction"
    if event.kind == "cache drop" and event.origin == "vmstat":
        return "cache and slab drop" if event.amounts.get("slab") else "cache drop"
    return "kill" if event.kind == "hog" and event.amounts.get("freed") else None


def predict(
    act: Act, event: Event, before: Ledger, split: FreeSplit, shares: Shares | None
) -> tuple[Reading[Prediction], int]:
    """The prediction from the sample before the act, and the bytes of which it takes a share."""
    if act == "compaction":
        return predict_compaction(before, shares), split.fragmented
    if act == "kill":
        freed = event.amounts.get("freed", 0)
        return predict_kill(before, freed, shares), freed
    return predict_drop(before, shares, slab=act == "cache and slab drop"), before.cache_clean
