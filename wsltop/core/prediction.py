"""What an action would add to reportable free memory, and what came of it.

A ``Prediction`` has three figures in bytes: ``likely``, the one that a screen shows, and ``low`` and ``high``, the ends
of the range, for details. ``parts`` says what it is made of, one ``Part`` for each kind of memory, with the same three
figures and a sentence that says how they were found. ``predict_compaction``, ``predict_drop``, ``predict_reclaim``,
``predict_pressure`` and ``predict_kill`` are pure functions of a ledger, and of what was learned here (``shares``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.ledger import FreeSplit, Ledger
from wsltop.model.event import Event
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.units import MIB, format_size

FINE_ORDER: Final = 5
COARSE_ORDER: Final = 9


class Share(Struct, frozen=True):
    """The part of a bound that comes back, 0 to 1."""

    part: float
    seen: int = 0
    """How many times it was seen on this machine; 0: it is assumed."""

    def learn(self, gained: int, of: int) -> Share:
        """The share after ``gained`` bytes of ``of`` came back: the newest time counts as much as all before."""
        if of <= 0:
            return self
        part = min(1.0, max(0.0, gained / of))
        return Share(part if not self.seen else (self.part + part) / 2, self.seen + 1)

    def tell(self) -> str:
        """The share as a clause."""
        if not self.seen:
            return f"{self.part:.0%} of it is assumed"
        return f"{self.part:.0%} of it came back before"


class Shares(Struct, frozen=True, kw_only=True):
    """What part of each kind of memory lands in reportable blocks."""

    fragmented: Share
    cache: Share
    slab: Share
    anonymous: Share


def assume_shares(order: int) -> Shares:
    """The shares as long as nothing has been seen.

    Seen at order 5 and at order 9, between them a straight line. ``fragmented``, by one compaction: of every other page
    93 % and 41 %, of a random half 73 to 86 % and 76 %. ``cache``, of 160 MiB to 1 GiB: of one large file's all and 92
    to 97 %; of tens of thousands of files of 6 to 24 KiB 92 to 96 % and 75 to 92 %; of a tree of files over 9p 80 % and
    36 %. Of reclaimable slab most is freed, but page by page. ``anonymous``: of four hogs' 1.5 GiB 90 to 94 % and 86 to
    90 %.
    """
    coarseness = min(1.0, max(0.0, (order - FINE_ORDER) / (COARSE_ORDER - FINE_ORDER)))
    return Shares(
        fragmented=Share(0.85 - 0.25 * coarseness),
        cache=Share(0.96 - 0.11 * coarseness),
        slab=Share(0.3 - 0.2 * coarseness),
        anonymous=Share(0.93 - 0.05 * coarseness),
    )


class Part(Struct, frozen=True, kw_only=True, tag="part"):
    """One kind of memory in a prediction. Bytes."""

    name: str
    """``fragmented free``, ``page cache``, ``slab``, ``anonymous``."""
    low: int
    likely: int
    high: int
    basis: str
    """How the three were found, as a clause."""


class Prediction(Struct, frozen=True, kw_only=True, tag="prediction"):
    """What an action would add to reportable free memory. Bytes, low <= likely <= high."""

    low: int
    likely: int
    high: int
    parts: tuple[Part, ...] = ()
    """What it is made of."""

    @property
    def basis(self) -> str:
        """How the figures were found, as a sentence."""
        return "; ".join(part.basis for part in self.parts)

    def tell(self) -> str:
        """The three figures for people."""
        return f"about {format_size(self.likely)}, between {format_size(self.low)} and {format_size(self.high)}"


def add_up(*parts: Part) -> Prediction:
    """The prediction that is the sum of its parts."""
    return Prediction(
        low=sum(part.low for part in parts),
        likely=sum(part.likely for part in parts),
        high=sum(part.high for part in parts),
        parts=parts,
    )


def predict_compaction(ledger: Ledger, shares: Shares | None = None) -> Reading[Prediction]:
    """What compaction would join to reportable blocks."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    share = (shares or shares_for(ledger)).fragmented
    basis = f"{format_size(split.fragmented)} is free in blocks that are too small to report; {share.tell()}"
    return add_up(part_of("fragmented free", split.fragmented, share, split.fragmented, basis))


