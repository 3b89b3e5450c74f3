"""The event log: events ordered by time, bounded in number, with repeats merged."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

from msgspec.structs import replace

from wsltop.core.events import TELLERS, cause_of_compaction, describe, times
from wsltop.model.sample import Event, Origin

MERGE_WITHIN: Final = 6.0
"""Seconds of silence after which the same thing is a new event."""
EACH_MINUTE: Final = 75.0
"""Seconds within which WSL's next compaction comes: each 30 s today, each minute until about 2022."""
MEMORY_LIMIT: Final = 1000
OTHER_LIMIT: Final = 1000
LINES_REMEMBERED: Final = 512
"""Different lines of the kernel log of which a repeat is recognized."""
LOG_ORIGINS: Final = frozenset({"kmsg", "dmesg", "journal"})
START: Final = attrgetter("start")
Key: TypeAlias = tuple[str, str, str]
"""Origin, kind, and what else must be the same for two events to be one."""


class EventLog:
    """Events in time order: those about memory, and all of them.

    Each view has its own limit, so a flood of other lines never pushes out what is about memory. The
    view of memory is always part of the view of everything.
    """

    def __init__(
        self,
        *,
        memory_limit: int = MEMORY_LIMIT,
        other_limit: int = OTHER_LIMIT,
        merge_within: float = MERGE_WITHIN,
    ) -> None:
        self._memory_limit = memory_limit
        self._other_limit = other_limit
        self.merge_within = merge_within
        """Seconds between two events of the same kind that are one."""
        self._all: list[Event] = []
        self._memory: list[Event] = []
        self._counted: dict[Key, Event] = {}
        self._lines: OrderedDict[Key, Event] = OrderedDict()
        self._versions = {True: 0, False: 0}
        self._views: dict[bool, tuple[Event, ...]] = {}

    @property
    def apart(self) -> float:
        """Seconds of silence after which a compaction is a second one, and a line of the log tells of another act."""
        return self.merge_within / APART

    def add(self, events: Iterable[Event]) -> None:
        """Take events in, in any order."""
        for event in events:
            self._take(event)
            if len(self._all) > 2 * (self._memory_limit + self._other_limit):
                self._trim()
        self._trim()

    def lost(self, count: int, *, time: float, monotonic: float, origin: Origin) -> None:
        """Take in that lines of the kernel log were lost before they were read."""
        if count > 0:
            amounts = {"lost": count}
            text = describe("log", amounts, 0.0)
            start = end = monotonic
            event = Event(
                kind="log", origin=origin, time=time, start=start, end=end, text=text, level=4, amounts=amounts
            )
            self.add([event])

    def events(self, everything: bool = False) -> tuple[Event, ...]:
        """All events in time order, or those about memory; the same object until something changes."""
        view = self._views.get(everything)
        if view is None:
            view = self._views[everything] = tuple(self._all if everything else self._memory)
        return view

    def version(self, everything: bool = False) -> int:
        """A number that changes whenever the view does."""
        return self._versions[everything]

    def between(self, start: float, end: float, everything: bool = False) -> tuple[Event, ...]:
        """The events that touch a span of monotonic time, both ends included."""
        return between(self._all if everything else self._memory, start, end)

    def _take(self, event: Event) -> None:
        keys = merge_keys(event)
        known = self._lines if is_line(event) else self._counted
        for key in keys:
            last = known.get(key)
            if last is not None and last.start <= event.start <= last.end + self._patience(last, event):
                merged = merge(last, event, apart=self.apart)
                if self._replace(last, merged):
                    del known[key]
                    self._remember(merged)
                    return
        self._insert(event)
        if keys:
            self._remember(event)

    def _patience(self, last: Event, event: Event) -> float:
        """Seconds after ``last`` within which ``event`` is the same thing again.

        WSL compacts every 30 s or minute for hours: as long as nothing else happens to memory that is one line.
        """
        again = is_line(event) or (last.amounts.get("requested") and event.amounts.get("requested"))
        if event.kind != "compaction" or not again:
            return self.merge_within
        place = find(self._memory, last)
        later = self._memory[place + 1 :] if place is not None else ()
        return max(self.merge_within, EACH_MINUTE if all(one.kind == "compaction" for one in later) else 0.0)

    def _remember(self, event: Event) -> None:
        key = merge_keys(event)[0]
        if not is_line(event):
            self._counted[key] = event
            return
        self._lines[key] = event
        self._lines.move_to_end(key)
        if len(self._lines) > LINES_REMEMBERED:
            self._lines.popitem(last=False)

    def _insert(self, event: Event) -> None:
        for view in (self._all, self._memory) if event.memory else (self._all,):
            if not view or view[-1].start <= event.start:
                view.append(event)
            else:
                insort(view, event, key=START)
        self._changed(memory=event.memory)

    def _replace(self, old: Event, new: Event) -> bool:
        """Put an event that starts at the same time in another's place; False when the old one is no longer held."""
        for view in (self._all, self._memory) if old.memory else (self._all,):
            place = find(view, old)
            if place is None:
                return False
            view[place] = new
        self._changed(memory=old.memory)
        return True

    def _trim(self) -> None:
        """Drop the oldest of what is too much. Whoever calls has just inserted, so the versions have changed."""
        excess_memory = max(0, len(self._memory) - self._memory_limit)
        excess_other = max(0, len(self._all) - len(self._memory) - self._other_limit)
        if not excess_memory and not excess_other:
            return
        del self._memory[:excess_memory]
        kept = []
        for event in self._all:
            if event.memory and excess_memory:
                excess_memory -= 1
            elif not event.memory and excess_other:
                excess_other -= 1
            else:
                kept.append(event)
        self._all = kept

    def _changed(self, *, memory: bool) -> None:
        self._versions[True] += 1
        self._views.pop(True, None)
        if memory:
            self._versions[False] += 1
            self._views.pop(False, None)


