"""wsltop without its screen: samples, session and hogs, driven by lines of JSON.

``python -m tests.vm.guest.driver INTERVAL``. In, one object per line: ``{"hog": [KIND, BYTES, COUNT]}``,
``{"kill": true}``, ``{"quit": true}``. Out, per tick: ``snapshot`` as ``wsltop snapshot --json`` prints it,
``monotonic``, ``draining``, ``lent``, ``hogs``, and, whenever one of them is new or has grown, all ``events``.
"""

from __future__ import annotations

import os
import select
import sys
import time
from typing import Any, Final

import msgspec

from wsltop.core.session import Session
from wsltop.errors import HogRefused
from wsltop.hogs.pool import HogPool
from wsltop.host.choose import open_host
from wsltop.model.sample import Event, Hog, HogEnded, Unavailable
from wsltop.report.snapshot import snapshot
from wsltop.sampler import Sampler

NEWS: Final = 60
"""Events told at a time."""


class Command(msgspec.Struct):
    """One line of input."""

    hog: tuple[str, int, int] | None = None
    kill: bool = False
    quit: bool = False


class Tick(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of output."""

    monotonic: float
    snapshot: dict[str, Any]
    draining: int | None = None
    """Bytes that are on their way to the host, as wsltop computes it."""
    lent: dict[str, int] = {}
    """The parts of what is lent, in bytes."""
    hogs: tuple[Hog, ...] = ()
    ended: tuple[HogEnded, ...] = ()
    events: tuple[Event, ...] | None = None
    refused: str = ""


class Driver:
    """Does at each tick what the screen does."""

    def __init__(self, interval: float, pool: HogPool, sampler: Sampler) -> None:
        self.interval, self.pool, self.sampler = interval, pool, sampler
        self.session = Session(interval)
        self.version = -1
        self.refused = ""
        self.rest = b""

    def run(self) -> None:
        """Tick until told to end."""
        due = time.monotonic()
        while True:
            self.tick()
            due = max(due + self.interval, time.monotonic())
            while (left := due - time.monotonic()) > 0:
                if select.select([0], [], [], left)[0] and not self.listen():
                    return

    def tick(self) -> None:
        """Take a sample and tell of it."""
        sample = self.sampler.sample()
        self.session.take(sample)
        moment = self.session.moment
        assert moment is not None
        draining, lent = moment.draining, moment.lent
        tick = Tick(
            monotonic=sample.monotonic,
            snapshot=snapshot(self.session),
            draining=None if isinstance(draining, Unavailable) else draining.size,
            lent={} if isinstance(lent, Unavailable) else {part.id: part.size for part in lent.parts},
            hogs=sample.hogs,
            ended=sample.hogs_ended,
            refused=self.refused,
        )
        self.refused = ""
        if (version := self.session.journal.version()) != self.version:
            self.version = version
            tick.events = self.session.journal.events()[-NEWS:]
        os.write(1, msgspec.json.encode(tick) + b"\n")

    def listen(self) -> bool:
        """Take in what was typed; false at the end."""
        data = os.read(0, 65536)
        *lines, self.rest = (self.rest + data).split(b"\n")
        commands = [msgspec.json.decode(line, type=Command) for line in lines]
        for command in commands:
            if command.kill:
                self.pool.kill_all()
            if command.hog is not None:
                kind, size, count = command.hog
                try:
                    self.pool.add(size, count, kind)
                except HogRefused as refusal:
                    self.refused = str(refusal)
        return bool(data) and not any(command.quit for command in commands)


def main(interval: float) -> None:
    """Drive until the input ends."""
    host = open_host("auto", interval=interval, drive=None)
    with HogPool() as pool:
        sampler = Sampler(host, pool)
        try:
            host.start()
            Driver(interval, pool, sampler).run()
        finally:
            sampler.close()
            host.close()


if __name__ == "__main__":
    main(float(sys.argv[1]))
