"""What the host holds beyond the model, in words by its sign and trend."""

from __future__ import annotations

from wsltop.core.history import Point
from wsltop.core.ledger import NOISE, Draining, explain_residue, freed_ago

GIB = 1024**3
QUIET = Draining(size=0, seconds=0.0)


def points(*expected: int | None) -> list[Point]:
    return [Point(float(second), GIB, GIB, None, figure) for second, figure in enumerate(expected)]


def test_within_noise_it_is_settled() -> None:
    for size in (-NOISE, 0, NOISE):
        assert explain_residue(4 * GIB + size, 4 * GIB, QUIET, (), 9.0).meaning == "settled"


def test_the_noise_grows_with_the_vm() -> None:
    assert explain_residue(60 * GIB + GIB // 2, 60 * GIB, QUIET, (), 9.0).meaning == "settled"


def test_after_a_free_it_drains() -> None:
    residue = explain_residue(
        6 * GIB, 4 * GIB, Draining(size=2 * GIB, seconds=8.0), points(6 * GIB, 6 * GIB, 4 * GIB), 14.0
    )
    assert residue.meaning == "draining"
    assert residue.size == 2 * GIB
    assert residue.sentence == "2.0 GiB still draining after a free 12 s ago; 8.0 s left"


def test_without_a_free_it_is_overhead() -> None:
    residue = explain_residue(6 * GIB, 4 * GIB, QUIET, points(4 * GIB, 4 * GIB), 14.0)
    assert residue.meaning == "overhead"
    assert "VM overhead" in residue.sentence


def test_below_the_model_the_host_has_trimmed() -> None:
    residue = explain_residue(GIB, 4 * GIB, QUIET, (), 9.0)
    assert (residue.meaning, residue.size) == ("trimmed", -3 * GIB)
    assert "no reclaim" in residue.sentence


def test_the_newest_fall_counts_and_gaps_are_none() -> None:
    assert freed_ago(points(9 * GIB, 5 * GIB, 5 * GIB, 3 * GIB), 10.0) == 7.0
    assert freed_ago(points(9 * GIB, None, 3 * GIB), 10.0) is None
    assert freed_ago((), 10.0) is None
