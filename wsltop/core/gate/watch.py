"""The live gate: WSL's idle rule on sliding windows, at whatever interval the samples come.

WSL looks at fixed ticks whose phase is unknown from inside, so the rule is applied as if WSL looked now; at the
moment of a real look the sliding windows and WSL's own are the same. Pure: times come with the samples. Imports
``core``.
"""

from __future__ import annotations

from typing import Final, Literal

from wsltop.core.cpu import CpuTimes
from wsltop.core.gate.intent import describe
from wsltop.core.gate.phase import Phase
from wsltop.core.gate.rules import Algorithm, WindowRule, compaction_due, probe_quiet, split
from wsltop.core.gate.state import Bounds, Certainty, CompactionState, GateState, Verdict, WindowState
from wsltop.core.gate.ticks import TickHistory
from wsltop.core.units import format_duration
from wsltop.core.wslconfig.reclaim import Mode

KEEP: Final = 660.0
"""Seconds of history: the longest window and two periods."""
PROBE: Final = 1.0
"""Seconds between a look of A-C and the end of its compaction probe."""

Firing = Literal["drop", "reclaim", "compaction"]
"""What WSL was seen doing."""


class Gate:
    """Judges one algorithm in one mode; feed it every sample and every action of WSL that was observed."""

    def __init__(
        self,
        algorithm: Algorithm,
        mode: Mode = "dropCache",
        certainty: Certainty = "unknown",
        history: TickHistory | None = None,
    ) -> None:
        """``history`` is that of a gate with the same metric, to change the mode without starting over."""
        self.algorithm = algorithm
        self.mode = mode
        self.certainty = certainty
        self.history = TickHistory(KEEP) if history is None else history
        self._rules = algorithm.windows(mode)
        self._windows: tuple[WindowState, ...] = ()
        self._verdict: Verdict = "off" if not self._rules else "unknown"
        self._phase = Phase(algorithm)
        self._cpus = 1
        self._fired = 0
        self._last_fired: float | None = None
        self._last_compaction: float | None = None
        self._spent: bool | None = None
        self._open_since: float | None = None
        self._busy_since: float | None = None
        if self.history.clock is not None:
            self._cpus = max(1, round(self.history.capacity / 100))
            self._judge()

    def feed(self, monotonic: float, cpu: CpuTimes) -> None:
        """Take one sample; ``monotonic`` is CLOCK_MONOTONIC in seconds, which on Linux counts from boot."""
        busy, total = split(self.algorithm.metric, cpu)
        self._cpus = max(cpu.cpus, 1)
        again = self.history.clock is not None
        link = self.history.add(monotonic, busy, total, self._cpus)
        if link == "first" and again:
            # Time went back: a recording was wound back, or another VM follows. Nothing seen so far holds.
            self._phase.forget()
            self._fired, self._last_fired, self._last_compaction, self._spent = 0, None, None, None
        if link == "resumed":
            self._phase.forget()
        if link in ("first", "resumed", "broken"):
            self._open_since = self._busy_since = None
        self._judge()
        self._follow(monotonic)

    def observed(self, monotonic: float, kind: Firing = "drop", uncertainty: float = 0.0) -> None:
        """Take an action of WSL's init that was seen, such as its line in the kernel log.

        ``uncertainty``: seconds by which the moment may be off, for actions that only show between two samples. Actions
        from before the first sample are welcome: they give the phase, though not whether the rule was re-armed since.
        """
        self._fired += 1
        self._last_fired = max(monotonic, self._last_fired or 0.0)
        probed = kind == "compaction" and not self.algorithm.rolling
        self._phase.learn(monotonic - (PROBE if probed else 0.0), uncertainty)
        if kind == "compaction":
            self._last_compaction = monotonic
        if kind == "drop" and self.mode == "dropCache":
            clock = self.history.clock
            self._spent = True if clock is not None and clock - monotonic < self.algorithm.period else None
            self._busy_since = None

    def state(self) -> GateState:
        """The gate at the last sample."""
        now = self.history.clock or 0.0
        off = not self._rules
        looks = not (off and self.algorithm.rolling)
        open_for = None if self._open_since is None else now - self._open_since
        return GateState(
            algorithm=self.algorithm,
            mode=self.mode,
            certainty=self.certainty,
            verdict=self._verdict,
            reason=self._reason(),
            windows=self._windows,
            look=self._phase.next_look(now) if looks else None,
            phase_known=self._phase.known(now),
            opens=self._opens(now),
            spent=self._spent if self.mode == "dropCache" else False,
            open_for=open_for,
            overdue=self._overdue(open_for),
            fired=self._fired,
            last_fired=None if self._last_fired is None else max(0.0, now - self._last_fired),
            compaction=self._compaction(now),
            intent=describe(self.algorithm, self.mode),
        )

    def _judge(self) -> None:
        if not self._rules:
            return
        young = self.history.now < self.algorithm.earliest(self.mode)
        last = len(self._rules) - 1
        self._windows = tuple(
            self._window(rule, poisoned=young and place == last) for place, rule in enumerate(self._rules)
        )
        found = [window.ok for window in self._windows]
        self._verdict = "shut" if False in found else "unknown" if None in found else "open"

    def _window(self, rule: WindowRule, *, poisoned: bool) -> WindowState:
        span = self.history.span(rule.seconds)
        capacity = self.history.capacity
        low, high = (rule.idle(ticks, span.total, self._cpus) for ticks in (span.low, span.high))
        ok: bool | None
        busy: float | None
        if span.estimate is not None:
            ok = rule.idle(span.estimate, span.total, self._cpus)
            room = capacity * rule.seconds if rule.allowance else span.total
            busy = min(1.0, span.estimate / room) if room else 0.0
        else:
            # More ticks can only shut the window: open for sure, shut for sure, or not known.
            ok = True if high else None if low else False
            busy = min(1.0, span.low / (capacity * span.watched)) if span.watched else None
        return WindowState(
            name=rule.name,
            seconds=rule.seconds,
            busy=busy,
            limit=rule.limit_share,
            watched=span.watched,
            ok=False if poisoned else ok,
            sure=poisoned or low == high,
        )

    def _follow(self, now: float) -> None:
        """Keep what must be remembered between samples: how long it is open, and whether a look has re-armed it."""
        if self._verdict != "open":
            self._open_since = None
        elif self._open_since is None:
            self._open_since = now
        # A-C are re-armed by any look that is not idle, D only by its window.
        tests = self._windows[-1:] if self.algorithm.rolling else self._windows
        if not any(window.ok is False for window in tests):
            self._busy_since = None
            return
        if self._busy_since is None:
            self._busy_since = now
        young = self._rules and self.history.now < self.algorithm.earliest(self.mode)
        if young or self._phase.looked_between(self._busy_since, now):
            self._spent = False
        elif self._spent and self._phase.may_have_looked(self._busy_since, now):
            self._spent = None

    def _opens(self, now: float) -> Bounds | None:
        if not self._rules or self._spent:
            return None
        waits = [float(self.algorithm.earliest(self.mode)) - self.history.now]
        for rule in self._rules if self._verdict != "open" else ():
            limit = rule.limit(self._cpus, self.history.capacity * rule.seconds)
            waits.append(self.history.wait(rule.seconds, limit, strict=bool(rule.allowance)))
        return self._phase.first_look_after(now, max(0.0, *waits))

    def _overdue(self, open_for: float | None) -> bool:
        armed = self.mode == "dropCache" and self._spent is False
        return armed and open_for is not None and open_for > 2 * self.algorithm.period

    def _compaction(self, now: float) -> CompactionState | None:
        if self.algorithm.rolling:
            return None
        probe = self.history.span(PROBE)
        share = None if probe.estimate is None else min(1.0, probe.estimate / (self.history.capacity * PROBE))
        last = None if self._last_compaction is None else max(0.0, now - self._last_compaction)
        return CompactionState(
            due=self._due(last),
            quiet=None if probe.estimate is None else probe_quiet(probe.estimate, self._cpus),
            busy=share,
            limit=0.01,
            last=last,
        )

    def _due(self, since: float | None) -> bool | None:
        if self.algorithm.forgets_probe:
            return compaction_due(self.history.busy, self._cpus)
        if since is None:
            # The last probe ended at the latest one period ago, less its own second, before the next look.
            return True if compaction_due(self.history.span(self.algorithm.period - PROBE).low, self._cpus) else None
        span = self.history.span(since)
        return compaction_due(span.low if span.estimate is None else span.estimate, self._cpus)

    def _reason(self) -> str:
        if not self._rules:
            return "the mode is disabled"
        long = self._rules[-1]
        if self.history.now < self.algorithm.earliest(self.mode):
            return (
                f"the VM is {format_duration(self.history.now)} old, the rule needs "
                f"{format_duration(self.algorithm.earliest(self.mode))}"
            )
        if self._verdict == "open":
            return (
                "it has fired in this idle period; a busy look arms it again"
                if self._spent and self.mode == "dropCache"
                else "idle by WSL's rule"
            )
        if self._verdict == "unknown":
            window = next((window for window in self._windows if window.ok is None), None)
            watched = window.watched if window else 0.0
            return f"watched {watched:.0f} s of {window.seconds if window else long.seconds} s"
        shut = next(window for window in self._windows if window.ok is False)
        share = "" if shut.busy is None else f"{shut.busy * 100:.2f} % of all CPUs in use, "
        return f"{shut.name}: {share}the limit is {shut.limit * 100:.3g} %"
