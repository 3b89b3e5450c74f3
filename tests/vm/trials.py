"""Scenarios of ``wsltop experiment``: what it measured in the guest, against the host's own curve."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tests.vm.curve import Fall, drift, lateness, read_fall, to_host
from tests.vm.findings import Finding, compare_sizes, foretold, note
from tests.vm.lab import Lab
from tests.vm.missing import MachineFailed

TIME: Final = 240.0
"""Seconds within which an experiment ends."""
SMALL: Final = ("--size", "384M", "--hold", "5")
"""The classic, scaled to the guest."""


class Run(NamedTuple):
    """One experiment of one trial."""

    code: int | None
    trial: dict[str, Any]
    own: Fall
    """By the host's own curve."""
    noise: float
    """Seconds by which the machine was late itself, at worst, and the two clocks differed."""
    clocks: str


def experiment(lab: Lab, *options: str) -> Run:
    """Run ``wsltop experiment`` in a guest at rest, and read the host's curve of the same time."""
    lab.settle()
    lab.stop()
    before = lab.machine.compare_clocks()
    job = lab.machine.start(sys.executable, "-m", "wsltop", "experiment", "--json", *options)
    said = b"".join(job.stream(TIME)).decode(errors="replace")
    after = lab.machine.compare_clocks()
    lab.start()
    try:
        found = json.loads(said[said.index("{") :])
        trial = found["trials"][0]
        phases = {phase["phase"]: found["time"] + phase["start"] for phase in reversed(trial["phases"])}
        released = next(phases[name] for name in ("release", "action", "settle") if name in phases)
        ended = max(found["time"] + phase["end"] for phase in trial["phases"] if phase["phase"] != "clear")
    except (ValueError, KeyError, IndexError, StopIteration) as why:
        raise MachineFailed(f"the experiment tells nothing ({why!r}): {said[-2000:]}") from None
    start, end = to_host(released, before, after), to_host(ended, before, after)
    own = read_fall(lab.machine.curve, start, end)
    error = before.error + after.error + abs(drift(before, after))
    noise = error + lateness(lab.machine.curve, start, end)
    return Run(job.code, trial, own, noise, f"±{error * 1000:.0f} ms in {after.host - before.host:.0f} s")


def judge(run: Run) -> Iterator[Finding]:
    """Whether it measured what happened: how much came back, and when half of it and 90 % had."""
    ending = f"{run.trial['ending']}; status {run.code}"
    yield Finding("how it ended", "settled; status 0", ending, ending == "settled; status 0")
    host = run.trial["host"]
    if "unavailable" in host:
        yield Finding("its figures of the host", "known", host["unavailable"], False)
        return
    yield compare_sizes("returned by the host", run.own.returned, host["returned"])
    yield compare_times("t50 of the host", run.own.half, host["t50"], host["step"] + run.noise)
    yield compare_times("t90 of the host", run.own.most, host["t90"], host["step"] + run.noise)
    yield note("the two clocks, compared", run.clocks)


def compare_times(what: str, own: float | None, told: dict[str, float] | None, step: float) -> Finding:
    """A time by the host's own curve and by wsltop: ``step`` is between its readings, and the machine's own noise."""
    expected = "never" if own is None else f"{own:.2f} s, within {step:.2f}"
    measured = "never" if told is None else f"{told['seconds']:.2f} s"
    ok = own is None if told is None else own is not None and abs(told["seconds"] - own) <= step
    return Finding(what, expected, measured, ok)


def classic(lab: Lab) -> Iterator[Finding]:
    """Four hogs, killed."""
    yield from judge(experiment(lab, *SMALL))


def compact(lab: Lab) -> Iterator[Finding]:
    """A random half of what two hogs hold is freed, and compacted."""
    run = experiment(lab, "--kind", "fragment", "--hogs", "2", "--size", "512M", "--hold", "5", "--then", "compact")
    yield from judge(run)
    yield judge_prediction(run, known=True)  # how much joins hangs on which pages were in between


def reclaim(lab: Lab) -> Iterator[Finding]:
    """Page cache, by ``memory.reclaim``."""
    run = experiment(lab, "--kind", "cache", "--hogs", "1", "--size", "768M", "--hold", "5", "--then", "reclaim")
    yield from judge(run)
    yield judge_prediction(run)


def pressure(lab: Lab) -> Iterator[Finding]:
    """Page cache, pushed out by a hog: the host lends all that is free on the way."""
    run = experiment(lab, "--kind", "cache", "--hogs", "1", "--size", "1G", "--hold", "5", "--then", "pressure:512M")
    ending = f"{run.trial['ending']}; status {run.code}"
    yield Finding("how it ended", "settled; status 0", ending, ending == "settled; status 0")
    yield judge_prediction(run)


def judge_prediction(run: Run, *, known: bool = False) -> Finding:
    """What its action promised, and what became reportable; with shares that are assumed, for a run learns nothing."""
    action = run.trial["action"]
    if action is None or action["predicted"] is None or action["gained"] is None:
        return Finding("its action", "measured", json.dumps(action), False)
    return foretold(action["name"], action["predicted"], action["gained"], known=known)
