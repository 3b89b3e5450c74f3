"""The figures of a trial: levels and times of guest and host, lag, the prediction's error, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from statistics import median
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core.curve import (
    Crossing,
    Dot,
    add_answer,
    band_of,
    between,
    fall_below,
    floor_of,
    level_of,
    peak_of,
    step_of,
)
from wsltop.core.prediction import Prediction
from wsltop.core.reclaimed import came_back
from wsltop.experiment.trial import Result, Tick, Trial
from wsltop.model.sample import Reading, Unavailable, known
from wsltop.model.text import format_duration, format_size


class Summary(Struct, frozen=True):
    """The same figure of several trials."""

    middle: float
    low: float
    high: float
    seen: int
    """In how many trials there was one."""
    of: int


def summarize(figures: Sequence[float | None]) -> Summary | None:
    """The median and the range of the known ones; ``None`` when none is known."""
    there = [figure for figure in figures if figure is not None]
    return Summary(median(there), min(there), max(there), len(there), len(figures)) if there else None


GRACE: Final = 2
"""Readings after the release that may still show the peak: some hosts answer late."""


class Side(Struct, frozen=True, kw_only=True):
    """The figures of one curve, as ``core.curve`` defines them. Bytes, and seconds since the release."""

    baseline: int
    peak: int
    floor: int | None
    """``None``: it was interrupted before the release."""
    lowest: int | None
    """The lowest level after the release; clearly below the floor when it rose again."""
    band: int
    """What does not count as change."""
    step: float
    """Seconds between two readings."""
    first: Crossing | None = None
    """To the first return that is more than noise; ``None``: never, as with the next ones."""
    t50: Crossing | None = None
    """To half of what came back."""
    t90: Crossing | None = None
    halved: Crossing | None = None
    """To half of the peak: on the host this is "time to 50 % host working-set reduction"."""

    @property
    def taken(self) -> int:
        """What the load added."""
        return self.peak - self.baseline

    @property
    def returned(self) -> int | None:
        """What came back of the peak."""
        return None if self.floor is None else self.peak - self.floor

    @property
    def share(self) -> float | None:
        """The part of what the load added that came back; ``None`` when the load did not show."""
        return None if self.returned is None or not self.shows else self.returned / self.taken

    @property
    def within_noise(self) -> bool:
        """Whether something came back that does not stand out of the noise: then it is not said when it came."""
        return self.returned is not None and 0 < self.returned <= self.band

    @property
    def retained(self) -> int | None:
        """What is kept above the baseline."""
        return None if self.floor is None else self.floor - self.baseline

    @property
    def shows(self) -> bool:
        """Whether the load stood out of the noise."""
        return self.taken > self.band

    @property
    def rebound(self) -> int:
        """How much of what had come back was taken again; 0 within noise."""
        if self.floor is None or self.lowest is None or self.floor - self.lowest <= self.band:
            return 0
        return self.floor - self.lowest


class Marks(Struct, frozen=True):
    """The times that matter to a curve, monotonic."""

    load: float | None
    release: float | None
    action: float | None
    end: float
    window: float
    """Seconds of rest at the end; 0: it was ended before it could rest."""


def measure_side(dots: Sequence[Dot], marks: Marks) -> Reading[Side]:
    """The figures of one curve."""
    started = marks.end if marks.load is None else marks.load
    quiet = [dot for dot in dots if dot.time <= started]
    baseline = level_of(quiet)
    if baseline is None:
        return Unavailable("there was no reading before the load", "Give it longer: --baseline SECONDS")
    step = step_of(dots)
    release = marks.end if marks.release is None else marks.release
    high_until = release + GRACE * step
    if marks.action is not None and marks.action > release:
        high_until = min(high_until, marks.action)
    peak = peak_of(between(dots, started, high_until))
    if peak is None:
        return Unavailable("there was no reading under load", "Let the load last for some seconds")
    band = band_of(quiet, peak - baseline)
    after = [] if marks.release is None else [dot for dot in dots if dot.time > release]
    side = Side(
        baseline=baseline,
        peak=peak,
        floor=floor_of(after, marks.window) if marks.window or not after else after[-1].size,
        lowest=lowest_of(after, marks.window),
        band=band,
        step=step,
    )
    return add_times(side, dots, release, high_until)


def add_times(side: Side, dots: Sequence[Dot], release: float, high_until: float) -> Side:
    """The times at which it fell."""
    returned = side.returned
    if returned is None or returned <= side.band:
        return side

    def when(level: float) -> Crossing | None:
        return fall_below(dots, level, zero=release, high_until=high_until, slack=side.band // 2)

    return replace(
        side,
        first=when(side.peak - side.band),
        t50=when(side.peak - 0.5 * returned),
        t90=when(side.peak - 0.9 * returned),
        halved=when(0.5 * side.peak),
    )


def lowest_of(dots: Sequence[Dot], window: float) -> int | None:
    """The lowest level that lasted: the lowest median of three neighbors, or the floor."""
    sizes = [dot.size for dot in dots]
    medians = [sorted(sizes[start : start + 3])[1] for start in range(len(sizes) - 2)]
    floor = floor_of(dots, window)
    return None if floor is None else min([floor, *medians])


JUST_BEFORE: Final = 2.0
"""Seconds before an action whose level it is compared with."""
FREED_BEFORE: Final = -1.0
"""Where the guest had freed half of it earlier than this before the release, a lag means nothing."""


class ActionFigures(Struct, frozen=True, kw_only=True):
    """What an action returned; in a control, what came back without it. Bytes."""

    predicted: Prediction | None
    gained: int | None
    """Growth of reportable free memory since just before it; ``None`` where that is not known."""
    host_returned: int | None
    """Fall of the host's working set since just before it."""
    came: int | None = None
    """What came back: Windows' figure, or the expected one where it is not read, as the event of the return has it."""

    @property
    def error(self) -> int | None:
        """How much more came back than was predicted."""
        return None if self.predicted is None or self.came is None else self.came - self.predicted.likely

    @property
    def inside(self) -> bool | None:
        """Whether what came back lies within the predicted range; ``None`` where either is not known."""
        return None if self.predicted is None or self.came is None else self.predicted.holds(self.came)


