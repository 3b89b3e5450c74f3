"""Clocks that are set while wsltop runs, and times that are far away."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Final

from tests.faults.place import Place, Skip, clean_message
from tests.faults.signals import small_hog
from tests.faults.table import add
from tests.vm.missing import PartsMissing
from tests.vm.parts import find_program

JUMPS: Final = {
    "an hour back": "-3600",
    "an hour forward": "+3600",
    "twenty years forward": "+20y",
    "back to about 1970": "-56y",
}


def settable_clock(place: Place) -> tuple[Path, dict[str, str]]:
    """A file whose text sets the wall clock of a program, and the variables that have it read."""
    try:
        find_program("faketime", "faketime")
    except PartsMissing as missing:
        raise Skip(str(missing)) from None
    library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
    if library is None:
        raise Skip("there is no libfaketime.so.1 below /usr/lib")
    stamp = place.home / "faketime"
    stamp.write_text("+0")
    return stamp, {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def places(path: Path, place: Place) -> list[float]:
    """The monotonic times that a recording has at its start, in its middle and at its end."""
    seen = []
    for where in ("start", "25%", "75%", "end"):
        done = place.run("replay", path, "--at", where, "--json")
        clean_message(done, (0,))
        seen.append(json.loads(done.stdout)["monotonic"])
    return seen


def recorded_jump(jump: str, place: Place) -> str:
    """Places in a recording go by its own clock."""
    stamp, variables = settable_clock(place)
    path = place.home / "day.wsltop"
    process = place.start("record", path, "--host", "none", "--every", "0.2", "--duration", "4s", **variables)
    time.sleep(2.5)
    stamp.write_text(jump)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said.decode()[-300:]
    seen = places(path, place)
    assert seen == sorted(set(seen)), f"places out of order: {seen}"
    assert 2.0 < seen[-1] - seen[0] < 10.0, f"{seen[-1] - seen[0]:.1f} s between start and end"
    return "start, 25 %, 75 % and end are apart"


def jump_on_the_screen(jump: str, place: Place) -> str:
    """The screen with a hog and a recording goes on. Patient: libfaketime makes a program slow."""
    stamp, variables = settable_clock(place)
    terminal = place.terminal("--host", "none", "--every", "0.3", size=(120, 32), **variables)
    small_hog(terminal)
    terminal.press("r")
    terminal.wait_for("REC")
    time.sleep(1.0)
    stamp.write_text(jump)
    time.sleep(1.0)
    terminal.press(" ")
    terminal.wait_for("PAUSED")
    terminal.press("[")
    terminal.wait_for("behind")
    terminal.press("\x1b")
    terminal.wait_without("PAUSED")
    terminal.press("X")
    terminal.wait_until(lambda: not terminal.hogs(), what="X ends the hog")
    terminal.press("r")
    terminal.wait_without("REC")
    terminal.press("q")
    status = terminal.wait_for_end()
    assert status == 0, f"status {status}"
    (path,) = (place.home / "state").rglob("*.wsltop")
    seen = places(path, place)
    assert seen == sorted(seen), f"places out of order: {seen}"
    assert seen[0] < seen[-1], "no time passed"
    return "goes on; the recording is in order"


for _name, _jump in JUMPS.items():
    add(
        f"the clock is set {_name} while wsltop record runs",
        partial(recorded_jump, _jump),
        group="clocks",
        injected=f"libfaketime, {_jump}",
        holds="places of the recording in order",
        was_broken=_jump == "-3600",
    )
    add(
        f"the clock is set {_name} under the screen",
        partial(jump_on_the_screen, _jump),
        group="clocks",
        injected=f"libfaketime, {_jump}, with a hog and a recording",
        holds="keys work, hogs end, the recording is in order",
    )
