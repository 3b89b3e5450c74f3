"""The rules about ``autoMemoryReclaim`` and WSL's thread behind it."""

from __future__ import annotations

import pytest

from tests.core.diagnosis_scene import Case, check, event, evidence, gate, guest, judge, mode
from wsltop.core.diagnosis.evidence import SwapRates
from wsltop.core.gate.rules import RULE_POST_2_9_4
from wsltop.model.sample import CgroupMode, Mounts, Unavailable
from wsltop.model.text import GIB, MIB

BIG, SMALL = guest(cache=GIB), guest(cache=GIB - 4096)
OLD, NEW = (gate(mode="gradual"),), (gate(mode="gradual", rule=RULE_POST_2_9_4),)
SWAPPED, NOT_SWAPPED = guest(swap_used=256 * MIB), guest(swap_used=256 * MIB - 4096)
ERROR = "WSL (1) ERROR: WriteToFile:3321: write(/sys/fs/cgroup/memory.reclaim, 35785605"
FALLBACK = (
    "WSL (1 - ) WARNING: access(/sys/fs/cgroup/memory.reclaim, W_OK) failed 2, "
    "falling back to autoMemoryReclaim = dropcache"
)

CASES = (
    Case(
        "reclaim-disabled",
        evidence(BIG, reclaim=mode("disabled")),
        evidence(SMALL, reclaim=mode("disabled")),
        evidence(BIG, reclaim=mode("disabled", "assumed")),
    ),
    Case(
        "gradual-falls-back",
        evidence(reclaim=mode("gradual"), reclaim_file=False),
        evidence(reclaim=mode("gradual"), reclaim_file=True),
        evidence(reclaim_file=False),
    ),
    Case(
        "gradual-swaps",
        evidence(SWAPPED, reclaim=mode("gradual"), gates=OLD),
        evidence(NOT_SWAPPED, reclaim=mode("gradual"), gates=OLD),
        evidence(SWAPPED, reclaim=mode("gradual")),
    ),
    Case(
        "gradual-ends-v1",
        evidence(reclaim=mode("gradual"), cmdline="initrd=\\initrd.img cgroup_no_v1=all panic=-1"),
        evidence(reclaim=mode("dropCache"), cmdline="cgroup_no_v1=all"),
        evidence(reclaim=mode("gradual")),
    ),
    Case(
        "reclaim-thread-dead",
        evidence(events=(event("init", ERROR),), gates=OLD),
        evidence(events=(event("init", ERROR.replace("memory.reclaim", "hello")),), gates=OLD),
        evidence(gates=OLD),
    ),
    Case(
        "reclaim-failing",
        evidence(events=(event("init", ERROR, ago=90.0), event("init", ERROR)), gates=OLD),
        evidence(events=(event("init", ERROR, ago=62.0), event("init", ERROR)), gates=OLD),
        evidence(gates=OLD),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case) -> None:
    check(case)


def test_disabled_says_that_the_new_rule_does_not_compact_either() -> None:
    new = judge("reclaim-disabled", evidence(BIG, reclaim=mode("disabled"), gates=(gate("off", rule=RULE_POST_2_9_4),)))
    old = judge("reclaim-disabled", evidence(BIG, reclaim=mode("disabled"), gates=(gate("off"),)))
    assert new is not None
    assert old is not None
    assert "nor does it compact" in new.sentence
    assert "compact" not in old.sentence


def test_gradual_leaves_anonymous_memory_alone_after_2_9_4() -> None:
    assert judge("gradual-swaps", evidence(SWAPPED, reclaim=mode("gradual"), gates=NEW)) is None


def test_gradual_lags_when_the_swapped_comes_back() -> None:
    rates = SwapRates(inward=MIB, outward=0.0, seconds=30.0)
    found = judge("gradual-swaps", evidence(SWAPPED, reclaim=mode("gradual"), gates=OLD, swap_rates=rates))
    assert found is not None
    assert found.severity == "warning"


@pytest.mark.parametrize(("mounted", "found"), [("v1", True), ("hybrid", True), ("v2", False)])
def test_gradual_needs_cgroup_v2(mounted: CgroupMode, found: bool) -> None:
    mounts = Mounts(tmpfs=(), cgroups=mounted)
    assert (judge("gradual-falls-back", evidence(reclaim=mode("gradual"), mounts=mounts)) is not None) is found


def test_unknown_mounts_are_no_v1() -> None:
    mounts = Mounts(tmpfs=(), cgroups=Unavailable("mountinfo is unreadable"))
    assert judge("gradual-falls-back", evidence(reclaim=mode("gradual"), mounts=mounts)) is None


def test_init_itself_tells_of_the_fallback() -> None:
    assert judge("gradual-falls-back", evidence(events=(event("init", FALLBACK),))) is not None
    assert judge("reclaim-thread-dead", evidence(events=(event("init", FALLBACK),))) is None


def test_an_error_does_not_end_the_new_thread() -> None:
    new = evidence(events=(event("init", ERROR),), gates=NEW)
    assert judge("reclaim-thread-dead", new) is None
    found = judge("reclaim-failing", new)
    assert found is not None
    assert found.severity == "note"
    unsure = judge("reclaim-thread-dead", evidence(events=(event("init", ERROR),)))
    assert unsure is not None
    assert "up to WSL 2.9.4" in unsure.sentence


def test_a_kernel_that_does_not_take_swappiness_ends_no_thread() -> None:
    """On the newest rule ``memory.reclaim`` answers EINVAL every 10 s before Linux 6.10."""
    refused = event("init", "WSL (1) ERROR: RequestReclaim:3775: write of 1 MiB failed 22")
    new = evidence(events=(refused,), gates=NEW)
    assert judge("reclaim-thread-dead", new) is None
    found = judge("reclaim-failing", new)
    assert found is not None
    assert "swappiness" in found.sentence


def test_a_thread_that_fails_again_at_its_next_look_lives() -> None:
    """It was said to have ended while the same error came every 30 s (WSL#10534)."""
    again = evidence(events=(event("init", ERROR, ago=90.0), event("init", ERROR, ago=60.0)), gates=OLD)
    assert judge("reclaim-thread-dead", again) is None
    found = judge("reclaim-failing", again)
    assert found is not None
    assert (found.severity, found.evidence[0].amount) == ("warning", 2)
    assert all(remedy.kind != "windows" for remedy in found.remedy), "a restart does not help"


def test_a_thread_that_acted_after_its_error_lives() -> None:
    acted = (gate(mode="gradual", last_fired=59.0),)
    before = (gate(mode="gradual", last_fired=61.0),)
    assert judge("reclaim-thread-dead", evidence(events=(event("init", ERROR, ago=60.0),), gates=acted)) is None
    assert judge("reclaim-thread-dead", evidence(events=(event("init", ERROR, ago=60.0),), gates=before)) is not None
    dropped = event("cache drop", "mini_init (175): drop_caches: 1", ago=30.0)
    assert judge("reclaim-thread-dead", evidence(events=(event("init", ERROR), dropped))) is None
