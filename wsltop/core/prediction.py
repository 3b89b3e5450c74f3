"""What an action would add to reportable free memory.

A ``Prediction`` has three figures in bytes: ``likely``, the one that a screen shows, and ``low`` and ``high``, the ends
of the range, for details. ``parts`` says what it is made of, one ``Part`` for each kind of memory, with the same three
figures and a sentence that says how they were found. ``predict_compaction``, ``predict_drop``, ``predict_reclaim``,
``predict_pressure`` and ``predict_kill`` are pure functions of a ledger, and of what was learned here (``shares``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.clues import LISTS_GROW, Span
from wsltop.core.curve import LEAST_BAND
from wsltop.core.ledger import NEVER, FreeSplit, Ledger
from wsltop.model.sample import Hog, Reading, Unavailable
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
    pieces: int = 0
    """Fragmented free memory between slab in use, left by drops of slab since then: it may not be joined. Bytes."""
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
        kernel: its version. Before 6.6 ``memory.reclaim`` scans twice as much each round and may take up to twice what
            it is asked for (0388536ac291): 1.05 to 1.85 times were seen, of which up to 1.45 times came. On 6.18 it
            takes what was asked for, to the page.
    """
    coarse = coarseness(order)
    exact = kernel is not None and kernel >= EXACT_RECLAIM
    return Shares(
        fragmented=between(FRAGMENTED, coarse),
        cache=between(CACHE, coarse),
        slab=between(SLAB, coarse),
        anonymous=between(ANONYMOUS, coarse),
        reclaim=Share(1.0, 0.98, 1.0) if exact else Share(1.2, 1.0, 1.5),
    )


EXACT_RECLAIM: Final = (6, 6)
TAKES_SWAPPINESS: Final = (6, 8)
"""From this kernel on ``memory.reclaim`` takes ``swappiness=0``, and leaves anonymous memory alone."""
Ends = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Likely, low and high at order 5 and at order 9."""
FRAGMENTED: Final[Ends] = ((0.72, 0.2, 0.95), (0.5, 0.0, 0.85))
CACHE: Final[Ends] = ((0.97, 0.75, 1.05), (0.9, 0.5, 1.05))
SLAB: Final[Ends] = ((0.95, 0.85, 1.02), (0.9, 0.72, 0.98))
ANONYMOUS: Final[Ends] = ((0.95, 0.7, 1.04), (0.9, 0.55, 1.05))


def whole_blocks(ledger: Ledger) -> Share:
    """The part of what the page cache fills in which no dirty page lies.

    File systems note in pages of their own what they know of their files (sizes, places), a page for some dozens of
    files, and these pages lie between those of the files. They are dirty for half a minute after files were made or
    read, and each keeps its block. Where there are very many of them, they are of files without content, and lie
    together.
    """
    dirty = min(1.0, ledger.clues.dirty_between / max(1, ledger.cache))
    stays = (1.0 - dirty) ** (1 << order_of(ledger))
    likely, most = (stays, MAY_BE_TOGETHER) if dirty <= MANY_DIRTY else (TOGETHER_DIRTY, 1.0)
    return Share(likely, stays, stays + (1.0 - stays) * most)


MANY_DIRTY: Final = 0.009
"""A page in 110: one of 4 KiB notes 16 files, which then have less than 28 KiB each."""
TOGETHER_DIRTY: Final = 0.7
MAY_BE_TOGETHER: Final = 0.5


def cache_share(ledger: Ledger, shares: Shares) -> Share:
    """The share of the page cache, seen or assumed, in blocks that hold nothing dirty."""
    share, blocks = shares.cache, whole_blocks(ledger)
    return Share(share.part * blocks.part, share.low * blocks.low, share.high * blocks.high, share.seen)


def coarseness(order: int) -> float:
    """The place of an order between 5 (0.0) and 9 (1.0)."""
    return min(1.0, max(0.0, (order - FINE_ORDER) / (COARSE_ORDER - FINE_ORDER)))


def coarseness_of(ledger: Ledger) -> float:
    """The same of the order of this guest."""
    return coarseness(order_of(ledger))


def order_of(ledger: Ledger) -> int:
    """The reporting order of this guest; the kernel's own where it is not known."""
    return COARSE_ORDER if isinstance(ledger.reporting, Unavailable) else ledger.reporting.order


