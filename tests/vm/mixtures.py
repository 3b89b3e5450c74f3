"""Random mixtures of memory, drawn from a seed together with the machine that they are made in, and their trials.

A trial is one action on a settled mixture: copies of the kernel's files before and after it, and by how much the host's
figure fell. It is kept as JSON, so that predictors can be compared on the same trials, without a machine.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from tests.vm.findings import MIB
from tests.vm.machine import Machine
from tests.vm.missing import MachineFailed
from tests.vm.parts import KernelName, get_parts

ORDERS: Final = (5, 7, 9)
MEMORIES: Final = (2048, 3072)
QUIET: Final = 4.0
"""Seconds without a change of the host's figure: a pass of the kernel's reporting begins 2 s after memory was freed,
or after the pass before, and later where others use the cores."""
STILL: Final = 1 * MIB
LONGEST: Final = 40.0
PATIENCE: Final = 400.0
ROUNDS: Final = 2
"""Times that every kind of action is done in a machine: a boot takes longer than a trial."""
MOST: Final = 0.65
"""Part of the machine's memory that the mixture may fill; above it, its oldest ingredients are taken away."""
LEAST: Final = 160
"""MiB on which an action of the plan has to act, so that its trial counts."""
ON_LISTS: Final = 20
"""One part in so many of the memory is what the CPUs' lists may keep of what a mixture frees."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is added to the mixture, and the action that follows."""

    extra: tuple[dict[str, Any], ...]
    kind: str
    figure: int = 0
    """MiB for ``reclaim``, the index of an ingredient for ``kill``."""
    ends: tuple[int, ...] = ()
    """Indexes of ingredients that are taken away first, with their files, to make room."""


class Mixture(msgspec.Struct, frozen=True, kw_only=True):
    """What a seed draws."""

    seed: int
    kernel: KernelName
    memory: int
    """MiB."""
    cpus: int
    order: int
    swap: int
    cmdline: str
    ingredients: tuple[dict[str, Any], ...]
    steps: tuple[Step, ...]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One action."""

    seed: int
    number: int
    """Its place in the mixture's steps: what came before it may have taught something."""
    kind: str
    figure: int
    cleared: dict[str, str] = {}
    """Before the ingredients of this step were made, and after others were taken away; empty where none was."""
    before: dict[str, str]
    after: dict[str, str]
    host_before: int
    host_after: int
    children: tuple[int, ...] = ()
    """Pids of the ingredients' processes."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A mixture and its trials, as a file holds them."""

    mixture: Mixture
    trials: tuple[Trial, ...]


KINDS: Final = (
    "anonymous",
    "holes",
    "huge",
    "lazyfree",
    "swapped",
    "locked",
    "pinned",
    "shared",
    "tmpfs",
    "cache",
    "files",
    "mapped",
    "dirty",
    "names",
    "inodes",
    "group",
)
SUITED: Final = {
    "compact": (("holes",), ("holes",), ("pinned",), ("holes", "huge")),
    "drop-cache": (("cache",), ("files",), ("mapped",), ("cache",)),
    "drop-slab": (("names",), ("names", "inodes")),
    "drop-all": (("cache",), ("cache", "names"), ("files",), ("files", "huge")),
    "reclaim": (("cache",), ("files",), ("mapped",)),
    "kill": (("anonymous",), ("holes",), ("huge",), ("shared",), ("swapped",), ("group",)),
}
"""Ingredients that give an action something to do."""


def draw_mixture(seed: int) -> Mixture:
    """Draw a machine, what is in it, and what is done to it."""
    draw = random.Random(seed)
    memory = draw.choice(MEMORIES)
    init, always = draw.random() < 0.5, draw.random() < 0.5
    kinds = draw.sample(KINDS, draw.randint(3, 5))
    room = memory * draw.uniform(0.2, 0.4)
    weights = [draw.uniform(0.3, 1.0) for _ in kinds]
    sizes = [int(room * weight / sum(weights)) for weight in weights]
    ingredients = [ingredient(kind, size, draw) for kind, size in zip(kinds, sizes, strict=True)]
    return Mixture(
        seed=seed,
        kernel=draw.choice(("6.1", "6.18")),
        memory=memory,
        cpus=draw.choice((1, 2, 4)),
        order=draw.choice(ORDERS),
        swap=memory // 4 if draw.random() < 0.5 else 0,
        cmdline=f"init_on_alloc={int(init)} transparent_hugepage={'always' if always else 'madvise'}",
        ingredients=tuple(ingredients),
        steps=tuple(draw_steps(memory, [one["size"] for one in ingredients], draw)),
    )


def draw_steps(memory: int, sizes: list[int], draw: random.Random) -> Iterator[Step]:
    """Draw what is done, in a mixture whose ingredients have these sizes (MiB)."""
    living = dict(enumerate(sizes))
    made = len(sizes)
    for kind in [kind for _ in range(ROUNDS) for kind in draw.sample(list(SUITED), len(SUITED))]:
        extra = tuple(suited(one, kind, memory, draw) for one in draw.choice(SUITED[kind]))
        ends = []
        while living and sum(living.values()) + sum(one["size"] for one in extra) > MOST * memory:
            ends.append(min(living))
            del living[ends[-1]]
        for one in extra:
            living[made] = one["size"]
            made += 1
        figure = made - 1 if kind == "kill" else draw.choice((128, 192, 256, 400)) if kind == "reclaim" else 0
        if kind == "kill":
            del living[figure]
        yield Step(extra=extra, kind=kind, figure=figure, ends=tuple(ends))
        if kind == "compact" and draw.random() < 0.3:
            yield Step(extra=(), kind=kind)


