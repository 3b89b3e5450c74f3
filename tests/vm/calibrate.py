"""Compares predictions with what came, on random mixtures, and scores them: ``python -m tests.vm calibrate --seeds N``.

Fresh seeds are drawn and printed; their trials are kept, so that an interrupted run goes on where it was. Without a
machine, ``--kept`` scores the trials that are there, for example those of the development seeds.

The score of a trial is that of an interval of which one in ten may miss, in parts of the base::

    (high - low + 20 · max(0, low - came) + 20 · max(0, came - high)) / base

A miss of up to 8 MiB counts as inside. The baseline knows the base and nothing else: it says base times the 5 and 95 %
quantiles of came / base on the development seeds.
"""

from __future__ import annotations

import base64
import math
import random
import re
import statistics
import sys
import tempfile
import threading
import time
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, cast

import msgspec
from msgspec.structs import replace

from tests.vm.findings import MIB
from tests.vm.guest.mixer import PAGE_BYTES, PAGE_FLAGS
from tests.vm.machine import Machine
from tests.vm.missing import MachineFailed
from tests.vm.mixtures import Kept, Mixture, Trial, draw_mixture, machine_for, run_mixture
from tests.vm.parts import cache_folder, get_parts
from tests.vm.room import count_machines
from wsltop.core.ledger import Ledger, keep_ledger
from wsltop.core.page_map import Act, Kind, PageMap, predict_by_pages, predict_kill_by_pages
from wsltop.core.prediction import (
    Prediction,
    Shares,
    follow_holes,
    follow_left,
    joinable,
    loose_free,
    note_slab,
    predict_compaction,
    predict_drop,
    predict_kill,
    predict_reclaim,
    shares_for,
)
from wsltop.guest.kernel_files import (
    parse_buddyinfo,
    parse_dentry_state,
    parse_meminfo,
    parse_order,
    parse_stat,
    parse_vmstat,
    parse_zoneinfo,
    read_huge_pages,
    read_init_on_alloc,
)
from wsltop.guest.page_flags import NUMBER, Mapping, kinds_of, mark_ending, parse_spans
from wsltop.guest.process_memory import parse_process_memory
from wsltop.model.sample import (
    Census,
    Holders,
    Identity,
    OwnUse,
    ProcessUse,
    Pss,
    Reading,
    Sample,
    Surroundings,
    Unavailable,
)

CLOSE: Final = 8 * MIB
"""A miss that counts as none."""
PENALTY: Final = 20
WORTH: Final = 128 * MIB
"""A trial counts when its base is at least this."""
ENOUGH: Final = 40
"""Trials of a kind that a verdict needs."""
BASELINE: Final[dict[str, tuple[float, float]]] = {
    "compact": (0.0, 1.05),
    "drop-all": (-0.01, 0.89),
    "drop-cache": (-0.01, 0.89),
    "drop-slab": (-0.04, 0.94),
    "kill": (-0.01, 1.09),
    "reclaim": (-0.06, 0.94),
}
"""By kind, the 5 and 95 % quantiles of came / base on the development seeds; a kind without them gets its own."""
NO = Unavailable("not read here")
FIELD: Final = re.compile(r"^(\w+): +(\d+) kB$", re.MULTILINE | re.ASCII)


class Judged(NamedTuple):
    """One trial with its prediction. Bytes."""

    mixture: Mixture
    trial: Trial
    base: int
    came: int
    predicted: Prediction

    @property
    def missed(self) -> bool:
        """Whether what came lies outside of the range."""
        return penalty(self.predicted.low, self.predicted.high, self.came) > 0

    @property
    def score(self) -> float:
        """The score, in parts of the base; less is better."""
        return interval_score(self.predicted.low, self.predicted.high, self.came, self.base)


def penalty(low: float, high: float, came: int) -> float:
    """What a miss costs, bytes."""
    return PENALTY * (max(0.0, low - CLOSE - came) + max(0.0, came - high - CLOSE))


