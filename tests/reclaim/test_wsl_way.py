"""The way to root through wsl.exe, on the real way of execution: never killed, also where it is given up."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.host.interop import Interop, needs_interop
from tests.host.stand_ins import wait_for
from tests.reclaim.machine import LEDGER, Machine
from wsltop.reclaim.plan import plan, tell_plan

WRITE = """
import sys, time
from pathlib import Path
from tests.reclaim.machine import LEDGER
from wsltop.reclaim.perform import Running, perform
from wsltop.reclaim.plan import plan
from wsltop.reclaim.root import find_root_access
root, drive, patience = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
access = find_root_access(root, {"WSL_DISTRO_NAME": "Ubuntu"}, drive, 1000)
action = perform(plan("compact", ledger=LEDGER, access=access, way="wsl", root=root))
action.start()
end = time.monotonic() + patience
while isinstance(progress := action.poll(), Running) and time.monotonic() < end:
    time.sleep(0.02)
action.close()
print(action.poll())
"""


def test_the_plan_says_that_a_session_of_root_stays(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.wsl("#!/bin/sh\n")
    made = plan("compact", ledger=LEDGER, access=machine.access(WSL_DISTRO_NAME="Ubuntu"), way="wsl", root=tmp_path)
    assert any("stays until the distribution ends" in text for _, text in tell_plan(made))


@needs_interop
@pytest.mark.slow
@pytest.mark.parametrize(("boot", "patience", "told"), [(0.2, 10.0, "Done"), (2.0, 0.5, "canceled")])
def test_wsl_exe_is_left_alone(tmp_path: Path, boot: float, patience: float, told: str) -> None:
    """WSL#41592: a wsl.exe that goes away early can end the distribution's init."""
    machine = Machine(tmp_path / "machine")
    interop = Interop(tmp_path, boot)
    words = (sys.executable, "-c", WRITE, str(machine.root), str(interop.drive), str(patience))
    with interop.start(interop.command(*words)) as process:
        out, err = process.communicate(timeout=30)
    assert told in out.decode(), (out, err)
    interop.end_relays()
    wait_for(lambda: machine.compact.read_text() == "1\n")  # also after it was given up: the plan and the hint say so
    assert interop.log("KILLED") == []
