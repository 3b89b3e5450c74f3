"""Findings about Windows: short of memory, the VM trimmed, several VMs, and Windows programs that do not start."""

from __future__ import annotations

import re
from typing import Final

from wsltop.core.diagnosis.evidence import Evidence, clause, explained, host_name, host_of, ledger_of, recent, short
from wsltop.core.diagnosis.finding import SHUTDOWN, Figure, Found, advice, best_ways, hint_of, rule, size
from wsltop.core.diagnosis.free import large_blocks, make_blocks, nothing_reported
from wsltop.core.explanation import TIGHT, TOO_LARGE, Explanation, not_wsl, say_cause
from wsltop.core.ledger import Ledger, Lent
from wsltop.model.sample import Unavailable, VmProcess, known
from wsltop.model.text import MIB, format_duration, format_size

TRIMMED, TRIMMED_SHARE = 512 * MIB, 16
"""Two clocks and two kernels: smaller differences say nothing."""
LAG: Final = 5.0
"""Seconds by which a host figure may be older than its arrival."""
TIMEOUTS_COUNT_FOR: Final = 600.0
TIMEOUTS: Final = 2
"""One may be a Windows that was asleep."""
TIMEOUT: Final = re.compile(r"(?:accept4? |connect |Accept\w* )failed 110\b")
"""ETIMEDOUT of init's sockets to Windows (microsoft/WSL src/linux/init/util.cpp)."""
FAILED_NINE: Final = re.compile(r"page allocation failure: order:([4-6])\b")
NINE_TRACE: Final = re.compile(r"\s?p9_fcall_init\+0x")
"""The call trace of a failure names who asked: net/9p/client.c."""
NINE_COUNT_FOR: Final = 3600.0
GPU_FAILED: Final = re.compile(r"misc dxg: dxgk: .*Ioctl failed: -12\b")
"""drivers/hv/dxgkrnl: -12 is ENOMEM."""


@rule("windows-short", "problem", "Windows has little memory left, and WSL holds much of it.", where="wsl2")
def windows_short(evidence: Evidence) -> Found | None:
    """Windows is short while the VM holds what it could give: WSL#4166, #41285, #10011, #12795."""
    explanation = explained(evidence)
    if explanation is None or explanation.matter.id != "windows-short":
        return None
    lent = explanation.lent
    return Found(
        severity=explanation.matter.weight,
        verdict=verdict_of(explanation, "WSL HOLDS MUCH"),
        sentence=f"{left_of(explanation)} and {lends(lent)} {format_size(lent.size)} to WSL: {say_cause(lent)}.",
        evidence=lent_figures(explanation),
        remedy=best_ways(evidence),
    )


def verdict_of(explanation: Explanation, warned: str) -> str:
    """What to call it: Windows is short below a tenth; above, only what WSL holds makes it a warning."""
    matter = explanation.matter
    if (matter.available or 0) < (matter.total or 0) * TIGHT:
        return "WINDOWS IS SHORT"
    return "WINDOWS FILLS UP" if matter.weight == "note" else warned


@rule("windows-short-elsewhere", "warning", "Windows has little memory left, and it is not WSL.", where="wsl2")
def windows_short_elsewhere(evidence: Evidence) -> Found | None:
    """Programs, drivers or other VMs hold it: WSL#13884, #41296, #12756, #8703."""
    explanation = explained(evidence)
    if explanation is None or explanation.matter.id != "windows-short-elsewhere":
        return None
    others = other_vms(evidence)
    return Found(
        severity=explanation.matter.weight,
        verdict=verdict_of(explanation, "WINDOWS FILLS UP"),
        sentence=f"{left_of(explanation).removesuffix(',')}, and {not_wsl(explanation.lent)}.",
        evidence=(*lent_figures(explanation), *(size(short(vm.name), vm.working_set) for vm in others[:3])),
        remedy=(
            advice("In Task Manager, sort Details by memory: it shows which program of Windows holds it."),
            advice(
                "If no program does, a driver does: RAMMap (Sysinternals) or poolmon shows which. "
                "wsl --shutdown does not free it, a restart of Windows does."
            ),
        ),
    )


@rule("lends-much", "note", "Windows lends much more than Linux uses, and has plenty left.", where="wsl2")
def lends_much(evidence: Evidence) -> Found | None:
    """More than a quarter of Windows' RAM is lent beyond what Linux uses, and nothing misses it yet."""
    explanation = explained(evidence)
    if explanation is None or explanation.matter.id != "lends-much":
        return None
    lent, matter = explanation.lent, explanation.matter
    if matter.runs_out is not None and lent.beyond_use <= (matter.total or 0) * TOO_LARGE:
        return Found(
            verdict="WINDOWS FILLS UP",
            sentence=f"{left_of(explanation)}, and at this pace a tenth in {format_duration(matter.runs_out)}. "
            f"It {lends(lent)} {format_size(lent.size)} to WSL.",
            evidence=lent_figures(explanation),
        )
    return Found(
        verdict="LENDS MUCH",
        sentence=f"Windows {lends(lent)} {format_size(lent.size)} and Linux uses {format_size(lent.used)}: "
        f"{say_cause(lent)}. {left_of(explanation)}.",
        evidence=lent_figures(explanation),
        remedy=best_ways(evidence),
    )


def left_of(explanation: Explanation) -> str:
    """``Windows has 5.0 GiB of 32.0 GiB left``."""
    matter = explanation.matter
    few = ", less than a quarter," if matter.weight == "note" and matter.id != "lends-much" else ""
    return f"Windows has {format_size(matter.available or 0)} of {format_size(matter.total or 0)} left{few}"


def lends(lent: Lent) -> str:
    """``lends``, or ``should lend`` where it was not measured."""
    return "lends" if lent.measured else "should lend"