def interval_score(low: float, high: float, came: int, base: int) -> float:
    """The score of a range."""
    return (high - low + penalty(low, high, came)) / base


def calibrate(seeds: int, folder: Path | None, within: float | None = None, jobs: int = 1) -> int:
    """Run the mixtures of fresh seeds, or of those that a run before has begun, and print the score; 1 when it fails.

    Args:
        seeds: how many; 0 only scores what is kept.
        folder: where trials are kept.
        within: seconds after which no trial is begun; what that leaves out is named.
        jobs: machines at a time, where there is room for them: most of the time they wait for memory to settle.
    """
    folder = folder or cache_folder() / "trials"
    folder.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + within if within is not None else math.inf
    drawn = draw_seeds(seeds, folder)
    if drawn:
        run_seeds(drawn, folder, ends, min(jobs, count_machines()))
    kept = list(load(folder))
    print("as root, by where each page lies:")
    status = report(judge_all(kept))
    print("by sizes alone, as any user sees it:")
    report(judge_all(kept, by_pages=False))
    return status


def run_seeds(seeds: Sequence[int], folder: Path, ends: float, jobs: int) -> None:
    """Run the mixtures of ``seeds``, ``jobs`` at a time, and keep their trials."""
    mixtures = [draw_mixture(seed) for seed in seeds]
    for kernel in sorted({mixture.kernel for mixture in mixtures}):
        get_parts(kernel)  # fetched once, ahead of the threads
    machines: list[Machine] = []
    over = threading.Event()
    # QEMU ends with the thread that has started it: the threads live until all machines are down.
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(run_seed, mixture, folder, ends, machines, over) for mixture in mixtures]
        try:
            for future in futures:
                future.result()
        except BaseException:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for machine in machines:
                machine.abort()
            raise


def run_seed(mixture: Mixture, folder: Path, ends: float, machines: list[Machine], over: threading.Event) -> None:
    """Run one mixture, as far as it comes before ``ends``, and keep its trials unless ``over`` is set meanwhile."""
    began = time.monotonic()
    seed = mixture.seed
    if began > ends:
        print(f"seed {seed}: left out, the time is over", flush=True)
        return
    print(f"seed {seed}: {describe(mixture)}", flush=True)
    machine = machine_for(mixture)
    machines.append(machine)
    trials: list[Trial] = []
    try:
        for trial in run_mixture(mixture, machine):
            trials.append(trial)
            print(f"  {seed} {trial.kind}: {(trial.host_before - trial.host_after) / MIB:.0f} MiB came", flush=True)
            if time.monotonic() > ends and len(trials) < len(mixture.steps):
                left = ", ".join(step.kind for step in mixture.steps[len(trials) :])
                print(f"  {seed} left out, the time is over: {left}", flush=True)
                break
    except MachineFailed as why:
        print(f"  {seed} ended early: {str(why).splitlines()[0]}", flush=True)
    if over.is_set():
        return
    (folder / f"{seed}.json").write_bytes(msgspec.json.encode(Kept(mixture=mixture, trials=tuple(trials))))
    print(f"  {seed} {len(trials)} trials, {time.monotonic() - began:.0f} s", flush=True)


def draw_seeds(count: int, folder: Path) -> list[int]:
    """Seeds that are still to be run: those that an interrupted run drew, or fresh ones, which are printed."""
    if not count:
        return []
    plan = folder / "seeds"
    drawn = [int(seed) for seed in plan.read_text().split()] if plan.exists() else []
    left = [seed for seed in drawn if not (folder / f"{seed}.json").exists()]
    if not left:
        fresh = [random.SystemRandom().randrange(1 << 31) for _ in range(count)]
        plan.write_text(" ".join(map(str, [*drawn, *fresh])) + "\n")
        left = fresh
    print(f"seeds: {' '.join(map(str, left)) or 'none to run'}", flush=True)
    return left


