"""The texts of kernel files, from figures: what a guest below a root of our own shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

PAGE: Final = 4096
ORDERS: Final = 11
MEMINFO: Final = (
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "SwapCached",
    "Active",
    "Inactive",
    "Active(anon)",
    "Inactive(anon)",
    "Active(file)",
    "Inactive(file)",
    "Unevictable",
    "Mlocked",
    "SwapTotal",
    "SwapFree",
    "Dirty",
    "Writeback",
    "AnonPages",
    "Mapped",
    "Shmem",
    "KReclaimable",
    "Slab",
    "SReclaimable",
    "SUnreclaim",
    "KernelStack",
    "PageTables",
    "SecPageTables",
    "NFS_Unstable",
    "Bounce",
    "WritebackTmp",
    "CommitLimit",
    "Committed_AS",
    "VmallocTotal",
    "VmallocUsed",
    "VmallocChunk",
    "Percpu",
    "AnonHugePages",
    "ShmemHugePages",
    "ShmemPmdMapped",
    "FileHugePages",
    "FilePmdMapped",
    "Hugetlb",
)
"""The lines of ``/proc/meminfo`` on Linux 6.6 that are sizes, in their order."""
BOOTED: Final = {
    "VmallocTotal": 34359738367,
    "VmallocUsed": 61440,
    "KernelStack": 16384,
    "PageTables": 40960,
    "Percpu": 20480,
    "SwapTotal": 4194304,
    "SwapFree": 4194304,
}
"""KiB of what a guest has right after boot, unless it is said otherwise."""
NORMAL: Final = 256 * 1024
"""Pages of the zone DMA32 that stay free of what is simulated: everything else is in Normal."""


def meminfo_text(kib: Mapping[str, int]) -> str:
    """``/proc/meminfo`` from sizes in KiB by the kernel's names; what follows from others need not be given."""
    size = BOOTED | dict(kib)
    get = size.get
    size.setdefault("Active(file)", get("Cached", 0) // 3)
    size.setdefault("Inactive(file)", get("Buffers", 0) + get("Cached", 0) - get("Shmem", 0) - size["Active(file)"])
    size.setdefault("Active(anon)", get("AnonPages", 0) // 4)
    size.setdefault("Inactive(anon)", get("AnonPages", 0) + get("Shmem", 0) - size["Active(anon)"])
    size.setdefault("Active", size["Active(anon)"] + size["Active(file)"])
    size.setdefault("Inactive", size["Inactive(anon)"] + size["Inactive(file)"])
    size.setdefault("KReclaimable", get("SReclaimable", 0))
    size.setdefault("Slab", get("SReclaimable", 0) + get("SUnreclaim", 0))
    size.setdefault("CommitLimit", get("MemTotal", 0))
    size.setdefault("Committed_AS", get("AnonPages", 0))
    lines = [f"{name + ':':<16}{size.get(name, 0):>8} kB\n" for name in MEMINFO]
    pool = [f"{name + ':':<16}{get(name, 0):>8}\n" for name in ("HugePages_Total", "HugePages_Free")]
    pool += ["HugePages_Rsvd:        0\n", "HugePages_Surp:        0\n", "Hugepagesize:       2048 kB\n"]
    return "".join([*lines[:-1], *pool, lines[-1]])


class ZoneFigures(NamedTuple):
    """One zone of memory."""

    name: str
    present: int
    """Pages."""
    free: Sequence[int]
    """Free blocks of each order; empty for a zone that ``/proc/buddyinfo`` does not list."""
    managed: int | None = None
    """Pages that the allocator manages; all of them where it is not said."""


def buddyinfo_text(zones: Sequence[ZoneFigures]) -> str:
    """``/proc/buddyinfo``."""
    return "".join(
        f"Node 0, zone {zone.name:>8} {' '.join(f'{count:6d}' for count in zone.free)} \n"
        for zone in zones
        if zone.free
    )


def zoneinfo_text(zones: Sequence[ZoneFigures]) -> str:
    """``/proc/zoneinfo``, without what no reader of ours looks at."""
    texts = []
    for zone in zones:
        free = sum(count << order for order, count in enumerate(zone.free))
        managed = zone.present if zone.managed is None else zone.managed
        rows = {"boost": 0, "min": 1000, "low": 1250, "high": 1500}
        rows |= {"spanned": zone.present, "present": zone.present, "managed": managed, "cma": 0}
        stats = "  per-node stats\n      nr_inactive_anon 1\n" if zone is zones[0] else ""
        texts.append(f"Node 0, zone {zone.name:>8}\n{stats}  pages free     {free}\n")
        texts += [f"        {name:<8} {figure}\n" for name, figure in rows.items()]
        texts.append(f"        protection: (0, 0, 0, 0)\n      nr_free_pages {free}\n  pagesets\n    cpu: 0\n")
        texts.append("              count: 100\n              high:  500\n              batch: 63\n")
    return "".join(texts)


def free_counts(pages: int, *, largest: int = ORDERS - 1) -> list[int]:
    """Free blocks of each order for so many pages: as large as can be, up to one order."""
    counts = [0] * ORDERS
    for order in range(largest, -1, -1):
        counts[order], pages = pages >> order, pages & ((1 << order) - 1)
    return counts


def vmstat_text(base: str, counters: Mapping[str, int]) -> str:
    """``/proc/vmstat``: the text of a real kernel with the counters of events set, to 0 where they are not given."""
    events = ("compact", "drop", "oom", "pgscan", "pgsteal", "pswp", "allocstall", "workingset_refault", "balloon")
    lines = []
    for line in base.splitlines():
        name, value = line.split()
        lines.append(f"{name} {counters.get(name, 0 if name.startswith(events) else int(value))}\n")
    return "".join(lines)


def stat_text(user: float, system: float, idle: float, *, cpus: int, boot_time: float) -> str:
    """``/proc/stat``, from ticks of 1/100 s of all CPUs together."""
    each = f"{int(user / cpus)} 0 {int(system / cpus)} {int(idle / cpus)} 60 0 12 0 0 0"
    rows = "".join(f"cpu{number} {each}\n" for number in range(cpus))
    return f"cpu  {int(user)} 0 {int(system)} {int(idle)} 500 0 100 0 0 0\n{rows}btime {int(boot_time)}\n"


def pressure_text(some: float = 0.0, full: float = 0.0) -> str:
    """``/proc/pressure/memory``, from percent."""
    return "".join(
        f"{kind} avg10={share:.2f} avg60={share:.2f} avg300={share:.2f} total={int(share * 1e6)}\n"
        for kind, share in (("some", some), ("full", full))
    )


class ProcessFigures(NamedTuple):
    """One process of the guest."""

    pid: int
    name: bytes
    rss: int = 0
    """Pages."""
    shared: int = 0
    """Pages of it that are file or shared memory."""
    command: tuple[bytes, ...] = ()
    parent: int = 1
    user: int = 100
    """Ticks of 1/100 s."""
    system: int = 50
    user_id: int = 1000
    group: str = ""
    """Path of its control group."""


def process_texts(process: ProcessFigures) -> dict[str, bytes]:
    """The files of ``/proc/PID``, by name."""
    pid, pages = process.pid, process.rss
    head = f" S {process.parent} {pid} {pid} 0 -1 4194560 1000 0 0 0 {process.user} {process.system} 0 0 20 0 1 0 "
    tail = f"{4000 + pid} {3 * pages * PAGE} {pages} 18446744073709551615" + " 0" * 27
    kib = pages * PAGE // 1024
    parts = f"Pss_Anon: {(pages - process.shared) * PAGE // 1024} kB\nPss_File: {process.shared * PAGE // 2048} kB\n"
    return {
        "stat": b"%d (%b)" % (pid, process.name) + (head + tail + "\n").encode(),
        "statm": f"{3 * pages} {pages} {process.shared} 1 0 {pages} 0\n".encode(),
        "cmdline": b"".join(word + b"\0" for word in process.command),
        "comm": process.name[:15] + b"\n",
        "status": b"Name:\t%b\nPid:\t%d\nUid:\t%d\t%d\t%d\t%d\nVmSwap:\t0 kB\nThreads:\t4\nNSpid:\t%d\n"
        % (process.name[:15], pid, *4 * (process.user_id,), pid),
        "cgroup": f"0::/{process.group}\n".encode(),
        "oom_score": b"666\n",
        "oom_score_adj": b"0\n",
        "smaps_rollup": (
            f"00400000-7fff00000000 ---p 00000000 00:00 0 [rollup]\nRss: {kib} kB\n"
            f"Pss: {kib - process.shared * PAGE // 2048} kB\n{parts}Pss_Shmem: 0 kB\n"
        ).encode(),
    }


class GroupFigures(NamedTuple):
    """One control group of version 2; bytes."""

    current: int
    anonymous: int = 0
    file: int = 0
    shared: int = 0
    slab: int = 0
    limit: int | None = None
    oom_kills: int = 0
    frozen: bool = False


def group_texts(group: GroupFigures) -> dict[str, str]:
    """The files of a control group, by name."""
    return {
        "memory.current": f"{group.current}\n",
        "memory.max": f"{'max' if group.limit is None else group.limit}\n",
        "memory.stat": f"anon {group.anonymous}\nfile {group.file}\nshmem {group.shared}\nslab {group.slab}\n",
        "memory.events": f"low 0\nhigh 0\nmax 0\noom {group.oom_kills}\noom_kill {group.oom_kills}\n",
        "cgroup.events": f"populated 1\nfrozen {int(group.frozen)}\n",
    }
