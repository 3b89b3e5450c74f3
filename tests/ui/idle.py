"""Waiting until the screen has done what was asked of it, in place of Textual's wait for a quiet process.

Textual's sleeps 20 ms at least, again while the process uses more than 5 % of a core, and twice for each key: four
fifths of the time of these tests. It also ends too early on a busy machine, where a process that cannot run uses none.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import Final

import pytest
from textual._context import active_app
from textual.app import App, ScreenStackError

ROUNDS: Final = 3
"""So many times in a row the event loop has nothing to run: what the selector brings is seen in the round after."""
THREAD_TIME: Final = 0.05
"""Seconds that work in a thread is waited for; a test that makes it hang waits no longer."""


async def wait_until_done(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Return when no callback is ready, no thread of the screen works, and the screen has nothing to paint.

    Args:
        min_sleep: not used; Textual's own wait has it.
        max_sleep: seconds after which it returns in any case.
    """
    loop = asyncio.get_running_loop()
    app = active_app.get()
    began = time.monotonic()
    idle = 0
    while idle < ROUNDS and (elapsed := time.monotonic() - began) < max_sleep:
        working = app._resize_timer is not None or (elapsed < THREAD_TIME and _works_in_thread())
        await asyncio.sleep(0.001 if working else 0)
        idle = 0 if working or loop._ready or _paints(app) else idle + 1  # type: ignore[attr-defined]


def _works_in_thread() -> bool:
    return any(thread.name == "wsltop-ui" for thread in threading.enumerate())


def _paints(app: App[object]) -> bool:
    """Begin to paint what is due, which the screen's own timer does after 1/60 s; false where nothing is."""
    with contextlib.suppress(ScreenStackError):  # the app has ended
        screen = app.screen
        running: asyncio.Event = getattr(screen._update_timer, "_active")  # noqa: B009 - its property has no type
        due = running.is_set()
        if due:
            screen._on_timer_update()
        return due
    return False


def install(patch: pytest.MonkeyPatch) -> None:
    """Let Textual's pilot wait so."""
    patch.setattr("textual.pilot.wait_for_idle", wait_until_done)
    patch.setattr("textual.app.wait_for_idle", wait_until_done)
