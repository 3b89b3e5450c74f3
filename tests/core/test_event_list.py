"""The rows of the list of events: the signs of one act are one row, and so are the rounds of WSL's own cleaning."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from tests.core.test_journal import BATCHES, counted, line
from wsltop.core.event_list import fold_rounds, join_signs, parts_of
from wsltop.core.event_log import EventLog
from wsltop.core.session import Session
from wsltop.model.sample import Event
from wsltop.ui.context import place_of

MIB = 1024**2
APART = 2.5


def rows(*events: Event) -> tuple[Event, ...]:
    log = EventLog()
    log.add(events)
    return fold_rounds(join_signs(log.events(True), log.apart), log.apart)


def kinds(events: Iterable[Event]) -> list[str]:
    return [event.kind for event in events]


def said(at: float) -> Event:
    return line("WSL2: Performing memory compaction.", at, memory=True, kind="compaction")


def compaction(at: float) -> Event:
    return counted("compaction", at, requested=100, scanned=100, isolated=50, reportable_change=MIB)


def reclaim(at: float) -> Event:
    return counted("proactive reclaim", at, requested=0, in_cgroups=206 * MIB)


def returned(at: float, cause: str = "memory was compacted", got: int = 200 * MIB) -> Event:
    text = f"Windows got {got // MIB} MiB back in 2.9 s, half in 2.5 s: {cause}"
    amounts = {"got": got, "owed": got}
    return Event(kind="return", origin="wsltop", time=at + 1000, start=at, end=at, text=text, amounts=amounts)


def test_the_line_of_a_compaction_and_its_count_are_one_row() -> None:
    """Two lines and two marks for each compaction."""
    (row,) = rows(said(10.0), compaction(11.0))
    assert (row.start, row.origin, row.amounts["isolated"]) == (10.0, "kmsg", 50)
    assert [part.origin for part in parts_of(row)] == ["kmsg", "vmstat"]
    assert all(part.text in row.text for part in parts_of(row))


@pytest.mark.parametrize(("pause", "count"), [(2.5, 1), (2.6, 2)])
def test_a_count_that_comes_later_is_of_another_act(pause: float, count: int) -> None:
    dropped = line("tee (7): drop_caches: 1", 10.0, memory=True, kind="cache drop")
    assert len(rows(dropped, counted("cache drop", 10.0 + pause, pagecache=1))) == count


def test_a_second_count_is_another_act() -> None:
    drop = counted("cache drop", 10.0, pagecache=1)
    assert kinds(join_signs([drop, counted("cache drop", 11.0, slab=1)], APART)) == ["cache drop"] * 2


def test_the_lines_of_a_kill_are_one_row_that_names_the_victim() -> None:
    """Two or three lines for one kill."""
    (row,) = rows(
        line("cc1plus invoked oom-killer: order=0", 10.0, memory=True, kind="oom kill"),
        line("Out of memory: Killed process 5017 (cc1plus) total-vm:1kB", 10.1, memory=True, kind="oom kill"),
        counted("oom kill", 11.0, killed=1),
    )
    assert row.text.startswith("Out of memory: Killed process 5017 (cc1plus)")
    assert (row.start, row.amounts["killed"], len(parts_of(row))) == (10.0, 1, 3)


def test_several_kills_are_counted() -> None:
    lines = [line(f"Out of memory: Killed process {pid} (a)", 10.0, memory=True, kind="oom kill") for pid in (7, 8)]
    (row,) = rows(*lines, counted("oom kill", 11.0, killed=2))
    assert row.text.startswith("2 processes killed")


def test_rounds_of_gradual_are_a_row_for_each_kind() -> None:
    """Reclaim, compaction and return were three lines each 30 s."""
    rounds = [event for at in (0.0, 30.0, 60.0) for event in (reclaim(at), compaction(at), returned(at + 3))]
    listed = rows(*rounds)
    assert kinds(listed) == ["proactive reclaim", "compaction", "return"]
    assert [row.start for row in listed] == [0.0, 0.0, 3.0]
    assert [len(parts_of(row)) for row in listed] == [3, 3, 3]
    assert listed[0].amounts["in_cgroups"] == 618 * MIB
    assert listed[2].amounts["got"] == 600 * MIB
    assert "600 MiB" in listed[2].text
    assert "3 times" in listed[1].text


def test_what_else_happens_to_memory_keeps_rounds_apart() -> None:
    hogs = line("4 hogs started", 20.0, memory=True, kind="hog", origin="wsltop")
    listed = rows(compaction(0.0), returned(3.0), hogs, compaction(30.0), returned(33.0))
    assert kinds(listed) == ["compaction", "return", "hog", "compaction", "return"]
    listed = rows(compaction(0.0), returned(3.0), returned(20.0, "ruby (pid 7, 1 GiB) ended"), compaction(30.0))
    assert kinds(listed) == ["compaction", "return", "return", "compaction"]
    assert kinds(rows(compaction(0.0), returned(3.0), compaction(80.0))) == ["compaction", "return", "compaction"]


@pytest.mark.slow
@given(BATCHES)
@settings(max_examples=200)
def test_each_event_is_in_one_row(batches: list[list[Event]]) -> None:
    log = EventLog()
    for batch in batches:
        log.add(batch)
    listed = fold_rounds(join_signs(log.events(True), log.apart), log.apart)
    parts = [part for row in listed for part in parts_of(row)]
    assert sorted(map(id, parts)) == sorted(map(id, log.events(True)))
    assert all(one.start <= other.start for one, other in pairwise(listed))


def test_what_windows_got_and_what_was_not_read_are_rows_of_their_own() -> None:
    """The row said of all of them what held for the first."""
    unread = replace(returned(33.0), text="Linux has 100 MiB more free for Windows: memory was compacted")
    listed = rows(compaction(0.0), returned(3.0), compaction(30.0), unread)
    assert [(row.kind, row.amounts["got"]) for row in listed if row.kind == "return"] == [
        ("return", 200 * MIB),
        ("return", 200 * MIB),
    ]


def test_each_round_is_an_act_with_a_mark_of_its_own() -> None:
    """The timeline and the keys had only the first of hours of rounds, as the list has."""
    session = Session(1.0)
    session.journal.add(one for at in (0.0, 30.0, 60.0) for one in (said(at), compaction(at + 1), returned(at + 3)))
    acts = session.acts(True)
    assert [(act.kind, act.start) for act in acts] == [
        (kind, at + late) for at in (0.0, 30.0, 60.0) for kind, late in (("compaction", 0.0), ("return", 3.0))
    ]
    listed = session.listed(True)
    assert [place_of(act, listed) for act in acts] == [0, 1] * 3
    assert session.acts(True) is acts
    assert session.listed(True) is listed


def test_another_pace_makes_other_rows() -> None:
    """The rows of the pace before stayed until the next event."""
    session = Session(1.0)
    dropped = line("tee (7): drop_caches: 1", 0.0, memory=True, kind="cache drop")
    session.journal.add([dropped, counted("cache drop", 5.0, pagecache=1)])
    assert len(session.listed(True)) == 2
    session.journal.merge_within = 15.0
    assert len(session.acts(True)) == len(session.listed(True)) == 1
