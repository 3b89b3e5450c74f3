"""One trial as it was recorded: its phases, what was sampled in them, and what became of the load and the action."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from msgspec import Struct

from wsltop.core.cpu import USER_HZ, CpuTimes
from wsltop.core.experiment.plan import ExperimentPlan
from wsltop.core.moment import Moment
from wsltop.core.prediction import Prediction
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Identity

Phase: TypeAlias = Literal["baseline", "load", "hold", "release", "wait", "action", "settle", "clear", "done"]
"""``wait``: for rest between the release and the action. ``clear``: a lasting load is ended after the measurement."""
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)

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
    exit_code: int | None = None
    """Of a command that ended by itself; a signal is negative."""
    source: str = ""
    """Who answered for the host; empty when nobody did."""
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
    """By what: ``SIGINT``."""


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