def describe(mixture: Mixture) -> str:
    """A machine and its mixture in a line."""
    made = ", ".join(f"{one['kind']} {one['size']}" for one in mixture.ingredients)
    machine = f"{mixture.kernel}, order {mixture.order}, {mixture.memory} MiB, {mixture.cpus} CPUs, swap {mixture.swap}"
    return f"{machine}, {mixture.cmdline}: {made}"


def load(folder: Path) -> Iterator[Kept]:
    """The mixtures that are kept, with their trials."""
    for path in sorted(folder.glob("*.json")):
        yield msgspec.json.decode(path.read_bytes(), type=Kept)


def judge_all(kept: Iterable[Kept], *, by_pages: bool = True) -> list[Judged]:
    """Predict each trial from the copy before it, with what the trials before it in the same machine taught.

    ``by_pages``: with the flags of every page, as a plan of root has them.
    """
    judged: list[Judged] = []
    for one in kept:
        shares: Shares | None = None
        last: Ledger | None = None
        for trial in one.trials:
            before, after = ledger_of(trial.before, one.mixture), ledger_of(trial.after, one.mixture)
            shares = follow_left(shares or shares_for(before), before)
            if trial.cleared and last is not None:
                cleared = ledger_of(trial.cleared, one.mixture)
                shares, last = follow_holes(shares, last, cleared), cleared
            if last is not None:
                shares = follow_holes(shares, last, before)
            predicted, base = foretell(trial, before, shares)
            if by_pages:
                predicted = predict_placed(trial, before, shares)
            if not isinstance(predicted, Unavailable):
                judged.append(Judged(one.mixture, trial, base, trial.host_before - trial.host_after, predicted))
            shares = learn(trial, shares, before, after)
            shares, last = follow_holes(shares, before, after), after
    return judged


def foretell(trial: Trial, ledger: Ledger, shares: Shares) -> tuple[Reading[Prediction], int]:
    """The prediction of a trial, and the base of which it takes a share. Bytes."""
    if trial.kind == "compact":
        return predict_compaction(ledger, shares), joinable(ledger, shares)
    if trial.kind == "kill":
        pid = trial.children[trial.figure]
        anonymous, shared = held_by(trial.before, pid)
        memory = parse_process_memory(trial.before.get(f"proc/{pid}/status", ""), trial.before.get(f"proc/{pid}/maps"))
        return predict_kill(ledger, anonymous, shares, shared=shared, memory=memory), anonymous + shared
    if trial.kind == "reclaim":
        asked = trial.figure * MIB
        return predict_reclaim(ledger, asked, shares), min(asked, ledger.cache + ledger.slab_reclaimable)
    cache, slab = trial.kind != "drop-slab", trial.kind != "drop-cache"
    base = cache * (ledger.cache - ledger.cache_dirty) + slab * ledger.slab_reclaimable
    return predict_drop(ledger, shares, cache=cache, slab=slab), base


def predict_placed(trial: Trial, ledger: Ledger, shares: Shares) -> Reading[Prediction]:
    """The prediction of a trial by where each page lies, as root has it."""
    files = trial.before
    if PAGE_FLAGS not in files:
        return Unavailable("kept without the flags of its pages")
    kinds = bytearray(kinds_of(unpack(files[PAGE_FLAGS], PAGE_BYTES)))
    if trial.kind == "kill":
        entries = array("Q", unpack(files["pagemap"], 8))
        shared = array("Q", (entry for entry in entries if kinds[entry & NUMBER] == Kind.SHARED))
        mark_ending(kinds, (Mapping(entries, nameless=False), Mapping(shared, nameless=True)))
    pages = PageMap(kinds=bytes(kinds), zones=parse_spans(files["proc/zoneinfo"]))
    if trial.kind == "kill":
        return predict_kill_by_pages(pages, ledger, swapped_by(files, trial.children[trial.figure]))
    return predict_by_pages(cast("Act", trial.kind), pages, ledger, trial.figure * MIB, shares)


