"""Disks, recordings and outputs that cannot be read or written."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import sys
import termios
import time
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from tests.commands.test_disks import may_mount
from tests.faults.place import ODD, Place, Skip, clean_message, make_odd
from tests.faults.table import add, fault
from tests.recording.recorded import record
from tests.samples import later, small_sample

FULL: Final = Path("/dev/full")
OUTPUTS: Final = {
    "snapshot": ("snapshot", "--host", "none"),
    "snapshot --json": ("snapshot", "--json", "--host", "none"),
    "snapshot --every": ("snapshot", "--json", "--every", "0.2", "--count", "3", "--host", "none"),
    "doctor": ("doctor", "--watch", "0", "--host", "none"),
    "doctor --json": ("doctor", "--json", "--watch", "0", "--host", "none"),
    "report": ("report", "--watch", "0", "--host", "none"),
    "replay --text": ("replay", "--sample", "--at", "end", "--text"),
    "settings": ("settings",),
    "man": ("man",),
    "--help": ("--help",),
}


def full_output(arguments: tuple[str, ...], place: Place) -> str:
    """A full disk behind standard output is said, with status 1."""
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "wsltop", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            env=place.environ(),
            timeout=30,
            check=False,
        )
    text = done.stderr.decode()
    assert "Traceback" not in text, text[-300:]
    assert done.returncode == 1, f"status {done.returncode}: {text[-200:]}"
    return text.strip().splitlines()[-1][:80]


def closed_output(arguments: tuple[str, ...], place: Place) -> str:
    """A reader that has gone ends it without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "wsltop", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        env=place.environ(),
        timeout=30,
        check=False,
    )
    os.close(writing)
    text = done.stderr.decode()
    assert "Traceback" not in text, text[-300:]
    assert done.returncode in (0, 1, 141, -13), f"status {done.returncode}"
    return f"status {done.returncode}"


for _name, _arguments in OUTPUTS.items():
    add(
        f"standard output is full: wsltop {_name}",
        partial(full_output, _arguments),
        group="files",
        injected="> /dev/full",
        holds="said in one line, status 1",
    )
for _name in ("snapshot --json", "doctor", "report", "replay --text", "--help"):
    add(
        f"the reader has gone: wsltop {_name}",
        partial(closed_output, OUTPUTS[_name]),
        group="files",
        injected="a closed pipe",
        holds="no traceback",
    )


def odd_recording(kind: str, place: Place) -> str:
    """What is no recording is refused, and its name is harmless in the message."""
    path = place.home / "odd\x1b]0;P\x07.wsltop"
    if kind == "text":
        path.write_text("no recording\n" * 500)
    elif kind == "a database of another kind":
        with closing(sqlite3.connect(path)) as database:
            database.execute("create table sample (time)")
    else:
        path = make_odd(kind, path)
    return clean_message(place.run("replay", path, "--at", "end", "--text", timeout=15), (1, 2))


for _kind in (*ODD, "text", "a database of another kind"):
    add(
        f"a recording that is {_kind}",
        partial(odd_recording, _kind),
        group="files",
        injected="wsltop replay FILE, the name with an escape sequence",
        holds="refused with a reason; the name is stripped",
        was_broken=_kind in ("missing", "a FIFO"),
    )


WRITERS: Final = {
    "report -o": ("report", "--watch", "0", "--host", "none", "-o"),
    "record": ("record", "--host", "none", "--duration", "1s"),
    "export -o": ("export", "short.wsltop", "--format", "csv", "-o"),
}


def odd_output(kind: str, arguments: tuple[str, ...], place: Place) -> str:
    """An output that is no file is refused or written to, and nothing hangs; what is not ours stays."""
    if "short.wsltop" in arguments:
        recorded(place)
    path = make_odd(kind, place.home / "out\x1b]0;P\x07")
    fine = kind in ("missing", "empty", "/dev/zero")
    told = clean_message(place.run(*arguments, path, timeout=20), (0, 1, 2) if fine else (1, 2))
    assert kind != "a FIFO" or path.is_fifo(), "the FIFO is gone"
    assert kind != "a loop of links" or path.is_symlink(), "the link is gone"
    return told


