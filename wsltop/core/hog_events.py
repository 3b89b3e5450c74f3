"""Events of our own: of the hogs, told from two samples (started, filled, stopped at the floor, ended), and marks."""

from __future__ import annotations

from collections.abc import Iterator

from wsltop.core.event import Event
from wsltop.core.sample import Hog, HogEnded, Mark, Sample
from wsltop.core.units import format_duration, format_size


def tell_hogs(previous: Sample, current: Sample) -> tuple[Event, ...]:
    """The events of the hogs between two samples; hogs that did the same make one event."""
    return tuple(started_and_ended(previous, current))


def started_and_ended(previous: Sample, current: Sample) -> Iterator[Event]:
    """Yield what changed, in the order in which it happens to one hog."""
    known = {hog.id: hog for hog in previous.hogs}
    started = [hog for hog in current.hogs if hog.id not in known]
    if started:
        yield hog_event(current, "added", f"{tell_targets(started)} started", hogs=len(started))
    holding = [hog for hog in current.hogs if hog.status == "holding"]
    full = fills(previous) or any(was(known, hog) != "holding" for hog in holding)
    if holding and full and not fills(current):
        # One event for all that were started together: when the last of them is full.
        yield hog_event(current, "filled", f"{tell_resident(holding)}{tell_speed(holding)}", hogs=len(holding))
    for hog in current.hogs:
        if hog.status in ("floor", "failed") and was(known, hog) != hog.status:
            text = f"{hog.pid} stopped at {format_size(hog.resident)} of {format_size(hog.target)}: {hog.note}"
            yield hog_event(current, hog.status, text, level=4)
    yield from tell_ended(current)


def tell_ended(current: Sample) -> Iterator[Event]:
    """Yield the ends: those that we killed as one event, the others each with its cause."""
    killed = [ended for ended in current.hogs_ended if ended.how == "killed"]
    if killed:
        freed = sum(ended.resident for ended in killed)
        slowest = max(ended.teardown or 0.0 for ended in killed)
        who = f"{len(killed)} hogs" if len(killed) > 1 else f"hog {killed[0].pid}"
        text = f"{who} killed, {format_size(freed)} free again in {format_duration(slowest)}"
        yield hog_event(current, "killed", text, hogs=len(killed), freed=freed)
    for ended in current.hogs_ended:
        if ended.how != "killed":
            text = f"hog {ended.pid} ended with {format_size(ended.resident)}: {tell_cause(ended)}"
            yield hog_event(current, "ended", text, level=4, freed=ended.resident)


def tell_cause(ended: HogEnded) -> str:
    """Who or what ended it."""
    if ended.how == "oom":
        return "the OOM killer chose it"
    return f"killed by {ended.note} from outside" if ended.how == "signal" else ended.note


def fills(sample: Sample) -> bool:
    """Whether a hog was still taking memory."""
    return any(hog.status in ("starting", "filling") for hog in sample.hogs)


def was(known: dict[int, Hog], hog: Hog) -> str | None:
    """The status that ``hog`` had before, or None when it is new."""
    before = known.get(hog.id)
    return None if before is None else before.status


def tell_targets(hogs: list[Hog]) -> str:
    """``4 x 1.0 GiB anonymous``."""
    first = hogs[0]
    count = f"{len(hogs)} x " if len(hogs) > 1 else ""
    return f"{count}{format_size(first.target)} {tell_kind(first.kind, incompressible=first.incompressible)}"


def tell_kind(kind: str, *, incompressible: bool) -> str:
    """What a hog takes: ``cache``, ``incompressible`` (anonymous), ``incompressible shared``."""
    if not incompressible:
        return kind
    return "incompressible" if kind == "anonymous" else f"incompressible {kind}"


def tell_resident(hogs: list[Hog]) -> str:
    """``4 hogs hold 4.0 GiB``."""
    who = f"{len(hogs)} hogs hold" if len(hogs) > 1 else "1 hog holds"
    return f"{who} {format_size(sum(hog.resident for hog in hogs))}"


def tell_speed(hogs: list[Hog]) -> str:
    """The mean speed of one fill, where it is known."""
    speeds = [hog.speed for hog in hogs if hog.speed]
    each = " each" if len(speeds) > 1 else ""
    return f", filled at {format_size(sum(speeds) / len(speeds))}/s{each}" if speeds else ""


def hog_event(sample: Sample, what: str, text: str, *, level: int = 6, hogs: int = 1, freed: int = 0) -> Event:
    """An event of ours, at the sample that shows it; ``what`` tells the timeline's mark apart."""
    return Event(
        kind="hog",
        origin="wsltop",
        time=sample.time,
        start=sample.monotonic,
        end=sample.monotonic,
        text=text,
        level=level,
        amounts={what: 1, "hogs": hogs, "freed": freed},
    )


def mark_event(mark: Mark) -> Event:
    """The event that a mark of a sample tells of."""
    return Event(
        kind="mark",
        origin="wsltop",
        time=mark.time,
        start=mark.monotonic,
        end=mark.monotonic,
        text=mark.text,
        level=mark.level,
    )