def lent_figures(explanation: Explanation) -> tuple[Figure, ...]:
    """What Windows has left, what it lends, and the largest parts of that."""
    matter, lent, who = explanation.matter, explanation.lent, explanation.host_name
    parts = sorted((part for part in lent.parts if part.size > 0), key=lambda part: -part.size)
    return (
        *((size(f"{who} has left", matter.available),) if matter.available is not None else ()),
        size(f"{who} lends" if lent.measured else "expected lent", lent.size),
        *(size(f"- {part.name}", part.size) for part in parts[:3]),
        *((size("programs and open files", lent.programs),) if lent.cause.id == "programs" else ()),
        size("used by Linux", lent.used),
    )


@rule("host-trimmed", "note", "Windows has trimmed the VM's working set; nothing came back.")
def host_trimmed(evidence: Evidence) -> Found | None:
    """A working set below what the guest uses is no reclaim: WSL#9812, systeminformer#580."""
    ledger, host = ledger_of(evidence), host_of(evidence)
    if ledger is None or host is None:
        return None
    if evidence.page_reporting is False or nothing_reported(evidence):
        return None  # a kernel that reports nothing expects of the host what was never touched
    least = least_expected(evidence, ledger, host.read_at - LAG)
    if least is None or least - host.working_set < max(TRIMMED, ledger.total // TRIMMED_SHARE):
        return None
    who = host_name(evidence)
    return Found(
        verdict="TRIMMED",
        sentence=f"{who[0].upper()}{who[1:]} holds {format_size(least - host.working_set)} less than Linux keeps: "
        "it has trimmed or compressed the VM. Linux has given nothing back.",
        evidence=(
            size("working set", host.working_set),
            size("expected", least),
            *((size("private bytes", host.private_bytes),) if not isinstance(host.private_bytes, Unavailable) else ()),
            *((size(f"{who} has left", host.available),) if not isinstance(host.available, Unavailable) else ()),
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
    figures = tuple(
        Figure(short(vm.name, 24), f"{format_size(vm.working_set)}, {vm_kind(vm.name)}", vm.working_set, "bytes")
        for vm in largest[:4]
    )
    if isinstance(evidence.moment.host, Unavailable):
        return Found(
            verdict="SEVERAL VMS",
            sentence=f"Windows runs {len(vms)} virtual machines, and which one is WSL's cannot be told by its name.",
            evidence=figures,
            remedy=hint_of(evidence.moment.host),
        )
    others = sum(vm.working_set for vm in other_vms(evidence))
    return Found(
        verdict="SEVERAL VMS",
        sentence=f"Windows runs {len(vms)} virtual machines: WSL, and {len(vms) - 1} more with {format_size(others)}.",
        evidence=figures,
    )


VM_KINDS: Final = {
    "vmmemwsl": "WSL",
    "vmmem": "WSL of Windows 10, Hyper-V or Sandbox",
    "vmmemwindowssandbox": "Windows Sandbox",
    "vmmemcmzygote": "kept ready for Sandbox",
    "vmmemwsa": "Android",
}
"""What a process is by its name in lower case; WSL names the VM of a container machine after it."""


def vm_kind(name: str) -> str:
    """What kind of virtual machine a process of Windows is, as far as its name tells."""
    return VM_KINDS.get(name.casefold().removesuffix(".exe"), "a container machine")


def other_vms(evidence: Evidence) -> tuple[VmProcess, ...]:
    """The virtual machines that are not this one, largest first."""
    host, vms = host_of(evidence), list(known(evidence.vms) or ())
    for vm in vms:
        if host is not None and vm.name == host.process and vm.working_set == host.working_set:
            vms.remove(vm)
            break
    return tuple(sorted(vms, key=lambda vm: (-vm.working_set, vm.name)))


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
        remedy=(*make_blocks(evidence), SHUTDOWN),
    )


@rule("gpu-memory", "warning", "The GPU driver was refused memory.", where="wsl2")
def gpu_memory(evidence: Evidence) -> Found | None:
    """CUDA and DirectX fail with ENOMEM: WSL#41176, #11050."""
    lines = [event.text for event in recent(evidence, "log", NINE_COUNT_FOR) if GPU_FAILED.search(event.text)]
    if not lines:
        return None
    return Found(
        verdict="GPU MEMORY",
        sentence="The GPU driver was refused memory within the last hour: the GPU, Windows or the VM had too little.",
        evidence=(Figure("failures in 1 h", str(len(lines))), Figure("kernel log", short(lines[-1], 120))),
        remedy=(
            advice("In Task Manager, look at Performance, GPU: is dedicated or shared GPU memory full?"),
            *make_blocks(evidence),
            SHUTDOWN,
        ),
    )


@rule("drive-starved", "warning", "A request to a Windows drive (9p) found no free block.", where="wsl2")
def drive_starved(evidence: Evidence) -> Found | None:
    """9p asks for 64 to 256 KiB in one piece; where there is none, a read of /mnt/c fails: WSL#40795."""
    events = list(recent(evidence, "log", NINE_COUNT_FOR))
    failures = [(event.text, match) for event in events if (match := FAILED_NINE.search(event.text)) is not None]
    if not failures or not any(NINE_TRACE.search(event.text) for event in events):
        return None
    lines = [text for text, _ in failures]
    block = evidence.moment.sample.page_size << int(failures[-1][1][1])
    return Found(
        verdict="DRIVE READS FAIL",
        sentence=f"A request to a Windows drive (9p) failed within the last hour: no block of {format_size(block)} was "
        "free in one piece.",
        evidence=(Figure("failures in 1 h", str(len(lines))), Figure("kernel log", short(lines[-1], 120))),
        remedy=make_blocks(evidence),
    )
