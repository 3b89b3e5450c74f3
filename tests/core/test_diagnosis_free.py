"""The rules about free memory that the host does not have back, and about page reporting."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.diagnosis_scene import (
    NO,
    NOW,
    Case,
    blocks,
    check,
    event,
    evidence,
    gate,
    guest,
    host,
    judge,
    meminfo,
    mode,
    past,
    sample,
)
from wsltop.core.diagnosis.rules import diagnose
from wsltop.core.gate.rules import RULE_POST_2_9_4
from wsltop.core.history import Point
from wsltop.core.ledger import Draining, keep_ledger
from wsltop.model.sample import FreeBlocks, Identity, ReportingOrder, Sample, Unavailable
from wsltop.model.text import GIB, KIB, MIB, format_duration

OLD_KERNEL = Identity(kernel="5.10.102.1-microsoft-standard-WSL2", distro="Ubuntu", wsl_version=NO)
ASSUMED = ReportingOrder(order=9, assumed=True)
HINT = "hv_balloon: Cold memory discard hint enabled with order 9"
REFUSED = "hv_balloon: Underlying Hyper-V does not support order less than 9. Hypercall failed"
FAILED = "node: page allocation failure: order:7, mode:0x40dc0(GFP_KERNEL|__GFP_ZERO)"


def expected_of(taken: Sample) -> int:
    ledger = keep_ledger(taken)
    assert not isinstance(ledger, Unavailable)
    assert not isinstance(ledger.expected_host, Unavailable)
    return ledger.expected_host


KEPT = expected_of(sample())


def holding(excess: int) -> Sample:
    """A machine whose host holds so much more than it should."""
    return sample(host=host(KEPT + excess))


def largest_block(order: int, count: int = 1, free: int = 2 * GIB) -> Sample:
    counts = [10_000] * order + [count]
    figures = meminfo(anonymous=16 * GIB - 512 * MIB - 512 * MIB - 64 * MIB - free)
    dma = FreeBlocks(node=0, zone="DMA", counts=(0,) * 10 + (3,))
    return sample(figures=figures, free_blocks=(dma, FreeBlocks(node=0, zone="Normal", counts=tuple(counts))))


CASES = (
    Case(
        "fragmented-free",
        evidence(guest(fragmented=GIB)),
        evidence(guest(fragmented=GIB - 128 * KIB)),
        evidence(sample(free_blocks=NO)),
    ),
    Case(
        "draining",
        evidence(draining=Draining(size=256 * MIB, seconds=4.0)),
        evidence(draining=Draining(size=256 * MIB - 1, seconds=4.0)),
        evidence(),
    ),
    Case(
        "not-returned",
        evidence(holding(2 * GIB), past=past(2 * GIB)),
        evidence(holding(2 * GIB - 1), past=past(2 * GIB)),
        evidence(sample(host=NO), past=past(2 * GIB)),
    ),
    Case(
        "return-unwatched",
        evidence(holding(2 * GIB), past=past(2 * GIB, seconds=3)),
        evidence(holding(2 * GIB - 1), past=past(2 * GIB, seconds=3)),
        evidence(sample(host=NO), past=past(2 * GIB, seconds=3)),
    ),
    Case(
        "order7-starved",
        evidence(largest_block(6)),
        evidence(largest_block(7)),
        evidence(sample(free_blocks=NO)),
    ),
    Case(
        "reporting-absent",
        evidence(sample(reporting=ASSUMED), page_reporting=False),
        evidence(sample(reporting=ASSUMED), page_reporting=True),
        evidence(sample(reporting=ASSUMED)),
    ),
    Case(
        "reporting-failing",
        evidence(events=(event("reporting", REFUSED),)),
        evidence(events=(event("reporting", HINT),)),
        evidence(),
    ),
    Case(
        "order-assumed",
        evidence(sample(reporting=ASSUMED)),
        evidence(sample(reporting=ReportingOrder(order=9, assumed=False))),
        evidence(sample(reporting=NO)),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case) -> None:
    check(case)


def test_fragmented_says_block_and_order() -> None:
    found = judge("fragmented-free", evidence(guest(fragmented=3 * GIB)))
    assert found is not None
    assert found.severity == "warning"
    assert all(said in found.sentence for said in ("3.0 GiB", "128 KiB", "Windows"))
    assert found.evidence[2].value == "5 = 128 KiB"
    assert [remedy.text for remedy in found.remedy] == ["echo 1 | sudo tee /proc/sys/vm/compact_memory"]


def test_fragmented_on_an_old_windows_or_elsewhere() -> None:
    taken = sample(fragmented=3 * GIB, reporting=ReportingOrder(order=9, assumed=False))
    on_wsl = judge("fragmented-free", evidence(taken))
    on_linux = judge("fragmented-free", evidence(taken, flavor="none"))
    assert on_wsl is not None
    assert on_linux is not None
    assert all(said in on_wsl.sentence for said in ("2.0 MiB", "Windows"))
    assert len(on_wsl.remedy) == 2
    assert "2.0 MiB, which the host" in on_linux.sentence
    assert len(on_linux.remedy) == 1


def test_nobody_compacts_when_disabled_under_the_new_rule() -> None:
    gates = (gate("off", rule=RULE_POST_2_9_4, mode="disabled"),)
    found = judge("fragmented-free", evidence(guest(fragmented=GIB), gates=gates, reclaim=mode("disabled")))
    assert found is not None
    assert "never compacts" in found.sentence


@pytest.mark.parametrize("seconds", [59, 30])
def test_not_returned_needs_a_minute(seconds: int) -> None:
    assert judge("not-returned", evidence(holding(4 * GIB), past=past(4 * GIB, seconds=seconds))) is None


def test_not_returned_only_when_it_never_fell() -> None:
    dip = (*past(4 * GIB)[:40], Point(NOW - 29.5, GIB, GIB, 3 * GIB, 3 * GIB), *past(4 * GIB)[41:])
    gap = (*past(4 * GIB)[:40], Point(NOW - 29.5, GIB, GIB, None, 3 * GIB), *past(4 * GIB)[41:])
    assert judge("not-returned", evidence(holding(4 * GIB), past=dip)) is None
    assert judge("not-returned", evidence(holding(4 * GIB), past=gap)) is None


@pytest.mark.parametrize("seconds", [0, 3, 59])
def test_too_short_a_watch_names_the_longer_one(seconds: int) -> None:
    early = evidence(holding(4 * GIB), past=past(4 * GIB, seconds=seconds))
    found = judge("return-unwatched", early)
    assert found is not None
    assert all(said in found.sentence for said in ("Windows holds 4.0 GiB", "60 s", format_duration(seconds)))
    assert [remedy.text for remedy in found.remedy] == ["wsltop doctor --watch 65"]
    assert [one.id for one in diagnose(early)][:2] == ["nothing-wrong", "return-unwatched"]


def test_after_a_minute_it_is_judged_and_not_put_off() -> None:
    late = evidence(holding(4 * GIB), past=past(4 * GIB, seconds=60))
    assert judge("return-unwatched", late) is None
    assert judge("not-returned", late) is not None


def test_the_watch_begins_anew_after_a_gap_of_the_host() -> None:
    gap = (*past(4 * GIB)[:40], Point(NOW - 29.5, GIB, GIB, None, 3 * GIB), *past(4 * GIB)[41:])
    found = judge("return-unwatched", evidence(holding(4 * GIB), past=gap))
    assert found is not None
    assert "29 s" in found.sentence


def test_what_is_seen_on_its_way_needs_no_longer_watch() -> None:
    drain = Draining(size=3 * GIB, seconds=9.0)
    assert judge("return-unwatched", evidence(holding(4 * GIB), past=past(4 * GIB, seconds=3), draining=drain)) is None


def test_nothing_drains_or_fragments_without_reporting() -> None:
    absent = evidence(
        sample(reporting=ASSUMED, fragmented=2 * GIB, host=host(KEPT + 8 * GIB)),
        draining=Draining(size=GIB, seconds=4.0),
        past=past(4 * GIB),
        page_reporting=False,
    )
    present = replace(absent, page_reporting=True)
    for rule in ("draining", "fragmented-free", "not-returned", "order-assumed"):
        assert judge(rule, present) is not None
        assert judge(rule, absent) is None


def test_reporting_of_old_kernels_is_not_told_by_the_folder() -> None:
    unknown = Identity(kernel=NO, distro=NO, wsl_version=NO)
    for identity in (OLD_KERNEL, unknown):
        taken = sample(reporting=ASSUMED, identity=identity)
        assert judge("reporting-absent", evidence(taken, page_reporting=False)) is None


def test_an_order_above_the_largest_block_reports_nothing() -> None:
    nobody = sample(reporting=ReportingOrder(order=11, assumed=False))
    largest = sample(reporting=ReportingOrder(order=10, assumed=False))
    assert judge("reporting-absent", evidence(nobody)) is not None
    assert judge("reporting-absent", evidence(largest)) is None


def test_the_kernel_log_refutes_it() -> None:
    works = (event("reporting", HINT),)
    assert judge("reporting-absent", evidence(sample(reporting=ASSUMED), page_reporting=False, events=works)) is None


def test_starved_by_failures_alone_and_both() -> None:
    failures = (event("log", FAILED, ago=3600.0),)
    assert judge("order7-starved", evidence(largest_block(7), events=failures)) is not None
    assert judge("order7-starved", evidence(largest_block(7), events=(event("log", FAILED, ago=3601.0),))) is None
    lower = (event("log", FAILED.replace("order:7", "order:6")),)
    assert judge("order7-starved", evidence(largest_block(7), events=lower)) is None
    both = judge("order7-starved", evidence(largest_block(6), events=failures))
    assert both is not None
    assert both.severity == "problem"
    assert ("failures in 1 h", "1, up to order 7") in [(figure.name, figure.value) for figure in both.evidence]


def test_a_full_machine_is_not_starved_of_large_blocks() -> None:
    assert judge("order7-starved", evidence(largest_block(6, free=256 * MIB))) is not None
    assert judge("order7-starved", evidence(largest_block(6, free=256 * MIB - 4096))) is None


def test_a_machine_of_one_zone_says_nothing() -> None:
    assert judge("order7-starved", evidence(sample(free_blocks=blocks(0, 0)[:1]))) is None
