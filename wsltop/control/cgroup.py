"""Finds the cgroup file through which the kernel takes orders to reclaim: ``memory.reclaim`` (Linux 5.19)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from wsltop.control.available import lineage
from wsltop.core.reading import Unavailable

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