for _name, _arguments in WRITERS.items():
    for _kind in ODD:
        add(
            f"{_name} into what is {_kind}",
            partial(odd_output, _kind, _arguments),
            group="files",
            injected=f"wsltop {_name} OUT",
            holds="refused or written; nothing hangs",
        )


def recorded(place: Place) -> Path:
    """A short recording."""
    path = place.home / "short.wsltop"
    done = place.run("record", path, "--host", "none", "--every", "0.2", "--duration", "2s")
    assert done.returncode == 0, done.stderr.decode()[-300:]
    return path


@fault("record over a recording of another program", injected="a text file as FILE", holds="refused; the file stays")
def foreign_file(place: Place) -> str:
    """A foreign file is never written to."""
    path = place.home / "letter.wsltop"
    path.write_text("dear diary\n")
    told = clean_message(place.run("record", path, "--host", "none", "--duration", "1s"), (1, 2))
    assert path.read_text() == "dear diary\n"
    return told


@fault("record is killed", injected="kill -9 after 2 s at 0.2 s", holds="opens; at most a second is lost")
def killed_recording(place: Place) -> str:
    """What was committed stays."""
    path = place.home / "killed.wsltop"
    process = place.start("record", path, "--host", "none", "--every", "0.2")
    time.sleep(3.5)
    process.kill()
    process.communicate()
    done = place.run("export", path, "--format", "jsonl")
    count = len(done.stdout.splitlines())
    assert done.returncode == 0, done.stderr.decode()[-300:]
    assert count >= 5, f"{count} samples"
    return f"{count} samples"


@fault("a recording is cut", injected="half of the file is gone", holds="opens with what is whole, or is refused")
def cut_recording(place: Place) -> str:
    """A cut file never gives a wrong sample."""
    path = recorded(place)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return clean_message(place.run("replay", path, "--at", "end", "--text"), (0, 1))


@fault("a recording has flipped bytes", injected="every 1,000th byte", holds="opens with what is whole, or is refused")
def flipped_recording(place: Place) -> str:
    """A flipped file never gives a wrong sample."""
    path = recorded(place)
    data = bytearray(path.read_bytes())
    for number in range(500, len(data), 1000):
        data[number] ^= 0x55
    path.write_bytes(bytes(data))
    return clean_message(place.run("replay", path, "--at", "end", "--text"), (0, 1))


@fault("two writers of one recording", injected="wsltop record FILE twice", holds="the second is refused")
def two_writers(place: Place) -> str:
    """One file, one writer."""
    path = place.home / "two.wsltop"
    place.start("record", path, "--host", "none")
    time.sleep(2.0)
    return clean_message(place.run("record", path, "--host", "none", "--duration", "1s"), (1, 2))


@fault("a recording in a read-only folder", injected="chmod 0555, as another user", holds="opens")
def read_only_folder(place: Place) -> str:
    """Reading needs no writing."""
    path = recorded(place)
    place.home.chmod(0o555)
    try:
        return clean_message(place.run("replay", path, "--at", "end", "--text"), (0,))
    finally:
        place.home.chmod(0o755)


