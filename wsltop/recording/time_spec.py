"""Places in a recording as people write them: -5m, 50%, 14:03, end, +30s."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from wsltop.model.text import SECONDS_IN
from wsltop.recording.timeline_index import SampleLog, first_good

TIME_EXAMPLES: Final = (
    "-5m (before the end), 90s (after the start), 50%, 14:03, 14:03:20, 2026-11-22 14:03, start or end"
)
STEP: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|min|m|h|d)", re.ASCII)
SPAN: Final = re.compile(rf"(-?)\s*(\d{{1,6}}(?:\.\d{{1,9}})?|(?:{STEP.pattern}\s*)+)", re.ASCII)
PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)\s*%", re.ASCII)
CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?", re.ASCII)
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?", re.ASCII)


def parse_wall_clock(text: str, earliest: float, latest: float) -> float:
    """The wall clock, seconds since the epoch, that ``14:03`` or ``2026-11-22 14:03`` means in a recording.

    A time without seconds means the whole minute, of which the recording may have only a part. A time without a date
    is the last such time in the recording.

    Raises:
        ValueError: it is no time, or the recording does not have it; the message gives examples.
    """
    word = " ".join(text.split()).upper()
    if (match := CLOCK.fullmatch(word)) is not None:
        times = clock_times(match, earliest, latest)
    elif DATE.fullmatch(word) is not None:
        times = [date_time(word)]
    else:
        raise ValueError(f"{text!r} is not a position; try {TIME_EXAMPLES}")
    for begin, length in times:
        if begin <= latest and begin + length > earliest:
            return max(begin, earliest)
    raise ValueError(f"{text!r} is not in the recording, which goes from {show(earliest)} to {show(latest)}")


def span_seconds(text: str) -> float:
    """Seconds of ``90``, ``90s`` or ``1h30m``."""
    steps = STEP.findall(text)
    return sum(float(number) * SECONDS_IN[unit] for number, unit in steps) if steps else float(text)


def clock_times(match: re.Match[str], start: float, end: float) -> list[tuple[float, float]]:
    """When a time of day was on each day of the recording, the last day first, and for how many seconds."""
    hour, minute, second = int(match[1]), int(match[2]), float(match[3] or 0)
    if hour > 23 or minute > 59 or second >= 60:
        raise ValueError(f"{match[0]!r} is not a time of day; try 14:03 or 14:03:20")
    length = 60.0 if match[3] is None else 1.0
    first, last = day_of(start), day_of(end)
    days = [last - timedelta(days=back) for back in range(min((last - first).days, 366) + 1)]
    offset = timedelta(hours=hour, minutes=minute, seconds=second)
    return [((datetime(day.year, day.month, day.day) + offset).timestamp(), length) for day in days]


FRACTION: Final = re.compile(r"\.\d{1,6}$")
"""Python 3.10 takes three or six digits only."""
ZULU: Final = re.compile("Z$")
"""And no letter for UTC."""


def date_time(text: str) -> tuple[float, float]:
    """When a date, with or without a time, begins, and how many seconds it names: a day, a minute or a second."""
    try:
        moment = datetime.fromisoformat(FRACTION.sub(lambda found: found[0].ljust(7, "0"), ZULU.sub("+00:00", text)))
        begin = moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is not a date; try 2026-11-22 or 2026-11-22 14:03:20") from None
    if len(text) == len("2026-11-22"):
        return begin, 86400.0
    return begin, 1.0 if text.count(":", 0, len("2026-11-22T14:03:20")) == 2 else 60.0


def day_of(when: float) -> date:
    """The local day."""
    return datetime.fromtimestamp(when).date()


def show(when: float) -> str:
    """A wall clock, to the second."""
    return f"{datetime.fromtimestamp(when):%Y-%m-%d %H:%M:%S}"


RELATIVE: Final = re.compile(r"(\+|back\s)\s*(.+)")
EXAMPLES: Final = f"+30s or back 30s (from here), {TIME_EXAMPLES}"
"""Examples of every kind of place."""


class Place(Struct, frozen=True, kw_only=True):
    """Where the replay is."""

    number: int
    """Number of the sample, from 0."""
    count: int
    seconds: float
    """Since the first sample, by the clock of the samples."""
    total: float
    """Seconds from the first sample to the last."""
    time: float
    """Wall clock, seconds since the epoch."""

    @property
    def share(self) -> float:
        """The share of the recording's time before the place, 0 to 1."""
        return min(1.0, self.seconds / self.total) if self.total > 0 else 1.0


def find_place(text: str, log: SampleLog, here: float) -> int:
    """The number of the sample that ``text`` means, by the recording's own clock unless it is a time of day.

    ``start`` and ``end``; ``50%`` of the time; ``90s`` after the start, ``-5m`` before the end, ``+30s`` and
    ``back 30s`` from here; ``14:03``, ``2026-11-22 14:03``. A span that leads out of the recording ends at its edge.

    Args:
        text: what a user wrote.
        log: the recording.
        here: monotonic time of the sample where the replay is.

    Raises:
        ValueError: it is no place, or the recording does not have it; the message gives examples.
    """
    word = " ".join(text.split()).lower()
    if word in ("start", "end"):
        return 0 if word == "start" else log.count - 1
    first = first_good(log, range(log.count)).monotonic
    last = first_good(log, range(log.count - 1, -1, -1)).monotonic
    if (match := PERCENT.fullmatch(word)) is not None and float(match[1]) <= 100:
        return log.index_at_monotonic(first + (last - first) * float(match[1]) / 100)
    if (match := RELATIVE.fullmatch(word)) is not None:
        span = SPAN.fullmatch(match[2].strip())
        if span is None or span[1]:
            raise ValueError(f"{text!r} is not a position; try {EXAMPLES}")
        seconds = span_seconds(span[2])
        return log.index_at_monotonic(here + (seconds if match[1] == "+" else -seconds))
    if (match := SPAN.fullmatch(word)) is not None:
        seconds = span_seconds(match[2])
        return log.index_at_monotonic(last - seconds if match[1] else first + seconds)
    try:
        when = parse_wall_clock(text, *log.times)
    except (OverflowError, OSError):
        raise ValueError(f"{text!r} cannot be found: the clock of this recording is wrong") from None
    return log.index_at(when)
