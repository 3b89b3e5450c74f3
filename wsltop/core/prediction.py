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

from wsltop.core.clues import LISTS_GROW, Span
from wsltop.core.ledger import NEVER, FreeSplit, Ledger
from wsltop.model.sample import Event, Reading, Unavailable
from wsltop.model.text import MIB, format_range, format_size

FINE_ORDER: Final = 5
COARSE_ORDER: Final = 9


class Share(Struct, frozen=True):
    """The part of a size that lands in reportable blocks: likely, and between what. 1 is all of it."""

    part: float
    low: float = 0.0
    high: float = 1.0
    seen: int = 0
    """How many times it was seen on this machine; 0: it is assumed."""

    def learn(self, gained: int, of: int) -> Share:
        """The share after ``gained`` bytes of ``of`` came back.

        The newest time counts as much as all before. The ends move half of their way to what was seen, and so far that
        it lies between them: memory of another kind may be dropped next.
        """
        if of <= 0:
            return self
        now = min(MOST_SHARE, max(0.0, gained / of))
        part = now if not self.seen else (self.part + now) / 2
        low, high = min(now, (self.low + part) / 2), max(now, (self.high + part) / 2)
        return Share(part, max(0.0, low), high, self.seen + 1)

    def tell(self) -> str:
        """The share as a clause."""
        if not self.seen:
            low, high = max(0.0, self.low), min(1.0, self.high)
            return f"{low:.0%} to {high:.0%} of it is assumed"
        return f"{self.part:.0%} of it came back before"


MOST_SHARE: Final = 2.0
"""The kernel may take up to twice what it is asked for; no act gives more than that."""


class Shares(Struct, frozen=True, kw_only=True):
    """What part of each kind of memory lands in reportable blocks, and what the acts seen so far have left."""

    fragmented: Share
    cache: Share
    slab: Share
    anonymous: Share
    reclaim: Share
    """Of what ``memory.reclaim`` is asked for."""
    left: int = 0
    """Fragmented free memory that the last compaction could not join, and that is still fragmented. Bytes, without what
    the CPUs keep on their lists: compaction did not see that."""
    slab_floor: int | None = None
    """Reclaimable slab that the last drop of slab left, bytes; ``None``: none was seen."""
    filled: int = 0
    """Fragmented free memory that has been taken since it was seen, bytes. What lies there now is scattered as it was,
    and leaves fragmented free memory again when it is freed."""
    taken: int = 0
    """All free memory that has been taken meanwhile, bytes: the kernel fills what is fragmented first."""


def assume_shares(order: int, kernel: tuple[int, int] | None = None) -> Shares:
    """The shares as long as nothing has been seen: measured on random mixtures of memory (tests/vm/README.md).

    Args:
        order: the reporting order. The shares were seen at orders 5, 7 and 9; between them is a straight line.
        kernel: its version. Before 6.6 ``memory.reclaim`` scans twice as much each round and takes up to twice what it
            is asked for (0388536ac291).
    """
    coarse = coarseness(order)
    exact = kernel is not None and kernel >= EXACT_RECLAIM
    return Shares(
        fragmented=between(FRAGMENTED, coarse),
        cache=between(CACHE, coarse),
        slab=between(SLAB, coarse),
        anonymous=between(ANONYMOUS, coarse),
        reclaim=Share(1.0, 0.9, 1.15) if exact else Share(1.3, 0.95, 2.0),
    )


