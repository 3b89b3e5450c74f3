"""Programs of the desktop that do not answer."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Final

from tests.faults.place import Place, Skip, wait_until
from tests.faults.signals import small_hog
from tests.faults.table import add
from tests.terminal.harness import words_of
from wsltop.ui.clipboard import VERSION

CLIPBOARDS: Final = {
    "xclip": {"DISPLAY": ":9"},
    "wl-copy": {"WAYLAND_DISPLAY": "wayland-9"},
}
"""The programs that pyperclip calls, and the variable for which it does so."""
HANGS: Final = """#!{python} -I
import pathlib, time
pathlib.Path({ran!r}).touch()
time.sleep(60)
"""


def clipboard_hangs(name: str, variables: dict[str, str], place: Place) -> str:
    """A clipboard that takes nothing does not keep q from ending it."""
    if "microsoft" in VERSION.read_text().lower():
        raise Skip("inside WSL no program of the desktop is called")
    folder, ran = place.folder / "bin", place.folder / "ran"
    folder.mkdir()
    for program in (name, "wl-paste"):
        path = folder / program
        path.write_text(HANGS.format(python=sys.executable, ran=str(ran)))
        path.chmod(0o755)
    terminal = place.terminal("--host", "none", size=(80, 24), PATH=f"{folder}:/usr/bin:/bin", **variables)
    small_hog(terminal)
    terminal.press("y")
    wait_until(ran.exists, 10.0, f"{name} started")
    time.sleep(0.3)
    began = time.monotonic()
    terminal.press("q")
    status = terminal.wait_for_end(8.0)
    took = time.monotonic() - began
    assert status == 0, f"status {status}"
    assert took < 2.5, f"q took {took:.1f} s"

    def ours_gone() -> bool:
        return all(any(str(folder) in word for word in words_of(process)) for process in place.processes())

    wait_until(ours_gone, 2.0, "everything gone but the clipboard's program")
    return f"q ended it in {took:.1f} s"


for _name, _variables in CLIPBOARDS.items():
    add(
        f"{_name} hangs",
        partial(clipboard_hangs, _name, _variables),
        group="desktop",
        injected=f"a stand-in for {_name} that sleeps, y, then q",
        holds="q ends it within 2.5 s, with its hogs",
        was_broken=True,
    )
