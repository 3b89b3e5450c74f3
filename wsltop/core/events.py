"""Events from samples: from kernel log lines, from the counters in /proc/vmstat, and from hogs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from wsltop.core.ledger import reportable_free
from wsltop.model.sample import (
    Event,
    EventKind,
    Hog,
    HogEnded,
    KernelRecord,
    Mark,
    Meminfo,
    Origin,
    Reading,
    Sample,
    Unavailable,
)
from wsltop.model.text import clean, format_duration, format_size

Amounts = Mapping[str, int]
Cause = Literal["requested", "kernel", "unknown", "running"]
"""Who wanted a compaction. ``running``: no pass has ended yet, so it is not known."""


def describe(kind: EventKind, amounts: Amounts, seconds: float) -> str:
    """Say in a line what was counted; ``seconds`` is the time from the first to the last sign of it."""
    tell = TELLERS.get(kind)
    text = tell(amounts) if tell else ""
    return f"{text} over {format_duration(seconds)}" if seconds > 0 else text


def cause_of_compaction(amounts: Amounts) -> Cause:
    """Who wanted a compaction (see ``counters`` for the signature)."""
    if amounts.get("requested"):
        return "requested"
    if amounts.get("stalls") or amounts.get("daemon"):
        return "kernel"
    return "unknown" if amounts.get("scanned") else "running"


def tell_compaction(amounts: Amounts) -> str:
    """``on request: 264 874 pages moved, +412 MiB to give back``."""
    parts = []
    if amounts.get("requested"):
        again = amounts.get("repeats", 0)
        parts.append(f"on request, {times(again + 1)}" if again else "on request")
    elif amounts.get("daemon"):
        parts.append("by the kernel")
    if amounts.get("stalls"):
        parts.append(f"for {plural(amounts['stalls'], 'allocation')}")
    who = f"{', '.join(parts)}: " if parts else ""
    isolated = amounts.get("isolated", 0)
    what = f"{plural(isolated, 'page')} moved" if isolated else "nothing to move"
    return who + what + tell_change(amounts, "reportable_change", ", {} to give back")


def tell_cache_drop(amounts: Amounts) -> str:
    """``file cache and slab dropped: file cache -5.1 GiB, slab -210 MiB``."""
    pagecache, slab = amounts.get("pagecache", 0), amounts.get("slab", 0)
    if pagecache and slab and pagecache != slab:
        what = f"file cache dropped {times(pagecache)}, slab {times(slab)}"
    else:
        count = max(pagecache, slab)
        which = " and ".join(name for name, drops in (("file cache", pagecache), ("slab", slab)) if drops)
        what = f"{which} dropped" + (f" {times(count)}" if count > 1 else "")
    changes = [
        tell_change(amounts, "cache_change", "file cache {}"),
        tell_change(amounts, "slab_change", "slab {}"),
    ]
    told = ", ".join(text for text in changes if text)
    return f"{what}: {told}" if told else what


def tell_direct_reclaim(amounts: Amounts) -> str:
    """``412 MiB reclaimed by programs that needed memory, 1.1 GiB looked at``."""
    scanned = amounts.get("scanned", 0)
    text = f"{format_size(amounts.get('reclaimed', 0))} reclaimed by programs that needed memory"
    return f"{text}, {format_size(scanned)} looked at" if scanned else text


def tell_stall(amounts: Amounts) -> str:
    """``1 204 allocations had to wait for reclaim``."""
    return f"{plural(amounts.get('stalls', 0), 'allocation')} had to wait for reclaim"


def tell_proactive_reclaim(amounts: Amounts) -> str:
    """``256 MiB reclaimed in control groups (memory.reclaim or a limit)``."""
    parts = []
    if amounts.get("requested"):
        parts.append(f"{format_size(amounts['requested'])} reclaimed on request (memory.reclaim)")
    if amounts.get("in_cgroups"):
        parts.append(f"{format_size(amounts['in_cgroups'])} reclaimed in control groups (memory.reclaim or a limit)")
    return ", ".join(parts)


def tell_swap(amounts: Amounts) -> str:
    """``1.2 GiB out, 12 MiB in``."""
    return ", ".join(f"{format_size(amounts[way])} {way}" for way in ("out", "in") if amounts.get(way))


def tell_oom_kill(amounts: Amounts) -> str:
    """``2 processes killed``."""
    return f"{plural(amounts.get('killed', 0), 'process', 'processes')} killed: out of memory"


def tell_lost(amounts: Amounts) -> str:
    """``14 kernel messages lost``."""
    return f"{plural(amounts.get('lost', 0), 'kernel message')} lost"


TELLERS: Final[Mapping[EventKind, Callable[[Amounts], str]]] = {
    "compaction": tell_compaction,
    "cache drop": tell_cache_drop,
    "direct reclaim": tell_direct_reclaim,
    "stall": tell_stall,
    "proactive reclaim": tell_proactive_reclaim,
    "swap": tell_swap,
    "oom kill": tell_oom_kill,
    "log": tell_lost,
}


FIGURES: Final[Mapping[str, tuple[str, Literal["size", "count"]]]] = {
    "got": ("back at Windows", "size"),
    "owed": ("freed for Windows", "size"),
    "unseen": ("never shown in Windows' figure", "size"),
    "unread": ("releases for which Windows was not read", "count"),
    "predicted": ("predicted", "size"),
    "predicted_low": ("predicted at least", "size"),
    "predicted_high": ("predicted at most", "size"),
    "within": ("within the prediction", "count"),
    "isolated": ("pages moved", "count"),
    "scanned": ("pages looked at", "count"),
    "requested": ("pages looked at on request", "count"),
    "daemon": ("pages looked at by the kernel's own thread", "count"),
    "stalls": ("allocations that waited", "count"),
    "reportable_change": ("more free for Windows", "size"),
    "repeats": ("repeats", "count"),
    "pagecache": ("drops of the file cache", "count"),
    "slab": ("drops of slab", "count"),
    "cache_change": ("file cache", "size"),
    "slab_change": ("slab", "size"),
    "reclaimed": ("reclaimed", "size"),
    "in_cgroups": ("reclaimed in control groups", "size"),
    "out": ("written to swap", "size"),
    "in": ("read from swap", "size"),
    "killed": ("processes killed", "count"),
    "lost": ("lines lost", "count"),
    "hogs": ("hogs", "count"),
    "freed": ("held until then", "size"),
    "holes": ("holes between its pages", "size"),
}
"""Names and units of an event's figures."""
OTHER_FIGURES: Final[Mapping[tuple[EventKind, str], tuple[str, Literal["size", "count"]]]] = {
    ("direct reclaim", "scanned"): ("looked at", "size"),
    ("proactive reclaim", "requested"): ("reclaimed on request", "size"),
}
HOG_SAYS: Final = frozenset({"added", "filled", "floor", "failed", "killed", "ended"})
"""Figures that the text of a hog's event already says."""


