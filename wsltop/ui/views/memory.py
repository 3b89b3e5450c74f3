"""Host and guest on one scale, and the gap between them."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import HostMemory
from wsltop.core.text import clean
from wsltop.core.units import MIB, format_gib, format_size

STEP: Final = 4 * MIB
"""Bars and figures move in steps of this, finer than any cell: what cannot be seen is not repainted."""


class Part(Struct, frozen=True, kw_only=True):
    """One segment of the guest's bar."""

    name: str
    short: str
    style: str
    size: int


class HostView(Struct, frozen=True, kw_only=True):
    """The upper bar."""

    label: str
    size: int | None
    """Bytes; None when not even an expected figure is known."""
    measured: bool
    text: str
    """What stands beside the bar: figure and whose it is."""
    problem: str
    """Why there is no measured figure, and what to do; empty when there is one."""


class MemoryView(Struct, frozen=True, kw_only=True):
    """The memory panel."""

    scale: int
    host: HostView
    parts: tuple[Part, ...]
    totals: str
    """Used, free and available as ``free`` says them."""
    used: str
    gap: str
    sentence: str
    problem: str
    """Why the guest's memory is unknown; empty when it is known."""


def memory_view(moment: Moment) -> MemoryView:
    """What the memory panel says of ``moment``."""
    ledger = moment.ledger
    if isinstance(ledger, Unavailable):
        host = host_view(moment.host, ledger)
        return MemoryView(
            scale=host.size or 1, host=host, parts=(), totals="", used="", gap="", sentence="", problem=tell(ledger)
        )
    host = host_view(moment.host, ledger)
    scale = ledger.total if isinstance(ledger.present, Unavailable) else max(ledger.present, ledger.total)
    swap = f"  swap {format_gib(ledger.swap_used)} of {format_gib(ledger.swap_total)}" if ledger.swap_total else ""
    return MemoryView(
        scale=max(scale, host.size or 0),
        host=host,
        parts=guest_parts(ledger),
        totals=f"used {format_gib(ledger.used)}  free {format_gib(ledger.free)}"
        f"  available {format_gib(ledger.available)}{swap}  of {format_gib(ledger.total)} GiB",
        used=f"{format_gib(ledger.used)} GiB used",
        gap="" if isinstance(moment.gap, Unavailable) else format_size(round_step(moment.gap.size)),
        sentence=tell(moment.gap) if isinstance(moment.gap, Unavailable) else moment.gap.sentence + tell_left(moment),
        problem="",
    )


def host_view(host: Reading[HostMemory], ledger: Reading[Ledger]) -> HostView:
    """The host's bar: measured, else what is expected, else nothing."""
    if isinstance(host, Unavailable):
        expected = ledger if isinstance(ledger, Unavailable) else ledger.expected_host
        known = None if isinstance(expected, Unavailable) else round_step(expected)
        return HostView(
            label="Host",
            size=known,
            measured=False,
            text="unknown" if known is None else f"{format_gib(known)} GiB expected",
            problem=tell(host),
        )
    size = round_step(host.working_set)
    label = "Host" if host.source == "process" else "Windows"
    return HostView(
        label=label, size=size, measured=True, text=f"{format_gib(size)} GiB {clean(host.process)}", problem=""
    )


def tell_left(moment: Moment) -> str:
    """What the host itself has left, as a sentence."""
    host = moment.host
    if isinstance(host, Unavailable) or isinstance(host.available, Unavailable):
        return "."
    who = "The host" if host.source == "process" else "Windows"
    total = "" if isinstance(host.total, Unavailable) else f" of {format_size(host.total)}"
    return f". {who} has {format_size(host.available)}{total} available."


def guest_parts(ledger: Ledger) -> tuple[Part, ...]:
    """The guest's RAM from what is used for good to what the host can have back."""
    rows = [
        ("anonymous", "anon", "anonymous", ledger.anonymous),
        ("shared", "shm", "shared", ledger.shared),
        ("other kernel", "kern", "kernel", ledger.kernel_other + ledger.page_tables + ledger.huge_pages),
        ("slab", "slab", "slab", ledger.slab_reclaimable + ledger.slab_unreclaimable),
        ("cache", "cache", "cache", ledger.cache),
    ]
    split = ledger.free_split
    if isinstance(split, Unavailable):
        rows.append(("free", "free", "reportable", ledger.free))
    else:
        rows.append(("fragmented free", "frag", "fragmented", split.fragmented))
        rows.append(("reportable free", "free", "reportable", split.reportable))
    return tuple(Part(name=name, short=short, style=style, size=round_step(size)) for name, short, style, size in rows)


def round_step(size: int) -> int:
    """``size`` to the nearest step."""
    return round(size / STEP) * STEP


def tell(missing: Unavailable) -> str:
    """Reason and hint in one line."""
    reason, hint = clean(missing.reason), clean(missing.hint)
    return f"{reason}. {hint}" if hint else reason