def predict_drop(ledger: Ledger, shares: Shares | None = None, *, slab: bool = False) -> Reading[Prediction]:
    """What dropping the page cache would free for the host; with ``slab`` the kernel's objects too."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    most = split.fragmented + ledger.cache - ledger.cache_dirty
    basis = f"{tell_clean(ledger)}; {tell_cache(shares.cache)}"
    cache = part_of("page cache", ledger.cache_clean, shares.cache, most, basis)
    if not slab:
        return add_up(cache)
    size = ledger.slab_reclaimable
    basis = f"reclaimable slab {format_size(size)}, {shares.slab.tell()}"
    return add_up(cache, part_of("slab", size, shares.slab, size, basis))


def predict_reclaim(ledger: Ledger, size: int, shares: Shares | None = None) -> Reading[Prediction]:
    """What asking a cgroup for ``size`` bytes would free for the host."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    share = (shares or shares_for(ledger)).cache
    there = ledger.cache - ledger.cache_dirty + ledger.slab_reclaimable
    wanted = min(size, ledger.cache_clean)
    basis = f"{format_size(wanted)} of {tell_clean(ledger)}; {tell_cache(share)}"
    return add_up(part_of("page cache", wanted, share, split.fragmented + min(size, there), basis))


def predict_pressure(ledger: Ledger, size: int, floor: int, shares: Shares | None = None) -> Reading[Prediction]:
    """What a hog of ``pressure_size`` would free for the host once it has ended."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    share = (shares or shares_for(ledger)).cache
    pushed = max(0, pressure_size(ledger, size, floor) - free_to_take(ledger))
    wanted = min(pushed, ledger.cache_clean)
    limit = f" (the floor of {format_size(floor)} allows no more)" if pushed < min(size, ledger.cache_clean) else ""
    most = split.fragmented + min(pushed + ledger.watermark, ledger.cache + ledger.slab_reclaimable)
    basis = f"{format_size(wanted)} of {tell_clean(ledger)}{limit}; {tell_cache(share)}"
    return add_up(part_of("page cache", wanted, share, most, basis))


def pressure_size(ledger: Ledger, size: int, floor: int) -> int:
    """How large a hog must be to push ``size`` bytes out: it meets all free memory first. Bytes, within the floor."""
    return max(0, min(free_to_take(ledger) + size, ledger.available - floor))


def predict_kill(ledger: Ledger, anonymous: int, shares: Shares | None = None) -> Reading[Prediction]:
    """What ending a process that holds ``anonymous`` bytes for itself would free for the host."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    share = (shares or shares_for(ledger)).anonymous
    basis = f"it holds {format_size(anonymous)} for itself; {share.tell()}"
    return add_up(part_of("anonymous", anonymous, share, split.fragmented + anonymous, basis))


UNSURE: Final = 0.5
"""How much less than likely may come, as a share of it."""


def part_of(name: str, size: int, share: Share, most: int, basis: str) -> Part:
    """A part of which ``share`` of ``size`` bytes is likely, and at most ``most``."""
    likely = round(share.part * size)
    return Part(name=name, low=round(UNSURE * likely), likely=likely, high=most, basis=basis)


def free_to_take(ledger: Ledger) -> int:
    """Free memory that a program gets before page cache must go."""
    return max(0, all_free(ledger) - ledger.watermark)


def all_free(ledger: Ledger) -> int:
    """Free memory with what the CPUs keep on their lists, as far as it is known."""
    split = ledger.free_split
    return ledger.free if isinstance(split, Unavailable) else split.fragmented + split.reportable


def shares_for(ledger: Ledger) -> Shares:
    """The assumed shares for the reporting order of this guest."""
    return assume_shares(COARSE_ORDER if isinstance(ledger.reporting, Unavailable) else ledger.reporting.order)


def tell_cache(share: Share) -> str:
    """The share of the cache as a clause; an assumed one says what it hangs on."""
    return share.tell() if share.seen else f"{share.tell()}: more of large files, less of many small ones"


def tell_clean(ledger: Ledger) -> str:
    """The clean page cache, and what was left out of it."""
    left_out = [
        f"{format_size(size)} {word}"
        for size, word in ((ledger.cache_dirty, "dirty"), (ledger.cache_held, "in use"))
        if size
    ]
    return f"clean page cache {format_size(ledger.cache_clean)}" + (
        f" (left out: {', '.join(left_out)})" if left_out else ""
    )


class Outcome(Struct, frozen=True, kw_only=True, tag="outcome"):
    """A prediction and what came of it. Bytes."""

    predicted: Prediction
    gained: int
    """How much reportable free memory has grown; negative where others have taken more than the action gave."""

    @property
    def error(self) -> int:
        """How much more came than was predicted."""
        return self.gained - self.predicted.likely


def compare(predicted: Prediction, before: FreeSplit, after: FreeSplit) -> Outcome:
    """What came of a prediction, from free memory before and after."""
    return Outcome(predicted=predicted, gained=after.reportable - before.reportable)


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

    @property
    def predicted(self) -> Prediction | None:
        """The prediction for the act that has not settled yet."""
        return None if self._pending is None else self._pending.predicted

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