def unpack(packed: str, count: int) -> bytes:
    """Values of eight bytes, of which the mixer has kept the first ``count``, column by column."""
    columns = zlib.decompress(base64.b64decode(packed))
    size = len(columns) // count
    wide = bytearray(8 * size)
    for number in range(count):
        wide[number::8] = columns[number * size : (number + 1) * size]
    return bytes(wide)


def learn(trial: Trial, shares: Shares, before: Ledger, after: Ledger) -> Shares:
    """What a trial teaches for sure: what a compaction left, and what a drop of slab left."""
    if trial.kind == "compact":
        return replace(shares, left=loose_free(after), pieces=0)
    if trial.kind in ("drop-slab", "drop-all"):
        shares = note_slab(shares, before, after)
    return follow_left(shares, after)


def ledger_of(files: dict[str, str], mixture: Mixture) -> Ledger:
    """The ledger of copied files."""
    ledger = keep_ledger(sample_of(files, mixture))
    if isinstance(ledger, Unavailable):
        raise MachineFailed(f"the copied files make no ledger: {ledger.reason}")
    return ledger


def sample_of(files: dict[str, str], mixture: Mixture) -> Sample:
    """The sample of copied files."""

    def text(name: str) -> str:
        return files.get(name, "")

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in files:
            if name.startswith("sys/kernel/mm") or name == "proc/cmdline":
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(files[name])
        surroundings = Surroundings(huge_pages=read_huge_pages(root), init_on_alloc=read_init_on_alloc(root))
    return Sample(
        time=0.0,
        monotonic=0.0,
        identity=Identity(kernel=f"{mixture.kernel}.0", distro=NO, wsl_version=NO),
        meminfo=parse_meminfo(text("proc/meminfo")),
        free_blocks=parse_buddyinfo(text("proc/buddyinfo")),
        zones=parse_zoneinfo(text("proc/zoneinfo")),
        reporting=parse_order(text("sys/module/page_reporting/parameters/page_reporting_order")),
        counters=parse_vmstat(text("proc/vmstat")),
        dentries=parse_dentry_state(text("proc/sys/fs/dentry-state")),
        kernel_log=NO,
        host=NO,
        cpu=parse_stat(text("proc/stat")),
        own=OwnUse(cpu=None, resident=NO),
        surroundings=surroundings,
        census=census_of(files),
    )


def census_of(files: dict[str, str]) -> Census:
    """The processes with their proportional set sizes."""
    pids = sorted({name.split("/")[1] for name in files if name.endswith("/smaps_rollup")})
    processes = tuple(process_of(int(pid), files[f"proc/{pid}/smaps_rollup"]) for pid in pids)
    holders = Holders(
        processes=processes,
        families=(),
        groups=NO,
        elsewhere=NO,
        reason="",
        unread=0,
    )
    return Census(read_at=0.0, holders=holders)


def process_of(pid: int, text: str) -> ProcessUse:
    """A process from its smaps_rollup."""
    sizes = {name: int(size) * 1024 for name, size in FIELD.findall(text)}
    rss = sizes.get("Rss", 0)
    anonymous, shared = sizes.get("Pss_Anon", 0), sizes.get("Pss_Shmem", 0)
    pss = Pss(
        total=sizes.get("Pss", 0),
        anonymous=anonymous,
        file=sizes.get("Pss_File", 0),
        shared=shared,
        read_at=0.0,
        rss=rss,
        rss_anon=anonymous,
    )
    return ProcessUse(
        pid=pid,
        started=0,
        name="mixture",
        family="mixture",
        parent=1,
        state="S",
        rss=rss,
        shared=rss - anonymous,
        pss=pss,
        user_ticks=0,
        system_ticks=0,
        nice=0,
    )


def held_by(files: dict[str, str], pid: int) -> tuple[int, int]:
    """Anonymous and shared memory of a process, bytes."""
    sizes = {name: int(size) * 1024 for name, size in FIELD.findall(files.get(f"proc/{pid}/smaps_rollup", ""))}
    return sizes.get("Pss_Anon", 0), sizes.get("Pss_Shmem", 0)


