"""The sample: everything that is read at one tick, as frozen structs. The rest of wsltop sees nothing else."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, TypeVar, Union

from msgspec import Struct

T = TypeVar("T")


class Unavailable(Struct, frozen=True, tag="unavailable"):
    """Why a value is missing, and what the user can do about it."""

    reason: str
    """What is wrong, as a short clause: ``interop is disabled``."""
    hint: str = ""
    """What to do, as an imperative sentence; empty when there is nothing to do."""

    def __str__(self) -> str:
        """The reason, and the hint where there is one: ``interop is disabled. Run wsl --shutdown on Windows.``"""
        return f"{self.reason}. {self.hint}" if self.hint else self.reason


Reading: TypeAlias = Union[T, Unavailable]
"""A value of type ``T``, or the reason why there is none."""


def known(reading: Reading[T]) -> T | None:
    """The value, or ``None`` where there is none: for code that does not care why."""
    return None if isinstance(reading, Unavailable) else reading


USER_HZ: Final = 100
"""Ticks per second in ``/proc/stat``: fixed by the kernel's ABI on x86-64 and arm64, whatever CONFIG_HZ is."""


class CpuTimes(Struct, frozen=True, kw_only=True, tag="stat"):
    """The ``cpu`` line of ``/proc/stat``, all CPUs summed, in ticks of 1/100 s since boot (fs/proc/stat.c).

    ``None``: this kernel does not print the column. ``guest`` time is contained in ``user`` and not repeated.
    """

    user: int
    """Time in user mode of processes that are not niced: the only column that WSL up to 2.9.4 looks at."""
    nice: int
    """Time in user mode of processes with a nice value above 0."""
    system: int
    idle: int
    iowait: int | None = None
    """Linux 2.5.41."""
    irq: int | None = None
    """Linux 2.6.0."""
    softirq: int | None = None
    """Linux 2.6.0."""
    steal: int | None = None
    """Linux 2.6.11."""
    cpus: int
    """CPUs that are online: the number of ``cpuN`` lines."""
    boot_time: int | None = None
    """``btime``: wall clock of the boot, seconds since the epoch."""


CgroupMode = Literal["v2", "hybrid", "v1"]
"""``hybrid``: the controllers are v1 and a v2 tree without controllers stands beside them, as on WSL before 2.5."""


class Tmpfs(Struct, frozen=True, kw_only=True):
    """One file system in memory. Its files count as shared memory, and dropping caches does not return them."""

    place: str
    """Where it is mounted, cleaned; the first place when it is mounted at several."""
    used: Reading[int]
    """Bytes of its files."""
    size: int | None
    """Bytes it may grow to; ``None``: no limit."""
    device: str
    """``major:minor``: the same file system at several places has the same."""
    everywhere: bool = False
    """Shared by all distros: ``/mnt/wsl``."""


class Mounts(Struct, frozen=True, kw_only=True, tag="mounts"):
    """What ``/proc/self/mountinfo`` says about memory."""

    tmpfs: tuple[Tmpfs, ...]
    """Fullest first."""
    cgroups: Reading[CgroupMode]


class ProcessCpu(Struct, frozen=True, kw_only=True):
    """CPU ticks of one process between two samples (``/proc/<pid>/stat``)."""

    pid: int
    name: str
    user: int
    """Ticks in user mode (utime), niced or not."""
    system: int
    """Ticks in the kernel (stime)."""
    nice: int = 0
    """Above 0, user time goes to the nice column, which WSL up to 2.9.4 does not count (``account_user_time``)."""
    own: bool = False
    """wsltop itself or one of its processes."""


PSS_NOT_READ: Final = Unavailable("PSS is read for the biggest processes only")


class Pss(Struct, frozen=True, kw_only=True, tag="pss"):
    """The proportional set size of one process (``/proc/PID/smaps_rollup``, Linux 4.14). Bytes."""

    total: int
    anonymous: int | None
    """Pss_Anon, Linux 5.4."""
    file: int | None
    """Pss_File, Linux 5.4."""
    shared: int | None
    """Pss_Shmem, Linux 5.4: tmpfs and shared memory."""
    read_at: float
    """Monotonic seconds; its age is the sample's time minus this."""
    rss: int
    """RSS at that moment, so that a later RSS tells how far the process has moved on."""
    rss_anon: int