def settled_size(size: Span, shares: Shares, of: int | None = None, *, surely: float = 0.5) -> Span:
    """A size without what lies in holes that were filled: freed, it leaves these holes again.

    Likely it has filled as much of them as its part is of all that was taken since they were seen, and ``surely`` a
    part of that. ``of`` are the bytes that have filled them where only the oldest of these are freed: these may have
    been there first.
    """
    of = size.likely if of is None else of
    filled, part = shares.filled * min(1.0, of / max(1, shares.taken)), min(1.0, size.likely / max(1, of))
    low, likely = size.low - shares.filled, size.likely - round(filled * (1 + part) / 2)
    high = size.high - round(surely * part * filled)
    return Span(max(0, low), max(0, low, min(likely, high)), max(0, low, high))


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
        """Whether what came, in bytes, lies within the range, or nearer to it than can be told from noise."""
        return self.low - LEAST_BAND <= size <= self.high + LEAST_BAND

    def tell_miss(self, size: int) -> str:
        """``outside the predicted range 2.5 to 3.5 GiB``; empty where what came lies within it."""
        return "" if self.holds(size) else f"outside the predicted range {format_range(self.low, self.high)}"

    def tell(self) -> str:
        """The three figures for people; ``nothing`` where not a byte can come."""
        if self.high <= 0:
            return "nothing"
        return f"about {format_size(self.likely)}, between {format_size(self.low)} and {format_size(self.high)}"


FREE_PART: Final = "fragmented free"
"""The part that is free already, in blocks that are too small to be given back."""


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
    pinned, pieces = min(base, ledger.clues.pinned), min(base, shares.pieces)
    between_pinned = f", {format_size(pinned)} of it may lie between pinned pages" if pinned > WORTH else ""
    basis = (
        f"{format_size(base)} is free in blocks that are too small to report{left}{between_pinned}; "
        f"{shares.fragmented.tell()}"
    )
    back, beside = given_while_joining(ledger, shares)
    loose = max(0, base - pinned - pieces)
    likely = loose + round(back * (1 - coarseness_of(ledger)) / 2)
    size = Span(loose, likely, base - round(BETWEEN_PINNED * pinned) + back)
    share = replace(shares.fragmented, part=min(1.0, shares.fragmented.part))  # it joins no more than there is
    part = part_of("fragmented free", size, share, basis, most=base + back)
    return add_up(replace(part, high=part.high + beside))


def given_while_joining(ledger: Ledger, shares: Shares) -> tuple[int, int]:
    """At most so much the CPUs' lists give back while a compaction goes on, and so much it may join beside the rest.

    From Linux 6.7 on they grow, and give back within seconds what is above the watermark. A page on such a list keeps
    apart what is free around it: 74 MiB came of a second compaction where the lists held 46.
    """
    kernel, kept, back = ledger.clues.kernel, ledger.clues.kept_by_cpus, ledger.clues.gives_back
    if kernel is not None and kernel < LISTS_GROW:
        return 0, 0
    stays = max(0, kept - back)
    return back, stays // 2 + round(coarseness_of(ledger) * min(shares.left, stays))


BETWEEN_PINNED: Final = 0.6
"""Of what is free beside as much of pinned memory, at least this part lies in between: 150 and 200 MiB of pipes kept
85 and 90 % of it."""


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
        share = cache_share(ledger, shares)
        basis = f"{tell_clean(ledger)}; {tell_cache(share)}"
        clean = clean_cache(ledger)
        most = clean.high + loose_free(ledger)  # what is dropped may join with what lay free in between
        part = part_of("page cache", settled_size(clean, shares), share, basis, most=most)
        parts.append(less_lists(part, ledger))
    if slab:
        size = unused_slab(ledger, shares)
        basis = f"reclaimable slab {format_size(ledger.slab_reclaimable)}, {shares.slab.tell()}"
        part = part_of("slab", size, shares.slab, basis)
        part = part if cache else less_lists(part, ledger)
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
    return round(loose * share * (1 - coarseness_of(ledger)) / 2)


