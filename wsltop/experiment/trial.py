"""What an experiment will do, and one trial as recorded: phases, samples, how the load and the action ended."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias, TypeVar, get_args

from msgspec import Struct

from wsltop.core.curve import FEWEST, LEAST_BAND, REST, Dot, add_answer, at_rest, band_of, level_of, step_of
from wsltop.core.events import tell_kind
from wsltop.core.ledger import Ledger
from wsltop.core.moment import Moment, interpret
from wsltop.core.prediction import Prediction
from wsltop.hogs.kinds import KINDS
from wsltop.model.sample import USER_HZ, CpuTimes, Identity, Reading, Sample, Unavailable
from wsltop.model.text import GIB


class ExperimentPlan(Struct, frozen=True, kw_only=True):
    """Loads, times and actions. Sizes in bytes, times in seconds."""

    command: tuple[str, ...] = ()
    """The program and its arguments, an absolute path first; empty: the load is hogs."""
    hogs: int = 4
    size: int = GIB
    """Of each hog."""
    kind: str = "anonymous"
    incompressible: bool = False
    """Whether the content of the hogs is random."""
    baseline: float = 5.0
    hold: float | None = 10.0
    """How long the full hogs stay, or how long a command may run; ``None``: until the command ends."""
    settle: float = 60.0
    """The longest time to wait for rest."""
    action: str = ""
    """The action to try after the release; empty: none."""
    action_size: int | None = None
    repeat: int = 1
    control: bool = False
    """Each trial also without the action, to tell what would have come back anyway."""

    @property
    def lasting(self) -> bool:
        """Whether the load stays until the action has been measured."""
        return bool(self.action) and not self.command and KINDS[self.kind].lasts

    @property
    def hog_kind(self) -> str:
        """What the hogs are, in words."""
        return tell_kind(self.kind, incompressible=self.incompressible)

    @property
    def window(self) -> float:
        """Seconds without change that count as rest."""
        return min(REST, self.settle / 2)

    @property
    def trials(self) -> tuple[bool, ...]:
        """One entry for each trial, true for a control; controls go first, so that an action cannot color them."""
        return (True, False) * self.repeat if self.control and self.action else (False,) * self.repeat

    @property
    def seconds(self) -> float | None:
        """The most that it takes without filling and ending; ``None``: the command decides."""
        if self.hold is None:
            return None
        waits = 2 if self.action and not self.lasting else 1
        return len(self.trials) * (self.baseline + self.hold + waits * self.settle)


Phase: TypeAlias = Literal["baseline", "load", "hold", "release", "wait", "action", "settle", "clear", "done"]
"""``wait``: for rest between the release and the action. ``clear``: a lasting load is ended after the measurement."""
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
AUDIENCE: Final[dict[Phase, str]] = {"release": "end", "wait": "returning", "settle": "returning", "clear": "end"}
"""What the demo calls the phases whose own names say nothing to an audience."""


def demo_names(*, acted: bool) -> dict[Phase, str]:
    """The demo's name of each phase; with an action, what follows it is part of ``compact``."""
    names = {phase: AUDIENCE.get(phase, phase) for phase in PHASES}
    names |= {"action": "compact", "done": "result"}
    return names | ({"settle": "compact"} if acted else {})


Ending: TypeAlias = Literal["settled", "not settled", "interrupted", "failed"]


class Tick(NamedTuple):
    """One sample of both sides. Bytes; ``None`` where there was no reading."""

    time: float
    """Monotonic seconds."""
    taken: int
    """Guest memory that is not free: programs, kernel and page cache."""
    used: int
    """As ``free`` says it: page cache that can be dropped is not in it."""
    cache: int
    available: int
    expected: int | None
    """What the host should hold."""
    host: int | None
    host_at: float | None
    """When the host's answer arrived; the same answer may stand in several ticks."""
    busy: float | None
    """CPU seconds that the whole guest has used since boot."""


class Stage(Struct, frozen=True):
    """A phase and its time, monotonic seconds."""

    phase: Phase
    start: float
    end: float


class ActionOutcome(Struct, frozen=True, kw_only=True):
    """What an action promised and how it ended."""

    name: str
    predicted: Reading[Prediction]
    seconds: float = 0.0
    done: bool = False
    note: str = ""
    """What was different from the plan, or why it failed."""
    hint: str = ""


