"""Keeps what a trial samples, and tells while it goes on whether memory is at rest."""

from __future__ import annotations

from typing import Final, TypeVar

from wsltop.core.experiment.curve import FEWEST, LEAST_BAND, Dot, add_answer, at_rest, band_of, level_of, step_of
from wsltop.core.experiment.trial import Tick, tick_of
from wsltop.core.ledger import Ledger
from wsltop.core.moment import grasp
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Sample

T = TypeVar("T")

SILENT: Final = 15.0
"""Seconds after which a side that says nothing is not waited for."""
FALL: Final = 2 * LEAST_BAND
"""Bytes by which the level of a host falls that is getting memory back."""
MOST: Final = 20_000
"""A build may take hours: then what is older is kept at half the rate."""


class Recorder:
    """The ticks of one trial and the curves of both sides."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self.ticks: list[Tick] = []
        self.guest: list[Dot] = []
        self.host: list[Dot] = []
        self.expected: list[Dot] = []
        self.ledger: Reading[Ledger] = Unavailable("nothing was sampled yet")
        self.source = ""
        self._last_missing: Unavailable | None = None
        self._bases: dict[str, tuple[Dot, ...]] = {}

    @property
    def missing(self) -> Unavailable | None:
        """Why the host never had a reading; ``None`` when it had."""
        return None if self.host else self._last_missing

    @property
    def host_is_late(self) -> bool:
        """Whether the host answers, and has answered too seldom yet to know its level."""
        return bool(self.host) and len(self.host) < FEWEST

    def take(self, sample: Sample) -> None:
        """Take a sample in."""
        moment = grasp(sample, self._interval)
        self.ledger = moment.ledger
        if isinstance(moment.host, Unavailable):
            self._last_missing = moment.host
        else:
            self.source = moment.host.source
        tick = tick_of(moment)
        if tick is None:
            return
        self.ticks.append(tick)
        self.guest.append(Dot(tick.time, tick.taken))
        if tick.expected is not None:
            self.expected.append(Dot(tick.time, tick.expected))
        if tick.host is not None and tick.host_at is not None:
            add_answer(self.host, tick.host_at, tick.host)
        if len(self.ticks) > MOST:
            self.ticks, self.guest, self.expected = thin(self.ticks), thin(self.guest), thin(self.expected)

    def host_falls(self, since: float) -> bool:
        """Whether the host gets back memory from before: any of the first readings since then is above the last."""
        dots = [dot for dot in self.host if dot.time >= since]
        third = len(dots) // 3
        level = level_of(dots[len(dots) - third :])
        return level is not None and max((dot.size for dot in dots[:third]), default=level) - level > FALL

    def forget(self, before: float) -> None:
        """Drop what was sampled before then."""
        self.ticks = [tick for tick in self.ticks if tick.time >= before]
        self.guest, self.host, self.expected = (
            [dot for dot in dots if dot.time >= before] for dots in (self.guest, self.host, self.expected)
        )

    def end_baseline(self) -> None:
        """What was sampled so far is the baseline."""
        self._bases = {name: tuple(getattr(self, name)) for name in ("guest", "host", "expected")}

    def rests(self, *, since: float, now: float, window: float) -> bool:
        """Whether nothing has changed for ``window`` seconds since ``since``, on any side that speaks."""
        return all(self._rests(name, since, now, window) for name in ("guest", "host", "expected"))

    def _rests(self, name: str, since: float, now: float, window: float) -> bool:
        dots: list[Dot] = getattr(self, name)
        if not dots or now - dots[-1].time > max(SILENT, 3 * step_of(dots[-10:])):
            return True
        base = self._bases.get(name) or tuple(dots[:FEWEST])
        band = band_of(base, max(dot.size for dot in dots) - base[0].size)
        return at_rest(dots, since=since, now=now, window=window, band=band)


def thin(items: list[T]) -> list[T]:
    """Half of the older ones, and all of the newer."""
    middle = len(items) // 2
    return items[:middle:2] + items[middle:]