def predict_split(ledger: Ledger, shares: Shares | None = None) -> Reading[Prediction]:
    """What is freed inside huge pages and comes back when a drop of slab splits them and a compaction follows."""
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    huge, share = ledger.clues.freed_in_huge, (shares or shares_for(ledger)).fragmented
    basis = f"{format_size(huge.likely)} is freed inside huge pages; of what compaction joins, {share.tell()}"
    return add_up(part_of("inside huge pages", huge, share, basis))


SPLIT: Final[Ends] = ((0.1, 0.0, 0.3), (0.0, 0.0, 0.1))
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
    size, known = ledger.slab_reclaimable, ledger.clues.unused_slab
    if known is not None and ledger.clues.names_in_use:
        known = replace(known, low=round(MIXED * (1 - coarseness_of(ledger)) * known.low))
    if shares.slab_floor is not None:
        above = max(0, size - shares.slab_floor)
        known = known or Span(above // 2, above, above)
        return Span(min(above, known.low), min(above, known.likely), above)
    return known or Span(size // 10, size // 2, size)


MIXED: Final = 0.3
"""Of names that are not in use beside many that are, at order 5: of 786,000 names 83 to 130 MiB came there, and once
nothing; at order 9 nothing to 78 MiB."""


def predict_reclaim(ledger: Ledger, size: int, shares: Shares | None = None) -> Reading[Prediction]:
    """What asking a cgroup for ``size`` bytes would free for the host."""
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    clean, asked = clean_cache(ledger), shares.reclaim
    there = unused_slab(ledger, shares)
    # What programs have mapped it takes as well, when nothing else is left.
    most = max(clean.high, ledger.cache - ledger.cache_dirty) + there.high + ledger.clues.lazyfree
    # The larger the blocks, the more of what is taken beyond lies between what stays.
    beyond = max(0.0, asked.high - 1) * (1 - 0.9 * coarseness_of(ledger))
    wanted = Span(
        min(round(asked.low * size), clean.low),
        min(round(asked.part * size), clean.likely + there.low),
        min(round((min(1.0, asked.high) + beyond) * size), most),
    )
    limit = "" if wanted.likely >= size else f"{format_size(wanted.likely)} of "
    share = oldest_share(ledger, shares, wanted)
    basis = f"{limit}{tell_clean(ledger)}; {tell_cache(share)}"
    settled = settled_size(wanted, shares, clean.likely)
    parts = [less_lists(part_of("page cache", settled, share, basis, most=settled.high), ledger)]
    kernel = ledger.clues.kernel
    room = ledger.swap_total if isinstance(ledger.swap_free, Unavailable) else ledger.swap_free
    swap = min(room, ledger.anonymous, max(0, round(asked.high * size) - wanted.high))
    if swap and (kernel is None or kernel < TAKES_SWAPPINESS):
        basis = f"this kernel may swap out {format_size(swap)} as well"
        parts.append(Part(name="swap", low=0, likely=0, high=swap, basis=basis))
    return add_up(*parts)


def oldest_share(ledger: Ledger, shares: Shares, wanted: Span) -> Share:
    """The share of a part of the cache, the oldest first: the smaller the part, the more of it lies between the rest.

    The larger the blocks, the more of them hold some of what stays: of a tenth of the cache nothing was seen to come at
    order 9, and all of it at order 5.
    """
    share, clean = cache_share(ledger, shares), clean_cache(ledger)
    part, surely = (
        min(1.0, taken / there) if there else 1.0
        for taken, there in ((wanted.likely, clean.likely), (wanted.low, clean.high))
    )
    mixed = part ** coarseness_of(ledger)
    low = share.low * OLDEST_LOW * surely ** (4 * coarseness_of(ledger))
    return replace(share, part=share.part * mixed, low=low)


OLDEST_LOW: Final = 0.6
"""Of what surely comes of all the cache, so much at least comes of a part of it at order 5."""


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
    share = oldest_share(ledger, shares, wanted)
    basis = f"{format_size(wanted.likely)} of {tell_clean(ledger)}{limit}; {tell_cache(share)}"
    part = part_of("page cache", settled_size(wanted, shares, clean.likely), share, basis)
    if not pushed:
        return add_up(part)
    # The hog takes all that is free on its way, and what it frees joins: holes of any origin among it.
    basis = f"up to {format_size(split.fragmented)} of fragmented free memory joins"
    return add_up(part, Part(name="fragmented free", low=0, likely=0, high=split.fragmented, basis=basis))


def pressure_size(ledger: Ledger, size: int, floor: int) -> int:
    """How large a hog must be to push ``size`` bytes out: it meets all free memory first. Bytes, within the floor."""
    return max(0, min(free_to_take(ledger) + size, ledger.available - floor))


class ProcessMemory(Struct, frozen=True, kw_only=True):
    """What the kernel says of a process that is to be ended. Bytes."""

    swapped: int = 0
    freed: int = 0
    """At most so much it has freed: the most that it has held less what it holds now."""
    nameless: int = 0
    """Shared memory that it maps and that goes with its last user: memfd, shared anonymous memory, deleted files."""


def predict_kill(
    ledger: Ledger,
    anonymous: int,
    shares: Shares | None = None,
    *,
    holes: int = 0,
    shared: int = 0,
    memory: ProcessMemory | None = None,
) -> Reading[Prediction]:
    """What ending a process would free for the host.

    Args:
        ledger: the guest's buckets.
        anonymous: bytes that it holds for itself in RAM: what it has in swap returns nothing.
        shares: what came back before.
        holes: bytes that it has freed in between its own pages: they join again when these are free.
        shared: bytes that it shares or maps, and that may go with it: a file in memory goes with its last user.
        memory: what else the kernel says of it; ``None``: it is not one process, or nothing was read.
    """
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    holes = min(holes, split.fragmented)
    # What nothing names and nobody else maps goes as its own memory does.
    nameless = 0 if memory is None or shared < ALONE * memory.nameless else min(shared, memory.nameless)
    own, cached = anonymous + nameless, swapped_and_in_ram(ledger, anonymous, memory)
    huge = freed_by(ledger, anonymous, memory)
    size = Span(own + cached.low, own + cached.likely, own + cached.high)
    # A process that has freed parts of huge pages has its memory in such pages, and they fill no holes.
    in_huge = memory is not None and 2 * huge.likely > max(WORTH, memory.freed)
    settled = size if in_huge else settled_size(size, shares, surely=0.6)
    swapped = f", and {format_size(cached.likely)} in swap that is still in RAM" if cached.likely else ""
    basis = f"it holds {format_size(own)} for itself{swapped}; {shares.anonymous.tell()}"
    parts = [less_lists(part_of("anonymous", settled, shares.anonymous, basis), ledger)]
    if huge.high:
        basis = f"{format_size(huge.likely)} of what is freed inside huge pages may be its own"
        parts.append(part_of("inside huge pages", huge, shares.anonymous, basis))
    joins = joined_by_kill(ledger, split, anonymous, holes, memory)
    if joins.high:
        basis = f"{format_size(joins.likely)} of fragmented free memory lies in between and joins"
        parts.append(part_of(FREE_PART, joins, JOINED, basis))
    if shared > nameless:
        basis = f"up to {format_size(shared - nameless)} that it shares may go with it"
        parts.append(Part(name="shared", low=0, likely=0, high=shared - nameless, basis=basis))
    return add_up(*parts)


def predict_hogs(ledger: Ledger, hogs: Iterable[Hog], shares: Shares | None = None) -> Reading[Prediction]:
    """What ending hogs of wsltop would free for the host."""
    hogs = tuple(hogs)
    return predict_kill(ledger, sum(hog.resident for hog in hogs), shares, holes=holes_of(hogs))


def holes_of(hogs: Iterable[Hog]) -> int:
    """Bytes that hogs have freed of what they took: they join again when these end."""
    holed = (hog for hog in hogs if hog.kind == "fragment" and hog.status == "holding")
    return sum(max(0, hog.target - hog.resident) for hog in holed)


REST_OF_HUGE: Final = 511
"""A huge page stays whole while a program has one of its 512 pages: so much more than it holds it can have freed."""
ALONE: Final = 0.9
"""A process whose part of shared memory is at least this of all that it maps is nearly the only one that has it."""
JOINED: Final = Share(1.0, 1.0, 1.0)


def freed_by(ledger: Ledger, anonymous: int, memory: ProcessMemory | None) -> Span:
    """What a process has freed inside its huge pages: no more than it has freed at all."""
    huge = ledger.clues.freed_in_huge
    if memory is None:
        owns = min(1.0, anonymous / ledger.anonymous) if ledger.anonymous else 0.0
        most = min(huge.likely, REST_OF_HUGE * anonymous)
        return Span(0, min(most, round(min(1.0, 1.5 * owns) * huge.likely)), most)
    likely = min(memory.freed, huge.likely)
    return Span(likely // 2, likely, min(memory.freed, huge.high))


def swapped_and_in_ram(ledger: Ledger, anonymous: int, memory: ProcessMemory | None) -> Span:
    """What a process has in swap that is still in RAM: it goes with it, and is not counted as its own."""
    cached, used = ledger.clues.swap_cached, ledger.swap_used
    if memory is None or isinstance(used, Unavailable):
        likely = round(cached * min(1.0, anonymous / max(1, ledger.anonymous)))
        return Span(0, likely, cached if anonymous else 0)
    likely = round(cached * min(1.0, memory.swapped / max(1, used)))
    others = max(0, used - memory.swapped)
    return Span(min(likely, max(0, cached - others)), likely, min(cached, memory.swapped))


def joined_by_kill(ledger: Ledger, split: FreeSplit, anonymous: int, holes: int, memory: ProcessMemory | None) -> Span:
    """Fragmented free memory that joins when a process of ``anonymous`` bytes ends.

    Holes are likely to lie between the pages of the process in proportion to its part of what can be moved. What it
    freed itself in between its pages is known where it is one of our hogs, and else is no more than it has freed.
    """
    loose = max(0, split.fragmented - ledger.clues.kept_by_cpus - holes)
    movable = ledger.anonymous + ledger.cache + ledger.shared + ledger.freed_in_huge
    part = min(1.0, (anonymous + holes) / movable) if movable else 0.0
    known_holes = round(HOLES_JOIN * holes)
    between = part * loose * LOOSE_JOIN
    most = min(1.0, 2 * part) * loose
    if memory is not None:
        own = max(0, memory.freed - min(memory.freed, ledger.clues.freed_in_huge.likely))
        between, most = min(between, OWN_JOIN * own), min(float(loose), most / 2, 2 * OWN_JOIN * own)
    return Span(round(0.8 * known_holes), known_holes + round(between), holes + round(most))


HOLES_JOIN: Final = 0.9
LOOSE_JOIN: Final = 0.5
OWN_JOIN: Final = 0.2
"""Of what a process may have freed in between its pages: others have filled some of it, and it is seldom whole."""


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


WORTH: Final = 16 * MIB
"""Predictions below this say nothing about shares."""


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


def note_slab(shares: Shares, before: Ledger, after: Ledger) -> Shares:
    """The shares after a drop of slab, by the ledgers around it: its floor, and what it left in pieces.

    Of what slab gave up and that did not become reportable, the rest of the block is slab that is in use: compaction
    cannot join it.
    """
    shares = replace(shares, slab_floor=after.slab_reclaimable)
    old, new = before.free_split, after.free_split
    if isinstance(old, Unavailable) or isinstance(new, Unavailable):
        return shares
    fallen = before.slab_reclaimable - after.slab_reclaimable
    grown = new.reportable - old.reportable + max(0, after.clues.kept_by_cpus - before.clues.kept_by_cpus)
    freed = max(1, fallen + max(0, before.cache - after.cache))
    pieces = max(0, round((freed - max(0, grown)) * min(1.0, fallen / freed))) if fallen > 0 else 0
    return follow_left(replace(shares, pieces=shares.pieces + pieces), after)


def follow_left(shares: Shares, ledger: Ledger) -> Shares:
    """The shares with what was left in pieces, as far as it is still fragmented."""
    loose = loose_free(ledger)
    left = min(shares.left, loose)
    return replace(shares, left=left, pieces=min(shares.pieces, loose - left))


def loose_free(ledger: Ledger) -> int:
    """Fragmented free memory without what the CPUs keep on their lists, bytes."""
    split = ledger.free_split
    return 0 if isinstance(split, Unavailable) else max(0, split.fragmented - ledger.clues.kept_by_cpus)
