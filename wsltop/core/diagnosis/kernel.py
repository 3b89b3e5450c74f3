"""Findings about memory that the kernel itself holds: slab, page tables, ZFS, vmalloc and what has no name."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis.evidence import Evidence, explained, ledger_of, short, slab_caches
from wsltop.core.diagnosis.finding import DROP_ALL, SHUTDOWN, Found, Remedy, Severity, advice, offer, rule, size
from wsltop.core.ledger import Ledger
from wsltop.model.sample import known
from wsltop.model.text import GIB, MIB, format_size, write_as_root

SOME, SOME_SHARE = GIB, 8
"""Less than this the kernel needs for a large machine."""
HEAVY_SHARE: Final = 4
TABLES, TABLES_SHARE = 512 * MIB, 16
"""A page table needs a 512th of what it maps, once for each process that maps it."""
ARC_SHARE: Final = 16
"""ZFS's cache is a finding from a sixteenth of the RAM on."""


@rule("kernel-slab", "warning", "Kernel objects (slab) hold memory that no drop frees.")
def kernel_slab(evidence: Evidence) -> Found | None:
    """A driver or a file system leaks, or needs that much: VKCOM/statshouse#1114, kmalloc of dxgkrnl, 9p, net."""
    ledger = ledger_of(evidence)
    if ledger is None or ledger.slab_unreclaimable < max(SOME, ledger.total // SOME_SHARE):
        return None
    amount = ledger.slab_unreclaimable
    return Found(
        severity=weigh(evidence, ledger, amount),
        verdict="KERNEL MEMORY",
        sentence=f"{format_size(amount)} is objects of the kernel (slab) that cannot be reclaimed; no process holds "
        "it, and no drop frees it.",
        evidence=(
            size("slab, not reclaimable", amount),
            *(size(short(one.name), one.size) for one in slab_caches(evidence, reclaimable=False)),
            size("slab, reclaimable", ledger.slab_reclaimable),
            size("memory of programs", ledger.anonymous),
        ),
        remedy=(
            Remedy(kind="command", does="see which objects they are", text="sudo slabtop -o -s c | head -20"),
            *shutdown(evidence),
        ),
    )


@rule("kernel-page-tables", "warning", "Page tables hold much memory.")
def kernel_page_tables(evidence: Evidence) -> Found | None:
    """Each process that maps shared memory has page tables of its own: PostgreSQL without huge pages."""
    ledger = ledger_of(evidence)
    if ledger is None or ledger.page_tables < max(TABLES, ledger.total // TABLES_SHARE):
        return None
    amount = ledger.page_tables
    return Found(
        severity=weigh(evidence, ledger, amount),
        verdict="PAGE TABLES",
        sentence=f"{format_size(amount)} is page tables: many processes map the same large memory.",
        evidence=(size("page tables", amount), size("shared memory", ledger.shared)),
        remedy=(
            Remedy(
                kind="command",
                does="see which processes have the most",
                text="grep -H VmPTE /proc/[0-9]*/status | sort -k2 -n | tail",
            ),
            advice("Run fewer of those processes, or let them use huge pages."),
        ),
    )


@rule("zfs-cache", "warning", "The cache of ZFS (ARC) holds memory.")
def zfs_cache(evidence: Evidence) -> Found | None:
    """The ARC is neither page cache nor slab, but a drop of both shrinks it (module zfs, arc_shrinker)."""
    ledger, arc = ledger_of(evidence), known(evidence.moment.sample.surroundings.zfs_arc)
    if ledger is None or arc is None or arc < max(SOME, ledger.total // ARC_SHARE):
        return None
    return Found(
        severity=weigh(evidence, ledger, arc),
        verdict="ZFS CACHE",
        sentence=f"{format_size(arc)} is the cache of ZFS (ARC): it counts as kernel memory, and gives way slowly.",
        evidence=(size("ARC", arc), size("other kernel memory", ledger.kernel_other)),
        remedy=(
            *(offer(evidence, DROP_ALL) or (DROP_ALL,)),
            Remedy(
                kind="command",
                does="limit it to 4 GiB until the VM restarts",
                text=write_as_root("4294967296", "/sys/module/zfs/parameters/zfs_arc_max"),
                cost="files on ZFS are read from the disk more often",
            ),
        ),
    )


@rule("kernel-other", "warning", "The kernel holds memory that no counter names.")
def kernel_other(evidence: Evidence) -> Found | None:
    """Pages that drivers take (GPU, network), vmalloc, and memory freed inside huge pages: the remainder."""
    ledger, sample = ledger_of(evidence), evidence.moment.sample
    if ledger is None:
        return None
    arc = known(sample.surroundings.zfs_arc) or 0
    amount = ledger.kernel_other - arc
    if amount < max(SOME, ledger.total // SOME_SHARE):
        return None
    meminfo = known(sample.meminfo)
    vmalloc = (None if meminfo is None else meminfo.vmalloc) or 0
    if vmalloc >= amount // 2:
        return Found(
            severity=weigh(evidence, ledger, amount),
            verdict="KERNEL MEMORY",
            sentence=f"{format_size(vmalloc)} is held by the kernel in vmalloc: buffers of drivers and modules, BPF "
            "maps, stacks. No drop frees it.",
            evidence=(size("vmalloc", vmalloc), size("other kernel memory", amount)),
            remedy=(
                Remedy(kind="command", does="see who holds it", text="sudo sort -k2 -n -r /proc/vmallocinfo | head"),
                *shutdown(evidence),
            ),
        )
    return Found(
        severity=weigh(evidence, ledger, amount),
        verdict="KERNEL MEMORY",
        sentence=f"{format_size(amount)} is held by the kernel and named by no counter: pages of drivers (GPU, "
        "network), or memory that programs freed inside huge pages.",
        evidence=(
            size("other kernel memory", amount),
            *((size("of it vmalloc", vmalloc),) if vmalloc else ()),
            *((size("ARC of ZFS", arc),) if arc else ()),
        ),
        remedy=(
            advice("Press D, then c: that gives back what was freed inside huge pages, and nothing else."),
            *shutdown(evidence),
        ),
    )


def weigh(evidence: Evidence, ledger: Ledger, amount: int) -> Severity:
    """A warning where Windows is short of memory or it is a quarter of the RAM, else a note."""
    explanation = explained(evidence)
    windows_short = explanation is not None and explanation.matter.weight in ("warning", "problem")
    return "warning" if windows_short or amount >= ledger.total // HEAVY_SHARE else "note"


def shutdown(evidence: Evidence) -> tuple[Remedy, ...]:
    """The end of the VM, where there is one."""
    return offer(evidence, SHUTDOWN) if evidence.on_wsl else ()
