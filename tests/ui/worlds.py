"""A machine that a test invents: samples by hand, hogs without processes, and the app on top of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from msgspec.structs import replace
from textual.pilot import Pilot
from textual.strip import Strip

from tests import samples
from tests.hogs.fake import FakePool
from wsltop.charts.cells import BLOCK, Glyphs
from wsltop.core.session import Session
from wsltop.host.source import FixedSource, HostSource
from wsltop.model.sample import (
    Counters,
    FreeBlocks,
    Hog,
    HogStatus,
    HostMemory,
    Identity,
    KernelLog,
    KernelRecord,
    Mark,
    OwnUse,
    ProcessCpu,
    ProcessUse,
    Reading,
    ReportingOrder,
    Sample,
    Unavailable,
    Zone,
)
from wsltop.model.text import GIB, MIB
from wsltop.ui.app import WsltopApp
from wsltop.ui.context import ScreenOptions
from wsltop.ui.sources import LiveSource

NOON = 1_700_049_600.0
"""2023-11-15 12:00:00 UTC."""
START = 5000.0
"""Monotonic time of the first sample."""

HOSTILE = "\x1b]0;pwned\x07\x1b[31m\x9b5m[red]evil[/red]\u202e\u2066\x00\r\nend"
"""Escapes, C1, markup, bidirectional marks, control characters."""
FORBIDDEN = ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00", "\r", "\n", "pwned")

MEMINFO = samples.meminfo(
    total=8 * GIB,
    free=2 * GIB,
    available=5 * GIB,
    buffers=128 * MIB,
    cached=3 * GIB,
    active_file=GIB,
    inactive_file=2 * GIB,
    dirty=0,
    anon_pages=2 * GIB,
    mapped=256 * MIB,
    shmem=128 * MIB,
    slab_reclaimable=256 * MIB,
    slab_unreclaimable=128 * MIB,
    page_tables=32 * MIB,
    swap_total=2 * GIB,
    swap_free=2 * GIB,
)
HOST = samples.host_memory(working_set=7 * GIB, private_bytes=8 * GIB, total=16 * GIB, available=6 * GIB, read_at=START)

PAGES = 8 * GIB // 4096

SAMPLE = Sample(
    time=NOON,
    monotonic=START,
    identity=Identity(kernel="6.6.87.2-microsoft-standard-WSL2", distro="Ubuntu 24.04.1 LTS", wsl_version="2.6.3"),
    meminfo=MEMINFO,
    free_blocks=(
        FreeBlocks(node=0, zone="Normal", counts=(4096, 2048, 1024, 1024, 1024, 512, 256, 128, 64, 700, 2 * 32)),
    ),
    zones=(Zone(node=0, zone="Normal", present=PAGES + 32768, managed=PAGES, low=1000),),
    reporting=ReportingOrder(order=9, assumed=False),
    counters=Counters(values={}),
    kernel_log=KernelLog(origin="kmsg"),
    host=HOST,
    own=OwnUse(cpu=0.004, resident=40 * MIB),
)
"""8 GiB of which 3 are used, 2 free; Windows holds 7."""


def record(text: str, *, number: int = 1, monotonic: float = START, level: int = 6) -> KernelRecord:
    """A line of the kernel log."""
    return samples.record(text, sequence=number, monotonic=monotonic, level=level)


def drops(count: int, *, first: int = 1, monotonic: float = START) -> tuple[KernelRecord, ...]:
    """As many lines about memory, no two alike."""
    return tuple(
        record(f"worker-{number} ({number}): drop_caches: 1", number=number, monotonic=monotonic)
        for number in range(first, first + count)
    )


def hog(number: int, status: HogStatus = "holding", **changes: object) -> Hog:
    """A hog of 64 MiB."""
    made = samples.hog(number, target=64 * MIB, resident=64 * MIB, status=status)
    return replace(made, **changes)


class FakeSampler:
    """Gives what a test puts into ``next``; time goes on by ``step`` seconds a sample."""

    def __init__(self, pool: FakePool, sample: Sample = SAMPLE) -> None:
        self.host: HostSource = FixedSource(Unavailable("not asked"))
        self.pool = pool
        self.next = sample
        self.step = 1.0
        self.taken = 0
        self._marks: list[Mark] = []
        self.attended = False
        self.interval: float | None = None

    def sample(self) -> Sample:
        made = replace(
            self.next,
            interval=self.interval,
            hogs=self.pool.read(),
            hogs_ended=self.pool.ended(),
            marks=tuple(self._marks),
        )
        self._marks.clear()
        host = made.host
        if isinstance(host, HostMemory) and host.read_at == START:
            made = replace(made, host=replace(host, read_at=made.monotonic))
        self.taken += 1
        log: Reading[KernelLog] = self.next.kernel_log
        self.next = replace(
            self.next,
            time=self.next.time + self.step,
            monotonic=self.next.monotonic + self.step,
            kernel_log=log if isinstance(log, Unavailable) else KernelLog(origin=log.origin),
        )
        return made

    def mark(self, text: str, *, level: int = 6) -> None:
        now = self.next
        self._marks.append(Mark(time=now.time, monotonic=now.monotonic, text=text, level=level))

    def attend(self, wanted: bool) -> None:
        self.attended = wanted

    def processes(self) -> tuple[tuple[ProcessUse, ...], tuple[ProcessCpu, ...]]:
        census = self.next.census
        return ((), ()) if isinstance(census, Unavailable) else (census.holders.processes, census.busy)

    def log(self, *records: KernelRecord) -> None:
        """Let the next sample bring lines of the kernel log, stamped with its time."""
        stamped = tuple(replace(one, monotonic=self.next.monotonic) for one in records)
        self.next = replace(self.next, kernel_log=KernelLog(origin="kmsg", records=stamped))

    def close(self) -> None:
        """Nothing is open."""


class StillSource(LiveSource):
    """A source that is asked by the test: the app's own timer never fires within one."""

    def __init__(self, sampler: FakeSampler, session: Session) -> None:
        super().__init__(sampler, session)
        self.interval = 86400.0


