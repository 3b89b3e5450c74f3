"""Control groups: what each holds, walked within bounds, and the names that people know them by."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from wsltop.core.holders import frozen_by_strangers, name_group
from wsltop.guest.files import KernelFile
from wsltop.model.sample import CONTAINER, DISTRO, CgroupMode, Group, Groups, Reading, Unavailable
from wsltop.model.text import clean

PLAIN: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
LARGEST: Final = 256 * 1024
"""Bytes of a container's configuration that are looked at."""
NAME: Final = re.compile(rb'"Name":"/?([A-Za-z0-9][A-Za-z0-9_.-]{0,127})"')
"""The container's name; Docker allows these characters only."""
MOST: Final = 64
"""Containers whose name is looked up."""


def find_names(root: Path, paths: Iterable[str], ours: str, distro: str, first_namespace: bool) -> dict[str, str]:
    """Names of distros by init pid and of containers by id, as far as files tell them.

    Args:
        root: where ``proc`` and ``var`` are.
        paths: the groups.
        ours: the path of our own group: the distro that contains it is ``distro``.
        distro: the name of our distro, ``""`` when it is unknown.
        first_namespace: whether the pids in the names of groups are pids that we see. Inside a distro they are not:
            there the same number is another process.
    """
    names: dict[str, str] = {}
    looked_up = 0
    for path in paths:
        match = DISTRO.fullmatch(path)
        if match and distro and (ours == path or ours.startswith(f"{path}/")):
            names[match[1]] = distro
        elif match and first_namespace:
            name = _environment(root / "proc" / match[1] / "environ")
            if name:
                names[match[1]] = name
        container = CONTAINER.fullmatch(path.rpartition("/")[2])
        if container and container[2] not in names and looked_up < MOST:
            looked_up += 1
            name = _docker_name(root / "var/lib/docker/containers" / container[2] / "config.v2.json")
            if name:
                names[container[2]] = name
    return names


def _environment(path: Path) -> str:
    for entry in _start_of(path).split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name == b"WSL_DISTRO_NAME":
            return clean(value.decode("utf-8", "replace")).strip()
    return ""


def _docker_name(path: Path) -> str:
    """The name in Docker's own file, which only root may read: the last match, as image settings may come before."""
    names = NAME.findall(_start_of(path))
    return names[-1].decode("ascii") if names else ""


def _start_of(path: Path) -> bytes:
    try:
        descriptor = os.open(path, PLAIN)
    except OSError:
        return b""
    try:
        return os.read(descriptor, LARGEST)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


COUNT: Final = 512
"""Groups that are read, the fullest first and however deep: a pod of kind in WSL is ten levels down."""
FEWEST: Final = 64
"""Groups that are read whatever the clock says."""
BUDGET: Final = 0.01
"""Seconds of CPU for one walk; a group costs about 30 microseconds."""
MOST_CHILDREN: Final = 4096
"""Names that are taken of one group."""
DETAILED: Final = 64
"""Of these, the biggest get the split into anonymous, file and slab: the kernel gathers it from all CPUs."""
EVERY: Final = 5.0
"""Seconds for which the groups are kept: they are some thousand small files."""
FILE_SIZE: Final = 16 * 1024
DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
V2_STAT: Final = {"anonymous": "anon", "file": "file", "shared": "shmem", "slab": "slab"}
V1_STAT: Final = {"anonymous": "total_rss", "file": "total_cache", "shared": "total_shmem"}
"""v1 counts without children but for the ``total_`` fields, and does not split out slab (mm/memcontrol-v1.c)."""
NO_LIMIT: Final = 1 << 60
"""v1 has no word for "no limit": it prints the largest multiple of a page instead."""


class CgroupSource:
    """Reads the control groups.

    Args:
        root: where ``sys`` and ``proc`` are.
        distro: the name of the distro that we are in.
        first_namespace: whether this is the first PID namespace: only there a distro's number is a pid that we see.
    """

    def __init__(self, root: Path = Path("/"), distro: str = "", first_namespace: bool = False) -> None:
        self._root = root
        self._mount = root / "sys/fs/cgroup"
        self._distro = distro
        self._first_namespace = first_namespace
        self._self = KernelFile(root / "proc/self/cgroup")
        self._last: tuple[float, Reading[Groups]] | None = None

    def read(self, monotonic: float) -> Reading[Groups]:
        """The groups, read again when they are older than five seconds."""
        if self._last is None or not 0 <= monotonic - self._last[0] < EVERY:
            self._last = (monotonic, self._read())
        return self._last[1]

    def close(self) -> None:
        """Close the file; the folders are closed after each walk."""
        self._self.close()

    def _read(self) -> Reading[Groups]:
        unified = _is_file(self._mount / "cgroup.controllers")
        current = "memory.current" if unified else "memory.usage_in_bytes"
        memory = self._mount if unified else self._mount / "memory"
        if not unified and not _is_file(memory / current):
            return Unavailable("no memory controller of control groups can be seen here")
        hybrid = not unified and _is_file(self._mount / "unified/cgroup.controllers")
        mode: CgroupMode = "v2" if unified else "hybrid" if hybrid else "v1"
        walked = walk(memory, current)
        paths = list(walked.sizes)
        ours = self._own_path("" if unified else "memory")
        names = find_names(self._root, paths, ours, self._distro, self._first_namespace)
        stopped = self._frozen(mode, paths)
        groups = _measure(memory, unified, walked.sizes, names, ours, stopped)
        frozen = {clean(path): name_group(path, names)[1] for path, is_frozen in stopped.items() if is_frozen}
        return Groups(mode=mode, groups=groups, frozen=frozen_by_strangers(frozen), left_out=walked.left_out)

    def _own_path(self, controller: str) -> str:
        """The path of our own group, ``""`` when it is the root or unknown (``/proc/self/cgroup``, cgroups(7))."""
        text = self._self.read()
        for line in () if isinstance(text, Unavailable) else text.split("\n"):
            _, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            if controller in controllers.split(",") and path.startswith("/"):
                return path.strip("/")
        return ""

    def _frozen(self, mode: CgroupMode, paths: list[str]) -> dict[str, bool]:
        """Whether each group is frozen, of the hierarchies that can tell."""
        found: dict[str, bool] = {}
        if mode == "v2":
            _note_frozen(self._mount, "cgroup.events", paths, found)
        else:
            freezer, unified = self._mount / "freezer", self._mount / "unified"
            _note_frozen(freezer, "freezer.state", list(walk(freezer).sizes), found)
            _note_frozen(unified, "cgroup.events", list(walk(unified).sizes), found)
        return found


