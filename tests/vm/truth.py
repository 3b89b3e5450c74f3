"""Scenarios of memory that wsltop was once wrong about: each row has the figures of its fault in its first line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from tests.vm.calibrate import CLOSE
from tests.vm.findings import MIB, Finding, at_least, at_most, compare, mib, note
from tests.vm.lab import Lab, State, guest_size
from tests.vm.missing import MachineFailed
from tests.vm.mixtures import WRITES, Bench
from tests.vm.returns import COMPACT, DROP
from wsltop.core.outcomes import SETTLE

PLANTED: Final = (
    "Out of memory: Killed process 4242 (planted) total-vm:1000kB, anon-rss:900kB",
    "page allocation failure: order:7, mode:0xcc0",
    "Cold memory discard hypercall failed with status 5",
)
"""Lines of the kernel log from before the doctor starts, each of which it must find."""
FOUND: Final = ("oom-kill", "order7-starved", "reporting-failing")


def within(what: str, told: dict[str, Any], came: int) -> Finding:
    """Whether what came lies within the range that was told, give or take 8 MiB."""
    if "unavailable" in told:
        return Finding(what, "a prediction", str(told["unavailable"]), False)
    low, likely, high = (int(told[name]) for name in ("low", "likely", "high"))
    ok = low - CLOSE <= came <= high + CLOSE
    return Finding(f"{what}: range", f"{mib(low)} … {mib(likely)} … {mib(high)}", f"{mib(came)}", ok)


def predicted(state: State, name: str) -> dict[str, Any]:
    """A prediction of the snapshot."""
    found: dict[str, Any] = state.tick.snapshot["predictions"][name]
    return found


NOT_CLEARED: Final = 24 * MIB
"""What a kernel without init_on_alloc was seen to have allocated and never written to."""


def untouched(lab: Lab) -> int:
    """What the host may hold less than is expected, for that reason. Bytes."""
    return NOT_CLEARED if "init_on_alloc=0" in lab.machine.cmdline else 0


def act(lab: Lab, name: str, script: str, what: str) -> Iterator[Finding]:
    """Act on a settled machine and compare what came with its prediction."""
    before = lab.settle()
    lab.act(script)
    after = lab.settle()
    yield within(what, predicted(before, name), before.measured - after.measured)
    yield compare(what, after.expected, after.measured, untouched(lab))


def mapped(lab: Lab) -> Iterator[Finding]:
    """F2. 768 of a file mapped, and 600 of tmpfs not mapped: 1068 were promised, and 513 came."""
    bench = Bench(lab.machine)
    file = {"kind": "mapped", "size": 768, "seed": 1, "share": 1.0, "locked": False}
    bench.ask(take=[file, {"kind": "tmpfs", "size": 600, "seed": 2}, {"kind": "cache", "size": 512, "seed": 3}])
    yield from act(lab, "cache_drop", DROP, "drop beside mapped cache and tmpfs")
    bench.end()


def locked(lab: Lab) -> Iterator[Finding]:
    """F2. 768 of a file mapped and locked: nothing was promised, and 513 came."""
    bench = Bench(lab.machine)
    file = {"kind": "mapped", "size": 768, "seed": 1, "share": 1.0, "locked": True}
    bench.ask(take=[file, {"kind": "cache", "size": 512, "seed": 3}])
    before = lab.settle()
    yield at_least("promised", 256 * MIB, predicted(before, "cache_drop")["likely"])
    yield from act(lab, "cache_drop", DROP, "drop beside locked cache")
    bench.end()


def compact_twice(lab: Lab) -> Iterator[Finding]:
    """F3. A second compaction was promised 23 to 299 MiB in 11 runs, and 0 came."""
    lab.hogs("fragment", 1024 * MIB)
    yield from act(lab, "compaction", COMPACT, "first compaction")
    again = lab.settle()
    yield at_most("promised to a second one", 64 * MIB, predicted(again, "compaction")["likely"])
    yield from act(lab, "compaction", COMPACT, "second compaction")
    lab.kill()


def pinned(lab: Lab) -> Iterator[Finding]:
    """F3. Half of 512 freed, the other half pinned by pipes: 223 and 281 were promised, and 33 and 40 came."""
    bench = Bench(lab.machine)
    bench.ask(take=[{"kind": "pinned", "size": 512, "seed": 4}])
    yield from act(lab, "compaction", COMPACT, "compaction beside pinned pages")
    bench.end()


def names(lab: Lab) -> Iterator[Finding]:
    """F4. A million names that are not there: 106 were promised at order 5, 41 at order 9; 303 and 267 came."""
    bench = Bench(lab.machine)
    bench.ask(take=[{"kind": "names", "size": 190, "seed": 5}])
    before = lab.settle()
    lab.act(f"echo 2 >{WRITES['drop-slab'][0]}")
    came = before.measured - lab.settle().measured
    both, cache = predicted(before, "cache_and_slab_drop"), predicted(before, "cache_drop")
    slab = {name: both[name] - cache[name] for name in ("low", "likely", "high")}
    yield within("drop of slab", slab, came)
    drops = [event for event in lab.events if event.kind == "cache drop" and event.origin == "vmstat"]
    told = -sum(event.amounts.get("slab_change", 0) for event in drops[-1:])
    yield at_least("slab in the event", 128 * MIB, told)
    bench.end()


def reclaim(lab: Lab) -> Iterator[Finding]:
    """F5. 300 asked for, "at most 308" promised: 397 and 435 came."""
    lab.act("truncate -s 1G /var/tmp/file; cat /var/tmp/file >/dev/null")
    before = lab.settle()
    lab.stop()
    job = lab.machine.start(sys.executable, "-m", "wsltop", "reclaim", "reclaim", "300M", "--json")
    said = b"".join(job.stream(120.0)).decode(errors="replace")
    lab.start()
    came = before.measured - lab.settle().measured
    try:
        found = json.loads(said[said.index("{") :])
        told = {name: int(found[key]) for name, key in RANGE.items()}
    except (ValueError, KeyError, TypeError) as why:
        raise MachineFailed(f"wsltop reclaim tells nothing ({why!r}): {said[-1000:]}") from None
    yield within("reclaim of 300", told, came)
    lab.act("rm /var/tmp/file")


RANGE: Final = {"low": "predicted_low", "likely": "predicted", "high": "predicted_high"}


def first_tick(lab: Lab) -> Iterator[Finding]:
    """F6. At the first tick after a kill the residue was called overhead of the VM."""
    lab.hogs("anonymous", 512 * MIB, 3)
    lab.settle()
    lab.command(kill=True)
    state = lab.wait_until(lambda state: not state.tick.hogs, "the end of the hogs")
    lent = state.tick.lent
    yield at_most("called the VM itself", 200 * MIB, lent.get("vm-itself", 0))
    yield note("on its way back", mib(lent.get("on-its-way", 0)))
    settled = lab.settle()
    yield at_most("still called draining", 16 * MIB, settled.tick.draining or 0)


def fragment_killed(lab: Lab) -> Iterator[Finding]:
    """F7. A hog that had freed a half of 768 is killed: 368 and 378 were promised, and 773 and 771 came."""
    lab.hogs("fragment", 768 * MIB)
    before = lab.settle()
    lab.kill()
    after = lab.settle()
    seen = [one for one in after.tick.snapshot["outcomes"] if one["act"] == "kill"]
    came = before.measured - after.measured
    told = lab.wait_until(lambda state: len(kills(state)) > 0, "the comparison", 30.0)
    guess = kills(told)[-1]["predicted"]
    ok = abs(guess - came) <= max(64 * MIB, came // 6)
    yield Finding("kill of a fragment hog: predicted", mib(guess), f"{mib(came)}, {len(seen)} compared", ok)


def kills(state: State) -> list[dict[str, Any]]:
    """The outcomes of kills."""
    return [one for one in state.tick.snapshot["outcomes"] if one["act"] == "kill"]


ORDER: Final = "/sys/module/page_reporting/parameters/page_reporting_order"


def order_changed(lab: Lab) -> Iterator[Finding]:
    """F8. The order is set to 11 while the VM runs: "Windows has trimmed 3.7 GiB" was told, and nothing was.

    From Linux 6.2 on an order above 10 is refused: there it is raised to 9.
    """
    lab.settle()
    lab.act(f"echo 11 >{ORDER} 2>/dev/null || echo 9 >{ORDER}")
    state = lab.wait_until(lambda state: isinstance(expected(state), dict), "an unknown expectation", 10.0)
    most = state.tick.snapshot["guest"].get("expected_host_at_most")
    yield Finding("expected host", "unknown, with an upper bound", str(most), isinstance(most, int))
    yield at_least("the upper bound", state.measured, most if isinstance(most, int) else 0)
    yield at_most("called trimmed", 0, -state.tick.lent.get("trimmed", 0))
    lab.act(f"echo 5 >{ORDER}")
    state = lab.next_state()
    yield at_most("called draining", 64 * MIB, state.tick.draining or 0)


def expected(state: State) -> object:
    """``guest.expected_host`` of a snapshot."""
    return state.tick.snapshot["guest"].get("expected_host")


def pool(lab: Lab) -> Iterator[Finding]:
    """F9. 768 MiB of huge pages reserved and not touched: "Windows has trimmed 770 MiB" was told."""
    lab.act("echo 384 >/proc/sys/vm/nr_hugepages")
    state = lab.settle()
    yield note("expected, measured", f"{mib(state.expected)}, {mib(state.measured)}")
    yield at_most("called trimmed", 64 * MIB, -state.tick.lent.get("trimmed", 0))
    lab.act("echo 0 >/proc/sys/vm/nr_hugepages")


def odd_pages(lab: Lab) -> Iterator[Finding]:
    """F10. Every odd page of 1 GiB of huge pages freed: 512 MiB were other kernel memory."""
    bench = Bench(lab.machine)
    bench.ask(take=[{"kind": "huge", "size": 768, "seed": 6, "share": 0.5, "longest": 1}])
    state = lab.settle()
    yield at_least("freed inside huge pages", 256 * MIB, guest_size(state, "freed_in_huge"))
    lab.act(f"echo 2 >{WRITES['drop-slab'][0]}; {COMPACT}")
    after = lab.settle()
    yield at_least("given back by the two steps", 128 * MIB, state.measured - after.measured)
    yield at_most("still inside huge pages", 64 * MIB, guest_size(after, "freed_in_huge"))
    bench.end()


def drop_and_compact(lab: Lab) -> Iterator[Finding]:
    """F11. A drop and a compaction in one line, as WSL from 2.9.8 on does: nothing was compared."""
    lab.pass_time(SETTLE)  # an act that follows another one is not compared
    lab.act("truncate -s 512M /var/tmp/file; cat /var/tmp/file >/dev/null")
    before = lab.settle()
    lab.act(f"echo 3 >{WRITES['drop-all'][0]}; {COMPACT}")
    after = lab.settle()
    came = before.measured - after.measured
    state = lab.wait_until(lambda state: len(together(state)) > 0, "the comparison", 40.0)
    told = together(state)[-1]["measured"]
    yield Finding("one act is compared", mib(came), mib(told), abs(told - came) <= 64 * MIB)
    lab.act("rm /var/tmp/file")


def together(state: State) -> list[dict[str, Any]]:
    """The outcomes of drops that a compaction followed."""
    return [one for one in state.tick.snapshot["outcomes"] if one["act"] == "drop, then compaction"]


def idle_parts(lab: Lab) -> Iterator[Finding]:
    """F12. Of an idle guest "Windows keeps:" was told with nothing after it."""
    lent = lab.settle().tick.lent
    yield Finding("parts of what is lent", "some", ", ".join(lent) or "none", bool(lent))


def doctor_log(lab: Lab) -> Iterator[Finding]:
    """F1. Faults in the log from before the doctor started: it said that nothing is wrong."""
    lines = "; ".join(f"echo '<4>{line}' >/dev/kmsg" for line in PLANTED)
    lab.act(lines)
    job = lab.machine.start(sys.executable, "-m", "wsltop", "doctor", "--json", "--watch", "3")
    said = b"".join(job.stream(60.0))
    try:
        ids = [one["id"] for one in json.loads(said)["findings"]]
    except (ValueError, KeyError):
        ids = [said.decode(errors="replace")[-200:]]
    yield Finding("the doctor, after the faults", ", ".join(FOUND), ", ".join(ids), set(FOUND) <= set(ids))
