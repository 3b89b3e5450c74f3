"""Bookmarks: a session that was left goes on as if nobody had, and following leads to where taking does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from tests.samples import MIB, MONOTONIC, later, meminfo, sample
from wsltop.core import session as bookmark
from wsltop.core.history import History, Ring
from wsltop.core.session import Bookmark, Session
from wsltop.model.sample import Counters, CpuTimes, Sample


def times(second: int) -> CpuTimes:
    """A machine of two CPUs that is busy now and then."""
    busy = 60000 + second // 3
    total = int(MONOTONIC + second) * 200
    return CpuTimes(
        user=busy, nice=0, system=0, idle=total - busy, iowait=0, irq=0, softirq=0, steal=0, cpus=2, boot_time=1
    )


def life(count: int) -> Iterator[Sample]:
    """A run on WSL in which memory grows and shrinks, caches are dropped and memory is compacted."""
    one = sample()
    surroundings = replace(one.surroundings, flavor="wsl2")
    assert isinstance(one.counters, Counters)
    for second in range(count):
        values = one.counters.values | {"drop_pagecache": second // 40, "compact_stall": second // 25}
        changes: dict[str, Any] = {
            "counters": Counters(values=values),
            "meminfo": meminfo(anon_pages=(500 + second % 70) * MIB),
            "cpu": times(second),
            "surroundings": surroundings,
        }
        one = later(one, 1.0, **changes)
        yield one


def told(session: Session) -> tuple[object, ...]:
    """All that a screen shows of a session."""
    return (
        session.moment,
        session.insight,
        session.findings,
        tuple(session.outcomes.settled),
        session.outcomes.shares,
        session.journal.events(True),
        list(session.history.since(0.0)),
        session.samples,
    )


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 1, 57, 150])
def test_what_goes_on_from_a_bookmark_ends_as_if_it_had_never_stopped(left: int) -> None:
    samples = list(life(200))
    session = Session(1.0)
    for one in samples[:left]:
        session.take(one)
    mark = Bookmark(session)
    for one in samples[left:]:
        session.take(one)
    assert session.insight.gates, "the gates are part of what is compared"
    end = told(session)
    for _ in range(2):
        again = mark.open()
        for one in samples[left:]:
            again.take(one)
        assert told(again) == end
    assert told(session) == end


@pytest.mark.parametrize("length", [6, 60, 200])
def test_to_follow_and_then_to_take_shows_what_taking_shows(length: int) -> None:
    taken, followed = Session(1.0), Session(1.0)
    samples = list(life(length))
    for place, one in enumerate(samples):
        taken.take(one)
        if place < length - 5:
            followed.take(one, shown=False)
        else:
            followed.take(one)
    assert told(followed) == told(taken)


def parts(value: object, seen: set[int]) -> Iterator[object]:
    """Everything in a session that has attributes and is no struct."""
    if id(value) in seen or isinstance(value, (Struct, type)):
        return
    seen.add(id(value))
    if isinstance(value, dict):
        for part in value.values():
            yield from parts(part, seen)
    elif hasattr(value, "__dict__"):
        yield value
        for part in vars(value).values():
            yield from parts(part, seen)
    elif not isinstance(value, str) and hasattr(value, "__iter__"):
        for part in value:
            yield from parts(part, seen)


def test_everything_that_changes_in_a_session_is_copied() -> None:
    session = Session(1.0)
    for one in life(60):
        session.take(one)
    kinds = {type(part) for part in parts(session, set())}
    assert Session in kinds
    assert kinds - {History, Ring} <= set(bookmark.CHANGING)


def test_a_history_until_then_is_the_history_of_then() -> None:
    long = History(1.0, 7200.0)
    now: dict[int, list[object]] = {}
    seen = History(1.0)
    session = Session(1.0)
    for second, one in enumerate(life(1300)):
        session.take(one, shown=False)
        point = next(session.history.since(one.monotonic))
        long.add(point)
        seen.add(point)
        if second in (0, 3, 700, 1100):
            now[second] = list(seen.since(0.0))
    for second, points in now.items():
        assert list(long.until(MONOTONIC + 1 + second).since(0.0)) == points
