"""When wsltop rests: neither a key nor a movement that could be drawn, for a while."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.ui.worlds import HOST, MEMINFO, SAMPLE
from wsltop.core.moment import Moment, interpret
from wsltop.core.quiet import PATIENCE, QUIET_INTERVAL, Quiet
from wsltop.model.sample import Unavailable
from wsltop.model.text import GIB, MIB

HUNDREDTH = MEMINFO.total // 100


def moment(second: float, *, used: int = 0, cached: int = 0, host: int | None = 0) -> Moment:
    """The known machine after some seconds, with so much more used, cached and lent."""
    meminfo = replace(
        MEMINFO,
        free=MEMINFO.free - used - cached,
        available=5 * GIB - used,
        anon_pages=MEMINFO.anon_pages + used,
        cached=MEMINFO.cached + cached,
    )
    now = SAMPLE.monotonic + second
    return interpret(
        replace(
            SAMPLE,
            monotonic=now,
            meminfo=meminfo,
            host=Unavailable("gone")
            if host is None
            else replace(HOST, working_set=HOST.working_set + host, read_at=now),
        ),
        1.0,
    )


def seconds_until_quiet(quiet: Quiet, start: float = 0.0) -> float:
    for second in range(200):
        if quiet.feed(moment(start + second), events=0, busy=False):
            return float(second)
    raise AssertionError("never quiet")


def test_it_rests_after_a_minute_without_key_and_movement() -> None:
    assert seconds_until_quiet(Quiet(PATIENCE)) == PATIENCE


def test_without_patience_it_never_rests_by_itself_but_when_told() -> None:
    quiet = Quiet(None)
    assert not any(quiet.feed(moment(second), events=0, busy=False) for second in range(1000))
    quiet.rest()
    assert quiet.feed(moment(1000), events=0, busy=False)


@pytest.mark.parametrize("name", ["used", "cached", "host"])
def test_what_could_be_drawn_ends_the_rest_and_what_could_not_does_not(name: str) -> None:
    quiet = Quiet(PATIENCE)
    seconds_until_quiet(quiet)
    assert quiet.feed(moment(64, **{name: HUNDREDTH - MIB}), events=0, busy=False)
    assert not quiet.feed(moment(68, **{name: HUNDREDTH + MIB}), events=0, busy=False)
    levels = {name: HUNDREDTH + MIB}
    assert not quiet.feed(moment(68 + PATIENCE - 1, **levels), events=0, busy=False)
    assert quiet.feed(moment(68 + PATIENCE, **levels), events=0, busy=False)


def test_what_creeps_is_seen_when_it_has_come_far_enough() -> None:
    quiet = Quiet(PATIENCE)
    start = seconds_until_quiet(quiet)
    step = HUNDREDTH // 10
    rested = [quiet.feed(moment(start + 4 * n, used=n * step), events=0, busy=False) for n in range(1, 13)]
    assert rested[:9] == [True] * 9
    assert False in rested[9:]


def test_an_event_a_lost_host_and_something_that_goes_on_end_the_rest() -> None:
    for change in ({"events": 1, "busy": False}, {"events": 0, "busy": True}):
        quiet = Quiet(PATIENCE)
        seconds_until_quiet(quiet)
        assert not quiet.feed(moment(64), **change)  # type: ignore[arg-type]
    quiet = Quiet(PATIENCE)
    seconds_until_quiet(quiet)
    assert not quiet.feed(moment(64, host=None), events=0, busy=False)


def test_a_key_ends_the_rest_for_another_minute() -> None:
    for told in (False, True):
        quiet = Quiet(PATIENCE)
        seconds_until_quiet(quiet)
        if told:
            quiet.rest()
        quiet.touch()
        assert not quiet.feed(moment(64), events=0, busy=False)
        assert seconds_until_quiet(quiet, 65.0) == PATIENCE - 1


def test_events_are_seen_within_five_seconds() -> None:
    assert QUIET_INTERVAL < 5.0