class ProcessUse(Struct, frozen=True, kw_only=True):
    """One process. Bytes, ticks of 1/100 s, cleaned names."""

    pid: int
    started: int
    """Ticks after boot; together with ``pid`` this is the process, as pids are used again."""
    name: str
    family: str
    """The name under which people know it. No part of the command line is kept: it may hold secrets."""
    parent: int
    state: str
    """One letter, as ``ps`` says it: R, S, D, Z, T …"""
    rss: int
    shared: int
    """File and shared-memory pages of ``rss``."""
    pss: Reading[Pss] = PSS_NOT_READ
    user_ticks: int
    system_ticks: int
    nice: int
    own: bool = False
    """wsltop itself or a process that it started."""

    @property
    def rss_anon(self) -> int:
        """Anonymous pages: an upper bound of what it holds alone, as a fork shares them."""
        return self.rss - self.shared if self.rss > self.shared else 0

    @property
    def estimated(self) -> bool:
        """Whether ``held`` is an estimate without PSS."""
        return isinstance(self.pss, Unavailable)

    @property
    def held(self) -> int:
        """PSS moved on by what RSS has changed since; without PSS its anonymous memory, as an estimate."""
        pss = self.pss
        return self.rss_anon if isinstance(pss, Unavailable) else max(0, pss.total + self.rss - pss.rss)

    @property
    def anonymous(self) -> int:
        """The anonymous part of ``held``."""
        if isinstance(self.pss, Unavailable) or self.pss.anonymous is None:
            return self.rss_anon
        return max(0, self.pss.anonymous + self.rss_anon - self.pss.rss_anon)


class ProcessTable(Struct, frozen=True, kw_only=True, tag="processes"):
    """Every process that has been read, in no order."""

    processes: tuple[ProcessUse, ...]
    unread: int = 0
    """Processes that are listed and have not been read yet: with thousands of them the first pass takes seconds."""
    refused: int = 0
    """Processes that are listed and may not be read."""


class Family(Struct, frozen=True, kw_only=True):
    """Processes of one family. Bytes."""

    name: str
    held: int
    """What its processes hold; where PSS was not read, forks count by the share of those where it was, if any."""
    anonymous: int
    """Sum of RSS - shared: coarser than ``held``, but measured the same way every time, so its growth means growth."""
    pids: tuple[int, ...]
    """Biggest first."""
    estimated: bool
    """Whether less than half of ``held`` is backed by PSS."""
    own: bool = False
    """wsltop's own processes."""


GroupKind = Literal["distro", "container", "unit", "slice", "group"]
DISTRO: Final = re.compile(r"wsl-user/distro-([0-9]{1,10})", re.ASCII)
"""WSL 2.9.5 and later (isolateDistroCgroup). The number is the pid of the distro's init *outside* of its namespace."""
CONTAINER: Final = re.compile(
    r"(?:(docker|libpod|cri-containerd|crio|containerd|buildkit)-)?([0-9a-f]{64})(?:\.scope)?", re.ASCII
)


class Group(Struct, frozen=True, kw_only=True):
    """One control group. Bytes; ``None``: this kernel or hierarchy does not say. Children are contained."""

    path: str
    """Below the mount of the hierarchy, without a leading slash, cleaned."""
    name: str
    kind: GroupKind
    current: int
    anonymous: int | None = None
    file: int | None = None
    """Page cache, tmpfs and shared memory included."""
    shared: int | None = None
    slab: int | None = None
    limit: int | None = None
    """memory.max; ``None`` also when there is no limit."""
    oom_kills: int | None = None
    frozen: bool | None = None
    ours: bool = False
    """Whether wsltop is in it."""


class Groups(Struct, frozen=True, kw_only=True, tag="groups"):
    """The control groups of this machine, as far as they can be seen."""

    mode: CgroupMode
    groups: tuple[Group, ...]
    """Biggest first, parents and children alike; ``apart`` picks those that do not contain each other."""
    frozen: tuple[str, ...] = ()
    """Names of frozen groups that are no container engine's: Docker's Resource Saver has frozen more than its own
    (microsoft/WSL#12991)."""
    left_out: int | None = None
    """Bytes of the largest group that was not looked into, where there are more groups than are read; no group that
    is missing here is larger. ``None``: all were read."""