EXACT_RECLAIM: Final = (6, 6)
TAKES_SWAPPINESS: Final = (6, 8)
"""From this kernel on ``memory.reclaim`` takes ``swappiness=0``, and leaves anonymous memory alone."""
Ends = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Likely, low and high at order 5 and at order 9."""
FRAGMENTED: Final[Ends] = ((0.72, 0.12, 0.92), (0.5, 0.0, 0.8))
CACHE: Final[Ends] = ((0.96, 0.8, 1.05), (0.95, 0.55, 1.05))
SCATTERED: Final[Ends] = ((0.9, 0.7, 1.05), (0.4, -0.7, 1.0))
"""The same of cache that is a small part of what is used: other memory lies in the same blocks."""
SLAB: Final[Ends] = ((0.95, 0.85, 1.02), (0.9, 0.72, 0.98))
ANONYMOUS: Final[Ends] = ((0.9, 0.6, 1.05), (0.7, 0.0, 1.1))


def mixed_share(ledger: Ledger, shares: Shares) -> Share:
    """The share of the page cache: what was seen, or, assumed, more of it where it is most of what is used."""
    if shares.cache.seen or isinstance(ledger.free_split, Unavailable):
        return shares.cache
    used = max(1, ledger.total - ledger.free_split.reportable)
    bulk = min(1.0, max(0.0, (ledger.cache / used - LITTLE) / (1 - LITTLE)))
    little = between(SCATTERED, coarseness_of(ledger))
    part, low, high = (
        one + (other - one) * bulk
        for one, other in zip(
            (little.part, little.low, little.high),
            (shares.cache.part, shares.cache.low, shares.cache.high),
            strict=True,
        )
    )
    return Share(part, low, high)


LITTLE: Final = 0.1
"""A part of what is used that is as scattered as the rest."""


def coarseness(order: int) -> float:
    """The place of an order between 5 (0.0) and 9 (1.0)."""
    return min(1.0, max(0.0, (order - FINE_ORDER) / (COARSE_ORDER - FINE_ORDER)))


def coarseness_of(ledger: Ledger) -> float:
    """The same of the order of this guest."""
    return coarseness(COARSE_ORDER if isinstance(ledger.reporting, Unavailable) else ledger.reporting.order)


def settled_size(size: Span, shares: Shares) -> Span:
    """A size without what lies in holes that were filled: freed, it leaves these holes again.

    Likely it has filled as much of them as its part is of all that was taken since they were seen.
    """
    low = max(0, size.low - shares.filled)
    likely = size.likely - round(shares.filled * min(1.0, size.likely / max(1, shares.taken)))
    return Span(low, max(low, min(likely, size.high)), size.high)


def between(ends: Ends, coarse: float) -> Share:
    """The share at a place between the orders 5 (0.0) and 9 (1.0)."""
    fine, rough = ends
    part, low, high = (one + (other - one) * coarse for one, other in zip(fine, rough, strict=True))
    return Share(part, low, high)


class Part(Struct, frozen=True, kw_only=True, tag="part"):
    """One kind of memory in a prediction. Bytes."""

    name: str
    """``fragmented free``, ``page cache``, ``slab``, ``inside huge pages``, ``anonymous``, ``shared`` or ``swap``."""
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

    def holds(self, size: int) -> bool:
        """Whether what came, in bytes, lies within the range."""
        return self.low <= size <= self.high

    def tell_miss(self, size: int) -> str:
        """``outside the predicted range 2.5 to 3.5 GiB``; empty where what came lies within it."""
        return "" if self.holds(size) else f"outside the predicted range {format_range(self.low, self.high)}"

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


def part_of(name: str, size: Span, share: Share, basis: str, *, most: int | None = None) -> Part:
    """The part in which ``share`` of a size that is known as a range comes back, and never more than ``most`` bytes."""
    low, likely, high = round(share.low * size.low), round(share.part * size.likely), round(share.high * size.high)
    if most is not None:
        likely, high = min(likely, most), min(high, most)
    likely = max(0, likely)
    return Part(name=name, low=max(0, min(low, likely)), likely=likely, high=max(likely, high), basis=basis)


def less_lists(part: Part, ledger: Ledger) -> Part:
    """The part without what the CPUs put on their own lists of it, or with what they give back from there."""
    room = ledger.clues.takes_more
    likely = max(part.likely // 2, part.likely - room.likely)
    high = part.high + (ledger.clues.gives_back if part.high else 0)
    return replace(part, low=max(0, min(part.low - room.high, likely)), likely=likely, high=high)


def whole(size: int) -> Span:
    """A size that is known to the byte."""
    size = max(0, size)
    return Span(size, size, size)


def split_of(ledger: Ledger) -> Reading[FreeSplit]:
    """Free memory in two, or why nothing can be predicted: the free lists are not known, or nothing is reported."""
    if ledger.never_reported:
        return NEVER
    return ledger.free_split


def joinable(ledger: Ledger, shares: Shares) -> int:
    """Fragmented free memory that compaction may join, bytes.

    That is without what the CPUs keep on their lists, which compaction does not see, and without what the last one
    could not move.
    """
    return max(0, loose_free(ledger) - shares.left)


def predict_compaction(ledger: Ledger, shares: Shares | None = None) -> Reading[Prediction]:
    """What compaction would join to reportable blocks."""
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    base = joinable(ledger, shares)
    left = f" beyond the {format_size(shares.left)} that the last compaction could not join" if shares.left else ""
    pinned = min(base, ledger.clues.pinned)
    between_pinned = f", {format_size(pinned)} of it may lie between pinned pages" if pinned > WORTH else ""
    basis = (
        f"{format_size(base)} is free in blocks that are too small to report{left}{between_pinned}; "
        f"{shares.fragmented.tell()}"
    )
    # From Linux 6.7 on the CPUs' lists grow to a part of the zone, and are given back within seconds.
    kernel, kept = ledger.clues.kernel, ledger.clues.kept_by_cpus
    given = kept if kernel is None or kernel >= LISTS_GROW else 0
    # A page on such a list keeps apart what is free in the same 2 MiB: 74 MiB came where the lists held 46.
    most = base + given + round(coarseness_of(ledger) * min(shares.left, 2 * given))
    size = Span(base - pinned, base - pinned, most)
    share = replace(shares.fragmented, part=min(1.0, shares.fragmented.part))  # it joins no more than there is
    return add_up(part_of("fragmented free", size, share, basis, most=most))


def predict_drop(
    ledger: Ledger, shares: Shares | None = None, *, cache: bool = True, slab: bool = False
) -> Reading[Prediction]:
    """What ``drop_caches`` would free for the host: 1 is the page cache, 2 is slab, 3 is both."""
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    parts = []
    if cache:
        share = mixed_share(ledger, shares)
        basis = f"{tell_clean(ledger)}; {tell_cache(share)}"
        clean = clean_cache(ledger)
        most = clean.high + loose_free(ledger)  # what is dropped may join with what lay free in between
        parts.append(part_of("page cache", settled_size(clean, shares), share, basis, most=most))
    if slab:
        size = unused_slab(ledger, shares)
        basis = f"reclaimable slab {format_size(ledger.slab_reclaimable)}, {shares.slab.tell()}"
        part = part_of("slab", size, shares.slab, basis)
        joined = joined_by(ledger, size.high) + ledger.clues.gives_back
        parts.append(replace(part, high=part.high + (joined if part.high else 0)))
        huge = ledger.clues.freed_in_huge
        if huge.high:
            basis = f"{format_size(huge.likely)} is freed inside huge pages, which a drop of slab splits"
            parts.append(part_of("inside huge pages", huge, between(SPLIT, coarseness_of(ledger)), basis))
    return add_up(*parts)


def joined_by(ledger: Ledger, size: int) -> int:
    """At most so much fragmented free memory joins when ``size`` bytes of what is used are freed, bytes.

    It lies between all that is used: some of it between these bytes, by their part of what is used. The larger the
    blocks that are reported, the more of them hold something else as well.
    """
    loose = loose_free(ledger)
    split = ledger.free_split
    used = ledger.total - (0 if isinstance(split, Unavailable) else split.reportable) - loose
    share = min(1.0, size / used) if used > 0 else 1.0
    return round(loose * share * (1 - coarseness_of(ledger)))


def predict_split(ledger: Ledger, shares: Shares | None = None) -> Reading[Prediction]:
    """What is freed inside huge pages and comes back when a drop of slab splits them and a compaction follows."""
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    huge, share = ledger.clues.freed_in_huge, (shares or shares_for(ledger)).fragmented
    basis = f"{format_size(huge.likely)} is freed inside huge pages; of what compaction joins, {share.tell()}"
    return add_up(part_of("inside huge pages", huge, share, basis))


SPLIT: Final[Ends] = ((0.15, 0.0, 0.6), (0.0, 0.0, 0.15))
"""What is freed inside huge pages is fragmented when these are split: compaction returns it."""


def clean_cache(ledger: Ledger) -> Span:
    """Page cache that a drop frees: what is neither dirty nor held, which is known as a range."""
    clean, held = ledger.cache - ledger.cache_dirty, ledger.clues.held
    return Span(max(0, clean - held.high), max(0, ledger.cache_clean), max(0, clean - held.low))


def unused_slab(ledger: Ledger, shares: Shares) -> Span:
    """Reclaimable slab that a drop frees.

    The names of files that are not in use tell it; objects that are in use lie in between them and keep whole pages.
    Once a drop of slab was seen, no more than what is above what it left.
    """
    size = ledger.slab_reclaimable
    if shares.slab_floor is not None:
        above = max(0, size - shares.slab_floor)
        known = ledger.clues.unused_slab or Span(above // 2, above, above)
        return Span(min(above, known.low), min(above, known.likely), above)
    return ledger.clues.unused_slab or Span(size // 10, size // 2, size)


def predict_reclaim(ledger: Ledger, size: int, shares: Shares | None = None) -> Reading[Prediction]:
    """What asking a cgroup for ``size`` bytes would free for the host."""
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    clean, asked = clean_cache(ledger), shares.reclaim
    there = unused_slab(ledger, shares)
    most = clean.high + there.high + ledger.clues.lazyfree
    wanted = Span(
        min(round(asked.low * size), clean.low),
        min(round(asked.part * size), clean.likely + there.low),
        min(round(asked.high * size), most),
    )
    limit = "" if wanted.likely >= size else f"{format_size(wanted.likely)} of "
    share = oldest_share(ledger, shares)
    basis = f"{limit}{tell_clean(ledger)}; {tell_cache(share)}"
    parts = [part_of("page cache", settled_size(wanted, shares), share, basis)]
    kernel = ledger.clues.kernel
    room = ledger.swap_total if isinstance(ledger.swap_free, Unavailable) else ledger.swap_free
    swap = min(room, ledger.anonymous, max(0, round(asked.high * size) - wanted.high))
    if swap and (kernel is None or kernel < TAKES_SWAPPINESS):
        basis = f"this kernel may swap out {format_size(swap)} as well"
        parts.append(Part(name="swap", low=0, likely=0, high=swap, basis=basis))
    return add_up(*parts)


def oldest_share(ledger: Ledger, shares: Shares) -> Share:
    """The share of a part of the cache, the oldest first: it lies between what stays."""
    share = mixed_share(ledger, shares)
    coarse = coarseness_of(ledger)
    part, high = share.part * (1 - 0.3 * coarse), share.high * (1 - 0.25 * coarse)
    return Share(part, share.low * (1 - coarse), high, share.seen)


def predict_pressure(ledger: Ledger, size: int, floor: int, shares: Shares | None = None) -> Reading[Prediction]:
    """What a hog of ``pressure_size`` would free for the host once it has ended."""
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    clean = clean_cache(ledger)
    pushed = max(0, pressure_size(ledger, size, floor) - free_to_take(ledger))
    most = min(pushed + ledger.watermark, clean.high + ledger.slab_reclaimable + ledger.clues.lazyfree)
    wanted = Span(min(pushed, clean.low), min(pushed, clean.likely), max(most, min(pushed, clean.likely)))
    limit = f" (the floor of {format_size(floor)} allows no more)" if pushed < min(size, clean.likely) else ""
    share = oldest_share(ledger, shares)
    basis = f"{format_size(wanted.likely)} of {tell_clean(ledger)}{limit}; {tell_cache(share)}"
    part = part_of("page cache", settled_size(wanted, shares), share, basis)
    if not pushed:
        return add_up(part)
    # The hog takes all that is free on its way, and what it frees joins: holes of any origin among it.
    basis = f"up to {format_size(split.fragmented)} of fragmented free memory joins"
    return add_up(part, Part(name="fragmented free", low=0, likely=0, high=split.fragmented, basis=basis))


def pressure_size(ledger: Ledger, size: int, floor: int) -> int:
    """How large a hog must be to push ``size`` bytes out: it meets all free memory first. Bytes, within the floor."""
    return max(0, min(free_to_take(ledger) + size, ledger.available - floor))


def predict_kill(
    ledger: Ledger, anonymous: int, shares: Shares | None = None, *, holes: int = 0, shared: int = 0
) -> Reading[Prediction]:
    """What ending a process would free for the host.

    Args:
        ledger: the guest's buckets.
        anonymous: bytes that it holds for itself in RAM: what it has in swap returns nothing.
        shares: what came back before.
        holes: bytes that it has freed in between its own pages: they join again when these are free.
        shared: bytes that it shares or maps, and that may go with it: a file in memory goes with its last user.
    """
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    holes = min(holes, split.fragmented)
    basis = f"it holds {format_size(anonymous)} for itself; {shares.anonymous.tell()}"
    parts = [part_of("anonymous", settled_size(whole(anonymous), shares), shares.anonymous, basis)]
    joins = joined_by_kill(ledger, split, anonymous, holes)
    if joins.high:
        basis = f"{format_size(joins.likely)} of fragmented free memory lies in between and joins"
        parts.append(part_of("fragmented free", joins, JOINED, basis))
    cached = ledger.clues.swap_cached
    if cached and anonymous:
        likely = round(cached * min(1.0, anonymous / max(1, ledger.anonymous)))
        basis = f"up to {format_size(cached)} of what is in swap is still in RAM and may be its own"
        parts.append(Part(name="swap", low=0, likely=likely, high=cached, basis=basis))
    if shared:
        basis = f"up to {format_size(shared)} that it shares may go with it"
        parts.append(Part(name="shared", low=0, likely=0, high=shared, basis=basis))
    return add_up(*parts)


JOINED: Final = Share(1.0, 1.0, 1.0)


def joined_by_kill(ledger: Ledger, split: FreeSplit, anonymous: int, holes: int) -> Span:
    """Fragmented free memory that joins when a process of ``anonymous`` bytes ends.

    Holes are likely to lie between the pages of the process in proportion to its part of what can be moved. What it
    freed itself, inside huge pages or in between its pages, is known where it is one of our hogs.
    """
    loose = max(0, split.fragmented - ledger.clues.kept_by_cpus - holes)
    movable = ledger.anonymous + ledger.cache + ledger.shared + ledger.freed_in_huge
    part = min(1.0, (anonymous + holes) / movable) if movable else 0.0
    huge = ledger.clues.freed_in_huge
    known_holes = round(HOLES_JOIN * holes)
    owns = min(1.0, anonymous / ledger.anonymous) if ledger.anonymous else 0.0
    return Span(
        round(0.8 * known_holes),
        known_holes + round(part * loose * LOOSE_JOIN + min(1.0, 1.5 * owns) * huge.likely),
        holes + round(min(1.0, 2 * part) * loose + (huge.likely if anonymous else 0)),
    )


HOLES_JOIN: Final = 0.9
LOOSE_JOIN: Final = 0.5


def free_to_take(ledger: Ledger) -> int:
    """Free memory that a program gets before page cache must go."""
    return max(0, all_free(ledger) - ledger.watermark)


def all_free(ledger: Ledger) -> int:
    """Free memory with what the CPUs keep on their lists, as far as it is known."""
    split = ledger.free_split
    return ledger.free if isinstance(split, Unavailable) else split.fragmented + split.reportable


def shares_for(ledger: Ledger) -> Shares:
    """The assumed shares for the reporting order and the kernel of this guest."""
    order = COARSE_ORDER if isinstance(ledger.reporting, Unavailable) else ledger.reporting.order
    return assume_shares(order, ledger.clues.kernel)


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
    return f"file cache not in use {format_size(ledger.cache_clean)}" + (
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

    @property
    def miss(self) -> str:
        """That what came lies outside the predicted range, as a clause; empty where it does not."""
        return self.predicted.tell_miss(self.gained)


def compare(predicted: Prediction, before: FreeSplit, after: FreeSplit) -> Outcome:
    """What came of a prediction, from free memory before and after."""
    return Outcome(predicted=predicted, gained=after.reportable - before.reportable)


Act = Literal["compaction", "cache drop", "slab drop", "cache and slab drop", "drop, then compaction", "kill"]
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
"""Seconds within which a compaction after a drop is part of it: WSL from 2.9.8 on does the two in one."""
WORTH: Final = 16 * MIB
"""Predictions below this say nothing about shares."""
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


class Outcomes:
    """Follows the acts of a session: compares what each gave with its prediction, and learns from it."""

    def __init__(self) -> None:
        self.settled: deque[Settled] = deque(maxlen=KEPT)
        self.shares: Shares | None = None
        """What came back here, where anything has been seen; assumed otherwise."""
        self._pending: Pending | None = None
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
        for event in events:
            self._take(event, monotonic, before if began is None else began, ledger)
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
        if act == "compaction":
            self._note_left(ledger)

    def _join_compaction(self, pending: Pending) -> Pending | None:
        """A drop and the compaction that follows it are one act; a longer compaction is still the same."""
        if pending.act in ("compaction", "drop, then compaction"):
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
        self.shares = replace(self.shares or shares_for(ledger), left=loose_free(ledger))

    def _follow_left(self, ledger: Reading[Ledger]) -> None:
        """What was left and is no longer fragmented is not left any more."""
        shares = self.shares
        if shares is None or not shares.left or isinstance(ledger, Unavailable):
            return
        left = min(shares.left, loose_free(ledger))
        if left != shares.left:
            self.shares = replace(shares, left=left)

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
            shares = replace(
                shares, fragmented=shares.fragmented.learn(outcome.gained, pending.base), left=loose_free(ledger)
            )
        elif DROPS.get(pending.act, (False, False))[1]:
            # What page cache gave and what slab gave cannot be told apart; what is left of slab can.
            shares = replace(shares, slab_floor=ledger.slab_reclaimable)
        elif pending.act == "cache drop":
            clean = clean_cache(pending.ledger)
            if clean.high - clean.low <= CLEAR * clean.high:
                shares = replace(shares, cache=shares.cache.learn(outcome.gained, pending.base))
        elif pending.teaches:
            shares = replace(shares, anonymous=shares.anonymous.learn(outcome.gained, pending.base))
        self.shares = shares


def follows(acted: float | None, monotonic: float) -> bool:
    """Whether a drop of slab is the second half of a drop of both: the kernel counts each when it is done."""
    return acted is not None and monotonic - acted <= SLAB_AFTER_CACHE


SLAB_AFTER_CACHE: Final = 8.0
"""Seconds; a million names of files take four."""


def follow_holes(shares: Shares, before: Ledger, after: Ledger) -> Shares:
    """The shares with what was taken between two samples, of fragmented free memory and of all."""
    old, new = before.free_split, after.free_split
    if isinstance(old, Unavailable) or isinstance(new, Unavailable):
        return shares
    fallen = loose_free(before) - loose_free(after)
    joined = max(0, new.reportable - old.reportable)
    filled = max(0, shares.filled + (max(0, fallen - joined) if fallen > 0 else fallen))
    taken = max(0, shares.taken + all_free(before) - all_free(after))
    return replace(shares, filled=filled, taken=max(filled, taken))


def loose_free(ledger: Ledger) -> int:
    """Fragmented free memory without what the CPUs keep on their lists, bytes."""
    split = ledger.free_split
    return 0 if isinstance(split, Unavailable) else max(0, split.fragmented - ledger.clues.kept_by_cpus)


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
    base = cache * before.cache_clean + slab * unused_slab(before, shares).likely
    return predict_drop(before, shares, cache=cache, slab=slab), base
