"""``/proc/stat``."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.guest.kernel_files import StatSource, parse_stat
from wsltop.model.sample import CpuTimes, Unavailable

WSL = """\
cpu  10132153 290696 3084719 46828483 16683 0 25195 17 175628 0
cpu0 1393280 32966 572056 13343292 6130 0 17875 9 23933 0
cpu1 1335501 38421 491274 13405914 5220 0 3712 8 20917 0
intr 199292 0 9 0 0
ctxt 1234567
btime 1752000000
processes 26442
procs_running 1
softirq 12345 1 2 3
"""


def test_parses_a_wsl_kernel() -> None:
    assert parse_stat(WSL) == CpuTimes(
        user=10132153,
        nice=290696,
        system=3084719,
        idle=46828483,
        iowait=16683,
        irq=0,
        softirq=25195,
        steal=17,
        cpus=2,
        boot_time=1752000000,
    )


def test_columns_of_an_old_kernel_are_missing_not_zero() -> None:
    found = parse_stat("cpu 1 2 3 4\ncpu0 1 2 3 4\n")
    assert found == CpuTimes(user=1, nice=2, system=3, idle=4, cpus=1)
    found = parse_stat("cpu  1 2 3 4 5 6 7\ncpu0 1 2 3 4 5 6 7\n")
    assert isinstance(found, CpuTimes)
    assert (found.softirq, found.steal) == (7, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu",
        "cpu  1 2 3\ncpu0 1 2 3\n",
        "cpu  1 2 -3 4\ncpu0 1 2 3 4\n",
        "cpu  1 2 3 4",
        "cpu  1 2 3 4\nbtime 5\n",
        "cpu0 1 2 3 4\n",
        "cpu  " + "9" * 5000 + " 2 3 4\ncpu0 1 2 3 4\n",
    ],
)
def test_anything_else_is_unavailable(text: str) -> None:
    assert isinstance(parse_stat(text), Unavailable)


@given(st.text())
def test_hostile_text_never_raises(text: str) -> None:
    assert isinstance(parse_stat(text), CpuTimes | Unavailable)
    assert isinstance(parse_stat("cpu  1 2 3 4" + text + "\ncpu0 1"), CpuTimes | Unavailable)


def test_reads_fresh_figures_each_time(tmp_path: Path) -> None:
    source = StatSource(tmp_path)
    assert isinstance(source.read(), Unavailable)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text(WSL, "ascii")
    first = source.read()
    (tmp_path / "proc/stat").write_text(WSL.replace("10132153", "10132154"), "ascii")
    second = source.read()
    assert isinstance(first, CpuTimes)
    assert isinstance(second, CpuTimes)
    assert second.user - first.user == 1
    source.close()
