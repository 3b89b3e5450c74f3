"""Runs an app on the terminal, and keeps the terminal clean when the app ends by an error of its own."""

from __future__ import annotations

import contextlib
import gc
import io
import os
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from wsltop.core.text import clean
from wsltop.ui.app import WsltopApp
from wsltop.ui.exporting import ScreenOptions, stamp

GC_THRESHOLD = 5_000
"""Objects made and not freed before cycles are looked for; Python's own 700 come together in three ticks."""


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
    with contextlib.suppress(KeyboardInterrupt):
        app.run()
    if crash.getvalue():
        tell_crash(crash.getvalue(), options.state_folder)
    return app.return_code or 0


def tell_crash(details: str, folder: Path) -> None:
    """Keep the details of a crash in a file, and say where."""
    path = folder / f"crash-{stamp()}.txt"
    lines = [line for line in details.splitlines() if line.strip()]
    where = f"The details are in {path}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(details, encoding="utf-8")
    except OSError:
        where = "The details could not be written down"
    reason = next((clean(line) for line in reversed(lines) if line[:1].isalpha() and "Error" in line), clean(lines[-1]))
    click.echo(f"wsltop: an error of its own ended it: {reason}\n{where}; please report it.", err=True)
