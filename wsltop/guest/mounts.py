"""``/proc/self/mountinfo``: the file systems that are memory, how full they are, and which cgroups there are."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from wsltop.guest.files import KernelFile, unreadable
from wsltop.model.sample import CgroupMode, Mounts, Reading, Tmpfs, Unavailable
from wsltop.model.text import clean

IN_MEMORY: Final = frozenset({"tmpfs", "devtmpfs", "ramfs"})
OCTAL: Final = re.compile(r"\\([0-7]{3})")
EVERYWHERE: Final = ("/mnt/wsl", "/mnt/wslg")


class Mount(NamedTuple):
    """One line of mountinfo."""

    device: str
    place: str
    """As the kernel names it; may hold any character."""
    kind: str
    options: str
    """Of the file system."""
    within: str = "/"
    """The part of the file system that is mounted there."""
    source: str = ""


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Parse mountinfo (fs/proc_namespace.c, show_mountinfo), oldest first; a line that is no mount is left out."""
    mounts: list[Mount] = []
    for line in text.split("\n"):
        before, dash, after = line.partition(" - ")
        fields, tail = before.split(" "), after.split(" ")
        if dash and len(fields) >= 6 and len(tail) >= 3:
            within, place, source = (unescape(field) for field in (fields[3], fields[4], tail[1]))
            mounts.append(Mount(fields[2], place, tail[0], unescape(tail[2]), within, source))
    return tuple(mounts)


def unescape(place: str) -> str:
    """A field of mounts(5) as it is: blank, tab, newline and backslash are printed as octal numbers."""
    return OCTAL.sub(lambda match: chr(int(match[1], 8) & 0xFF), place)


def reachable(mounts: tuple[Mount, ...]) -> tuple[Mount, ...]:
    """Mounts that no later mount hides, at their place or above it: a hidden one's path leads into another file system,
    which may be a network's and hang."""
    seen: list[Mount] = []
    above: set[str] = set()
    for mount in reversed(mounts):
        place = mount.place.rstrip("/")
        parts = place.split("/")
        shortest = min(2, len(parts))  # a later root hides an earlier one, not what is mounted below it
        if not any("/".join(parts[:depth]) in above for depth in range(shortest, len(parts) + 1)):
            seen.append(mount)
        above.add(place)
    return tuple(reversed(seen))


def cgroup_mode(mounts: tuple[Mount, ...]) -> Reading[CgroupMode]:
    """Which cgroups are mounted; ``hybrid``: v1 controllers and a v2 tree."""
    v2 = any(mount.kind == "cgroup2" for mount in mounts)
    # A v1 hierarchy without a controller, only named, is systemd's own bookkeeping and not what counts here.
    v1 = any(mount.kind == "cgroup" and not re.search(r"(^|,)name=", mount.options) for mount in mounts)
    if v1:
        return "hybrid" if v2 else "v1"
    return "v2" if v2 else Unavailable("no control groups are mounted")


class Fill(NamedTuple):
    """How full a file system is: the fields of statvfs(3) that count here."""

    f_blocks: int
    f_bfree: int
    f_frsize: int


class Statvfs(Protocol):
    """What tells how full a file system is."""

    @property
    def f_blocks(self) -> int:
        """Its size in fragments; 0 where it has no limit."""

    @property
    def f_bfree(self) -> int:
        """Free fragments."""

    @property
    def f_frsize(self) -> int:
        """Bytes of a fragment."""


FILLS: Final = "statvfs"
"""The file below another root that tells how full its file systems are: lines ``USED SIZE PLACE``, in bytes, the place
as seen from that guest; a size of 0 is no limit. What is mounted there is not mounted on this machine."""


def read_fill(root: Path, place: str) -> Fill:
    """The line of ``FILLS`` for one place.

    Raises:
        OSError: there is no such file, or no line for the place.
    """
    for line in (root / FILLS).read_text(errors="replace").splitlines():
        used, size, name = [*line.split(" ", 2), "", "", ""][:3]
        if name == place and used.isdecimal() and size.isdecimal():
            return Fill(f_blocks=int(size), f_bfree=max(0, int(size) - int(used)), f_frsize=1)
    raise FileNotFoundError(errno.ENOENT, "no line for it", place)


class MountsSource:
    """Reads mountinfo and asks each reachable tmpfs how full it is.

    Args:
        root: where ``proc`` and the mounted places are.
        fill: statvfs(3), or its stand-in; by default the system call, and the file ``FILLS`` below another root.
    """

    def __init__(self, root: Path = Path("/"), fill: Callable[[Path], Statvfs] | None = None) -> None:
        self._root = root
        real = os.statvfs if root == Path("/") else self._read_fill
        self._fill: Callable[[Path], Statvfs] = real if fill is None else fill
        self._file = KernelFile(root / "proc/self/mountinfo")

    def read(self) -> Reading[Mounts]:
        """Read the mounts; a file system with several places is listed once."""
        text = self._file.read()
        if isinstance(text, Unavailable):
            return text
        mounts = parse_mountinfo(text)
        first: dict[str, Mount] = {}
        for mount in reachable(mounts):
            if mount.kind in IN_MEMORY:
                first.setdefault(mount.device, mount)
        tmpfs = sorted((self._measure(mount) for mount in first.values()), key=_fullness, reverse=True)
        return Mounts(tmpfs=tuple(tmpfs), cgroups=cgroup_mode(mounts))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read_fill(self, path: Path) -> Statvfs:
        return read_fill(self._root, f"/{path.relative_to(self._root)}")

    def _measure(self, mount: Mount) -> Tmpfs:
        place = self._root / mount.place.lstrip("/")
        used: Reading[int]
        size = None
        try:
            found = self._fill(place)
        except OSError as error:
            used = unreadable(place, error)
        except ValueError:
            used = Unavailable("its name cannot be passed to the kernel")
        else:
            size = found.f_blocks * found.f_frsize or None
            # Without a limit the kernel reports 0 blocks, whatever is in it (mm/shmem.c, shmem_statfs).
            used = (
                Unavailable("it has no size limit, and so the kernel does not say how full it is")
                if size is None
                else max(0, found.f_blocks - found.f_bfree) * found.f_frsize
            )
        return Tmpfs(
            place=clean(mount.place),
            used=used,
            size=size,
            device=mount.device,
            everywhere=any(mount.place == place or mount.place.startswith(f"{place}/") for place in EVERYWHERE),
        )


def _fullness(tmpfs: Tmpfs) -> int:
    return -1 if isinstance(tmpfs.used, Unavailable) else tmpfs.used
