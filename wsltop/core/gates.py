"""The idle gates of a session: one for each rule that this WSL may follow, fed with every sample."""

from __future__ import annotations

from typing import Literal

from wsltop.core.gate import (
    Algorithm,
    Certainty,
    Gate,
    GateState,
    algorithms_for,
    dropped_by_init,
)
from wsltop.core.reading import Unavailable
from wsltop.core.sample import Sample
from wsltop.core.wslconfig.reclaim import Mode


class Gates:
    """Follows the rules that are possible; which ones those are can change when the version or a drop is seen."""

    def __init__(self) -> None:
        self._gates: tuple[Gate, ...] = ()
        self._observed: Literal[1, 3] | None = None
        self._drops: list[float] = []
        """When WSL's init was seen dropping caches, monotonic: a gate that is chosen later learns its phase from it."""

    def feed(self, sample: Sample, mode: Mode, certainty: Certainty) -> tuple[GateState, ...]:
        """Take a sample in; the state of each possible gate, none where CPU times cannot be read."""
        self.follow(sample, mode, certainty)
        return tuple(gate.state() for gate in self.told(sample))

    def told(self, sample: Sample) -> tuple[Gate, ...]:
        """The gates of which a sample tells: none where CPU times cannot be read."""
        return () if isinstance(sample.cpu, Unavailable) else self._gates

    def follow(self, sample: Sample, mode: Mode, certainty: Certainty) -> None:
        """Take a sample in without asking for the states."""
        drops = self._see_drops(sample)
        self._choose(sample, mode, certainty)
        self._drops = (self._drops + drops)[-16:]  # after the choice: a new gate is told of them below, and once
        for gate in self._gates:
            if not isinstance(sample.cpu, Unavailable):
                gate.feed(sample.monotonic, sample.cpu)
            for moment in drops:
                gate.observed(moment)

    def _see_drops(self, sample: Sample) -> list[float]:
        """The times of this sample's drops by init, from the kernel's own lines."""
        if isinstance(sample.kernel_log, Unavailable):
            return []
        seen: list[float] = []
        for record in sample.kernel_log.records:
            written = dropped_by_init(record.text) if record.facility == 0 else None
            if written is not None:
                self._observed = written
                seen.append(record.monotonic)
        return seen

    def _choose(self, sample: Sample, mode: Mode, certainty: Certainty) -> None:
        """Keep the gates whose rule and mode still hold; start the others with what has been watched already."""
        wanted = algorithms_for(sample.identity.wsl_version, self._observed)
        current = [(gate.algorithm, gate.mode, gate.certainty) for gate in self._gates]
        if current == [(algorithm, mode, certainty) for algorithm in wanted]:
            return
        self._gates = tuple(self._continue(algorithm, mode, certainty) for algorithm in wanted)

    def _continue(self, algorithm: Algorithm, mode: Mode, certainty: Certainty) -> Gate:
        history = next((gate.history for gate in self._gates if gate.algorithm.metric == algorithm.metric), None)
        gate = Gate(algorithm, mode, certainty, history)
        for moment in self._drops:
            gate.observed(moment)
        return gate
