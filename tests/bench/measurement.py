"""What a benchmark measured, what it should have been, and whether it is."""

from __future__ import annotations

import statistics
from typing import Literal

from msgspec import Struct

Verdict = Literal["yes", "no", "?", ""]


class Limit(Struct, frozen=True, kw_only=True):
    """A target: a bound of the value, bounds of its ratio to peers, or both."""

    value: float | None = None
    ratios: dict[str, float] = {}


class Measurement(Struct, kw_only=True):
    """One figure of wsltop, and the same figure of peers in the same run."""

    what: str
    unit: str
    runs: list[float]
    peers: dict[str, list[float]] = {}
    """By name; without any run the peer is not installed."""
    target: Limit | None = None
    more_is_better: bool = False
    digits: int = 2

    @property
    def median(self) -> float:
        """The median of the runs."""
        return statistics.median(self.runs)

    def ratio(self, peer: str) -> float | None:
        """wsltop's median by that of a peer, or None without the peer."""
        runs = self.peers.get(peer)
        return self.median / statistics.median(runs) if runs else None

    @property
    def holds(self) -> Verdict:
        """Whether the target holds; ``?`` when that depends on a peer that is not there."""
        limit = self.target
        if limit is None:
            return ""
        verdicts: list[Verdict] = []
        if limit.value is not None:
            verdicts.append(self._within(self.median, limit.value))
        for peer, bound in limit.ratios.items():
            ratio = self.ratio(peer)
            verdicts.append("?" if ratio is None else self._within(ratio, bound))
        return "no" if "no" in verdicts else "?" if "?" in verdicts else "yes"

    def _within(self, value: float, bound: float) -> Verdict:
        return "yes" if (value >= bound if self.more_is_better else value <= bound) else "no"

    def tell(self, runs: list[float]) -> str:
        """``0.42 (0.40-0.44)``."""
        if not runs:
            return "not installed"
        middle = f"{statistics.median(runs):.{self.digits}f}"
        return middle if len(runs) == 1 else f"{middle} ({min(runs):.{self.digits}f}-{max(runs):.{self.digits}f})"

    def tell_target(self) -> str:
        """``<= 0.5, 1.0 x htop``."""
        limit = self.target
        if limit is None:
            return "-"
        sign = ">=" if self.more_is_better else "<="
        bounds = [] if limit.value is None else [f"{limit.value:g}"]
        bounds += [f"{bound:g} x {peer}" for peer, bound in limit.ratios.items()]
        return f"{sign} {', '.join(bounds)}"