def suited(kind: str, action: str, memory: int, draw: random.Random) -> dict[str, Any]:
    """One ingredient that gives ``action`` at least ``LEAST`` MiB to act on, where it can be made that large."""
    one = ingredient(kind, int(memory * draw.uniform(0.07, 0.15)), draw)
    freed, half = float(one["share"]), 0.5
    part = {
        ("compact", "holes"): freed,
        ("compact", "pinned"): half,
        ("kill", "holes"): 1 - freed,
        ("kill", "huge"): 1 - freed,
        ("kill", "swapped"): half,
        ("kill", "group"): half,
    }.get((action, kind), 1.0)
    if kind in LONG_TO_MAKE and kind != "pinned":
        return one | {"size": max(one["size"], min(LEAST, LONG_TO_MAKE[kind]))}
    part = max(0.45 if action == "compact" else 0.3, part)
    if (action, kind) == ("compact", "holes"):
        one["share"] = max(part, freed)
    elif action == "kill" and kind in ("holes", "huge"):
        one["share"] = min(1 - part, freed)
    least = LEAST + (memory // ON_LISTS if action == "compact" else 0)
    return one | {"size": max(one["size"], int(least / part))}


LONG_TO_MAKE: Final = {"names": 150, "inodes": 50, "files": 200, "pinned": 300, "dirty": 200}
"""MiB that these ingredients have at most."""


def ingredient(kind: str, size: int, draw: random.Random) -> dict[str, Any]:
    """One ingredient of about ``size`` MiB; what takes long to make is kept small."""
    return {
        "kind": kind,
        "size": max(8, min(size, LONG_TO_MAKE.get(kind, size))),
        "seed": draw.randrange(1 << 30),
        "share": round(draw.uniform(0.1, 0.9), 2),
        "longest": draw.choice((1, 1, 4, 16, 64)),
        "locked": draw.random() < 0.3,
    }


WRITES: Final = {
    "compact": ("/proc/sys/vm/compact_memory", "1"),
    "drop-cache": ("/proc/sys/vm/drop_caches", "1"),
    "drop-slab": ("/proc/sys/vm/drop_caches", "2"),
    "drop-all": ("/proc/sys/vm/drop_caches", "3"),
}


class Bench:
    """A machine with the mixer in it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.job = machine.start(sys.executable, "-I", "-S", "tests/vm/guest/mixer.py")
        self.rest = b""

    def ask(self, **message: Any) -> dict[str, Any]:
        """Say something to the mixer; its answer."""
        self.job.write(json.dumps(message) + "\n")
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.rest:
            said = self.job.read(deadline - time.monotonic())
            if not said:
                raise MachineFailed(f"the mixer has ended or says nothing: {self.rest.decode()[-1000:]}")
            self.rest += said
        line, self.rest = self.rest.split(b"\n", 1)
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            raise MachineFailed(f"the mixer complains: {(line + self.rest).decode()[-1000:]}") from None
        return found

    def end(self) -> None:
        """End the mixer, its ingredients and their files."""
        self.job.kill()
        for _ in self.job.stream(30.0):
            pass
        self.machine.run("/run/vm/busybox", "sh", "-c", "rm -rf /var/tmp/mixture /dev/shm/mixture-*")

    def settle(self) -> int:
        """Wait until the host's figure stands still; the figure."""
        began = still = time.monotonic()
        last = self.machine.working_set()
        while (now := time.monotonic()) - still < QUIET and now - began < LONGEST:
            time.sleep(0.4)
            size = self.machine.working_set()
            if abs(size - last) > STILL:
                last, still = size, now
        return self.machine.working_set()

    def trial(self, mixture: Mixture, number: int) -> Trial:
        """Act once."""
        step = mixture.steps[number]
        kind, figure = step.kind, step.figure
        cleared: dict[str, str] = {}
        for index in step.ends:
            self.ask(remove=index)
        if step.ends:
            time.sleep(1.0)  # as a session would see it, which samples each second
            cleared = self.ask(copy=None, flags=False)["files"]
        if step.extra:
            self.ask(take=step.extra)
        host_before = self.settle()
        before = self.ask(copy=figure if kind == "kill" else None, flags=True)
        if kind == "kill":
            self.ask(end=figure)
        elif kind == "reclaim":
            text = f"{figure * MIB} swappiness=0"
            if self.ask(write=["/sys/fs/cgroup/memory.reclaim", text])["error"] == 22:
                self.ask(write=["/sys/fs/cgroup/memory.reclaim", str(figure * MIB)])
        else:
            self.ask(write=WRITES[kind])
        host_after = self.settle()
        after = self.ask(copy=None, flags=False)
        return Trial(
            seed=mixture.seed,
            number=number,
            kind=kind,
            figure=figure,
            cleared=cleared,
            before=before["files"],
            after=after["files"],
            host_before=host_before,
            host_after=host_after,
            children=tuple(before["children"]),
        )


def machine_for(mixture: Mixture) -> Machine:
    """The machine in which a mixture is made."""
    return Machine(
        get_parts(mixture.kernel),
        memory=mixture.memory,
        order=mixture.order,
        cpus=mixture.cpus,
        swap=mixture.swap,
        cmdline=mixture.cmdline,
    )


def run_mixture(mixture: Mixture, machine: Machine) -> Iterator[Trial]:
    """Start the machine, make a mixture in it and act on it."""
    with machine:
        bench = Bench(machine)
        bench.ask(take=mixture.ingredients)
        for number in range(len(mixture.steps)):
            yield bench.trial(mixture, number)