def tell_amounts(kind: EventKind, amounts: Amounts) -> Iterator[tuple[str, str]]:
    """Yield names and figures of what an event counted, in words; those that are 0 are left out."""
    for name, amount in amounts.items():
        if name == "within":
            yield FIGURES[name][0], "yes" if amount else "no"
        elif amount and not (kind == "hog" and name in HOG_SAYS):
            words, unit = OTHER_FIGURES.get((kind, name)) or FIGURES.get(name, (name, "count"))
            yield words, format_size(amount) if unit == "size" else grouped(amount)


def tell_change(amounts: Amounts, name: str, form: str) -> str:
    """Put a signed size into ``form``; nothing when it is not known or did not change."""
    size = amounts.get(name)
    if not size:
        return ""
    return form.format(format_size(size) if size < 0 else f"+{format_size(size)}")


def grouped(count: int) -> str:
    """``264 874``."""
    return f"{count:,}".replace(",", " ")


def plural(count: int, one: str, many: str = "") -> str:
    """``1 page``, ``264 874 pages``."""
    return f"{grouped(count)} {one if count == 1 else many or one + 's'}"


def times(count: int) -> str:
    """``once``, ``3 times``."""
    return "once" if count == 1 else f"{grouped(count)} times"


MAX_TEXT: Final = 1000
"""Characters kept of a line: the kernel's own limit (kernel/printk/printk.c) is 1024 bytes with its prefix."""


class Meaning(NamedTuple):
    """One row of the table: a pattern that begins where the text begins."""

    pattern: re.Pattern[str]
    kind: EventKind
    memory: bool


