"""Memory that is mounted: tmpfs, and which kind of cgroups this kernel offers. Structs and nothing else."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from wsltop.core.reading import Reading

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
