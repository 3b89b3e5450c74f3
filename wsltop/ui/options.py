"""How the screen looks and behaves, as decided before it starts."""

from __future__ import annotations

import time
from pathlib import Path

from msgspec import Struct

from wsltop.charts.glyphs import Glyphs
from wsltop.host.interop import Launch, Windows
from wsltop.system import System


class ScreenOptions(Struct, frozen=True, kw_only=True):
    """What the command line, the settings and the terminal ask for."""

    glyphs: Glyphs
    color: bool
    theme: str | None
    hog_size: int
    state_folder: Path
    clip: Launch | None = None
    """How to start Windows' clip.exe, inside WSL."""
    osc52: bool = True
    """Whether the terminal may have a clipboard that escape sequences reach."""
    patience: float | None = None
    """Seconds without key and movement after which the screen samples less often; None: never."""
    windows: Windows | None = None
    """The Windows that a report asks for its distributions; None in a replay."""
    demo: bool = False
    """Whether it begins with the plan of the demo."""
    system: System = System()
    """The machine that is looked at, and where actions take effect."""


def stamp() -> str:
    """The time of now for a file's name."""
    return time.strftime("%Y%m%d-%H%M%S")
