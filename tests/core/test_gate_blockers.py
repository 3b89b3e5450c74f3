"""Who keeps the gate shut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.gate_machine import times
from wsltop.core.gate.rules import RULE_2_8_7, RULE_POST_2_9_4
from wsltop.core.gate.watch import blockers
from wsltop.model.sample import ProcessCpu

BEFORE = times(user=1000, nice=10, system=500, idle=100_000)
AFTER = times(user=1020, nice=14, system=506, idle=103_970)  # 4000 ticks: 20 user, 4 nice, 6 system

NODES = (ProcessCpu(pid=11, name="node", user=6, system=1), ProcessCpu(pid=12, name="node", user=2, system=0))
OTHERS = (
    ProcessCpu(pid=20, name="dockerd", user=3, system=2),
    ProcessCpu(pid=30, name="backup", user=4, system=0, nice=10),
    ProcessCpu(pid=40, name="sleep", user=0, system=0),
    ProcessCpu(pid=50, name="wsltop", user=1, system=1, own=True),
)


def test_old_rule_counts_user_time_that_is_not_niced() -> None:
    found = blockers(RULE_2_8_7, BEFORE, AFTER, NODES + OTHERS)
    assert found is not None
    assert [(blocker.name, blocker.share, blocker.pids) for blocker in found.visible] == [
        ("node", 8 / 4000, (11, 12)),
        ("dockerd", 3 / 4000, (20,)),
    ]
    assert (found.total, found.own, found.elsewhere) == (20 / 4000, 1 / 4000, 8 / 4000)
    assert "other distros" in found.reason


def test_new_rule_counts_all() -> None:
    found = blockers(RULE_POST_2_9_4, BEFORE, AFTER, NODES + OTHERS)
    assert found is not None
    assert [(blocker.name, blocker.share) for blocker in found.visible] == [
        ("node", 9 / 4000),
        ("dockerd", 5 / 4000),
        ("backup", 4 / 4000),
    ]
    assert (found.total, found.own) == (30 / 4000, 2 / 4000)
    assert found.elsewhere == pytest.approx(10 / 4000)


def test_nothing_is_known_without_time_or_when_counters_go_back() -> None:
    assert blockers(RULE_2_8_7, BEFORE, BEFORE, NODES) is None
    assert blockers(RULE_2_8_7, AFTER, BEFORE, NODES) is None
    assert blockers(RULE_2_8_7, BEFORE, times(user=0, nice=10, system=500, idle=200_000), NODES) is None


def test_names_are_cleaned() -> None:
    found = blockers(RULE_2_8_7, BEFORE, AFTER, [ProcessCpu(pid=1, name="\x1b[31mno\nde", user=1, system=0)])
    assert found is not None
    assert found.visible[0].name == "no de"


@given(st.lists(st.tuples(st.integers(-5, 10_000), st.integers(-5, 10_000), st.booleans()), max_size=20))
def test_shares_stay_shares(used: list[tuple[int, int, bool]]) -> None:
    processes = [
        ProcessCpu(pid=pid, name=f"p{pid % 3}", user=user, system=system, own=own)
        for pid, (user, system, own) in enumerate(used)
    ]
    found = blockers(RULE_POST_2_9_4, BEFORE, AFTER, processes)
    assert found is not None
    shares = [found.total, found.own, found.elsewhere, *(blocker.share for blocker in found.visible)]
    assert all(0 <= share <= 1 for share in shares)
    assert [b.share for b in found.visible] == sorted((b.share for b in found.visible), reverse=True)
