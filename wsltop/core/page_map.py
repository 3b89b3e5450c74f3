"""What becomes reportable when pages are freed or moved, by where each page lies.

Only root may read the kernel's flags of every page (``/proc/kpageflags``). With them an action needs no assumed share:
its pages are taken away, and the blocks that are free then are counted. A ``PageMap`` holds one byte for each page, a
``Kind``; the functions are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.ledger import Ledger
from wsltop.core.prediction import (
    COARSE_ORDER,
    SPLIT,
    Part,
    Prediction,
    Share,
    Shares,
    add_up,
    between,
    coarseness,
    given_while_joining,
    joinable,
    less_lists,
    part_of,
    shares_for,
    split_of,
    unused_slab,
)
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import MIB, format_size


class Kind(IntEnum):
    """What a page is to the acts that give memory back."""

    FREE = 0
    """In the kernel's free lists."""
    FIXED = 1
    """The kernel's own, or in a huge page of files: neither dropped nor moved."""
    ABSENT = 2
    """No memory, or memory that the host has taken out."""
    CLEAN = 3
    """Page cache that a drop frees, on the list of what was used once."""
    ACTIVE = 4
    """Page cache that a drop frees, on the list of what was used again."""
    DIRTY = 5
    MAPPED = 6
    """Page cache that a program has mapped."""
    HELD = 7
    """Locked pages and ramfs: compaction moves them, and nothing frees them."""
    ANONYMOUS = 8
    LAZY = 9
    """Given up by its program (MADV_FREE)."""
    SHARED = 10
    """tmpfs, memfd and System V: only their users free them."""
    SLAB = 11
    PINNED = 12
    """Anonymous and mapped by nobody, but in use by a pipe or a device: it cannot be moved."""
    ENDING = 13
    """Of the process that is to be ended, for itself."""
    ENDING_TOO = 14
    """Shared memory that only this process has mapped, and that has no name: it ends with its last user."""
    HUGE = 15
    """Of an anonymous huge page."""
    SWAPPED = 16
    """In swap, still in RAM, and mapped by nobody: it goes with its program."""
    BLANK = 17
    """Without a flag: on the CPUs' lists, or the kernel's own."""


class PageMap(Struct, frozen=True, kw_only=True):
    """All pages of the guest."""

    kinds: bytes
    """A ``Kind`` for each page, by its number."""
    zones: tuple[tuple[int, int], ...]
    """First page, and the one behind the last, of each zone."""
    page_size: int = 4096


BIT: Final = {
    name: 1 << bit
    for name, bit in {
        "dirty": 4,
        "lru": 5,
        "active": 6,
        "slab": 7,
        "writeback": 8,
        "buddy": 10,
        "mapped": 11,
        "anonymous": 12,
        "swapcache": 13,
        "swapbacked": 14,
        "hugetlb": 17,
        "unevictable": 18,
        "poisoned": 19,
        "absent": 20,
        "huge": 22,
        "offline": 23,
        "table": 26,
        "reserved": 32,
    }.items()
}
"""KPF_* of include/uapi/linux/kernel-page-flags.h."""
RULES: Final[tuple[tuple[tuple[str, ...], Kind], ...]] = (
    (("absent", "poisoned", "offline"), Kind.ABSENT),
    (("buddy",), Kind.FREE),
    (("slab",), Kind.SLAB),
    (("hugetlb",), Kind.FIXED),
)
"""What any of these flags makes a page, whatever its others are."""
OF_FILES: Final[tuple[tuple[tuple[str, ...], Kind], ...]] = (
    (("unevictable",), Kind.HELD),
    (("swapbacked",), Kind.SHARED),
    (("mapped",), Kind.MAPPED),
    (("dirty", "writeback"), Kind.DIRTY),
    (("active",), Kind.ACTIVE),
    (("lru",), Kind.CLEAN),
)
"""The same of a page that is not anonymous, the first that fits."""


def kind_of(flags: int) -> Kind:
    """The kind of a page by its flags, as ``/proc/kpageflags`` has them."""
    for names, kind in RULES:
        if has(flags, *names):
            return kind
    if has(flags, "huge") and has(flags, "anonymous", "swapbacked"):
        return Kind.HUGE if has(flags, "anonymous") else Kind.FIXED
    if has(flags, "anonymous"):
        return kind_of_anonymous(flags)
    if not has(flags, "lru", "unevictable"):
        return Kind.BLANK if not flags & SAYS else Kind.FIXED
    return next(kind for names, kind in OF_FILES if has(flags, *names))


