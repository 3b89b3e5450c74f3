"""Runs a command again and again, one line of output per run: its exit code, ``x`` and its output in hex.

Run as a program (``python -I -S repeat.py PERIOD COMMAND ARG …``), so that asking ``tasklist.exe`` every few seconds
costs a fork and not the start of an interpreter. Ends when its stdin closes. Its runs are tied to it as it is tied to
its parent: whoever is killed, nothing stays. Imports only what starts quickly; knows nothing of wsltop.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
KEPT = 8 * 1024
FLOOD = 256 * 1024


def run(command: list[str], libc: ctypes.CDLL) -> tuple[int, bytes]:
    """Run ``command`` to its end: exit code, and the first 8 KiB of its standard output."""
    reading, writing = os.pipe()
    me = os.getpid()
    pid = os.fork()
    if pid == 0:
        run_command(command, writing, me, libc)
    os.close(writing)
    output, total = b"", 0
    while True:
        if 0 in select.select([0, reading], [], [])[0]:
            os.kill(pid, signal.SIGKILL)  # our parent closed our stdin, or broke the rule to write nothing to it
            os._exit(0)
        chunk = os.read(reading, 4096)
        total += len(chunk)
        output = (output + chunk)[:KEPT]
        if not chunk or total > FLOOD:
            break
    os.close(reading)
    if total > FLOOD:
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output


def run_command(command: list[str], output: int, parent: int, libc: ctypes.CDLL) -> None:
    """Turn this forked copy into ``command``, its stdin empty; never returns."""
    code = 126
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.execv(command[0], command)  # noqa: S606 - no shell: that is the point
    except OSError as error:
        os.write(2, f"{error}\n".encode(errors="replace"))
    finally:
        os._exit(code)


def main() -> None:
    """Run, print, wait, until stdin closes."""
    period, command = float(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None)
    while True:
        began = time.monotonic()
        code, output = run(command, libc)
        os.write(1, f"{code} x{output.hex()}\n".encode())
        if select.select([0], [], [], max(0.2, period - (time.monotonic() - began)))[0]:
            return


if __name__ == "__main__":
    main()
