"""One sample as JSON, for programs: names and meanings that stay.

Sizes are integer bytes, text is safe to print. A part that cannot be read is ``{"unavailable": reason, "hint": what
to do}`` in its place.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import HostMemory
from wsltop.core.text import clean

SCHEMA: Final = 1
"""Raised when a name changes its meaning or goes away; new names do not raise it."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def snapshot(moment: Moment) -> dict[str, Json]:
    """The moment as the documented object."""
    sample = moment.sample
    identity = sample.identity
    return {
        "schema": SCHEMA,
        "time": sample.time,
        "guest": guest_part(moment.ledger),
        "host": host_part(sample.host, sample.monotonic),
        "wsl": {
            "version": plain(identity.wsl_version),
            "kernel": plain(identity.kernel),
            "distro": plain(identity.distro),
        },
    }


def encode(moment: Moment, *, indent: bool = True) -> str:
    """The snapshot as text: indented, or one line for streams."""
    text = msgspec.json.encode(snapshot(moment))
    return (msgspec.json.format(text, indent=2) if indent else text).decode()


def guest_part(ledger: Reading[Ledger]) -> Json:
    """The guest's buckets, which sum to ``total``."""
    if isinstance(ledger, Unavailable):
        return missing(ledger)
    split = ledger.free_split
    reporting = ledger.reporting
    cache = ("cache", "cache_clean", "cache_dirty", "cache_held")
    names = ("total", "free", "available", "used", "anonymous", "shared", *cache)
    kernel = ("slab_reclaimable", "slab_unreclaimable", "page_tables", "huge_pages", "kernel_other")
    part: dict[str, Json] = {name: getattr(ledger, name) for name in names + kernel}
    part["fragmented_free"] = missing(split) if isinstance(split, Unavailable) else split.fragmented
    part["reportable_free"] = missing(split) if isinstance(split, Unavailable) else split.reportable
    part["reporting_order"] = missing(reporting) if isinstance(reporting, Unavailable) else reporting.order
    part["reporting_order_assumed"] = isinstance(reporting, Unavailable) or reporting.assumed
    part["present"] = plain(ledger.present)
    part["expected_host"] = plain(ledger.expected_host)
    part["swap_total"] = ledger.swap_total
    part["swap_free"] = ledger.swap_free
    return part


def host_part(host: Reading[HostMemory], monotonic: float) -> Json:
    """What the host said, and how old it is."""
    if isinstance(host, Unavailable):
        return missing(host)
    return {
        "source": host.source,
        "process": clean(host.process),
        "pid": host.pid,
        "working_set": host.working_set,
        "private_bytes": plain(host.private_bytes),
        "total": plain(host.total),
        "available": plain(host.available),
        "age": round(max(0.0, monotonic - host.read_at), 3),
    }


def plain(reading: Reading[str] | Reading[int]) -> Json:
    """A value, or why there is none."""
    if isinstance(reading, Unavailable):
        return missing(reading)
    return clean(reading) if isinstance(reading, str) else reading


def missing(reading: Unavailable) -> Json:
    """The object that stands for a missing value."""
    return {"unavailable": clean(reading.reason), "hint": clean(reading.hint)}
