"""The idle gates of a session: which rules are followed, and what the kernel's own lines decide."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.gate_machine import machine, times
from tests.samples import IDENTITY, QUIET_LOG, nothing, record, sample
from wsltop.core.gate.watch import Certainty, Gates, GateState
from wsltop.core.wslconfig.effective import Mode
from wsltop.model.sample import Counters, CpuTimes, KernelLog, KernelRecord, Mark, Reading, Sample, Unavailable

UNKNOWN = Unavailable("the version is not known")
HOUR = 3600.0


def at(
    monotonic: float, *records: KernelRecord, version: Reading[str] = UNKNOWN, cpu: Reading[CpuTimes] | None = None
) -> Sample:
    """A sample of an idle machine, which has run for as long as its clock says."""
    idle = times(idle=round(monotonic * 400)) if cpu is None else cpu
    return sample(
        monotonic=monotonic,
        identity=replace(IDENTITY, wsl_version=version),
        cpu=idle,
        kernel_log=KernelLog(origin="kmsg", records=records),
    )


def drop(monotonic: float, value: int = 3, writer: str = "mini_init (175)", facility: int = 0) -> KernelRecord:
    """The kernel's line when somebody writes to drop_caches."""
    return record(f"{writer}: drop_caches: {value}", monotonic=monotonic, facility=facility)


def feed(gates: Gates, taken: Sample, mode: Mode, certainty: Certainty) -> tuple[GateState, ...]:
    """Take a sample in as a session does; the state of each possible gate."""
    gates.follow(taken, mode, certainty)
    return tuple(gate.state() for gate in gates.readable(taken))


def follow(
    gates: Gates, seconds: int, *, since: float = HOUR, mode: Mode = "dropCache", version: Reading[str] = UNKNOWN
) -> tuple[GateState, ...]:
    """Feed a sample each second; the states at the last."""
    states: tuple[GateState, ...] = ()
    for second in range(seconds + 1):
        states = feed(gates, at(since + second, version=version), mode, "configured")
    return states


def rules(states: tuple[GateState, ...]) -> list[str]:
    return [state.rule.id for state in states]


def test_without_a_version_both_rules_are_followed() -> None:
    states = feed(Gates(), at(HOUR), "dropCache", "default")
    assert rules(states) == ["2.8.7", "2.9.5"]
    assert all(state.rule.assumed for state in states)
    assert {(state.mode, state.certainty) for state in states} == {("dropCache", "default")}


@pytest.mark.parametrize(
    ("version", "rule"),
    [("2.6.3.0", "2.5.8"), ("2.7.11.0", "2.7.2"), ("2.9.4.0", "2.8.7"), ("2.9.9.0", "2.9.5")],
)
def test_a_known_version_leaves_one_rule(version: str, rule: str) -> None:
    assert rules(feed(Gates(), at(HOUR, version=version), "dropCache", "configured")) == [rule]


def test_the_version_may_become_known_later_and_the_history_stays() -> None:
    gates = Gates()
    follow(gates, 40)
    (state,) = feed(gates, at(HOUR + 41, version="2.9.4.0"), "dropCache", "configured")
    assert state.rule.id == "2.8.7"
    assert state.rule.assumed == ""
    assert state.windows[0].watched == 30.0
    assert state.windows[1].watched == pytest.approx(41.0)


def test_a_line_of_mini_init_decides_for_the_new_rule_and_gives_the_phase() -> None:
    gates = Gates()
    follow(gates, 5)
    (state,) = feed(gates, at(HOUR + 6, drop(HOUR + 5.5)), "dropCache", "configured")
    assert state.rule.id == "2.9.5"
    assert "seen writing 3" in state.rule.assumed
    assert state.phase_known
    assert state.look is not None
    assert state.look.earliest == pytest.approx(9.5, abs=0.2)
    assert state.last_fired == pytest.approx(0.5)


