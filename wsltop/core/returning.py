"""Memory on its way back to Windows: every release that can be seen is followed to its end on Windows' side.

A release begins where the expected host memory falls: a hog was killed, a process or a container ended, a cache was
dropped, memory was compacted, WSL reclaimed. It ends soon after all of it has come, or when nothing more has come for
three passes of free page reporting; then one event says how much Windows got back, how fast, and what had been
predicted. What is taken again meanwhile, as by a program that grows, does not make less come back. Where Windows cannot
be read, what Linux has offered to it (reportable free memory) stands for it, and the event says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from statistics import median
from typing import Final

from msgspec import Struct

from wsltop.core.curve import LEAST_BAND, REST, Dot, add_answer, at_rest, lows_of, peak_of
from wsltop.core.ledger import Draining
from wsltop.core.moment import Moment
from wsltop.core.prediction import Prediction
from wsltop.core.reclaimed import BASELINE, LATE, Returned, fall_start, measure_return, since
from wsltop.model.sample import Census, Event, Reading, Unavailable
from wsltop.model.text import MIB, clean, format_duration, format_size

STEP: Final = 32 * MIB
"""Bytes by which the expected host memory must fall from one sample to the next to be a release, or to go on as one."""
WORTH: Final = 256 * MIB
"""A release whose cause is not known is only told from this size on: programs free and take memory all the time."""
WORTH_KNOWN: Final = 64 * MIB
"""A release by a hog, an action or WSL is worth an event from this size on."""
LATELY: Final = 10.0
"""Seconds before a release in which what was taken may not show in Windows' figure yet."""
LEAST_READ: Final = 5
"""Readings from which on it is known how much more than expected Windows lends here."""
LONGEST: Final = 60.0
"""Seconds after which a release is over even if something still moves: other things happen meanwhile."""
ALL: Final = 0.995
"""The share of a release from which all of it is back."""
ARRIVED: Final = 2.0
"""Seconds after which a release is over that is all back, if nothing more is freed: until the next pass."""
IN_REPORT: Final = 128 * MIB
"""Free memory that a pass of free page reporting takes off the free lists for a moment, at most: 32 blocks of 4 MiB
(``PAGE_REPORTING_CAPACITY`` in the kernel's ``page_reporting.h``). A sample of that moment counts it as used."""
CAUSES: Final = ("hog", "cache drop", "proactive reclaim", "compaction", "oom kill")
"""Kinds of events that free memory, the most telling first."""


class Returning(Struct, frozen=True, kw_only=True, tag="returning"):
    """A release that is under way."""

    cause: str
    """What freed the memory, as a clause."""
    owed: int
    """Bytes that Windows gets back in all."""
    got: int
    """Bytes that it has got so far."""
    measured: bool
    """False: Windows cannot be read, and this is what Linux has offered to it."""
    elapsed: float
    """Seconds since the release began."""
    left: float | None
    """Seconds until the last of it is reported; None where that is not known."""

    @property
    def share(self) -> float:
        """How much of it is back, 0 to 1."""
        return min(1.0, max(0.0, self.got / self.owed)) if self.owed > 0 else 1.0


