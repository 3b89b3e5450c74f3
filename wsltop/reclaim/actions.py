"""The actions that give memory back: what each writes and where, and what it costs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from wsltop.hogs.guard import lineage
from wsltop.model.sample import Unavailable

ActionName: TypeAlias = Literal["compact", "drop-cache", "drop-all", "reclaim", "pressure"]


class Action(Struct, frozen=True, kw_only=True):
    """One thing that can be done."""

    name: ActionName
    title: str
    path: str
    """What it writes to; empty for what is no file, or is looked for."""
    texts: tuple[str, ...]
    """What it writes: each but the first is for a kernel that does not take the one before. ``{size}``: bytes."""
    needs_root: bool
    takes_size: bool
    cost: str
    """What the user pays, as a sentence."""
    missing: Unavailable
    """Why, when there is no file to write to."""


COMPACT_MEMORY: Final = "/proc/sys/vm/compact_memory"
DROP_CACHES: Final = "/proc/sys/vm/drop_caches"
NO_DROP: Final = Unavailable(f"{DROP_CACHES} is missing: /proc is not the kernel's", "Run wsltop outside the sandbox.")
ACTIONS: Final[dict[ActionName, Action]] = {
    action.name: action
    for action in (
        Action(
            name="compact",
            title="Compact memory",
            path=COMPACT_MEMORY,
            texts=("1\n",),
            needs_root=True,
            takes_size=False,
            cost="Some CPU for a moment: pages are copied together. No data is lost and nothing is read again.",
            missing=Unavailable(f"this kernel cannot compact memory: {COMPACT_MEMORY} is missing"),
        ),
        Action(
            name="drop-cache",
            title="Drop the file cache",
            path=DROP_CACHES,
            texts=("1\n",),
            needs_root=True,
            takes_size=False,
            cost="Files are read from the disk again when they are next used. What is not written yet stays.",
            missing=NO_DROP,
        ),
        Action(
            name="drop-all",
            title="Drop the file cache and reclaimable slab",
            path=DROP_CACHES,
            texts=("3\n",),
            needs_root=True,
            takes_size=False,
            cost="Files and directories are read from the disk again when they are next used, so the next build or "
            "search is slow.",
            missing=NO_DROP,
        ),
        Action(
            name="reclaim",
            title="Reclaim file cache",
            path="",
            texts=("{size} swappiness=0\n", "{size}\n"),
            needs_root=True,
            takes_size=True,
            cost="The files used longest ago are read again when they are next used. A kernel that does not know "
            "swappiness here (before Linux 6.10) may swap programs out as well.",
            missing=Unavailable("no memory.reclaim here (Linux 5.19, cgroup version 2)"),
        ),
        Action(
            name="pressure",
            title="Push file cache out",
            path="",
            texts=(),
            needs_root=False,
            takes_size=True,
            cost="A hog takes all free memory and then the size asked for, and ends at once: for a few seconds "
            "Windows lends all of that, and with swap on programs may be swapped out. Files are read again.",
            missing=Unavailable(
                "a hog that leaves the floor of available memory alone would push nothing out",
                "End programs first, or use drop-cache.",
            ),
        ),
    )
}
"""Everything that wsltop does to give memory back, by name."""
MOUNTS: Final = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
"""Where version 2 is mounted: alone, or beside version 1."""
FILE: Final = "memory.reclaim"
INSTEAD: Final = "Use drop-cache, or pressure without root."
GET_V2: Final = (
    "In WSL: cgroups=v2 under [automount] in /etc/wsl.conf, or a newer WSL, then wsl.exe --shutdown. "
    "Elsewhere boot with systemd.unified_cgroup_hierarchy=1. Or use drop-cache, or pressure without root."
)


def find_reclaim_file(root: Path, uid: int) -> tuple[str, bool]:
    """The file that reclaims most, empty when there is none, and whether this user may write it without being root.

    The root cgroup's reclaims from the whole machine. Without root the cgroups above this process are tried from the
    top down: systemd hands ``user@UID.service`` over to its user, this file with it (sysfs says which in
    ``/sys/kernel/cgroup/delegate``).
    """
    whole = next((path for mount in MOUNTS if (path := root / mount / FILE).exists()), None)
    if uid != 0:
        for mount in MOUNTS:
            for folder in reversed(lineage(str(root / mount), own_path(root))):
                path = Path(folder) / FILE
                if path.exists() and os.access(path, os.W_OK):
                    return str(path), True
    return ("", False) if whole is None else (str(whole), False)


def own_path(root: Path) -> str:
    """The cgroup of this process in the hierarchy of version 2; the root's where it cannot be read."""
    try:
        lines = (root / "proc/self/cgroup").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return "/"
    return next((line[3:] for line in lines if line.startswith("0::")), "/")


def explain_absence(root: Path) -> Unavailable:
    """Why there is no such file, and how to get one."""
    found = next((path for mount in MOUNTS if (path := root / mount / "cgroup.controllers").exists()), None)
    if found is None:
        what = "version 1" if (root / MOUNTS[0] / "memory").exists() else "none at /sys/fs/cgroup"
        return Unavailable(f"memory.reclaim needs control groups of version 2, and here is {what}", GET_V2)
    try:
        controllers = found.read_text(errors="replace").split()
    except OSError as error:
        return Unavailable(f"no memory.reclaim here, and {found} cannot be read: {error.strerror}", INSTEAD)
    if "memory" not in controllers:
        return Unavailable(
            f"memory.reclaim needs the memory controller in control groups of version 2, and {found} lacks it", GET_V2
        )
    return Unavailable("this kernel has no memory.reclaim: it came with Linux 5.19", f"Update it. {INSTEAD}")
