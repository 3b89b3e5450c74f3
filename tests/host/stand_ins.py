"""Stand-ins for Windows: programs that a test puts on a drive of its own, and that misbehave as they are told."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from wsltop.host.interop import POWERSHELL, TASKLIST, Windows
from wsltop.host.source import HostSource, Pace
from wsltop.model.sample import HostMemory, Reading, Unavailable

GIB = 1 << 30
HASTY = Pace(first_answer=1.0, silence=1.0, first_pause=0.05, longest_pause=0.2, healthy=60.0)

PREAMBLE = f"""#!{sys.executable} -I
import os, signal, sys, time
out, err = sys.stdout.buffer, sys.stderr.buffer
def say(data):
    out.write(data)
    out.flush()
def complain(data):
    err.write(data)
    err.flush()
def line(ws={11 * GIB}, name="vmmemWSL", pid=9448, end=b"\\n"):
    row = '{{"name":"%s","pid":"%s","working_set":"%s","private":"{12 * GIB}"}}' % (name, pid, ws)
    memory = b'"total":"{32 * GIB}","available":"{4 * GIB}"'
    return b'{{"wsltop":1,"mode":"FullLanguage","processes":[' + row.encode() + b'],' + memory + b'}}' + end
def obey():
    while os.read(0, 4096):
        pass
    sys.exit(0)
def ignore_everything():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(60)
"""

ANSWERS = "say(line())\nobey()\n"
REPEATS = """
import select
while True:
    say(line())
    if select.select([0], [], [], 1.0)[0] and not os.read(0, 4096):
        sys.exit(0)
"""
"""A line a second until its input ends, as the script of ``host/powershell.py``."""
ROW = b'"vmmemWSL","9448","Services","0","11,476,232 K"\r\n'


class FakeDrive:
    """A drive of Windows below ``tmp_path`` with the programs that a test writes."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "c"
        (self.path / "Windows/System32").mkdir(parents=True)

    def put(self, program: str, content: str | bytes) -> Path:
        """Install a program: the body of a stand-in, or the bytes of a file."""
        path = self.path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else (PREAMBLE + content).encode())
        path.chmod(0o755)
        return path

    def powershell(self, body: str | bytes) -> Windows:
        self.put(POWERSHELL, body)
        return self.windows()

    def tasklist(self, body: str | bytes) -> Windows:
        self.put(TASKLIST, body)
        return self.windows()

    def windows(self, **environ: str) -> Windows:
        return Windows(root=self.path.parent, environ=environ, drive=self.path)


def fake_wsl(root: Path, *, drive: str = "/c", release: str = "6.6.87.2-microsoft-standard-WSL2") -> Path:
    """Write what a WSL guest has below ``root``, its drive C mounted at ``drive``."""
    files = {
        "proc/sys/kernel/osrelease": release + "\n",
        "proc/self/mounts": "/dev/sdc / ext4 rw,relatime 0 0\n"
        rf"C:\134 {drive} 9p rw,noatime,aname=drvfs;path=C:\;uid=1000;symlinkroot=/mnt/,trans=fd 0 0" + "\n",
        "proc/sys/fs/binfmt_misc/status": "enabled\n",
        "proc/sys/fs/binfmt_misc/WSLInterop": "enabled\ninterpreter /init\nflags: PF\noffset 0\nmagic 4d5a\n",
        "run/WSL/8_interop": "",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until ``condition`` holds, and fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def wait_for_memory(source: HostSource, seconds: float = 5.0) -> HostMemory:
    """The first reading of ``source`` that is one."""
    found: list[HostMemory] = []

    def look() -> bool:
        reading = source.read()
        if isinstance(reading, HostMemory):
            found.append(reading)
        return bool(found)

    wait_for(look, seconds)
    return found[0]


def wait_for_reason(source: HostSource, words: str, seconds: float = 5.0) -> Unavailable:
    """The first ``Unavailable`` of ``source`` whose reason has ``words``."""
    seen: list[Reading[HostMemory]] = []

    def look() -> bool:
        seen.append(source.read())
        return isinstance(seen[-1], Unavailable) and words in seen[-1].reason

    try:
        wait_for(look, seconds)
    except AssertionError:
        raise AssertionError(f"expected {words!r}, the last reading was {seen[-1]}") from None
    assert isinstance(seen[-1], Unavailable)
    return seen[-1]


def runs(pid: int) -> bool:
    """Whether the process ``pid`` runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def own_children() -> list[int]:
    """Children of this process, zombies included."""
    found: list[int] = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        try:
            found += [int(pid) for pid in (task / "children").read_text().split()]
        except OSError:  # a thread that ended meanwhile
            continue
    return found
