"""What samples mean: a single one (Moment), and one after another (Tracker)."""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct

from wsltop.core.gate.rules import FALLS_BACK, effective_mode
from wsltop.core.gate.watch import Blockers, Certainty, Gates, GateState, blockers
from wsltop.core.history import Point
from wsltop.core.holders import (
    FamilyGrowth,
    FamilySizes,
    ProcessSizes,
    measure_growth,
    note_families,
    note_processes,
)
from wsltop.core.ledger import BUCKETS, Draining, FreeSplit, Ledger, Lent, explain_lent, keep_ledger
from wsltop.core.wslconfig.effective import (
    Comparison,
    Machine,
    Observed,
    ReclaimMode,
    Suggestion,
    compare,
    effective,
    in_force,
    reclaim_mode,
    suggest_memory,
    vm_memory,
)
from wsltop.core.wslconfig.grammar import parse
from wsltop.core.wslconfig.lint import ConfigFinding, as_wsl_reads, lint, lint_file
from wsltop.model.sample import (
    Census,
    HostMemory,
    Reading,
    Sample,
    SeveralVms,
    Unavailable,
    VmProcess,
    WslconfigFile,
    known,
)
from wsltop.model.text import MIB

HOST_FRESH = 12.0
"""A host reading older than this is no longer the present (the slowest source answers every five seconds)."""
NOT_FOLLOWED = Unavailable("one sample alone does not tell")


class Moment(Struct, frozen=True, kw_only=True):
    """One sample and what it means: all that a still picture of the screen is made of."""

    sample: Sample
    ledger: Reading[Ledger]
    host: Reading[HostMemory]
    """The sample's host reading, unless it is too old to be the present."""
    draining: Reading[Draining] = NOT_FOLLOWED
    """Free memory that is on its way to the host."""

    @property
    def lent(self) -> Reading[Lent]:
        """What Windows lends, in parts; where Windows cannot be read, what it is expected to lend.

        Unavailable where the guest's part of it is unknown. Worked out at each call: few ticks ask for it.
        """
        if isinstance(self.ledger, Unavailable):
            return self.ledger
        arc = known(self.sample.surroundings.zfs_arc) or 0
        return explain_lent(self.ledger, self.host, self.draining, arc=arc)


def host_age(sample: Sample) -> float | None:
    """Seconds since the host reading arrived, or None when there is none."""
    return None if isinstance(sample.host, Unavailable) else max(0.0, sample.monotonic - sample.host.read_at)


def vms_of(host: Reading[HostMemory]) -> Reading[tuple[VmProcess, ...]]:
    """The virtual machines that Windows runs, also where it cannot be told which one this is."""
    if isinstance(host, SeveralVms):
        return host.vms
    return host if isinstance(host, Unavailable) else host.vms


def fresh_host(sample: Sample, interval: float) -> Reading[HostMemory]:
    """The host reading, unless it is too old to compare with the guest's figures."""
    age = host_age(sample)
    if age is not None and age > max(HOST_FRESH, 3 * interval):
        return Unavailable(f"the last answer of the host is {age:.0f} s old", "")
    return sample.host


def interpret(sample: Sample, interval: float) -> Moment:
    """Work out what a sample means."""
    return Moment(sample=sample, ledger=keep_ledger(sample), host=fresh_host(sample, interval))


def chart_point(moment: Moment) -> Point | None:
    """The moment's figures for the timeline; an old host reading is a gap, not a value."""
    ledger, host = moment.ledger, moment.host
    if isinstance(ledger, Unavailable):
        return None
    return Point(
        monotonic=moment.sample.monotonic,
        used=ledger.used,
        cache=max(0, ledger.total - ledger.free - ledger.used),  # what is neither used nor free: both end at one line
        host=None if isinstance(host, Unavailable) else host.working_set,
        expected=known(ledger.expected_host),
    )


SEEN: Final = 8 * MIB
"""The step of the timeline: a figure that has moved by less looks the same."""
LAST_DIGIT: Final = 0.01
"""The share of a figure that it must change by. Its last written digit is 1 to 10 % of it where there are two digits,
0.1 to 1 % where there are three: so the last of three may lag for a few seconds."""
LEDGER_SIZES: Final = ("used", "free", *BUCKETS, "cache_dirty", "cache_held", "expected_host", "swap_free")
SPLIT_SIZES: Final = ("fragmented", "reportable")
HOST_SIZES: Final = ("working_set", "available", "total")