def between(events: Sequence[Event], start: float, end: float) -> tuple[Event, ...]:
    """Those of sorted events that touch a span of monotonic time, both ends included."""
    return tuple(event for event in events[: bisect_right(events, end, key=START)] if event.end >= start)


def is_line(event: Event) -> bool:
    """Whether an event is a line of the kernel log, as opposed to figures that add up."""
    return event.origin in LOG_ORIGINS and "lost" not in event.amounts


def merge_keys(event: Event) -> tuple[Key, ...]:
    """The keys of events that this one may go on, its own key first; none when it stands for itself."""
    if is_line(event):
        return ((event.origin, event.kind, first_text(event)),)
    if event.origin in LOG_ORIGINS:
        return ((event.origin, event.kind, "lost"),)
    if event.origin != "vmstat" or event.kind not in TELLERS:
        return ()
    if event.kind != "compaction":
        return ((event.origin, event.kind, ""),)
    # Whose wish a compaction was shows only when a pass ends: until then it may belong to any, and any to it.
    cause = cause_of_compaction(event.amounts)
    others = ("requested", "kernel", "unknown") if cause == "running" else ("running",)
    return tuple((event.origin, event.kind, one) for one in (cause, *others))


APART: Final = 2.4
"""A part of the time within which events merge: a compaction that comes later than that is another one."""


def merge(last: Event, event: Event, *, apart: float) -> Event:
    """Make one event of two: the end of the later, the amounts together, a new text.

    ``apart``: seconds of silence after which a compaction is a second one, and counted.
    """
    end = max(last.end, event.end)
    if is_line(last):
        repeats = last.amounts.get("repeats", 0) + event.amounts.get("repeats", 0) + 1
        text = f"{first_text(last)} (repeated {times(repeats)})"
        return replace(last, end=end, text=text, amounts={"repeats": repeats})
    amounts = dict(last.amounts)
    for name, amount in event.amounts.items():
        amounts[name] = amounts.get(name, 0) + amount
    again = last.kind == "compaction" and last.amounts.get("requested") and event.amounts.get("requested")
    if again and event.start - last.end > apart:
        amounts["repeats"] = amounts.get("repeats", 0) + 1
    text = describe(last.kind, amounts, end - last.start)
    return replace(last, end=end, text=text, level=min(last.level, event.level), amounts=amounts)


def first_text(event: Event) -> str:
    """The text of a line without the count of its repeats."""
    repeats = event.amounts.get("repeats")
    return event.text.removesuffix(f" (repeated {times(repeats)})") if repeats else event.text


def find(events: list[Event], event: Event) -> int | None:
    """Where in a sorted list this very event is."""
    for place in range(bisect_left(events, event.start, key=START), len(events)):
        if events[place] is event:
            return place
        if events[place].start > event.start:
            break
    return None
