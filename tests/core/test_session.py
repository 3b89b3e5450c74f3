"""A session: samples in; the moment, the past and the events out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.samples import GIB, MIB, MONOTONIC, ended, hog, host_memory, later, meminfo, nothing, record, small_sample
from wsltop.core.history import Point
from wsltop.core.ledger import Ledger
from wsltop.core.moment import HOST_FRESH, chart_point, fresh_host, has_moved, host_age, interpret
from wsltop.core.session import Session
from wsltop.model.sample import (
    WAITING,
    Counters,
    HostMemory,
    KernelLog,
    Mark,
    Reading,
    ReportingOrder,
    Sample,
    Unavailable,
)


def counters(taken: Sample, **by: int) -> Counters:
    assert isinstance(taken.counters, Counters)
    values = dict(taken.counters.values)
    for name, amount in by.items():
        values[name] = values.get(name, 0) + amount
    return Counters(values=values)


def logged(taken: Sample, *texts: str, lost: int = 0, ago: float = 0.5) -> Sample:
    records = tuple(record(text, monotonic=taken.monotonic - ago) for text in texts)
    return replace(taken, kernel_log=KernelLog(origin="kmsg", records=records, lost=lost))


def kinds(session: Session, *, everything: bool = False) -> list[str]:
    return [event.kind for event in session.journal.events(everything)]


def test_a_sample_becomes_the_moment_and_a_point() -> None:
    session, taken = Session(1.0), small_sample(host=host_memory())
    point = session.take(taken)
    assert point == Point(MONOTONIC, 2000 * MIB, 5000 * MIB, 6 * GIB, 7600 * MIB)
    assert session.moment is not None
    assert session.moment.sample is taken
    assert list(session.history.since(0.0)) == [point]
    assert session.samples == 1


def test_without_a_guest_there_is_a_moment_and_no_point() -> None:
    session = Session(1.0)
    assert session.take(nothing()) is None
    assert session.moment is not None
    assert isinstance(session.moment.ledger, Unavailable)
    assert isinstance(session.moment.lent, Unavailable)
    assert list(session.history.since(0.0)) == []
    assert session.samples == 1


def test_a_guest_that_comes_and_goes_leaves_a_gap_and_no_zero() -> None:
    session, taken = Session(1.0), small_sample()
    points = [session.take(one) for one in (taken, later(nothing(), 1.0), later(taken, 2.0))]
    assert [point is None for point in points] == [False, True, False]
    assert [point.used for point in session.history.since(0.0)] == [2000 * MIB] * 2


@pytest.mark.parametrize(("interval", "age"), [(1.0, HOST_FRESH), (0.2, HOST_FRESH), (10.0, 30.0), (60.0, 180.0)])
def test_a_host_reading_that_is_too_old_is_not_the_present(interval: float, age: float) -> None:
    fresh = small_sample(host=host_memory(read_at=MONOTONIC - age))
    stale = small_sample(host=host_memory(read_at=MONOTONIC - age - 0.1))
    assert fresh_host(fresh, interval) == fresh.host
    moment = interpret(stale, interval)
    assert moment.host == Unavailable(f"the last answer of the host is {age + 0.1:.0f} s old")
    assert not isinstance(moment.lent, Unavailable)
    assert not moment.lent.measured
    point = chart_point(moment)
    assert point is not None
    assert point.host is None
    assert point.expected == 7600 * MIB


def test_the_age_of_a_host_reading_is_never_negative() -> None:
    assert host_age(small_sample(host=host_memory(read_at=MONOTONIC - 3.0))) == 3.0
    assert host_age(small_sample(host=host_memory(read_at=MONOTONIC + 1.0))) == 0.0
    assert host_age(small_sample()) is None


def test_a_missing_host_keeps_its_own_reason() -> None:
    taken = small_sample()
    assert interpret(taken, 1.0).host is taken.host


def test_used_and_cache_of_a_point_end_where_free_memory_begins() -> None:
    taken = small_sample(meminfo=meminfo(available=1000 * MIB))
    point = chart_point(interpret(taken, 1.0))
    assert point is not None
    assert point.used + point.cache == 7000 * MIB  # 1000 are free


def test_an_unknown_expectation_is_none_in_the_chart() -> None:
    point = chart_point(interpret(small_sample(zones=Unavailable("gone")), 1.0))
    assert point is not None
    assert point.expected is None


def test_counters_hogs_and_the_log_all_become_events() -> None:
    session, first = Session(1.0), small_sample()
    session.take(first)
    second = later(first, counters=counters(first, drop_pagecache=1), hogs=(hog(1, status="filling"),))
    session.take(logged(second, "WSL2: Performing memory compaction."))
    assert sorted(kinds(session)) == ["cache drop", "compaction", "hog"]
    session.take(later(second, hogs=(), hogs_ended=(ended(1),)))
    assert kinds(session).count("hog") == 2


def test_the_first_sample_tells_of_no_change() -> None:
    session = Session(1.0)
    session.take(small_sample(hogs=(hog(),)))
    assert kinds(session, everything=True) == []


def test_lines_of_the_log_from_before_the_start_are_told_too() -> None:
    session = Session(1.0)
    session.take(logged(small_sample(), "mini_init (175): drop_caches: 1", ago=100.0))
    (event,) = session.journal.events()
    assert event.kind == "cache drop"
    assert event.start == pytest.approx(MONOTONIC - 100.0)


def test_lost_lines_are_told_as_lost() -> None:
    session = Session(1.0)
    session.take(logged(small_sample(), lost=14))
    (event,) = session.journal.events(everything=True)
    assert event.text == "14 kernel messages lost"


def test_an_unreadable_log_costs_only_the_log() -> None:
    session, first = Session(1.0), small_sample(kernel_log=Unavailable("not permitted"))
    session.take(first)
    session.take(later(first, counters=counters(first, drop_slab=1)))
    assert kinds(session) == ["cache drop"]


@pytest.mark.parametrize("interval", [0.2, 1.0, 5.0, 60.0])
def test_the_same_thing_at_every_tick_is_one_event(interval: float) -> None:
    session, taken = Session(interval), small_sample()
    session.take(taken)
    for _ in range(5):
        taken = later(taken, interval)
        taken = replace(taken, counters=counters(taken, pswpout=100))
        session.take(taken)
    (event,) = session.journal.events()
    assert event.amounts["out"] == 500 * 4096


def test_events_of_hogs_are_each_told_alone() -> None:
    session, taken = Session(1.0), small_sample()
    session.take(taken)
    for number in range(1, 4):
        taken = later(taken, hogs=tuple(hog(one, status="filling") for one in range(1, number + 1)))
        session.take(taken)
    assert kinds(session) == ["hog"] * 3


def test_a_moment_holds_what_the_sample_means() -> None:
    moment = interpret(small_sample(host=host_memory()), 1.0)
    assert isinstance(moment.ledger, Ledger)
    assert isinstance(moment.host, HostMemory)
    assert not isinstance(moment.lent, Unavailable)
    assert moment.lent.size - moment.lent.used == 6 * GIB - 2000 * MIB


def test_what_wsltop_did_is_told_at_its_own_time() -> None:
    session, taken = Session(1.0), small_sample()
    session.take(taken)
    mark = Mark(time=taken.time + 0.3, monotonic=taken.monotonic + 0.3, text="compact was started here", level=4)
    session.take(later(taken, marks=(mark,)))
    (event,) = session.journal.events()
    assert (event.kind, event.origin, event.text, event.level) == ("mark", "wsltop", mark.text, 4)
    assert (event.time, event.start, event.end) == (mark.time, mark.monotonic, mark.monotonic)


def with_order(taken: Sample, order: int) -> Sample:
    return replace(taken, reporting=ReportingOrder(order=order, assumed=False))


def expected(session: Session) -> tuple[Reading[int], Reading[int]]:
    assert session.moment is not None
    ledger = session.moment.ledger
    assert not isinstance(ledger, Unavailable)
    return ledger.expected_host, ledger.expected_most


def test_after_the_reporting_order_was_changed_the_host_is_known_from_above_only() -> None:
    """vm-truth F8: "Windows has trimmed 3.7 GiB" was told, and nothing was trimmed."""
    session, taken = Session(1.0), with_order(small_sample(), 9)
    session.take(taken)
    before, most = expected(session)
    assert before == most
    for order in (11, 5):
        taken = with_order(later(taken), order)
        session.take(taken)
        known, bound = expected(session)
        assert isinstance(known, Unavailable)
        assert isinstance(bound, int)
        assert isinstance(before, int)
        assert bound >= before


def test_a_lowered_order_is_in_force_a_minute_after_a_block_of_its_size_was_freed() -> None:
    session, taken = Session(1.0), with_order(small_sample(), 9)
    session.take(taken)
    taken = with_order(later(taken), 5)
    session.take(taken)
    for _ in range(70):
        taken = later(taken)
        session.take(taken)
    assert isinstance(expected(session)[0], Unavailable)
    assert not isinstance(taken.free_blocks, Unavailable)
    (zone, *others) = taken.free_blocks
    more = replace(zone, counts=(*zone.counts[:5], zone.counts[5] + 8, *zone.counts[6:]))
    taken = replace(taken, free_blocks=(more, *others))
    for _ in range(62):
        taken = later(taken)
        session.take(taken)
    assert isinstance(expected(session)[0], int)


def test_an_order_that_reports_nothing_makes_the_host_unknown_whatever_the_log_says() -> None:
    lines = KernelLog(origin="kmsg", records=(record("Free page reporting enabled"),))
    session = Session(1.0)
    session.take(with_order(small_sample(kernel_log=lines), 11))
    known, most = expected(session)
    assert isinstance(known, Unavailable)
    assert isinstance(most, int)


def test_what_is_found_does_not_wait_once_windows_has_answered() -> None:
    """Else a watch begins with a note that Windows has not answered, seconds after it has."""
    session = Session(1.0)
    on_wsl = small_sample(host=WAITING, surroundings=replace(small_sample().surroundings, flavor="wsl2"))
    session.take(on_wsl)
    assert "host-unreadable" in [finding.id for finding in session.findings]
    session.take(replace(later(on_wsl, 1.0), host=host_memory()))
    assert "host-unreadable" not in [finding.id for finding in session.findings]


def test_a_figure_has_moved_when_it_is_seen_to() -> None:
    moment = interpret(small_sample(host=host_memory(available=3 * GIB)), 1.0)
    ledger, host = moment.ledger, moment.host
    assert not isinstance(ledger, Unavailable)
    assert not isinstance(host, Unavailable)

    def moved(shared: int, available: int) -> bool:
        other = replace(ledger, shared=ledger.shared + shared)
        return has_moved(moment, replace(moment, ledger=other, host=replace(host, available=3 * GIB + available)))

    assert not moved(0, 0)
    assert not moved(7 * MIB, 0)
    assert moved(9 * MIB, 0)
    assert not moved(0, 30 * MIB)  # of 3 GiB
    assert moved(0, -31 * MIB)


@pytest.mark.parametrize("what", ["ledger", "host", "free_split", "expected_host"])
def test_a_figure_that_is_no_longer_known_has_moved(what: str) -> None:
    moment = interpret(small_sample(host=host_memory()), 1.0)
    gone = Unavailable("gone")
    if what in ("ledger", "host"):
        blind = replace(moment, **{what: gone})
    else:
        assert not isinstance(moment.ledger, Unavailable)
        blind = replace(moment, ledger=replace(moment.ledger, **{what: gone}))
    assert has_moved(moment, blind)
    assert has_moved(blind, moment)
    assert not has_moved(blind, blind)


def test_a_long_kernel_log_keeps_its_times_although_it_comes_in_pieces() -> None:
    """The rest of it came with the second sample, and seemed to have been written since the first."""
    session, taken = Session(1.0), small_sample()
    first = logged(taken, "Out of memory: Killed process 7 (a)", ago=900.0)
    assert isinstance(first.kernel_log, KernelLog)
    session.take(replace(first, kernel_log=replace(first.kernel_log, more=True)))
    session.take(logged(later(taken, 1.0), "Out of memory: Killed process 8 (b)", ago=600.0))
    session.take(logged(later(taken, 2.0), "Out of memory: Killed process 9 (c)", ago=300.0))
    starts = [round(event.start - MONOTONIC) for event in session.journal.events() if event.kind == "oom kill"]
    assert starts == [-900, -599, 1]


def test_the_figures_of_findings_follow_the_bars_and_their_choice_does_not_flicker() -> None:
    session, taken = Session(1.0), small_sample(host=host_memory())
    session.take(taken)
    first = session.findings
    assert first
    assert isinstance(taken.host, HostMemory)
    more = replace(taken.host, working_set=taken.host.working_set + 300 * MIB)
    session.take(replace(later(taken, 1.0), host=replace(more, read_at=taken.monotonic + 1.0)))
    assert [(one.id, one.severity) for one in session.findings] == [(one.id, one.severity) for one in first]
    assert session.findings != first
    second = session.findings
    session.take(replace(later(taken, 2.0), host=replace(more, read_at=taken.monotonic + 2.0)))
    assert session.findings is second
