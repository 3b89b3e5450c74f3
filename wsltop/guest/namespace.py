"""Which part of the machine's processes can be seen: whose PID namespace this is."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wsltop.core.holders import PidView
from wsltop.core.reading import Unavailable
from wsltop.guest.files import KernelFile
from wsltop.guest.flavor import identify_guest

INITIAL: Final = "pid:[4026531836]"
"""The first PID namespace has this fixed number (include/linux/proc_ns.h, PROC_PID_INIT_INO = 0xEFFFFFFC)."""
NSPID: Final = re.compile(r"^NSpid:((?:\s+[0-9]+)+)$", re.MULTILINE | re.ASCII)
MARKERS: Final = (".dockerenv", "run/.containerenv")


def see_pids(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> PidView:
    """Tell whose processes ``/proc`` shows.

    The number of the namespace is proof; without it, ``kthreadd`` is, as kernel threads live in the first namespace
    only. Where this is not the first one, ``/run/WSL`` or WSL's variables tell a distro: an image that was exported
    from Docker and imported into WSL still has its ``/.dockerenv``, so that alone proves nothing.
    """
    proc = root / "proc"
    status = _text(proc / "self/status")
    own = NSPID.search(status)
    foreign = own is not None and len(own[1].split()) > 1  # /proc is mounted for an outer namespace, not for ours
    link = "" if foreign else _link(proc / "self/ns/pid")
    if link == INITIAL or (not link and _text(proc / "2/comm").strip() == "kthreadd"):
        return "initial"
    distro = bool(environ.get("WSL_DISTRO_NAME")) or _exists(root / "run/WSL")
    if distro and identify_guest(root, environ).flavor == "wsl2":
        return "distro"
    if any(_exists(root / marker) for marker in MARKERS) or environ.get("container"):
        return "container"
    return "nested" if link or foreign else "unknown"


def hides_others(root: Path = Path("/")) -> bool:
    """Whether ``/proc`` hides other users' processes (hidepid, proc(5)): then the first process cannot be seen."""
    proc = root / "proc"
    return _exists(proc / "self") and not _exists(proc / "1")


def _text(path: Path) -> str:
    file = KernelFile(path)
    text = file.read()
    file.close()
    return "" if isinstance(text, Unavailable) else text


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True
