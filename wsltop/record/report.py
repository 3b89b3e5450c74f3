"""The report for people: what the screen says, as plain text."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from wsltop.core.event import Event
from wsltop.core.hog_events import tell_kind
from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Hog, HostMemory
from wsltop.core.text import clean
from wsltop.core.units import format_size

EVENTS: Final = 20
"""The newest events that a report lists."""


def report(moment: Moment, events: Sequence[Event] = ()) -> str:
    """All that the screen says at ``moment``, ending with a newline."""
    return "\n".join(report_lines(moment, events)) + "\n"


def report_lines(moment: Moment, events: Sequence[Event]) -> Iterator[str]:
    """Yield the report's lines."""
    sample = moment.sample
    identity = sample.identity
    yield f"wsltop {stamp(sample.time)}"
    yield f"distro  {tell(identity.distro)}"
    yield f"WSL     {tell(identity.wsl_version)}"
    yield f"kernel  {tell(identity.kernel)}"
    yield ""
    yield from host_lines(moment)
    yield ""
    yield from guest_lines(moment.ledger)
    yield ""
    yield from gap_lines(moment)
    if sample.hogs:
        yield ""
        yield "hogs"
        yield from (hog_line(hog) for hog in sample.hogs)
    if events:
        yield ""
        yield "events"
        yield from (event_line(event) for event in events[-EVENTS:])


def host_lines(moment: Moment) -> Iterator[str]:
    """Yield what the host says, or why it does not."""
    host: Reading[HostMemory] = moment.sample.host
    if isinstance(host, Unavailable):
        yield f"host    unknown: {tell(host)}"
        ledger = moment.ledger
        if not isinstance(ledger, Unavailable) and not isinstance(ledger.expected_host, Unavailable):
            yield amount("expected", ledger.expected_host)
        return
    age = max(0.0, moment.sample.monotonic - host.read_at)
    yield f"host    {clean(host.process)} (pid {host.pid}), by {host.source}, {age:.1f} s ago"
    yield amount("working set", host.working_set)
    for name, reading in (("private bytes", host.private_bytes), ("total", host.total), ("available", host.available)):
        yield f"  {name:<18} {tell(reading):>10}" if isinstance(reading, Unavailable) else amount(name, reading)


def guest_lines(ledger: Reading[Ledger]) -> Iterator[str]:
    """Yield the guest's figures and buckets."""
    if isinstance(ledger, Unavailable):
        yield f"guest   unknown: {tell(ledger)}"
        return
    yield "guest"
    for name in ("total", "used", "free", "available"):
        yield amount(name, getattr(ledger, name))
    yield "of which"
    for name in ("anonymous", "shared", "cache", "slab_reclaimable", "slab_unreclaimable", "page_tables"):
        yield amount(name.replace("_", " "), getattr(ledger, name))
    yield amount("huge pages", ledger.huge_pages)
    yield amount("other kernel", ledger.kernel_other)
    split = ledger.free_split
    if isinstance(split, Unavailable):
        yield f"  free memory is not split: {tell(split)}"
    else:
        yield amount("fragmented free", split.fragmented)
        yield amount("reportable free", split.reportable)
    if not isinstance(ledger.reporting, Unavailable):
        assumed = " (assumed)" if ledger.reporting.assumed else ""
        yield f"  reporting order    {ledger.reporting.order:>10}{assumed}"
    if ledger.swap_total:
        yield f"  swap               {format_size(ledger.swap_used):>10} of {format_size(ledger.swap_total)}"


def gap_lines(moment: Moment) -> Iterator[str]:
    """Yield the gap and its sentence."""
    gap = moment.gap
    if isinstance(gap, Unavailable):
        yield f"gap     unknown: {tell(gap)}"
        return
    kind = "" if gap.measured else " (expected, not measured)"
    yield f"gap     {format_size(gap.size)}{kind}: {gap.sentence}"


def hog_line(hog: Hog) -> str:
    """One hog."""
    speed = "" if hog.speed is None else f", {format_size(hog.speed)}/s"
    kind = tell_kind(hog.kind, incompressible=hog.incompressible)
    return f"  {hog.pid:>7} {kind} {format_size(hog.resident)} of {format_size(hog.target)}{speed}, {hog.status}"


def event_line(event: Event) -> str:
    """One event."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.time))
    return f"  {clock} {event.kind:<17} {clean(event.text)} [{event.origin}]"


def stamp(wall_clock: float) -> str:
    """A date and a time, with how far its zone is from UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(wall_clock))


def amount(name: str, size: int) -> str:
    """A name and a size, aligned."""
    return f"  {name:<18} {format_size(size):>10}"


def tell(reading: Reading[str] | Reading[int]) -> str:
    """A value as text, or why there is none."""
    if isinstance(reading, Unavailable):
        hint = f" ({clean(reading.hint)})" if reading.hint else ""
        return f"{clean(reading.reason)}{hint}"
    return clean(str(reading))