def test_a_line_with_1_decides_for_the_old_rule() -> None:
    (state,) = feed(Gates(), at(HOUR, drop(HOUR - 3, value=1)), "dropCache", "configured")
    assert state.rule.id == "2.8.7"
    assert state.phase_known
    assert state.last_fired == pytest.approx(3.0)


@pytest.mark.parametrize("known", ["2.9.9.0", UNKNOWN])
def test_a_drop_is_seen_by_the_rule_that_it_chooses(known: Reading[str]) -> None:
    gates = Gates()
    (state,) = feed(gates, at(HOUR, drop(HOUR - 1), version=known), "dropCache", "configured")
    assert state.last_fired == pytest.approx(1.0)
    (state,) = feed(gates, at(HOUR + 1, drop(HOUR + 0.5), version=known), "dropCache", "configured")
    assert state.last_fired == pytest.approx(0.5)


def test_a_drop_is_seen_by_the_gate_of_a_mode_that_changes_with_it() -> None:
    gates = Gates()
    feed(gates, at(HOUR, version="2.9.9.0"), "dropCache", "default")
    (state,) = feed(gates, at(HOUR + 1, drop(HOUR + 0.5), version="2.9.9.0"), "gradual", "configured")
    assert state.last_fired == pytest.approx(0.5)
    assert state.phase_known


@pytest.mark.parametrize(
    "line",
    [
        drop(HOUR, writer="bash (4711)"),
        drop(HOUR, writer="mini_init (x)"),
        drop(HOUR, value=2),
        drop(HOUR, facility=1),
    ],
    ids=["another writer", "no pid", "slab alone", "not the kernel's own"],
)
def test_what_is_not_a_drop_by_init_decides_nothing(line: KernelRecord) -> None:
    states = feed(Gates(), at(HOUR, line), "dropCache", "configured")
    assert rules(states) == ["2.8.7", "2.9.5"]
    assert not any(state.phase_known or state.last_fired is not None for state in states)


def test_a_change_of_mode_keeps_the_history_and_the_phase() -> None:
    gates = Gates()
    feed(gates, at(HOUR, drop(HOUR - 2), version="2.9.9.0"), "dropCache", "default")
    follow(gates, 60, since=HOUR + 1, version="2.9.9.0")
    (state,) = feed(gates, at(HOUR + 62, version="2.9.9.0"), "gradual", "configured")
    assert (state.mode, state.certainty) == ("gradual", "configured")
    assert state.windows[0].watched == 10.0
    assert state.windows[1].watched == pytest.approx(62.0)
    assert state.phase_known
    assert state.last_fired == pytest.approx(64.0)


def test_the_certainty_alone_may_change_too() -> None:
    gates, certainties = Gates(), list[Certainty]()
    for second, certainty in enumerate[Certainty](("unknown", "default", "configured")):
        (state,) = feed(gates, at(HOUR + second, version="2.9.9.0"), "dropCache", certainty)
        certainties.append(state.certainty)
    assert certainties == ["unknown", "default", "configured"]


def test_disabled_is_off_whatever_the_rule() -> None:
    states = feed(Gates(), at(HOUR), "disabled", "configured")
    assert [state.verdict for state in states] == ["off", "off"]
    assert not any(state.windows for state in states)


def test_without_cpu_times_there_is_no_gate_and_afterwards_there_is() -> None:
    gates = Gates()
    assert feed(gates, at(HOUR, cpu=Unavailable("gone")), "dropCache", "default") == ()
    assert rules(feed(gates, at(HOUR + 1), "dropCache", "default")) == ["2.8.7", "2.9.5"]


def test_a_drop_while_cpu_times_are_missing_is_not_forgotten() -> None:
    gates = Gates()
    feed(gates, at(HOUR, version="2.9.9.0"), "dropCache", "default")
    missing = at(HOUR + 1, drop(HOUR + 0.5), version="2.9.9.0", cpu=Unavailable("gone"))
    assert feed(gates, missing, "dropCache", "default") == ()
    (state,) = feed(gates, at(HOUR + 2, version="2.9.9.0"), "dropCache", "default")
    assert state.last_fired == pytest.approx(1.5)


