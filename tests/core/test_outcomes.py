"""Predictions beside what came of them: from the sample before an act, compared when it has settled."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests import samples
from tests.samples import GIB, MIB, ended, hog, later, small_sample
from wsltop.core.ledger import FreeSplit, Ledger, keep_ledger
from wsltop.core.outcomes import KEPT, SETTLE, Outcomes, act_of
from wsltop.core.prediction import WORTH, assume_shares, predict_compaction, predict_drop, predict_kill, whole_blocks
from wsltop.core.session import Session
from wsltop.model.sample import Counters, Event, EventKind, Origin, Reading, Sample, Unavailable

START = 1000.0
FRAGMENTED, REPORTABLE = 400 * MIB, 600 * MIB


def kept() -> Ledger:
    ledger = keep_ledger(small_sample())
    assert isinstance(ledger, Ledger)
    return ledger


def with_split(ledger: Ledger, fragmented: int, reportable: int) -> Ledger:
    return replace(ledger, free_split=FreeSplit(fragmented=fragmented, reportable=reportable))


BEFORE = with_split(kept(), FRAGMENTED, REPORTABLE)


def gained(size: int) -> Ledger:
    """The ledger after ``size`` bytes became reportable."""
    return with_split(BEFORE, FRAGMENTED, REPORTABLE + size)


def event(kind: EventKind, origin: Origin = "vmstat", **amounts: int) -> Event:
    return samples.event(kind=kind, origin=origin, start=START, end=START, amounts=amounts)


COMPACTION = event("compaction", requested=5000, isolated=100)
DROP = event("cache drop", pagecache=1)
DROP_SLAB = event("cache drop", slab=1)
DROP_ALL = event("cache drop", pagecache=1, slab=1)
KILL = event("hog", "wsltop", killed=1, freed=GIB)
ADDED = event("hog", "wsltop", added=1, hogs=1, freed=0)


def act(outcomes: Outcomes, *events: Event, before: Reading[Ledger] = BEFORE, at: float = START) -> None:
    """The tick that brings the events; already a part has come back."""
    outcomes.feed(at, before, gained(10 * MIB), events)


def wait(outcomes: Outcomes, seconds: float, ledger: Reading[Ledger]) -> None:
    outcomes.feed(START + seconds, BEFORE, ledger, ())


@pytest.mark.parametrize(
    ("happened", "name", "predicted"),
    [
        (COMPACTION, "compaction", predict_compaction(BEFORE)),
        (DROP, "cache drop", predict_drop(BEFORE)),
        (DROP_ALL, "cache and slab drop", predict_drop(BEFORE, slab=True)),
        (DROP_SLAB, "slab drop", predict_drop(BEFORE, cache=False, slab=True)),
        (KILL, "kill", predict_kill(BEFORE, GIB)),
    ],
    ids=["compaction", "drop", "drop all", "drop slab", "kill"],
)
def test_the_prediction_is_of_the_sample_before_and_compared_after_settling(
    happened: Event, name: str, predicted: Any
) -> None:
    outcomes = Outcomes()
    act(outcomes, happened)
    wait(outcomes, SETTLE - 0.1, gained(100 * MIB))
    assert not outcomes.settled
    wait(outcomes, SETTLE, gained(300 * MIB))
    (settled,) = outcomes.settled
    assert settled.act == name
    assert settled.time == happened.time
    assert settled.outcome.predicted == predicted
    assert settled.outcome.gained == 300 * MIB
    assert settled.outcome.error == 300 * MIB - predicted.likely


def test_it_is_compared_once() -> None:
    outcomes = Outcomes()
    act(outcomes, COMPACTION)
    for seconds in range(60):
        wait(outcomes, seconds, gained(seconds * MIB))
    (settled,) = outcomes.settled
    assert settled.outcome.gained == SETTLE * MIB


@pytest.mark.parametrize(
    ("happened", "share", "of"),
    [
        (COMPACTION, "fragmented", FRAGMENTED),
        (DROP, "cache", round(BEFORE.cache_clean * whole_blocks(BEFORE).part)),
        (KILL, "anonymous", GIB),
    ],
    ids=["compaction", "drop", "kill"],
)
def test_the_share_is_learned_and_the_others_stay_assumed(happened: Event, share: str, of: int) -> None:
    outcomes = Outcomes()
    act(outcomes, happened)
    wait(outcomes, SETTLE, gained(of // 4))
    assumed = assume_shares(9)
    assert outcomes.shares is not None
    for name in ("fragmented", "cache", "slab", "anonymous"):
        learned = getattr(outcomes.shares, name)
        assert learned == getattr(assumed, name).learn(of // 4, of) if name == share else getattr(assumed, name)


def test_a_second_compaction_is_never_promised_what_the_first_could_not_move() -> None:
    """vm-truth F3: 23 to 299 MiB were promised in 11 runs, and nothing came."""
    outcomes = Outcomes()
    act(outcomes, COMPACTION)
    assert outcomes.shares is not None
    again = predict_compaction(BEFORE, outcomes.shares)
    assert not isinstance(again, Unavailable)
    assert again.high == 0
    wait(outcomes, SETTLE, gained(FRAGMENTED // 4))
    again = predict_compaction(BEFORE, outcomes.shares)
    assert not isinstance(again, Unavailable)
    assert again.high == 0


def test_what_has_become_fragmented_since_the_last_compaction_may_be_joined() -> None:
    outcomes = Outcomes()
    act(outcomes, COMPACTION)
    wait(outcomes, 1.0, with_split(BEFORE, 100 * MIB, REPORTABLE))
    assert outcomes.shares is not None
    assert outcomes.shares.left == 100 * MIB
    more = predict_compaction(BEFORE, outcomes.shares)
    assert not isinstance(more, Unavailable)
    assert more.high <= FRAGMENTED - 100 * MIB


def test_a_compaction_that_follows_a_drop_is_one_act_with_it() -> None:
    """vm-truth F11: WSL from 2.9.8 on drops and compacts in one, and nothing was learned from it."""
    outcomes = Outcomes()
    act(outcomes, DROP_ALL)
    act(outcomes, COMPACTION, at=START + 1)
    act(outcomes, COMPACTION, at=START + 2)
    wait(outcomes, SETTLE, gained(300 * MIB))
    (settled,) = outcomes.settled
    assert settled.act == "drop, then compaction"
    assert [part.name for part in settled.outcome.predicted.parts][-1] == "fragmented free"
    assert settled.outcome.gained == 300 * MIB
    assert outcomes.shares is not None
    assert outcomes.shares.slab_floor == BEFORE.slab_reclaimable


def test_a_kill_of_hogs_that_made_holes_teaches_nothing_about_others() -> None:
    """vm-truth F7: the holes join again, and the anonymous share became 1.0."""
    outcomes = Outcomes()
    act(outcomes, event("hog", "wsltop", killed=1, freed=GIB, holes=GIB))
    wait(outcomes, SETTLE, gained(2 * GIB))
    assert len(outcomes.settled) == 1
    assert outcomes.shares is None or not outcomes.shares.anonymous.seen


def test_the_next_prediction_uses_what_was_learned() -> None:
    outcomes = Outcomes()
    act(outcomes, COMPACTION)
    wait(outcomes, SETTLE, gained(FRAGMENTED // 4))
    wait(outcomes, SETTLE + 1, with_split(BEFORE, 0, REPORTABLE))  # what was left has gone
    act(outcomes, COMPACTION, at=START + 100)
    outcomes.feed(START + 100 + SETTLE, BEFORE, gained(FRAGMENTED // 2), ())
    assert [settled.outcome.predicted.likely for settled in outcomes.settled] == [
        round(assume_shares(9).fragmented.part * FRAGMENTED),
        FRAGMENTED // 4,
    ]
    assert outcomes.settled[1].outcome.error == FRAGMENTED // 4
    assert outcomes.shares is not None
    assert (outcomes.shares.fragmented.part, outcomes.shares.fragmented.seen) == (0.375, 2)


def test_a_slab_drop_teaches_what_it_left_as_its_parts_cannot_be_told_apart() -> None:
    outcomes = Outcomes()
    act(outcomes, DROP_ALL)
    wait(outcomes, SETTLE, gained(GIB))
    assert len(outcomes.settled) == 1
    assert outcomes.shares is not None
    assert outcomes.shares == replace(assume_shares(9, BEFORE.clues.kernel), slab_floor=BEFORE.slab_reclaimable)


def test_what_was_lost_instead_of_gained_is_told_and_is_no_negative_share() -> None:
    outcomes = Outcomes()
    act(outcomes, COMPACTION)
    wait(outcomes, SETTLE, gained(-50 * MIB))
    assert outcomes.settled[0].outcome.gained == -50 * MIB
    assert outcomes.shares is not None
    assert (outcomes.shares.fragmented.part, outcomes.shares.fragmented.low) == (0.0, 0.0)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_acts_in_the_same_tick_are_dropped_all(count: int) -> None:
    outcomes = Outcomes()
    act(outcomes, *(COMPACTION, DROP, KILL, DROP_ALL, KILL)[:count])
    wait(outcomes, SETTLE, gained(GIB))
    assert not outcomes.settled
    assert outcomes.shares is None or not (outcomes.shares.fragmented.seen or outcomes.shares.cache.seen)


@pytest.mark.parametrize("second", [1.0, 7.0, SETTLE - 0.1])
def test_a_second_act_before_the_first_has_settled_drops_both(second: float) -> None:
    outcomes = Outcomes()
    act(outcomes, COMPACTION)
    act(outcomes, DROP, at=START + second)
    for seconds in range(50):
        wait(outcomes, SETTLE + seconds, gained(GIB))
    assert not outcomes.settled


@pytest.mark.parametrize("count", [3, 4])
def test_a_third_act_is_not_compared_while_the_second_settles(count: int) -> None:
    outcomes = Outcomes()
    for number, happened in enumerate((COMPACTION, DROP, KILL, COMPACTION)[:count]):
        act(outcomes, happened, at=START + number)
    for seconds in range(50):
        wait(outcomes, 4.0 + seconds, gained(GIB))
    assert not outcomes.settled
    act(outcomes, DROP, at=START + 100)
    wait(outcomes, 100 + SETTLE, gained(MIB))
    assert len(outcomes.settled) == 1


def test_a_hog_that_takes_memory_meanwhile_spoils_the_comparison() -> None:
    outcomes = Outcomes()
    act(outcomes, KILL)
    act(outcomes, ADDED, at=START + 5)
    wait(outcomes, SETTLE, gained(-GIB))
    assert not outcomes.settled
    assert outcomes.shares is None


@pytest.mark.parametrize(
    "happened",
    [
        event("compaction", daemon=5000, requested=0),
        event("compaction", stalls=3),
        event("compaction", "kmsg", requested=1),
        event("cache drop", "kmsg"),
        ADDED,
        event("hog", "wsltop", filled=1, freed=0),
        event("swap", out=MIB),
        event("log", "kmsg"),
    ],
    ids=["kcompactd", "direct", "a line", "a line of a drop", "added", "filled", "swap", "log"],
)
def test_what_nobody_asked_for_is_no_act(happened: Event) -> None:
    assert act_of(happened) is None
    outcomes = Outcomes()
    act(outcomes, happened)
    wait(outcomes, SETTLE, gained(GIB))
    assert not outcomes.settled


def test_a_tiny_prediction_is_ignored() -> None:
    for fragmented, compared in ((WORTH - 1, 0), (WORTH, 1)):
        outcomes = Outcomes()
        act(outcomes, COMPACTION, before=with_split(BEFORE, fragmented, REPORTABLE))
        wait(outcomes, SETTLE, gained(0))
        assert len(outcomes.settled) == compared
    outcomes = Outcomes()
    act(outcomes, event("hog", "wsltop", killed=1, freed=WORTH - 1))
    wait(outcomes, SETTLE, gained(0))
    assert not outcomes.settled


NO_SPLIT = replace(BEFORE, free_split=Unavailable("no buddyinfo"))


@pytest.mark.parametrize("before", [Unavailable("no meminfo"), NO_SPLIT])
def test_without_figures_before_there_is_no_comparison(before: Reading[Ledger]) -> None:
    outcomes = Outcomes()
    act(outcomes, COMPACTION, before=before)
    wait(outcomes, SETTLE, gained(GIB))
    assert not outcomes.settled


def test_figures_that_are_missing_when_it_settles_cost_this_comparison_only() -> None:
    outcomes = Outcomes()
    act(outcomes, DROP)
    wait(outcomes, SETTLE, NO_SPLIT)
    wait(outcomes, SETTLE + 1, gained(GIB))
    assert not outcomes.settled
    act(outcomes, DROP, at=START + 100)
    wait(outcomes, 100 + SETTLE, Unavailable("gone for a moment"))
    assert not outcomes.settled
    wait(outcomes, 101 + SETTLE, gained(MIB))
    assert len(outcomes.settled) == 1


def test_outcomes_are_bounded() -> None:
    outcomes = Outcomes()
    for number in range(KEPT + 5):
        outcomes.feed(START + 100 * number, BEFORE, BEFORE, (DROP,))
        outcomes.feed(START + 100 * number + SETTLE, BEFORE, gained(number * MIB), ())
    assert len(outcomes.settled) == KEPT
    assert outcomes.settled[-1].outcome.gained == (KEPT + 4) * MIB


# Through a session: whoever acts, the counters tell.


def moved(taken: Sample, **by: int) -> Counters:
    assert isinstance(taken.counters, Counters)
    values = dict(taken.counters.values)
    return Counters(values=values | {name: values.get(name, 0) + amount for name, amount in by.items()})


def settle(session: Session, taken: Sample) -> Sample:
    for _ in range(int(SETTLE)):
        taken = later(taken)
        session.take(taken)
    return taken


def test_a_compaction_that_somebody_else_requested_is_compared() -> None:
    session, taken = Session(1.0), small_sample()
    session.take(taken)
    taken = later(taken, counters=moved(taken, compact_migrate_scanned=4000, compact_free_scanned=9000))
    session.take(taken)
    settle(session, taken)
    (settled,) = session.outcomes.settled
    assert settled.act == "compaction"
    assert settled.outcome.gained == 0
    ledger = keep_ledger(small_sample())
    assert isinstance(ledger, Ledger)
    assert settled.outcome.predicted == predict_compaction(ledger)


def test_compaction_by_the_kernel_itself_is_not_compared() -> None:
    session, taken = Session(1.0), small_sample()
    session.take(taken)
    counted = moved(
        taken,
        compact_migrate_scanned=4000,
        compact_free_scanned=9000,
        compact_daemon_migrate_scanned=4000,
        compact_daemon_free_scanned=9000,
        compact_isolated=9000,
    )
    taken = later(taken, counters=counted)
    session.take(taken)
    settle(session, taken)
    assert not session.outcomes.settled


def test_a_drop_by_anybody_is_compared() -> None:
    session, taken = Session(1.0), small_sample()
    session.take(taken)
    taken = later(taken, counters=moved(taken, drop_pagecache=1))
    session.take(taken)
    settle(session, taken)
    assert [settled.act for settled in session.outcomes.settled] == ["cache drop"]


def test_hogs_that_are_killed_together_are_one_act() -> None:
    session, taken = Session(1.0), small_sample(hogs=(hog(1), hog(2)))
    session.take(taken)
    taken = later(taken, hogs=(), hogs_ended=(ended(1), ended(2)))
    session.take(taken)
    settle(session, taken)
    (settled,) = session.outcomes.settled
    assert settled.act == "kill"
    assert settled.outcome.predicted.high >= 2 * GIB
