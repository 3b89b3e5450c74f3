"""The live gate: WSL's idle rules applied to the samples, with what keeps the gate shut."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct

from wsltop.core.events import requested_pages
from wsltop.core.gate.rules import Dropped, IdleRule, WindowRule, dropped_by_counters, dropped_by_init, rules_for
from wsltop.core.gate.ticks import TickHistory
from wsltop.core.wslconfig.effective import Mode
from wsltop.model.sample import CpuTimes, ProcessCpu, Sample, Unavailable, known
from wsltop.model.text import clean, format_duration

ELSEWHERE: Final = (
    "not visible from this distro: other distros, WSLg, mini_init and kernel threads live in other PID namespaces; "
    "processes that ended in between are here too"
)
"""Why the visible processes do not add up to the whole."""


class Blocker(Struct, frozen=True, kw_only=True):
    """Processes of one name and their share of all CPUs, 0 to 1."""

    name: str
    share: float
    pids: tuple[int, ...]


class Blockers(Struct, frozen=True, kw_only=True):
    """Who used the CPU, in the columns that the rule counts."""

    total: float
    """Share of all CPUs in use in the whole VM."""
    visible: tuple[Blocker, ...]
    """Biggest first; processes that used nothing and wsltop's own are left out."""
    own: float
    elsewhere: float
    """``total`` less what is visible and ours; not below 0, as processes and the whole are read at two moments."""
    reason: str = ELSEWHERE


def blockers(rule: IdleRule, before: CpuTimes, after: CpuTimes, processes: Iterable[ProcessCpu]) -> Blockers | None:
    """Split the CPU use between two samples by process name.

    ``None`` when no CPU time passed, or counters went back: then nothing is known.
    """
    busy_before, total_before = rule.ticks(before)
    busy_after, total_after = rule.ticks(after)
    capacity, busy = total_after - total_before, busy_after - busy_before
    if capacity <= 0 or busy < 0:
        return None
    own = 0
    ticks: dict[str, int] = {}
    pids: dict[str, list[int]] = {}
    for process in processes:
        used = rule.ticks_of(process)
        if process.own:
            own += used
        elif used:
            name = clean(process.name)
            ticks[name] = ticks.get(name, 0) + used
            pids.setdefault(name, []).append(process.pid)
    visible = sorted(ticks.items(), key=lambda item: (-item[1], item[0]))
    rest = busy - own - sum(ticks.values())
    return Blockers(
        total=min(1.0, busy / capacity),
        visible=tuple(
            Blocker(name=name, share=min(1.0, used / capacity), pids=tuple(pids[name])) for name, used in visible
        ),
        own=min(1.0, own / capacity),
        elsewhere=min(1.0, max(0.0, rest / capacity)),
    )


Certainty = Literal["configured", "default", "unknown"]
"""How the mode is known: read in ``.wslconfig``, absent there, or the file could not be read (assumed)."""
Verdict = Literal["open", "shut", "unknown", "off"]
"""``unknown``: not watched for long enough. ``off``: the mode reclaims nothing."""


class WindowState(Struct, frozen=True, kw_only=True):
    """One window of the rule. Shares are of all CPUs, 0 to 1, counted in the columns that the rule counts."""

    name: str
    seconds: int
    busy: float | None
    """Share over the window, or over the watched part of it; ``None`` when nothing of it was watched."""
    limit: float
    watched: float
    """Seconds of the window that wsltop has seen, or can compute."""
    ok: bool | None
    """Within the limit; ``None`` when what is known allows both."""


class Bounds(Struct, frozen=True, kw_only=True):
    """A moment ahead that is known within bounds, in seconds from the last sample."""

    earliest: float
    latest: float


class GateState(Struct, frozen=True, kw_only=True):
    """The gate as it would be judged if WSL looked at this moment."""

    rule: IdleRule
    mode: Mode
    """The one that runs: ``gradual`` without ``memory.reclaim`` is dropCache."""
    certainty: Certainty
    verdict: Verdict
    reason: str
    """Why, as a clause."""
    windows: tuple[WindowState, ...]
    look: Bounds | None
    """The next look of WSL; ``None`` when there is no thread that looks."""
    phase_known: bool
    """Whether the timer's phase was learned from an event; otherwise the next look is anywhere within the period."""
    opens: Bounds | None
    """The first look that can act if everything went idle now; ``None`` if none will: off, or spent."""
    spent: bool | None
    """dropCache: it has fired in this idle period and waits for a busy look. ``None``: not known. False otherwise."""
    open_for: float | None
    """Seconds for which the gate has been seen open without a break."""
    overdue: bool
    """Open over two looks, armed, and nothing was seen: mode off, thread ended, or another rule."""
    last_fired: float | None
    """Seconds since the last action of WSL that was seen."""
    intent: tuple[str, ...]
    """What it will do when it opens, as clauses."""


