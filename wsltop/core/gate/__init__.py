"""The idle gate: WSL's own test of whether the VM is idle enough to give memory back, recomputed.

Pure: no I/O and no clock. Imports the standard library, msgspec and ``wsltop.core``.
"""

from wsltop.core.gate.blockers import Blocker, Blockers, ProcessCpu, blockers
from wsltop.core.gate.choice import (
    algorithms_for,
    dropped_by_counters,
    dropped_by_init,
    effective_mode,
)
from wsltop.core.gate.intent import Memory, describe, gradual_request
from wsltop.core.gate.rules import A, Algorithm, B, C, D
from wsltop.core.gate.simulation import Action, simulate
from wsltop.core.gate.state import Bounds, Certainty, CompactionState, GateState, Verdict, WindowState
from wsltop.core.gate.watch import Firing, Gate

__all__ = [
    "A",
    "Action",
    "Algorithm",
    "B",
    "Blocker",
    "Blockers",
    "Bounds",
    "C",
    "Certainty",
    "CompactionState",
    "D",
    "Firing",
    "Gate",
    "GateState",
    "Memory",
    "ProcessCpu",
    "Verdict",
    "WindowState",
    "algorithms_for",
    "blockers",
    "describe",
    "dropped_by_counters",
    "dropped_by_init",
    "effective_mode",
    "gradual_request",
    "simulate",
]
