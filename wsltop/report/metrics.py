"""The figures of a session as metrics for Prometheus: names, types and labels that stay.

Sizes are bytes, times are seconds, shares are ratios from 0 to 1. A value that is not known is a missing series, never
0. No label holds a name that a user chose: no pid, user, host, distribution's own name or process outside the table
of families. The number of series stays at or below ``MOST_SERIES`` whatever happens on the machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from wsltop import __version__
from wsltop.core.diagnosis.finding import SEVERITIES, Finding
from wsltop.core.holders import COMMS, MARKS
from wsltop.core.ledger import BUCKETS, Ledger
from wsltop.core.moment import Moment, host_age
from wsltop.core.prediction import predict_compaction, predict_drop
from wsltop.core.session import Session
from wsltop.model.sample import Event, EventKind, Family, HostMemory, Identity, Reading, Unavailable
from wsltop.model.text import clean

MOST_SERIES: Final = 60
MOST_FINDINGS: Final = 6
MOST_FAMILIES: Final = 8
FAMILY_NAMES: Final = frozenset(name for name, _ in (*MARKS, *COMMS))
"""Families of the fixed table; every other one is named after a process, and so counts as ``other``."""
EVENTS: Final[tuple[EventKind, ...]] = (
    "compaction",
    "cache drop",
    "direct reclaim",
    "proactive reclaim",
    "swap",
    "stall",
    "oom kill",
    "balloon",
    "return",
)
"""The kinds of events that are counted."""
OS_RELEASE: Final = re.compile(r"^(ID|VERSION_ID)=[\"']?([\w.+-]{1,40})[\"']?$", re.MULTILINE | re.ASCII)
Kind: TypeAlias = Literal["gauge", "counter", "info"]
Samples: TypeAlias = Iterable[tuple[Mapping[str, str], float]]


class Metric(NamedTuple):
    """All series of one name; the name of a counter and an info is without ``_total`` and ``_info``."""

    name: str
    kind: Kind
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


class Counts:
    """What only grows: events by their kind, and samples whose guest could not be read."""

    def __init__(self) -> None:
        self.events: dict[EventKind, int] = dict.fromkeys(EVENTS, 0)
        self.failures = 0
        self._since: float | None = None
        self._seen: set[tuple[str, str, float]] = set()

    def feed(self, session: Session) -> None:
        """Count what the newest sample brought; what happened before the first one is not counted."""
        moment = session.moment
        if moment is None:
            return
        self.failures += isinstance(moment.ledger, Unavailable)
        if self._since is None:
            self._since = moment.sample.monotonic
        events = session.journal.events()
        new = {key_of(event) for event in events if event.start >= self._since}
        for _, kind, _ in new - self._seen:
            if kind in self.events:
                self.events[kind] += 1
        # What has left the log cannot come back: its place is before all that is in it.
        self._seen = new


def key_of(event: Event) -> tuple[str, str, float]:
    """What stays the same of an event while it goes on."""
    return (event.origin, event.kind, event.start)


def metrics(session: Session, counts: Counts, os_release: str) -> tuple[Metric, ...]:
    """Everything that is known of the newest moment; empty before the first sample.

    Args:
        session: samples were taken in, none only followed.
        counts: fed with each of them.
        os_release: the text of ``/etc/os-release``.
    """
    moment = session.moment
    if moment is None:
        return ()
    found = [
        *guest_metrics(moment.ledger),
        *host_metrics(moment),
        *return_metrics(session, moment),
        *gate_metrics(session),
        gauge("wsl_sample_timestamp_seconds", "When the newest sample was taken, Unix time.", moment.sample.time),
        Metric(
            "wsl_events",
            "counter",
            "Events about memory since wsltop began, by kind.",
            tuple(({"kind": kind.replace(" ", "_")}, float(count)) for kind, count in counts.events.items()),
        ),
        Metric("wsl_sampling_errors", "counter", "Samples in which the guest could not be read.", one(counts.failures)),
        Metric("wsl", "info", "What this guest is.", ((identity_labels(moment.sample.identity, os_release), 1.0),)),
        Metric("wsltop_build", "info", "The wsltop that says this.", (({"version": __version__}, 1.0),)),
        *own_metrics(moment),
        findings_metric(session.findings),
    ]
    room = MOST_SERIES - sum(len(metric.samples) for metric in found)
    census = moment.sample.census
    if not isinstance(census, Unavailable):
        found.append(families_metric(census.holders.families, min(MOST_FAMILIES, room)))
    return tuple(metric for metric in found if metric.samples)


def gauge(name: str, text: str, value: float | None) -> Metric:
    """A gauge without labels; without a series where there is no value."""
    return Metric(name, "gauge", text, () if value is None else one(value))


def one(value: float) -> tuple[tuple[Mapping[str, str], float], ...]:
    """The samples of a metric without labels."""
    return (({}, float(value)),)


def size(reading: Reading[int]) -> float | None:
    """A value, or ``None``."""
    return None if isinstance(reading, Unavailable) else float(reading)


def guest_metrics(ledger: Reading[Ledger]) -> Iterator[Metric]:
    """Yield the guest's memory: parts that sum to its size, and what the host should hold for it."""
    if isinstance(ledger, Unavailable):
        return
    parts = [({"part": name}, float(getattr(ledger, name))) for name in BUCKETS]
    split = ledger.free_split
    if not isinstance(split, Unavailable):
        parts += [({"part": "fragmented_free"}, split.fragmented), ({"part": "reportable_free"}, split.reportable)]
    yield Metric("wsl_guest_memory_bytes", "gauge", "Memory of the guest in parts that sum to its size.", tuple(parts))
    yield gauge("wsl_guest_memory_size_bytes", "Memory of the guest, MemTotal.", ledger.total)
    yield gauge("wsl_guest_memory_used_bytes", "MemTotal less MemAvailable.", ledger.used)
    yield gauge("wsl_guest_memory_available_bytes", "MemAvailable.", ledger.available)
    yield gauge("wsl_guest_swap_size_bytes", "Swap of the guest.", ledger.swap_total)
    yield gauge("wsl_guest_swap_free_bytes", "Free swap of the guest.", size(ledger.swap_free))
    expected = size(ledger.expected_host)
    yield gauge("wsl_guest_expected_host_bytes", "What the host should hold for the guest's memory.", expected)


