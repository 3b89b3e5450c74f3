"""The sample: everything that is read at one tick, and the only truth the rest of the program sees.

Raw figures only; what they mean is the work of the other modules of ``core``. All sizes are bytes, all times are
seconds. Structs are frozen and round-trip through msgspec. A field that a kernel may not print is ``None``; a part
that could not be read is ``Unavailable``.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from wsltop.core.cpu import CpuTimes
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.surroundings import Census, Surroundings

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
    dirty: int
    writeback: int
    anon_pages: int
    mapped: int
    shmem: int
    slab_reclaimable: int
    slab_unreclaimable: int
    kernel_stack: int
    page_tables: int
    secondary_page_tables: int | None = None
    """SecPageTables, Linux 6.1."""
    percpu: int | None = None
    """Percpu, Linux 4.20."""
    huge_pages: int | None = None
    """Hugetlb, Linux 4.17; before that HugePages_Total times Hugepagesize."""
    swap_total: int
    swap_free: int


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
    """True when the parameter is absent or -1, and the pageblock order stands in."""


class Counters(Struct, frozen=True, kw_only=True, tag="vmstat"):
    """The counters of ``/proc/vmstat`` that wsltop uses, since boot. A counter that the kernel lacks is not a key."""

    values: dict[str, int]


class Pressure(Struct, frozen=True, kw_only=True, tag="pressure"):
    """``/proc/pressure/memory`` (PSI): the share of time in which tasks waited for memory, 0 to 1."""

    some_avg10: float
    some_avg60: float
    some_total: float
    """Seconds since boot in which at least one task waited."""
    full_avg10: float
    full_avg60: float
    full_total: float
    """Seconds since boot in which all runnable tasks waited."""


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


class VmProcess(Struct, frozen=True, kw_only=True):
    """A process of Windows that stands for a virtual machine: ``vmmem*``."""

    name: str
    working_set: int
    """Bytes."""


class HostMemory(Struct, frozen=True, kw_only=True, tag="host"):
    """What the host said about the VM's process and about its own memory."""

    source: Literal["powershell", "tasklist", "process"]
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
    """Seconds between the sample before and this one, as intended; ``None``: as whoever shows it was told."""
    page_size: int = 4096
    identity: Identity
    meminfo: Reading[Meminfo]
    free_blocks: Reading[tuple[FreeBlocks, ...]]
    zones: Reading[tuple[Zone, ...]]
    reporting: Reading[ReportingOrder]
    counters: Reading[Counters]
    cpu: Reading[CpuTimes] = Unavailable("not read")
    pressure: Reading[Pressure] = Unavailable("not read")
    kernel_log: Reading[KernelLog]
    host: Reading[HostMemory]
    hogs: tuple[Hog, ...] = ()
    hogs_ended: tuple[HogEnded, ...] = ()
    """The hogs that ended since the last sample."""
    own: OwnUse
    marks: tuple[Mark, ...] = ()
    """What wsltop did since the last sample. Here, so that a recording and a replay tell it too."""
    surroundings: Surroundings = Surroundings()
    census: Reading[Census] = Unavailable("not read")
