"""One running hog: starts it, reads what it reports, and says how it ended."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Literal, cast, get_args

from wsltop.child import Child, signal_name
from wsltop.clock import Clock
from wsltop.hogs import hog, load
from wsltop.hogs.guard import cost_of
from wsltop.hogs.kinds import KINDS
from wsltop.hogs.load import HogOptions
from wsltop.model.sample import Hog, HogEnded, HogStatus
from wsltop.model.text import clean

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


LONGEST_NOTE = 200
STATUSES = frozenset(get_args(HogStatus))
TELLING = frozenset({"holding", "floor", "failed"})
"""In these a note is part of what the hog is; in others it is yet to come, or past."""


class Worker:
    """A running hog.

    Its pid is safe to signal and to read from ``/proc`` for as long as this object has not reaped it: until then the
    kernel gives the number to no other process.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(
        self,
        number: int,
        kind: str,
        target: int,
        floor: int | None,
        clock: Clock,
        root: Path,
        options: HogOptions | None = None,
    ) -> None:
        self.id = number
        self.kind = kind
        self.target = target
        self.clock = clock
        self.started = clock.monotonic()
        self.killed_at: float | None = None
        self.reported: HogStatus = "starting"
        self.filled = 0
        self.full = False
        self.seconds = 0.0
        self.speed: float | None = None
        self.note = ""
        self.resident = 0
        arguments = [str(os.getpid()), kind, str(target), "" if floor is None else str(floor)]
        options = options or HogOptions()
        self.incompressible = options.incompressible
        arguments += options.words()
        self.child = Child([sys.executable, "-I", "-S", hog.__file__, *arguments], errors="merged")
        self.statm = root / "proc" / str(self.child.pid) / "statm"

    @property
    def status(self) -> HogStatus:
        """What it does, as far as it has told; ``ending`` from the kill on."""
        return self.reported if self.killed_at is None else "ending"

    @property
    def promised(self) -> int:
        """Bytes that it will still take."""
        return max(0, cost_of(self.target) - self.resident) if self.status in ("starting", "filling") else 0

    def hog(self) -> Hog:
        """The hog for the sample."""
        return Hog(
            id=self.id,
            pid=self.child.pid,
            kind=self.kind,
            target=self.target,
            resident=self.resident,
            speed=self.speed,
            status=self.status,
            incompressible=self.incompressible,
            note=self.note if self.status in TELLING else "",
        )

    def kill(self) -> None:
        """Send SIGKILL and return at once: the kernel needs about 0.1 s per GiB to take the pages back."""
        if self.killed_at is None and self.child.poll() is None:
            self.measure()
            self.killed_at = self.clock.monotonic()
            self.child.kill()

    def update(self) -> bool:
        """Take in what it said and holds; false when it has ended and is reaped."""
        alive = self.child.poll() is None  # before reading: after the end nothing more is said
        lines = self.child.read_lines()
        if self.child.finished:
            lines.append(self.child.read_rest())
        for line in lines:
            self.hear(line.decode(errors="replace"))
        if alive:
            self.measure()
        else:
            self.resident = self.resident or self.filled
        return alive

    def hear(self, line: str) -> None:
        """Take in one line: a report, or the interpreter's complaint, whose last line is worth keeping."""
        status, filled, seconds, note = [*line.split(" ", 3), "", "", ""][:4]
        try:
            progress = int(filled), float(seconds)
        except ValueError:
            progress = None
        if progress and status in STATUSES:
            self.reported = cast("HogStatus", status)
            self.progress(*progress)
            self.note = clean(note)[:LONGEST_NOTE]
        elif words := clean(line).strip():
            self.note = words[:LONGEST_NOTE]

    def progress(self, filled: int, seconds: float) -> None:
        """Note how far it is: the speed is that since its last report while it fills, and the mean of all after.

        Once it is full, news is about what it still holds, and the speed stays.
        """
        still = self.reported == "filling"
        if self.full:
            self.filled = filled
            return
        self.full = not still
        size, time = (filled - self.filled, seconds - self.seconds) if still else (filled, seconds)
        if size > 0 and time > 0:
            self.speed = size / time
        self.filled, self.seconds = filled, seconds

    def measure(self) -> None:
        """Read its resident pages (proc_pid_statm(5), second field); they are gone first when it ends.

        Page cache is in no process: of that the hog itself tells how much is still there.
        """
        if KINDS[self.kind].in_page_cache:
            self.resident = self.filled
            return
        try:
            resident = int(self.statm.read_text().split()[1]) * load.PAGE
        except (OSError, ValueError, IndexError):
            resident = self.filled
        self.resident = resident or self.resident

    def ended(self, oom_kills: int) -> HogEnded:
        """How it ended, once ``update`` has found that it did; ``oom_kills``: how many the kernel counted meanwhile."""
        now = self.clock.monotonic()
        how, note = cause_of(self.child.code or 0, self.note, ours=self.killed_at is not None, oom=oom_kills > 0)
        return HogEnded(
            id=self.id,
            pid=self.child.pid,
            kind=self.kind,
            target=self.target,
            resident=self.resident,
            how=how,
            note=note,
            lived=now - self.started,
            teardown=now - self.killed_at if self.killed_at is not None and how == "killed" else None,
        )

    def reap(self, patience: float) -> bool:
        """Wait at most ``patience`` seconds for its end; false when it is still there."""
        return self.child.wait(patience) is not None

    def close(self) -> None:
        """Close its pipes; one that is not reaped yet is reaped later."""
        self.child.leave()
