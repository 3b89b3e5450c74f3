"""WSL's loop against the table worked out by hand, and the live gate against WSL's loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.gate_machine import machine
from tests.core.gate_simulation import Memory, simulate
from wsltop.config import parse_toml
from wsltop.core.gate.rules import RULE_2_5_8, RULE_2_7_2, RULE_2_8_7, RULE_POST_2_9_4, IdleRule
from wsltop.core.gate.watch import Gate
from wsltop.core.wslconfig.effective import Mode

TABLE = parse_toml((Path(__file__).parents[1] / "data/gate/acts.toml").read_text("utf-8"))["case"]
BY_ID: dict[str, IdleRule] = {"A": RULE_2_5_8, "B": RULE_2_7_2, "C": RULE_2_8_7, "D": RULE_POST_2_9_4}
CASES = [(name, case) for case in TABLE for name in case["algorithms"]]
ENDLESS = Memory(total=2**50, in_use=2**50, cache=2**50)


def _moments(entry: list[int]) -> list[int]:
    ranged = len(entry) == 3 and entry[2] < entry[0]
    return list(range(entry[0], entry[1] + 1, entry[2])) if ranged else entry


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{name}: {case['name']}" for name, case in CASES])
def test_acts_at_the_ticks_of_the_table(rule: str, case: dict[str, Any]) -> None:
    acts = simulate(BY_ID[rule], case["mode"], list(machine(case["segments"], case["base"])))
    for kind in ("drop", "reclaim", "compact"):
        if kind == "compact" and kind not in case:
            continue
        assert [time for time, act in acts if act.kind == kind] == _moments(case.get(kind, [])), kind


def test_writes_what_the_source_writes() -> None:
    idle = list(machine([{"seconds": 700}], base=100))
    assert {act.amount for _, act in simulate(RULE_2_8_7, "dropCache", idle) if act.kind == "drop"} == {1}
    assert {act.amount for _, act in simulate(RULE_POST_2_9_4, "dropCache", idle) if act.kind == "drop"} == {3}
    first = next(act for _, act in simulate(RULE_2_8_7, "gradual", idle) if act.kind == "reclaim")
    assert first.amount == pytest.approx(2 * 2**30 * 0.03, abs=1)
    asked = [act.amount // 2**20 for _, act in simulate(RULE_POST_2_9_4, "gradual", idle) if act.kind == "reclaim"]
    assert asked == [256, 256, 256, 128]


def test_starts_with_the_thread() -> None:
    acts = simulate(RULE_2_8_7, "dropCache", list(machine([{"seconds": 700}])), start=24.0)
    assert [(time, act.kind) for time, act in acts] == [(624.0, "drop")]


def test_nothing_follows_from_nothing() -> None:
    assert simulate(RULE_2_8_7, "dropCache", []) == simulate(RULE_POST_2_9_4, "gradual", []) == []


rates = st.sampled_from([0, 5, 10, 15, 19, 20, 21, 40, 400])
segment = st.fixed_dictionaries({"seconds": st.integers(1, 200), "user": rates, "system": rates})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "mode"), [(RULE_2_5_8, "gradual"), (RULE_2_8_7, "gradual"), (RULE_POST_2_9_4, "gradual")]
)
@given(segments=st.lists(segment, min_size=1, max_size=8))
@settings(deadline=None, max_examples=40)
def test_live_gate_is_open_exactly_at_the_looks_where_wsl_acts(
    rule: IdleRule, mode: Mode, segments: list[dict[str, int]]
) -> None:
    steps = list(machine([*segments, {"seconds": 200}]))
    acted = {time for time, act in simulate(rule, mode, steps, ENDLESS) if act.kind == "reclaim"}
    gate = Gate(rule, mode)
    for time, cpu in steps:
        gate.feed(time, cpu)
        if time % rule.period == 0:
            assert (gate.state().verdict == "open") == (time in acted), time


@pytest.mark.slow
@given(segments=st.lists(segment, min_size=1, max_size=8))
@settings(deadline=None, max_examples=30)
def test_live_gate_is_open_when_wsl_drops(segments: list[dict[str, int]]) -> None:
    steps = list(machine([*segments, {"seconds": 700}]))
    dropped = [time for time, act in simulate(RULE_2_8_7, "dropCache", steps) if act.kind == "drop"]
    assert dropped
    gate = Gate(RULE_2_8_7)
    for time, cpu in steps:
        gate.feed(time, cpu)
        if time in dropped:
            assert gate.state().verdict == "open"
