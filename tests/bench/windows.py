"""The Windows side: what it costs to read a stand-in's line a second, and how often a program is started for it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.cpu import Meter, tree
from tests.bench.failure import CannotMeasure
from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import READY, WSLTOP, open_program
from tests.bench.pty_program import drain_for
from tests.bench.screen import WARM_UP, meter
from wsltop.host.interop import POWERSHELL

STAND_IN = """#!{python} -IS
import os, select, sys
os.write(os.open({starts!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND), b"x")
LINE = (b'{{"wsltop":1,"mode":"FullLanguage","processes":[{{"name":"vmmemWSL","pid":"9448","working_set":"5905580032",'
        b'"private":"6442450944"}}],"total":"34359738368","available":"8589934592"}}\\n')
while True:
    os.write(1, LINE)
    if select.select([0], [], [], 1.0)[0]:
        break
"""
"""Answers as wsltop's script does, once a second, until its stdin ends."""


def measure_windows(runs: int, seconds: float) -> Iterator[Measurement]:
    """The screen with the stand-in and without, one after the other."""
    more: list[float] = []
    child: list[float] = []
    started: list[float] = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            drive, starts = Path(folder, "c"), Path(folder, "starts")
            program = drive / POWERSHELL
            program.parent.mkdir(parents=True)
            program.write_text(STAND_IN.format(python=sys.executable, starts=str(starts)))
            program.chmod(0o755)
            without, _ = cost(("--host", "none"), seconds)
            both, helper = cost(("--host", "powershell", "--drive", str(drive)), seconds)
            more.append(both - helper - without)
            child.append(helper)
            started.append(starts.stat().st_size)
    yield Measurement(what="Windows side, a line a second: more CPU of wsltop", unit="% of a core", runs=more)
    yield Measurement(what="  CPU of the stand-in", unit="% of a core", runs=child, digits=3)
    yield Measurement(
        what="  programs started, all in all", unit="processes", runs=started, digits=0, target=Limit(value=1)
    )


def cost(arguments: tuple[str, ...], seconds: float) -> tuple[float, float]:
    """Per cent of a core: of the program and its children, and of the children alone."""
    with open_program((*WSLTOP, "--no-quiet", *arguments)) as program:
        program.wait_for(READY)
        drain_for([program], WARM_UP)
        children = [pid for pid in tree(program.pid) if pid != program.pid]
        if len(children) != ("powershell" in arguments):
            raise CannotMeasure(f"{len(children)} children with {' '.join(arguments)}")
        meters = [Meter(pid) for pid in children]
        before, since = [one.read().nanoseconds for one in meters], time.monotonic()
        whole = meter([program], seconds)[0].cpu
        spent = sum(one.read().nanoseconds for one in meters) - sum(before)
        return whole, spent / (time.monotonic() - since) / 1e7
