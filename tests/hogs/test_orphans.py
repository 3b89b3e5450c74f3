"""A hog never outlives wsltop, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import wsltop
from tests.hogs.real import is_hog
from tests.waiting import wait_until
from wsltop.hogs import hog, load

ROOT = str(Path(wsltop.__file__).parents[1])
MIB = 1024**2

PARENT = """
import os, signal, sys, time
from wsltop.hogs.pool import HogPool
pool = HogPool(floor=0)
pool.add(32 << 20, 2)
while any(hog.status != "holding" for hog in pool.read()):
    time.sleep(0.002)
os.kill(pool.pids[1], signal.SIGSTOP)
pool.add(1 << 30)
while pool.read()[2].status == "starting":
    time.sleep(0.002)
print(*pool.pids, pool.read()[2].status, flush=True)
END
"""

ENDS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "exited": "os._exit(3)",
    "raised": "raise SystemExit",
    "stopped, then killed": "os.kill(pool.pids[2], signal.SIGSTOP); os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_no_hog_outlives_its_parent(end: str) -> None:
    parent = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARENT.replace("END", end)],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=ROOT,
        check=False,
    )
    *pids, status = parent.stdout.split()
    assert (len(pids), status) == (3, "filling")
    wait_until(lambda: not any(is_hog(int(pid)) for pid in pids), seconds=1.0)


def start_hog(parent: int, size: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", hog.__file__, str(parent), "anonymous", str(size), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_a_hog_whose_parent_is_already_gone_ends_before_it_takes_anything() -> None:
    with start_hog(1, 64 * MIB) as orphan:
        assert orphan.wait(4) == 1
        assert orphan.stdout is not None
        assert orphan.stdout.read() == b""


@pytest.mark.parametrize("size", [MIB, 512 * MIB], ids=["holding", "filling"])
def test_the_end_of_stdin_ends_a_hog(size: int) -> None:
    with start_hog(os.getpid(), size) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(2) == 0


def test_a_hog_whose_reader_is_gone_ends_quietly() -> None:
    with start_hog(os.getpid(), 256 * MIB) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(4) == 0


def test_a_full_pipe_does_not_stop_a_hog_and_the_last_line_arrives() -> None:
    """The pipe is filled to the brim through its other end before the hog writes its first line."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    filler = 0
    for piece in (4096, 1):
        try:
            while True:
                filler += os.write(writer, b"\n" * piece)
        except BlockingIOError:
            pass
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", hog.__file__, str(os.getpid()), "anonymous", str(64 * MIB), "0"],
        stdin=subprocess.PIPE,
        stdout=writer,
    )
    os.close(writer)
    statm = Path("/proc", str(process.pid), "statm")
    with process, os.fdopen(reader, "rb") as lines:
        wait_until(lambda: int(statm.read_text().split()[1]) * load.PAGE > 64 * MIB)
        wait_until(lambda: is_hog(process.pid))
        # Lines that it wrote while there was room again, because it was not full yet, may come before the last one.
        said = next(line for line in lines if line.startswith(b"holding"))
        assert said.split()[:2] == [b"holding", b"%d" % (64 * MIB)]
        process.send_signal(signal.SIGKILL)
