"""Names for control groups that only have numbers: distros by the pid of their init, containers by their id."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from wsltop.core.groups import CONTAINER, DISTRO
from wsltop.core.text import clean

PLAIN: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
LARGEST: Final = 256 * 1024
"""Bytes of a container's configuration that are looked at."""
NAME: Final = re.compile(rb'"Name":"/?([A-Za-z0-9][A-Za-z0-9_.-]{0,127})"')
"""The container's name; Docker allows these characters only."""
MOST: Final = 64
"""Containers whose name is looked up."""


def find_names(root: Path, paths: Iterable[str], ours: str, distro: str, first_namespace: bool) -> dict[str, str]:
    """Names by init pid or container id, of those that can be found out.

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