class Trial(Struct, frozen=True, kw_only=True):
    """One pass through the phases."""

    number: int
    control: bool
    stages: tuple[Stage, ...]
    ticks: tuple[Tick, ...]
    ending: Ending
    remarks: tuple[str, ...] = ()
    """What a reader of the figures must know: a hog that stopped at the floor, a command that failed."""
    action: ActionOutcome | None = None
    predicted: Reading[Prediction] | None = None
    """What ending the hogs should return, from the sample before; ``None``: the load is a command, or it stayed."""
    exit_code: int | None = None
    """Of the command; a signal is negative. ``None``: there was none, or it did not end."""
    timed_out: bool = False
    """Whether the command ran longer than it was to be held, and was ended."""
    source: str = ""
    """The source of the host's figures; empty when there was none."""
    missing: Unavailable | None = None
    """Why the host last had no reading."""

    def start_of(self, *phases: Phase) -> float | None:
        """When the first of these phases that took place began."""
        return next((stage.start for stage in self.stages if stage.phase in phases), None)

    @property
    def measured_until(self) -> float:
        """The end of what is measured: clearing away comes after it."""
        return max((stage.end for stage in self.stages if stage.phase != "clear"), default=0.0)


class Result(Struct, frozen=True, kw_only=True):
    """An experiment, over or interrupted."""

    plan: ExperimentPlan
    time: float
    """Wall clock of its start."""
    interval: float
    total: int
    """RAM of the guest, bytes; 0 when it is not known."""
    identity: Identity
    trials: tuple[Trial, ...]
    remarks: tuple[str, ...] = ()
    interrupted: str = ""
    """The signal or reason that ended it: ``SIGINT``; empty when nothing did."""


def tick_of(moment: Moment) -> Tick | None:
    """A sample's part in an experiment, or ``None`` when the guest could not be read."""
    ledger, host = moment.ledger, moment.host
    if isinstance(ledger, Unavailable):
        return None
    split = ledger.free_split
    free = ledger.free if isinstance(split, Unavailable) else split.fragmented + split.reportable
    known = not isinstance(host, Unavailable)
    return Tick(
        time=moment.sample.monotonic,
        taken=ledger.total - free,
        used=ledger.used,
        cache=ledger.cache,
        available=ledger.available,
        expected=None if isinstance(ledger.expected_host, Unavailable) else ledger.expected_host,
        host=None if isinstance(host, Unavailable) else host.working_set,
        host_at=None if not known or isinstance(host, Unavailable) else host.read_at,
        busy=busy_seconds(moment.sample.cpu),
    )


def busy_seconds(cpu: Reading[CpuTimes]) -> float | None:
    """CPU seconds that were not idle since boot, all CPUs together."""
    if isinstance(cpu, Unavailable):
        return None
    spent = (cpu.user, cpu.nice, cpu.system, cpu.irq or 0, cpu.softirq or 0)
    return sum(spent) / USER_HZ


T = TypeVar("T")
SILENT: Final = 15.0
"""Seconds without a new figure after which a side is no longer waited for."""
FALL: Final = 2 * LEAST_BAND
"""Bytes by which the level of a host falls that is getting memory back."""
MOST: Final = 20_000
"""Ticks that are kept. A build may take hours: then the older half is kept at half the rate."""


class Recorder:
    """Records the ticks of one trial and the curves of both sides."""

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
        """Whether the host answers, but has answered too seldom so far for its level to be known."""
        return bool(self.host) and len(self.host) < FEWEST

    def take(self, sample: Sample) -> None:
        """Take a sample in."""
        moment = interpret(sample, self._interval)
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
        """Whether the host is still getting memory back: one of the first readings since then is above the last."""
        dots = [dot for dot in self.host if dot.time >= since]
        third = len(dots) // 3
        level = level_of(dots[len(dots) - third :])
        return level is not None and max((dot.size for dot in dots[:third]), default=level) - level > FALL

    def forget(self, before: float) -> None:
        """Drop what was sampled before ``before``, monotonic seconds."""
        self.ticks = [tick for tick in self.ticks if tick.time >= before]
        self.guest, self.host, self.expected = (
            [dot for dot in dots if dot.time >= before] for dots in (self.guest, self.host, self.expected)
        )

    def end_baseline(self) -> None:
        """Keep what was sampled so far as the baseline."""
        self._bases = {name: tuple(getattr(self, name)) for name in ("guest", "host", "expected")}

    def rests(self, *, since: float, now: float, window: float) -> bool:
        """Whether nothing has changed for ``window`` seconds since ``since``, on any side that has new figures."""
        return all(self._rests(name, since, now, window) for name in ("guest", "host", "expected"))

    def _rests(self, name: str, since: float, now: float, window: float) -> bool:
        dots: list[Dot] = getattr(self, name)
        if not dots or now - dots[-1].time > max(SILENT, 3 * step_of(dots[-10:])):
            return True
        base = self._bases.get(name) or tuple(dots[:FEWEST])
        band = band_of(base, max(dot.size for dot in dots) - base[0].size)
        return at_rest(dots, since=since, now=now, window=window, band=band)


def thin(items: list[T]) -> list[T]:
    """Every second one of the older half, and all of the newer half."""
    middle = len(items) // 2
    return items[:middle:2] + items[middle:]