def swapped_by(files: dict[str, str], pid: int) -> int:
    """What a process has in swap, bytes."""
    sizes = dict(FIELD.findall(files.get(f"proc/{pid}/smaps_rollup", "")))
    return int(sizes.get("Swap", 0)) * 1024


class Verdict(NamedTuple):
    """The score of a kind."""

    kind: str
    trials: int
    score: float
    baseline: float
    missed: int
    error: float
    """The likely figure's mean absolute error, MiB."""
    quantiles: tuple[float, float]

    @property
    def holds(self) -> bool:
        """Whether it is better than the baseline, and misses no more than 7 of 40."""
        return self.score < self.baseline and self.missed * ENOUGH <= 7 * self.trials


def report(judged: Sequence[Judged]) -> int:
    """Print every trial and the score by kind; the exit status."""
    for one in judged:
        low, likely, high = (size / MIB for size in (one.predicted.low, one.predicted.likely, one.predicted.high))
        print(
            f"{one.trial.seed}.{one.trial.number} {one.mixture.kernel:5}order {one.mixture.order} {one.trial.kind:11}"
            f"base {one.base / MIB:5.0f}, came {one.came / MIB:5.0f} of {low:5.0f} {likely:5.0f} {high:5.0f}"
            f" {'MISSED' if one.missed else ''}"
        )
    small = [one for one in judged if one.predicted.high < CLOSE]
    right = sum(not one.missed for one in small)
    verdicts = list(judge_kinds(judged))
    for verdict in verdicts:
        low, high = verdict.quantiles
        few = "" if verdict.trials >= ENOUGH else f" (fewer than {ENOUGH} trials)"
        print(
            f"{verdict.kind}: {verdict.trials} trials, score {verdict.score:.3f}, baseline {verdict.baseline:.3f} "
            f"({low:.2f} to {high:.2f}), {verdict.missed} missed, mean error {verdict.error:.0f} MiB: "
            f"{'holds' if verdict.holds else 'DOES NOT HOLD'}{few}"
        )
    print(f"predicted to be nothing: {len(small)}, right {right}")
    if not verdicts:
        return 0
    mean = statistics.geometric_mean(max(0.001, one.score / max(0.001, one.baseline)) for one in verdicts)
    print(f"geometric mean of score / baseline: {mean:.3f}")
    if any(verdict.trials < ENOUGH for verdict in verdicts):
        missed = sum(one.missed for one in judged)
        print(f"too few trials for a verdict: {missed} of {len(judged)} missed")
        return 1 if missed * 2 > len(judged) > 1 else 0
    return 0 if mean <= 0.8 and all(verdict.holds for verdict in verdicts) and right == len(small) else 1


def judge_kinds(judged: Sequence[Judged]) -> Iterator[Verdict]:
    """The verdict of each kind, on trials whose base is worth it and that were not predicted to be nothing."""
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        if one.base >= WORTH and one.predicted.high >= CLOSE:
            kinds[one.trial.kind].append(one)
    for kind, found in sorted(kinds.items()):
        low, high = BASELINE.get(kind) or quantiles([one.came / one.base for one in found])
        base = statistics.mean(interval_score(low * one.base, high * one.base, one.came, one.base) for one in found)
        yield Verdict(
            kind=kind,
            trials=len(found),
            score=statistics.mean(one.score for one in found),
            baseline=base,
            missed=sum(one.missed for one in found),
            error=statistics.mean(abs(one.predicted.likely - one.came) for one in found) / MIB,
            quantiles=(low, high),
        )


def quantiles(shares: list[float]) -> tuple[float, float]:
    """The 5 and 95 % quantiles."""
    if len(shares) < 2:
        return shares[0], shares[0]
    cuts = statistics.quantiles(shares, n=20, method="inclusive")
    return cuts[0], cuts[-1]


if __name__ == "__main__":
    sys.exit(calibrate(0, Path(sys.argv[1])))
