"""Figures that several rules look at, worked out from the evidence; ``None`` where they cannot be known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.event import Event, EventKind
from wsltop.core.gate import GateState
from wsltop.core.ledger import Ledger
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import HostMemory
from wsltop.core.text import clean
from wsltop.core.units import GIB
from wsltop.core.wslconfig.reclaim import Mode

T = TypeVar("T")

BIG: Final = GIB
"""Page cache below this is what any Linux keeps: nobody misses it on Windows, and reading it again takes time."""
HEAVY_SHARE: Final = 4
"""A quarter of the guest's RAM in cache is what people notice in Task Manager."""
TIGHT, EASY = 0.25, 0.5
"""Share of Windows' RAM that is available: below the first it matters who holds the rest, above the second it does
not."""


def known(reading: Reading[T]) -> T | None:
    """Return the value, or ``None`` where there is none."""
    return None if isinstance(reading, Unavailable) else reading


def ledger_of(evidence: Evidence) -> Ledger | None:
    """Return the ledger of a guest that has RAM."""
    ledger = known(evidence.moment.ledger)
    return ledger if ledger is not None and ledger.total > 0 else None


def host_of(evidence: Evidence) -> HostMemory | None:
    """Return what the host says now."""
    return known(evidence.moment.host)


def host_name(evidence: Evidence) -> str:
    """Return how to call the host."""
    return "Windows" if evidence.on_wsl else "the host"


def gates_of(evidence: Evidence) -> tuple[GateState, ...]:
    """Return the gates that may apply; none when that is not known."""
    return known(evidence.gates) or ()


def sure_mode(evidence: Evidence) -> Mode | None:
    """Return the mode of reclaim, when it is not just assumed."""
    reclaim = known(evidence.reclaim)
    return None if reclaim is None or reclaim.certainty == "assumed" else reclaim.mode


def only_old_rule(evidence: Evidence) -> bool:
    """Tell whether this WSL certainly has the rule of up to 2.9.4, which counts un-niced user time alone."""
    gates = gates_of(evidence)
    return bool(gates) and not any(gate.algorithm.rolling for gate in gates)


def only_new_rule(evidence: Evidence) -> bool:
    """Tell whether this WSL certainly has the rule that came after 2.9.4."""
    gates = gates_of(evidence)
    return bool(gates) and all(gate.algorithm.rolling for gate in gates)


def host_room(evidence: Evidence) -> float | None:
    """Return the share of the host's RAM that is available to its programs, 0 to 1."""
    host = host_of(evidence)
    if host is None or isinstance(host.total, Unavailable) or isinstance(host.available, Unavailable):
        return None
    return host.available / host.total if host.total > 0 else None


def matters(evidence: Evidence, ledger: Ledger) -> bool:
    """Tell whether the cache that is kept deserves a warning: much of the guest, or missed by Windows."""
    room = host_room(evidence)
    if room is not None and room >= EASY:
        return False
    return (room is not None and room < TIGHT) or ledger.cache_clean >= ledger.total // HEAVY_SHARE


def recent(evidence: Evidence, kind: EventKind, seconds: float) -> Iterator[Event]:
    """Yield the events of a kind that ended at most so many seconds ago, oldest first."""
    since = evidence.moment.sample.monotonic - seconds
    return (event for event in evidence.events if event.kind == kind and event.end >= since)


def short(text: str, limit: int = 40) -> str:
    """Return text from outside, made safe and cut to fit into a sentence."""
    text = clean(text).strip()
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def clause(text: str) -> str:
    """Return a clause without the stop at its end, so that it can be put into a sentence."""
    return text.rstrip(" .")