DRIFT: Final = 0.005
"""Seconds by which a look may come later than the period says: a wake-up at SCHED_IDLE on a machine at rest.

Up to 2.9.4 it keeps its target (``sleep_until``), later it sleeps 10 s after its work (``sleep_for``), so both only
ever drift late. The figure is ours, an allowance and not a measurement.
"""


class Phase:
    """When WSL looks next, on the monotonic clock."""

    def __init__(self, rule: IdleRule) -> None:
        self._period = float(rule.period)
        self._work = rule.work
        self._anchor: float | None = None
        self._before = 0.0

    def learn(self, look: float, uncertainty: float) -> None:
        """Take a look that is known to have happened, give or take ``uncertainty`` seconds; the newest counts."""
        if self._anchor is None or look >= self._anchor:
            self._anchor, self._before = look, max(0.0, uncertainty)

    def forget(self) -> None:
        """The machine was suspended: the timer fired on waking, at an unknown moment."""
        self._anchor = None

    def known(self, now: float) -> bool:
        """Whether the phase is known well enough to say more than "within one period"."""
        return self._anchor is not None and now >= self._anchor and self._late(now) + self._before < self._period / 2

    def next_look(self, now: float) -> Bounds:
        """Seconds until the next look."""
        if self._anchor is None or not self.known(now):
            return Bounds(earliest=0.0, latest=self._period)
        since = (now - self._anchor) % self._period
        late = self._late(now)
        pending = since < late and now - self._anchor >= self._period
        wait = self._period - since
        return Bounds(earliest=0.0 if pending else max(0.0, wait - self._before), latest=wait + late)

    def first_look_after(self, now: float, wait: float) -> Bounds:
        """Seconds until the first look that comes at least ``wait`` seconds from now."""
        look = self.next_look(now)
        skipped = max(0, math.ceil((wait - look.latest) / self._period)) * self._period
        missed = self._period if look.earliest + skipped < wait else 0.0
        latest = look.latest + skipped
        if not self.known(now):
            return Bounds(earliest=wait, latest=wait + self._period)
        return Bounds(earliest=max(wait, look.earliest + skipped), latest=latest + missed)

    def looked_between(self, start: float, end: float) -> bool:
        """Whether a look surely fell between two moments."""
        if end - start >= self._period + self._work:
            return True
        if self._anchor is None or start < self._anchor or not self.known(end):
            return False
        count = math.ceil((start + self._before - self._anchor) / self._period)
        return self._anchor + max(count, 1) * self._period + self._late(end) <= end

    def may_have_looked(self, start: float, end: float) -> bool:
        """Whether a look can have fallen between two moments."""
        return not self.known(start) or self.next_look(start).earliest <= end - start

    def _late(self, now: float) -> float:
        looks = 0.0 if self._anchor is None else max(0.0, now - self._anchor) / self._period
        return self._before + self._work + (looks + 1) * DRIFT


KEEP: Final = 660.0
"""Seconds of history: the longest window and two periods."""
SUSPECTS: Final = 6
LONG_PERIOD: Final = 20.0
"""Seconds: two acts of somebody else's seldom lie a whole period of this length apart."""
FEW: Final = 4
"""Periods between two acts over which the timer's drift does not matter."""
Firing = Literal["drop", "reclaim", "compaction"]
"""What WSL was seen doing."""


