"""How a hog ended, and by whose hand."""

from __future__ import annotations

import signal
from typing import Literal

Cause = Literal["killed", "oom", "signal", "exited"]


def cause_of(code: int, said: str, *, ours: bool, oom: bool) -> tuple[Cause, str]:
    """The cause and a note, from a return code as ``subprocess`` gives it (a signal is negative).

    Args:
        code: the return code.
        said: what the hog said last.
        ours: wsltop has sent SIGKILL.
        oom: the kernel has counted an OOM kill since the hog started.
    """
    if code >= 0:
        return "exited", f"status {code}: {said}" if said else f"status {code}"
    if code != -signal.SIGKILL:
        return "signal", signal_name(-code)
    return "killed" if ours else "oom" if oom else "signal", "SIGKILL"


def signal_name(number: int) -> str:
    """``SIGTERM``, or ``signal 40`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
