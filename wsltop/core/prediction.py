"""What an action would add to reportable free memory, said before it is done, and compared with what came of it.

Each prediction has two figures. ``at_most`` is a bound: more than this is not there to be had. ``estimate`` is the
figure to show: the part of the bound that is likely to end up in blocks of at least the reporting order. That part
is assumed from trials until it has been seen on this machine.

    compaction   bound: fragmented free. It moves pages, it frees none.
    cache drop   freed: clean page cache that nothing maps (``Ledger.cache_clean``). Bound: all page cache that is not
                 dirty, because Mapped, which is subtracted, counts mapped shared memory too.
    drop all     the same and slab: reclaimable slab is what the kernel *might* free; objects in use stay, and one of
                 them keeps its whole page.
    reclaim      the same as a cache drop, up to the size asked for; it frees slab and mapped pages as well.
    pressure     a process takes all free memory but what the kernel keeps (its low watermarks), and then so much more;
                 what it pushes out is free when it ends. It may not take what lies below the floor. The kernel goes on
                 up to a higher watermark, so the bound is higher by the low ones.
    kill         the process's anonymous pages.

What is freed may join fragmented free memory beside it to a reportable block, so every bound but that of compaction
grows by fragmented free.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wsltop.core.ledger import FreeSplit, Ledger
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.units import format_size

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


class Prediction(Struct, frozen=True, kw_only=True, tag="prediction"):
    """What an action would add to reportable free memory. Bytes."""

    estimate: int
    at_most: int
    basis: str
    """How the two were found, as a sentence."""

    def tell(self) -> str:
        """Both figures for people."""
        return f"about {format_size(self.estimate)}, at most {format_size(self.at_most)}"


def predict_compaction(ledger: Ledger, shares: Shares | None = None) -> Reading[Prediction]:
    """What compaction would join to reportable blocks."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    share = (shares or shares_for(ledger)).fragmented
    basis = f"{format_size(split.fragmented)} is free in blocks that are too small to report; {share.tell()}"
    return Prediction(estimate=round(share.part * split.fragmented), at_most=split.fragmented, basis=basis)


def predict_drop(ledger: Ledger, shares: Shares | None = None, *, slab: bool = False) -> Reading[Prediction]:
    """What dropping the page cache would free for the host; with ``slab`` the kernel's objects too."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    shares = shares or shares_for(ledger)
    estimate = shares.cache.part * ledger.cache_clean
    at_most = split.fragmented + ledger.cache - ledger.cache_dirty
    basis = f"{tell_clean(ledger)}; {tell_cache(shares.cache)}"
    if slab:
        estimate += shares.slab.part * ledger.slab_reclaimable
        at_most += ledger.slab_reclaimable
        basis += f"; reclaimable slab {format_size(ledger.slab_reclaimable)}, {shares.slab.tell()}"
    return Prediction(estimate=round(estimate), at_most=at_most, basis=basis)


def predict_reclaim(ledger: Ledger, size: int, shares: Shares | None = None) -> Reading[Prediction]:
    """What asking a cgroup for ``size`` bytes would free for the host."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    share = (shares or shares_for(ledger)).cache
    there = ledger.cache - ledger.cache_dirty + ledger.slab_reclaimable
    wanted = min(size, ledger.cache_clean)
    return Prediction(
        estimate=round(share.part * wanted),
        at_most=split.fragmented + min(size, there),
        basis=f"{format_size(wanted)} of {tell_clean(ledger)}; {tell_cache(share)}",
    )


def predict_pressure(ledger: Ledger, size: int, floor: int, shares: Shares | None = None) -> Reading[Prediction]:
    """What a hog of ``pressure_size`` would free for the host once it has ended."""
    split = ledger.free_split
    if isinstance(split, Unavailable):
        return split
    share = (shares or shares_for(ledger)).cache
    pushed = max(0, pressure_size(ledger, size, floor) - free_to_take(ledger))
    wanted = min(pushed, ledger.cache_clean)
    limit = f" (the floor of {format_size(floor)} allows no more)" if pushed < min(size, ledger.cache_clean) else ""
    return Prediction(
        estimate=round(share.part * wanted),
        at_most=split.fragmented + min(pushed + ledger.watermark, ledger.cache + ledger.slab_reclaimable),
        basis=f"{format_size(wanted)} of {tell_clean(ledger)}{limit}; {tell_cache(share)}",
    )


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
    return Prediction(estimate=round(share.part * anonymous), at_most=split.fragmented + anonymous, basis=basis)


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
        return self.gained - self.predicted.estimate


def compare(predicted: Prediction, before: FreeSplit, after: FreeSplit) -> Outcome:
    """What came of a prediction, from free memory before and after."""
    return Outcome(predicted=predicted, gained=after.reportable - before.reportable)
