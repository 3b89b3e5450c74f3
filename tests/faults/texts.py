"""Kernel files that are empty, random or missing, and hostile names."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

from tests.faults.place import Place, clean_message
from tests.faults.table import add, fault
from tests.host.stand_ins import fake_wsl

FILES: Final = (
    "proc/meminfo",
    "proc/vmstat",
    "proc/buddyinfo",
    "proc/zoneinfo",
    "proc/stat",
    "proc/pressure/memory",
    "proc/self/mountinfo",
    "proc/uptime",
    "proc/sys/kernel/osrelease",
    "sys/module/page_reporting/parameters/page_reporting_order",
)


def root_of(place: Place) -> Path:
    """The files of this machine as a root of their own."""
    root = place.folder / "root"
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(Path("/", name).read_bytes())
        except OSError:
            path.write_bytes(b"")
    return root


def odd_file(name: str, make: str, place: Place) -> str:
    """A file that is not as it should be is unavailable: never a wrong figure, never a finding."""
    root = root_of(place)
    path = root / name
    if make == "random":
        path.write_bytes(random.Random(name).randbytes(20_000))
    elif make == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    done = place.run("--root", root, "snapshot", "--json", "--host", "none")
    told = clean_message(done, (0,))
    seen = json.loads(done.stdout)
    ids = {finding["id"] for finding in seen["findings"]} - {"nothing-wrong", "host-unreadable", "log-unreadable"}
    if name == "proc/meminfo":
        assert "unavailable" in seen["guest"], "a meminfo of noise was read"
    assert not ids & {"oom-kill", "swap-thrash", "memory-stall", "shared-hidden", "huge-pages-reserved"}, ids
    return told


for _name in FILES:
    for _make in ("empty", "random", "missing"):
        add(
            f"/{_name} is {_make}",
            partial(odd_file, _name, _make),
            group="texts",
            injected=f"--root with {_make} {_name}",
            holds="said to be unreadable; no wrong figure",
            was_broken=_make == "random",
        )

NAMES: Final = {
    "an escape sequence": b"\x1b[31mevil",
    "a title": b"\x1b]0;P\x07",
    "bidi": "\u202eevil\u2066".encode()[:15],
    "markup": b"[bold red]x[/]",
    "a newline": b"one\ntwo",
    "invalid UTF-8": b"\xff\xfe\x80",
    "wide letters": "漢字漢字".encode(),
    "an SVG end": b"</svg><script>",
}
SLEEPER: Final = """
import ctypes, sys, time
block = bytearray(96 * 1024 * 1024)
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]), 0, 0, 0)
print("ready", flush=True)
time.sleep(30)
"""


def odd_name(name: bytes, place: Place) -> str:
    """A hostile process name is shown stripped, in reports too."""
    sleeper = subprocess.Popen([sys.executable, "-c", SLEEPER, name.hex()], stdout=subprocess.PIPE, env=place.environ())
    assert sleeper.stdout is not None
    try:
        sleeper.stdout.readline()
        done = place.run("report", "--watch", "1", "--host", "none", "--no-redact")
        told = clean_message(done, (0,))
        assert b"\x1b" not in done.stdout
        assert "\u202e" not in done.stdout.decode()
        assert b"\n" not in name or b"one\ntwo" not in done.stdout
    finally:
        sleeper.kill()
        sleeper.communicate()
    return told


for _title, _bytes in NAMES.items():
    add(
        f"a process name with {_title}",
        partial(odd_name, _bytes),
        group="texts",
        injected=f"prctl(PR_SET_NAME, {_bytes!r})",
        holds="stripped in the report",
    )


@fault(
    "a word of 100,000 letters in .wslconfig",
    injected="then wsltop report",
    holds="ends within 5 s of CPU",
    was_broken=True,
)
def long_word(place: Place) -> str:
    """Taking names out of a report used to take a time that grows with the square of a word."""
    drive = place.drive()
    user = drive.path / "Users/someone"
    user.mkdir(parents=True)
    (user / ".wslconfig").write_text(f"[wsl2]\nmemory={'a' * 100_000}\nkernel=C:\\{'b' * 50_000}@{'c' * 50_000}\n")
    fake_wsl(place.folder, drive=str(drive.path))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = ("report", "--watch", "0", "--host", "none", "--drive", drive.path)
    done = place.run("--root", place.folder, *arguments, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = clean_message(done, (0,))
    assert b".wslconfig" in done.stdout
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 5.0, f"{used:.1f} s of CPU"
    return f"{used:.1f} s of CPU, {len(done.stdout)} bytes; {told}"
