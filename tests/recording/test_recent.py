"""The samples in memory: what is kept of them, for how long, and that a look back shows what was shown then."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from tests.core.test_bookmark import life, told
from tests.recording.recorded import run
from tests.samples import MONOTONIC, TIME
from wsltop.core.session import Session
from wsltop.model.sample import Sample, Surroundings, WslconfigFile
from wsltop.recording import recent
from wsltop.recording.player import Player
from wsltop.recording.recent import SPAN, Recent, RecentLog
from wsltop.recording.timeline_index import CHUNK


def watch(samples: list[Sample], *moments: int) -> tuple[Recent, Session, dict[int, tuple[object, ...]]]:
    """A session that is kept, and what it showed after some of its samples."""
    kept, session = Recent(1.0), Session(1.0, fine_span=SPAN)
    then: dict[int, tuple[object, ...]] = {}
    for number, one in enumerate(samples):
        kept.take(one, session)
        session.take(one)
        if number in moments:
            then[number] = told(session)
    return kept, session, then


def log_of(kept: Recent) -> RecentLog:
    log = kept.log()
    assert log is not None
    return log


def look_back(log: RecentLog, at: int) -> Player:
    return Player(log, at, paused=True, bookmarks=log.bookmarks)


def test_the_samples_come_back() -> None:
    samples = run(40)
    log = log_of(watch(samples)[0])
    assert [log.sample(number) for number in range(log.count)] == samples
    assert (log.start, log.end) == (samples[0].time, samples[-1].time)
    with pytest.raises(IndexError):
        log.sample(40)


def test_there_is_nothing_before_the_first_sample() -> None:
    assert Recent(1.0).log() is None


def test_a_reel_stays_as_it_was_while_more_is_kept() -> None:
    samples = list(life(CHUNK + 20))
    kept, session, _ = watch(samples[: CHUNK - 5])
    log = log_of(kept)
    for one in samples[CHUNK - 5 :]:
        kept.take(one, session)
        session.take(one)
    assert log.count == CHUNK - 5
    assert log.sample(CHUNK - 6) == samples[CHUNK - 6]
    assert log_of(kept).sample(CHUNK + 19) == samples[-1]


def test_a_sample_is_found_by_its_time() -> None:
    log = log_of(watch(list(life(CHUNK + 20)))[0])
    # The first of life's samples is a second after TIME.
    assert [log.index_at(TIME + 1 + after) for after in (-9.0, 0.0, 7.5, 312.0, 1e6)] == [0, 0, 7, 312, CHUNK + 19]
    assert [log.index_at_monotonic(MONOTONIC + 1 + after) for after in (-9.0, 7.5, 1e6)] == [0, 7, CHUNK + 19]


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 1, 3, 60, 299, 300, 301, 449])
def test_a_look_back_shows_what_was_shown_then(at: int) -> None:
    kept, _, then = watch(list(life(450)), at)
    assert told(look_back(log_of(kept), at).session) == then[at]


@pytest.mark.slow
def test_steps_there_and_back_show_the_same() -> None:
    kept, _, then = watch(list(life(450)), 290, 310)
    player = look_back(log_of(kept), 310)
    for _ in range(20):
        player.step(-1)
    assert told(player.session) == then[290]
    for _ in range(20):
        player.step(1)
    assert told(player.session) == then[310]


@pytest.mark.slow
def test_what_is_old_gives_way_and_what_is_left_still_knows_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_SAMPLES", 2 * CHUNK)
    kept, _, then = watch(list(life(3 * CHUNK - 50)), CHUNK + 20, 2 * CHUNK + 40)
    log = log_of(kept)
    assert log.count == 2 * CHUNK - 50
    assert told(look_back(log, 20).session) == then[CHUNK + 20]
    assert told(look_back(log, CHUNK + 40).session) == then[2 * CHUNK + 40]


@pytest.mark.slow
def test_a_flood_does_not_take_more_memory_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_BYTES", 3_000)
    kept, _, _ = watch(list(life(5 * CHUNK)))
    assert 0 < kept.size < 30_000
    assert log_of(kept).count < 5 * CHUNK


def test_a_figure_that_no_format_holds_costs_the_past_and_nothing_else() -> None:
    samples = run(12)
    samples[6] = replace(samples[6], time=math.inf)
    kept = Recent(1.0)
    session = Session(1.0)
    for number, one in enumerate(samples):
        kept.take(one, session)
        if number == 6:
            assert kept.log() is None
    assert [log_of(kept).sample(number) for number in range(5)] == samples[7:]


def test_events_are_found_in_it() -> None:
    kept, _, _ = watch(list(life(200)))
    player = look_back(log_of(kept), 199)
    found = []
    while player.previous_event() == "found":
        found.append(player.number)
    assert found
    assert found == sorted(set(found), reverse=True)
    while player.explore():
        pass
    assert len(player.marks()) == len(found)


def test_a_settings_file_of_many_lines_is_looked_back_at_as_it_was() -> None:
    """Texts used to be cleaned when they were kept: the file came back as one line, and its settings as ignored."""
    content = b"[wsl2]\r\nmemory=8GB\r\n\tswap=0\0\xff\r\n"
    file = WslconfigFile(path="/mnt/c/Users/me/.wslconfig", present=True, content=content, chosen_by="only profile")
    samples = [replace(one, surroundings=Surroundings(flavor="wsl2", wslconfig=file)) for one in run(5)]
    log = log_of(watch(samples)[0])
    assert log.sample(3).surroundings.wslconfig == file
