from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import plant
from wsltop.guest.kernel_files import LARGEST_ORDER, ReportingSource, parse_order
from wsltop.model.sample import ReportingOrder, Unavailable

PARAMETER = "sys/module/page_reporting/parameters/page_reporting_order"
ASSUMED = ReportingOrder(order=9, assumed=True)
NEVER = ReportingOrder(order=LARGEST_ORDER, assumed=False)


@pytest.mark.parametrize("order", [0, 5, 9, 10])
def test_a_chosen_order_is_taken(order: int) -> None:
    assert parse_order(f"{order}\n") == ReportingOrder(order=order, assumed=False)


@pytest.mark.parametrize("text", ["-1\n", "4294967295\n", "18446744073709551615\n", "-7\n", "64\n"])
def test_what_is_no_order_means_that_nothing_is_reported(text: str) -> None:
    assert parse_order(text) == NEVER


def test_an_order_above_the_largest_block_reports_nothing_and_is_kept() -> None:
    assert parse_order("11\n") == ReportingOrder(order=11, assumed=False)


@given(st.text())
def test_garbage_is_never_an_order(text: str) -> None:
    reading = parse_order(text)
    assert isinstance(reading, Unavailable) or text.strip().lstrip("-").isdigit()


@pytest.mark.parametrize("text", ["", "\n", "Y\n", "5 6\n", "9" * 5000, "\u0665\n", "0x5\n"])
def test_what_is_no_number_is_unavailable(text: str) -> None:
    assert isinstance(parse_order(text), Unavailable)


def test_without_the_parameter_or_the_module_it_is_assumed(tmp_path: Path) -> None:
    source = ReportingSource(tmp_path)
    assert source.read() == ASSUMED
    plant(tmp_path, PARAMETER, "5\n")
    assert source.read() == ReportingOrder(order=5, assumed=False)
    source.close()


def test_a_change_after_boot_is_seen(tmp_path: Path) -> None:
    plant(tmp_path, PARAMETER, "-1\n")
    source = ReportingSource(tmp_path)
    assert source.read() == NEVER
    plant(tmp_path, PARAMETER, "5\n")
    assert source.read() == ReportingOrder(order=5, assumed=False)
    source.close()


def test_an_unreadable_parameter_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / PARAMETER).mkdir(parents=True)
    assert isinstance(ReportingSource(tmp_path).read(), Unavailable)


def test_this_machine_has_an_order() -> None:
    source = ReportingSource()
    assert isinstance(source.read(), ReportingOrder)
    source.close()