class Measures(Struct, frozen=True, kw_only=True):
    """All figures of one trial."""

    guest: Reading[Side]
    host: Reading[Side]
    """As Windows, or the process that stands for it, reported it."""
    expected: Reading[Side]
    """What the host should hold by the guest's own figures; no delay of the reporting is in it."""
    lag: Crossing | None
    """From half of it free in the guest to half of it back on the host; only where the host was measured."""
    cpu_load: float | None
    """CPU seconds of the whole guest from the start of the load to the release."""
    cpu_after: float | None
    """… and from there to the end."""
    release: ActionFigures | None
    """What ending the hogs gave, before any action; ``None`` where that was not predicted."""
    action: ActionFigures | None
    cache_lost: int
    """Bytes of file cache that went between the start of the load and the end."""
    settled_after: float | None
    """Seconds from the release until nothing changed any more; ``None``: never."""
    least_available: int | None

    @property
    def measured(self) -> bool:
        """Whether the host's figures were measured."""
        return not isinstance(self.host, Unavailable)

    @property
    def outside(self) -> Reading[Side]:
        """The host's figures, or the expected ones where it cannot be read."""
        return self.expected if isinstance(self.host, Unavailable) else self.host


def measure(trial: Trial, window: float) -> Measures:
    """The figures of a trial; ``window``: the seconds of rest that its plan asked for."""
    # Of what was ended early the newest reading is its level: the ones before are from further up the curve.
    marks = marks_of(trial, 0.0 if trial.ending == "interrupted" else window)
    ticks = [tick for tick in trial.ticks if tick.time <= marks.end]
    curves = {"guest": guest_dots(ticks), "host": host_dots(ticks), "expected": expected_dots(ticks)}
    guest = measure_side(curves["guest"], marks)
    host = measure_side(curves["host"], marks) if curves["host"] else missing_host(trial)
    lag = None
    if isinstance(guest, Side) and isinstance(host, Side) and guest.t50 is not None and host.t50 is not None:
        lag = host.t50.minus(guest.t50) if guest.t50.seconds >= FREED_BEFORE else None
    return Measures(
        guest=guest,
        host=host,
        expected=measure_side(curves["expected"], marks),
        lag=lag,
        cpu_load=cpu_between(ticks, marks.load, marks.release),
        cpu_after=cpu_between(ticks, marks.release, marks.end),
        release=measure_release(trial, curves, marks),
        action=measure_action(trial, curves, marks),
        cache_lost=cache_lost(ticks, marks),
        settled_after=rest_began(trial, marks),
        least_available=min((tick.available for tick in ticks), default=None),
    )


def measure_all(result: Result) -> tuple[Measures, ...]:
    """The figures of every trial of an experiment."""
    return tuple(measure(trial, result.plan.window) for trial in result.trials)


