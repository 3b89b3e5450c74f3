"""Opens the source that the user asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.core.reading import Unavailable
from wsltop.errors import UsageError
from wsltop.guest.flavor import identify_guest
from wsltop.host.drives import Windows
from wsltop.host.source import FixedSource, HostSource
from wsltop.host.wsl import explain_guest

if TYPE_CHECKING:
    from wsltop.host.stream import Pace

CHOICES: Final = ("auto", "powershell", "tasklist", "process:NAME-or-PID", "none")
NOT_ASKED: Final = Unavailable("the host is not asked: --host none", "Leave --host out to ask Windows.")


def open_host(
    choice: str,
    *,
    interval: float,
    drive: Path | None = None,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    clock: Clock = SYSTEM_CLOCK,
    pace: Pace | None = None,
) -> HostSource:
    """The source for ``choice``; start it, read it once per tick, close it.

    Args:
        choice: one of ``CHOICES``.
        interval: seconds between two samples of wsltop.
        drive: where the user says that Windows' system drive is mounted. Then it is not looked for, and a source
            that is named does not ask whether this is WSL.
        root: where ``proc``, ``etc`` and ``run`` are found.
        pace: how patient to be; by default a reading is lost after 30 s or 10 intervals, whichever is longer.

    Raises:
        UsageError: there is no such source.
    """
    check_choice(choice)
    if choice == "none":
        return FixedSource(NOT_ASKED)
    if choice.startswith("process:"):
        from wsltop.host.process import ProcessSource  # psutil: only for whom it is asked

        return ProcessSource(choice.removeprefix("process:"), clock=clock)
    if drive is None or choice == "auto":
        why = explain_guest(identify_guest(root, environ))
        if why is not None:
            return FixedSource(why)
    windows = Windows(root=root, environ=dict(environ), drive=drive)
    return ask_windows(choice, windows, interval=interval, clock=clock, pace=pace)


def ask_windows(choice: str, windows: Windows, *, interval: float, clock: Clock, pace: Pace | None) -> HostSource:
    """The source that asks Windows; what starts programs is imported where one is to be started."""
    from wsltop.host.auto import AutoSource
    from wsltop.host.powershell import open_powershell
    from wsltop.host.stream import Pace, StreamSource
    from wsltop.host.tasklist import open_tasklist

    patience = pace or Pace(silence=max(30.0, 10 * interval))

    def powershell() -> StreamSource:
        return open_powershell(windows, interval=interval, pace=patience, clock=clock)

    def tasklist() -> StreamSource:
        return open_tasklist(windows, interval=interval, pace=patience, clock=clock)

    openers = (("powershell", powershell), ("tasklist", tasklist))
    return AutoSource(openers) if choice == "auto" else dict(openers)[choice]()


def check_choice(choice: str) -> None:
    """Refuse a ``--host`` that names no source.

    Raises:
        UsageError: with the choices.
    """
    known = choice in {"auto", "powershell", "tasklist", "none"}
    which = choice.removeprefix("process:")
    if not known and (which == choice or not which.strip() or which in {"0", "NAME-or-PID"}):
        raise UsageError(f"--host {choice!r} is none of {', '.join(CHOICES)}")
