"""What wsltop says of the simulated laptop while minutes of it pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.laptop.memory import GIB, MIB
from tests.laptop.scenarios import SCENARIOS
from tests.laptop.stepped import SteppedLaptop
from wsltop.core.diagnosis.rules import diagnose
from wsltop.core.session import Session
from wsltop.model.sample import Unavailable


@pytest.fixture
def stepped(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SteppedLaptop]:
    laptop = SteppedLaptop(tmp_path, SCENARIOS[request.param])
    yield laptop
    laptop.close()


def scenario(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stepped", [name], indirect=True)


def ids(session: Session) -> list[str]:
    assert session.moment is not None
    return [finding.id for finding in diagnose(session.evidence(session.moment))]


def draining(session: Session) -> float:
    """Seconds that it says are left; 0 when nothing drains."""
    assert session.moment is not None
    found = session.moment.draining
    return 0.0 if isinstance(found, Unavailable) else found.seconds


@scenario("release")
def test_a_container_that_ends_is_followed_to_its_end_on_windows_side(stepped: SteppedLaptop) -> None:
    before = stepped.laptop.memory.lent
    session = stepped.watch(11.0)
    said, at = draining(session), stepped.clock.monotonic()
    assert said > 0
    for _ in range(60):
        stepped.watch(1.0)
        if stepped.laptop.memory.reported == stepped.laptop.memory.reportable:
            break
    assert stepped.clock.monotonic() - at == pytest.approx(said, abs=3.0), "the countdown was right"
    stepped.watch(10.0)
    came = before - stepped.laptop.memory.lent
    assert came == pytest.approx(2 * GIB * 0.94, rel=0.02)
    (event,) = [event for event in session.journal.events() if event.kind == "return"]
    assert "mysqld" in event.text
    assert max(event.amounts.values()) == pytest.approx(came, rel=0.05)


@scenario("idle")
def test_an_idle_drop_by_wsl_is_an_event(stepped: SteppedLaptop) -> None:
    session = stepped.watch(60.0)
    drops = [event for event in session.journal.events() if event.kind == "cache drop"]
    assert any("mini_init" in event.text for event in drops)


@scenario("leak")
@pytest.mark.slow
def test_a_leak_is_found_and_named(stepped: SteppedLaptop) -> None:
    """It leads before what Windows is short of: ending what grows gives back more than the cache would."""
    assert ids(stepped.watch(420.0))[0] == "family-growing"


@scenario("windows")
def test_a_short_windows_is_not_blamed_on_a_small_vm(stepped: SteppedLaptop) -> None:
    assert ids(stepped.watch(5.0))[0] == "windows-short-elsewhere"


@scenario("short")
def test_a_short_windows_is_told_what_the_vm_can_give(stepped: SteppedLaptop) -> None:
    session = stepped.watch(5.0)
    assert ids(session)[0] == "windows-short"
    assert session.moment is not None
    assert stepped.laptop.available < 1200 * MIB


@scenario("killed")
def test_a_kill_from_before_is_found_at_the_first_sample(stepped: SteppedLaptop) -> None:
    assert "oom-kill" in ids(stepped.session)


@scenario("old")
def test_each_compaction_of_an_old_wsl_is_read_from_its_log(stepped: SteppedLaptop) -> None:
    session = stepped.watch(100.0)
    lines = [event for event in session.journal.events() if event.kind == "compaction" and event.origin == "kmsg"]
    assert lines


@scenario("gradual")
def test_what_wsl_reclaims_and_compacts_at_once_is_one_act(stepped: SteppedLaptop) -> None:
    """206 MiB of cache and a compaction gave 425 MiB, "outside the predicted range" of the compaction alone."""
    session = stepped.watch(300.0)
    acts = [one for one in session.outcomes.settled if "compaction" in one.act]
    assert acts
    assert {one.act for one in acts} == {"reclaim, then compaction"}
    for one in (acts[0], *acts[2:]):  # the laptop's second compaction joins what its first has left; no kernel's does
        assert one.outcome.predicted.holds(one.outcome.gained)
    told = [event for event in session.journal.events() if event.kind == "return" and "predicted" in event.amounts]
    assert told[0].amounts["within"]
    for event in told:
        assert "reclaimed" in event.text
        assert "compacted" in event.text
