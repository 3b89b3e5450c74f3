"""Programs of Windows that misbehave: each is a stand-in that a test writes."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Final

from tests.faults.place import Place, clean_message, wait_until
from tests.faults.table import add, fault
from tests.host.stand_ins import ANSWERS

BODIES: Final = {
    "answers": (ANSWERS, True),
    "ends at once": ("sys.exit(0)\n", False),
    "ends with status 1": ("complain(b'no\\n')\nsys.exit(1)\n", False),
    "ends with status 45": ("sys.exit(45)\n", False),
    "says nothing": ("obey()\n", False),
    "says nonsense": ("say(b'hello\\n' * 5)\nobey()\n", False),
    "says half a line": ("say(line()[:40])\nobey()\n", False),
    "says UTF-16": ("say(line().decode().encode('utf-16'))\nobey()\n", None),
    "says a negative size": ("say(line(ws=-5))\nobey()\n", False),
    "says a huge size": ("say(line(ws=10**30))\nobey()\n", False),
    "says nothing of a VM": ("say(line(name='chrome'))\nobey()\n", False),
    "floods its output": ("while True: say(b'x' * 65536)\n", False),
    "floods its errors": ("while True: complain(b'x' * 65536)\n", False),
    "has an escape in a name": ("say(line(name='vmmem\\x1b]0;P\\x07'))\nobey()\n", None),
    "answers, then dies": ("say(line())\nsys.exit(1)\n", None),
    "ignores every signal": ("say(line())\nignore_everything()\n", True),
}


def powershell(body: str, answers: bool | None, place: Place) -> str:
    """The figure, or why there is none; nothing is left that has printed something."""
    drive = place.drive()
    drive.powershell(body)
    done = place.run(*("snapshot", "--json", "--host", "powershell", "--drive", drive.path, "--wait", "2"), timeout=30)
    told = clean_message(done, (0,))
    host = json.loads(done.stdout)["host"]
    if answers is not None:
        assert ("working_set" in host) is answers, host
    assert "\x1b" not in json.dumps(host, ensure_ascii=False)
    if "say(line())" in body and "ignore" not in body:
        wait_until(lambda: not place.processes(), 5.0, "the stand-in gone")
    for process in place.processes():
        process.kill()  # wsltop leaves it, and it would stay
    return told if "working_set" in host else host["unavailable"][:80]


for _name, (_body, _answers) in BODIES.items():
    add(
        f"PowerShell {_name}",
        partial(powershell, _body, _answers),
        group="windows",
        injected="a stand-in for powershell.exe",
        holds="the right figure, or why there is none",
    )


@fault("PowerShell is no program", injected="an empty file", holds="said; tasklist may answer")
def no_program(place: Place) -> str:
    """What cannot be started is said."""
    drive = place.drive()
    drive.powershell(b"")
    done = place.run("snapshot", "--json", "--host", "powershell", "--drive", drive.path, "--wait", "2")
    clean_message(done, (0,))
    host = json.loads(done.stdout)["host"]
    assert "unavailable" in host
    return str(host["unavailable"])[:80]


@fault("PowerShell dies while the screen runs", injected="kill -9 of the stand-in", holds="asked again within 5 s")
def powershell_dies(place: Place) -> str:
    """A source that died is started again."""
    drive = place.drive()
    drive.powershell("while True:\n    say(line())\n    time.sleep(0.3)\n")
    terminal = place.terminal("--host", "powershell", "--drive", str(drive.path))
    terminal.wait_for("11.0 GiB")
    first = terminal.children("powershell.exe")
    assert first
    first[0].kill()
    terminal.wait_until(
        lambda: any(one.pid != first[0].pid for one in terminal.children("powershell.exe")), 8.0, "another one"
    )
    terminal.press("q")
    assert terminal.wait_for_end(8.0) == 0
    return "started again"


@fault(
    "q right after the start, a slow Windows", injected="q 0.8 s after start", holds="ends within 3 s", was_broken=True
)
def quick_quit(place: Place) -> str:
    """Nobody waits for Windows."""
    drive = place.drive()
    drive.powershell("time.sleep(3)\nsay(line())\nobey()\n")
    terminal = place.terminal("--host", "powershell", "--drive", str(drive.path))
    time.sleep(0.8)
    began = time.monotonic()
    terminal.press("q")
    assert terminal.wait_for_end(5.0) == 0
    took = time.monotonic() - began
    assert took < 3.0
    wait_until(lambda: not place.processes(), 8.0, "the stand-in gone after its first line")
    return f"{took:.2f} s"