def broken_while_recorded(act: str, place: Place) -> str:
    """What another program does to the file while it is recorded is said, and nothing else is lost."""
    path = place.home / "live.wsltop"
    process = place.start("record", path, "--host", "none", "--every", "0.2")
    time.sleep(2.5)
    if act == "deleted":
        path.unlink()
    elif act == "emptied":
        os.truncate(path, 0)
    elif act == "renamed":
        path.rename(place.home / "other.wsltop")
    elif act == "replayed":
        for _ in range(3):
            assert place.run("replay", path, "--at", "end", "--json").returncode == 0
    elif act == "stopped":
        process.send_signal(signal.SIGSTOP)
        time.sleep(2.0)
        process.send_signal(signal.SIGCONT)
    time.sleep(1.0)
    process.terminate()
    _, said = process.communicate(timeout=20)
    if act in ("deleted", "emptied"):
        assert process.returncode == 1, said
        assert said.count(b"the recording ends") == 1, said
        return "said, status 1"
    assert process.returncode in (0, 143), said
    assert not list(place.home.glob("*-wal")), "the file alone is not all of it"
    kept = place.home / ("other.wsltop" if act == "renamed" else "live.wsltop")
    count = len(place.run("export", kept, "--format", "csv").stdout.splitlines()) - 1
    assert count >= 5, f"{count} samples"
    return f"{count} samples in one file"


for _act in ("deleted", "emptied", "renamed", "replayed", "stopped"):
    add(
        f"a recording is {_act} while it is written",
        partial(broken_while_recorded, _act),
        group="files",
        injected=f"FILE is {_act} after 2 s of wsltop record",
        holds="said and ended, where the file is gone; else all samples in one file",
    )


@fault(
    "the clock is set back in a recording",
    injected="a sample an hour before the last",
    holds="places by its own clock",
    was_broken=True,
)
def clock_back(place: Place) -> str:
    """The percentages of a recording used to show its last sample."""
    path = place.home / "back.wsltop"
    first = small_sample()
    samples = [later(first, float(number)) for number in range(60)]
    samples += [replace(later(first, float(number)), time=first.time + number - 3600) for number in range(60, 120)]
    record(path, samples)
    for place_named, number in (("start", 0), ("25%", 29), ("50%", 59), ("90s", 90), ("-10s", 109), ("end", 119)):
        done = place.run("replay", path, "--at", place_named, "--json")
        assert json.loads(done.stdout)["time"] == samples[number].time, place_named
    done = place.run("replay", path, "--at", "end", "--text")
    assert b"clock: set back by 1 h 00 min" in done.stdout
    return "6 places found, the step told"