def kind_of_anonymous(flags: int) -> Kind:
    """The kind of an anonymous page."""
    if not has(flags, "mapped", "swapcache"):
        return Kind.PINNED
    if has(flags, "unevictable"):
        return Kind.HELD
    if not has(flags, "mapped"):
        return Kind.SWAPPED
    return Kind.ANONYMOUS if has(flags, "swapbacked") else Kind.LAZY


def has(flags: int, *names: str) -> bool:
    """Whether any of these flags is set."""
    return any(flags & BIT[name] for name in names)


SAYS: Final = BIT["reserved"] | (BIT["reserved"] - 1)
"""The flags that say what a page is; those that follow are for the kernel's developers."""
CACHE: Final = (Kind.CLEAN, Kind.ACTIVE)
MOVABLE: Final = (
    *CACHE,
    Kind.DIRTY,
    Kind.MAPPED,
    Kind.HELD,
    Kind.ANONYMOUS,
    Kind.LAZY,
    Kind.SHARED,
    Kind.ENDING,
    Kind.ENDING_TOO,
    Kind.SWAPPED,
)
"""What compaction moves."""


def marks(*kinds: Kind) -> bytes:
    """A table for ``bytes.translate``: 0 for these kinds, 1 for the others."""
    return bytes(0 if kind in kinds else 1 for kind in range(256))


