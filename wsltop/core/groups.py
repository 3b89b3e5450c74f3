"""Control groups under names that a person knows: distro, container, systemd unit.

Pure; the tree is read in ``wsltop.guest.cgroups``. Imports msgspec and ``core``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from wsltop.core.mounts import CgroupMode
from wsltop.core.text import clean

GroupKind = Literal["distro", "container", "unit", "slice", "group"]

DISTRO: Final = re.compile(r"wsl-user/distro-([0-9]{1,10})", re.ASCII)
"""WSL 2.9.5 and later (isolateDistroCgroup). The number is the pid of the distro's init *outside* of its namespace."""
CONTAINER: Final = re.compile(
    r"(?:(docker|libpod|cri-containerd|crio|containerd|buildkit)-)?([0-9a-f]{64})(?:\.scope)?", re.ASCII
)
ENGINES: Final = {"libpod": "podman", "cri-containerd": "containerd", "crio": "cri-o"}
ESCAPED: Final = re.compile(r"((?:\\x[0-9a-f]{2})+)", re.ASCII)
DOCKERS: Final = re.compile(r"docker|containerd|moby|libpod|kubepods|buildkit|crio")
"""Groups in whose path this occurs may be frozen by their own engine: a paused container."""


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
    cut_off: bool = False
    """Whether there were more groups than were read."""


def name_group(path: str, names: Mapping[str, str] | None = None) -> tuple[GroupKind, str]:
    """The kind and the name of a group, by its path.

    Args:
        path: below the mount, without a leading slash.
        names: names that were found out otherwise: of distros by init pid, of containers by the full id.
    """
    names = names or {}
    distro = DISTRO.fullmatch(path)
    if distro:
        return "distro", clean(names.get(distro[1], f"distro (init pid {distro[1]})"))
    last = path.rpartition("/")[2]
    container = CONTAINER.fullmatch(last)
    if container:
        before = path.split("/")[-2:-1]
        engine = container[1] or (before[0] if before and DOCKERS.fullmatch(before[0]) else "container")
        engine = ENGINES.get(engine, engine)
        return "container", clean(f"{engine} {names.get(container[2], container[2][:12])}")
    if path == "wsl-user/non-distro":
        return "group", "WSL outside the distros"
    if last.startswith("lxc.payload."):
        return "container", clean(f"lxc {last.removeprefix('lxc.payload.')}")
    if last.endswith((".service", ".scope")):
        return "unit", unescape_unit(last)
    if last.endswith(".slice"):
        return "slice", unescape_unit(last)
    return "group", clean(last)


def unescape_unit(name: str) -> str:
    r"""Undo systemd's ``\x2d`` (systemd.unit(5)); the result is cleaned, as the escaped may be anything."""
    plain = ESCAPED.sub(lambda match: bytes.fromhex(match[1].replace("\\x", "")).decode("utf-8", "replace"), name)
    return clean(plain)


def apart(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Groups that do not contain each other, biggest first; what a parent holds beside its parts is in none of them.

    From the root down, a distro, container or unit stands for all that is in it. The distro that wsltop is in is told
    in its parts, and so are slices and groups that have parts.
    """
    ordered = sorted(groups, key=lambda group: group.path)
    parents = {group.path.rpartition("/")[0] for group in ordered}
    kept: list[Group] = []
    whole: set[str] = set()
    for group in ordered:
        above = group.path.split("/")[:-1]
        if any("/".join(above[:depth]) in whole for depth in range(1, len(above) + 1)):
            continue
        opened = group.kind in {"slice", "group"} or (group.kind == "distro" and group.ours)
        if opened and group.path in parents:
            continue
        whole.add(group.path)
        kept.append(group)
    return tuple(sorted(kept, key=lambda group: (-group.current, group.path)))


def frozen_by_strangers(frozen: Mapping[str, str]) -> tuple[str, ...]:
    """The names of frozen groups that no container engine owns; ``frozen`` is names by path.

    A group inside a frozen one is frozen too and not told again.
    """
    told: list[str] = []
    for path in sorted(frozen):
        above = path.split("/")[:-1]
        inside = any("/".join(above[:depth]) in frozen for depth in range(1, len(above) + 1))
        if not inside and not DOCKERS.search(path):
            told.append(frozen[path])
    return tuple(told)