def host_metrics(moment: Moment) -> Iterator[Metric]:
    """Yield what Windows said, and how old it is."""
    host = moment.host
    up = not isinstance(host, Unavailable)
    yield gauge("wsl_host_up", "Whether the host's figures are known and fresh.", float(up))
    yield gauge("wsl_host_answer_age_seconds", "Age of the host's newest answer.", host_age(moment.sample))
    if isinstance(host, Unavailable):
        return
    labels = {"process": process_label(host)}
    text = "Working set of the VM's process in Windows."
    yield Metric("wsl_host_working_set_bytes", "gauge", text, ((labels, float(host.working_set)),))
    yield gauge("wsl_host_memory_size_bytes", "Memory of Windows.", size(host.total))
    yield gauge("wsl_host_memory_available_bytes", "Available memory of Windows.", size(host.available))


def process_label(host: HostMemory) -> str:
    """``vmmemWSL``, ``vmmem`` or ``other``: of another process the user chose the name."""
    return host.process if host.process in ("vmmemWSL", "vmmem") else "other"


def return_metrics(session: Session, moment: Moment) -> Iterator[Metric]:
    """Yield what is on its way back, what does not add up, and what each action would give back."""
    lent, draining, ledger = moment.lent, moment.draining, moment.ledger
    residue = None
    if not isinstance(lent, Unavailable) and lent.measured:
        residue = float(lent["vm-itself"] + lent["trimmed"] + lent["not-known"])
    text = "Working set beyond what the guest explains; negative: Windows trimmed or compressed it."
    yield gauge("wsl_residue_bytes", text, residue)
    on_its_way = None if isinstance(draining, Unavailable) else float(draining.size)
    yield gauge("wsl_draining_bytes", "Freed memory that the guest has not reported to the host yet.", on_its_way)
    if isinstance(ledger, Unavailable):
        return
    shares = session.outcomes.shares
    predicted = {
        "compact": predict_compaction(ledger, shares),
        "drop-cache": predict_drop(ledger, shares),
        "drop-all": predict_drop(ledger, shares, slab=True),
    }
    samples = tuple(
        ({"action": action}, float(prediction.likely))
        for action, prediction in predicted.items()
        if not isinstance(prediction, Unavailable)
    )
    yield Metric("wsl_reclaimable_bytes", "gauge", "What an action would probably give back to the host.", samples)


