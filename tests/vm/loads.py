"""Scenarios that take memory and free it again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import msgspec

from tests.vm.findings import MIB, MOST, Finding, at_least, at_most, compare, note
from tests.vm.lab import Lab, State, guest_size, point
from wsltop.hogs.guard import floor_for


def idle(lab: Lab) -> Iterator[Finding]:
    """The commands, end to end: through both programs of Windows."""
    yield note("boot, until the agent answers", f"{lab.machine.boot_seconds:.1f} s")
    for source in ("powershell", "tasklist"):
        lab.settle()
        said = lab.machine.run(sys.executable, "-m", "wsltop", "snapshot", "--json", "--host", source)
        measured = lab.machine.working_set()
        found = msgspec.json.decode(said)
        yield compare(f"snapshot --host {source}", found["guest"]["expected_host"], found["host"]["working_set"])
        yield compare(f"… its figure of the host, by {found['host']['source']}", measured, found["host"]["working_set"])


def classic(lab: Lab) -> Iterator[Finding]:
    """Four hogs of 384 MiB, killed: the experiment that people do by hand."""
    before = lab.settle()
    yield point("before", before)
    start = lab.machine.start("/bin/cat", "/proc/uptime")
    began = float(b"".join(start.stream(5.0)).split()[0])
    lab.hogs("anonymous", 384 * MIB, 4)
    held = lab.settle()
    yield point("held", held)
    yield at_least("taken from the host", 4 * 384 * MIB * MOST, held.measured - before.measured)
    lab.command(kill=True)
    seconds = fall(lab, held.measured)
    after = lab.settle()
    yield point("killed", after)
    yield at_least("given back", 4 * 384 * MIB * MOST, held.measured - after.measured)
    yield note("half is back after, 95 % after", seconds)
    hogs = [one for one in lab.events if one.kind == "hog" and one.start >= began]
    yield Finding("events of hogs", "≥ 2 of wsltop", str(len(hogs)), len({one.text for one in hogs}) >= 2)


def fall(lab: Lab, high: int) -> str:
    """How long the host's figure takes for half of its way down to what is expected, and for 95 % of it."""
    first = lab.wait_until(lambda state: not state.tick.hogs, "the end of the hogs")

    def past(share: float) -> Callable[[State], bool]:
        return lambda state: high - state.measured > share * (high - state.expected)

    half = lab.wait_until(past(0.5), "half of the fall")
    most = lab.wait_until(past(0.95), "95 % of the fall")
    return f"{half.time - first.time:.0f} s, {most.time - first.time:.0f} s"


def touch_small(lab: Lab) -> Iterator[Finding]:
    """4-KiB pages of a program that is none of ours."""
    yield from touch(lab, "small")


def touch_huge(lab: Lab) -> Iterator[Finding]:
    """Transparent huge pages."""
    yield from touch(lab, "huge")


def touch(lab: Lab, kind: str, size: int = 1536) -> Iterator[Finding]:
    """Touch, hold, free."""
    before = lab.settle()
    with lab.holding(kind, size):
        held = lab.settle()
        yield point("touched", held)
        yield at_least("taken from the host", size * MIB * MOST, held.measured - before.measured)
        huge = int(lab.machine.run("/run/vm/busybox", "awk", "/AnonHugePages/ {print $2}", "/proc/meminfo")) * 1024
        if kind == "huge":
            yield at_least("in huge pages", size * MIB * MOST, huge)
        else:
            yield at_most("in huge pages", 0, huge)
    after = lab.settle()
    yield point("freed", after)
    yield at_least("given back", size * MIB * MOST, held.measured - after.measured)


def floor(lab: Lab) -> Iterator[Finding]:
    """Hogs keep the floor: what goes below it is refused, and a hog stops when another program takes its room."""
    start = lab.settle()
    available, kept = guest_size(start, "available"), floor_for(guest_size(start, "total"))
    lab.command(hog=["anonymous", available - kept // 2, 1])
    refused = lab.wait_until(lambda state: bool(state.tick.refused), "a refusal", 10.0)
    yield Finding("a hog below the floor", "refused", refused.tick.refused, "the floor is" in refused.tick.refused)
    lab.command(hog=["anonymous", available - kept - 128 * MIB, 1])
    with lab.holding("shared", 640):
        stopped = lab.wait_until(lambda state: status_of(state) in {"floor", "holding"}, "the hog's stop")
        yield Finding("a hog whose room is taken", "floor", status_of(stopped), status_of(stopped) == "floor")
        full = lab.settle()
        yield point("at the floor", full)
        yield at_least("available, of the floor", kept - 64 * MIB, guest_size(full, "available"))
        lab.kill()
    yield point("killed", lab.settle())
    kills = [one for one in lab.events if one.kind == "oom kill"]
    yield Finding("OOM kills", "none", str(len(kills)), not kills)


def status_of(state: State) -> str:
    """What the only hog does; empty without one."""
    return state.tick.hogs[0].status if state.tick.hogs else ""
