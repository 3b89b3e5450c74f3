"""Puts together what the screen needs, and takes it apart again however it ends."""

from __future__ import annotations

import os
from pathlib import Path

from wsltop.charts.glyphs import choose_glyphs
from wsltop.config import Settings
from wsltop.control.hogs import HogPool
from wsltop.core.reading import Unavailable
from wsltop.core.session import Session
from wsltop.guest.flavor import identify_guest
from wsltop.host.choose import open_host
from wsltop.host.drives import CLIP, Launch, Windows
from wsltop.sampler import Sampler
from wsltop.ui.app import ScreenOptions, run_screen
from wsltop.ui.terminal import can_copy, encoding, wants_color


def launch(settings: Settings, state_folder: Path) -> int:
    """Show the screen until the user leaves it; the exit status."""
    drive = None if settings.drive is None else Path(settings.drive)
    options = ScreenOptions(
        glyphs=choose_glyphs(settings.glyphs, encoding=encoding()),
        color=wants_color(settings.color, os.environ),
        theme=settings.theme,
        hog_size=settings.hog_bytes,
        state_folder=state_folder,
        clip=find_clip(drive),
        osc52=can_copy(os.environ),
    )
    host = open_host(settings.host, interval=settings.interval, drive=drive)
    with HogPool() as pool:
        sampler = Sampler(host, pool)
        try:
            host.start()
            return run_screen(sampler, Session(settings.interval), pool, options)
        finally:
            sampler.close()
            host.close()


def find_clip(drive: Path | None) -> Launch | None:
    """How to start Windows' clip.exe, or None where there is no Windows."""
    root, environ = Path("/"), dict(os.environ)
    if drive is None and identify_guest(root, environ).flavor == "none":
        return None
    launch = Windows(root=root, environ=environ, drive=drive).prepare(CLIP)
    return None if isinstance(launch, Unavailable) else launch
