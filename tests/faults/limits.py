"""Limits of the process: files, threads, memory, sizes of files."""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Final

from tests.faults.place import Place, Skip, clean_message
from tests.faults.table import add

LIMITS: Final = {
    "8 open files": (("--nofile=8",), (0, 1, 2)),
    "16 open files": (("--nofile=16",), (0, 1, 2)),
    "24 open files": (("--nofile=24",), (0, 1)),
    "64 open files": (("--nofile=64",), (0,)),
    "100 MB of addresses": ((f"--as={100 * 1024**2}",), (0, 1, 2)),
    "300 MB of addresses": ((f"--as={300 * 1024**2}",), (0, 1)),
    "files of 0 bytes": (("--fsize=0",), (0, 1)),
    "2 s of CPU": (("--cpu=20",), (0,)),
}


def limited(limits: tuple[str, ...], statuses: tuple[int, ...], place: Place) -> str:
    """What is needed is said; no traceback."""
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        raise Skip("there is no prlimit")
    return clean_message(place.run("snapshot", "--json", "--host", "none", before=(prlimit, *limits)), statuses)


for _name, (_limits, _statuses) in LIMITS.items():
    add(
        f"snapshot with {_name}",
        partial(limited, _limits, _statuses),
        group="limits",
        injected=f"prlimit {' '.join(_limits)}",
        holds="works, or says what is missing",
    )


def few_tasks(count: int, place: Place) -> str:
    """Too few processes and threads: said."""
    prlimit, setpriv = shutil.which("prlimit"), shutil.which("setpriv")
    if prlimit is None or setpriv is None or os.geteuid():
        raise Skip("needs root, prlimit and setpriv: the limit does not hold for root")
    for path in (Path(sys.executable).resolve(), Path(sys.prefix), place.folder):
        for above in (path, *path.parents):
            if not above.stat().st_mode & 0o001:
                raise Skip(f"another user cannot reach {above.name or above}")
    place.home.chmod(0o777)
    before = (setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", prlimit, f"--nproc={count}")
    return clean_message(place.run("snapshot", "--json", "--host", "none", before=before), (0, 1, 2))


for _count in (1, 2, 3, 8):
    add(
        f"snapshot with {_count} tasks",
        partial(few_tasks, _count),
        group="limits",
        injected=f"prlimit --nproc={_count}, as nobody",
        holds="works, or says what is missing",
    )


def screen_with(files: int, place: Place) -> str:
    """A screen that has too few files says so and ends."""
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        raise Skip("there is no prlimit")
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, 64), before[1]))
        terminal = place.terminal("--host", "none", WSLTOP_TEST_NOFILE=str(files))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    terminal.press("q")
    status = terminal.wait_for_end(10.0)
    assert b"Traceback" not in terminal.raw
    return f"status {status}"


add(
    "the screen with 64 open files",
    partial(screen_with, 64),
    group="limits",
    injected="RLIMIT_NOFILE 64",
    holds="works, and ends by q",
)