class Gate:
    """Judges one rule in one mode; feed it every sample and every action of WSL that was observed."""

    def __init__(
        self,
        rule: IdleRule,
        mode: Mode = "dropCache",
        certainty: Certainty = "unknown",
        history: TickHistory | None = None,
    ) -> None:
        """``history`` is that of a gate with the same metric, to change the mode without starting over."""
        self.rule = rule
        self.mode = mode
        self.certainty = certainty
        self.history = TickHistory(KEEP) if history is None else history
        self._tests = rule.windows(mode)
        self._windows: tuple[WindowState, ...] = ()
        self._verdict: Verdict = "off" if not self._tests else "unknown"
        self._phase = Phase(rule)
        self._cpus = 1
        self._last_fired: float | None = None
        self._spent: bool | None = None
        self._suspects: deque[float] = deque(maxlen=SUSPECTS)
        self._open_since: float | None = None
        self._busy_since: float | None = None
        if self.history.clock is not None:
            self._cpus = max(1, round(self.history.capacity / 100))
            self._judge()

    def feed(self, monotonic: float, cpu: CpuTimes) -> None:
        """Take one sample; ``monotonic`` is CLOCK_MONOTONIC in seconds, which on Linux counts from boot."""
        busy, total = self.rule.ticks(cpu)
        self._cpus = max(cpu.cpus, 1)
        again = self.history.clock is not None
        link = self.history.add(monotonic, busy, total, self._cpus)
        if link == "first" and again:
            # Time went back: a recording was wound back, or another VM follows. Nothing seen so far holds.
            self._phase.forget()
            self._last_fired, self._spent = None, None
        if link == "resumed":
            self._phase.forget()
        if link in ("first", "resumed", "broken"):
            self._open_since = self._busy_since = None
        self._judge()
        self._follow(monotonic)

    def suspect(self, monotonic: float, uncertainty: float) -> None:
        """Take a compaction or drop without a known author, seen up to ``uncertainty`` seconds after it was done.

        It gives the phase where earlier ones lie whole periods before it: one for a long period, two for a short one.
        """
        earlier = [self._spaced(monotonic - one, uncertainty) for one in self._suspects]
        self._suspects.append(monotonic)
        if sum(earlier) >= (1 if self.rule.period >= LONG_PERIOD else 2):
            self.observed(monotonic, "compaction", uncertainty)

    def _spaced(self, seconds: float, uncertainty: float) -> bool:
        """Whether two looks lie so far apart: after each, the thread sleeps a period, and it works in between."""
        awake = self.rule.work + self.rule.probe
        periods = round(seconds / (self.rule.period + awake / 2))
        least, most = periods * self.rule.period, periods * (self.rule.period + awake)
        return 1 <= periods <= FEW and least - uncertainty <= seconds <= most + uncertainty

    def observed(self, monotonic: float, kind: Firing = "drop", uncertainty: float = 0.0) -> None:
        """Take an action of WSL's init that was seen, such as its line in the kernel log.

        ``uncertainty``: seconds by which the moment may be off, for actions that only show between two samples. Actions
        from before the first sample are welcome: they give the phase, though not whether the rule was re-armed since.
        """
        self._last_fired = max(monotonic, self._last_fired or 0.0)
        self._phase.learn(monotonic - (self.rule.probe if kind == "compaction" else 0.0), uncertainty)
        if kind == "drop" and self.mode == "dropCache":
            clock = self.history.clock
            self._spent = True if clock is not None and clock - monotonic < self.rule.period else None
            self._busy_since = None

    def arm(self) -> None:
        """Nothing was dropped since boot, so WSL has not acted in this idle period either."""
        if self._spent is None:
            self._spent = False

    def state(self) -> GateState:
        """The gate at the last sample."""
        now = self.history.clock or 0.0
        open_for = None if self._open_since is None else now - self._open_since
        return GateState(
            rule=self.rule,
            mode=self.mode,
            certainty=self.certainty,
            verdict=self._verdict,
            reason=self._reason(),
            windows=self._windows,
            look=self._phase.next_look(now) if self.rule.looks(self.mode) else None,
            phase_known=self._phase.known(now),
            opens=self._opens(now),
            spent=self._spent if self.mode == "dropCache" else False,
            open_for=open_for,
            overdue=self._overdue(open_for),
            last_fired=None if self._last_fired is None else max(0.0, now - self._last_fired),
            intent=self.rule.does[self.mode],
        )

    def _judge(self) -> None:
        if not self._tests:
            return
        young = self.history.now < self.rule.earliest(self.mode)
        last = len(self._tests) - 1
        self._windows = tuple(
            self._window(rule, poisoned=young and place == last) for place, rule in enumerate(self._tests)
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
        )

    def _follow(self, now: float) -> None:
        """Keep what must be remembered between samples: how long it is open, and whether a look has re-armed it."""
        if self._verdict != "open":
            self._open_since = None
        elif self._open_since is None:
            self._open_since = now
        tests = self._windows if self.rule.rearmed_by == "any test" else self._windows[-1:]
        if not any(window.ok is False for window in tests):
            self._busy_since = None
            return
        if self._busy_since is None:
            self._busy_since = now
        young = self._tests and self.history.now < self.rule.earliest(self.mode)
        if young or self._phase.looked_between(self._busy_since, now):
            self._spent = False
        elif self._spent and self._phase.may_have_looked(self._busy_since, now):
            self._spent = None

    def _opens(self, now: float) -> Bounds | None:
        if not self._tests or self._spent:
            return None
        waits = [float(self.rule.earliest(self.mode)) - self.history.now]
        for rule in self._tests if self._verdict != "open" else ():
            limit = rule.limit(self._cpus, self.history.capacity * rule.seconds)
            waits.append(self.history.wait(rule.seconds, limit, strict=bool(rule.allowance)))
        return self._phase.first_look_after(now, max(0.0, *waits))

    def _overdue(self, open_for: float | None) -> bool:
        armed = self.mode == "dropCache" and self._spent is False
        return armed and open_for is not None and open_for > 2 * self.rule.period

    def _reason(self) -> str:
        if not self._tests:
            return "autoMemoryReclaim is disabled"
        long = self._tests[-1]
        if self.history.now < self.rule.earliest(self.mode):
            return (
                f"the VM has run for {format_duration(self.history.now)}; WSL does nothing in the first "
                f"{format_duration(self.rule.earliest(self.mode))}"
            )
        if self._verdict in ("open", "unknown") and self._spent and self.mode == "dropCache":
            return "WSL has acted in this idle period; it acts again only after the VM was busy"
        if self._verdict == "open":
            return "the VM is idle"
        if self._verdict == "unknown":
            window = next((window for window in self._windows if window.ok is None), None)
            watched = window.watched if window else 0.0
            return f"watched {watched:.0f} of {window.seconds if window else long.seconds} s"
        shut = next(window for window in self._windows if window.ok is False)
        share = "too busy " if shut.busy is None else f"{shut.busy * 100:.2f} % of all CPUs in use "
        return f"{share}over {shut.name}, the limit is {shut.limit * 100:.3g} %"