class World:
    """The app, and what is below it: the test ticks."""

    def __init__(
        self,
        folder: Path,
        *,
        sample: Sample = SAMPLE,
        glyphs: Glyphs = BLOCK,
        color: bool = True,
        patience: float | None = None,
    ) -> None:
        self.pool = FakePool()
        self.sampler = FakeSampler(self.pool, sample)
        self.session = Session(1.0)
        self.folder = folder
        options = ScreenOptions(
            glyphs=glyphs,
            color=color,
            theme=None,
            hog_size=GIB,
            state_folder=folder,
            clip=None,
            osc52=False,
            patience=patience,
        )
        self.source = StillSource(self.sampler, self.session)
        self.app = WsltopApp(self.source, self.pool, options)

    def run(
        self,
        test: Callable[[Pilot[None]], Coroutine[object, object, None]],
        *,
        size: tuple[int, int] = (80, 24),
    ) -> None:
        """Run the app without a terminal while ``test`` plays the user."""

        async def play() -> None:
            async with self.app.run_test(size=size, notifications=True) as pilot:
                await settle(pilot)
                self.app.main.show_all()
                await self.stand_still(pilot)
                await test(pilot)

        asyncio.run(play())

    async def tick(self, pilot: Pilot[None], count: int = 1) -> None:
        """Take samples."""
        for _ in range(count):
            self.app.tick()
        await settle(pilot)

    async def resize(self, pilot: Pilot[None], width: int, height: int) -> None:
        """Change the terminal's size."""
        await pilot.resize_terminal(width, height)
        deadline = time.monotonic() + 10.0
        while self.app.screen.size != (width, height):
            assert time.monotonic() < deadline, f"the screen is still {self.app.screen.size}"
            await pilot.pause(0.01)
        await self.stand_still(pilot)

    async def stand_still(self, pilot: Pilot[None]) -> None:
        """Wait until nothing changes: panels paint once they have their sizes, which is late on a busy machine."""
        same, before = 0, [""]
        while same < 3:
            await settle(pilot)
            lines = self.lines
            same, before = (same + 1 if lines == before else 0), lines

    async def press(self, pilot: Pilot[None], *keys: str) -> None:
        """Press keys, and let the screen answer."""
        await pilot.press(*keys)
        await settle(pilot)

    @property
    def lines(self) -> list[str]:
        """The rows of the topmost screen as they would be on the terminal."""
        return ["".join(segment.text for segment in strip) for strip in self.strips]

    @property
    def strips(self) -> list[Strip]:
        """The rows with their styles."""
        return self.app.screen._compositor.render_strips()

    @property
    def text(self) -> str:
        """The topmost screen."""
        return "\n".join(line.rstrip() for line in self.lines)


async def settle(pilot: Pilot[None]) -> None:
    """Let everything that waits for a refresh happen, and what that makes wait."""
    await pilot.pause()
    await pilot.pause()
