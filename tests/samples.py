"""Samples for tests: from recorded kernel texts or small and round, with a host, with hogs."""

from __future__ import annotations

from functools import cache

from msgspec.structs import replace

from tests.guest.texts import kernel_text
from wsltop.guest.kernel_files import parse_buddyinfo, parse_meminfo, parse_vmstat, parse_zoneinfo
from wsltop.model.sample import (
    CpuTimes,
    Event,
    FreeBlocks,
    Hog,
    HogEnded,
    HostMemory,
    Identity,
    KernelLog,
    KernelRecord,
    Meminfo,
    OwnUse,
    ReportingOrder,
    Sample,
    Unavailable,
    Zone,
)

PAGE = 4096
MIB = 1024**2
GIB = 1024**3
TIME = 1_700_000_000.0
MONOTONIC = 600.0

USED_PARTS = (
    "anonymous",
    "shared",
    "cache",
    "slab_reclaimable",
    "slab_unreclaimable",
    "page_tables",
    "huge_pages",
    "freed_in_huge",
    "kernel_other",
)
PARTS = (*USED_PARTS, "fragmented_free", "reportable_free")
"""Names of the disjoint parts of the guest's memory; with those of free memory they sum to the total."""

IDENTITY = Identity(kernel="6.6.87.2-microsoft-standard-WSL2", distro="Ubuntu", wsl_version="2.6.3.0")
QUIET_LOG = KernelLog(origin="kmsg")


@cache
def _kernel_sample(kernel: str) -> Sample:
    return Sample(
        time=TIME,
        monotonic=MONOTONIC,
        page_size=PAGE,
        identity=replace(IDENTITY, kernel=f"{kernel}-microsoft-standard-WSL2"),
        meminfo=parse_meminfo(kernel_text(kernel, "meminfo")),
        free_blocks=parse_buddyinfo(kernel_text(kernel, "buddyinfo")),
        zones=parse_zoneinfo(kernel_text(kernel, "zoneinfo")),
        reporting=ReportingOrder(order=9, assumed=kernel in {"4.19", "5.15"}),
        counters=parse_vmstat(kernel_text(kernel, "vmstat")),
        cpu=CpuTimes(user=5000, nice=10, system=900, idle=90_000, iowait=20, irq=0, softirq=30, steal=0, cpus=4),
        kernel_log=QUIET_LOG,
        host=Unavailable("not WSL", "Run wsltop inside WSL 2."),
        own=OwnUse(cpu=0.003, resident=40 * MIB),
    )


def kernel_sample(kernel: str, **changes: object) -> Sample:
    """What one of ``texts.KERNELS`` says in its recorded texts; the host is not known."""
    return replace(_kernel_sample(kernel), **changes)


@cache
def _small_sample() -> Sample:
    return sample(
        meminfo=meminfo(),
        free_blocks=(FreeBlocks(node=0, zone="Normal", counts=(25_600, 0, 0, 0, 0, 2400, 0, 0, 0, 300, 0)),),
        zones=(Zone(node=0, zone="Normal", present=8200 * 256, managed=8000 * 256, low=1000),),
    )


def sample(**changes: object) -> Sample:
    """The sample of a 6.6 kernel, with changes."""
    return kernel_sample("6.6", **changes)


def meminfo(**changes: object) -> Meminfo:
    """8 GiB: 1 free, 5.2 cache, 0.9 anonymous, 0.2 shared, 0.3 + 0.1 slab, 0.3 other; in round MiB."""
    made = Meminfo(
        total=8000 * MIB,
        free=1000 * MIB,
        available=6000 * MIB,
        buffers=100 * MIB,
        cached=5300 * MIB,
        swap_cached=0,
        active_file=2000 * MIB,
        inactive_file=3000 * MIB,
        unevictable=0,
        dirty=1 * MIB,
        writeback=0,
        anon_pages=900 * MIB,
        mapped=100 * MIB,
        shmem=200 * MIB,
        slab_reclaimable=300 * MIB,
        slab_unreclaimable=100 * MIB,
        page_tables=20 * MIB,
        swap_total=2000 * MIB,
        swap_free=1500 * MIB,
    )
    return replace(made, **changes)


def small_sample(**changes: object) -> Sample:
    """One zone of 8200 MiB, 8000 of them managed, 1000 free: 600 in 2 MiB blocks, 300 in 128 KiB, 100 in pages."""
    return replace(_small_sample(), **changes)


def later(previous: Sample, seconds: float = 1.0, **changes: object) -> Sample:
    """The same, ``seconds`` later."""
    made = replace(
        previous, time=previous.time + seconds, monotonic=previous.monotonic + seconds, hogs_ended=(), marks=()
    )
    return replace(made, **changes)


def host_memory(**changes: object) -> HostMemory:
    """What PowerShell says of a machine of 32 GiB, half a second before the sample."""
    made = HostMemory(
        source="powershell",
        process="vmmemWSL",
        pid=9448,
        working_set=6 * GIB,
        private_bytes=7 * GIB,
        total=32 * GIB,
        available=9 * GIB,
        read_at=MONOTONIC - 0.5,
    )
    return replace(made, **changes)


def hog(number: int = 1, **changes: object) -> Hog:
    """A hog that holds its GiB."""
    made = Hog(
        id=number,
        pid=4000 + number,
        kind="anonymous",
        target=GIB,
        resident=GIB,
        speed=2.0 * GIB,
        status="holding",
    )
    return replace(made, **changes)


def ended(number: int = 1, **changes: object) -> HogEnded:
    """A hog that wsltop has killed."""
    made = HogEnded(
        id=number,
        pid=4000 + number,
        kind="anonymous",
        target=GIB,
        resident=GIB,
        how="killed",
        lived=12.0,
        teardown=0.4,
    )
    return replace(made, **changes)


def record(text: str, **changes: object) -> KernelRecord:
    """A line of the kernel log, written half a second before the sample."""
    made = KernelRecord(sequence=1, monotonic=MONOTONIC - 0.5, level=6, facility=0, text=text)
    return replace(made, **changes)


def event(text: str = "", **changes: object) -> Event:
    """A drop of the cache that the counters told, at the time of the sample."""
    made = Event(kind="cache drop", origin="vmstat", time=TIME, start=MONOTONIC, end=MONOTONIC, text=text)
    return replace(made, **changes)


def nothing(reason: str = "not read in this test") -> Sample:
    """A sample of which every part is missing."""
    missing = Unavailable(reason, "Read it.")
    return sample(
        identity=Identity(kernel=missing, distro=missing, wsl_version=missing),
        meminfo=missing,
        free_blocks=missing,
        zones=missing,
        reporting=missing,
        counters=missing,
        cpu=missing,
        kernel_log=missing,
        host=missing,
        own=OwnUse(cpu=None, resident=missing),
    )
