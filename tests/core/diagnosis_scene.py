"""Evidence for the tests of the rules: a healthy WSL machine, of which each test changes what it is about."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from tests import samples
from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.finding import Finding
from wsltop.core.diagnosis.rules import RULES
from wsltop.core.explanation import explain
from wsltop.core.gate.rules import RULE_2_8_7, IdleRule
from wsltop.core.gate.watch import Bounds, GateState, Verdict, WindowState
from wsltop.core.history import Point
from wsltop.core.ledger import free_pages_from
from wsltop.core.moment import interpret
from wsltop.core.wslconfig.effective import Mode, ReclaimMode
from wsltop.model.sample import (
    Counters,
    Event,
    EventKind,
    FreeBlocks,
    HostMemory,
    Identity,
    KernelLog,
    Meminfo,
    OwnUse,
    Pressure,
    Reading,
    ReportingOrder,
    Sample,
    Unavailable,
    Zone,
    known,
)
from wsltop.model.text import GIB, MIB

NO = Unavailable("not read in this test", "Try again.")
TOTAL = 16 * GIB
KERNEL = 512 * MIB
NOW = 100_000.0
"""CLOCK_MONOTONIC of all samples: the VM is more than a day old."""
PAGE = 4096
SMALL, LARGE = 5, 10
"""Orders of the blocks that reportable free memory lies in: 128 KiB and 4 MiB."""


def meminfo(
    *,
    cache: int = 512 * MIB,
    anonymous: int = 2 * GIB,
    shared: int = 64 * MIB,
    huge: int = 0,
    swap_total: int = 4 * GIB,
    swap_used: int = 0,
    available: int | None = -1,
) -> Meminfo:
    """Figures that add up; all cache is clean. ``available=-1``: free and cache, as the kernel would say."""
    free = max(0, TOTAL - KERNEL - cache - anonymous - shared - huge)
    return samples.meminfo(
        total=TOTAL,
        free=free,
        available=free + cache if available == -1 else available,
        buffers=0,
        cached=cache + shared,
        active_file=cache,
        inactive_file=0,
        dirty=0,
        anon_pages=anonymous,
        mapped=0,
        shmem=shared,
        slab_reclaimable=0,
        slab_unreclaimable=0,
        page_tables=0,
        huge_pages=huge,
        swap_total=swap_total,
        swap_free=swap_total - swap_used,
    )


def blocks(free: int, fragmented: int) -> tuple[FreeBlocks, ...]:
    """Free memory, of which ``fragmented`` lies in single pages; the DMA zone has large blocks whatever happens."""
    pages = max(0, free - fragmented) // PAGE - (3 << LARGE)
    large, rest = divmod(max(0, pages), 1 << LARGE)
    normal = (fragmented // PAGE, 0, 0, 0, 0, rest >> SMALL, 0, 0, 0, 0, large)
    return (
        FreeBlocks(node=0, zone="DMA", counts=(0,) * LARGE + (3,)),
        FreeBlocks(node=0, zone="Normal", counts=normal),
    )


def host(
    working_set: int, *, total: Reading[int] = 32 * GIB, available: Reading[int] = 12 * GIB, read_at: float = NOW - 1
) -> HostMemory:
    return samples.host_memory(
        working_set=working_set,
        private_bytes=NO,
        total=total,
        available=available,
        read_at=read_at,
    )


def sample(*, fragmented: int = 64 * MIB, figures: Meminfo | None = None, **fields: Any) -> Sample:
    """A sample of a machine whose host holds just what it should."""
    figures = figures or meminfo()
    free_blocks = blocks(figures.free, fragmented)
    reportable = free_pages_from(free_blocks, SMALL) * PAGE
    settled: dict[str, Any] = {
        "time": 1.8e9,
        "monotonic": NOW,
        "identity": Identity(kernel="6.6.87.2-microsoft-standard-WSL2", distro="Ubuntu", wsl_version="2.7.11.0"),
        "meminfo": figures,
        "free_blocks": free_blocks,
        "zones": (Zone(node=0, zone="Normal", present=TOTAL // PAGE, managed=TOTAL // PAGE, low=100),),
        "reporting": ReportingOrder(order=5, assumed=False),
        "counters": Counters(values={"oom_kill": 0, "pswpin": 0, "pswpout": 0}),
        "pressure": pressure(),
        "kernel_log": KernelLog(origin="kmsg"),
        "host": host(TOTAL - reportable),
        "own": OwnUse(cpu=0.003, resident=60 * MIB),
    }
    return Sample(**(settled | fields))


def pressure(some60: float = 0.0, full10: float = 0.0, some10: float = 0.0) -> Pressure:
    return Pressure(some_avg10=some10, some_avg60=some60, full_avg10=full10, full_avg60=0.0)


def evidence(
    taken: Sample | None = None, *, draining: Any = None, flavor: Literal["wsl2", "wsl1", "none"] = "wsl2", **parts: Any
) -> Evidence:
    """Evidence around a sample; what is not given was not read."""
    moment = interpret(taken or sample(), 1.0)
    if draining is not None:
        moment = replace(moment, draining=draining)
    return explained(Evidence(moment=moment, flavor=flavor, **parts))


def explained(made: Evidence) -> Evidence:
    """The same evidence, with the explanation that a session would make of it."""
    moment, seen = made.moment, made.moment.sample
    counters = known(seen.counters)
    explanation = explain(
        moment.ledger,
        moment.lent,
        moment.host,
        moment.draining,
        flavor=made.flavor,
        gates=known(made.gates) or (),
        blockers=made.blockers,
        holders=made.holders,
        suggestion=made.suggestion,
        reclaim_file=made.reclaim_file,
        uptime=seen.monotonic,
        pressure=seen.pressure,
        hogs=seen.hogs,
        drops=None if counters is None else counters.values.get("drop_pagecache"),
    )
    return replace(made, explanation=explanation)


def guest(fragmented: int = 64 * MIB, **figures: Any) -> Sample:
    """A sample with these figures of the guest."""
    return sample(figures=meminfo(**figures), fragmented=fragmented)


def gate(
    verdict: Verdict = "shut",
    *,
    rule: IdleRule = RULE_2_8_7,
    mode: Mode = "dropCache",
    spent: bool | None = False,
    overdue: bool = False,
    opens: float | None = 30.0,
    last_fired: float | None = None,
) -> GateState:
    window = WindowState(name="10 min", seconds=600, busy=0.019, limit=0.00525, watched=600.0, ok=verdict == "open")
    return GateState(
        rule=rule,
        mode=mode,
        certainty="configured",
        verdict=verdict,
        reason="10 min: 1.90 % of all CPUs in use, the limit is 0.525 %",
        windows=(window,),
        look=None,
        phase_known=False,
        opens=None if opens is None else Bounds(earliest=0.0, latest=opens),
        spent=spent,
        open_for=90.0 if verdict == "open" else None,
        overdue=overdue,
        last_fired=last_fired,
        intent=(),
    )


def mode(name: Mode, certainty: Literal["configured", "default", "assumed"] = "configured") -> ReclaimMode:
    return ReclaimMode(mode=name, certainty=certainty, source="line 2 of .wslconfig", line=2)


def event(kind: EventKind, text: str, ago: float = 60.0, **amounts: int) -> Event:
    origin: Literal["vmstat", "kmsg"] = "vmstat" if amounts else "kmsg"
    start = NOW - ago
    return samples.event(text, kind=kind, origin=origin, time=1.8e9 - ago, start=start, end=start, amounts=amounts)


def past(excess: int, expected: int = 3 * GIB, seconds: int = 70) -> tuple[Point, ...]:
    """A history in which the host held so much more than expected."""
    return tuple(Point(NOW - ago, GIB, GIB, expected + excess, expected) for ago in range(seconds, 0, -1))


class Case(NamedTuple):
    """A rule with evidence that it finds, evidence that just does not do, and evidence without what it needs."""

    id: str
    hit: Evidence
    miss: Evidence
    blind: Evidence


RULE_BY_ID = {rule.id: rule for rule in RULES}


def judge(id_: str, seen: Evidence) -> Finding | None:
    return RULE_BY_ID[id_](seen)


def check(case: Case) -> Finding:
    """The rule fires for ``hit`` alone, and says nothing unsafe."""
    found = judge(case.id, case.hit)
    assert found is not None
    assert found.id == case.id
    assert judge(case.id, case.miss) is None
    assert judge(case.id, case.blind) is None
    return found
