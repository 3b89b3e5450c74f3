"""The pool of hogs: starts them above the floor, watches them, and ends them, without ever making its caller wait.

Use it from the main thread only. The kernel kills a hog when the *thread* that started it ends
(prctl(2), PR_SET_PDEATHSIG), and nothing here is locked.
"""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Protocol

from wsltop.child import keep_files_free
from wsltop.clock import SYSTEM_CLOCK, Clock
from wsltop.errors import HogRefused
from wsltop.hogs.guard import MemoryGuard, Supply, cost_of, field, headroom
from wsltop.hogs.kinds import KINDS
from wsltop.hogs.load import HogOptions
from wsltop.hogs.worker import Worker
from wsltop.model.sample import Hog, HogEnded
from wsltop.model.text import format_size

PATIENCE = 5.0
"""Seconds that closing waits for the kernel to take the memory of the killed hogs back."""


class Hogs(Protocol):
    """What the screen, the sampler and an experiment ask of hogs: see ``HogPool``."""

    root: Path
    floor: int | None

    def add(
        self, size: int, count: int = 1, kind: str = "anonymous", options: HogOptions | None = None
    ) -> tuple[int, ...]:
        """Start ``count`` hogs of ``size`` bytes each, all or none; their ids."""

    def read(self) -> tuple[Hog, ...]:
        """The hogs that are there, by id."""

    def ended(self) -> tuple[HogEnded, ...]:
        """The hogs that ``read`` found ended since the last call, each told once."""

    def kill(self, number: int) -> None:
        """End one hog now."""

    def kill_all(self) -> None:
        """End every hog now."""

    def reap(self, number: int, seconds: float) -> None:
        """Wait, at most so long, until the kernel has the memory of a killed hog back."""

    @property
    def busy(self) -> bool:
        """Whether a hog starts, fills or ends, as of the last ``read``."""

    def close(self) -> None:
        """End every hog and wait, for a bounded time."""


class HogPool:
    """All hogs of this program.

    Args:
        clock: times lives and kills.
        root: where ``proc`` and ``sys`` are, for what the pool reads; a hog itself always reads the real ones.
        floor: bytes of available memory to keep; by default as ``floor_for`` says.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, root: Path = Path("/"), floor: int | None = None) -> None:
        self.clock = clock
        self.root = root
        self.floor = floor
        self.workers: dict[int, Worker] = {}
        self.told: list[HogEnded] = []
        self.last_id = 0
        self.oom_kills = 0
        self.closed = False

    def __enter__(self) -> HogPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(
        self, size: int, count: int = 1, kind: str = "anonymous", options: HogOptions | None = None
    ) -> tuple[int, ...]:
        """Start ``count`` hogs of ``size`` bytes each, all or none; their ids.

        Raises:
            HogRefused: they would go below the floor, or cannot be started; the message says what to do.
        """
        if self.closed:
            raise HogRefused("wsltop is ending: no more hogs are started")
        if kind not in KINDS:
            raise HogRefused(f"there is no kind of hog named {kind!r}: choose {', '.join(KINDS)}")
        if size < 1 or count < 1:
            raise HogRefused("a hog needs a size and a count above zero")
        options = options or HogOptions()
        if fault := KINDS[kind].fault(options):
            raise HogRefused(fault)
        self.update()
        self.check(cost_of(size) * count)
        self.oom_kills = self.read_oom_kills()
        return self.start(size, count, kind, options)

    def check(self, cost: int) -> None:
        """Refuse what would leave less than the floor."""
        try:
            with closing(MemoryGuard(str(self.root), self.floor)) as gauge:
                supply = gauge.read()
        except OSError as error:
            raise HogRefused(f"cannot tell how much memory is available ({error}): no hog is started") from error
        promised = sum(worker.promised for worker in self.workers.values())
        if cost > headroom(supply.available, supply.floor, promised):
            raise HogRefused(refusal(supply, supply.available - promised - cost))

    def start(self, size: int, count: int, kind: str, options: HogOptions) -> tuple[int, ...]:
        """Start hogs without looking at the floor; when one cannot be started, none stays."""
        started: list[Worker] = []
        try:
            with keep_files_free():
                for number in range(self.last_id + 1, self.last_id + 1 + count):
                    started.append(Worker(number, kind, size, self.floor, self.clock, self.root, options))
        except OSError as error:
            end_all(started, PATIENCE)  # they have no memory yet: this takes a moment only
            for worker in started:
                worker.close()
            raise HogRefused(f"cannot start a process: {error.strerror}; end other programs first") from error
        self.last_id += count
        self.workers |= {worker.id: worker for worker in started}
        return tuple(worker.id for worker in started)

    def read(self) -> tuple[Hog, ...]:
        """The hogs that are there, by id. Takes in what they said, and reaps what has ended; never waits."""
        self.update()
        return tuple(worker.hog() for worker in self.workers.values())

    def ended(self) -> tuple[HogEnded, ...]:
        """The hogs that ``read`` found ended since the last call, each told once."""
        told, self.told = tuple(self.told), []
        return told

    def update(self) -> None:
        """Bring every worker up to date and move the ended ones to ``told``."""
        for worker in [worker for worker in self.workers.values() if not worker.update()]:
            self.bury(worker)

    def bury(self, worker: Worker) -> None:
        """Note how a reaped worker ended, and forget it."""
        kills = self.read_oom_kills()
        ended = worker.ended(kills - self.oom_kills)
        if ended.how == "oom":
            self.oom_kills += 1  # one count explains one end
        self.told.append(ended)
        worker.close()
        del self.workers[worker.id]

    def kill(self, number: int) -> None:
        """End one hog now; it is ``ending`` until the kernel has its memory back. An unknown id is ignored."""
        if worker := self.workers.get(number):
            worker.kill()

    def kill_all(self) -> None:
        """End every hog now."""
        for worker in self.workers.values():
            worker.kill()

    def reap(self, number: int, seconds: float) -> None:
        """Wait, at most so long, until the kernel has the memory of a killed hog back. An unknown id is ignored."""
        if worker := self.workers.get(number):
            worker.reap(seconds)

    @property
    def busy(self) -> bool:
        """Whether a hog starts, fills or ends, as of the last ``read``: more news is a moment away."""
        return any(worker.status in ("starting", "filling", "ending") for worker in self.workers.values())

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the hogs that are there."""
        return tuple(worker.child.pid for worker in self.workers.values())

    def close(self) -> None:
        """End every hog and wait, for a bounded time, until the kernel has the memory back. May be called again."""
        self.closed = True
        end_all(list(self.workers.values()), PATIENCE)
        self.update()

    def read_oom_kills(self) -> int:
        """OOM kills since boot, of ``/proc/vmstat`` (Linux 4.13); 0 where the kernel does not count them."""
        try:
            return max(0, field((self.root / "proc" / "vmstat").read_bytes(), b"oom_kill"))
        except OSError:
            return 0


def end_all(workers: list[Worker], patience: float) -> None:
    """Kill and reap; a worker that is not reaped in time is dying all the same: the kernel still frees its memory."""
    for worker in workers:
        worker.kill()
    deadline = time.monotonic() + patience
    for worker in workers:
        worker.reap(deadline - time.monotonic())


def refusal(supply: Supply, left: int) -> str:
    """Say why hogs are not started, when ``left`` bytes would remain available."""
    rest = format_size(left) if left > 0 else "nothing"
    name = "" if supply.name == "memory" else f" in {supply.name}"
    return (
        f"would leave {rest} of {format_size(supply.total)}{name}; "
        f"the floor is {format_size(supply.floor)}: choose a smaller size (< on the screen)"
    )
