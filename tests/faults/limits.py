"""Limits of the process: files, threads, memory, sizes of files."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from tests.faults.place import Place, Skip, clean_message, leave, settings_of
from tests.faults.signals import fresh_settings, restored
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


def as_another_user(place: Place, count: int) -> tuple[str, ...]:
    """What starts a program as a user of its own, who may run so many tasks: root has no such limit.

    The user may read what root may, since the interpreter may lie below ``/root``.
    """
    prlimit, setpriv = shutil.which("prlimit"), shutil.which("setpriv")
    if prlimit is None or setpriv is None or os.geteuid():
        raise Skip("needs root, prlimit and setpriv: the limit does not hold for root")
    place.home.chmod(0o777)
    user = 61_000 + os.getpid() % 4000
    switch = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
    capabilities = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    return (setpriv, *switch, *capabilities, prlimit, f"--nproc={count}")


def few_tasks(count: int, arguments: tuple[str, ...], place: Place) -> str:
    """Too few processes and threads: said."""
    return clean_message(place.run(*arguments, before=as_another_user(place, count)), (0, 1))


for _command, _arguments in {
    "snapshot": ("snapshot", "--json", "--host", "none"),
    "report": ("report", "--watch", "0", "--host", "none"),
    "record": ("record", "day.wsltop", "--host", "none", "--duration", "1s"),
}.items():
    for _count in (1, 2, 8):
        add(
            f"{_command} with {_count} tasks",
            partial(few_tasks, _count, _arguments),
            group="limits",
            injected=f"prlimit --nproc={_count}, as another user",
            holds="works, or says what is missing",
        )


def screen_with(limit: Callable[[Place], Sequence[str]], works: bool, place: Place) -> str:
    """A screen that has too few files or tasks says so and leaves the terminal as it was; else it works."""
    terminal = place.terminal("--host", "none", before=limit(place))
    if not works:
        status = terminal.wait_for_end(10.0)
        assert status == 1, f"status {status}"
        assert b"Traceback" not in terminal.raw
        assert b"an error of its own" not in terminal.raw, terminal.text
        assert settings_of(terminal) == fresh_settings(), "the terminal stays raw"
        return terminal.text.strip().splitlines()[0][:80]
    terminal.press("<<<<")
    terminal.wait_for("64 MiB")
    for keys in ("a", "r", "s", "b", "\x1b", "p", "\x1b", "\x10", "\x1b", "r"):
        terminal.press(keys)
        time.sleep(0.3)
    assert terminal.process.poll() is None, terminal.text
    status = leave(terminal)
    assert status == 0, f"status {status}"
    assert b"Traceback" not in terminal.raw
    restored(terminal, fresh_settings())
    return "works"


def few_files(count: int, _: Place) -> Sequence[str]:
    """What starts a program that may open so many files."""
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        raise Skip("there is no prlimit")
    return (prlimit, f"--nofile={count}")


for _count, _works in (
    (8, False),
    (16, False),
    (20, False),
    (23, False),
    (24, True),
    (28, True),
    (31, True),
    (33, True),
    (64, True),
):
    add(
        f"the screen with {_count} open files",
        partial(screen_with, partial(few_files, _count), _works),
        group="limits",
        injected=f"RLIMIT_NOFILE {_count}; hog, recording, picture, cards, palette",
        holds="works, and ends by q" if _works else "says what is missing, status 1; terminal restored",
        was_broken=not _works,
    )
for _count, _works in ((1, False), (2, False), (3, False), (4, True), (5, True), (8, True)):
    add(
        f"the screen with {_count} tasks",
        partial(screen_with, partial(as_another_user, count=_count), _works),
        group="limits",
        injected=f"RLIMIT_NPROC {_count}, as another user; hog, recording, picture, cards, palette",
        holds="works, and ends by q" if _works else "says what is missing, status 1; terminal restored",
        was_broken=not _works,
    )
