"""Puts together what the screen needs, and takes it apart again however it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wsltop.charts.glyphs import choose_glyphs
from wsltop.config import Settings
from wsltop.control.hogs import HogPool
from wsltop.core.quiet import PATIENCE, SHORT_PATIENCE
from wsltop.core.reading import Unavailable
from wsltop.core.session import Session
from wsltop.guest.flavor import identify_guest
from wsltop.host.choose import open_host
from wsltop.host.drives import CLIP, Launch, Windows
from wsltop.record.recent import SPAN
from wsltop.sampler import Sampler
from wsltop.ui.app import WsltopApp
from wsltop.ui.exporting import ScreenOptions
from wsltop.ui.running import run_screen
from wsltop.ui.terminal import can_copy, encoding, wants_color

if TYPE_CHECKING:
    from wsltop.record.reader import Recording


def launch(settings: Settings, state_folder: Path) -> int:
    """Show this machine until the user leaves; the exit status."""
    drive = drive_of(settings)
    windows = Windows(root=Path("/"), environ=dict(os.environ), drive=drive)
    options = replace(screen_options(settings, state_folder), windows=windows)
    host = open_host(settings.host, interval=settings.interval, drive=drive)
    with HogPool() as pool:
        sampler = Sampler(host, pool, drive=drive)
        session = Session(settings.interval, frozenset(settings.silence), fine_span=SPAN)
        try:
            host.start()
            return run_screen(lambda: WsltopApp(sampler, session, pool, options), options)
        finally:
            sampler.close()
            host.close()


def replay(recording: Recording, settings: Settings, state_folder: Path, *, title: str) -> int:
    """Show a recording until the user leaves; the exit status."""
    # What only a replay needs costs memory: the live screen does without.
    from wsltop.record.player import Player
    from wsltop.ui.replay import ReplayApp

    options = screen_options(settings, state_folder)
    player = Player(recording, silenced=frozenset(settings.silence))
    what = f"{title}. {recording.note}" if recording.note else title
    return run_screen(lambda: ReplayApp(player, options, what), options)


def screen_options(settings: Settings, state_folder: Path) -> ScreenOptions:
    """How the screen looks, from the settings and the terminal."""
    return ScreenOptions(
        glyphs=choose_glyphs(settings.glyphs, encoding=encoding()),
        color=wants_color(settings.color, os.environ),
        theme=settings.theme,
        hog_size=settings.hog_bytes,
        state_folder=state_folder,
        clip=find_clip(drive_of(settings)),
        drive=drive_of(settings),
        osc52=can_copy(os.environ),
        patience=patience_of(settings),
    )


def patience_of(settings: Settings) -> float | None:
    """When the screen comes to rest by itself."""
    if settings.quiet is None:
        return PATIENCE
    return SHORT_PATIENCE if settings.quiet else None


def drive_of(settings: Settings) -> Path | None:
    """The drive that the user named."""
    return None if settings.drive is None else Path(settings.drive)


def find_clip(drive: Path | None) -> Launch | None:
    """How to start Windows' clip.exe, or None where there is no Windows."""
    root, environ = Path("/"), dict(os.environ)
    if drive is None and identify_guest(root, environ).flavor == "none":
        return None
    launch = Windows(root=root, environ=environ, drive=drive).prepare(CLIP)
    return None if isinstance(launch, Unavailable) else launch