class Gates:
    """Follows the rules that are possible; which ones those are can change when the version or a drop is seen."""

    def __init__(self) -> None:
        self._gates: tuple[Gate, ...] = ()
        self._observed: Dropped | None = None
        self._last: Sample | None = None
        self._drops: list[float] = []
        """When WSL's init was seen dropping caches, monotonic: a gate that is chosen later learns its phase from it."""

    def readable(self, sample: Sample) -> tuple[Gate, ...]:
        """The gates at a sample: none where CPU times cannot be read."""
        return () if isinstance(sample.cpu, Unavailable) else self._gates

    def follow(self, sample: Sample, mode: Mode, certainty: Certainty) -> None:
        """Take a sample in without asking for the states."""
        drops = self._see_drops(sample)
        self._choose(sample, mode, certainty)
        self._drops = (self._drops + drops)[-16:]  # after the choice: a new gate learns them below, and once
        for gate in self._gates:
            if not isinstance(sample.cpu, Unavailable):
                gate.feed(sample.monotonic, sample.cpu)
            for moment in drops:
                gate.observed(moment)
        if not drops and self._see_unsigned(sample):
            for gate in self._gates:
                gate.suspect(sample.monotonic, self._since(sample))
        counters = known(sample.counters)
        if counters is not None and counters.values.get("drop_pagecache") == 0:
            for gate in self._gates:
                gate.arm()
        self._last = sample

    def _since(self, sample: Sample) -> float:
        """Seconds since the sample before."""
        return 0.0 if self._last is None else max(0.0, sample.monotonic - self._last.monotonic)

    def _see_unsigned(self, sample: Sample) -> bool:
        """Whether somebody compacted, or dropped without a line in the log, and it was not wsltop.

        A compaction is not logged, and after ``echo 4`` no drop is either.
        """
        last = self._last
        if last is None or sample.marks or last.marks:
            return False
        if isinstance(last.counters, Unavailable) or isinstance(sample.counters, Unavailable):
            return False
        before, after = last.counters.values, sample.counters.values
        moved = {name: after[name] - before[name] for name in after if name in before}
        return requested_pages(moved) > 0 or dropped_by_counters(before, after) is not None

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
        wanted = rules_for(sample.identity.wsl_version, self._observed)
        current = [(gate.rule, gate.mode, gate.certainty) for gate in self._gates]
        if current == [(rule, mode, certainty) for rule in wanted]:
            return
        self._gates = tuple(self._continue(rule, mode, certainty) for rule in wanted)

    def _continue(self, rule: IdleRule, mode: Mode, certainty: Certainty) -> Gate:
        history = next((gate.history for gate in self._gates if gate.rule.metric == rule.metric), None)
        gate = Gate(rule, mode, certainty, history)
        for moment in self._drops:
            gate.observed(moment)
        return gate
