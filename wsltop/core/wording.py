"""What a counted event says: its text from its kind, its amounts and how long it went on, and nothing else.

While an event goes on its amounts add up and its text is built again, so the text may hold nothing that is not in them.
Amounts are counts of pages or things, or bytes; those whose name ends in ``_change`` are bytes with a sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from wsltop.core.event import EventKind
from wsltop.core.units import format_duration, format_size

Amounts = Mapping[str, int]

Cause = Literal["requested", "kernel", "unknown", "running"]
"""Who wanted a compaction. ``running``: no pass has ended yet, so nobody can tell."""


def describe(kind: EventKind, amounts: Amounts, seconds: float) -> str:
    """Say in a line what was counted; ``seconds`` is the time from the first to the last sign of it."""
    tell = TELLERS.get(kind)
    text = tell(amounts) if tell else ""
    return f"{text} over {format_duration(seconds)}" if seconds > 0 else text


def cause_of_compaction(amounts: Amounts) -> Cause:
    """Tell whose wish a compaction was (see ``counters`` for the signature)."""
    if amounts.get("requested"):
        return "requested"
    if amounts.get("stalls") or amounts.get("daemon"):
        return "kernel"
    return "unknown" if amounts.get("scanned") else "running"


def tell_compaction(amounts: Amounts) -> str:
    """``requested: 264 874 pages isolated, +412 MiB reportable``."""
    parts = []
    if amounts.get("requested"):
        parts.append("requested")
    elif amounts.get("daemon"):
        parts.append("by kcompactd")
    if amounts.get("stalls"):
        parts.append(f"for {plural(amounts['stalls'], 'allocation')}")
    who = f"{', '.join(parts)}: " if parts else ""
    isolated = amounts.get("isolated", 0)
    what = f"{plural(isolated, 'page')} isolated" if isolated else "nothing to move"
    return who + what + tell_change(amounts, "reportable_change", ", {} reportable")


def tell_cache_drop(amounts: Amounts) -> str:
    """``drop_caches 3: page cache -5.1 GiB, slab -210 MiB``."""
    pagecache, slab = amounts.get("pagecache", 0), amounts.get("slab", 0)
    if pagecache and slab and pagecache != slab:
        what = f"page cache dropped {times(pagecache)}, slab {times(slab)}"
    else:
        value = (1 if pagecache else 0) + (2 if slab else 0)
        count = max(pagecache, slab)
        what = f"drop_caches {value}" + (f", {times(count)}" if count > 1 else "")
    changes = [
        tell_change(amounts, "cache_change", "page cache {}"),
        tell_change(amounts, "slab_change", "slab {}"),
    ]
    told = ", ".join(text for text in changes if text)
    return f"{what}: {told}" if told else what


def tell_direct_reclaim(amounts: Amounts) -> str:
    """``412 MiB reclaimed by allocations, 1.1 GiB scanned``."""
    scanned = amounts.get("scanned", 0)
    text = f"{format_size(amounts.get('reclaimed', 0))} reclaimed by allocations"
    return f"{text}, {format_size(scanned)} scanned" if scanned else text


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
