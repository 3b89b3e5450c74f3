"""Findings about free memory that Windows does not have back: scattered, draining, stuck, or not reported."""

from __future__ import annotations

import re
from typing import Final

from wsltop.core.diagnosis.evidence import (
    Evidence,
    host_name,
    host_of,
    ledger_of,
    never_compacts,
    recent,
    short,
)
from wsltop.core.diagnosis.finding import (
    COMPACT,
    DROP,
    RESTART,
    SHUTDOWN,
    UPDATE,
    WATCH,
    Figure,
    Found,
    Remedy,
    Severity,
    advice,
    offer,
    rule,
    size,
)
from wsltop.core.ledger import Ledger, free_pages_from
from wsltop.model.sample import ReportingOrder, Unavailable, known
from wsltop.model.text import GIB, MIB, format_duration, format_size

PARAMETER_SINCE: Final = (5, 14)
"""The first Linux whose page reporting has a parameter, and with it a folder in /sys/module."""
VERSION: Final = re.compile(r"(\d{1,4})\.(\d{1,4})")
WORKS: Final = re.compile(
    r"(?:hv_balloon: )?Cold memory discard hint enabled|(?:page_reporting: )?Free page reporting en"
)
FAILS: Final = re.compile(
    r"(?:hv_balloon: )?(?:Cold memory discard hypercall failed|Underlying Hyper-V does not support order)"
)
"""drivers/hv/hv_balloon.c."""


@rule("reporting-absent", "problem", "The kernel never gives free pages back.", where="wsl2")
def reporting_absent(evidence: Evidence) -> Found | None:
    """A kernel without page reporting never gives anything back: WSL#5695."""
    if not nothing_reported(evidence):
        return None
    kernel = known(evidence.moment.sample.identity.kernel) or ""
    return Found(
        verdict="NO PAGE REPORTING",
        sentence="This kernel does not report free pages: memory that Windows has once lent stays in the VM until it "
        "ends.",
        evidence=(
            Figure("kernel", short(kernel)),
            Figure("page reporting", "absent" if evidence.page_reporting is False else "no driver registered"),
        ),
        remedy=(
            advice(
                "Remove kernel= under [wsl2] in .wslconfig to get Microsoft's kernel, or build yours with "
                "CONFIG_PAGE_REPORTING=y and CONFIG_HYPERV_BALLOON=y.",
                RESTART,
            ),
            SHUTDOWN,
        ),
    )


def nothing_reported(evidence: Evidence) -> bool:
    """Whether page reporting is certainly not active on this WSL."""
    if not evidence.on_wsl:
        return False
    reporting, free_blocks = known(evidence.moment.sample.reporting), known(evidence.moment.sample.free_blocks)
    if reporting is not None and not reporting.assumed and free_blocks:
        # An order above the largest block: 5.14 to 6.1 show it until a driver has registered, and report nothing. It
        # can also be written while the VM runs, so it counts more than what the log said at boot.
        return reporting.order >= max(len(zone.counts) for zone in free_blocks)
    if any(WORKS.match(event.text) for event in evidence.events if event.kind == "reporting"):
        return False
    kernel = known(evidence.moment.sample.identity.kernel)
    match = VERSION.match(kernel) if kernel else None
    recent_enough = match is not None and (int(match[1]), int(match[2])) >= PARAMETER_SINCE
    return recent_enough and evidence.page_reporting is False


@rule("reporting-failing", "warning", "Windows refuses reported free pages.", where="wsl2")
def reporting_failing(evidence: Evidence) -> Found | None:
    """The hypervisor refuses what the kernel reports."""
    lines = [event.text for event in evidence.events if event.kind == "reporting" and FAILS.match(event.text)]
    if not lines or not evidence.on_wsl:
        return None
    return Found(
        verdict="REPORTING FAILS",
        sentence="Windows has refused free pages that the kernel reported, so they may stay in the VM.",
        evidence=(Figure("refusals in the log", str(len(lines))), Figure("kernel log", short(lines[-1], 120))),
        remedy=(UPDATE, SHUTDOWN),
    )


@rule("order-assumed", "note", "The reporting order is assumed, not read.", where="wsl2")
def order_assumed(evidence: Evidence) -> Found | None:
    """Without the parameter the figures of free memory rest on the pageblock order."""
    reporting = known(evidence.moment.sample.reporting)
    if reporting is None or not reporting.assumed or not evidence.on_wsl or nothing_reported(evidence):
        return None
    return Found(
        verdict="ORDER ASSUMED",
        sentence="The kernel does not say which free blocks it reports to Windows: order "
        f"{reporting.order} is assumed, so the figures of scattered free memory may be off.",
        evidence=(Figure("reporting order", f"{reporting.order}, assumed"),),
        remedy=(UPDATE,),
    )


