"""Which rule and mode apply, and what the kernel says that init did."""

from __future__ import annotations

import pytest

from wsltop.core.gate.rules import (
    RULE_2_5_8,
    RULE_POST_2_9_4,
    dropped_by_counters,
    dropped_by_init,
    effective_mode,
    rules_for,
)
from wsltop.core.wslconfig.effective import Mode
from wsltop.model.sample import Unavailable

UNKNOWN = Unavailable("nobody knows")


@pytest.mark.parametrize(
    ("version", "expected", "assumed"),
    [
        ("1.2.5.0", "2.5.8", True),
        ("2.0.14.0", "2.5.8", True),
        ("2.5.7.0", "2.5.8", True),
        ("2.5.8.0", "2.5.8", False),
        ("2.6.3.0", "2.5.8", False),
        ("2.6.9.0", "2.5.8", True),
        ("2.7.0.0", "2.5.8", False),
        ("2.7.1.0", "2.5.8", False),
        ("2.7.2.0", "2.7.2", False),
        ("2.7.11.0", "2.7.2", False),
        ("2.7.13.0", "2.7.2", True),
        ("2.8.0.0", "2.7.2", False),
        ("2.8.6.0", "2.7.2", False),
        ("2.8.7.0", "2.8.7", False),
        ("2.8.12.0", "2.8.7", False),
        ("2.9.4.0", "2.8.7", False),
        ("2.9.5.0", "2.9.5", True),
        ("2.9.8.0", "2.9.5", False),
        ("2.10.0", "2.9.5", False),
        ("v3.0.1.0", "2.9.5", False),
    ],
)
def test_version_chooses_the_rule(version: str, expected: str, assumed: bool) -> None:
    (found,) = rules_for(version)
    assert (found.id, bool(found.assumed)) == (expected, assumed)


@pytest.mark.parametrize("version", [UNKNOWN, "", "two", "2.7"])
def test_unknown_version_leaves_both_until_something_is_seen(version: str | Unavailable) -> None:
    assert [rule.id for rule in rules_for(version)] == ["2.8.7", "2.9.5"]
    assert [rule.id for rule in rules_for(version, 3)] == ["2.9.5"]
    assert [rule.id for rule in rules_for(version, 1)] == ["2.8.7"]


def test_what_was_seen_corrects_an_assumption_but_not_a_known_rule() -> None:
    assert [rule.id for rule in rules_for("2.9.6.0", 1)] == ["2.8.7"]
    assert [rule.id for rule in rules_for("2.7.13.0", 3)] == ["2.9.5"]
    assert rules_for("2.7.1.0", 3) == (RULE_2_5_8,)
    assert rules_for("2.9.8.0") == (RULE_POST_2_9_4,)


def test_modes() -> None:
    assert effective_mode("gradual", False) == "dropCache"
    assert effective_mode("gradual", None) == effective_mode("gradual", True) == "gradual"
    assert effective_mode("disabled", False) == "disabled"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mini_init (232): drop_caches: 1", 1),
        ("mini_init (175): drop_caches: 3", 3),
        ("mini_init (175): drop_caches: 2", None),
        ("sh (4711): drop_caches: 3", None),
        ("", None),
    ],
)
def test_drops_of_init_in_the_kernel_log(line: str, expected: int | None) -> None:
    assert dropped_by_init(line) == expected


def test_drops_in_the_counters() -> None:
    before = {"drop_pagecache": 4, "drop_slab": 1}
    assert dropped_by_counters(before, before) is None
    assert dropped_by_counters(before, {"drop_pagecache": 5, "drop_slab": 1}) == 1
    assert dropped_by_counters(before, {"drop_pagecache": 5, "drop_slab": 2}) == 3
    assert dropped_by_counters(before, {"drop_pagecache": 4, "drop_slab": 2}) is None
    assert dropped_by_counters(before, {}) is None


@pytest.mark.parametrize("version", ["²." * 3, "2.7", "soon", ""])
def test_what_is_no_version_of_wsl_decides_nothing(version: str) -> None:
    assert rules_for(version) == rules_for(UNKNOWN)


@pytest.mark.parametrize("mode", ["dropCache", "gradual", "disabled"])
def test_says_what_it_will_do(mode: Mode) -> None:
    for rule in (RULE_2_5_8, RULE_POST_2_9_4):
        assert all(rule.does[mode])
    assert (RULE_2_5_8.drops, RULE_POST_2_9_4.drops) == (1, 3)
    assert RULE_2_5_8.compacts("disabled")
    assert not RULE_POST_2_9_4.compacts("disabled")
