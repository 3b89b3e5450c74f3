"""What came of predictions: follows the acts of a session, compares each with its prediction, and learns from it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.ledger import FreeSplit, Ledger
from wsltop.core.prediction import (
    WORTH,
    Prediction,
    Share,
    Shares,
    add_up,
    clean_cache,
    follow_holes,
    follow_left,
    joinable,
    loose_free,
    note_slab,
    predict_compaction,
    predict_drop,
    predict_kill,
    predict_reclaim,
    settled_size,
    shares_for,
    unused_slab,
    whole,
    whole_blocks,
)
from wsltop.model.sample import Event, Reading, Unavailable


class Outcome(Struct, frozen=True, kw_only=True, tag="outcome"):
    """A prediction and what came of it. Bytes."""

    predicted: Prediction
    gained: int
    """How much reportable free memory has grown; negative where others have taken more than the action gave."""

    @property
    def error(self) -> int:
        """How much more came than was predicted."""
        return self.gained - self.predicted.likely

    @property
    def miss(self) -> str:
        """That what came lies outside the predicted range, as a clause; empty where it does not."""
        return self.predicted.tell_miss(self.gained)


def compare(predicted: Prediction, before: FreeSplit, after: FreeSplit) -> Outcome:
    """What came of a prediction, from free memory before and after."""
    return Outcome(predicted=predicted, gained=after.reportable - before.reportable)


Act = Literal[
    "compaction",
    "cache drop",
    "slab drop",
    "cache and slab drop",
    "drop, then compaction",
    "reclaim, then compaction",
    "kill",
]
DROPS: Final[dict[Act, tuple[bool, bool]]] = {
    "cache drop": (True, False),
    "slab drop": (False, True),
    "cache and slab drop": (True, True),
    "drop, then compaction": (True, True),
}
"""Whether an act drops page cache, and whether it drops slab."""
SETTLE: Final = 15.0
"""Seconds after which the guest's free lists have taken in what an act freed: pages wait on the CPUs' own lists."""
TOGETHER: Final = 3.0
"""Seconds within which a compaction after a drop, or after a reclaim, is part of it: WSL does the two in one."""
TAKEN: Final = Share(1.0, 0.98, 1.0)
"""The share of a reclaim that comes back: what it took is counted."""
CLEAR: Final = 0.2
"""A drop teaches the share of the cache where what it may free is known within this part of it."""
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
    ledger: Ledger
    """Before the act."""
    before: FreeSplit
    base: int
    """Bytes of which the prediction takes a share."""
    teaches: bool
    """Whether what comes of it says something about one share alone."""


class Taken(Struct, frozen=True, kw_only=True):
    """File cache that was reclaimed on request or in control groups."""

    monotonic: float
    """When it was last seen."""
    ledger: Reading[Ledger]
    """Before it."""
    size: int


class Outcomes:
    """Follows the acts of a session: compares what each gave with its prediction, and learns from it."""

    def __init__(self) -> None:
        self.settled: deque[Settled] = deque(maxlen=KEPT)
        self.shares: Shares | None = None
        """What came back here, where anything has been seen; assumed otherwise."""
        self._pending: Pending | None = None
        self._taken: Taken | None = None
        self._acted: float | None = None
        """When the newest act was seen, monotonic, whether it was compared or not."""

    @property
    def predicted(self) -> Prediction | None:
        """The prediction for the act that has not settled yet."""
        return None if self._pending is None else self._pending.predicted

    def feed(
        self,
        monotonic: float,
        before: Reading[Ledger],
        ledger: Reading[Ledger],
        events: Iterable[Event],
        *,
        began: Reading[Ledger] | None = None,
    ) -> None:
        """Take a tick: the ledgers before and at it, and the events that came with it.

        ``began`` is the ledger before the acts of this tick began, where they took longer than a tick.
        """
        events, start = tuple(events), before if began is None else began
        self._note_taken(monotonic, start, events)
        for event in events:
            self._take(event, monotonic, start, ledger)
        self._follow_left(ledger)
        self._follow_filled(before, ledger)
        pending = self._pending
        if pending is None or monotonic - pending.monotonic < SETTLE or isinstance(ledger, Unavailable):
            return
        self._pending = None
        if isinstance(ledger.free_split, Unavailable):
            return
        outcome = compare(pending.predicted, pending.before, ledger.free_split)
        self.settled.append(Settled(act=pending.act, time=pending.time, outcome=outcome))
        self._learn(pending, outcome, ledger)

    def _note_taken(self, monotonic: float, before: Reading[Ledger], events: Iterable[Event]) -> None:
        """Note what a reclaim takes: a compaction that follows gives that back too."""
        amounts = [event.amounts for event in events if event.kind == "proactive reclaim"]
        size = sum(amount.get("requested", 0) + amount.get("in_cgroups", 0) for amount in amounts)
        if size <= 0:
            return
        last = self._taken
        if last is not None and monotonic - last.monotonic <= TOGETHER:
            before, size = last.ledger, last.size + size
        self._taken = Taken(monotonic=monotonic, ledger=before, size=size)

    def _take(self, event: Event, monotonic: float, before: Reading[Ledger], ledger: Reading[Ledger]) -> None:
        """Keep an act's prediction, if it is the only one and no hog takes memory meanwhile."""
        act = act_of(event)
        if act is None:
            self._pending = None if event.kind == "hog" else self._pending
            return
        pending, acted = self._pending, self._acted
        self._acted = monotonic
        recent = acted is not None and monotonic - acted <= TOGETHER
        if act == "compaction" and pending is not None and recent:
            self._pending = self._join_compaction(pending)
        elif act == "slab drop" and pending is not None and pending.act == "cache drop" and follows(acted, monotonic):
            self._pending = self._predict("cache and slab drop", event, monotonic, pending.ledger)
        else:
            alone = pending is None and (acted is None or monotonic - acted >= SETTLE)
            self._pending = self._predict(act, event, monotonic, before) if alone else None
            if act == "compaction" and alone:
                self._pending = self._join_reclaim(event, monotonic) or self._pending
        if act == "compaction":
            self._note_left(ledger)

    def _join_reclaim(self, event: Event, monotonic: float) -> Pending | None:
        """A reclaim and the compaction that follows it as one act; None where little was reclaimed just before."""
        taken, self._taken = self._taken, None
        if taken is None or monotonic - taken.monotonic > TOGETHER or taken.size < WORTH:
            return None
        ledger = taken.ledger
        if isinstance(ledger, Unavailable) or isinstance(ledger.free_split, Unavailable):
            return None
        shares = self.shares or shares_for(ledger)
        reclaimed = predict_reclaim(ledger, taken.size, replace(shares, reclaim=TAKEN))
        joined = predict_compaction(ledger, shares)
        if isinstance(reclaimed, Unavailable) or isinstance(joined, Unavailable):
            return None
        return Pending(
            act="reclaim, then compaction",
            time=event.time,
            monotonic=monotonic,
            predicted=add_up(*reclaimed.parts, *joined.parts),
            ledger=ledger,
            before=ledger.free_split,
            base=taken.size,
            teaches=False,
        )

    def _join_compaction(self, pending: Pending) -> Pending | None:
        """A drop and the compaction that follows it are one act; a longer compaction is still the same."""
        if pending.act in ("compaction", "drop, then compaction", "reclaim, then compaction"):
            return pending
        shares = self.shares or shares_for(pending.ledger)
        joined = predict_compaction(pending.ledger, shares)
        if pending.act == "kill" or isinstance(joined, Unavailable):
            return None
        predicted = add_up(*pending.predicted.parts, *joined.parts)
        return replace(pending, act="drop, then compaction", predicted=predicted, teaches=False)

    def _note_left(self, ledger: Reading[Ledger]) -> None:
        """Note what a compaction that was requested has left: it could not join that."""
        if isinstance(ledger, Unavailable) or isinstance(ledger.free_split, Unavailable):
            return
        self.shares = replace(self.shares or shares_for(ledger), left=loose_free(ledger), pieces=0)

    def _follow_left(self, ledger: Reading[Ledger]) -> None:
        """What was left and is no longer fragmented is not left any more."""
        shares = self.shares
        if shares is not None and (shares.left or shares.pieces) and not isinstance(ledger, Unavailable):
            self.shares = follow_left(shares, ledger)

    def _follow_filled(self, before: Reading[Ledger], ledger: Reading[Ledger]) -> None:
        """Follow how much fragmented free memory was taken, rather than joined."""
        if isinstance(before, Unavailable) or isinstance(ledger, Unavailable):
            return
        shares = follow_holes(self.shares or shares_for(ledger), before, ledger)
        if shares.filled or self.shares is not None:
            self.shares = shares

    def _predict(self, act: Act, event: Event, monotonic: float, before: Reading[Ledger]) -> Pending | None:
        if isinstance(before, Unavailable):
            return None
        split = before.free_split
        if isinstance(split, Unavailable):
            return None
        predicted, base = predict(act, event, before, self.shares)
        if isinstance(predicted, Unavailable) or base < WORTH:
            return None
        return Pending(
            act=act,
            time=event.time,
            monotonic=monotonic,
            predicted=predicted,
            ledger=before,
            before=split,
            base=base,
            teaches=act != "kill" or not event.amounts.get("holes"),
        )

    def _learn(self, pending: Pending, outcome: Outcome, ledger: Ledger) -> None:
        """Learn what this kind of act, in this state, can teach."""
        shares = self.shares or shares_for(ledger)
        if pending.act == "compaction":
            learned = shares.fragmented.learn(outcome.gained, pending.base)
            shares = replace(shares, fragmented=learned, left=loose_free(ledger), pieces=0)
        elif DROPS.get(pending.act, (False, False))[1]:
            # What page cache gave and what slab gave cannot be told apart; what is left of slab can.
            shares = note_slab(shares, pending.ledger, ledger)
        elif pending.act == "cache drop":
            clean, blocks = clean_cache(pending.ledger), whole_blocks(pending.ledger)
            if clean.high - clean.low <= CLEAR * clean.high and blocks.low >= 1 - CLEAR:
                shares = replace(shares, cache=shares.cache.learn(outcome.gained, pending.base))
        elif pending.teaches:
            shares = replace(shares, anonymous=shares.anonymous.learn(outcome.gained, pending.base))
        self.shares = shares