def meaning(pattern: str, kind: EventKind, *, memory: bool = True) -> Meaning:
    """Make a row of the table."""
    return Meaning(re.compile(pattern), kind, memory)


WSL_INIT: Final = r"WSL \(\d+(?: - .{0,32}?)?\)(?: [A-Z]+)?: "
"""``WSL (1 - ) ERROR: ``, ``WSL (204 - Relay): ``, and ``WSL (1) ERROR: `` of older releases."""
OLD_INIT: Final = r"init: \(\d+\) [A-Z]+: "
"""Before WSL came from the store."""
ANY_INIT: Final = f"(?:{WSL_INIT}|{OLD_INIT})"
MEANINGS: Final = (
    meaning(r"WSL2: Performing m[eo]mory compaction", "compaction"),  # until about 2022, early on as "momory"
    meaning(r".{1,64} \(\d+\): drop_caches: 4$", "log"),  # drops nothing: it silences these lines
    meaning(r".{1,64} \(\d+\): drop_caches: \d+$", "cache drop"),
    meaning(r"(?:Memory cgroup out|Out) of memory\b", "oom kill"),
    meaning(r"Killed process \d+ \(", "oom kill"),  # the second line of a kill before Linux 5.2
    meaning(r"Tasks in .{1,512} are going to be killed due to memory\.oom\.group set$", "oom kill"),
    meaning(r"Task in .{1,512} killed as a result of limit of ", "oom kill"),  # before Linux 5.0
    meaning(r"(?:oom-kill:|oom_reaper: )", "oom kill"),
    meaning(r".{1,64} invoked oom-killer: ", "oom kill"),
    meaning(r".*\bpage allocation stalls for ", "stall"),  # Linux 4.10 to 4.14
    meaning(r".*\bpage allocation failure: order:\d", "log"),
    meaning(r".{0,64}\bvmalloc(?:: allocation failure| error)\b", "log"),
    meaning(r"\s*p9_fcall_init\+0x", "log"),  # the line of a call trace that names a request to a Windows drive
    meaning(r"SLUB: Unable to allocate memory ", "log"),
    meaning(r"misc dxg: .{0,64}\bIoctl failed: -12$", "log"),  # ENOMEM of Windows' GPU driver
    meaning(r"systemd-oomd\[\d+\]: Killed ", "oom kill"),
    meaning(r"__vm_enough_memory: ", "log"),
    meaning(r"systemd-journald\[\d+\]: Under memory pressure", "log"),
    meaning(r"(?:hv_balloon: )?Cold memory discard ", "reporting"),
    meaning(r"(?:hv_balloon: )?Underlying Hyper-V does not support order ", "reporting"),
    meaning(r"(?:hv_balloon: )?Defaulting to page_reporting_order ", "reporting"),
    meaning(r"(?:page_reporting: )?Free page reporting ", "reporting"),
    meaning(r"(?:hv_balloon|virtio_balloon)\b", "balloon"),
    meaning(r"Adding \d+k swap on ", "swap"),
    meaning(r"(?:Read|Write)-error on swap-device ", "swap"),
    meaning(r"(?i:hugetlb): ", "log"),
    # Paths of Windows that init cannot translate are the most frequent of its errors, and may name anything.
    meaning(rf"{ANY_INIT}.*\b[Ff]ailed to translate\b", "init", memory=False),
    meaning(rf"{ANY_INIT}.*(?i:memory|drop_?cache|cgroup)", "init"),
    meaning(rf"{WSL_INIT}WSL version ", "init"),
    # An error ends the thread that reclaims (until 2.9.4), and interop fails when the guest is short of memory.
    meaning(r"WSL \(\d+(?: - .{0,32}?)?\) ERROR: ", "init"),
    meaning(r"init: \(\d+\) ERROR: ", "init"),
    meaning(ANY_INIT, "init", memory=False),
    meaning(r"\) failed -?\d+ \d+$", "init"),  # the rest of an error whose text held a line feed
    meaning(r"WSL user cgroup ", "init"),
    meaning(r"mini_init\b", "init"),
)
"""The first row that matches counts."""


