"""What comes back after a release, told once, with how much and how fast."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.samples import GIB, MIB, MONOTONIC, ended, host_memory, later, meminfo, small_sample
from wsltop.core.prediction import Prediction
from wsltop.core.reclaimed import ReclaimWatch
from wsltop.core.returning import Returning, ended_process
from wsltop.core.session import Session
from wsltop.model.sample import Census, Event, FreeBlocks, Holders, HostMemory, ProcessUse, Sample, Unavailable

BLOCK = 2 * MIB
NOT_ASKED = Unavailable("not asked")


def at(second: float, *, free: int, working_set: int | None, **changes: object) -> Sample:
    """A sample of a VM that has ``free`` bytes in blocks of 2 MiB, as Windows' figure of half a second before."""
    base = small_sample()
    host: HostMemory | Unavailable = Unavailable("not asked")
    if working_set is not None:
        host = host_memory(working_set=working_set, read_at=MONOTONIC + second - 0.2)
    memory = meminfo(free=free + 100 * MIB, anon_pages=7900 * MIB - 5700 * MIB - 720 * MIB - free + 1000 * MIB)
    return replace(
        later(base, second),
        meminfo=memory,
        free_blocks=(FreeBlocks(node=0, zone="Normal", counts=(25_600, *(0,) * 8, free // BLOCK, 0)),),
        host=host,
        **changes,
    )


def run(samples: list[Sample]) -> tuple[Session, list[Event]]:
    session = Session(1.0)
    for one in samples:
        session.take(one)
    return session, [event for event in session.journal.events() if event.kind == "return"]


def kill(*, measured: bool = True, known: bool = True) -> list[Sample]:
    """2 GiB are freed after ten seconds; Windows gets them in five steps of two seconds."""
    samples = []
    for second in range(40):
        freed = 2 * GIB if second >= 10 else 0
        passes = max(0, min(5, (second - 10) // 2))
        working_set = 9 * GIB - passes * 2 * GIB // 5 if measured else None
        changes: dict[str, object] = {}
        if second == 10 and known:
            changes["hogs_ended"] = (ended(1), ended(2))
        samples.append(at(second, free=600 * MIB + freed, working_set=working_set, **changes))
    return samples


def test_a_kill_is_followed_until_windows_has_it() -> None:
    _, told = run(kill())
    assert len(told) == 1
    assert abs(told[0].amounts["got"] - 2 * GIB) < 16 * MIB
    assert told[0].amounts["owed"] == 2 * GIB
    assert "Windows got 2.0 GiB back" in told[0].text
    assert "2 hogs ended" in told[0].text
    assert "half in" in told[0].text
    assert MONOTONIC + 10 < told[0].start <= MONOTONIC + 21


def test_while_it_comes_back_its_share_grows() -> None:
    session = Session(1.0)
    shares = []
    for one in kill():
        session.take(one)
        if session.returning is not None:
            shares.append(session.returning.share)
            assert session.returning.owed == 2 * GIB
    assert shares[0] == 0.0
    assert shares == sorted(shares)
    assert shares[-1] > 0.99
    assert session.returning is None


def test_a_sample_of_free_memory_that_is_being_reported_does_not_end_a_return() -> None:
    """The kernel takes what it reports off the free lists: "371 MiB of 1.1 GiB has not come back", and came a second
    later, with a cause of its own."""
    samples = kill()
    samples[13] = at(13, free=600 * MIB + 2 * GIB - 128 * MIB, working_set=9 * GIB - 2 * GIB // 5)
    _, told = run(samples)
    (event,) = told
    assert abs(event.amounts["got"] - 2 * GIB) < 16 * MIB
    assert "2 hogs ended" in event.text


def test_free_memory_that_is_being_reported_is_not_freed_when_that_is_done() -> None:
    session = Session(1.0)
    for second in range(20):
        session.take(at(second, free=GIB - (128 * MIB if second == 10 else 0), working_set=9 * GIB))
        assert session.returning is None


@pytest.mark.parametrize("taken", [96, 512])
def test_memory_that_is_taken_again_for_good_ends_a_return(taken: int) -> None:
    samples = [*kill()[:14], *(at(n, free=600 * MIB + 2 * GIB - taken * MIB, working_set=8 * GIB) for n in (14, 15))]
    session, _ = run(samples)
    assert session.returning is None


def test_what_is_all_back_has_nothing_to_go() -> None:
    """It said "100 %" next to "6 s to go": Windows was faster than the kernel is expected to be."""
    session, seen = Session(1.0), []
    for second in range(20):
        freed = 2 * GIB if second >= 10 else 0
        got = 2 * GIB if second >= 12 else 0
        session.take(at(second, free=600 * MIB + freed, working_set=9 * GIB - got))
        seen += [] if session.returning is None else [session.returning]
    assert any(one.left is not None and one.share < 1.0 for one in seen)
    assert any(one.share == 1.0 for one in seen)
    assert all(one.left is None for one in seen if round(one.share, 2) == 1.0)


def test_what_is_back_is_over_soon_and_does_not_fall_while_a_program_grows() -> None:
    """It stood at 100 % for fifty seconds, with less and less back, and hid what was the matter."""
    session, seen = Session(1.0), []
    for second in range(50):
        taken = 6 * MIB * second
        freed = 1536 * MIB if second >= 10 else 0
        got = min(3, max(0, (second - 10) // 2)) * 512 * MIB  # all of it at 16
        session.take(at(second, free=600 * MIB + freed - taken, working_set=9 * GIB - got + taken))
        seen.append(session.returning)
    came = [one.got for one in seen if one is not None]
    assert came == sorted(came)
    assert seen[16] is not None
    assert round(seen[16].share, 2) == 1.0
    assert all(one is None for one in seen[19:])
    (told,) = (event for event in session.journal.events() if event.kind == "return")
    assert abs(told.amounts["got"] - came[-1]) < 8 * MIB
    assert told.end - MONOTONIC < 17


def test_a_kill_is_over_soon_after_windows_has_it_all() -> None:
    """It stood at 100 % for five seconds more."""
    session, seen = Session(1.0), []
    for one in kill():
        session.take(one)
        seen.append(session.returning)
    assert seen[20] is not None  # the last step of Windows' figure
    assert all(one is None for one in seen[24:])


def test_the_event_and_the_mark_of_an_action_say_one_figure() -> None:
    """The event said 1.2 GiB and the mark 1.3 GiB: each measured at another time while a program grew."""
    session, watch = Session(1.0), ReclaimWatch(NOT_ASKED)
    for second in range(70):
        taken = 6 * MIB * second
        freed = 1536 * MIB if second >= 10 else 0
        got = min(3, max(0, (second - 10) // 2)) * 512 * MIB
        session.take(at(second, free=600 * MIB + freed - taken, working_set=9 * GIB - got + taken))
        assert session.moment is not None
        watch.take(session.moment)
        if second == 9:
            watch.begin(session.moment.sample.monotonic)
        if second > 10 and watch.rests(MONOTONIC + 10, session.moment.sample.monotonic):
            break
    assert second < 25
    (told,) = (event for event in session.journal.events() if event.kind == "return")
    result = watch.result()
    assert result.host is not None
    assert result.settled
    assert abs(told.amounts["got"] - result.host.size) < 8 * MIB


def test_hogs_that_are_gone_a_sample_later_are_not_judged_by_what_the_rest_would_give() -> None:
    """305 MiB of 361 came, "outside the predicted range 0 B to 205 MiB": half of it was gone when it was predicted."""
    samples = kill()
    samples[10] = replace(samples[10], hogs_ended=())
    samples[11] = replace(samples[11], hogs_ended=(ended(1), ended(2)))
    _, (told,) = run(samples)
    assert "2 hogs ended" in told.text
    assert "within" not in told.amounts


def test_a_hog_that_is_gone_a_sample_before_its_memory_is_free_is_the_cause() -> None:
    samples = kill()
    samples[10] = replace(samples[10], hogs_ended=())
    samples[9] = replace(samples[9], hogs_ended=(ended(1), ended(2)))
    _, (told,) = run(samples)
    assert "2 hogs ended" in told.text


def test_hogs_that_end_one_after_the_other_are_counted_together() -> None:
    samples = kill()
    samples[10] = replace(samples[10], hogs_ended=(ended(1),))
    samples[11] = replace(samples[11], hogs_ended=(ended(2), ended(3)))
    _, (told,) = run(samples)
    assert "3 hogs ended" in told.text


def kill_at_once(*, full: int, period: float, delay: float) -> tuple[list[Returning | None], list[Event]]:
    """256 MiB are taken from 10 s to ``full`` and freed before 13 s; Windows gets them at 15 and 17 s.

    Windows' figure is read every ``period`` seconds and shown ``delay`` seconds later.
    """
    size = 256 * MIB

    def taken(time: float) -> int:
        return 0 if time >= 12.5 else round(size * min(1.0, max(0.0, (time - 10) / (full - 10))))

    def lent(time: float) -> int:
        rest = 1.0 if time < 15 else 0.5 if time < 17 else 0.0
        return taken(time) if time < 12.5 else round(taken(12.49) * rest)

    session, seen = Session(1.0), []
    for second in range(-50, 40):
        asked = (second - delay) // period * period
        host = host_memory(working_set=9 * GIB + lent(asked), read_at=MONOTONIC + asked + delay)
        sample = at(second, free=GIB - taken(second), working_set=None)
        changes = {"hogs_ended": (ended(1, resident=size),)} if second == 13 else {}
        session.take(replace(sample, host=host, **changes))
        seen.append(session.returning)
    return seen, [event for event in session.journal.events() if event.kind == "return"]


@pytest.mark.parametrize("full", [11, 12])
@pytest.mark.parametrize("delay", [0.0, 0.5, 1.5])
def test_a_hog_killed_as_soon_as_it_is_full_is_measured_from_the_peak(full: int, delay: float) -> None:
    """It was told as 113 MiB, outside the predicted range: Windows' figure was still rising."""
    _, (told,) = kill_at_once(full=full, period=1.0, delay=delay)
    assert abs(told.amounts["got"] - 256 * MIB) < 8 * MIB
    assert told.amounts["within"] == 1
    assert "unseen" not in told.amounts


def test_what_windows_figure_never_showed_is_said_and_no_prediction_is_judged() -> None:
    seen, (told,) = kill_at_once(full=11, period=9.0, delay=0.0)
    assert told.amounts["got"] == 0
    assert abs(told.amounts["unseen"] - 256 * MIB) < 8 * MIB
    assert "within" not in told.amounts
    assert "never showed" in told.text
    assert "has not come back" not in told.text
    assert all(one is None for one in seen[72:])  # Windows was read at 18 s, second 68 of this


def test_an_outcome_outside_the_prediction_says_so() -> None:
    range_ = Prediction(low=int(2.5 * GIB), likely=3 * GIB, high=int(3.5 * GIB))
    assert range_.tell_miss(3 * GIB) == ""
    assert range_.tell_miss(GIB) == "outside the predicted range 2.5 to 3.5 GiB"
    assert replace(range_, low=900 * MIB).tell_miss(0) == "outside the predicted range 900 MiB to 3.5 GiB"
    _, (told,) = run(kill())
    amounts = told.amounts
    assert amounts["within"] == (amounts["predicted_low"] <= amounts["got"] <= amounts["predicted_high"])
    assert ("outside the predicted range" in told.text) != amounts["within"]


def test_without_windows_what_linux_offers_is_told_and_labeled() -> None:
    _, told = run(kill(measured=False))
    assert len(told) == 1
    assert told[0].amounts["got"] == 2 * GIB
    assert "Windows was not read" in told[0].text
    assert told[0].amounts["unread"] == 1
    assert "unread" not in run(kill())[1][0].amounts


def test_what_ended_without_a_hog_is_told_from_256_mib_on() -> None:
    assert len(run(kill(known=False))[1]) == 1
    small = [
        at(second, free=600 * MIB + (200 * MIB if second >= 10 else 0), working_set=9 * GIB) for second in range(40)
    ]
    assert run(small)[1] == []


def test_what_windows_keeps_is_said() -> None:
    samples = [at(second, free=600 * MIB + (GIB if second >= 10 else 0), working_set=9 * GIB) for second in range(90)]
    _, told = run(samples)
    assert len(told) == 1
    assert told[0].amounts["got"] == 0
    assert "has not come back" in told[0].text


def test_what_was_freed_but_is_scattered_is_said() -> None:
    """A hog of 2 GiB ended and 1.5 GiB came back; nothing said where the rest was."""
    samples = kill()
    half = 512 * MIB // 4096
    for place in range(10, len(samples)):
        blocks = samples[place].free_blocks
        assert not isinstance(blocks, Unavailable)
        counts = (25_600 + half, *(0,) * 8, blocks[0].counts[9] - 256, 0)
        host = host_memory(working_set=max(7680 * MIB, 9 * GIB - (place - 10) * GIB), read_at=MONOTONIC + place - 0.2)
        samples[place] = replace(samples[place], free_blocks=(replace(blocks[0], counts=counts),), host=host)
    samples[10] = replace(samples[10], hogs_ended=(ended(1, resident=GIB), ended(2, resident=GIB)))
    _, (told,) = run(samples)
    assert told.amounts["owed"] == 1536 * MIB
    assert "512 MiB more is free but scattered" in told.text
    assert "has not come back" not in told.text


def test_memory_that_is_taken_and_freed_in_small_steps_is_no_release() -> None:
    samples = [at(second, free=600 * MIB + (second % 2) * 16 * MIB, working_set=9 * GIB) for second in range(60)]
    session, told = run(samples)
    assert told == []
    assert session.returning is None


def test_a_program_that_ended_is_named() -> None:
    def census(read_at: float, *processes: ProcessUse) -> Census:
        holders = Holders(
            processes=processes,
            families=(),
            groups=NOT_ASKED,
            elsewhere=NOT_ASKED,
            reason="",
            unread=0,
        )
        return Census(read_at=read_at, holders=holders)

    node = ProcessUse(
        pid=61, started=5, name="node", family="node", parent=1, state="S", rss=2 * GIB, shared=0, user_ticks=0,
        system_ticks=0, nice=0,
    )  # fmt: skip
    before, after = census(1.0, node, replace(node, pid=62)), census(9.0, replace(node, pid=62))
    assert ended_process(before, after, 2 * GIB) == "node (pid 61, 2.0 GiB) ended"
    assert ended_process(before, before, 2 * GIB) == ""
    assert ended_process(before, census(9.0, node, replace(node, pid=62)), 2 * GIB) == ""


def test_samples_far_apart_do_not_count_an_earlier_drop_again() -> None:
    """With 4 s between samples, 250 MiB of a hog were told as the 2.3 GiB of the cache dropped before it."""
    low, drop, taken = 600 * MIB, 2304 * MIB, 256 * MIB
    free = [low, low, low + drop, low + drop - taken, *[low + drop] * 8]
    host = [9 * GIB, 9 * GIB, 9 * GIB, 9 * GIB - drop + taken, 9 * GIB - drop + taken, *[9 * GIB - drop] * 7]
    samples = [at(4.0 * n, free=left, working_set=lent) for n, (left, lent) in enumerate(zip(free, host, strict=True))]
    samples[4] = replace(samples[4], hogs_ended=(ended(1),))
    session = Session(4.0)
    for one in samples:
        session.take(replace(one, interval=4.0))
    told = [event for event in session.journal.events() if event.kind == "return"]
    assert told[-1].amounts["owed"] == taken
    assert abs(told[-1].amounts["got"] - taken) < 16 * MIB