def count_blocks(states: bytes, zones: Iterable[tuple[int, int]], order: int) -> int:
    """How many aligned blocks of a zone hold only zeros."""
    size = 1 << order
    empty = bytes(size)
    return sum(
        states[place : place + size] == empty
        for start, end in zones
        for place in range(-(-start // size) * size, end - size + 1, size)
    )


def free_kinds(pages: PageMap, order: int, *kinds: Kind) -> int:
    """Bytes that become reportable when all pages of these kinds are free."""
    now = count_blocks(pages.kinds.translate(marks(Kind.FREE)), pages.zones, order)
    then = count_blocks(pages.kinds.translate(marks(Kind.FREE, *kinds)), pages.zones, order)
    return (then - now) * pages.page_size << order


def beside_lists(pages: PageMap, order: int, *kinds: Kind) -> int:
    """Bytes more that these pages make reportable where what has no flag is free as well, as on the CPUs' lists."""
    now = count_blocks(pages.kinds.translate(marks(Kind.FREE, Kind.BLANK)), pages.zones, order)
    then = count_blocks(pages.kinds.translate(marks(Kind.FREE, Kind.BLANK, *kinds)), pages.zones, order)
    return max(0, ((then - now) * pages.page_size << order) - free_kinds(pages, order, *kinds))


def with_lists(part: Part, beside: int, ledger: Ledger) -> Part:
    """The part without what the CPUs put on their lists of it; at most, with what pages on these have kept apart."""
    back = round(GIVEN_BACK * beside) + ledger.clues.gives_back // 2
    return replace(less_lists(part, ledger), high=part.high + back)


GIVEN_BACK: Final = 0.7
"""The lists give up what they have held for longest while pages are freed."""


PAGEBLOCK: Final = 9
"""Order of the blocks that the kernel sorts by what they are for."""


def compact(pages: PageMap, order: int) -> int:
    """Bytes that a compaction of all zones makes reportable.

    The kernel moves pages from the bottom of a zone into free pages at its top, until both meet (mm/compaction.c,
    ``compact_zone``). Below that place all is free then but what cannot be moved; above it nothing scattered is.
    """
    gained = sum(compact_zone(pages.kinds[start:end], start, order) for start, end in pages.zones)
    return gained * pages.page_size << order


def compact_zone(kinds: bytes, start: int, order: int) -> int:
    """Blocks that the compaction of one zone gains; ``start`` is its first page."""
    block = 1 << PAGEBLOCK
    free, movable = marks(Kind.FREE), marks(*MOVABLE)
    lead = -start % block
    whole = [(place, kinds[place : place + block]) for place in range(lead, len(kinds), block)]
    bottom, top, room = 0, len(whole), 0
    moved: set[int] = set()
    filled: set[int] = set()
    wanted = 0
    while bottom < top:
        if room >= wanted:
            part = whole[bottom][1]
            wanted += part.translate(movable).count(0) if part.translate(free).count(0) < block else 0
            moved.add(bottom)
            bottom += 1
        else:
            top -= 1
            part = whole[top][1]
            holes = part.translate(free).count(0)
            if holes < block and part.translate(movable).count(0) * 2 > block - holes:
                room += holes
                filled.add(top)
    if room < wanted:
        moved.discard(bottom - 1)  # what it holds finds no place
    gained = 0
    both = marks(Kind.FREE, *MOVABLE)
    for number, (_, part) in enumerate(whole):
        zone = ((0, len(part)),)
        before = count_blocks(part.translate(free), zone, order)
        after = before
        if number in moved:
            after = count_blocks(part.translate(both), zone, order)
        elif number in filled:
            after = 0
        gained += after - before
    return gained


Act = Literal["compact", "drop-cache", "drop-slab", "drop-all", "reclaim"]
"""What can be predicted from where pages lie."""


def predict_by_pages(
    act: Act, pages: PageMap, ledger: Ledger, size: int = 0, shares: Shares | None = None
) -> Reading[Prediction]:
    """What an act would add to reportable free memory, by where each page lies.

    Args:
        act: the act.
        pages: the pages, read just before.
        ledger: the guest's buckets.
        size: bytes that ``reclaim`` asks for.
        shares: what came back before.
    """
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    order = COARSE_ORDER if isinstance(ledger.reporting, Unavailable) else ledger.reporting.order
    if act == "compact":
        # What the last compaction has left is not promised again, whatever the pages look like.
        back, beside = given_while_joining(ledger, shares)
        size = min(compact(pages, order), joinable(ledger, shares) + back)
        part = spread("fragmented free", size, COMPACTED, "compaction joins")
        # What is pinned now may be let go meanwhile.
        unsure = back + beside + ledger.clues.pinned // 8
        return add_up(with_lists(replace(part, high=part.high + unsure), 0, ledger))
    cache = free_kinds(pages, order, *CACHE)
    if act == "reclaim":
        oldest = predict_oldest(pages, order, ledger, size, shares)
        taken = min(1.0, shares.reclaim.high * size / max(1, count(pages, OLDEST)))
        return add_up(with_lists(oldest, round(taken * beside_lists(pages, order, *OLDEST)), ledger))
    parts = []
    if act != "drop-slab":
        parts.append(spread("page cache", cache, DROPPED, "the clean page cache fills"))
    if act != "drop-cache":
        both = free_kinds(pages, order, *CACHE, Kind.SLAB) - cache
        slab = free_kinds(pages, order, Kind.SLAB) if act == "drop-slab" else both
        parts.append(predict_slab(pages, slab, ledger, shares))
        huge = ledger.clues.freed_in_huge
        if huge.high:
            basis = f"{format_size(huge.likely)} is freed inside huge pages, which a drop of slab splits"
            parts.append(part_of("inside huge pages", huge, between(SPLIT, coarseness(order)), basis))
    dropped = {"drop-cache": CACHE, "drop-slab": (Kind.SLAB,)}.get(act, (*CACHE, Kind.SLAB))
    return add_up(with_lists(parts[0], beside_lists(pages, order, *dropped), ledger), *parts[1:])


def predict_kill_by_pages(pages: PageMap, ledger: Ledger, swapped: int = 0) -> Reading[Prediction]:
    """What ending a process would add to reportable free memory, by where its pages lie.

    Args:
        pages: the pages, those of the process among them.
        ledger: the guest's buckets.
        swapped: bytes that it has in swap; a part may still be in RAM.
    """
    split = split_of(ledger)
    if isinstance(split, Unavailable):
        return split
    order = COARSE_ORDER if isinstance(ledger.reporting, Unavailable) else ledger.reporting.order
    own = free_kinds(pages, order, Kind.ENDING)
    part = spread("anonymous", own, ENDED, "its own pages fill")
    part = with_lists(part, beside_lists(pages, order, Kind.ENDING, Kind.ENDING_TOO, Kind.SWAPPED), ledger)
    parts = [replace(part, low=max(0, part.low - UNSEEN))]  # a program that ends is busy until then
    more = free_kinds(pages, order, Kind.ENDING, Kind.ENDING_TOO) - own
    if more:
        parts.append(spread("shared", more, SHARED_TOO, "memory that it alone shares fills"))
    cached = count(pages, (Kind.SWAPPED,)) if swapped else 0
    if cached:
        with_swap = free_kinds(pages, order, Kind.ENDING, Kind.SWAPPED) - own
        likely = round(with_swap * min(1.0, swapped / cached))
        basis = f"up to {format_size(cached)} of what is in swap is still in RAM and may be its own"
        parts.append(Part(name="swap", low=likely // 2, likely=likely, high=with_swap, basis=basis))
    return add_up(*parts)


ENDED: Final = Share(0.97, 0.8, 1.02)
SHARED_TOO: Final = Share(0.95, 0.0, 1.0)
"""A file that is mapped may be open elsewhere as well."""


def spread(name: str, size: int, ends: Share, basis: str) -> Part:
    """The part of what was counted; some pages are in use for the moment, others have been freed since."""
    low, likely, high = (max(0, round(share * size)) for share in (ends.low, ends.part, ends.high))
    told = f"{basis} {format_size(size)} of blocks that can be reported, by where each page lies"
    return Part(name=name, low=max(0, low - UNSEEN), likely=likely, high=high + UNSEEN, basis=told)


UNSEEN: Final = 4 * MIB
"""What the CPUs' lists hold and give back: the flags do not tell it from memory of the kernel."""
COMPACTED: Final = Share(0.85, 0.6, 1.02)
DROPPED: Final = Share(0.97, 0.88, 1.01)


def predict_slab(pages: PageMap, size: int, ledger: Ledger, shares: Shares) -> Part:
    """What a drop of slab frees: of ``size`` bytes of blocks that hold nothing but slab, those that are not in use."""
    there, all_of_it = unused_slab(ledger, shares), max(1, pages.kinds.count(Kind.SLAB) * pages.page_size)
    low, likely, high = (min(1.0, end / all_of_it) for end in (there.low, there.likely, there.high))
    basis = f"slab fills {format_size(size)} of blocks that can be reported, {likely:.0%} of it is not in use"
    ends = (round(SLAB_LEFT * low * size), round(likely * size), round(high * size) + 2 * UNSEEN * (size > 0))
    return Part(name="slab", low=ends[0], likely=ends[1], high=ends[2], basis=basis)


SLAB_LEFT: Final = 0.8
"""Of what is surely not in use, so much at least: the rest lies in pages with others."""


Kinds: TypeAlias = tuple[Kind, ...]
OLDEST: Final[Kinds] = (Kind.CLEAN, Kind.LAZY)
LATER: Final[Kinds] = (Kind.ACTIVE, Kind.MAPPED)
"""What ``memory.reclaim`` takes when nothing else is left."""


def predict_oldest(pages: PageMap, order: int, ledger: Ledger, size: int, shares: Shares) -> Part:
    """What ``memory.reclaim`` frees: what was used once, and what programs have given up, the oldest first.

    Which of the two is older is not known, and neither is the age of a page: the likely figure has them mixed.
    """
    asked = shares.reclaim
    once: Kinds = (Kind.CLEAN,)
    lazy: Kinds = (Kind.LAZY,)
    both = (*once, *lazy)
    turns = ((once, lazy, LATER), (lazy, once, LATER), (both, LATER))
    counts = [tuple(count(pages, kinds) for kinds in turn) for turn in turns]
    frees = {kinds: free_kinds(pages, order, *kinds) for kinds in (once, lazy, both, LATER)}

    def taken(wanted: float, turn: int, shrinks: Callable[[float], float]) -> float:
        freed = 0.0
        for kinds, there in zip(turns[turn], counts[turn], strict=True):
            part = min(1.0, wanted / there) if there else 0.0
            freed += frees[kinds] * shrinks(part)
            wanted = max(0.0, wanted - there)
        return freed

    # Age goes by place at best; at worst what is taken lies evenly between what stays, and leaves no block whole.
    low = min(taken(asked.low * size, turn, lambda part: part**8) for turn in range(len(turns)))
    high = max(taken(asked.high * size, turn, lambda part: min(1.0, 1.1 * part)) for turn in range(len(turns)))
    likely = min(high, max(low, taken(asked.part * size, 2, lambda part: part**1.5)))
    # Slab shrinks along with it, and what is dirty is written and goes as well.
    around = free_kinds(pages, order, *both, Kind.DIRTY, Kind.SLAB)
    high = max(high, around / 2 * min(1.0, asked.high * size / max(1, count(pages, (*both, Kind.DIRTY, Kind.SLAB)))))
    basis = f"of {format_size(size)} of the oldest page cache, by where each page lies"
    return Part(name="page cache", low=round(0.7 * low), likely=round(likely), high=round(high) + UNSEEN, basis=basis)


def count(pages: PageMap, kinds: Iterable[Kind]) -> int:
    """Bytes of pages of these kinds."""
    return pages.page_size * sum(map(pages.kinds.count, kinds))