def interpret_record(
    record: KernelRecord, origin: Origin, *, now: float, time: float, since: float | None = None
) -> Event:
    """The event that a record stands for: what it means, and when it was written.

    Args:
        record: One record of the kernel log.
        origin: Where it was read.
        now: Monotonic time of the sample that brought it.
        time: Wall clock of that sample.
        since: Monotonic time of the sample before, for a record that was written between the two. The kernel stamps
            with its own clock (``local_clock``), which drifts from CLOCK_MONOTONIC over days and over sleep, so the
            stamp is held to that span. ``None`` for what the log held before: that keeps its stamp, but is never in
            the future.
    """
    text = clean(record.text[:MAX_TEXT])
    start = min(record.monotonic, now)
    if since is not None:
        start = max(start, min(since, now))
    kind, memory = classify(text)
    return Event(
        kind=kind,
        origin=origin,
        time=time - (now - start),
        start=start,
        end=start,
        text=text,
        memory=memory,
        level=record.level,
    )


def classify(text: str) -> tuple[EventKind, bool]:
    """The kind of a line, and whether it is about memory."""
    for pattern, kind, memory in MEANINGS:
        if pattern.match(text):
            return kind, memory
    return "log", False


COMPACT_SCANNED: Final = ("compact_migrate_scanned", "compact_free_scanned")
DAEMON_SCANNED: Final = ("compact_daemon_migrate_scanned", "compact_daemon_free_scanned")
STEAL_BY_TYPE: Final = ("pgsteal_anon", "pgsteal_file")
STEAL_BY_CAUSE: Final = ("pgsteal_kswapd", "pgsteal_direct")
STEAL_BY_NEWER_CAUSE: Final = ("pgsteal_khugepaged", "pgsteal_proactive")
"""On kernels without them their share is in pgsteal_direct."""
STALLS: Final = tuple(f"allocstall{zone}" for zone in ("", "_dma", "_dma32", "_normal", "_high", "_movable", "_device"))
WATCHED: Final = frozenset(
    {
        *COMPACT_SCANNED,
        *DAEMON_SCANNED,
        *STEAL_BY_TYPE,
        *STEAL_BY_CAUSE,
        *STEAL_BY_NEWER_CAUSE,
        *STALLS,
        "compact_isolated",
        "compact_stall",
        "drop_pagecache",
        "drop_slab",
        "oom_kill",
        "pgscan_direct",
        "pswpin",
        "pswpout",
    }
)
"""Every counter that is looked at; what else a sample holds is ignored."""
NOTABLE_PAGES: Final = 512
"""The kernel's own compaction is an event from this many isolated pages on: one huge page is nothing to see."""
NOTABLE_REMAINDER: Final = 256
"""Pages reclaimed that no cause explains are believed from here on: counters of other CPUs move while they are read."""
NONSENSE: Final = 1 << 62
"""No counter moves, and no memory changes, by this much; it comes from a damaged recording."""


class Falls:
    """The last sample before page cache, and before slab, began to fall.

    The kernel counts a drop when it is done (fs/drop_caches.c). One of many GiB takes seconds, and most of the fall
    lies in ticks before the one that counts.
    """

    def __init__(self) -> None:
        self._starts: dict[str, Sample] = {}
        self._fell: dict[str, float] = {}
        """When each was last seen to fall, monotonic."""

    def feed(self, previous: Sample, current: Sample) -> None:
        """Take two samples that follow each other."""
        before, after = previous.meminfo, current.meminfo
        if isinstance(before, Unavailable) or isinstance(after, Unavailable):
            self._starts.clear()
            return
        for name, fell in (
            ("cache", page_cache(before) - page_cache(after)),
            ("slab", before.slab_reclaimable - after.slab_reclaimable),
        ):
            if fell >= NOTABLE_FALL:
                self._starts.setdefault(name, previous)
                self._fell[name] = current.monotonic
            elif current.monotonic - self._fell.get(name, -LULL) > LULL:
                self._starts.pop(name, None)

    def start(self, previous: Sample, *names: str) -> Sample:
        """The earliest sample from which on one of ``names`` has been falling, or else ``previous``."""
        found = [self._starts[name] for name in names if name in self._starts]
        return min(found, key=lambda sample: sample.monotonic, default=previous)

    def end(self) -> None:
        """A drop has been counted: what falls from now on belongs to another."""
        self._starts.clear()


