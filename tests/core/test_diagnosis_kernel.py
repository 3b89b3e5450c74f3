"""The rules about memory that the kernel holds, and about reclaimable slab."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.core.diagnosis_scene import NO, TOTAL, Case, check, evidence, gate, host, judge, meminfo, sample
from wsltop.core.gate.rules import RULE_2_8_7, RULE_POST_2_9_4
from wsltop.model.sample import Meminfo, Sample, Surroundings, Unavailable
from wsltop.model.text import GIB

EIGHTH = TOTAL // 8


def holding(arc: int | None = None, **figures: int) -> Sample:
    """A guest in which the kernel holds so much more, taken from what was free."""
    made = meminfo()
    free = max(0, made.free - sum(figures.values()) - (arc or 0))
    around: dict[str, Any] = {} if arc is None else {"surroundings": Surroundings(zfs_arc=arc)}
    return sample(figures=replace(made, free=free, available=free, **figures), **around)


def unnamed(size: int) -> Sample:
    """A guest in which so much more is in no counter."""
    made = meminfo()
    return sample(figures=replace(made, free=made.free - size, available=made.free - size))


BLIND = evidence(sample(meminfo=NO))
CASES = (
    Case(
        "slab-kept",
        evidence(holding(slab_reclaimable=EIGHTH)),
        evidence(holding(slab_reclaimable=EIGHTH - 4096)),
        BLIND,
    ),
    Case(
        "kernel-slab",
        evidence(holding(slab_unreclaimable=EIGHTH)),
        evidence(holding(slab_unreclaimable=EIGHTH - 4096)),
        BLIND,
    ),
    Case(
        "kernel-page-tables",
        evidence(holding(page_tables=GIB)),
        evidence(holding(page_tables=GIB - 4096)),
        BLIND,
    ),
    Case("zfs-cache", evidence(holding(arc=3 * GIB)), evidence(holding(arc=GIB - 1)), evidence()),
    Case("kernel-other", evidence(unnamed(EIGHTH)), evidence(), BLIND),
)


def test_vmalloc_is_named_where_it_is_most_of_it() -> None:
    """9 GiB of VmallocUsed were "named by no counter"."""
    made = unnamed(3 * GIB)
    assert isinstance(made.meminfo, Meminfo)
    found = judge("kernel-other", evidence(replace(made, meminfo=replace(made.meminfo, vmalloc=3 * GIB))))
    assert found is not None
    assert ("vmalloc", 3 * GIB) in [(one.name, one.amount) for one in found.evidence]
    assert "no counter" not in found.sentence


def test_the_cache_of_zfs_is_a_part_of_what_is_lent_and_shrinks_with_a_drop() -> None:
    made = unnamed(4 * GIB)
    seen = evidence(replace(made, surroundings=replace(made.surroundings, zfs_arc=4 * GIB), host=host(8 * GIB)))
    assert not isinstance(seen.explanation, Unavailable)
    lent = seen.explanation.lent
    assert lent["zfs-cache"] == 4 * GIB
    assert lent.cause.id == "zfs-cache"
    assert sum(part.size for part in lent.parts) == lent.size
    assert seen.explanation.best is not None
    assert seen.explanation.best.id == "drop-all"
    assert 2 * GIB <= seen.explanation.best.gives < 3 * GIB


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case) -> None:
    check(case)


def test_slab_is_freed_by_the_drop_that_frees_it() -> None:
    """docker/for-win#12944: 9 GiB of dentries; ``echo 1`` frees none of them."""
    seen = holding(slab_reclaimable=9 * GIB)
    found = judge("slab-kept", evidence(seen, gates=(gate(rule=RULE_2_8_7),)))
    assert found is not None
    assert (found.severity, "9.0 GiB" in found.sentence) == ("warning", True)
    assert [remedy.action for remedy in found.remedy] == ["drop-all"]
    assert "WSL's own drop leaves it" in found.sentence
    new = judge("slab-kept", evidence(seen, gates=(gate(rule=RULE_POST_2_9_4),)))
    assert new is not None
    assert "leaves it" not in new.sentence


def test_a_leak_of_the_kernel_is_named_and_no_process_is_blamed() -> None:
    """VKCOM/statshouse#1114: 10 of 16 GiB unreclaimable slab."""
    found = judge("kernel-slab", evidence(holding(slab_unreclaimable=10 * GIB)))
    assert found is not None
    assert (found.severity, "10.0 GiB" in found.sentence) == ("warning", True)
    assert "slabtop" in found.remedy[0].text
    assert found.remedy[-1].action == "shutdown"


def test_the_cache_of_zfs_is_not_unnamed_kernel_memory() -> None:
    seen = evidence(holding(arc=4 * GIB))
    zfs = judge("zfs-cache", seen)
    assert zfs is not None
    assert "4.0 GiB" in zfs.sentence
    assert judge("kernel-other", seen) is None


def test_what_no_counter_names_is_told() -> None:
    seen = unnamed(3 * GIB)
    found = judge("kernel-other", evidence(seen))
    assert found is not None
    assert found.severity == "note"
    windows_short = replace(seen, host=host(8 * GIB, available=2 * GIB))
    worse = judge("kernel-other", evidence(windows_short))
    assert worse is not None
    assert worse.severity == "warning"