def marks_of(trial: Trial, window: float) -> Marks:
    """The marks of a trial. Where the load stayed for the action, seconds count from the action."""
    action = trial.start_of("action")
    if action is None and trial.start_of("wait") is not None:
        action = trial.start_of("settle")  # a control: where the action would have been
    release = trial.start_of("release", "action", "settle")
    action = release if action is None and trial.control else action
    return Marks(trial.start_of("load"), release, action, trial.measured_until, window)


def measure_action(trial: Trial, curves: dict[str, list[Dot]], marks: Marks) -> ActionFigures | None:
    """What the action gave, or came without it."""
    if marks.action is None or (trial.action is None and not trial.control):
        return None
    predicted = None if trial.action is None else trial.action.predicted
    return figures_between(predicted, curves, marks, marks.action, marks.end)


def measure_release(trial: Trial, curves: dict[str, list[Dot]], marks: Marks) -> ActionFigures | None:
    """What ending the hogs gave until the action began, or until the end."""
    if trial.predicted is None or marks.release is None:
        return None
    end = marks.end if marks.action is None or trial.action is None else marks.action
    return figures_between(trial.predicted, curves, marks, marks.release, end)


def figures_between(
    predicted: Reading[Prediction] | None, curves: dict[str, list[Dot]], marks: Marks, start: float, end: float
) -> ActionFigures:
    """What was predicted at ``start``, and how much the curves fell from just before it to ``end``."""

    def fall(dots: Sequence[Dot]) -> int | None:
        before = floor_of([dot for dot in dots if dot.time <= start], JUST_BEFORE)
        after = floor_of([dot for dot in dots if start < dot.time <= end], marks.window)
        return None if before is None or after is None else before - after

    return ActionFigures(
        predicted=known(predicted),
        gained=fall(curves["expected"]),
        host_returned=fall(curves["host"]),
        came=came_back(curves["expected"], curves["host"], start, end),
    )


def guest_dots(ticks: Sequence[Tick]) -> list[Dot]:
    """Guest memory that is not free."""
    return [Dot(tick.time, tick.taken) for tick in ticks]


def expected_dots(ticks: Sequence[Tick]) -> list[Dot]:
    """What the host should hold."""
    return [Dot(tick.time, tick.expected) for tick in ticks if tick.expected is not None]


def host_dots(ticks: Sequence[Tick]) -> list[Dot]:
    """The host's answers, each once and at the time when it came."""
    dots: list[Dot] = []
    for tick in ticks:
        if tick.host is not None and tick.host_at is not None:
            add_answer(dots, tick.host_at, tick.host)
    return dots


def missing_host(trial: Trial) -> Unavailable:
    """Why the host has no figures."""
    return trial.missing or Unavailable("the host did not answer")


def cpu_between(ticks: Sequence[Tick], start: float | None, end: float | None) -> float | None:
    """CPU seconds of the whole guest."""
    if start is None or end is None:
        return None
    busy = [tick.busy for tick in ticks if start <= tick.time <= end and tick.busy is not None]
    return max(0.0, busy[-1] - busy[0]) if busy else None


def cache_lost(ticks: Sequence[Tick], marks: Marks) -> int:
    """How much less file cache there is at the end than when the load began, bytes."""
    before = [tick.cache for tick in ticks if marks.load is None or tick.time <= marks.load]
    return max(0, before[-1] - ticks[-1].cache) if before else 0


def rest_began(trial: Trial, marks: Marks) -> float | None:
    """Seconds from the release to the beginning of the rest with which the trial ended."""
    if trial.ending != "settled" or marks.release is None:
        return None
    return max(0.0, marks.end - marks.window - marks.release)


NEARLY_ALL: Final = 0.9
NOTHING: Final = 0.1
AT_ONCE: Final = 0.05
LEFT: Final = 0.1
MORE: Final = 1.005
"""Above this share more than the load has come back, so a share would say nothing."""
MUCH: Final = 0.25
"""The share of the load that must be missing in a place for the verdict to name it."""


