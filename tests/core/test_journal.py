"""The list of events: in order, bounded, with what goes on told once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsltop.core.event_log import EventLog
from wsltop.core.events import counted_event
from wsltop.model.sample import Event, EventKind, Origin

MIB = 1024**2


def counted(kind: EventKind, start: float, **amounts: int) -> Event:
    return counted_event(kind, amounts, time=start + 1000, monotonic=start)


def line(text: str, start: float, *, memory: bool = False, kind: EventKind = "log", origin: Origin = "kmsg") -> Event:
    return Event(kind=kind, origin=origin, time=start + 1000, start=start, end=start, text=text, memory=memory)


def journal_of(*events: Event) -> EventLog:
    journal = EventLog()
    journal.add(events)
    return journal


def texts(journal: EventLog, everything: bool = True) -> list[str]:
    return [event.text for event in journal.events(everything)]


def test_what_goes_on_is_one_event() -> None:
    journal = EventLog()
    for tick in range(5):
        journal.add([counted("swap", 10.0 + tick, out=100 * MIB, **{"in": 0})])
    (event,) = journal.events()
    assert (event.start, event.end, event.time) == (10.0, 14.0, 1010.0)
    assert event.text == "500 MiB out over 4.0 s"
    assert event.amounts == {"out": 500 * MIB, "in": 0}


@pytest.mark.parametrize(("pause", "count"), [(6.0, 1), (6.1, 2)])
def test_after_six_quiet_seconds_it_is_a_new_event(pause: float, count: int) -> None:
    journal = journal_of(counted("stall", 10.0, stalls=1), counted("stall", 10.0 + pause, stalls=1))
    assert len(journal.events()) == count


def test_compactions_of_different_wish_stay_apart() -> None:
    journal = journal_of(
        counted("compaction", 1.0, isolated=10, scanned=20, requested=20),
        counted("compaction", 2.0, isolated=600, scanned=30, daemon=30),
        counted("compaction", 3.0, isolated=5, scanned=9, requested=9),
    )
    assert texts(journal) == [
        "on request: 15 pages moved over 2.0 s",
        "by the kernel: 600 pages moved",
    ]


def test_a_pass_that_takes_several_ticks_is_named_when_it_ends() -> None:
    """The kernel counts what a pass scanned only at its end, but moved pages at once."""
    journal = journal_of(counted("compaction", 1.0, isolated=90_000, reportable_change=3 * MIB))
    assert texts(journal) == ["90 000 pages moved, +3.0 MiB to give back"]
    journal.add([counted("compaction", 2.0, isolated=10_000, scanned=500, requested=500, reportable_change=MIB)])
    assert texts(journal) == ["on request: 100 000 pages moved, +4.0 MiB to give back over 1.0 s"]
    journal.add([counted("compaction", 3.0, isolated=1, scanned=5, requested=5)])
    assert texts(journal) == ["on request: 100 001 pages moved, +4.0 MiB to give back over 2.0 s"]


def test_the_log_and_the_counters_both_tell_of_a_cache_drop() -> None:
    journal = journal_of(
        counted("cache drop", 12.0, pagecache=1, slab=0, cache_change=-5 * MIB),
        line("mini_init (175): drop_caches: 1", 11.6, memory=True, kind="cache drop"),
    )
    assert [(event.origin, event.text) for event in journal.events()] == [
        ("kmsg", "mini_init (175): drop_caches: 1"),
        ("vmstat", "file cache dropped: file cache -5.0 MiB"),
    ]


def test_exact_repeats_of_a_line_are_one_even_across_other_lines() -> None:
    journal = EventLog()
    for tick in range(15):
        journal.add([line("usb reset", 10.0 + tick), line(f"sector {tick}", 10.0 + tick)])
    assert texts(journal)[:3] == ["usb reset (repeated 14 times)", "sector 0", "sector 1"]
    assert len(texts(journal)) == 16
    assert journal.events(True)[0].end == 24.0


def test_one_repeat_is_told_as_once() -> None:
    assert texts(journal_of(line("x", 1.0), line("x", 2.0))) == ["x (repeated once)"]


def test_events_of_our_own_and_of_the_host_stand_for_themselves() -> None:
    same = [
        line("4 hogs of 1 GiB", 1.0, kind="hog", origin="wsltop"),
        line("returned", 1.0, kind="mark", origin="host"),
    ]
    assert len(journal_of(*same, *same).events(True)) == 4


def test_late_events_are_put_where_they_belong() -> None:
    journal = journal_of(line("c", 3.0), line("a", 1.0), line("b", 2.0), line("c2", 3.0))
    assert texts(journal) == ["a", "b", "c", "c2"]


def test_lines_of_one_instant_keep_their_order() -> None:
    journal = journal_of(*[line(f"{number}", 5.0, memory=number % 2 == 0) for number in range(9)])
    assert texts(journal) == [f"{number}" for number in range(9)]


def test_a_flood_of_other_lines_leaves_memory_alone() -> None:
    journal = EventLog(memory_limit=10, other_limit=20)
    for number in range(5):
        journal.add([line(f"memory {number}", number * 10.0, memory=True)])
    journal.add(line(f"other {number}", 100.0 + number) for number in range(10_000))
    assert texts(journal, everything=False) == [f"memory {number}" for number in range(5)]
    assert len(journal.events(True)) == 25
    assert texts(journal)[-1] == "other 9999"


def test_each_view_is_bounded_and_keeps_the_newest() -> None:
    journal = EventLog(memory_limit=10, other_limit=20)
    journal.add(line(f"{number}", float(number), memory=number % 2 == 0) for number in range(1000))
    assert texts(journal, everything=False) == [f"{number}" for number in range(980, 1000, 2)]
    assert len(journal.events(True)) == 30


def test_an_event_that_was_pushed_out_begins_anew() -> None:
    journal = EventLog(memory_limit=2, other_limit=2)
    journal.add([counted("swap", 1.0, out=MIB)])
    journal.add([line("a", 2.0, memory=True), line("b", 2.5, memory=True)])
    journal.add([counted("swap", 3.0, out=MIB)])
    assert texts(journal) == ["b", "1.0 MiB out"]


def test_lost_lines_are_told_and_add_up() -> None:
    journal = EventLog()
    journal.lost(0, time=1000.0, monotonic=1.0, origin="kmsg")
    assert journal.events(True) == ()
    journal.lost(1, time=1000.0, monotonic=1.0, origin="kmsg")
    assert texts(journal) == ["1 kernel message lost"]
    journal.lost(13, time=1001.0, monotonic=2.0, origin="kmsg")
    assert texts(journal, everything=False) == ["14 kernel messages lost over 1.0 s"]
    assert journal.events()[0].level == 4


def test_versions_tell_which_view_changed() -> None:
    journal = EventLog()
    journal.add([line("memory", 1.0, memory=True)])
    memory, everything = journal.version(), journal.version(True)
    view = journal.events()
    journal.add([])
    assert (journal.version(), journal.version(True)) == (memory, everything)
    journal.add([line("other", 2.0)])
    assert journal.version() == memory
    assert journal.version(True) > everything
    assert journal.events() is view
    journal.add([line("memory", 3.0, memory=True)])
    assert journal.version() > memory
    assert len(view) == 1


def test_spans_hold_what_touches_them() -> None:
    journal = journal_of(
        *[counted("swap", float(tick), out=MIB) for tick in range(10, 15)],
        counted("oom kill", 20.0, killed=1),
        line("other", 21.0),
    )
    assert [event.kind for event in journal.between(14.0, 20.0)] == ["swap", "oom kill"]
    assert [event.kind for event in journal.between(15.0, 19.9)] == []
    assert [event.kind for event in journal.between(0.0, 9.9)] == []
    assert [event.kind for event in journal.between(20.0, 99.0)] == ["oom kill"]
    assert [event.text for event in journal.between(20.5, 99.0, True)] == ["other"]


TIMES = st.floats(0, 100)
COUNTED = st.builds(counted, st.sampled_from(["swap"]), TIMES, out=st.integers(0, 2**40)) | st.builds(
    counted,
    st.just("compaction"),
    TIMES,
    isolated=st.integers(0, 9999),
    scanned=st.integers(0, 3),
    requested=st.integers(0, 1),
    daemon=st.integers(0, 1),
    reportable_change=st.integers(-(2**40), 2**40),
)
LINES = st.builds(line, st.sampled_from("abc"), TIMES, memory=st.just(False)) | st.builds(
    line, st.sampled_from("xyz"), TIMES, memory=st.just(True)
)
BATCHES = st.lists(st.lists(COUNTED | LINES, max_size=20), max_size=8)


def sums(events: list[Event] | tuple[Event, ...]) -> Counter[tuple[str, str]]:
    total: Counter[tuple[str, str]] = Counter()
    for event in events:
        for name, amount in event.amounts.items():
            total[event.kind, name] += amount
        if event.origin == "kmsg":
            total["line", event.text.partition(" ")[0]] += 1 + event.amounts.get("repeats", 0)
        total[event.kind, "repeats"] = 0
    return Counter({key: amount for key, amount in total.items() if amount})


@pytest.mark.slow
@given(BATCHES, st.integers(0, 8), st.integers(0, 8))
@settings(max_examples=300)
def test_any_events_leave_the_journal_sorted_and_bounded(batches: list[list[Event]], memory: int, other: int) -> None:
    journal = EventLog(memory_limit=memory, other_limit=other)
    for batch in batches:
        journal.add(batch)
        everything, shown = journal.events(True), journal.events()
        assert [event.start for event in everything] == sorted(event.start for event in everything)
        assert tuple(event for event in everything if event.memory) == shown
        assert len(shown) <= memory
        assert len(everything) - len(shown) <= other


@pytest.mark.slow
@given(BATCHES)
@settings(max_examples=300)
def test_becoming_one_loses_no_amount(batches: list[list[Event]]) -> None:
    journal = EventLog()
    for batch in batches:
        journal.add(batch)
    assert sums(journal.events(True)) == sums([event for batch in batches for event in batch])


def test_compactions_some_seconds_apart_are_counted() -> None:
    """vm-truth F11: three compactions four seconds apart were one event without a count."""
    journal = EventLog()
    for second in (0.0, 1.0, 5.0, 9.0):  # the first takes two ticks
        journal.add([counted("compaction", second, requested=100, scanned=100)])
    (event,) = journal.events()
    assert event.amounts["repeats"] == 2
    assert event.text.startswith("on request, 3 times")


def compaction(at: float, *, requested: int = 100, isolated: int = 50) -> Event:
    return counted("compaction", at, requested=requested, scanned=requested, isolated=isolated, reportable_change=MIB)


def test_wsls_compactions_of_each_minute_are_one_line_that_counts() -> None:
    journal = journal_of(*[compaction(60.0 * minute) for minute in range(6)])
    (one,) = journal.events()
    assert (one.start, one.end, one.amounts["repeats"], one.amounts["reportable_change"]) == (0.0, 300.0, 5, 6 * MIB)
    said = "WSL2: Performing memory compaction."
    lines = journal_of(*[line(said, 60.0 * minute, memory=True, kind="compaction") for minute in range(6)])
    (told,) = lines.events()
    assert told.amounts == {"repeats": 5}


def test_what_happens_between_two_compactions_keeps_them_apart() -> None:
    journal = journal_of(compaction(0.0), counted("cache drop", 30.0, pagecache=1), compaction(60.0))
    assert [event.kind for event in journal.events()] == ["compaction", "cache drop", "compaction"]
    assert [event.start for event in journal_of(compaction(0.0), compaction(76.0)).events()] == [0.0, 76.0]
