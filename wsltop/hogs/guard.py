"""The memory guard: how much memory is available, and the floor that no hog may go below."""

from __future__ import annotations

import os

MIB = 1024**2
LEAST = 512 * MIB
SHARE = 20
TINY_SHARE = 4
INTERPRETER = 12 * MIB
"""What a hog takes before its first page: a bare interpreter with ctypes (10 MiB measured), and its kernel side."""
PAGES_PER_TABLE = 512
"""One page of page table maps 512 pages (x86-64 and arm64 with 4 KiB pages)."""


def floor_for(total: int) -> int:
    """Bytes of available memory to keep in a machine, or a cgroup, of ``total`` bytes.

    5 % of it, because what runs in a guest grows with the guest; but at least 512 MiB, which the shell, the editor's
    server, the interop with Windows and wsltop itself need to stay quick; but never more than a quarter, because below
    2 GiB the 512 MiB would leave nothing to show. MemAvailable, which is held against it, is already net of the low
    watermarks and of half the page cache (mm/show_mem.c, si_mem_available).
    """
    return min(max(LEAST, total // SHARE), total // TINY_SHARE)


def cost_of(size: int) -> int:
    """Bytes that a hog of ``size`` bytes takes from the machine: its pages, their page tables, its interpreter."""
    return size + size // PAGES_PER_TABLE + INTERPRETER


def headroom(available: int, floor: int, promised: int = 0) -> int:
    """Bytes that may be taken now, never negative.

    ``promised`` is what hogs that already run still have to fill: it is free now and will not be.
    """
    return max(0, available - floor - promised)


UNREADABLE = -1


class Supply:
    """One place where memory can run out."""

    __slots__ = ("available", "floor", "name", "total")

    def __init__(self, name: str, total: int, available: int, floor: int) -> None:
        self.name = name
        """``memory``, or ``the cgroup's memory``."""
        self.total = total
        """Bytes that there are at most."""
        self.available = available
        """Bytes that can be taken before something must give way."""
        self.floor = floor
        """Bytes that must stay available."""


class MemoryGuard:
    """Reads the supplies of this process; children live in the same cgroups unless someone moves them.

    Args:
        root: where ``proc`` and ``sys`` are.
        floor: bytes to keep available in the machine; by default as ``floor_for`` says.
    """

    def __init__(self, root: str = "/", floor: int | None = None) -> None:
        self.floor = floor
        self.meminfo = os.open(f"{root}/proc/meminfo", os.O_RDONLY | os.O_CLOEXEC)
        self.limits = limits_of(root)

    def read_machine(self) -> Supply:
        """MemTotal and MemAvailable of ``/proc/meminfo`` (before Linux 3.14 MemFree, which is less).

        Raises:
            OSError: there is no such figure.
        """
        text = os.pread(self.meminfo, 4096, 0)
        total = field(text, b"MemTotal:")
        available = field(text, b"MemAvailable:")
        if available == UNREADABLE:
            available = field(text, b"MemFree:")
        if UNREADABLE in (total, available):
            raise OSError("/proc/meminfo does not say how much memory is available")
        total *= 1024
        return Supply("memory", total, available * 1024, floor_for(total) if self.floor is None else self.floor)

    def read(self) -> Supply:
        """The supply that runs out first: the one with the least above its floor."""
        tightest = machine = self.read_machine()
        for limit in self.limits:
            supply = limit.supply(machine.total)
            if supply and supply.available - supply.floor < tightest.available - tightest.floor:
                tightest = supply
        return tightest

    def close(self) -> None:
        """Close the files."""
        os.close(self.meminfo)
        for limit in self.limits:
            limit.close()


class Limit:
    """The memory limit of one cgroup.

    Version 2: the lower of memory.max and memory.high (above that one the kernel makes every allocation sleep).
    Version 1: memory.limit_in_bytes. Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
    """

    def __init__(self, folder: str, limits: tuple[str, ...], usage: str, reclaimable: bytes) -> None:
        self.reclaimable = reclaimable
        self.limits = [open_quietly(f"{folder}/{name}") for name in limits]
        self.usage = open_quietly(f"{folder}/{usage}")
        self.stat = open_quietly(f"{folder}/memory.stat")

    def supply(self, total: int) -> Supply | None:
        """What the cgroup has left; ``None`` where it sets no limit below ``total`` bytes.

        Inactive page cache counts as available: the cgroup's usage contains it, and it goes before anything is killed.
        """
        limit = min((number for fd in self.limits if (number := read_number(fd)) != UNREADABLE), default=total)
        if limit >= total or (usage := read_number(self.usage)) == UNREADABLE:
            return None
        cache = max(0, field(pread_quietly(self.stat), self.reclaimable))
        return Supply("the cgroup's memory", limit, max(0, limit - usage + cache), floor_for(limit))

    def close(self) -> None:
        """Close the files."""
        for fd in (*self.limits, self.usage, self.stat):
            if fd != UNREADABLE:
                os.close(fd)


def limits_of(root: str) -> list[Limit]:
    """The cgroups this process lives in that may limit its memory, and their ancestors."""
    fd = open_quietly(f"{root}/proc/self/cgroup")
    lines = pread_quietly(fd).decode(errors="surrogateescape").splitlines()
    if fd != UNREADABLE:
        os.close(fd)
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2) if line.count(":") >= 2 else ("", "none", "")
        if controllers == "":
            files = (("memory.max", "memory.high"), "memory.current", b"inactive_file")
            found += [Limit(folder, *files) for folder in lineage(f"{root}/sys/fs/cgroup", path)]
        elif "memory" in controllers.split(","):
            old = (("memory.limit_in_bytes",), "memory.usage_in_bytes", b"total_inactive_file")
            found += [Limit(folder, *old) for folder in lineage(f"{root}/sys/fs/cgroup/memory", path)]
    return found


def lineage(mount: str, path: str) -> list[str]:
    """The folders of a cgroup and its ancestors, up to where the hierarchy is mounted.

    In a container without a cgroup namespace the path is the host's and only the last one exists: the container's own.
    """
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return ["/".join([mount, *parts[:length]]) for length in range(len(parts), -1, -1)]


def open_quietly(path: str) -> int:
    """A descriptor, or -1: not every cgroup has every file."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return UNREADABLE


def pread_quietly(fd: int) -> bytes:
    """The beginning of a file, or nothing."""
    try:
        return b"" if fd == UNREADABLE else os.pread(fd, 65536, 0)
    except OSError:
        return b""


def read_number(fd: int) -> int:
    """The number that a file holds, or -1, also for ``max``."""
    text = pread_quietly(fd).strip()
    return int(text) if text.isdigit() else UNREADABLE


def field(text: bytes, name: bytes) -> int:
    """The number behind ``name`` at the start of a line, or -1."""
    words = (b"\n" + text).partition(b"\n" + name)[2].split(None, 1)
    return int(words[0]) if words and words[0].isdigit() else UNREADABLE
