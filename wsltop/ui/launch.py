"""Starts the screen and takes it apart again however it ends."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec.structs import replace
from rich.console import Console
from textual.theme import BUILTIN_THEMES

from wsltop.charts.cells import choose_glyphs
from wsltop.child import keep_files_free
from wsltop.config import Settings
from wsltop.core.quiet import PATIENCE, SHORT_PATIENCE
from wsltop.core.session import Session
from wsltop.errors import ExitCode, UsageError, WsltopError
from wsltop.guest.identity import identify_guest
from wsltop.hogs.pool import HogPool
from wsltop.host.interop import CLIP, Launch, Windows
from wsltop.model.sample import known
from wsltop.model.text import clean
from wsltop.private import write_private
from wsltop.recording.recent import SPAN
from wsltop.system import System
from wsltop.ui.app import WsltopApp
from wsltop.ui.context import ScreenOptions, stamp
from wsltop.ui.sources import LiveSource, ReplaySource
from wsltop.ui.terminal import can_copy, encoding, wants_color

if TYPE_CHECKING:
    from wsltop.recording.reader import Recording
GC_THRESHOLD = 5_000
"""Objects made and not freed before cycles are looked for; Python's own 700 come together in three ticks."""

FILES: Final = 21
"""Files that the screen opens, without a host, a hog or a recording."""
THREADS: Final = 3
"""Threads that it starts: for input, output and the kernel log."""


def check_limits(files: int = FILES, threads: int = THREADS) -> None:
    """Open so many files and start so many threads for a moment.

    Without them the screen would stay black and deaf: Textual and asyncio need both in places where no error is
    handled. Trying it counts every limit: ``RLIMIT_NOFILE``, ``RLIMIT_NPROC`` and ``pids.max`` of a control group.

    Raises:
        WsltopError: there is no room for them; says how to get it.
    """
    over = threading.Event()
    started: list[threading.Thread] = []
    try:
        with keep_files_free(files):
            pass
        while len(started) < threads:
            thread = threading.Thread(target=over.wait, daemon=True)
            thread.start()
            started.append(thread)
    except OSError as error:
        raise WsltopError(f"the screen opens {files} files more ({error.strerror}): ulimit -n 256") from error
    except RuntimeError as error:
        raise WsltopError(
            f"the screen starts {threads} threads, and {len(started)} can be started: end other programs, or raise the "
            "limit of this user (ulimit -u) or of the control group (pids.max)"
        ) from error
    finally:
        over.set()
        for thread in started:
            thread.join()


def run_screen(make: Callable[[], WsltopApp], options: ScreenOptions) -> int:
    """Make the app, and show it until the user leaves it; the exit status."""
    if options.color:
        os.environ.pop("NO_COLOR", None)  # empty, or overruled: Textual would count it by its mere presence
    else:
        os.environ["NO_COLOR"] = "1"
    app = make()
    # What a tick allocates is freed by counting references; looking for cycles among it cost as much as reading /proc.
    gc.set_threshold(GC_THRESHOLD)
    crash = io.StringIO()
    # Textual's tracebacks show every local variable: they belong into a file of the user's, not onto the terminal.
    app.error_console = Console(file=crash, width=120)
    try:
        app.run(mouse=options.mouse)
    except KeyboardInterrupt:  # before the app listens for signals itself
        return ExitCode.INTERRUPTED
    if app.recorded is not None and takes_output():
        with contextlib.suppress(OSError):  # the terminal may be gone
            click.echo(f"recorded: wsltop replay {app.recorded}")
    if app.left is not None:
        return app.left  # whatever went wrong while Textual took the screen apart
    details = crash.getvalue()
    if details:
        tell_crash(without_locals(details) if app.saw_processes else details, options.state_folder)
        return app.return_code or ExitCode.FAILURE
    return app.return_code or 0


def takes_output() -> bool:
    """Whether the terminal takes output now; one that does not, after Ctrl+S, would keep the program from ending."""
    poller = select.poll()
    poller.register(1, select.POLLOUT)
    return any(ready & select.POLLOUT for _, ready in poller.poll(0))


def without_locals(details: str) -> str:
    """A traceback without the boxes of local variables, which may hold command lines, and with them passwords."""
    kept: list[str] = []
    inside = False
    for line in details.split("\n"):
        if " locals " in line and "╭─" in line:
            inside = True
        if not inside:
            kept.append(line)
        elif line.startswith(("│ ╰─", "╰─")):
            inside = False
    return "\n".join(kept)


def tell_crash(details: str, folder: Path) -> None:
    """Keep the details of a crash in a file, and say where."""
    path = folder / f"crash-{stamp()}.txt"
    lines = [line for line in details.splitlines() if line.strip()]
    where = f"The details are in {path}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_private(path, details)
    except OSError:
        where = "The details could not be written down"
    reason = next((clean(line) for line in reversed(lines) if line[:1].isalpha() and "Error" in line), clean(lines[-1]))
    click.echo(f"wsltop: an error of its own ended it: {reason}\n{where}; please report it.", err=True)


def launch(settings: Settings, system: System, state_folder: Path, *, demo: bool = False) -> int:
    """Show a machine until the user leaves; the exit status."""
    check_limits()
    options = replace(screen_options(settings, state_folder), windows=system.windows, system=system, demo=demo)
    host = system.open_host(settings.host, settings.interval)
    with HogPool(clock=system.clock) as pool:
        sampler = system.open_sampler(host, pool)
        session = Session(settings.interval, frozenset(settings.silence), fine_span=SPAN)
        try:
            host.start()
            return run_screen(lambda: WsltopApp(LiveSource(sampler, session), pool, options), options)
        finally:
            sampler.close()
            host.close()


def replay(recording: Recording, settings: Settings, state_folder: Path, *, title: str, demo: bool = False) -> int:
    """Show a recording until the user leaves, with ``demo`` the result of the demo in it as well; the exit status."""
    check_limits()
    from wsltop.recording.player import Player  # the live screen does without

    options = replace(screen_options(settings, state_folder), demo=demo)
    player = Player(recording, silenced=frozenset(settings.silence))
    what = f"{title}. {recording.note}" if recording.note else title
    return run_screen(lambda: WsltopApp(ReplaySource(player, what), None, options), options)


def screen_options(settings: Settings, state_folder: Path) -> ScreenOptions:
    """How the screen looks, from the settings and the terminal.

    Raises:
        UsageError: there is no such theme.
    """
    if settings.theme is not None and settings.theme not in BUILTIN_THEMES:
        raise UsageError(f"there is no theme {settings.theme!r}: {', '.join(sorted(BUILTIN_THEMES))}")
    glyphs = choose_glyphs(settings.glyphs, encoding=encoding())
    return ScreenOptions(
        glyphs=glyphs,
        measures_glyphs=settings.glyphs == "auto" and glyphs.tier != "ascii",
        color=wants_color(settings.color, os.environ),
        theme=settings.theme,
        hog_size=settings.hog_bytes,
        command_lines=settings.command_lines,
        state_folder=state_folder,
        clip=find_clip(drive_of(settings)),
        osc52=can_copy(os.environ),
        mouse=settings.mouse,
        patience=patience_of(settings),
    )


def patience_of(settings: Settings) -> float | None:
    """Seconds without key and movement after which the screen rests; None: never."""
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
    return known(launch)
