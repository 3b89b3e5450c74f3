"""Free page reporting itself: absent, failing, or with an order that is only assumed."""

from __future__ import annotations

import re
from typing import Final

from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.figures import known, short
from wsltop.core.diagnosis.finding import Figure, Finding
from wsltop.core.diagnosis.remedies import RESTART, SHUTDOWN, UPDATE, advice

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


def reporting_absent(evidence: Evidence) -> Finding | None:
    """A kernel without page reporting never gives anything back: WSL#5695."""
    if not nothing_reported(evidence):
        return None
    kernel = known(evidence.moment.sample.identity.kernel) or ""
    return Finding(
        id="reporting-absent",
        severity="problem",
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
    """Tell whether page reporting is certainly not active on this WSL."""
    if not evidence.on_wsl or any(WORKS.match(event.text) for event in evidence.events if event.kind == "reporting"):
        return False
    reporting, free_blocks = known(evidence.moment.sample.reporting), known(evidence.moment.sample.free_blocks)
    if reporting is not None and not reporting.assumed and free_blocks:
        # An order above the largest block: 5.14 to 6.1 show it until a driver has registered, and report nothing.
        return reporting.order >= max(len(zone.counts) for zone in free_blocks)
    kernel = known(evidence.moment.sample.identity.kernel)
    match = VERSION.match(kernel) if kernel else None
    recent_enough = match is not None and (int(match[1]), int(match[2])) >= PARAMETER_SINCE
    return recent_enough and evidence.page_reporting is False


def reporting_failing(evidence: Evidence) -> Finding | None:
    """The hypervisor refuses what the kernel reports."""
    lines = [event.text for event in evidence.events if event.kind == "reporting" and FAILS.match(event.text)]
    if not lines or not evidence.on_wsl:
        return None
    return Finding(
        id="reporting-failing",
        severity="warning",
        verdict="REPORTING FAILS",
        sentence="Windows has refused free pages that the kernel reported, so they may stay in the VM.",
        evidence=(Figure("refusals in the log", str(len(lines))), Figure("kernel log", short(lines[-1], 120))),
        remedy=(UPDATE, SHUTDOWN),
    )


def order_assumed(evidence: Evidence) -> Finding | None:
    """Without the parameter the figures of free memory rest on the pageblock order."""
    reporting = known(evidence.moment.sample.reporting)
    if reporting is None or not reporting.assumed or not evidence.on_wsl or nothing_reported(evidence):
        return None
    return Finding(
        id="order-assumed",
        severity="note",
        verdict="ORDER ASSUMED",
        sentence="The kernel does not say from which block size on it reports: order "
        f"{reporting.order} is assumed, and with it what counts as reportable.",
        evidence=(Figure("reporting order", f"{reporting.order}, assumed"),),
        remedy=(UPDATE,),
    )