def gate_metrics(session: Session) -> Iterator[Metric]:
    """Yield the idle gate of the first rule that may apply: CPU use over its windows, the limit, open or shut."""
    gates = session.insight.gates
    if not gates or gates[0].verdict == "off":
        return
    gate = gates[0]
    busy = tuple(({"window": one.name}, one.busy) for one in gate.windows if one.busy is not None)
    limits = tuple(({"window": one.name}, one.limit) for one in gate.windows)
    yield Metric(
        "wsl_idle_gate_busy_ratio", "gauge", "Share of all CPUs in use over a window of WSL's idle rule.", busy
    )
    yield Metric("wsl_idle_gate_limit_ratio", "gauge", "Share below which WSL takes the guest for idle.", limits)
    verdicts = {one.verdict for one in gates}
    known = float(verdicts == {"open"}) if verdicts <= {"open", "shut"} and len(verdicts) == 1 else None
    yield gauge("wsl_idle_gate_open", "Whether the guest is idle enough for WSL to give memory back.", known)


def own_metrics(moment: Moment) -> Iterator[Metric]:
    """Yield what wsltop itself costs, under the names that every exporter uses."""
    times = os.times()
    spent = times.user + times.system + times.children_user + times.children_system
    yield Metric("process_cpu_seconds", "counter", "CPU time of wsltop and its helpers, in seconds.", one(spent))
    yield gauge("process_resident_memory_bytes", "Resident memory of wsltop.", size(moment.sample.own.resident))


def findings_metric(findings: Iterable[Finding]) -> Metric:
    """The findings that hold, worst first; one that does not hold has no series."""
    worst = sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))[:MOST_FINDINGS]
    samples = tuple(({"id": finding.id, "severity": finding.severity}, 1.0) for finding in worst)
    return Metric("wsl_finding_active", "gauge", "Findings that hold, see wsltop doctor --list.", samples)


def families_metric(families: Iterable[Family], most: int) -> Metric:
    """Memory of the biggest families of the fixed table, and of all others together."""
    sizes: dict[str, int] = {}
    for family in families:
        name = "wsltop" if family.own else family.name if family.name in FAMILY_NAMES else "other"
        sizes[name] = sizes.get(name, 0) + family.held
    other = sizes.pop("other", 0)
    ranked = sorted(sizes.items(), key=lambda item: -item[1])
    named, rest = ranked[: max(0, most - 1)], ranked[max(0, most - 1) :]
    other += sum(held for _, held in rest)
    samples = [({"family": name}, float(held)) for name, held in named]
    if most > 0 and other:
        samples.append(({"family": "other"}, float(other)))
    text = "Memory that families of processes hold; processes of other distributions cannot be seen."
    return Metric("wsl_family_memory_bytes", "gauge", text, tuple(samples))


def identity_labels(identity: Identity, os_release: str) -> dict[str, str]:
    """The version of WSL and of the kernel, and what the distribution is; what is not known is an empty label."""
    words = dict(OS_RELEASE.findall(os_release))
    return {
        "version": label(identity.wsl_version),
        "kernel": label(identity.kernel),
        "distro": " ".join(words[name] for name in ("ID", "VERSION_ID") if name in words),
    }


def label(reading: Reading[str]) -> str:
    """A text, or the empty label, which is none."""
    return "" if isinstance(reading, Unavailable) else clean(reading)