LULL: Final = 5.0
"""Seconds for which a drop may free nothing before it is counted: the last passes over slab find little."""
NOTABLE_FALL: Final = 1024 * 1024
"""Bytes by which page cache or slab falls within a tick while it is being dropped."""


class Step(NamedTuple):
    """Two samples, and by how much each counter moved that both of them have."""

    moved: dict[str, int]
    previous: Sample
    current: Sample
    falls: Falls

    def total(self, names: tuple[str, ...]) -> int:
        """By how much these counters moved together; one that is missing did not."""
        return sum(self.moved.get(name, 0) for name in names)

    def size(self, name: str) -> int:
        """By how much a counter of pages moved, in bytes."""
        return self.moved.get(name, 0) * self.current.page_size


def derive(previous: Sample, current: Sample, falls: Falls | None = None) -> tuple[Event, ...]:
    """The events that the counters show between two samples; none across a reboot or where they are missing.

    ``falls`` has followed the samples up to these two: acts that took longer than a tick have their whole amounts.
    """
    moved = movement(previous, current)
    if not moved:
        return ()
    step = Step(moved, previous, current, Falls() if falls is None else falls)
    events: list[Event] = []
    for kind, level, read in READERS:
        amounts = read(step)
        if amounts:
            if kind == "compaction" and (current.hogs_ended or any(one.kind in FREEING for one in events)):
                amounts.pop("reportable_change", None)  # another act freed memory in the same tick
            event = counted_event(kind, amounts, time=current.time, monotonic=current.monotonic, level=level)
            events.append(event)
    return tuple(events)


def counted_event(kind: EventKind, amounts: dict[str, int], *, time: float, monotonic: float, level: int = 6) -> Event:
    """Make the event of one tick, as a moment, with its text."""
    return Event(
        kind=kind,
        origin="vmstat",
        time=time,
        start=monotonic,
        end=monotonic,
        text=describe(kind, amounts, 0.0),
        level=level,
        amounts=amounts,
    )


def movement(previous: Sample, current: Sample) -> dict[str, int]:
    """By how much every watched counter moved; empty when none did, or when the samples are of different boots."""
    if isinstance(previous.counters, Unavailable) or isinstance(current.counters, Unavailable):
        return {}
    before, after = previous.counters.values, current.counters.values
    if before == after or current.monotonic <= previous.monotonic:
        return {}
    moved = {name: after[name] - before[name] for name in WATCHED if name in after and name in before}
    # Counters never fall during a boot. Where one did, the others are of another boot too, even those that rose.
    if min(moved.values(), default=0) < 0 or not 0 < max(moved.values(), default=0) < NONSENSE:
        return {}
    return moved


def requested_pages(moved: Mapping[str, int]) -> int:
    """Pages scanned for a compaction that was requested (``compact_memory``), by what moved; 0: there was none."""
    if moved.get("compact_stall", 1) or not moved.keys() >= set(DAEMON_SCANNED):
        return 0
    scanned, daemon = (sum(moved.get(name, 0) for name in names) for names in (COMPACT_SCANNED, DAEMON_SCANNED))
    return max(0, scanned - daemon)


def read_compaction(step: Step) -> dict[str, int]:
    """Pages isolated and scanned, by whose wish, and what it did to reportable free memory."""
    isolated, scanned = step.moved.get("compact_isolated", 0), step.total(COMPACT_SCANNED)
    daemon, stalls = step.total(DAEMON_SCANNED), step.moved.get("compact_stall", 0)
    requested = requested_pages(step.moved)
    if not requested and isolated < NOTABLE_PAGES:
        return {}
    amounts = {"isolated": isolated, "scanned": scanned, "requested": requested, "daemon": daemon, "stalls": stalls}
    return amounts | change("reportable_change", reportable_free(step.previous), reportable_free(step.current))


def read_cache_drop(step: Step) -> dict[str, int]:
    """How often which cache was dropped, and how it changed since it began to fall."""
    pagecache, slab = step.moved.get("drop_pagecache", 0), step.moved.get("drop_slab", 0)
    if not pagecache and not slab:
        return {}
    amounts = {"pagecache": pagecache, "slab": slab}
    cache_before = step.falls.start(step.previous, "cache").meminfo
    slab_before, after = step.falls.start(step.previous, "slab").meminfo, step.current.meminfo
    if isinstance(cache_before, Unavailable) or isinstance(slab_before, Unavailable) or isinstance(after, Unavailable):
        return amounts
    if pagecache:
        amounts |= change("cache_change", page_cache(cache_before), page_cache(after))
    if slab:
        amounts |= change("slab_change", slab_before.slab_reclaimable, after.slab_reclaimable)
    return amounts