class Release:
    """One release: its curves, its cause, and when it last grew.

    Args:
        began: the time of the last sample before it.
        expected: the expected host memory until now.
        host: Windows' figure until now.
        earliest: from when on Windows' figure belongs to this release and not to one before.
        census: the processes before it.
        scattered: scattered free memory before it, in bytes.

    Memory that was taken just before it may not show in Windows' figure: then what Windows should have lent is worked
    out from how much more than expected it has lent until now.
    """

    def __init__(
        self,
        began: float,
        expected: Iterable[Dot],
        host: Iterable[Dot],
        *,
        earliest: float,
        census: Reading[Census],
        scattered: int,
    ) -> None:
        self.began, self.scattered = began, scattered
        expected, host = list(expected), list(host)
        self._rise, self._level = rise_before(expected, began), usual_level(expected, host, began)
        self.expected = since(expected, began, began)
        self.host = since(host, max(earliest, began - BASELINE), began)
        self.census = census
        self.fell_at = began
        self.rose_from: int | None = None
        """What was expected before it rose at the newest sample; None: it did not."""
        self.causes: dict[str, str] = {}
        self.freed = 0
        """Bytes that hogs of ours held when they ended; 0 where that is not known."""
        self.hogs = 0
        """How many they are: not all end in one sample."""
        self.predicted: Prediction | None = None
        self.first = self.expected[-1].time
        """The time of the first sample that shows it."""
        self.parted = False
        """Whether hogs were gone only later: what was predicted from the sample before that is not of all of it."""
        self.got = 0
        """The most bytes that Windows' figure has fallen by, or the expected one where there is none."""
        self.came_at = began
        """When that last grew by more than noise."""
        self._noted = 0
        """What it was then."""
        self.unseen = 0
        """Bytes that were freed so soon that Windows' figure never showed them."""
        self._beyond = 0
        """Bytes that were taken and lent between the last sample and the release."""
        self._fell = 0
        """The most bytes by which the expected host memory has fallen."""
        self._awaited = 0
        """Bytes that Linux has offered to Windows, at the newest reading, and Windows does not have back."""

    def follow(self, now: float) -> None:
        """Measure again, with the newest readings."""
        apart = self._apart(now)
        self.unseen, self._beyond = max(0, -apart), max(0, apart)
        self._fell = max(self._fell, fallen(self.expected, self.began))
        owed = lowered(self.expected, self.began) + apart
        self._awaited = max(0, owed - lowered(self.watched, self.began))
        got = fallen(self.watched, self.began)
        if got > self._noted + LEAST_BAND:
            self._noted, self.came_at = got, now
        self.got = max(self.got, got)

    def _apart(self, now: float) -> int:
        """Bytes that Windows had lent beyond the last sample before the release; negative where not all of it showed.

        Windows' figure is read late, so that is only known a little later; 0 where nothing was taken just before.
        """
        if not self.measured or self._level is None or self._rise < STEP:
            return 0
        if now - self.began < LATE or self.host[-1].time <= self.began:
            return 0
        peak = peak_of([dot for dot in self.host if dot.time <= fall_start(self.host, self.began)])
        apart = 0 if peak is None else max(peak - self._level, -self._rise)
        return apart if abs(apart) >= STEP else 0

    @property
    def measured(self) -> bool:
        """Whether Windows was read before it, so that what it gets back can be measured."""
        return bool(self.host) and self.host[0].time <= self.began

    @property
    def watched(self) -> list[Dot]:
        """Windows' figure, or the expected one that stands for it."""
        return self.host if self.measured else self.expected

    @property
    def owed(self) -> int:
        """Bytes that Windows gets back in all: what has come and what is still to come.

        Less than what was freed where some of it has been taken again before Windows got it.
        """
        return min(self._fell + self._beyond, self.got + self._awaited)

    @property
    def arrived(self) -> bool:
        """Whether all of it is back."""
        return self._awaited <= max(LEAST_BAND, round(self._fell * (1 - ALL)))

    def taken_again(self, rise: int) -> bool:
        """Whether memory that was freed is taken again, ``rise`` bytes since the sample before.

        What a single sample shows may be free memory that is being reported; what the next one shows too is not.
        """
        level, before = self.expected[-1].size, self.rose_from
        if before is not None and level >= before + STEP:
            return True
        self.rose_from = level - rise if rise >= STEP else None
        return rise >= STEP and rise > IN_REPORT

    def cause(self) -> str:
        """The most telling cause so far, and a compaction that followed; empty where no event names one."""
        found = [self.causes[kind] for kind in CAUSES if kind in self.causes]
        compacted = self.causes.get("compaction")
        return f"{found[0]}, and {compacted}" if compacted and found[0] != compacted else "".join(found[:1])

    def rests(self, now: float) -> bool:
        """Whether all of it has come, or nothing more has for a while."""
        if now - self.began >= LONGEST:
            return True
        if self.arrived and now - self.came_at >= ARRIVED and self._stays(self.expected, now, ARRIVED):
            return True
        return all(self._stays(dots, now, REST) for dots in (self.expected, self.host) if dots)

    def _stays(self, dots: list[Dot], now: float, window: float) -> bool:
        """Whether a curve has not fallen any further for so many seconds; one that rises again has not."""
        start = fall_start(dots, self.began)
        lows = lows_of([dot for dot in dots if dot.time >= start])
        return at_rest(lows, since=self.fell_at, now=now, window=window, band=LEAST_BAND)


def rise_before(expected: list[Dot], began: float) -> int:
    """Bytes that were taken within the last seconds before a release."""
    lately = [dot.size for dot in expected if began - LATELY <= dot.time <= began]
    return lately[-1] - min(lately) if lately else 0


def usual_level(expected: list[Dot], host: list[Dot], began: float) -> int | None:
    """What Windows lends once its figure has caught up with the last sample before a release; None: not known."""
    before = [dot for dot in expected if dot.time <= began]
    gaps = []
    for answer in host:
        then = [dot.size for dot in before if dot.time <= answer.time <= began]
        gaps += [answer.size - then[-1]] if then else []
    return before[-1].size + round(median(gaps)) if len(gaps) >= LEAST_READ else None


def fallen(dots: list[Dot], began: float) -> int:
    """The most bytes by which a curve has fallen since a release began."""
    found = measure_return(dots, began)
    return 0 if found is None else found.size


