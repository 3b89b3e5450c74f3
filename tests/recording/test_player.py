"""The player: how fast, from where, and that a jump shows what playing would have shown."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.recording.recorded import any_sample, record
from tests.samples import MIB, MONOTONIC, TIME, host_memory, later, meminfo, small_sample
from tests.samples import record as record_of
from wsltop.core.session import Session
from wsltop.errors import RecordingError
from wsltop.model.sample import Counters, FreeBlocks, KernelLog, Mark, Sample
from wsltop.recording import timeline_index as index
from wsltop.recording.player import Player, tell_speed
from wsltop.recording.reader import Recording
from wsltop.recording.timeline_index import CHUNK, follows
from wsltop.ui.panels.timeline import event_mark

MOST = 40
"""Examples of any samples at all: to make one up takes long."""

Play = Callable[[Sequence[Sample]], Player]


def story(count: int, *drops: int) -> list[Sample]:
    """A sample a second, in which memory grows; at each of ``drops`` the cache has been dropped."""
    base = small_sample().counters
    assert isinstance(base, Counters)
    made: list[Sample] = []
    for number in range(count):
        counters = Counters(values=base.values | {"drop_pagecache": sum(drop <= number for drop in drops)})
        figures = meminfo(anon_pages=(500 + number % 300) * MIB)
        host = host_memory(read_at=MONOTONIC + number - 0.5, working_set=(5000 + number) * MIB)
        changes: dict[str, Any] = {"counters": counters, "meminfo": figures, "host": host}
        made.append(later(made[-1], 1.0, **changes) if made else small_sample(**changes))
    return made


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Open a player on a recording of samples."""
    opened: list[Recording] = []

    def play(samples: Sequence[Sample]) -> Player:
        opened.append(Recording.open(record(tmp_path / f"{len(opened)}.wsltop", samples)))
        return Player(opened[-1])

    yield play
    for recording in opened:
        recording.close()


def taken(player: Player, elapsed: float) -> list[int]:
    """Play for so long, as the screen does; the seconds of what came."""
    made = player.advance(elapsed)
    for one in made:
        player.session.take(one)
    return [round(one.monotonic - MONOTONIC) for one in made]


def play_to_the_end(player: Player) -> None:
    while not player.paused:
        taken(player, 2.0)


# Playing


def test_it_begins_with_the_first_sample(play: Play) -> None:
    player = play(story(11))
    assert (player.place.number, player.place.count) == (0, 11)
    assert (player.place.seconds, player.place.total, player.place.time) == (0.0, 10.0, TIME)
    assert player.place.share == 0.0
    assert player.moment.sample == story(11)[0]


def test_it_plays_in_real_time_whatever_the_ticks(play: Play) -> None:
    player = play(story(11))
    assert [taken(player, 0.25) for _ in range(8)] == [[], [], [], [1], [], [], [], [2]]
    assert player.place.seconds == 2.0
    assert player.session.samples == 3


@pytest.mark.parametrize(("faster", "count"), [(-1, 0), (0, 1), (1, 4), (2, 16), (3, 64), (9, 64)])
def test_it_plays_faster_and_slower(play: Play, faster: int, count: int) -> None:
    player = play(story(100))
    for _ in range(abs(faster)):
        player.change_speed(int(math.copysign(1, faster)))
    assert len(taken(player, 1.0)) == count


def test_the_slowest_speed_is_a_quarter(play: Play) -> None:
    player = play(story(3))
    for _ in range(4):
        player.change_speed(-1)
    assert player.speed == 0.25
    assert [taken(player, 1.0) for _ in range(4)] == [[], [], [], [1]]


def test_speeds_are_told() -> None:
    assert [tell_speed(speed) for speed in (0.25, 1.0, 64.0)] == ["x1/4", "x1", "x64"]


def test_it_pauses_at_the_end_and_begins_again(play: Play) -> None:
    player = play(story(3))
    assert taken(player, 2.0) == [1, 2]
    assert player.paused
    assert player.at_end
    assert player.place.share == 1.0
    assert player.toggle_pause()
    assert (player.paused, player.number) == (False, 0)


def test_nothing_comes_while_it_is_paused(play: Play) -> None:
    player = play(story(9))
    assert not player.toggle_pause()
    assert taken(player, 2.0) == []
    player.toggle_pause()
    assert taken(player, 1.0) == [1]


