"""Scenarios of WSL's own reclaim: the rules of its init, without any other action."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator, Iterator
from typing import Any, Final

from tests.vm.findings import MIB, MOST, Finding, at_least, note
from tests.vm.lab import Lab, Span, point
from tests.vm.link import Job
from tests.vm.machine import has_kvm
from tests.vm.missing import MachineFailed

SLOW: Final = 10.0
"""Seconds between samples: emulated, one takes 60 ms, and at one a second the machine would never be idle."""
PATIENCE: Final = 240.0


def drop_by_d(lab: Lab) -> Iterator[Finding]:
    """512 MiB of page cache, and two minutes of rest: cache and slab, and a compaction."""
    high, looks = yield from rest(lab, "D")
    drop, compaction = Span(*looks[-1]["drop_caches"]), Span(*looks[-1]["compact_memory"])
    yield from look_back(lab, high, drop, compaction.end, 3)
    yield lab.told("compaction", "vmstat", compaction)


def drop_by_c(lab: Lab) -> Iterator[Finding]:
    """The same by the rule before: the page cache alone; it compacts all along, with or without a drop."""
    high, looks = yield from rest(lab, "C")
    drop = Span(*looks[-1]["drop_caches"])
    yield from look_back(lab, high, drop, drop.end, 1)
    done = [look for look in looks if "compact_memory" in look]
    seen = [one for one in lab.events if (one.kind, one.origin) == ("compaction", "vmstat")]
    # Acts within ten seconds, one sample, are one event.
    yield Finding("events “compaction” of vmstat", f"1 to {len(done)}", str(len(seen)), 1 <= len(seen) <= len(done))


def rest(lab: Lab, rule: str) -> Generator[Finding, None, tuple[int, list[dict[str, Any]]]]:
    """Fill the cache and leave the guest alone until the rule drops it; the host's figure before, and the looks."""
    before = lab.settle()
    lab.stop()
    lab.start(SLOW)
    lab.act("truncate -s 512M /var/tmp/idle; cat /var/tmp/idle >/dev/null")
    time.sleep(5.0)
    init = lab.machine.start(sys.executable, "-I", "-S", "tests/vm/guest/wsl_init.py", rule)
    began = time.monotonic()
    high = lab.machine.working_set()
    yield at_least("kept by the host before", 512 * MIB * MOST, high - before.measured)
    looks = list(watch(init))
    init.write("\n")
    yield note("looks until it acts", f"{len(looks)}, {time.monotonic() - began:.0f} s")
    yield note("busy share of all CPUs" if rule == "D" else "share of user time", share(looks))
    return high, looks


def look_back(lab: Lab, high: int, drop: Span, done: float, written: int) -> Iterator[Finding]:
    """What wsltop tells of a drop, after which nothing was done any more."""
    # The ticks of the wait have piled up; two after the act, the second of them settled.
    state = lab.wait_until(lambda state: state.tick.monotonic > done + SLOW + 5.0, "ticks after it")
    yield point("after it", state)
    yield at_least("given back", 512 * MIB * MOST, high - state.measured)
    yield lab.told("cache drop", "kmsg", drop)
    yield lab.told("cache drop", "vmstat", drop)
    texts = [one.text for one in lab.events if one.origin == "kmsg" and one.kind == "cache drop"]
    text = texts[-1] if texts else "none"
    ok = text.startswith("mini_init (") and text.endswith(f"drop_caches: {written}")
    yield Finding("its line in the kernel log", f"mini_init (…): drop_caches: {written}", text, ok)


def watch(init: Job) -> Iterator[dict[str, Any]]:
    """Its looks, up to the one at which it acts."""
    deadline = time.monotonic() + PATIENCE
    rest = b""
    while time.monotonic() < deadline:
        said = init.read(SLOW + 5.0)
        if not said:
            raise MachineFailed(f"the stand-in of WSL's init says nothing: {rest.decode()}")
        *lines, rest = (rest + said).split(b"\n")
        for line in lines:
            look = json.loads(line)
            yield look
            if "drop_caches" in look:
                return
    raise MachineFailed(f"the guest was not idle for {PATIENCE:.0f} s (limit 0.5 %)")


def share(looks: list[dict[str, Any]]) -> str:
    """Highest and mean."""
    shares = [100 * look["busy"] / look["total"] for look in looks]
    emulated = "" if has_kvm() else ", emulated"
    return f"{sum(shares) / len(shares):.2f} %, at most {max(shares):.2f} % (limit 0.5 %{emulated})"
