"""The other side: Windows short of memory, the VM trimmed, several of them, and interop that does not work."""

from __future__ import annotations

import re
from typing import Final

from wsltop.core.diagnosis.evidence import Evidence, clause, host_name, host_of, ledger_of, recent, short
from wsltop.core.diagnosis.finding import COMPACT, DROP, SHUTDOWN, Figure, Found, hint_of, memory_setting, rule, size
from wsltop.core.diagnosis.free import large_blocks, nothing_reported
from wsltop.core.ledger import Ledger
from wsltop.model.reading import Unavailable, known
from wsltop.model.units import GIB, MIB, format_size

SHORT, SHORT_SHARE = GIB, 10
"""Windows trims working sets when about this little is available."""
WORTH: Final = GIB
"""What the guest must be able to give for this to be the remedy."""
TRIMMED, TRIMMED_SHARE = 512 * MIB, 16
"""Two clocks and two kernels: smaller differences say nothing."""
LAG: Final = 5.0
"""Seconds by which a host figure may be older than its arrival."""
TIMEOUTS_COUNT_FOR: Final = 600.0
TIMEOUTS: Final = 2
"""One may be a Windows that was asleep."""
TIMEOUT: Final = re.compile(r"(?:accept4? |connect |Accept\w* )failed 110\b")
"""ETIMEDOUT of init's sockets to Windows (microsoft/WSL src/linux/init/util.cpp)."""


@rule("windows-short", "problem", "Windows is short of memory that WSL could give.", where="wsl2")
def windows_short(evidence: Evidence) -> Found | None:
    """Windows starves while the VM holds what it could give: WSL#41285, #10011, #12795."""
    ledger, host = ledger_of(evidence), host_of(evidence)
    if ledger is None or host is None or isinstance(host.total, Unavailable) or isinstance(host.available, Unavailable):
        return None
    fragmented = 0 if isinstance(ledger.free_split, Unavailable) else ledger.free_split.fragmented
    if host.available >= max(SHORT, host.total // SHORT_SHARE) or ledger.cache_clean + fragmented < WORTH:
        return None
    return Found(
        verdict="WINDOWS IS SHORT",
        sentence=f"Windows has {format_size(host.available)} left of {format_size(host.total)}, and WSL holds "
        f"{format_size(ledger.cache_clean + fragmented)} that it could give.",
        evidence=(
            size("Windows available", host.available),
            size("working set", host.working_set),
            size("a drop frees", ledger.cache_clean),
            size("fragmented free", fragmented),
        ),
        remedy=(
            *((DROP,) if ledger.cache_clean >= fragmented else (COMPACT, DROP)),
            *memory_setting(evidence, less_than=ledger.total),
            SHUTDOWN,
        ),
    )


@rule("host-trimmed", "note", "The host trimmed the VM; that is no reclaim.")
def host_trimmed(evidence: Evidence) -> Found | None:
    """A working set below what the guest uses is no reclaim: WSL#9812, systeminformer#580."""
    ledger, host = ledger_of(evidence), host_of(evidence)
    if ledger is None or host is None:
        return None
    if evidence.page_reporting is False or nothing_reported(evidence):
        return None  # a kernel that reports nothing expects of the host what nobody has ever touched
    least = least_expected(evidence, ledger, host.read_at - LAG)
    if least is None or least - host.working_set < max(TRIMMED, ledger.total // TRIMMED_SHARE):
        return None
    who = host_name(evidence)
    return Found(
        verdict="TRIMMED",
        sentence=f"{who[0].upper()}{who[1:]} holds {format_size(least - host.working_set)} less than the guest keeps: "
        "it has trimmed or compressed the VM. That is no reclaim.",
        evidence=(
            size("working set", host.working_set),
            size("expected", least),
            *((size("private bytes", host.private_bytes),) if not isinstance(host.private_bytes, Unavailable) else ()),
            *((size(f"{who} available", host.available),) if not isinstance(host.available, Unavailable) else ()),
        ),
    )


def least_expected(evidence: Evidence, ledger: Ledger, since: float) -> int | None:
    """The least that the host should have held since its figure was taken: the guest may have grown meanwhile."""
    if isinstance(ledger.expected_host, Unavailable):
        return None
    before = [point.expected for point in evidence.past if point.monotonic >= since and point.expected is not None]
    return min([ledger.expected_host, *before])


@rule("several-vms", "note", "Windows runs several virtual machines.", where="wsl2")
def several_vms(evidence: Evidence) -> Found | None:
    """Which ``vmmem`` is WSL: WSL#8350, #6881."""
    vms = known(evidence.vms)
    if vms is None or len(vms) < 2:
        return None
    largest = sorted(vms, key=lambda vm: (-vm.working_set, vm.name))
    return Found(
        verdict="SEVERAL VMS",
        sentence=f"Windows runs {len(vms)} virtual machines with {format_size(sum(vm.working_set for vm in vms))} "
        "together; only vmmemWSL is WSL, where there is one.",
        evidence=tuple(size(short(vm.name), vm.working_set) for vm in largest[:4]),
    )


@rule("interop-broken", "warning", "Windows programs cannot be started.", where="wsl2")
def interop_broken(evidence: Evidence) -> Found | None:
    """Windows programs do not start: WSL#8952, #8843, #8706."""
    fault = evidence.interop_fault
    if fault is None:
        return None
    return Found(
        verdict="NO INTEROP",
        sentence=f"Windows cannot be asked: {clause(short(fault.reason, 120))}.",
        remedy=hint_of(fault),
    )


@rule("interop-timeouts", "warning", "Connections with Windows time out.", where="wsl2")
def interop_timeouts(evidence: Evidence) -> Found | None:
    """Connections between the guest and Windows time out: WSL#11612, #40650."""
    lines = [event.text for event in recent(evidence, "init", TIMEOUTS_COUNT_FOR) if TIMEOUT.search(event.text)]
    if len(lines) < TIMEOUTS:
        return None
    blocks = large_blocks(evidence)
    return Found(
        verdict="INTEROP HANGS",
        sentence=f"{len(lines)} connections with Windows timed out within 10 min: new terminals hang, old ones work.",
        evidence=(
            Figure("kernel log", short(lines[-1], 120)),
            *((Figure("blocks of 512 KiB", str(blocks)),) if blocks is not None else ()),
        ),
        remedy=(COMPACT, SHUTDOWN),
    )