def read_direct_reclaim(step: Step) -> dict[str, int]:
    """Bytes that allocations reclaimed themselves, and looked at for it."""
    amounts = {"reclaimed": step.size("pgsteal_direct"), "scanned": step.size("pgscan_direct")}
    return amounts if any(amounts.values()) else {}


def read_stall(step: Step) -> dict[str, int]:
    """Allocations that had to reclaim."""
    stalls = step.total(STALLS)
    return {"stalls": stalls} if stalls else {}


def read_proactive_reclaim(step: Step) -> dict[str, int]:
    """Bytes reclaimed on request, and bytes reclaimed in control groups for whatever reason."""
    remainder = 0
    if step.moved.keys() >= {*STEAL_BY_TYPE, *STEAL_BY_CAUSE}:
        remainder = step.total(STEAL_BY_TYPE) - step.total(STEAL_BY_CAUSE) - step.total(STEAL_BY_NEWER_CAUSE)
    if remainder < NOTABLE_REMAINDER:
        remainder = 0
    amounts = {"requested": step.size("pgsteal_proactive"), "in_cgroups": remainder * step.current.page_size}
    return amounts if any(amounts.values()) else {}


def read_swap(step: Step) -> dict[str, int]:
    """Bytes written to and read from swap."""
    amounts = {"out": step.size("pswpout"), "in": step.size("pswpin")}
    return amounts if any(amounts.values()) else {}


def read_oom_kill(step: Step) -> dict[str, int]:
    """Processes that the OOM killer ended."""
    killed = step.moved.get("oom_kill", 0)
    return {"killed": killed} if killed else {}


def page_cache(meminfo: Meminfo) -> int:
    """Page cache that is no tmpfs, as the ledger counts it."""
    return meminfo.cached + meminfo.buffers - meminfo.shmem


def change(name: str, before: Reading[int], after: Reading[int]) -> dict[str, int]:
    """Name a signed change, or nothing when either side is not known."""
    if isinstance(before, Unavailable) or isinstance(after, Unavailable) or abs(after - before) >= NONSENSE:
        return {}
    return {name: after - before}


FREEING: Final[frozenset[EventKind]] = frozenset({"cache drop", "direct reclaim", "proactive reclaim", "oom kill"})
READERS: Final[tuple[tuple[EventKind, int, Callable[[Step], dict[str, int]]], ...]] = (
    ("stall", 4, read_stall),
    ("direct reclaim", 6, read_direct_reclaim),
    ("proactive reclaim", 6, read_proactive_reclaim),
    ("swap", 6, read_swap),
    ("oom kill", 3, read_oom_kill),
    ("cache drop", 6, read_cache_drop),
    ("compaction", 6, read_compaction),
)
"""Kind, syslog severity and reader, in the order in which one leads to the next within a tick."""


def tell_hogs(previous: Sample, current: Sample) -> tuple[Event, ...]:
    """The events of the hogs between two samples; hogs that did the same make one event."""
    return tuple(started_and_ended(previous, current))


def started_and_ended(previous: Sample, current: Sample) -> Iterator[Event]:
    """Yield what changed, in the order in which it happens to one hog."""
    known = {hog.id: hog for hog in previous.hogs}
    started = [hog for hog in current.hogs if hog.id not in known]
    if started:
        yield hog_event(current, "added", f"{tell_targets(started)} started", hogs=len(started))
    holding = [hog for hog in current.hogs if hog.status == "holding"]
    full = fills(previous) or any(was(known, hog) != "holding" for hog in holding)
    if holding and full and not fills(current):
        # One event for all that were started together: when the last of them is full.
        yield hog_event(current, "filled", f"{tell_resident(holding)}{tell_speed(holding)}", hogs=len(holding))
    for hog in current.hogs:
        if hog.status in ("floor", "failed") and was(known, hog) != hog.status:
            text = f"{hog.pid} stopped at {format_size(hog.resident)} of {format_size(hog.target)}: {hog.note}"
            yield hog_event(current, hog.status, text, level=4)
    yield from tell_ended(current)