def test_an_hour_without_samples_is_not_waited_for(play: Play) -> None:
    first = story(2)
    player = play([*first, later(first[-1], 3600), later(first[-1], 3601)])
    assert [taken(player, 2.0) for _ in range(4)] == [[1], [], [3601], [3602]]


def test_a_program_that_stood_still_does_not_leap(play: Play) -> None:
    player = play(story(100))
    assert taken(player, 3600.0) == [1, 2]
    assert taken(player, -5.0) == []


# Going elsewhere


def test_it_steps_on_and_back(play: Play) -> None:
    player = play(story(50))
    assert player.step(3)
    assert player.paused
    assert player.moment.sample.monotonic == MONOTONIC + 3
    assert player.step(-1)
    assert player.moment.sample.monotonic == MONOTONIC + 2
    assert player.step(1000)
    assert (player.number, player.step(1)) == (49, False)
    assert player.step(-1000)
    assert (player.number, player.step(-1)) == (0, False)


def played_to(samples: Sequence[Sample]) -> Session:
    """The session of somebody who watched all of it."""
    session = Session(1.0)
    for one in samples:
        session.take(one)
    return session


@pytest.mark.slow
@pytest.mark.parametrize("dragged", [(), (1499, 290), (40, 16, 1), (900, 905, 899, 920, 949), (1305, 1298, 1297)])
@pytest.mark.parametrize("target", [7, 299, 300, 301, 899, 950, 1300, 1499])
def test_a_jump_shows_what_playing_would_have_shown(play: Play, target: int, dragged: tuple[int, ...]) -> None:
    """Wherever one has been before: a jump goes on from the places nearby that earlier ones kept."""
    samples = story(1500, 100, 700, 899, 1290, 1293)
    player = play(samples)
    while player.explore():
        pass
    for place in (*dragged, target):
        player.go_to(f"{place}s")
    played = played_to(samples[: target + 1])
    assert player.moment == played.moment
    assert player.session.findings == played.findings
    assert player.session.insight == played.insight
    assert player.session.outcomes.settled == played.outcomes.settled
    assert player.session.outcomes.shares == played.outcomes.shares
    assert list(player.session.history.since(0.0)) == list(played.history.since(0.0))
    assert player.session.journal.events(True) == played.journal.events(True)
    assert player.session.samples == played.samples


@pytest.mark.slow
@pytest.mark.parametrize("target", [7, 899, 950, 1300, 1499])
def test_a_jump_into_the_unknown_shows_the_minutes_before_as_they_were(play: Play, target: int) -> None:
    samples = story(1500, 100, 700, 899, 1290, 1293)
    player = play(samples)
    player.go_to(f"{target}s")
    played = played_to(samples[: target + 1])
    now = MONOTONIC + target
    assert player.moment == played.moment
    assert [one.id for one in player.session.findings] == [one.id for one in played.findings]
    assert list(player.session.history.since(now - 300)) == list(played.history.since(now - 300))
    assert player.session.journal.between(now - 300, now) == played.journal.between(now - 300, now)


@pytest.mark.slow
def test_what_becomes_known_of_the_place_is_shown_there(play: Play) -> None:
    samples = story(1500, 100)
    player = play(samples)
    player.go_to("1000s")
    rough = player.session
    assert rough.journal.events() == ()
    while player.session is rough and player.explore():
        pass
    played = played_to(samples[:1001])
    assert player.number == 1000
    assert player.session.journal.events() == played.journal.events()
    assert player.session.outcomes.settled == played.outcomes.settled
    assert list(player.session.history.since(0.0)) == list(played.history.since(0.0))
    known = player.session
    while player.explore():
        pass
    assert player.session is known


@pytest.mark.ci
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 699), count=st.integers(1, 400), explored=st.booleans())
def test_as_many_steps_back_as_on_lead_to_the_same_view(play: Play, start: int, count: int, explored: bool) -> None:
    player = play(story(700, 50, 120, 299, 300, 480))
    while explored and player.explore():
        pass
    player.go_to(f"{start}s")
    player.step(count)
    player.step(-count)
    again = played_to(story(player.number + 1, 50, 120, 299, 300, 480))
    assert player.number == max(0, min(start + count, 699) - count)
    assert player.moment == again.moment
    if explored:  # otherwise the findings are as of another second
        assert player.session.findings == again.findings


