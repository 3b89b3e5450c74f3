"""The gap between host and guest, in a figure and a sentence whose parts add up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.samples import MIB, host_memory, small_sample
from wsltop.core.ledger import WORTH_TELLING, FreeSplit, Gap, Ledger, explain_gap, keep_ledger, tell_gap
from wsltop.model.reading import Unavailable
from wsltop.model.units import parse_size

GONE = Unavailable("gone", "Look for it.")


def ledger_with(
    *, used: int = 2000, cache: int = 0, slab: int = 0, fragmented: int = 0, expected: int | None = None
) -> Ledger:
    """A ledger in MiB in which only what the gap looks at is meant."""
    ledger = keep_ledger(small_sample())
    assert isinstance(ledger, Ledger)
    return replace(
        ledger,
        used=used * MIB,
        cache=cache * MIB,
        slab_reclaimable=slab * MIB,
        free_split=FreeSplit(fragmented=fragmented * MIB, reportable=0),
        expected_host=GONE if expected is None else expected * MIB,
    )


def gap_of(ledger: Ledger, working_set: int | None) -> Gap:
    host = GONE if working_set is None else host_memory(working_set=working_set * MIB)
    gap = explain_gap(ledger, host)
    assert isinstance(gap, Gap)
    return gap


@pytest.mark.parametrize(
    ("working_set", "sentence"),
    [
        (2000, "Windows keeps what the guest uses, and no more"),
        (2031, "Windows keeps what the guest uses, and no more"),
        (1969, "Windows keeps what the guest uses, and no more"),
        (1900, "Windows keeps less than the guest uses: it has trimmed or compressed the VM"),
        (2900, "Windows keeps: 600 MiB cache, 200 MiB fragmented free, 100 MiB draining, or the VM's own"),
        (2810, "Windows keeps: 600 MiB cache, 200 MiB fragmented free"),
        (2500, "Windows keeps: 600 MiB cache, 200 MiB fragmented free, less 300 MiB that it does not hold"),
    ],
)
def test_the_sentence_of_a_measured_gap(working_set: int, sentence: str) -> None:
    gap = gap_of(ledger_with(cache=500, slab=100, fragmented=200), working_set)
    assert gap == Gap(size=(working_set - 2000) * MIB, measured=True, sentence=sentence)


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        (2900, "Expected: 600 MiB cache, 200 MiB fragmented free, 100 MiB draining, or the VM's own"),
        (2000, "Expected what the guest uses, and no more"),
        (1900, "Expected less than the guest uses: part of what is free is held in reserve"),
    ],
)
def test_an_expected_gap_does_not_speak_as_if_it_were_measured(expected: int, sentence: str) -> None:
    gap = gap_of(ledger_with(cache=500, slab=100, fragmented=200, expected=expected), None)
    assert gap == Gap(size=(expected - 2000) * MIB, measured=False, sentence=sentence)


def test_a_process_that_is_not_of_windows_is_not_called_windows() -> None:
    gap = explain_gap(ledger_with(), host_memory(source="process", working_set=9000 * MIB))
    assert isinstance(gap, Gap)
    assert gap.sentence.startswith("The host keeps: ")


def test_what_is_measured_goes_before_what_is_expected() -> None:
    assert gap_of(ledger_with(expected=9000), 2500).size == 500 * MIB


def test_without_a_host_and_without_an_expectation_there_is_no_gap() -> None:
    assert explain_gap(ledger_with(), GONE) == GONE
    assert explain_gap(GONE, host_memory()) == GONE


def test_free_memory_that_is_not_split_is_not_named() -> None:
    ledger = replace(ledger_with(cache=500), free_split=GONE)
    assert gap_of(ledger, 2900).sentence == "Windows keeps: 500 MiB cache, 400 MiB draining, or the VM's own"


SIZES = st.integers(0, 1 << 20)


@given(SIZES, SIZES, SIZES, st.integers(-(1 << 21), 1 << 21))
def test_the_parts_add_up(cache: int, slab: int, fragmented: int, size: int) -> None:
    sentence = tell_gap(ledger_with(cache=cache, slab=slab, fragmented=fragmented), size * MIB, "Windows")
    if ":" not in sentence or size < 0:
        assert size * MIB < WORTH_TELLING
        return
    total = tolerance = 0
    for less, figure in re.findall(r"(less )?([0-9.]+ [KMGT]iB)", sentence):
        told = parse_size(figure)
        total += -told if less else told
        tolerance += max(MIB, told // 19)  # ``1.0`` may be anything from 0.976 to 1.05
    assert abs(total - size * MIB) <= tolerance + 3 * WORTH_TELLING