PidView = Literal["initial", "distro", "container", "nested", "unknown"]
"""Which processes can be seen: all; those of a WSL distro; of a container; of some other PID namespace."""


class Holders(Struct, frozen=True, kw_only=True, tag="holders"):
    """Who holds the memory. Bytes."""

    processes: tuple[ProcessUse, ...]
    """Biggest first, by ``held``."""
    families: tuple[Family, ...]
    groups: Reading[tuple[Group, ...]]
    elsewhere: Reading[int]
    """At least this much is held by what cannot be seen from here."""
    reason: str
    """Why the visible does not add up to the whole, here."""
    unread: int
    """Processes still to be read for the first time; growth is only worth noting when this is 0."""


Encoding = Literal["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "unknown"]
"""``utf-8-sig``: with a byte order mark; ``unknown``: some other 8-bit encoding."""
CODECS: Final[dict[Encoding, tuple[bytes, str]]] = {
    "utf-8": (b"", "utf-8"),
    "utf-8-sig": (b"\xef\xbb\xbf", "utf-8"),
    "utf-16-le": (b"\xff\xfe", "utf-16-le"),
    "utf-16-be": (b"\xfe\xff", "utf-16-be"),
    "unknown": (b"", "utf-8"),
}
"""The byte order mark of each encoding, and Python's name for it."""
ChosenBy = Literal["USERPROFILE", "only profile", "own profile", "user name", "only file", "no file"]
"""How the profile was told apart from others; ``no file``: none of several profiles has one."""


class WslconfigFile(Struct, frozen=True, kw_only=True, tag="wslconfig_file"):
    """A ``.wslconfig``, or the place where it would be."""

    path: str
    present: bool
    content: bytes = b""
    """The file as it is on the disk: a recording must give every line, tab and odd byte back. Clean what you show."""
    encoding: Encoding = "utf-8"
    mtime: float | None = None
    """Seconds since the epoch; ``None`` without a file."""
    chosen_by: ChosenBy
    lookalikes: tuple[str, ...] = ()
    """Files beside it whose names are nearly right, when it is absent."""

    @property
    def text(self) -> str:
        """The content decoded, without a byte order mark; a wrong byte becomes a replacement character."""
        mark, codec = CODECS[self.encoding]
        return self.content.removeprefix(mark).decode(codec, "replace")


WslFlavor = Literal["wsl2", "wsl1", "none"]
NOT_READ = Unavailable("not read")


class TransparentHugePages(Struct, frozen=True, kw_only=True, tag="thp"):
    """What ``/sys/kernel/mm/transparent_hugepage`` says."""

    mode: Literal["always", "madvise", "never"]
    partially_mapped: int | None = None
    """Bytes of huge pages of all sizes of which a part is unmapped (``nr_anon_partially_mapped``, Linux 6.12)."""


class SlabCache(Struct, frozen=True, tag="slab"):
    """Kernel objects of one kind."""

    name: str
    size: int
    """Bytes of the pages that hold them."""


class Surroundings(Struct, frozen=True, kw_only=True, tag="surroundings"):
    """The machine around the figures."""

    flavor: Reading[WslFlavor] = NOT_READ
    wslconfig: Reading[WslconfigFile] = NOT_READ
    mounts: Reading[Mounts] = NOT_READ
    groups: Reading[Groups] = NOT_READ
    cmdline: Reading[str] = NOT_READ
    """``/proc/cmdline``."""
    reclaim_file: Reading[bool] = NOT_READ
    """Whether ``memory.reclaim`` exists in the root of the cgroup2 file system."""
    page_reporting: Reading[bool] = NOT_READ
    """Whether ``/sys/module/page_reporting`` exists."""
    huge_pages: Reading[TransparentHugePages] = NOT_READ
    init_on_alloc: Reading[bool] = NOT_READ
    """Whether the kernel clears what it allocates: then the host holds all of it, touched by a program or not."""
    init_began: Reading[float] = NOT_READ
    """Seconds since the epoch when WSL's init made its socket: the VM booted before that."""
    zfs_arc: Reading[int] = NOT_READ
    """Bytes of ZFS's cache (``size`` of ``/proc/spl/kstat/zfs/arcstats``)."""
    slab_caches: Reading[tuple[SlabCache, ...]] = NOT_READ
    """The largest kinds of kernel objects, largest first; only root may read them."""
    interop_fault: Unavailable | None = None
    """What is visibly wrong with interop."""


class Census(Struct, frozen=True, kw_only=True, tag="census"):
    """The processes, counted at one moment."""

    read_at: float
    """Monotonic seconds."""
    holders: Holders
    """Who holds memory; of the processes only the biggest are kept."""
    since: CpuTimes | None = None
    """The CPU columns at the census before, with which ``busy`` began; None in the first census."""
    until: CpuTimes | None = None
    busy: tuple[ProcessCpu, ...] = ()
    """What the processes computed since then; the busiest only, and all of our own."""


SCHEMA = 1
"""Version of the sample's shape, raised when a field changes its meaning."""


class Meminfo(Struct, frozen=True, kw_only=True, tag="meminfo"):
    """``/proc/meminfo`` in bytes (fs/proc/meminfo.c). ``None``: this kernel does not print the line."""

    total: int
    free: int
    available: int | None = None
    """MemAvailable, Linux 3.14."""
    buffers: int
    cached: int
    """Page cache without Buffers and swap cache; contains ``shmem``."""
    swap_cached: int
    active_file: int
    inactive_file: int
    unevictable: int
    active_anon: int | None = None
    """Anonymous and shared memory on the list of what was used lately."""
    inactive_anon: int | None = None
    dirty: int
    writeback: int
    anon_pages: int
    mapped: int
    shmem: int
    slab_reclaimable: int
    slab_unreclaimable: int
    page_tables: int
    secondary_page_tables: int | None = None
    """SecPageTables, Linux 6.1."""
    vmalloc: int | None = None
    """VmallocUsed, which counts since Linux 5.3 (0 before): most of it is kernel stacks and drivers' buffers."""
    huge_pages: int | None = None
    """Hugetlb, Linux 4.17; before that HugePages_Total times Hugepagesize."""
    huge_pages_free: int | None = None
    """HugePages_Free times Hugepagesize: of the pool, what no program has."""
    swap_total: int
    swap_free: int | None
    """``None`` where the kernel prints what cannot be: WSL 1 does (psutil#1517)."""

    @property
    def unmapped_anonymous(self) -> int | None:
        """Bytes of anonymous memory that nothing maps; None where the kernel does not print the lists.

        All lists of what programs use, less what is mapped anonymously and less the page cache, shared memory in it.
        Where a page is listed does not matter then: locked pages and those given up lazily are on others.
        """
        if self.active_anon is None or self.inactive_anon is None:
            return None
        lists = self.active_anon + self.inactive_anon + self.active_file + self.inactive_file + self.unevictable
        return lists - self.anon_pages - self.cached - self.buffers


class FreeBlocks(Struct, frozen=True, kw_only=True):
    """One line of ``/proc/buddyinfo``: free blocks of one zone by order."""

    node: int
    zone: str
    counts: tuple[int, ...]
    """Index is the order: ``counts[o]`` blocks of ``2**o`` pages."""


class Zone(Struct, frozen=True, kw_only=True):
    """One zone of ``/proc/zoneinfo``, in pages."""

    node: int
    zone: str
    present: int
    """Pages that exist in the machine."""
    managed: int
    """Pages that the allocator has been given; MemTotal is their sum, unless initialization is deferred."""
    low: int
    """Low watermark: page reporting skips a zone that is near it."""
    per_cpu: int = 0
    """Free pages that the CPUs keep on lists of their own. MemFree does not count them, nor does MemAvailable, and
    they are not reported; since Linux 6.7 they are hundreds of MiB after a large program has ended."""


class ReportingOrder(Struct, frozen=True, kw_only=True, tag="order"):
    """The smallest free block that is reported to the host, as a power of two of pages."""

    order: int
    assumed: bool
    """True when the parameter is absent, and the pageblock order stands in."""


class Counters(Struct, frozen=True, kw_only=True, tag="vmstat"):
    """The counters of ``/proc/vmstat`` that wsltop uses, since boot. A counter that the kernel lacks is not a key."""

    values: dict[str, int]


class Dentries(Struct, frozen=True, kw_only=True, tag="dentries"):
    """``/proc/sys/fs/dentry-state``: names of files that the kernel remembers (fs/dcache.c)."""

    total: int
    unused: int
    """Those that nobody uses: they go first when slab is dropped."""
    negative: int | None = None
    """Names that were looked for and are not there; Linux 5.0."""


class Pressure(Struct, frozen=True, kw_only=True, tag="pressure"):
    """``/proc/pressure/memory`` (PSI): the share of time in which tasks waited for memory, 0 to 1."""

    some_avg10: float
    some_avg60: float
    full_avg10: float
    full_avg60: float


class KernelRecord(Struct, frozen=True, kw_only=True):
    """One record of the kernel log, its text stripped of control characters."""

    sequence: int
    monotonic: float
    """Seconds since boot as the kernel stamped it."""
    level: int
    """Syslog severity, 0 (emergency) to 7 (debug)."""
    facility: int
    """Syslog facility: 0 the kernel, 1 user space (WSL's init writes with it)."""
    text: str


class KernelLog(Struct, frozen=True, kw_only=True, tag="kernel_log"):
    """The records that came since the last sample."""

    origin: Literal["kmsg", "dmesg", "journal"]
    records: tuple[KernelRecord, ...] = ()
    lost: int = 0
    """Records that the kernel overwrote, or that a flood made us skip, before we read them."""
    more: bool = False
    """Whether there are more than one sample carries: what the next one brings may be older than this one."""


class VmProcess(Struct, frozen=True, kw_only=True):
    """A process of Windows that stands for a virtual machine: ``vmmem*``."""

    name: str
    working_set: int
    """Bytes."""


WAITING: Final = Unavailable("waiting for Windows' first answer")
"""What a source of the host's memory says until Windows has answered."""


class SeveralVms(Unavailable, frozen=True, tag="several_vms"):
    """Windows runs several virtual machines of one name, so none of them can be taken for this one."""

    vms: tuple[VmProcess, ...] = ()
    total: int | None = None
    """RAM of Windows in bytes, and what is left of it, where Windows told them."""
    available: int | None = None


class HostMemory(Struct, frozen=True, kw_only=True, tag="host"):
    """What the host said about the VM's process and about its own memory."""

    source: str
    """Who was asked: a source of ``wsltop.host.choose``."""
    process: str
    pid: int
    working_set: int
    """Bytes of the process in the host's RAM (``WorkingSet64``)."""
    private_bytes: Reading[int]
    """Committed private bytes (``PrivateMemorySize64``)."""
    total: Reading[int]
    """RAM of the host."""
    available: Reading[int]
    """RAM of the host that is available to programs."""
    vms: tuple[VmProcess, ...] = ()
    """All processes of virtual machines, ours among them, as far as the source lists them."""
    read_at: float
    """When the reading arrived, on the sample's monotonic clock; its age is the sample's time minus this."""

    @property
    def is_windows(self) -> bool:
        """Whether Windows was asked, and not a process of this machine."""
        return self.source != "process"


HogStatus = Literal["starting", "filling", "holding", "floor", "ending", "failed"]
"""``floor``: it stopped growing because available memory came near the floor."""


class Hog(Struct, frozen=True, kw_only=True):
    """One worker process that takes memory on purpose."""

    id: int
    """Counts up from 1 for the life of wsltop, never reused."""
    pid: int
    kind: str
    target: int
    resident: int
    speed: float | None
    """Bytes per second while filling, the mean of the whole fill after it; ``None`` before the first page."""
    status: HogStatus
    incompressible: bool = False
    """Whether its content is random: Windows compresses what it finds idle, and zeros to nothing."""
    note: str = ""
    """Why, when ``status`` is ``floor`` or ``failed``."""


class HogEnded(Struct, frozen=True, kw_only=True):
    """How one hog ended."""

    id: int
    pid: int
    kind: str
    target: int
    resident: int
    """Bytes it held when it was last seen alive."""
    how: Literal["killed", "oom", "signal", "exited"]
    """``killed``: by wsltop. ``oom``: SIGKILL by another, and the kernel has counted an OOM kill since it started."""
    note: str = ""
    """The name of the signal, or the exit status and what the hog said last."""
    lived: float
    """Seconds from its start until it was found ended."""
    teardown: float | None = None
    """Seconds from wsltop's SIGKILL until it was found ended; ``None`` when another ended it."""


class Mark(Struct, frozen=True, kw_only=True):
    """Something that wsltop itself did, or found to have come of it."""

    time: float
    """Wall clock, seconds since the epoch."""
    monotonic: float
    text: str
    level: int = 6
    """Syslog severity: 4 a warning."""


class Identity(Struct, frozen=True, kw_only=True):
    """What this guest is."""

    kernel: Reading[str]
    """Release, as ``uname -r`` says it."""
    distro: Reading[str]
    wsl_version: Reading[str]


class OwnUse(Struct, frozen=True, kw_only=True):
    """What wsltop itself and its helper processes cost. Hogs are not counted."""

    cpu: float | None
    """Share of one core over the last five seconds (0.01 is 1 %); ``None`` in the first sample."""
    resident: Reading[int]


class Sample(Struct, frozen=True, kw_only=True):
    """Everything read at one tick."""

    schema: int = SCHEMA
    time: float
    """Wall clock, seconds since the epoch."""
    monotonic: float
    """CLOCK_MONOTONIC, seconds."""
    interval: float | None = None
    """Seconds between the sample before and this one, as intended; ``None``: as the reader was started with."""
    page_size: int = 4096
    identity: Identity
    meminfo: Reading[Meminfo]
    free_blocks: Reading[tuple[FreeBlocks, ...]]
    zones: Reading[tuple[Zone, ...]]
    reporting: Reading[ReportingOrder]
    counters: Reading[Counters]
    dentries: Reading[Dentries] = Unavailable("not read")
    cpu: Reading[CpuTimes] = Unavailable("not read")
    pressure: Reading[Pressure] = Unavailable("not read")
    kernel_log: Reading[KernelLog]
    host: HostMemory | SeveralVms | Unavailable
    hogs: tuple[Hog, ...] = ()
    hogs_ended: tuple[HogEnded, ...] = ()
    """The hogs that ended since the last sample."""
    own: OwnUse
    marks: tuple[Mark, ...] = ()
    """What wsltop did since the last sample. Here, so that a recording and a replay tell it too."""
    surroundings: Surroundings = Surroundings()
    census: Reading[Census] = Unavailable("not read")


EventKind = Literal[
    "log",  # a line of the kernel log that is about nothing below
    "compaction",
    "cache drop",
    "direct reclaim",
    "proactive reclaim",
    "swap",
    "stall",
    "oom kill",
    "balloon",
    "reporting",
    "init",  # WSL's init speaks
    "hog",
    "return",  # memory that Windows got back
    "mark",
]
Origin = Literal["kmsg", "dmesg", "journal", "vmstat", "wsltop", "host"]
"""Who says so."""


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened, or is still happening."""

    kind: EventKind
    origin: Origin
    time: float
    """Wall clock of the start, seconds since the epoch."""
    start: float
    """Monotonic start, seconds: its place on the timeline."""
    end: float
    """Monotonic end; equal to ``start`` for a moment, and grows while the same thing goes on."""
    text: str
    """What to tell, stripped of control characters."""
    memory: bool = True
    """False: hidden unless all of the log is shown."""
    level: int = 6
    """Syslog severity: 3 and below is an error, 4 a warning."""
    amounts: dict[str, int] = {}
    """Figures behind the text, by name, in bytes or counts; they add up while the event goes on."""


class Distro(Struct, frozen=True, kw_only=True):
    """One distribution that Windows knows."""

    name: str
    state: str
    """In the words of Windows, which are in its user's language; cleaned."""
    version: int
    """Of WSL: 1 or 2."""
    default: bool
    running: bool | None = None
    """``None``: not known."""


class Distros(Struct, frozen=True, kw_only=True):
    """The distributions, and the versions of what WSL is made of."""

    distros: Reading[tuple[Distro, ...]]
    versions: Reading[tuple[str, ...]]
    """The lines of ``wsl.exe --version``, cleaned; their labels are in Windows' language."""


def no_distros(why: Unavailable) -> Distros:
    """Nothing is known, and why."""
    return Distros(distros=why, versions=why)


NOT_ASKED = no_distros(Unavailable("Windows was not asked"))
NOT_RECORDED = no_distros(Unavailable("a recording does not tell it", "Run: wsltop report (without a file)"))