def has_moved(before: Moment, after: Moment) -> bool:
    """Whether a figure of memory has moved to the eye: by the larger of ``SEEN`` and its part ``LAST_DIGIT``.

    Windows' figures change by tens of MiB at every second of a quiet PC; a figure that has become known, or is no
    longer known, has moved.
    """
    for old, new, names in (
        (before.ledger, after.ledger, LEDGER_SIZES),
        (split_of(before), split_of(after), SPLIT_SIZES),
        (before.host, after.host, HOST_SIZES),
    ):
        if type(old) is not type(new):
            return True
        if isinstance(old, Unavailable):
            continue  # both are not known
        for name in names:
            size, now = getattr(old, name), getattr(new, name)
            if isinstance(size, int) and isinstance(now, int):
                if abs(now - size) >= max(SEEN, size * LAST_DIGIT):
                    return True
            elif type(size) is not type(now):
                return True
    return False


def split_of(moment: Moment) -> Reading[FreeSplit]:
    """Free memory in two, or why it is not known."""
    return moment.ledger if isinstance(moment.ledger, Unavailable) else moment.ledger.free_split


NOT_YET: Final = Unavailable("not watched for long enough")
SIZES_EVERY: Final = 30.0
"""Seconds between two notes of what the families hold."""
SIZES_KEPT: Final = 120
"""An hour of notes."""
PROCESSES_EVERY: Final = 9.0
"""Seconds between two notes of what the biggest processes hold: each full counting, which comes every 10 s."""
PROCESSES_KEPT: Final = 90
"""A quarter of an hour of notes."""
CERTAINTIES: Final[dict[str, Certainty]] = {"configured": "configured", "default": "default", "assumed": "unknown"}


class ConfigView(Struct, frozen=True, kw_only=True, tag="config"):
    """What ``.wslconfig`` says, and what is wrong with it."""

    reclaim: ReclaimMode
    findings: tuple[ConfigFinding, ...]
    memory: int | None = None
    """Bytes that WSL gives a VM by this file, or by default; None where that is not known."""


class Insight(Struct, frozen=True, kw_only=True):
    """What is known at a sample."""

    gates: tuple[GateState, ...] = ()
    """One for each rule that may apply; none where this is not WSL."""
    blockers: Reading[Blockers] = NOT_YET
    growth: Reading[tuple[FamilyGrowth, ...]] = NOT_YET
    config: Reading[ConfigView] = NOT_YET
    suggestion: Reading[Suggestion] = NOT_YET
    processes: tuple[ProcessSizes, ...] = ()
    """What the biggest processes held in the last quarter of an hour, the oldest first."""


class Tracker:
    """Follows the samples and keeps the insight of the newest."""

    def __init__(self) -> None:
        self._gates = Gates()
        self._sizes: deque[FamilySizes] = deque(maxlen=SIZES_KEPT)
        self._processes: tuple[ProcessSizes, ...] = ()
        self._census: Reading[Census] | None = None
        self._blockers: Reading[Blockers] = NOT_YET
        self._growth: Reading[tuple[FamilyGrowth, ...]] = NOT_YET
        self._read_with: tuple[Reading[WslconfigFile], Reading[str], Machine] | None = None
        self._config: Reading[ConfigView] = NOT_YET
        self._peak = Observed(peak_used=0)
        self._fell_back = False
        """Whether WSL's init has said that gradual runs as dropCache."""
        self._started: float | None = None

    def feed(self, sample: Sample, ledger: Reading[Ledger]) -> Insight:
        """Take the next sample; what is known then."""
        self.follow(sample, ledger)
        watched = sample.surroundings.flavor == "wsl2"
        return Insight(
            gates=tuple(gate.state() for gate in self._gates.readable(sample)) if watched else (),
            blockers=self._blockers,
            growth=self._growth,
            config=self._config,
            suggestion=self._suggest(sample, ledger),
            processes=self._processes,
        )

    def follow(self, sample: Sample, ledger: Reading[Ledger]) -> None:
        """Take the next sample without saying what is known: what later ones build on is kept."""
        # The version and Windows' RAM become known after the file: then it is checked again.
        read_with = (sample.surroundings.wslconfig, sample.identity.wsl_version, machine_of(sample))
        if read_with != self._read_with:
            self._read_with = read_with
            self._config = read_config(sample)
        mode = reclaim_of(sample, self._config)
        if sample.surroundings.flavor == "wsl2":
            log = known(sample.kernel_log)
            self._fell_back = self._fell_back or any(FALLS_BACK.match(one.text) for one in (log.records if log else ()))
            file = False if self._fell_back else known(sample.surroundings.reclaim_file)
            running = effective_mode(mode.mode, file)
            self._gates.follow(sample, running, CERTAINTIES[mode.certainty])
        self._follow_census(sample, ledger)
        self._note_peak(sample, ledger)

    def _follow_census(self, sample: Sample, ledger: Reading[Ledger]) -> None:
        census = sample.census
        if census is self._census or isinstance(census, Unavailable):
            return
        self._census = census
        gates = self._gates.readable(sample) if sample.surroundings.flavor == "wsl2" else ()
        if gates and census.since is not None and census.until is not None:
            found = blockers(gates[0].rule, census.since, census.until, census.busy)
            self._blockers = found if found is not None else NOT_YET
        noted = self._processes
        if not noted or census.read_at - noted[-1].monotonic >= PROCESSES_EVERY:
            note = note_processes(census.read_at, census.holders.processes)
            self._processes = (*noted[1 - PROCESSES_KEPT :], note)
        if census.holders.unread:
            return
        if not self._sizes or census.read_at - self._sizes[-1].monotonic >= SIZES_EVERY:
            self._sizes.append(note_families(census.read_at, census.holders.families))
            available = None if isinstance(ledger, Unavailable) else ledger.available
            self._growth = measure_growth(tuple(self._sizes), available) or NOT_YET

    def _note_peak(self, sample: Sample, ledger: Reading[Ledger]) -> None:
        if isinstance(ledger, Unavailable) or isinstance(sample.meminfo, Unavailable):
            return
        if self._started is None:
            self._started = sample.monotonic
        self._peak = Observed(
            peak_used=max(self._peak.peak_used, ledger.used),
            active_cache=max(self._peak.active_cache, sample.meminfo.active_file),
            swap_used=max(self._peak.swap_used, known(ledger.swap_used) or 0),
            seconds=sample.monotonic - self._started,
        )

    def _suggest(self, sample: Sample, ledger: Reading[Ledger]) -> Reading[Suggestion]:
        """What ``memory=`` would have done for what was seen so far."""
        if isinstance(ledger, Unavailable) or isinstance(sample.meminfo, Unavailable):
            return NOT_YET
        suggestion = suggest_memory(self._peak, ledger.total, windows_total(sample))
        config = known(self._config)
        if config is not None and suggestion.size == config.memory:
            return Unavailable(f"{suggestion.line} would do for what was seen, and the VM gets that already")
        return suggestion


