"""Scenarios about free memory that comes back only after an action."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from tests.vm.findings import MIB, MOST, TOLERANCE, Finding, at_least, at_most, mib, note
from tests.vm.lab import Lab, State, guest_size, point
from wsltop.model.sample import EventKind

COMPACT: Final = "echo 1 >/proc/sys/vm/compact_memory"
DROP: Final = "echo 1 >/proc/sys/vm/drop_caches"
FILE: Final = "/var/tmp/file"


def fragment(lab: Lab) -> Iterator[Finding]:
    """A random half of 1 GiB is freed: it stays with the host until compaction."""
    before = lab.settle()
    lab.hogs("fragment", 1024 * MIB)
    held = lab.settle()
    yield point("half freed", held)
    yield at_least("free in pieces", 400 * MIB, guest_size(held, "fragmented_free"))
    # Some of it lies in pieces that the host held already.
    yield at_least("kept by the host", 1024 * MIB * MOST, held.measured - before.measured)
    span = lab.act(COMPACT)
    compacted = lab.settle()
    yield point("compacted", compacted)
    order = lab.machine.order
    share = 0.6 if order is not None and order < 9 else 0.15
    yield at_least("given back by compaction", 512 * MIB * share, held.measured - compacted.measured)
    yield lab.told("compaction", "vmstat", span)
    lab.kill()
    yield point("killed", lab.settle())


def cache(lab: Lab) -> Iterator[Finding]:
    """1 GiB of page cache: it stays when its program ends, until it is dropped."""
    before, held = yield from fill_cache(lab)
    span = lab.act(DROP)
    dropped = lab.settle()
    yield point("dropped", dropped)
    yield at_least("given back", 1024 * MIB * MOST, held.measured - dropped.measured)
    yield at_most("host above before", TOLERANCE, dropped.measured - before.measured)
    yield lab.told("cache drop", "kmsg", span)
    yield lab.told("cache drop", "vmstat", span)


def fill_cache(lab: Lab) -> Generator[Finding, None, tuple[State, State]]:
    """Read a file of one hole, with a program that ends; the states before and after."""
    before = lab.settle()
    lab.act(f"truncate -s 1G {FILE}; cat {FILE} >/dev/null")
    held = lab.settle()
    yield point("file read", held)
    yield at_least("kept by the host", 1024 * MIB * MOST, held.measured - before.measured)
    return before, held


def reclaim(lab: Lab) -> Iterator[Finding]:
    """768 of 1024 MiB of page cache by ``memory.reclaim``, as WSL's ``gradual`` does."""
    _, held = yield from fill_cache(lab)
    span = lab.act(f"echo {768 * MIB} >/sys/fs/cgroup/memory.reclaim")
    after = lab.settle()
    yield point("reclaimed", after)
    # This kernel takes more than it is asked for; how much is not wsltop's claim.
    yield at_least("given back, of 768 asked for", 768 * MIB * MOST, held.measured - after.measured)
    yield lab.told("proactive reclaim", "vmstat", span)
    drops = [one for one in lab.events if one.kind == "cache drop" and one.start >= span.start]
    yield Finding("events “cache drop”", "none", str(len(drops)), not drops)
    lab.act(f"rm {FILE}")
    yield point("file removed", lab.settle())


def nothing_returns(lab: Lab) -> Iterator[Finding]:
    """Without free page reporting the host keeps what was ever touched."""
    before = lab.settle()
    lab.hogs("anonymous", 384 * MIB, 4)
    held = lab.settle()
    yield at_least("taken from the host", 4 * 384 * MIB * MOST, held.measured - before.measured)
    lab.kill()
    after = lab.settle()
    yield at_most("given back", TOLERANCE, held.measured - after.measured)
    acts: tuple[tuple[str, EventKind], ...] = ((COMPACT, "compaction"), (DROP, "cache drop"))
    for script, kind in acts:
        span = lab.act(script)
        after = lab.settle()
        yield at_most(f"given back by a {kind}", TOLERANCE, held.measured - after.measured)
        yield lab.told(kind, "vmstat", span)
    yield note("what wsltop expects", f"{mib(after.expected)} of {mib(after.measured)}")
    rest = after.tick.lent.get("vm-itself", 0) + after.tick.lent.get("not-known", 0)
    yield at_least("what wsltop cannot explain", 4 * 384 * MIB * MOST - TOLERANCE, rest)