def lowered(dots: list[Dot], began: float) -> int:
    """The bytes by which its newest reading is lower; negative where it is higher."""
    start = fall_start(dots, began)
    before = peak_of([dot for dot in dots if dot.time <= start])
    return 0 if before is None else before - dots[-1].size


class ReturnTracker:
    """Follows the releases of a session, one at a time; what is freed while one is under way becomes part of it."""

    def __init__(self) -> None:
        self._expected: deque[Dot] = deque(maxlen=64)
        self._host: deque[Dot] = deque(maxlen=64)
        self._release: Release | None = None
        self._over = 0.0
        """When the last release ended, monotonic."""
        self._census: Reading[Census] = Unavailable("no process was read yet")
        self._scattered = 0
        self._events: tuple[Event, ...] = ()
        """What happened at the newest moment."""
        self.returning: Returning | None = None
        """The release that is under way."""

    def feed(self, moment: Moment, events: Iterable[Event], predicted: Prediction | None) -> tuple[Event, ...]:
        """Take the next moment.

        Args:
            moment: the newest moment.
            events: what happened at it.
            predicted: what was predicted for the act that is under way, if any.

        Returns:
            The event of a release that has come to its end; none otherwise.
        """
        sample, ledger = moment.sample, moment.ledger
        now = sample.monotonic
        earlier, self._events = self._events, tuple(events)
        expected = None if isinstance(ledger, Unavailable) else ledger.expected_host
        if expected is None or isinstance(expected, Unavailable):
            self._release = self.returning = None
            self._expected.clear()
            return ()
        before = self._expected[-1] if self._expected else None
        self._note(moment, expected)
        fall = 0 if before is None else before.size - expected
        if self._release is None and before is not None and fall >= STEP and not self._was_in_report():
            self._release = Release(
                before.time,
                self._expected,
                self._host,
                earliest=self._over,
                census=self._census,
                scattered=self._scattered,
            )
        self._scattered = scattered_free(moment)
        if not isinstance(sample.census, Unavailable):
            self._census = sample.census
        release = self._release
        if release is None:
            return ()
        # A hog may be gone in the last sample before its memory shows as free.
        caused = self._events if release.first < now else (*earlier, *self._events)
        return self._follow(release, moment, fall, caused, predicted, now)

    def _was_in_report(self) -> bool:
        """Whether the newest fall only undoes a rise of the sample before, as a pass of reporting makes one."""
        levels = [dot.size for dot in self._expected][-3:]
        return len(levels) == 3 and STEP <= levels[1] - levels[0] <= IN_REPORT and levels[0] - levels[2] < STEP

    def _note(self, moment: Moment, expected: int) -> None:
        release = self._release
        for dots in (self._expected, *((release.expected,) if release else ())):
            dots.append(Dot(moment.sample.monotonic, expected))
        if not isinstance(moment.host, Unavailable):
            host = moment.host
            if not self._host or host.read_at > self._host[-1].time:
                self._host.append(Dot(host.read_at, host.working_set))
            if release:
                add_answer(release.host, host.read_at, host.working_set)

    def _follow(
        self,
        release: Release,
        moment: Moment,
        fall: int,
        events: Iterable[Event],
        predicted: Prediction | None,
        now: float,
    ) -> tuple[Event, ...]:
        if fall >= STEP:
            release.fell_at = now
        for event in events:
            freed = event.amounts.get("freed", 0) if event.kind == "hog" else 0
            release.freed += freed
            release.hogs += event.amounts.get("hogs", 1) if freed else 0
            cause = cause_of(event, release.hogs)
            if cause:
                release.causes[event.kind] = cause
            release.parted = release.parted or (freed > 0 and now > release.first)
        release.predicted = release.predicted or predicted
        release.follow(now)
        if release.taken_again(-fall) or release.rests(now):
            self._release = self.returning = None
            self._over = now
            return tell_release(release, moment, self._census)
        self.returning = show_release(release, moment.draining, now) if release.owed >= STEP else None
        return ()


def show_release(release: Release, draining: Reading[Draining], now: float) -> Returning:
    """A release as it stands; where all of it is back, nothing is left to wait for, whatever else is draining."""
    owed, got = release.owed, min(release.owed, release.got)
    left = None if isinstance(draining, Unavailable) or not draining.size else draining.seconds
    return Returning(
        cause=release.cause(),
        owed=owed,
        got=got,
        measured=release.measured,
        elapsed=max(0.0, now - release.began),
        left=None if got >= owed * ALL else left,
    )