@pytest.mark.slow
def test_the_hours_before_are_rough_until_they_are_explored(play: Play) -> None:
    samples = story(2400, 100)
    player = play(samples)
    player.go_to("end")
    long_ago = MONOTONIC + 700
    early = [point for point in player.session.history.since(0.0) if point.monotonic < long_ago]
    assert [point.monotonic - MONOTONIC for point in early] == [0, 300, 600]
    while player.explore():
        pass
    player.go_to("end")
    early = [point for point in player.session.history.since(0.0) if point.monotonic < long_ago]
    assert len(early) == 140, "one in five seconds"
    assert [event.kind for event in player.session.journal.events()] == ["cache drop"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("start", 0),
        ("end", 199),
        ("-10s", 189),
        ("90s", 90),
        ("1m30s", 90),
        ("50%", 99),
        ("+30s", 130),
        ("+ 1m", 160),
        ("+1h", 199),
        ("back 30s", 70),
        ("Back 2h", 0),
    ],
)
def test_it_goes_where_one_writes(play: Play, text: str, seconds: int) -> None:
    player = play(story(200))
    player.go_to("100s")
    player.go_to(text)
    assert player.number == seconds


def test_it_goes_to_a_time_of_day(play: Play) -> None:
    player = play(story(200))
    player.go_to(time.strftime("%H:%M:%S", time.localtime(TIME + 66)))
    assert player.number == 66


@pytest.mark.parametrize("text", ["", "soon", "+", "+-3s", "back", "+noon", "101%", "25:00", "1999-01-01"])
def test_it_stays_where_it_is_for_nonsense(play: Play, text: str) -> None:
    player = play(story(20))
    player.step(5)
    with pytest.raises(ValueError, match=r"\w"):
        player.go_to(text)
    assert player.number == 5


def test_it_begins_anywhere(tmp_path: Path) -> None:
    with Recording.open(record(tmp_path / "r", story(20))) as recording:
        assert Player(recording, "-5s").number == 14
        with pytest.raises(ValueError, match="soon"):
            Player(recording, "soon")


# Events


def test_it_goes_from_event_to_event(play: Play) -> None:
    player = play(story(1000, 50, 52, 310, 800))
    player.paused = True
    found = []
    while player.next_event() == "found":
        found.append(player.number)
    assert found == [50, 310, 800]
    back = []
    while player.previous_event() == "found":
        back.append(player.number)
    assert back == [310, 50]


def test_what_goes_on_at_a_joint_is_one_event(play: Play) -> None:
    player = play(story(700, *range(CHUNK - 4, CHUNK + 4)))
    assert player.next_event() == "found"
    assert player.number == CHUNK - 4
    assert player.next_event() == "none"


def test_while_it_plays_the_event_just_passed_is_not_the_one_before(play: Play) -> None:
    player = play(story(100, 20, 60))
    player.go_to("60s")
    player.change_speed(1)
    taken(player, 0.5)
    assert player.previous_event() == "found"
    assert player.number == 20