def tell_result(result: Result, measures: Sequence[Measures]) -> str:
    """The verdict over all trials with the action, compared with those without it."""
    pairs = list(zip(result.trials, measures, strict=True))
    seen = [(trial, measured) for trial, measured in pairs if released(measured)]
    whole = [(trial, measured) for trial, measured in seen if not cut_short(trial, measured)]
    if seen and not whole:
        return tell_cut(result, seen[-1][1])
    chosen = [measured for trial, measured in whole if not trial.control] or [measured for _, measured in whole]
    without = [measured for trial, measured in pairs if trial.control]
    ran = ran_briefly(result)
    if ran is not None and not any(side.shows for side in sides(chosen)):
        return (
            f"No verdict: {PurePath(result.plan.command[0]).name} ended after {format_duration(ran)}, before a reading "
            "under load could be taken. Let it run for some seconds (more input, or a loop in sh -c), or take readings "
            "more often: --every 0.1."
        )
    if not chosen:
        return tell_nothing(result, measures)
    clauses = [tell_return(result, chosen), *tell_caveats(result, chosen), *tell_action(result, chosen, without)]
    return f"{'; '.join(clauses)}."


def ran_briefly(result: Result) -> float | None:
    """Seconds that the longest run of a command took, where in none of them both sides were read; None otherwise."""
    if not result.plan.command or result.interrupted:
        return None
    longest = 0.0
    for trial in result.trials:
        start, end = trial.start_of("load"), trial.start_of("release")
        if start is None or end is None:
            return None
        seen = [tick for tick in trial.ticks if start < tick.time <= end]
        asked = [tick for tick in trial.ticks if tick.host_at is not None]
        if len(seen) > 1 and (not asked or any(start < tick.host_at <= end for tick in asked if tick.host_at)):
            return None
        longest = max(longest, end - start)
    return longest


def released(measured: Measures) -> bool:
    """Whether the load was released and the outside's figures are known after it."""
    return not isinstance(measured.outside, Unavailable) and measured.outside.floor is not None


def cut_short(trial: Trial, measured: Measures) -> bool:
    """Whether a trial was ended while memory was still coming back: what is missing then says nothing."""
    if trial.ending != "interrupted" or not released(measured) or isinstance(measured.outside, Unavailable):
        return False
    share = measured.outside.share
    return share is None or share < NEARLY_ALL


def tell_cut(result: Result, measured: Measures) -> str:
    """That there is no verdict since it was ended too early, and what had come until then."""
    ended = f"Interrupted by {result.interrupted}" if result.interrupted else "Ended"
    text = f"{ended} while memory was still coming back: no verdict."
    side = measured.outside
    if isinstance(side, Unavailable) or side.returned is None or side.returned <= side.band:
        return text
    name = host_name(result, [measured])
    return f"{text} Until then {name} had got {format_size(side.returned)} of {format_size(side.taken)} back."


def tell_nothing(result: Result, measures: Sequence[Measures]) -> str:
    """Why there is no verdict."""
    if result.interrupted:
        return f"Interrupted by {result.interrupted} before anything could come back: no verdict."
    if not measures:
        return "Nothing was measured: no verdict."
    outside, remarks = measures[-1].outside, result.trials[-1].remarks
    why = remarks[-1] if remarks else "the load was never released"
    if not remarks and isinstance(outside, Unavailable):
        why = outside.reason
    return f"No verdict: {why}."


def sides(measures: Sequence[Measures]) -> list[Side]:
    """The figures of the outside, as far as they are there."""
    return [measured.outside for measured in measures if not isinstance(measured.outside, Unavailable)]


def host_name(result: Result, measures: Sequence[Measures]) -> str:
    """The name of the host as the subject of a sentence."""
    if not all(measured.measured for measured in measures):
        return "the host, by the guest's own figures since it was not read,"
    process = any(trial.source == "process" for trial in result.trials)
    return "the host's process" if process else "Windows"


def tell_return(result: Result, chosen: Sequence[Measures]) -> str:
    """How much came back, and how soon."""
    there = sides(chosen)
    name = host_name(result, chosen)
    capital = name[0].upper() + name[1:]
    taken = middle([side.taken for side in there])
    if not any(side.shows for side in there):
        band = middle([side.band for side in there])
        whose = "expected of the host" if not all(one.measured for one in chosen) else f"that {name} lends"
        rose = format_size(max(0.0, taken))
        return f"The load did not show: the memory {whose} rose by {rose}, and {format_size(band)} is noise"
    share = middle([side.share for side in there])
    returned, retained = middle([side.returned for side in there]), middle([side.retained for side in there])
    # The two figures are rounded alike, so that "4.0 of 4.0 GiB" does not hide what the share says.
    noise = ", within noise" if all(side.within_noise for side in there) else ""
    part = f"{format_size(returned)} of {format_size(taken)} ({share:.0%}{noise})"
    t50 = summarize([side.t50.seconds if side.t50 is not None else None for side in there])
    if share > MORE:
        more = f"{format_size(returned)} back, more than the {format_size(taken)} of the load"
        return f"{capital} got {more}{tell_half(t50)}"
    if share >= NEARLY_ALL:
        return f"{capital} got {part} back{tell_half(t50)}"
    why = tell_where(chosen, taken)
    if share >= NOTHING:
        return f"{capital} got only {part} back{tell_half(t50)}; {format_size(retained)} is kept{why}"
    return f"{capital} got next to nothing back: {part}; {format_size(retained)} is kept{why}"


