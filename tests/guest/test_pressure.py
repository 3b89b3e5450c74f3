from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import plant
from wsltop.guest.kernel_files import ABSENT, PressureSource, parse_pressure
from wsltop.model.sample import Pressure, Unavailable

TEXT = """\
some avg10=12.50 avg60=3.00 avg300=0.61 total=1500000
full avg10=100.00 avg60=1.00 avg300=0.00 total=250000
"""


def test_percent_become_shares_and_totals_are_left_out() -> None:
    assert parse_pressure(TEXT) == Pressure(
        some_avg10=0.125,
        some_avg60=0.03,
        full_avg10=1.0,
        full_avg60=0.01,
    )


def test_a_kernel_without_psi_says_what_to_do(tmp_path: Path) -> None:
    source = PressureSource(tmp_path)
    assert source.read() == ABSENT
    plant(tmp_path, "proc/pressure/memory", TEXT)
    assert isinstance(source.read(), Pressure)
    source.close()


@given(st.integers(0, len(TEXT) - 2))
def test_a_file_that_is_cut_off_is_unavailable(end: int) -> None:
    found = parse_pressure(TEXT[:end])
    assert isinstance(found, Unavailable) or found == parse_pressure(TEXT)


@given(st.text())
def test_nonsense_raises_nothing(text: str) -> None:
    assert isinstance(parse_pressure(text), Unavailable)


def test_the_running_kernel() -> None:
    source = PressureSource()
    found = source.read()
    source.close()
    assert isinstance(found, Unavailable) or 0 <= found.full_avg10 <= found.some_avg10 + 0.01 <= 1.02
