from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.host.source import LARGEST, NOT_FOUND, Candidate, choose_process, list_vms, plausible_size
from wsltop.model.sample import SeveralVms


def some(*names: str) -> list[Candidate]:
    return [Candidate(name=name, pid=100 + index, working_set=1) for index, name in enumerate(names)]


@pytest.mark.parametrize(
    ("names", "pid"),
    [
        (["vmmemWSL"], 100),
        (["VmmemWSL"], 100),
        (["VMMEMWSL.EXE"], 100),
        (["vmmem"], 100),
        (["vmmem", "vmmemWSL"], 101),
        (["vmmem", "vmmem", "vmmemWSL"], 102),
        (["vmmemWSA", "vmmem"], 101),
        (["vmmemwslc-x", "vmmemWSL"], 101),
    ],
)
def test_the_process_of_wsl_is_chosen(names: list[str], pid: int) -> None:
    chosen = choose_process(some(*names))
    assert isinstance(chosen, Candidate)
    assert chosen.pid == pid


@pytest.mark.parametrize("names", [[], ["vmmemWSA"], ["vmmemwslc-x"], ["vmmemCmZygote", "vmmemSandbox"], ["vmmem2"]])
def test_other_names_do_not_count(names: list[str]) -> None:
    assert choose_process(some(*names)) == NOT_FOUND


@pytest.mark.parametrize("name", ["vmmem", "vmmemWSL"])
def test_several_are_ambiguous_and_all_are_named(name: str) -> None:
    chosen = choose_process(some(name, name))
    assert isinstance(chosen, SeveralVms)
    assert [vm.name for vm in chosen.vms] == [name, name]
    assert chosen.hint


def test_the_same_process_twice_is_one() -> None:
    twice = [*some("vmmem"), *some("vmmem")]
    assert isinstance(choose_process(twice), Candidate)


@pytest.mark.parametrize("value", ["", "0", 0, -1, "-1", "1.5", "x", "9" * 5000, LARGEST, str(LARGEST)])
def test_an_impossible_size_is_none(value: str | int) -> None:
    assert plausible_size(value) is None


@given(st.integers(1, LARGEST - 1))
def test_a_size_is_read_from_number_or_digits(size: int) -> None:
    assert plausible_size(size) == plausible_size(str(size)) == size


def test_every_virtual_machine_is_listed_whichever_is_ours() -> None:
    listed = list_vms([Candidate(name="vmmemWSL", pid=1, working_set=5), Candidate(name="vmmem", pid=2, working_set=7)])
    assert [(vm.name, vm.working_set) for vm in listed] == [("vmmemWSL", 5), ("vmmem", 7)]