SOME_FRAGMENTED, SOME_SHARE = 512 * MIB, 16
"""Below these a compaction returns too little to be seen in Task Manager."""
MUCH_FRAGMENTED, MUCH_SHARE = GIB, 8
COARSE: Final = 9
"""2 MiB: the order that Windows asks for before the builds of 2023; newer ones ask for 5, 128 KiB."""
ON_ITS_WAY: Final = 256 * MIB
"""One pass of page reporting returns about as much, so it is gone before it is read."""
STUCK, STUCK_SHARE = GIB, 8
"""The VM's own overhead was 220 to 400 MB where it was measured (WSL#6252), more is free memory."""
STEADY: Final = 60.0
"""Seconds; the kernel reports everything within about 32 (mm/page_reporting.c)."""
STARVED_ORDER: Final = 7
"""512 KiB: the ring buffer of a new connection to Windows (``vmbus_alloc_ring``, WSL#40650, #40795)."""
ENOUGH_FREE: Final = 256 * MIB
"""With less free memory the lack of large blocks is a lack of memory, and reclaim makes both."""
FAILURES_COUNT_FOR: Final = 3600.0
FAILURE: Final = re.compile(r"page allocation failure: order:(\d{1,2})")


@rule("fragmented-free", "warning", "Free memory is scattered in pieces too small for Windows to take back.")
def fragmented_free(evidence: Evidence) -> Found | None:
    """Free, but in blocks below the reporting order: WSL#8414, #10143, #9056."""
    ledger = ledger_of(evidence)
    if ledger is None or isinstance(ledger.free_split, Unavailable) or isinstance(ledger.reporting, Unavailable):
        return None
    amount, order = ledger.free_split.fragmented, ledger.reporting
    if amount < max(SOME_FRAGMENTED, ledger.total // SOME_SHARE) or nothing_reported(evidence):
        return None
    much = amount >= max(MUCH_FRAGMENTED, ledger.total // MUCH_SHARE)
    block = block_size(evidence, order)
    never = never_compacts(evidence) and evidence.on_wsl
    return Found(
        severity="warning" if much else "note",
        verdict="SCATTERED FREE",
        sentence=f"{format_size(amount)} is free, but scattered in pieces below {block}, which {host_name(evidence)} "
        "cannot take back" + ("; with autoMemoryReclaim=disabled WSL never compacts." if never else "."),
        evidence=(
            size("scattered free", amount),
            size("free in large blocks", ledger.free_split.reportable),
            Figure("reporting order", f"{order.order} = {block}{', assumed' if order.assumed else ''}"),
        ),
        remedy=(*offer(evidence, COMPACT), *finer_order(evidence, order)),
    )


def block_size(evidence: Evidence, order: ReportingOrder) -> str:
    """The smallest block that is reported."""
    return format_size(evidence.moment.sample.page_size << min(order.order, 63))


def finer_order(evidence: Evidence, order: ReportingOrder) -> tuple[Remedy, ...]:
    """Newer builds of Windows take back smaller blocks."""
    if order.assumed or order.order < COARSE or not evidence.on_wsl:
        return ()
    return (advice("Update Windows: builds since late 2023 take back blocks of 128 KiB.", "a restart of Windows"),)


@rule("draining", "note", "Freed memory is on its way back: wait.")
def draining(evidence: Evidence) -> Found | None:
    """Freed a moment ago: the kernel reports it at its own pace."""
    drain = known(evidence.moment.draining)
    if drain is None or drain.size < ON_ITS_WAY or nothing_reported(evidence):
        return None
    host = host_of(evidence)
    return Found(
        verdict="ON ITS WAY BACK",
        sentence=f"{format_size(drain.size)} is on its way back to {host_name(evidence)}: about "
        f"{format_duration(drain.seconds)} to go.",
        evidence=(
            size("not reported yet", drain.size),
            *((size("working set", host.working_set),) if host else ()),
        ),
        remedy=(advice("Wait: nothing needs to be done."),),
    )


@rule("not-returned", "warning", "Windows does not take back what Linux has freed.")
def not_returned(evidence: Evidence) -> Found | None:
    """The host holds far more than the guest keeps, for longer than reporting takes: WSL#8414, #10143."""
    ledger, host = ledger_of(evidence), host_of(evidence)
    if ledger is None or host is None or isinstance(ledger.expected_host, Unavailable):
        return None
    limit = max(STUCK, ledger.total // STUCK_SHARE)
    excess = host.working_set - ledger.expected_host
    if excess < limit or nothing_reported(evidence) or not stuck(evidence, limit):
        return None
    return Found(
        verdict="NOT RETURNED",
        sentence=f"{host_name(evidence).capitalize()} has held {format_size(excess)} more than Linux keeps for "
        f"over {STEADY:.0f} s: it does not take back what Linux has freed, or the VM itself is that large.",
        evidence=(
            size("working set", host.working_set),
            size("expected", ledger.expected_host),
            size("difference", excess),
        ),
        remedy=(SHUTDOWN,) if evidence.on_wsl else (),
    )


@rule("return-unwatched", "note", "Not watched for long enough to tell whether memory comes back.")
def return_unwatched(evidence: Evidence) -> Found | None:
    """What is called stuck once it has been watched for as long as reporting may take."""
    ledger, host = ledger_of(evidence), host_of(evidence)
    if ledger is None or host is None or isinstance(ledger.expected_host, Unavailable) or nothing_reported(evidence):
        return None
    drain = known(evidence.moment.draining)
    excess = host.working_set - ledger.expected_host - (drain.size if drain else 0)
    seconds = watched(evidence)
    if excess < max(STUCK, ledger.total // STUCK_SHARE) or seconds >= STEADY:
        return None
    return Found(
        verdict="WATCH LONGER",
        sentence=f"{host_name(evidence).capitalize()} holds {format_size(excess)} more than Linux keeps. Whether "
        f"that comes back takes {STEADY:.0f} s of watching to tell; so far {format_duration(seconds)}.",
        evidence=(
            size("working set", host.working_set),
            size("expected", ledger.expected_host),
            *((size("on its way", drain.size),) if drain and drain.size else ()),
        ),
        remedy=(WATCH,),
    )


def watched(evidence: Evidence) -> float:
    """Seconds for which both sides have been seen without a gap."""
    start = evidence.uptime
    for point in reversed(evidence.past):
        if point.host is None or point.expected is None:
            break
        start = point.monotonic
    return max(0.0, evidence.uptime - start)


def stuck(evidence: Evidence, limit: int) -> bool:
    """Whether the host held so much more at every point of the last minute; False where the minute is not known."""
    since = evidence.uptime - STEADY
    if not any(point.monotonic <= since for point in evidence.past):
        return False
    excesses = [
        None if point.host is None or point.expected is None else point.host - point.expected
        for point in evidence.past
        if point.monotonic >= since
    ]
    return bool(excesses) and all(excess is not None and excess >= limit for excess in excesses)


@rule("order7-starved", "problem", "No large free block is left: new terminals hang.", where="wsl2")
def order7_starved(evidence: Evidence) -> Found | None:
    """No block for the buffer of a new connection: new terminals hang, old ones work (WSL#11612, #40650, #41634)."""
    ledger = ledger_of(evidence)
    blocks = large_blocks(evidence)
    failures = [
        int(match[1])
        for event in recent(evidence, "log", FAILURES_COUNT_FOR)
        if (match := FAILURE.search(event.text)) is not None
    ]
    starved = blocks == 0 and ledger is not None and ledger.free >= ENOUGH_FREE
    failed = max(failures, default=0) >= STARVED_ORDER
    if not starved and not failed:
        return None
    severity: Severity = "problem" if starved and failed else "warning"
    return Found(
        severity=severity,
        verdict="NO LARGE BLOCKS",
        sentence="New terminals and Windows programs may hang: "
        + (
            "no free block of 512 KiB is left for the buffers of a new connection."
            if starved
            else "the kernel found no large block for a buffer within the last hour."
        ),
        evidence=starved_figures(ledger, blocks, failures),
        remedy=make_blocks(evidence),
    )


def make_blocks(evidence: Evidence) -> tuple[Remedy, ...]:
    """What makes large free blocks: compaction where there is free memory to join, else a drop of file cache first."""
    ledger = ledger_of(evidence)
    enough = ledger is not None and ledger.free >= ENOUGH_FREE
    return (COMPACT, DROP) if enough else (DROP, COMPACT)


def large_blocks(evidence: Evidence) -> int | None:
    """How many blocks of order 7 are free, without the DMA zone, which the kernel keeps back (lowmem_reserve_ratio)."""
    free_blocks = known(evidence.moment.sample.free_blocks)
    if not free_blocks:
        return None
    usable = tuple(zone for zone in free_blocks if zone.zone != "DMA")
    return free_pages_from(usable, STARVED_ORDER) >> STARVED_ORDER if usable else None


def starved_figures(ledger: Ledger | None, blocks: int | None, failures: list[int]) -> tuple[Figure, ...]:
    """What is free, and what could not be had."""
    return (
        *((size("free", ledger.free),) if ledger else ()),
        *((Figure("blocks of 512 KiB", str(blocks)),) if blocks is not None else ()),
        *((Figure("failures in 1 h", f"{len(failures)}, up to order {max(failures)}"),) if failures else ()),
    )
