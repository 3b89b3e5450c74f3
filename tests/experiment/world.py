"""A made-up machine for experiments: a clock, a load that obeys, an action, and samples that follow them."""

from __future__ import annotations

from msgspec.structs import replace

from tests.samples import host_memory, later, meminfo, small_sample
from wsltop.core.ledger import Ledger
from wsltop.core.prediction import Prediction
from wsltop.errors import HogRefused
from wsltop.experiment.load import LoadState
from wsltop.experiment.run import Experiment
from wsltop.experiment.trial import ExperimentPlan, Phase
from wsltop.model.sample import Event, FreeBlocks, Reading, Sample, Unavailable
from wsltop.reclaim.perform import Done, Progress, Running

MIB = 1024**2
INTERVAL = 0.5
START = small_sample()
PLAN = ExperimentPlan(hogs=1, size=500 * MIB, baseline=5, hold=10, settle=30)


class FakeLoad:
    """A load that fills and ends within a second each, unless told otherwise."""

    exit_code: int | None = None
    holes = 0

    def __init__(self, world: World) -> None:
        self.world = world
        self.started: float | None = None
        self.released: float | None = None
        self.died: float | None = None
        self.calls: list[str] = []
        self.failed = False
        self.remarks: tuple[str, ...] = ()

    def start(self) -> None:
        if self.world.refuse:
            raise HogRefused("no room")
        self.started = self.world.now
        self.calls.append("start")

    def see(self, sample: Sample) -> None:
        pass

    def poll(self) -> LoadState:
        now = self.world.now
        if self.died is not None or (self.released is not None and now >= self.released + 1):
            return "gone"
        if self.released is not None:
            return "ending"
        return "full" if self.started is not None and now >= self.started + self.world.fill_time else "filling"

    def release(self) -> None:
        self.released = self.world.now if self.released is None else self.released
        self.calls.append("release")

    def close(self) -> None:
        self.calls.append("close")

    @property
    def held(self) -> int:
        return 0 if self.started is None or self.poll() == "gone" else 500 * MIB


class FakeAction:
    """An action that takes a second."""

    def __init__(self, world: World, progress: Progress) -> None:
        self.world, self.progress = world, progress
        self.began = 0.0
        self.calls: list[str] = []

    def start(self) -> None:
        self.began = self.world.now
        self.calls.append("start")

    def poll(self) -> Progress:
        return self.progress if self.world.now >= self.began + 1 else Running(seconds=0.5)

    def cancel(self) -> None:
        self.calls.append("cancel")

    def close(self) -> None:
        self.calls.append("close")


class World:
    """Steps an experiment through its own time."""

    def __init__(self, plan: ExperimentPlan = PLAN, *, progress: Progress | None = None) -> None:
        self.now = START.monotonic
        self.loads: list[FakeLoad] = []
        self.actions: list[FakeAction] = []
        self.refuse = False
        self.fill_time = 1.0
        self.host_every: float | None = INTERVAL
        self.restless = False
        self.draining = 0.0
        """Seconds in which the host gets back what was freed before the experiment, 50 MiB in each."""
        self.progress = progress or Done(seconds=1.0)
        self.ledgers: list[Reading[Ledger]] = []
        self.events: list[Event] = []
        self.seen: list[Phase] = []
        self.experiment = Experiment(plan, self.make_load, self.act, interval=INTERVAL)

    def make_load(self) -> FakeLoad:
        self.loads.append(FakeLoad(self))
        return self.loads[-1]

    def act(self, ledger: Reading[Ledger]) -> tuple[Reading[Prediction], FakeAction]:
        self.ledgers.append(ledger)
        self.actions.append(FakeAction(self, self.progress))
        return Prediction(low=0, likely=100 * MIB, high=200 * MIB), self.actions[-1]

    def sample(self) -> Sample:
        """The guest holds what the loads hold; Windows follows 3 s later."""
        held = sum(load.held for load in self.loads)
        if self.restless:
            held += 50 * MIB * (round(self.now * 2) % 4)
        memory = meminfo()
        counts = (25_600, 0, 0, 0, 0, 2400, 0, 0, 0, (1000 * MIB - 400 * MIB - held) // (2 * MIB), 0)
        made = later(
            START,
            self.now - START.monotonic,
            meminfo=replace(memory, free=memory.free - held, available=(memory.available or 0) - held),
            free_blocks=(FreeBlocks(node=0, zone="Normal", counts=counts),),
            host=Unavailable("not asked"),
        )
        if self.host_every is not None:
            at = self.now // self.host_every * self.host_every
            released = [load.released for load in self.loads if load.released is not None]
            lent = 500 * MIB if released and at < released[-1] + 3 else held
            lent += round(50 * max(0.0, self.draining - (at - START.monotonic))) * MIB
            made = replace(made, host=host_memory(working_set=6000 * MIB + lent, read_at=at))
        return made

    def tick(self) -> Phase:
        self.experiment.take(self.sample())
        phase = self.experiment.step(self.now)
        self.events += self.experiment.events()
        if not self.seen or self.seen[-1] != phase:
            self.seen.append(phase)
        self.now += INTERVAL
        return phase

    def until(self, phase: Phase, most: float = 500.0) -> None:
        end = self.now + most
        while self.tick() != phase:
            assert self.now < end, (phase, self.seen)