def tell_ended(current: Sample) -> Iterator[Event]:
    """Yield the ends: those that we killed as one event, the others each with its cause."""
    killed = [ended for ended in current.hogs_ended if ended.how == "killed"]
    if killed:
        freed = sum(ended.resident for ended in killed)
        holes = sum(max(0, ended.target - ended.resident) for ended in killed if ended.kind == "fragment")
        slowest = max(ended.teardown or 0.0 for ended in killed)
        who = f"{len(killed)} hogs" if len(killed) > 1 else f"hog {killed[0].pid}"
        text = f"{who} killed, {format_size(freed)} free again in {format_duration(slowest)}"
        yield hog_event(current, "killed", text, hogs=len(killed), freed=freed, holes=holes)
    for ended in current.hogs_ended:
        if ended.how != "killed":
            text = f"hog {ended.pid} ended with {format_size(ended.resident)}: {tell_cause(ended)}"
            yield hog_event(current, "ended", text, level=4, freed=ended.resident)


def tell_cause(ended: HogEnded) -> str:
    """Who or what ended it."""
    if ended.how == "oom":
        return "the OOM killer chose it"
    return f"killed by {ended.note} from outside" if ended.how == "signal" else ended.note


def fills(sample: Sample) -> bool:
    """Whether a hog was still taking memory."""
    return any(hog.status in ("starting", "filling") for hog in sample.hogs)


def was(known: dict[int, Hog], hog: Hog) -> str | None:
    """The status that ``hog`` had before, or None when it is new."""
    before = known.get(hog.id)
    return None if before is None else before.status


def tell_targets(hogs: list[Hog]) -> str:
    """``4 x 1.0 GiB anonymous``."""
    first = hogs[0]
    count = f"{len(hogs)} x " if len(hogs) > 1 else ""
    return f"{count}{format_size(first.target)} {tell_kind(first.kind, incompressible=first.incompressible)}"


def tell_kind(kind: str, *, incompressible: bool) -> str:
    """What a hog takes: ``cache``, ``incompressible anonymous``."""
    return f"incompressible {kind}" if incompressible else kind


def tell_resident(hogs: list[Hog]) -> str:
    """``4 hogs hold 4.0 GiB``."""
    who = f"{len(hogs)} hogs hold" if len(hogs) > 1 else "1 hog holds"
    return f"{who} {format_size(sum(hog.resident for hog in hogs))}"


def tell_speed(hogs: list[Hog]) -> str:
    """The mean speed of one fill, where it is known."""
    speeds = [hog.speed for hog in hogs if hog.speed]
    each = " each" if len(speeds) > 1 else ""
    return f", filled at {format_size(sum(speeds) / len(speeds))}/s{each}" if speeds else ""


def hog_event(
    sample: Sample, what: str, text: str, *, level: int = 6, hogs: int = 1, freed: int = 0, holes: int = 0
) -> Event:
    """An event of ours, at the sample that shows it; ``what`` tells the timeline's mark apart."""
    return Event(
        kind="hog",
        origin="wsltop",
        time=sample.time,
        start=sample.monotonic,
        end=sample.monotonic,
        text=text,
        level=level,
        amounts={what: 1, "hogs": hogs, "freed": freed} | ({"holes": holes} if holes else {}),
    )


DEMO: Final = "demo: "
"""How the mark begins that says which phase of the demo has begun."""
DEMO_START: Final = "baseline"
"""The phase with which the demo begins."""
DEMO_END: Final = "result"
"""The phase with which the demo is over."""
DEMO_SHADED: Final = ("load", "end", "compact")
"""Phases of the demo whose ground is shaded in charts, so that neighbors differ."""


def demo_phase(event: Event) -> str:
    """The phase of the demo that began with an event; empty where none did."""
    return event.text.removeprefix(DEMO) if event.kind == "mark" and event.text.startswith(DEMO) else ""


def mark_event(mark: Mark) -> Event:
    """The event that a mark of a sample tells of."""
    return Event(
        kind="mark",
        origin="wsltop",
        time=mark.time,
        start=mark.monotonic,
        end=mark.monotonic,
        text=mark.text,
        level=mark.level,
    )