def reclaim_of(sample: Sample, config: Reading[ConfigView]) -> ReclaimMode:
    """The mode of reclaim, assumed where the settings are unknown."""
    if isinstance(config, Unavailable):
        return reclaim_mode(config, sample.identity.wsl_version)
    return config.reclaim


def read_config(sample: Sample) -> Reading[ConfigView]:
    """Read the settings of the sample's surroundings against the VM as it runs."""
    file = sample.surroundings.wslconfig
    if isinstance(file, Unavailable):
        return file
    version = sample.identity.wsl_version
    machine = machine_of(sample)
    config = as_wsl_reads(file)
    findings = (
        *lint_file(file),
        *lint(parse(file.text), wsl_version=version, windows_total=machine.windows_total),
        *effective(config, machine, file.mtime),
    )
    mode = reclaim_mode(config, version, in_force=in_force(file.mtime, machine.boot_time))
    return ConfigView(reclaim=mode, findings=findings, memory=vm_memory(config, machine.windows_total))


def compare_config(sample: Sample) -> tuple[Comparison, ...]:
    """What the settings ask for and what the VM has, setting by setting; empty where they cannot be read."""
    file = sample.surroundings.wslconfig
    return () if isinstance(file, Unavailable) else compare(as_wsl_reads(file), machine_of(sample))


def machine_of(sample: Sample) -> Machine:
    """The VM as it runs, in the terms of ``.wslconfig``."""
    meminfo, cpu = sample.meminfo, sample.cpu
    boot: Reading[float] = Unavailable("the boot time is unknown")
    if not isinstance(cpu, Unavailable) and cpu.boot_time is not None:
        boot = float(cpu.boot_time)
        began = known(sample.surroundings.init_began)
        # btime is the wall clock less the uptime, and the guest's uptime stands still while the PC sleeps.
        boot = boot if began is None else min(boot, began)
    return Machine(
        mem_total=meminfo if isinstance(meminfo, Unavailable) else meminfo.total,
        swap_total=meminfo if isinstance(meminfo, Unavailable) else meminfo.swap_total,
        cpus=cpu if isinstance(cpu, Unavailable) else cpu.cpus,
        cmdline=sample.surroundings.cmdline,
        boot_time=boot,
        windows_total=windows_total(sample),
        wsl_version=sample.identity.wsl_version,
    )


def windows_total(sample: Sample) -> Reading[int]:
    """RAM of Windows; that of a plain Linux host says nothing about ``.wslconfig``."""
    host = sample.host
    if isinstance(host, Unavailable) or not host.is_windows:
        return Unavailable("Windows was not asked")
    return host.total