def follows(acted: float | None, monotonic: float) -> bool:
    """Whether a drop of slab is the second half of a drop of both: the kernel counts each when it is done."""
    return acted is not None and monotonic - acted <= SLAB_AFTER_CACHE


SLAB_AFTER_CACHE: Final = 8.0
"""Seconds; a million names of files take four."""


def act_of(event: Event) -> Act | None:
    """Which act an event tells of, or None."""
    if event.kind == "compaction" and event.origin == "vmstat" and event.amounts.get("requested"):
        return "compaction"
    if event.kind == "cache drop" and event.origin == "vmstat":
        if not event.amounts.get("slab"):
            return "cache drop"
        return "cache and slab drop" if event.amounts.get("pagecache") else "slab drop"
    return "kill" if event.kind == "hog" and event.amounts.get("freed") else None


def predict(act: Act, event: Event, before: Ledger, shares: Shares | None) -> tuple[Reading[Prediction], int]:
    """The prediction from the sample before the act, and the bytes of which it takes a share."""
    shares = shares or shares_for(before)
    if act == "compaction":
        return predict_compaction(before, shares), joinable(before, shares)
    if act == "kill":
        freed = event.amounts.get("freed", 0)
        return predict_kill(before, freed, shares, holes=event.amounts.get("holes", 0)), freed
    cache, slab = DROPS[act]
    # The share is one of what is expected to lie in blocks of its own.
    clean = round(settled_size(whole(before.cache_clean), shares).likely * whole_blocks(before).part)
    base = cache * clean + slab * unused_slab(before, shares).likely
    return predict_drop(before, shares, cache=cache, slab=slab), base
