"""The rules about page cache and the idle gate."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.core.diagnosis_scene import (
    NO,
    NOW,
    TOTAL,
    Case,
    check,
    event,
    evidence,
    gate,
    guest,
    host,
    judge,
    meminfo,
    mode,
    sample,
)
from tests.samples import hog
from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.gate.rules import RULE_POST_2_9_4
from wsltop.core.gate.watch import Blocker, Blockers
from wsltop.model.sample import Reading
from wsltop.model.text import GIB

MUCH = guest(cache=5 * GIB)
BIG = guest(cache=GIB)
SMALL = guest(cache=GIB - 4096)
SHUT = (gate(),)
BUSY = Blockers(
    total=0.019,
    visible=(
        Blocker(name="node", share=0.012, pids=(4711, 4712)),
        Blocker(name="dockerd", share=0.004, pids=(99,)),
        Blocker(name="cron", share=0.0001, pids=(3,)),
    ),
    own=0.0004,
    elsewhere=0.002,
)
OURS = Blockers(total=0.0060, visible=(), own=0.0009, elsewhere=0.0051)

CASES = (
    Case(
        "cache-kept",
        evidence(BIG, gates=SHUT),
        evidence(SMALL, gates=SHUT),
        evidence(BIG),
    ),
    Case(
        "wsltop-blocks",
        evidence(gates=SHUT, blockers=OURS),
        evidence(gates=SHUT, blockers=replace(OURS, own=0.0007)),
        evidence(gates=SHUT),
    ),
    Case(
        "cache-waiting",
        evidence(BIG, gates=(gate("open"),)),
        evidence(SMALL, gates=(gate("open"),)),
        evidence(BIG, gates=()),
    ),
    Case(
        "cache-spent",
        evidence(BIG, gates=(gate("open", spent=True, opens=None),)),
        evidence(BIG, gates=(gate("open", spent=False),)),
        evidence(BIG),
    ),
    Case(
        "reclaim-silent",
        evidence(BIG, gates=(gate("open", overdue=True),)),
        evidence(BIG, gates=(gate("open", overdue=True), gate("open", rule=RULE_POST_2_9_4))),
        evidence(BIG),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case) -> None:
    check(case)


def test_cache_kept_names_the_figures_and_who() -> None:
    found = judge("cache-kept", evidence(MUCH, gates=SHUT, blockers=BUSY, reclaim=mode("dropCache")))
    assert found is not None
    assert found.verdict == "CACHE KEPT"
    assert "5.0 GiB" in found.sentence
    assert "node 1.2 %, dockerd 0.40 %" in found.sentence
    assert [remedy.text for remedy in found.remedy] == [
        "echo 1 | sudo tee /proc/sys/vm/drop_caches",
        "renice -n 1 -p $(ps -L -o lwp= -p 4711,4712,99)",
        "[experimental]\nautoMemoryReclaim=gradual",
    ]


def test_nicing_and_gradual_are_no_remedy_for_the_new_rule() -> None:
    found = judge(
        "cache-kept", evidence(MUCH, gates=(gate(rule=RULE_POST_2_9_4),), blockers=BUSY, reclaim=mode("dropCache"))
    )
    assert found is not None
    assert [remedy.kind for remedy in found.remedy] == ["command", "advice"]


def test_invisible_processes_are_said_to_be_invisible() -> None:
    hidden = Blockers(total=0.02, visible=(), own=0.0, elsewhere=0.02)
    found = judge("cache-kept", evidence(MUCH, gates=SHUT, blockers=hidden))
    assert found is not None
    assert "cannot be seen from here 2.0 %" in found.sentence
    assert [remedy.text for remedy in found.remedy][-1] == "wsl --list --running"


def test_the_largest_visible_process_is_not_blamed_for_what_is_invisible() -> None:
    mostly = Blockers(total=0.0131, visible=(Blocker(name="node", share=0.0007, pids=(7,)),), own=0.0, elsewhere=0.0124)
    found = judge("cache-kept", evidence(MUCH, gates=SHUT, blockers=mostly))
    assert found is not None
    assert found.sentence.index("cannot be seen from here 1.2 %") < found.sentence.index("node 0.07 %")
    assert not any("renice" in remedy.text for remedy in found.remedy)


@pytest.mark.parametrize(
    ("cache", "available", "severity"),
    [
        (4 * GIB, NO, "warning"),  # a quarter of the guest's 16 GiB, and what Windows has left is unknown
        (4 * GIB - 4096, NO, "note"),
        (4 * GIB, 8 * GIB, "note"),  # a quarter of Windows' 32 GiB is left
        (4 * GIB, 8 * GIB - 1, "warning"),
    ],
)
def test_kept_cache_is_a_warning_where_it_matters(cache: int, available: Reading[int], severity: str) -> None:
    taken = sample(figures=meminfo(cache=cache), host=host(8 * GIB, available=available))
    found = judge("cache-kept", evidence(taken, gates=SHUT))
    assert found is not None
    assert found.severity == severity


def test_every_possible_rule_must_agree() -> None:
    both = (gate("shut"), gate("open", rule=RULE_POST_2_9_4))
    assert judge("cache-kept", evidence(MUCH, gates=both)) is None
    assert judge("cache-waiting", evidence(MUCH, gates=both)) is None
    assert judge("cache-kept", evidence(MUCH, gates=(gate("shut"), gate("unknown", rule=RULE_POST_2_9_4)))) is None


def young(uptime: float) -> Evidence:
    figures = meminfo(cache=5 * GIB)
    return evidence(sample(figures=figures, monotonic=uptime, host=host(TOTAL, read_at=uptime)), gates=SHUT)


def test_a_young_vm_is_not_blocked_by_anybody() -> None:
    assert judge("cache-kept", young(599.0)) is None
    assert judge("cache-waiting", young(599.0)) is not None
    assert judge("cache-kept", young(600.0)) is not None
    assert judge("cache-waiting", young(600.0)) is None


def test_the_second_digit_counts_near_the_limit() -> None:
    found = judge("wsltop-blocks", evidence(gates=SHUT, blockers=OURS))
    assert found is not None
    assert [figure.value for figure in found.evidence] == ["0.09 %", "0.60 %", "0.53 %"]
    assert "without it 0.51 % would be in use" in found.sentence


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ({"taken": sample(hogs=(hog(1, status="filling"),))}, False),
        ({"taken": sample(hogs=(hog(1),))}, True),
        ({"taken": sample(hogs=(hog(1, status="floor"),))}, True),
        ({"taken": sample(hogs=(hog(1, kind="churn"),))}, False),
        ({"events": (event("hog", "4 hogs killed", ago=5),)}, False),
        ({"events": (event("hog", "4 hogs killed", ago=60),)}, True),
        ({"events": (event("mark", "demo: load", ago=60),)}, False),
        ({"events": (event("mark", "demo: load", ago=60), event("mark", "demo: result", ago=5))}, False),
        ({"events": (event("mark", "demo: load", ago=90), event("mark", "demo: result", ago=60))}, True),
        ({"events": (event("mark", "demo: load", ago=7200),)}, True),
    ],
)
def test_a_load_that_the_user_asked_for_is_no_finding_of_the_idle_state(made: dict[str, Any], found: bool) -> None:
    """At the end of a demo wsltop warned of its own 1.1 % of all CPUs, which the hogs and the demo had used."""
    assert (judge("wsltop-blocks", evidence(gates=SHUT, blockers=OURS, **made)) is not None) == found


def test_wsltop_does_not_take_the_blame_for_others() -> None:
    assert judge("wsltop-blocks", evidence(gates=SHUT, blockers=BUSY)) is None
    assert judge("wsltop-blocks", evidence(gates=(gate("open"),), blockers=OURS)) is None


def test_what_is_waiting_says_when_and_when_it_is_unsure() -> None:
    sure = judge("cache-waiting", evidence(BIG, gates=(gate("open"),), reclaim=mode("dropCache")))
    assumed = judge("cache-waiting", evidence(BIG, gates=(gate("open"),), reclaim=mode("dropCache", "assumed")))
    assert sure is not None
    assert assumed is not None
    assert "1.0 GiB" in sure.sentence
    assert "if its mode is the default" in assumed.sentence


def test_dirty_cache_is_not_what_a_drop_frees() -> None:
    figures = replace(meminfo(cache=2 * GIB), dirty=GIB + 4096)
    assert judge("cache-kept", evidence(sample(figures=figures), gates=SHUT)) is None


def test_no_cache_no_claim() -> None:
    assert judge("cache-kept", evidence(sample(meminfo=NO, monotonic=NOW), gates=SHUT)) is None