def tell_half(t50: Summary | None) -> str:
    """When half of it was back."""
    if t50 is None:
        return ""
    if t50.middle < AT_ONCE:
        return ", half of it at once" if t50.middle > -AT_ONCE else ", half of it before the release"
    return f", half of it {format_duration(t50.middle)} after the release"


def tell_where(chosen: Sequence[Measures], taken: float) -> str:
    """Where the rest is: in use, in small blocks, or reported and not taken by the host."""
    guest = [measured.guest for measured in chosen if not isinstance(measured.guest, Unavailable)]
    expected = [measured.expected for measured in chosen if not isinstance(measured.expected, Unavailable)]
    if middle([side.retained for side in guest]) > MUCH * taken:
        return ", because the guest still uses it, for programs or as file cache"
    if middle([side.retained for side in expected]) > MUCH * taken:
        return ": free in the guest, but in blocks too small to report"
    return ": the guest has freed it in blocks large enough to report, and the host still holds it"


def tell_caveats(result: Result, chosen: Sequence[Measures]) -> Iterator[str]:
    """Yield what weakens the figures."""
    endings = {trial.ending for trial in result.trials if not trial.control} or {"interrupted"}
    if "not settled" in endings:
        yield f"it never settled: memory was still moving after {format_duration(result.plan.settle)}"
    kept, band = middle([side.retained for side in sides(chosen)]), middle([side.band for side in sides(chosen)])
    if kept < -band and kept < -LEFT * middle([side.taken for side in sides(chosen)]):
        pushed = middle([measured.cache_lost for measured in chosen]) >= -kept / 2
        why = ": the load pushed file cache out" if pushed else ", so something else gave memory back as well"
        yield f"it ended {format_size(-kept)} below the baseline{why}"
    rebound = max((side.rebound for side in sides(chosen)), default=0)
    if rebound:
        yield f"{format_size(rebound)} of it was taken again afterwards"
    if result.interrupted:
        yield f"interrupted by {result.interrupted}, so these figures are of what was measured until then"


def tell_action(result: Result, chosen: Sequence[Measures], without: Sequence[Measures]) -> Iterator[str]:
    """Yield what the action gave, what was predicted, and what came without it."""
    acted = [measured.action for measured in chosen if measured.action is not None]
    gains = [figures.came for figures in acted if figures.came is not None]
    failed = next((trial.action for trial in result.trials if trial.action is not None and not trial.action.done), None)
    if failed is not None:
        yield f"{failed.name} failed: {failed.note}"
    elif gains and result.plan.action and any(figures.predicted is not None for figures in acted):
        likely = middle([figures.predicted.likely for figures in acted if figures.predicted is not None])
        error = middle([figures.error for figures in acted])
        yield (
            f"{result.plan.action} gave back {format_size(middle(gains))}, "
            f"predicted were {format_size(likely)} (error {tell_signed(error)}{tell_missed(acted)})"
        )
    plain = [figures.came for figures in (one.action for one in without) if figures is not None]
    control = summarize(plain)
    if control is not None and gains:
        yield f"without it {format_size(control.middle)} came"


def tell_missed(acted: Sequence[ActionFigures]) -> str:
    """That some of the outcomes lie outside the predicted range, as the end of a clause; empty where none does."""
    misses = [
        miss
        for one in acted
        if one.predicted is not None and one.came is not None and (miss := one.predicted.tell_miss(one.came))
    ]
    if not misses:
        return ""
    return f"; {misses[0]}" if len(acted) == 1 else f"; {len(misses)} of {len(acted)} outside the predicted range"


def tell_signed(size: float) -> str:
    """A size with its sign."""
    return f"{'+' if size >= 0 else ''}{format_size(size)}"


def middle(figures: Sequence[float | None]) -> float:
    """The median of those that are there, 0 when none is."""
    found = summarize(figures)
    return 0.0 if found is None else found.middle
