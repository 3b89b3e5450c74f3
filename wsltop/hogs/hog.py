"""The program that one hog runs: take memory, say how far it is, keep it, end with its parent.

Run as ``python -I -S hog.py PARENT KIND SIZE FLOOR [NAME=VALUE …]`` (``hog_options``), with a pipe as stdin on
which nothing comes and a pipe as stdout. It says what it does in lines ``STATUS FILLED SECONDS NOTE``: a status of
``wsltop.model.sample.HogStatus``, bytes, seconds since it began to fill, and a clause for people that may be empty.

It ends when its parent does: the kernel kills it (``wsltop.prctl``), and should that fail, its stdin ends. Imports
only the standard library and what starts quickly: the first page is due within 100 ms of the key press. Under
``-I -S`` neither this folder nor site-packages is on the path, so the program appends the folder that holds wsltop.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path.append(os.path.abspath(__file__).rsplit("/", 3)[0])  # noqa: PTH100 - pathlib would double the start-up

from wsltop.hogs.guard import MemoryGuard
from wsltop.hogs.kinds import KINDS
from wsltop.hogs.load import HogOptions, Load, parse_options
from wsltop.prctl import die_with_parent, name_process, prefer_oom

NAME = "wsltop-hog"
"""What ``ps`` and the OOM killer's message call a hog."""


def main(parent: int, kind: str, size: int, floor: int | None, options: HogOptions) -> int:
    """Run a hog until its parent ends; the exit code."""
    die_with_parent(parent)
    prefer_oom()  # where that is forbidden it ends here: a hog that is not the first victim must not grow
    name_process(NAME)
    load = Load(MemoryGuard("/", floor))
    try:
        hold = KINDS[kind].fill(size, load, options)
    except MemoryError:
        load.report("failed", "out of memory")
        return 1
    except OSError as error:
        load.report("failed", error.strerror or str(error))
        return 1
    load.report("floor" if load.note else "holding", load.note or hold.note)
    load.keep(hold)
    return 0


def run(parent: str, kind: str, size: str, floor: str, *options: str) -> int:
    """Run a hog from the arguments of the program; the exit code."""
    return main(int(parent), kind, int(size), int(floor) if floor else None, parse_options(list(options)))


if __name__ == "__main__":
    os._exit(run(*sys.argv[1:]))