def test_a_sample_without_anything_is_taken() -> None:
    gates = Gates()
    assert feed(gates, nothing(), "dropCache", "unknown") == ()
    assert feed(gates, replace(nothing(), kernel_log=QUIET_LOG), "gradual", "unknown") == ()


@pytest.mark.slow
def test_a_busy_machine_is_shut_and_an_idle_one_opens() -> None:
    gates, verdicts = Gates(), list[str]()
    for monotonic, cpu in machine([{"seconds": 900, "user": 400}, {"seconds": 700}]):
        taken = at(monotonic, version="2.9.4.0", cpu=cpu)
        (state,) = feed(gates, taken, "dropCache", "configured")
        verdicts.append(state.verdict)
    assert verdicts[898] == "shut"
    assert verdicts[-1] == "open"


def test_only_the_last_drops_are_kept() -> None:
    gates = Gates()
    for second in range(100):
        feed(gates, at(HOUR + second, drop(HOUR + second), version="2.9.9.0"), "dropCache", "default")
    (state,) = feed(gates, at(HOUR + 101, version="2.9.9.0"), "gradual", "default")
    assert state.last_fired == pytest.approx(2.0)


def compacted(taken: Sample, count: int) -> Sample:
    """The sample after so many compactions that somebody requested."""
    names = ("compact_migrate_scanned", "compact_free_scanned", "compact_isolated")
    others = ("compact_stall", "compact_daemon_migrate_scanned", "compact_daemon_free_scanned")
    values = dict.fromkeys(names, 1000 * count) | dict.fromkeys(others, 7)
    return replace(taken, counters=Counters(values=values))


def phase_after(moments: tuple[int, ...], version: str, marks: tuple[Mark, ...] = ()) -> bool:
    """Whether the timer's phase is known after compactions at these seconds."""
    gates, count = Gates(), 0
    states: tuple[GateState, ...] = ()
    for second in range(max(moments) + 3):
        count += second in moments
        taken = compacted(at(HOUR + second, version=version), count)
        taken = replace(taken, marks=marks if second in moments else ())
        states = feed(gates, taken, "dropCache", "configured")
    return states[0].phase_known


@pytest.mark.parametrize(
    ("moments", "version", "known"),
    [
        ((5, 36, 67), "2.7.11.0", True),
        ((5, 36), "2.7.11.0", True),
        ((5, 20), "2.7.11.0", False),
        ((5,), "2.7.11.0", False),
        ((5, 15), "2.9.8.0", False),
        ((5, 15, 25), "2.9.8.0", True),
    ],
)
def test_the_phase_is_learned_from_compactions_that_fit_the_rule(
    moments: tuple[int, ...], version: str, known: bool
) -> None:
    """vm-truth F14: rule B compacted every 31 s, 18 times, and the next look stayed "within 30 s"."""
    assert phase_after(moments, version) is known


def test_a_compaction_that_wsltop_asked_for_gives_no_phase() -> None:
    marks = (Mark(time=0.0, monotonic=HOUR, text="compact"),)
    assert not phase_after((5, 36, 67), "2.7.11.0", marks)


@pytest.mark.parametrize(("drops", "spent", "overdue"), [(0, False, True), (3, None, False)])
def test_a_gate_that_was_open_from_the_start_is_armed_where_nothing_was_dropped_since_boot(
    drops: int, spent: bool | None, overdue: bool
) -> None:
    """The case of WSL#4166 on an idle machine: without the counter nobody could say whether WSL had acted."""
    gates, states = Gates(), tuple[GateState, ...]()
    for second in range(0, 180, 5):
        taken = replace(at(HOUR + second, version="2.9.9.0"), counters=Counters(values={"drop_pagecache": drops}))
        states = feed(gates, taken, "dropCache", "configured")
    (state,) = states
    assert (state.verdict, state.spent, state.overdue) == ("open", spent, overdue)