class Walk(NamedTuple):
    """The groups that a walk came by."""

    sizes: dict[str, int | None]
    """By path, in the order of the walk; ``None`` for a group whose size cannot be read."""
    left_out: int | None
    """Size of the largest group that was not looked into: no group that was left out is larger. ``None``: all were."""


def walk(mount: Path, size_file: str = "", *, clock: Callable[[], float] = time.thread_time) -> Walk:
    """Walk the groups below a mount, the fullest first, as deep as they are, within ``COUNT`` and ``BUDGET``.

    Args:
        mount: where the hierarchy is mounted.
        size_file: the file that tells how full a group is; without one the nearest groups come first.
        clock: seconds of CPU that were used.
    """
    sizes: dict[str, int | None] = {}
    waiting = [(0, 0, "")]
    deadline = clock() + BUDGET
    while waiting:
        fullness, _, above = heappop(waiting)
        for name in _children(mount, above):
            if len(sizes) >= COUNT or (len(sizes) >= FEWEST and clock() > deadline):
                return Walk(sizes, max(-fullness, *(-other for other, _, _ in waiting), 0))
            path = f"{above}/{name}" if above else name
            size = sizes[path] = _number(_text(mount / path / size_file)) if size_file else None
            heappush(waiting, (-(size or 0), len(sizes), path))
    return Walk(sizes, None)


def _children(mount: Path, above: str) -> Iterator[str]:
    """Names of the directories in a group; a link to one is none."""
    try:
        descriptor = os.open(mount / above, DIRECTORY if above else DIRECTORY & ~os.O_NOFOLLOW)
    except OSError:
        return
    try:
        with os.scandir(descriptor) as entries:
            taken = islice(entries, MOST_CHILDREN)
            names = [entry.name for entry in taken if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    finally:
        os.close(descriptor)
    yield from sorted(names)


def _measure(
    memory: Path,
    unified: bool,
    sizes: Mapping[str, int | None],
    names: Mapping[str, str],
    ours: str,
    frozen: Mapping[str, bool],
) -> tuple[Group, ...]:
    """The groups that can be read, largest first, the largest in detail."""
    ranked = sorted((-size, path) for path, size in sizes.items() if size is not None)
    groups: list[Group] = []
    for index, (negative, path) in enumerate(ranked):
        kind, name = name_group(path, names)
        detail = index < DETAILED or kind == "distro"
        groups.append(
            Group(
                path=clean(path),
                name=name,
                kind=kind,
                current=-negative,
                **(_details(memory / path, unified) if detail else {}),
                frozen=frozen.get(path),
                ours=bool(ours) and (ours == path or ours.startswith(f"{path}/")),
            )
        )
    return tuple(groups)


def _details(folder: Path, unified: bool) -> dict[str, int | None]:
    """Split, limit and OOM kills of one group, by the names of the fields of ``Group``."""
    stat = fields_of(_text(folder / "memory.stat"))
    details = {ours: stat.get(theirs) for ours, theirs in (V2_STAT if unified else V1_STAT).items()}
    limit = _number(_text(folder / ("memory.max" if unified else "memory.limit_in_bytes")))
    details["limit"] = None if limit is None or limit >= NO_LIMIT else limit
    events = fields_of(_text(folder / ("memory.events" if unified else "memory.oom_control")))
    details["oom_kills"] = events.get("oom_kill")
    return details


def _note_frozen(mount: Path, file: str, paths: list[str], found: dict[str, bool]) -> None:
    """Add whether each group is frozen: ``frozen 1`` in cgroup.events, ``FROZEN`` in v1's freezer.state."""
    for path in paths:
        text = _text(mount / path / file)
        if file == "freezer.state":
            state: bool | None = text.strip() == "FROZEN" if text else None
        else:
            flag = fields_of(text).get("frozen")
            state = None if flag is None else flag == 1
        if state is not None:
            found[path] = found.get(path, False) or state


def fields_of(text: str) -> dict[str, int]:
    """Parse lines of a name and a number; other lines are left out."""
    fields: dict[str, int] = {}
    for line in text.split("\n"):
        name, _, number = line.partition(" ")
        value = _number(number)
        if name and value is not None:
            fields[name] = value
    return fields


def _number(text: str) -> int | None:
    """A number of a kernel file; ``None`` for ``max``, nothing and nonsense."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _text(path: Path) -> str:
    """A small file, ``""`` when it cannot be read."""
    try:
        descriptor = os.open(path, PLAIN)
    except (OSError, ValueError):
        return ""
    try:
        return os.read(descriptor, FILE_SIZE).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