@fault("record to a terminal that takes no output", injected="Ctrl+S, then SIGTERM", holds="goes on, ends within 2 s")
def stalled_terminal(place: Place) -> str:
    """The line of progress used to stop the samples."""
    path = place.home / "stalled.wsltop"
    ours, theirs = pty.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    process = subprocess.Popen(
        [sys.executable, "-m", "wsltop", "record", str(path), "--host", "none", "--every", "0.2"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=place.environ(),
    )
    try:
        time.sleep(5.0)
        process.terminate()
        began = time.monotonic()
        process.wait(timeout=5)
        took = time.monotonic() - began
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    count = len(place.run("export", path, "--format", "csv").stdout.splitlines()) - 1
    assert count >= 10, f"{count} samples"
    assert took < 2.0, f"{took:.1f} s"
    return f"{count} samples, ended in {took:.1f} s"


def on_disk(size: str, options: str, arguments: tuple[str, ...], place: Place) -> str:
    """A disk that is full or read-only: said; no empty file is left."""
    if not may_mount():
        raise Skip("no name space with mounts may be made here")
    disk = place.home / "disk"
    disk.mkdir()
    script = (
        'mount -t tmpfs -o "$1" none "$2" && cd "$2" && shift 2 && '
        '"$@"; status=$?; '
        'find . -type f -size 0 -name "*.*" ! -name "*-wal" ! -name "*-shm" -printf "EMPTY %p\\n"; exit $status'
    )
    done = subprocess.run(
        [
            *(shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount"),
            *("sh", "-c", script, "sh", f"size={size}{options}", str(disk)),
            *(sys.executable, "-m", "wsltop", *arguments),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=place.environ(),
        timeout=60,
        check=False,
    )
    assert b"EMPTY" not in done.stdout, done.stdout.decode()
    return clean_message(done, (1, 2))


DISKS: Final = {
    "record on a disk of 64 KiB": (
        "64k",
        "",
        ("record", "day.wsltop", *["--host", "none", "--every", "0.2", "--duration", "20s"]),
    ),
    "record on a read-only disk": ("1m", ",ro", ("record", "day.wsltop", "--host", "none", "--duration", "1s")),
    "report -o on a full disk": ("4k", "", ("report", "-o", "report.md", "--watch", "0", "--host", "none")),
    "report -o on a read-only disk": ("1m", ",ro", ("report", "-o", "r.md", "--watch", "0", "--host", "none")),
}
for _name, (_size, _options, _arguments) in DISKS.items():
    add(
        _name,
        partial(on_disk, _size, _options, _arguments),
        group="files",
        injected=f"a tmpfs of {_size}{_options}",
        holds="said, status 1; no empty file left",
    )


@fault(
    "report -o through a link", injected="OUT is a symbolic link", holds="refused; its target stays", was_broken=True
)
def report_link(place: Place) -> str:
    """A link in the place of a report is not followed."""
    target = place.home / "target"
    target.write_text("mine")
    (place.home / "report.md").symlink_to(target)
    told = clean_message(place.run("report", "-o", place.home / "report.md", "--watch", "0", "--host", "none"), (1, 2))
    assert target.read_text() == "mine"
    return told


@fault("the mode of a report", injected="umask 0", holds="0600", was_broken=True)
def report_mode(place: Place) -> str:
    """A report is its owner's."""
    path = place.home / "report.md"
    place.run("report", "-o", path, "--watch", "0", "--host", "none", before=("sh", "-c", 'umask 0; exec "$@"', "sh"))
    mode = path.stat().st_mode & 0o777
    assert mode == 0o600, oct(mode)
    return oct(mode)


NAMES: Final = (
    "powershell.exe tasklist.exe wsl.exe cmd.exe clip.exe sudo sh dmesg journalctl systemctl ps free cat wslinfo "
    "unshare python python3 env tee mount uname id renice"
)
"""Every name that wsltop may call, or a careless program would."""


@fault("false programs", injected="every name that wsltop may call, in PATH and here", holds="none is run")
def false_programs(place: Place) -> str:
    """Programs are started by their absolute path."""
    folder = place.home / "evil"
    folder.mkdir()
    ran = place.home / "ran"
    names = NAMES.split()
    for name in names:
        for where in (folder, place.home):
            path = where / name
            path.write_text(f'#!/bin/sh\necho {name} >> "{ran}"\n')
            path.chmod(0o755)
    changes = {"PATH": f"{folder}:{os.environ['PATH']}"}
    for arguments in (
        ("snapshot", "--json", "--host", "auto", "--wait", "1"),
        ("doctor", "--watch", "0", "--wait", "1"),
        ("report", "--watch", "0", "--wait", "1"),
        ("reclaim", "compact", "--dry-run"),
        ("wslconfig", "--wait", "1"),
    ):
        place.run(*arguments, environ=changes)
    terminal = place.terminal("--every", "0.5", PATH=changes["PATH"])
    for key in ("c", "\x1b", "d", "\x1b", "m", "w", "\x1b", "p", "\x1b", "v", "\x1b", "y", "s", "r"):
        terminal.press(key)
        time.sleep(0.4)
    terminal.press("\x1b")
    time.sleep(1.0)
    terminal.press("q")
    assert terminal.wait_for_end(8.0) == 0
    assert not ran.exists(), ran.read_text()
    return f"none of {len(names)}, by commands and by the screen"


FAILING_FSYNC: Final = """
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>
#include <stdlib.h>
#include <dlfcn.h>
static int fails(void) { const char *flag = getenv("FSYNC_FAILS"); return flag && access(flag, F_OK) == 0; }
int fsync(int fd) { if (fails()) { errno = EIO; return -1; } return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"""
"""A library whose ``fsync`` fails as soon as the file ``FSYNC_FAILS`` is there."""


def failing_fsync(place: Place) -> tuple[Path, dict[str, str]]:
    """The file that makes ``fsync`` fail once it is there, and the variables that have it looked for."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skip("there is no C compiler")
    source, library, flag = place.folder / "fsync.c", place.folder / "fsync.so", place.folder / "fails"
    source.write_text(FAILING_FSYNC)
    built = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run(built, check=True, capture_output=True, timeout=60)
    return flag, {"LD_PRELOAD": str(library), "FSYNC_FAILS": str(flag)}


@fault(
    "fsync fails when r ends a recording", injected="LD_PRELOAD: EIO", holds="said; the screen goes on", was_broken=True
)
def fsync_fails_on_the_screen(place: Place) -> str:
    """The end of a recording used to crash the screen and end its hogs."""
    flag, variables = failing_fsync(place)
    terminal = place.terminal("--host", "none", "--every", "0.2", size=(120, 30), **variables)
    terminal.press("r")
    terminal.wait_for("REC")
    time.sleep(1.0)
    flag.touch()
    terminal.press("r")
    terminal.wait_without("REC")
    time.sleep(0.5)
    assert terminal.process.poll() is None, "it ended"
    terminal.press("q")
    assert terminal.wait_for_end(8.0) == 0
    assert b"Traceback" not in terminal.raw
    return "goes on, q ends it"


@fault("fsync fails while wsltop record runs", injected="LD_PRELOAD: EIO after 2 s", holds="said, status 1; file opens")
def fsync_fails_on_the_command(place: Place) -> str:
    """What was committed before is kept, and the failure is said."""
    flag, variables = failing_fsync(place)
    path = place.home / "day.wsltop"
    process = place.start("record", path, "--host", "none", "--every", "0.2", **variables)
    time.sleep(2.5)
    flag.touch()
    time.sleep(0.5)
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert b"Traceback" not in said, said.decode()[-400:]
    assert process.returncode == 1, f"status {process.returncode}: {said.decode()[-200:]}"
    count = len(place.run("export", path, "--format", "csv").stdout.splitlines()) - 1
    assert count >= 5, f"{count} samples"
    return f"said, {count} samples kept"


@fault(
    "a screen that records to a terminal without output",
    injected="r, then the pty is not read for 8 s",
    holds="no sample is lost; TERM ends it",
    was_broken=True,
)
def unread_recording(place: Place) -> str:
    """Frames are dropped, samples are not."""
    terminal = place.terminal("--host", "none", "--every", "0.2")
    terminal.press("r")
    terminal.wait_for("REC")
    before, _ = ended_samples(place)
    slave = os.open(terminal._name, os.O_RDWR | os.O_NOCTTY)
    try:
        termios.tcflow(slave, termios.TCOOFF)
        time.sleep(8.0)
        after, gap = ended_samples(place)
        terminal.process.terminate()
        status = terminal.process.wait(12.0)
    finally:
        termios.tcflow(slave, termios.TCOON)
        os.close(slave)
    assert status in (143, -signal.SIGTERM), f"status {status}"
    assert after - before >= 30, f"{after - before} samples in 8 s"
    assert gap < 2.0, f"a gap of {gap:.1f} s"
    return f"{after - before} samples in 8 s, the longest gap {gap:.1f} s"


def ended_samples(place: Place) -> tuple[int, float]:
    """How many samples the only recording of the screen has by now, and the longest seconds between two."""
    (path,) = place.home.rglob("*.wsltop")
    done = place.run("export", path, "--format", "jsonl")
    times = [json.loads(line)["monotonic"] for line in done.stdout.splitlines()]
    return len(times), max((after - before for before, after in pairwise(times)), default=0.0)