@pytest.mark.slow
def test_a_search_is_bounded_and_goes_on(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SEARCHED", 2)
    player = play(story(1500, 1400))
    assert [player.next_event() for _ in range(3)] == ["unfinished", "unfinished", "found"]
    assert player.number == 1400


def test_marks_are_shares_of_the_time(play: Play) -> None:
    player = play(story(1001, 500, 750))
    known = [player.marks()]
    while player.explore():
        known.append(player.marks())
    assert (known[0], known[-1]) == ((), (0.5, 0.75))


@pytest.mark.parametrize(
    ("text", "everything", "stops"),
    [
        ("systemd-journald[12]: Under memory pressure, flushing caches.", False, [300]),
        ("systemd-journald[12]: Under memory pressure, flushing caches.", True, [300]),
        ("usb 1-1: new device", False, []),
        ("usb 1-1: new device", True, [300]),
    ],
)
def test_whatever_is_listed_is_a_stop(play: Play, text: str, everything: bool, stops: list[int]) -> None:
    """Lines about memory of other kinds were passed over, as was all else where all of the log is listed."""
    lines = story(400)
    line = record_of(text, sequence=1, monotonic=MONOTONIC + 299.5)
    lines[300] = replace(lines[300], kernel_log=KernelLog(origin="kmsg", records=(line,)))
    player = play(lines)
    found = []
    while player.next_event(everything) == "found":
        found.append(player.number)
    assert found == stops
    while player.explore():
        pass
    assert player.marks(everything) == tuple(number / 399 for number in stops)


@pytest.mark.slow
def test_what_wsltop_did_is_told_in_a_replay_too(play: Play) -> None:
    samples = story(400)
    mark = Mark(time=TIME + 300, monotonic=MONOTONIC + 300, text="compact: returned 462 MiB, predicted 480 MiB")
    samples[300] = replace(samples[300], marks=(mark,))
    player = play(samples)
    assert player.next_event() == "found"
    assert player.number == 300
    assert [event.text for event in player.session.journal.events()] == [mark.text]
    (event,) = player.session.journal.events()
    assert event_mark(event) == ("mark", "returned")


@pytest.mark.parametrize("wrong", [{"time": 1e300}, {"monotonic": -1e300}])
def test_a_forged_mark_that_no_calendar_has_is_left_out(play: Play, wrong: dict[str, float]) -> None:
    samples = story(5)
    mark = replace(Mark(time=TIME, monotonic=MONOTONIC, text="x"), **wrong)
    samples[2] = replace(samples[2], marks=(mark,))
    player = play(samples)
    play_to_the_end(player)
    assert player.session.journal.events() == ()
    assert player.at_end


def test_a_forged_count_of_blocks_below_zero_is_left_out(play: Play) -> None:
    """A list of -512 blocks had a pace of 0, and was divided by it."""
    samples = story(5)
    samples[2] = replace(samples[2], free_blocks=(FreeBlocks(node=0, zone="Normal", counts=(0,) * 5 + (-512,)),))
    assert [follows(sample, 0.0) for sample in samples] == [True, True, False, True, True]
    play_to_the_end(play(samples))


# What is wrong with the file


def test_a_file_that_goes_bad_ends_the_replay_where_it_can_be_read(tmp_path: Path) -> None:
    path = record(tmp_path / "r", story(900))
    with Recording.open(path) as recording:
        player = Player(recording)
        player.step(19)
        os.truncate(path, 0)
        player.paused = False
        play_to_the_end(player)
        assert player.paused
        assert player.at_end
        assert player.moment.sample in story(900)
        with pytest.raises(RecordingError):
            Player(recording, "700s")


def test_samples_that_go_back_in_time_are_left_out() -> None:
    samples = story(10)
    samples[4] = replace(samples[4], monotonic=MONOTONIC - 500)
    samples[5] = replace(samples[5], time=1e300)
    samples[6] = replace(samples[6], monotonic=math.inf)
    player = Player(Kept(samples))
    assert [one for _ in range(12) for one in taken(player, 1.0)] == [1, 2, 3, 7, 8, 9]
    player.go_to("4s")
    assert player.moment.sample.monotonic <= MONOTONIC + 4


class Kept:
    """Samples in memory: a player takes whatever has them."""

    interval = 1.0

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples
        self.count = len(samples)
        self.start, self.end = samples[0].time, samples[-1].time
        self.times = self.start, self.end

    def sample(self, index: int) -> Sample:
        return self.samples[index]

    def index_at(self, when: float) -> int:
        return max([number for number, one in enumerate(self.samples) if one.time <= when], default=0)

    def index_at_monotonic(self, when: float) -> int:
        return max([number for number, one in enumerate(self.samples) if one.monotonic <= when], default=0)

    def outline(self) -> Iterator[tuple[int, Sample]]:
        yield 0, self.samples[0]


@pytest.mark.ci
@settings(max_examples=MOST, suppress_health_check=[HealthCheck.too_slow])
@given(samples=st.lists(any_sample(), min_size=2, max_size=3), forged=st.booleans())
def test_no_recording_breaks_it(samples: list[Sample], forged: bool) -> None:
    if not forged:
        samples = [replace(one, time=TIME + place, monotonic=600.0 + place) for place, one in enumerate(samples)]
    try:
        player = Player(Kept(samples))
    except RecordingError:
        return
    # A forged sample may have a time that cannot be shown; then a call says so, and the place stays as it was.
    allowed = contextlib.suppress(RecordingError) if forged else contextlib.nullcontext()
    with allowed:
        for _ in range(3):
            taken(player, 2.0)
            player.next_event()
            player.explore()
    before = player.number
    try:
        player.step(-2)
    except RecordingError:
        assert forged
        assert player.number == before
    assert 0.0 <= player.place.share <= 1.0
