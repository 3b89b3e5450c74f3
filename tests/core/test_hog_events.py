"""Events of hogs, told from two samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import GIB, MIB, MONOTONIC, TIME, ended, hog, later, small_sample
from wsltop.core.events import tell_hogs
from wsltop.model.sample import Event, Hog, HogEnded

BEFORE = small_sample()


def events(before: tuple[Hog, ...], after: tuple[Hog, ...], *ends: HogEnded) -> tuple[Event, ...]:
    previous = later(BEFORE, 0.0, hogs=before)
    return tell_hogs(previous, later(previous, hogs=after, hogs_ended=ends))


def texts(before: tuple[Hog, ...], after: tuple[Hog, ...], *ends: HogEnded) -> list[str]:
    return [event.text for event in events(before, after, *ends)]


FILLING = hog(1, status="filling", resident=300 * MIB)


def test_a_hog_that_started() -> None:
    (event,) = events((), (FILLING,))
    assert event == Event(
        kind="hog",
        origin="wsltop",
        time=TIME + 1,
        start=MONOTONIC + 1,
        end=MONOTONIC + 1,
        text="1.0 GiB anonymous started",
        amounts={"added": 1, "hogs": 1, "freed": 0},
    )


def test_hogs_that_started_together_are_one_event() -> None:
    (event,) = events((), tuple(hog(number, status="starting") for number in range(1, 5)))
    assert event.text == "4 x 1.0 GiB anonymous started"
    assert event.amounts["hogs"] == 4


def test_a_hog_that_is_full_is_told_once() -> None:
    assert texts((FILLING,), (hog(1),)) == ["1 hog holds 1.0 GiB, filled at 2.0 GiB/s"]
    assert texts((hog(1),), (hog(1),)) == []


def test_hogs_that_are_full_together_tell_their_mean_speed() -> None:
    before = tuple(hog(number, status="filling") for number in (1, 2))
    after = (hog(1, speed=1.0 * GIB), hog(2, speed=2.0 * GIB))
    assert texts(before, after) == ["2 hogs hold 2.0 GiB, filled at 1.5 GiB/s each"]


def test_hogs_that_fill_one_after_another_are_told_when_the_last_is_full() -> None:
    one, two = hog(1), hog(2)
    fills = hog(2, status="filling")
    assert texts((hog(1, status="filling"), fills), (one, fills)) == []
    assert texts((one, fills), (one, two)) == ["2 hogs hold 2.0 GiB, filled at 2.0 GiB/s each"]


def test_an_unknown_speed_is_left_out() -> None:
    assert texts((FILLING,), (hog(1, speed=None),)) == ["1 hog holds 1.0 GiB"]
    assert texts((FILLING,), (hog(1, speed=0.0),)) == ["1 hog holds 1.0 GiB"]


def test_a_hog_that_was_quick_is_both_started_and_full() -> None:
    assert [event.text for event in events((), (hog(1),))] == [
        "1.0 GiB anonymous started",
        "1 hog holds 1.0 GiB, filled at 2.0 GiB/s",
    ]


@pytest.mark.parametrize("status", ["floor", "failed"])
def test_a_hog_that_stopped_says_where_and_why_once(status: str) -> None:
    stopped = hog(1, status=status, resident=300 * MIB, note="available memory is near the floor")
    (event,) = events((FILLING,), (stopped,))
    assert event.text == "4001 stopped at 300 MiB of 1.0 GiB: available memory is near the floor"
    assert event.level == 4
    assert status in event.amounts
    assert events((stopped,), (stopped,)) == ()


def test_a_hog_that_goes_on_from_the_floor_and_fills_is_told() -> None:
    assert len(events((hog(1, status="floor"),), (FILLING,))) == 0
    assert len(events((hog(1, status="floor"),), (hog(1),))) == 1


def test_a_hog_that_we_killed() -> None:
    (event,) = events((hog(1),), (), ended(1))
    assert event.text == "hog 4001 killed, 1.0 GiB free again in 0.4 s"
    assert event.level == 6
    assert event.amounts == {"killed": 1, "hogs": 1, "freed": GIB}


def test_hogs_that_we_killed_together_are_one_event_as_slow_as_the_slowest() -> None:
    ends = (ended(1), ended(2, teardown=1.2, resident=2 * GIB), ended(3, teardown=None))
    (event,) = events((hog(1), hog(2), hog(3)), (), *ends)
    assert event.text == "3 hogs killed, 4.0 GiB free again in 1.2 s"
    assert event.amounts == {"killed": 1, "hogs": 3, "freed": 4 * GIB}


@pytest.mark.parametrize(
    ("how", "note", "cause"),
    [
        ("oom", "SIGKILL", "the OOM killer chose it"),
        ("signal", "SIGTERM", "killed by SIGTERM from outside"),
        ("exited", "status 1: MemoryError", "status 1: MemoryError"),
    ],
)
def test_a_hog_that_another_ended_says_who(how: str, note: str, cause: str) -> None:
    (event,) = events((hog(1),), (), ended(1, how=how, note=note, teardown=None))
    assert event.text == f"hog 4001 ended with 1.0 GiB: {cause}"
    assert event.level == 4
    assert event.amounts["freed"] == GIB
    assert "killed" not in event.amounts


def test_each_hog_that_another_ended_is_told_alone_beside_those_that_we_killed() -> None:
    ends = (ended(1), ended(2, how="oom"), ended(3), ended(4, how="signal", note="SIGKILL"))
    assert texts(tuple(map(hog, range(1, 5))), (), *ends) == [
        "2 hogs killed, 2.0 GiB free again in 0.4 s",
        "hog 4002 ended with 1.0 GiB: the OOM killer chose it",
        "hog 4004 ended with 1.0 GiB: killed by SIGKILL from outside",
    ]


def test_a_hog_that_came_and_went_between_two_samples_is_not_lost() -> None:
    assert texts((), (), ended(1, resident=0)) == ["hog 4001 killed, 0 B free again in 0.4 s"]


HOGS = st.lists(
    st.builds(hog, st.integers(1, 6), status=st.sampled_from(["starting", "filling", "holding", "floor", "failed"])),
    unique_by=lambda one: one.id,
).map(tuple)


@pytest.mark.slow
@given(HOGS, HOGS)
def test_the_amounts_of_all_events_account_for_every_hog(before: tuple[Hog, ...], after: tuple[Hog, ...]) -> None:
    told = events(before, after)
    added = sum(event.amounts["hogs"] for event in told if "added" in event.amounts)
    assert added == len({one.id for one in after} - {one.id for one in before})
    assert events(after, after) == ()