def cause_of(event: Event, hogs: int) -> str:
    """What an event says about why memory was freed, as a clause; empty where it says nothing.

    ``hogs``: how many of ours have ended with it.
    """
    if event.kind == "hog" and event.amounts.get("freed"):
        return f"{hogs} hogs ended" if hogs > 1 else "a hog ended"
    if event.kind == "cache drop":
        return "the file cache was dropped"
    if event.kind == "compaction":
        return "memory was compacted"
    if event.kind == "proactive reclaim":
        return "WSL reclaimed file cache"
    return "the kernel killed a process for lack of memory" if event.kind == "oom kill" else ""


def tell_release(release: Release, moment: Moment, census: Reading[Census]) -> tuple[Event, ...]:
    """The event of a release that is over; none where it is too small to tell."""
    owed, unseen, cause = release.owed, release.unseen, release.cause()
    if owed + unseen < (WORTH_KNOWN if cause else WORTH):
        return ()
    cause = cause or ended_process(release.census, census, owed + unseen) or "memory was freed"
    measured = release.measured
    side = measure_return(release.watched, release.began, slack=owed // 20)
    if side is None:
        return ()
    # Windows' figure may fall by more for other reasons: no more counts than Linux has given.
    amounts = {"got": min(release.got, owed), "owed": owed}
    predicted = None if unseen or release.parted else release.predicted
    if unseen:
        amounts["unseen"] = unseen
    if not measured:
        amounts["unread"] = 1
    if predicted is not None:
        one = predicted
        amounts |= {"predicted": one.likely, "predicted_low": one.low, "predicted_high": one.high}
        amounts["within"] = int(one.holds(amounts["got"]))
    sample = moment.sample
    end = sample.monotonic if side.most is None else min(sample.monotonic, release.began + max(0.0, side.most.seconds))
    return (
        Event(
            kind="return",
            origin="wsltop",
            time=sample.time - (sample.monotonic - end),
            start=end,
            end=end,
            text=tell_return(side, amounts, cause, predicted, measured=measured)
            + tell_rest(amounts, min(release.freed - owed - unseen, scattered_free(moment) - release.scattered)),
            amounts=amounts,
        ),
    )


def tell_return(
    side: Returned, amounts: dict[str, int], cause: str, predicted: Prediction | None, *, measured: bool
) -> str:
    """``Windows got 2.0 GiB back in 8.7 s, half in 4.1 s (predicted 1.9 GiB): 4 hogs ended``."""
    size = format_size(amounts["got"])
    text = f"Windows got {size} back" if measured else f"Linux has {size} more free for Windows (Windows was not read)"
    if side.most is not None:
        text += f" in {format_duration(max(0.0, side.most.seconds))}"
    if side.half is not None:
        text += f", half in {format_duration(max(0.0, side.half.seconds))}"
    if predicted is not None:
        miss = predicted.tell_miss(amounts["got"])
        text += f" ({miss or f'predicted {format_size(predicted.likely)}'})"
    return f"{text}: {cause}"


def scattered_free(moment: Moment) -> int:
    """Free memory in blocks too small to be reported, in bytes; 0 where that is not known."""
    ledger = moment.ledger
    if isinstance(ledger, Unavailable) or isinstance(ledger.free_split, Unavailable):
        return 0
    return ledger.free_split.fragmented


def tell_rest(amounts: dict[str, int], scattered: int) -> str:
    """What of it stays, and why, as the end of a sentence; empty where that is little.

    ``scattered``: bytes that were freed too, in blocks too small to be reported.
    """
    owed = amounts["owed"]
    missing = owed - amounts["got"]
    text = ""
    if "unseen" in amounts:
        size = format_size(amounts["unseen"])
        text += f"; {size} more never showed in Windows' figure: freed too soon after it was taken"
    if missing >= max(WORTH_KNOWN, owed // 10):
        text += f"; {format_size(missing)} of {format_size(owed)} has not come back: Linux has offered it, Windows "
        text += "still holds it"
    if scattered >= max(WORTH_KNOWN, owed // 10):
        text += f"; {format_size(scattered)} more is free but scattered (c compacts it)"
    return text


def ended_process(before: Reading[Census], after: Reading[Census], size: int) -> str:
    """Which process or container that was there before a release and is gone after it held about as much."""
    if isinstance(before, Unavailable) or isinstance(after, Unavailable) or before.read_at >= after.read_at:
        return ""
    alive = {(one.pid, one.started) for one in after.holders.processes}
    gone = [one for one in before.holders.processes if (one.pid, one.started) not in alive and one.held >= STEP]
    if not gone or sum(one.held for one in gone) < size // 4:
        return ""
    largest = max(gone, key=lambda one: one.held)
    others = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
    return f"{clean(largest.name)} (pid {largest.pid}, {format_size(largest.held)}){others} ended"
