"""What wsltop itself costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.guest.texts import plant
from wsltop.guest.processes import PAGE_SIZE, TICKS, OwnUseSource
from wsltop.model.sample import Unavailable


def spin(seconds: float) -> None:
    """Use so much CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def stat(utime: int, stime: int, name: str = "powershell.exe") -> str:
    return f"77 ({name}) S 1 1 1 0 -1 4194304 9 9 0 0 {utime} {stime} 5 5 20 0 1 0 100 9999 99\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    plant(tmp_path, "proc/self/statm", "5000 1234 300 1 0 400 0\n")
    return tmp_path


def test_the_first_sample_knows_no_share_and_no_zero(tree: Path) -> None:
    source = OwnUseSource(tree)
    use = source.read(10.0)
    source.close()
    assert use.cpu is None
    assert use.resident == 1234 * PAGE_SIZE


def test_the_share_is_cpu_time_over_the_time_that_went_by(tree: Path) -> None:
    source = OwnUseSource(tree)
    source.read(10.0)
    spin(0.05)
    use = source.read(11.0)
    source.close()
    assert use.cpu is not None
    assert 0.05 <= use.cpu < 0.3


@pytest.mark.parametrize("monotonic", [10.0, 9.0])
def test_no_time_that_went_by_gives_no_share(tree: Path, monotonic: float) -> None:
    source = OwnUseSource(tree)
    source.read(10.0)
    assert source.read(monotonic).cpu is None
    source.close()


def test_children_count_even_after_their_end(tree: Path) -> None:
    path = plant(tree, "proc/77/stat", stat(0, 0))
    source = OwnUseSource(tree)
    source.read(10.0, [77])
    path.write_text(stat(2 * TICKS, TICKS))
    busy = source.read(20.0, [77]).cpu
    path.unlink()
    ended = source.read(30.0, [77]).cpu
    forgotten = source.read(40.0).cpu
    source.close()
    assert busy == pytest.approx(0.3, abs=0.05)
    assert ended == pytest.approx(0.0, abs=0.05)
    assert forgotten == pytest.approx(0.0, abs=0.05)


def test_a_child_cannot_lie_about_its_time_by_its_name(tree: Path) -> None:
    path = plant(tree, "proc/77/stat", stat(0, 0, name="a) S 1 (b"))
    source = OwnUseSource(tree)
    source.read(10.0, [77])
    path.write_text(stat(TICKS, 0, name="a) S 1 (b"))
    assert source.read(20.0, [77]).cpu == pytest.approx(0.1, abs=0.05)
    source.close()


def test_without_the_file_the_memory_is_unknown_and_not_zero(tmp_path: Path) -> None:
    source = OwnUseSource(tmp_path)
    assert isinstance(source.read(1.0).resident, Unavailable)
    source.close()


@pytest.mark.slow
def test_a_real_child_is_counted() -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    source = OwnUseSource()
    try:
        assert child.stdout is not None
        child.stdout.readline()
        source.read(0.0)
        assert source.read(1.0, [child.pid]).cpu == pytest.approx(0.3, abs=0.15)
    finally:
        child.communicate(b"\n", timeout=10)
        source.close()


def test_this_process_has_memory() -> None:
    source = OwnUseSource()
    resident = source.read(0.0).resident
    source.close()
    told = int(Path(f"/proc/{os.getpid()}/statm").read_text().split()[1]) * PAGE_SIZE
    assert isinstance(resident, int)
    assert abs(resident - told) < 8 * 1024**2
